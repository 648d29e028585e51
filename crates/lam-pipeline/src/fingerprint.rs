//! What a result depends on, as one hash: equal fingerprints, equal results. Times and names do not count.

use std::collections::BTreeMap;

use lam_store::{InputRef, Manifest, hash_bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toml::Table;

use crate::check::{Prepared, TRAINING};
use crate::reason::{ConfigChange, Reason};

/// Inputs with their hashes, by name.
pub(crate) type Inputs = BTreeMap<String, Vec<InputRef>>;

/// All that a result depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub kind: String,
    /// Absent in work of programs that did not hash their code: it differs from any.
    #[serde(default)]
    pub code: BTreeMap<String, String>,
    pub config: Value,
    pub seed: u64,
    pub inputs: Inputs,
}

impl Identity {
    /// Of a stage whose inputs are these.
    pub fn of(prepared: &Prepared<'_>, inputs: Inputs) -> Self {
        Self {
            kind: prepared.spec.kind.clone(),
            code: prepared.code.clone(),
            config: canonical(prepared.configured.table()),
            seed: prepared.spec.seed,
            inputs,
        }
    }

    pub fn fingerprint(&self) -> String {
        let hashes: BTreeMap<&String, Vec<&str>> = self
            .inputs
            .iter()
            .map(|(name, inputs)| (name, inputs.iter().map(|input| input.hash.as_str()).collect()))
            .collect();
        let content = json!([self.kind, self.code, self.config, self.seed, hashes]);
        hash_bytes(content.to_string().as_bytes())
    }

    /// What differs from unfinished work that the person who started it would not expect to lose: all that was written
    /// down for it, and inputs from outside. What an earlier stage made anew is no surprise.
    pub fn own_differences(&self, earlier: &Identity) -> Vec<Reason> {
        let outside = |identity: &Identity| {
            let mut identity = identity.clone();
            identity.inputs.values_mut().for_each(|inputs| inputs.retain(|input| input.stage.is_none()));
            identity
        };
        let mut reasons = self.differences(earlier);
        reasons.extend(outside(self).input_differences(&outside(earlier)));
        reasons
    }

    /// What differs from a finished result that the person who made it would not expect to lose. Code that changed is a
    /// reason to make it again.
    pub fn losses(&self, earlier: &Identity) -> Vec<Reason> {
        let mut reasons = self.own_differences(earlier);
        reasons.retain(|reason| !matches!(reason, Reason::CodeChanged { .. }));
        reasons
    }

    pub fn config_hash(&self) -> String {
        hash_bytes(self.config.to_string().as_bytes())
    }

    /// What differs between this and what made an earlier result, but for inputs.
    pub fn differences(&self, earlier: &Identity) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.kind != earlier.kind {
            reasons.push(Reason::KindChanged { old: earlier.kind.clone(), new: self.kind.clone() });
        }
        let crates = self.changed_crates(earlier);
        if !crates.is_empty() {
            reasons.push(Reason::CodeChanged { crates });
        }
        if self.seed != earlier.seed {
            reasons.push(Reason::SeedChanged { old: earlier.seed, new: self.seed });
        }
        let mut changes = Vec::new();
        config_changes("", Some(&earlier.config), Some(&self.config), &mut changes);
        if !changes.is_empty() {
            reasons.push(Reason::ConfigChanged { changes });
        }
        reasons
    }

    /// The crates whose code is not what made an earlier result.
    fn changed_crates(&self, earlier: &Identity) -> Vec<String> {
        let names = self.code.keys().chain(earlier.code.keys().filter(|name| !self.code.contains_key(*name)));
        names.filter(|name| self.code.get(*name) != earlier.code.get(*name)).cloned().collect()
    }

    /// Which inputs differ from those of an earlier result.
    pub fn input_differences(&self, earlier: &Identity) -> Vec<Reason> {
        let names = self.inputs.keys().chain(earlier.inputs.keys().filter(|name| !self.inputs.contains_key(*name)));
        let hashes = |inputs: Option<&Vec<InputRef>>| -> Vec<String> {
            inputs.into_iter().flatten().map(|input| input.hash.clone()).collect()
        };
        let differs = |name: &&String| hashes(self.inputs.get(*name)) != hashes(earlier.inputs.get(*name));
        let reason = |name: &String| {
            let paths = self.inputs.get(name).into_iter().flatten().map(|input| input.path.clone());
            Reason::InputChanged { input: name.clone(), paths: paths.collect() }
        };
        names.filter(differs).map(reason).collect()
    }
}

impl From<&Manifest> for Identity {
    fn from(manifest: &Manifest) -> Self {
        Self {
            kind: manifest.kind.clone(),
            code: manifest.code.clone(),
            config: without_report_to(manifest.config.clone()),
            seed: manifest.seed,
            inputs: manifest.inputs.clone(),
        }
    }
}

/// A configuration without the key that once stood in it, and never made a result another.
pub(crate) fn without_report_to(mut config: Value) -> Value {
    if let Some(train) = config.get_mut(TRAINING).and_then(Value::as_object_mut) {
        train.shift_remove("report_to");
    }
    config
}

/// A table as JSON with sorted keys.
fn canonical(table: &Table) -> Value {
    let sorted: BTreeMap<&String, Value> = table.iter().map(|(key, value)| (key, canonical_value(value))).collect();
    json!(sorted)
}

fn canonical_value(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => canonical(table),
        toml::Value::Array(items) => items.iter().map(canonical_value).collect(),
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        // Infinities have no JSON number.
        toml::Value::Float(number) if number.is_finite() => json!(number),
        toml::Value::Float(number) => json!(number.to_string()),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(time) => json!(time.to_string()),
    }
}

fn config_changes(key: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<ConfigChange>) {
    if old == new {
        return;
    }
    let tables = (old.and_then(Value::as_object), new.and_then(Value::as_object));
    if let (Some(old), Some(new)) = tables {
        let keys = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name)));
        for name in keys {
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            config_changes(&path, old.get(name), new.get(name), changes);
        }
        return;
    }
    let text = |value: Option<&Value>| value.map_or("(default)".to_string(), Value::to_string);
    changes.push(ConfigChange { key: key.to_string(), old: text(old), new: text(new) });
}
