//! What can be named in files and on the command line: environments and kinds of stages. A new one is one line here.

use lam_env::Environments;
use lam_pipeline::{Code, CrateCode, Registry};

/// Every crate with the hash of its code and the crates that it uses; made by `build.rs`.
const CODE: &[CrateCode] = &include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// The environments.
pub fn environments() -> Environments {
    Environments::new()
        .with(lam_env_sim::SimProvider)
        .with(lam_env_web::WebProvider)
        .with(lam_env_desktop::DesktopProvider)
        .with(lam_env_remote::RemoteProvider)
}

/// Every kind of stage. What a crate's kinds are called stands in its `stage.rs`; `phase3.train` is phase 2's run on the
/// enlarged set and stands there.
pub fn registry() -> Registry {
    let registry = Registry::new(environments(), Code::new(CODE));
    let registry = lam_collect::register(registry);
    let registry = lam_base::register(registry);
    let registry = lam_phase1_pretrain::register(registry);
    let registry = lam_phase2_imitate::register(registry);
    let registry = lam_phase3_explore::register(registry);
    let registry = lam_phase4_reinforce::register(registry);
    let registry = lam_eval::register(registry);
    lam_export::register(registry)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::{Table, Value};

    use super::*;

    /// Whether a key (dotted) has a default; in one of several forms of a table only those of the default form do.
    fn has_default(defaults: &Table, key: &str) -> bool {
        let mut value = None;
        let mut table = Some(defaults);
        for part in key.split('.') {
            value = table.and_then(|table| table.get(part));
            table = value.and_then(Value::as_table);
        }
        value.is_some()
    }

    #[test]
    fn every_key_of_every_stage_has_help_and_a_default() {
        let registry = registry();
        let unset = [
            "model_name_or_path",
            "judge",
            "teacher",
            "trajectories.phrasing",
            "trajectories.teacher",
            "lora.lora_target_modules",
        ];
        for kind in registry.kinds() {
            let defaults = registry.defaults(kind).unwrap();
            let helps = registry.helps(kind).unwrap();
            assert!(!helps.is_empty(), "{kind} has no key");
            for (key, help) in helps {
                assert!(help.is_some_and(|help| !help.trim().is_empty()), "{kind}: `{key}` has no help");
                let may_be_unset = unset.iter().any(|unset| key == *unset || key.starts_with(&format!("{unset}.")));
                assert!(may_be_unset || has_default(&defaults, &key), "{kind}: `{key}` has no default");
            }
        }
    }

    #[test]
    fn every_alias_stands_for_a_key_of_some_stage() {
        let registry = registry();
        let helps = registry.kinds().filter_map(|kind| registry.helps(kind)).flatten();
        let keys: BTreeSet<String> = helps.filter_map(|(key, _)| Some(key.rsplit('.').next()?.to_owned())).collect();
        for (alias, name) in lam_config::ALIASES {
            assert!(keys.contains(*name), "`{alias}` stands for `{name}`, which no stage knows");
        }
    }

    #[test]
    fn no_setting_is_a_seed_that_the_stage_overwrites() {
        let registry = registry();
        for kind in registry.kinds() {
            let seeds = registry.helps(kind).unwrap().into_iter().map(|(key, _)| key);
            let seeds: Vec<String> = seeds.filter(|key| key == "seed" || key.ends_with(".seed")).collect();
            assert!(seeds.iter().all(|key| key == "bootstrap.seed"), "{kind}: {seeds:?}");
        }
    }

    #[test]
    fn every_crate_with_a_stage_or_an_environment_has_its_code_hashed() {
        for name in ["lam-collect", "lam-base", "lam-phase4-reinforce", "lam-eval", "lam-export", "lam-env-sim"] {
            let code = CODE.iter().find(|code| code.name == name).unwrap();
            assert_eq!(code.hash.len(), 32);
            assert!(code.uses.contains(&"lam-types") || code.uses.contains(&"lam-store"), "{name}: {:?}", code.uses);
        }
        let hashes: BTreeSet<&str> = CODE.iter().map(|code| code.hash).collect();
        assert_eq!(hashes.len(), CODE.len());
    }
}
