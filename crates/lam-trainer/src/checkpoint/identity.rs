//! What a checkpoint was made from. A resumed run must be made from the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::{TrainerError, TrainingArguments};

/// Keys and values (or hashes) that a run is made from: `model`, `tokenizer`, `data`, `arguments.learning_rate`, …
pub type Identity = BTreeMap<String, String>;

/// Arguments that change nothing in the rest of the training.
const FREE: [&str; 4] = ["save_total_limit", "save_dtype", "logging_timings", "max_memory_mib"];

/// Key of the order in which products are summed, in words: the numerics, and whose they are. In a manifest it is
/// `arithmetic`.
pub(crate) const ARITHMETIC: &str = "numerics";
/// Its value where a device computes. A run may go on on another device, and there not to the same bytes anyway.
pub(crate) const ON_A_DEVICE: &str = "of a device";

/// The arguments that must not change between a checkpoint and its resumption, as part of an identity.
pub(crate) fn fixed_arguments(arguments: &TrainingArguments) -> Identity {
    let fixed = arguments.record().into_iter().filter(|(key, _)| !FREE.contains(&key.as_str()));
    fixed.map(|(key, value)| (format!("arguments.{key}"), value.to_string())).collect()
}

/// Settings as part of an identity, a key for each value: `policy.cliprange`, `policy.lora.lora_r`, …
pub fn settings_identity<T: Serialize>(name: &str, settings: &T) -> Identity {
    let mut identity = Identity::new();
    flatten(name, &serde_json::to_value(settings).expect("settings are plain data"), &mut identity);
    identity
}

fn flatten(key: &str, value: &Value, identity: &mut Identity) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, identity))
        }
        value => drop(identity.insert(key.to_owned(), value.to_string())),
    }
}

/// Refuses a checkpoint of another identity, with every key that differs.
pub(crate) fn refuse_other(checkpoint: &Path, then: &Identity, now: &Identity) -> Result<(), TrainerError> {
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let value = |identity: &Identity, key: &String| identity.get(key).cloned().unwrap_or_else(|| "absent".into());
    let differences: Vec<String> = keys
        .into_iter()
        .filter(|key| then.get(*key) != now.get(*key) && !is_of_a_device(key, then, now))
        .map(|key| format!("  {key}: was {}, is {}", value(then, key), value(now, key)))
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(TrainerError::ResumeMismatch { path: checkpoint.into(), differences: differences.join("\n") })
}

/// Whether it is numerics that a device had, or will have.
fn is_of_a_device(key: &str, then: &Identity, now: &Identity) -> bool {
    let on_device = |identity: &Identity| identity.get(key).is_some_and(|value| value == ON_A_DEVICE);
    key == ARITHMETIC && (on_device(then) || on_device(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_compared_value_by_value() {
        let settings = serde_json::json!({"lora": {"lora_r": 8, "modules": ["q_proj"]}, "rate": 0.5});
        let expected = [("policy.lora.lora_r", "8"), ("policy.lora.modules", "[\"q_proj\"]"), ("policy.rate", "0.5")];
        let expected: Identity = expected.map(|(key, value)| (key.into(), value.into())).into();
        assert_eq!(settings_identity("policy", &settings), expected);
    }

    #[test]
    fn every_key_that_differs_is_named() {
        let then = Identity::from([("data".into(), "a".into()), ("model".into(), "m".into())]);
        let now = Identity::from([("data".into(), "b".into()), ("tokenizer".into(), "t".into())]);
        refuse_other(Path::new("checkpoint-1"), &then, &then).unwrap();
        let error = refuse_other(Path::new("checkpoint-1"), &then, &now).unwrap_err().to_string();
        for part in
            ["checkpoint-1", "data: was a, is b", "model: was m, is absent", "tokenizer: was absent, is t", "hint:"]
        {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn numerics_must_be_the_same_on_the_processor_and_may_change_with_the_device() {
        let of = |numerics: &str| Identity::from([(ARITHMETIC.into(), numerics.into())]);
        let refused = |then: &str, now: &str| refuse_other(Path::new("checkpoint-1"), &of(then), &of(now)).err();
        let error = refused("portable", "fast (amx)").expect("another order of sums").to_string();
        assert!(error.contains("numerics: was portable, is fast (amx)"), "{error}");
        for (then, now) in [("fast (amx)", "fast (amx)"), ("fast (amx)", ON_A_DEVICE), (ON_A_DEVICE, "portable")] {
            assert!(refused(then, now).is_none(), "{then} {now}");
        }
    }
}
