//! What can be named in files and on the command line: environments and kinds of stages. A new one is one line here.

use lam_env::Environments;
use lam_pipeline::{Code, CrateCode, Registry};

/// Every crate with the hash of its code and the crates that it uses; made by `build.rs`.
const CODE: &[CrateCode] = &include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// What the models of a run are called, the last one first.
pub const LAST_FIRST: [&str; 5] = ["LAM4", "LAM3", "LAM2", "LAM1", "base"];

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
    use std::path::Path;

    use lam_pipeline::{Pipeline, PipelineError};
    use lam_signal::Fault;
    use toml::Table;

    use super::*;

    /// Whether a key (dotted) has a default; in one of several forms of a table only those of the default form do.
    fn has_default(defaults: &Table, key: &str) -> bool {
        lam_config::value_at(defaults, key).is_some()
    }

    #[test]
    fn every_key_of_every_stage_has_help_and_a_default() {
        let registry = registry();
        let unset = [
            "model_name_or_path",
            "adapter_name_or_path",
            "judge",
            "teacher",
            "trajectories.phrasing",
            "trajectories.teacher",
            "lora.lora_target_modules",
            "anchor",
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

    /// The miniature pipeline, and where it lies: what it names lies beside it.
    const MINIATURE: &str = include_str!("../../../tests/miniature/pipeline.toml");
    const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/miniature/pipeline.toml");

    /// The miniature pipeline with a setting laid over it, looked at as before a run.
    fn check_with(set: &str) -> Result<(), PipelineError> {
        let pipeline = Pipeline::load_with(Path::new(PLACE), &[set.to_owned()], &|_| Ok(MINIATURE.to_owned()))?;
        lam_pipeline::check(&pipeline, &registry())
    }

    #[test]
    fn a_name_that_a_kind_once_had_is_understood_and_not_listed() {
        let former = MINIATURE.replace("\"phase4.policy\"", "\"phase4.ppo\"");
        assert_ne!(former, MINIATURE);
        let pipeline = Pipeline::load_with(Path::new(PLACE), &[], &|_| Ok(former.clone())).unwrap();
        lam_pipeline::check(&pipeline, &registry()).unwrap();
        assert_eq!(registry().model_name("phase4.ppo"), Some("LAM4"));
        assert!(registry().kinds().all(|kind| kind != "phase4.ppo"));
    }

    /// A stage of this kind in the miniature pipeline, with the key as an assignment writes it.
    fn assignment(kind: &str, key: &str, value: &str) -> String {
        let stages = [
            ("base", "base"),
            ("plans", "plans"),
            ("trajectories", "expert"),
            ("phase1", "lam1"),
            ("phase2", "lam2"),
            ("phase3.explore", "explore"),
            ("phase3.train", "lam3"),
            ("phase4.reward", "reward"),
            ("phase4.policy", "lam4"),
            ("eval.plan", "eval-plan"),
            ("eval.step", "eval-step"),
            ("eval.online", "eval-online"),
            ("export", "export"),
        ];
        let (_, stage) = stages.into_iter().find(|(of, _)| *of == kind).expect("every kind is in the miniature");
        match key.split_once("[].") {
            Some((list, key)) => format!("{stage}.{list}=[{{ {key} = {value} }}]"),
            None => format!("{stage}.{key}={value}"),
        }
    }

    #[test]
    fn every_number_has_a_range_and_none_outside_is_taken() {
        let registry = registry();
        for kind in registry.kinds() {
            for (key, range) in registry.ranges(kind).unwrap() {
                let (Some(low), Some(high)) = range.bounds() else { panic!("{kind}: `{key}` has no range") };
                let above = if high < 1e9 { high + 1.0 } else { 2.0 * high };
                let numbers = [low - 1.0, above, -1e30, 1e300];
                // Inside a list, a whole number that TOML has no room for is no TOML.
                let whole = numbers.into_iter().filter(|number| !key.contains("[]") || number.abs() < 9e18);
                let whole: Vec<String> = whole.map(|number| format!("{number:.0}")).collect();
                let values = numbers.map(|number| format!("{number:?}")).into_iter().chain(whole);
                for value in values.chain(["nan", "inf", "-inf"].map(str::to_owned)) {
                    let set = assignment(kind, &key, &value);
                    let Err(error) = check_with(&set) else { panic!("{set} is taken") };
                    let (said, leaf) = (error.to_string(), key.rsplit('.').next().unwrap_or(&key));
                    assert_eq!(error.kind().exit_code(), 2, "{said}");
                    assert!(said.contains(&format!("{leaf}`")) && said.contains("must be "), "{set}: {said}");
                }
            }
        }
    }

    #[test]
    fn every_alias_stands_for_a_key_of_some_stage() {
        let registry = registry();
        let helps = registry.kinds().filter_map(|kind| registry.helps(kind)).flatten();
        let keys: BTreeSet<String> = helps.filter_map(|(key, _)| Some(key.rsplit('.').next()?.to_owned())).collect();
        for (alias, name) in lam_config::ALIASES {
            // Where figures go is the run's matter, wherever it is written.
            assert!(
                keys.contains(*name) || *name == "report_to",
                "`{alias}` stands for `{name}`, which no stage knows"
            );
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
