//! What a person reads when a configuration is wrong.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Training {
    learning_rate: f64,
    max_length: usize,
    packing: bool,
    lr_scheduler_type: Schedule,
    lora: Lora,
    blocks: Vec<Lora>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Schedule {
    #[default]
    Cosine,
    Linear,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lora {
    lora_r: usize,
    lora_target_modules: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stage {
    environment: String,
    train: Training,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            learning_rate: 1e-4,
            max_length: 512,
            packing: true,
            lr_scheduler_type: Schedule::Cosine,
            lora: Lora::default(),
            blocks: Vec::new(),
        }
    }
}

fn parse(text: &str, overrides: &[&str]) -> Result<Training, ConfigError> {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    parse_config(Path::new("phase2.toml"), text, &overrides)
}

fn refusal(text: &str, overrides: &[&str]) -> String {
    parse(text, overrides).unwrap_err().to_string()
}

#[test]
fn aliases_are_accepted_at_every_level() {
    let config =
        parse("cutoff_len = 64\n[lora]\nlora_rank = 8\n[[blocks]]\nlora_target = [\"q_proj\"]\n", &[]).unwrap();
    assert_eq!(config.max_length, 64);
    assert_eq!(config.lora.lora_r, 8);
    assert_eq!(config.blocks[0].lora_target_modules, ["q_proj"]);
}

#[test]
fn overrides_win_under_any_name() {
    let text = "lr = 1e-3\n[lora]\nlora_r = 4\n";
    let config = parse(text, &["learning_rate=3e-4", "lora.lora_rank = 32", "lr_scheduler_type=linear"]).unwrap();
    assert_eq!(config.learning_rate, 3e-4);
    assert_eq!(config.lora.lora_r, 32);
    assert_eq!(config.lr_scheduler_type, Schedule::Linear);
}

#[test]
fn an_unknown_key_has_a_line_and_the_nearest_name() {
    assert_eq!(
        refusal("packing = true\n\nlearning_rat = 1e-3\n", &[]),
        "phase2.toml:3: unknown key `learning_rat`\nhint: did you mean `learning_rate`?"
    );
    assert_eq!(
        refusal("[lora]\n# rank\nlora_rankk = 3\n", &[]),
        "phase2.toml:3: unknown key `lora_rankk` in `lora`\nhint: did you mean `lora_r`?"
    );
    assert_eq!(
        refusal("", &["lora.rr=3"]),
        "--set lora.rr=3: unknown key `rr` in `lora`\nhint: did you mean `lora_r`?"
    );
    assert_eq!(
        refusal("", &["lora.speed=3"]),
        "--set lora.speed=3: unknown key `speed` in `lora`\nhint: known: `lora_r`, `lora_target_modules`"
    );
}

#[test]
fn a_key_of_a_table_beside_it_has_its_place() {
    assert_eq!(
        refusal("packing = true\ntarget_modules = [\"q\"]\nlora_r = 3\n", &[]),
        "phase2.toml:2: unknown key `target_modules`\nhint: did you mean `lora.target_modules`?"
    );
    assert_eq!(
        refusal("", &["lora_rank=3"]),
        "--set lora_rank=3: unknown key `lora_rank`\nhint: did you mean `lora.lora_rank`?"
    );
}

#[test]
fn a_key_of_a_table_above_or_far_below_has_its_place() {
    assert_eq!(
        refusal("[lora]\npacking = true\n", &[]),
        "phase2.toml:2: unknown key `packing` in `lora`\nhint: did you mean `packing`, outside of `lora`?"
    );
    let stage = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        parse_config::<Stage>(Path::new("p.toml"), text, &set).unwrap_err().to_string()
    };
    let told = stage("[train.lora]\nenvironment = \"sim\"\n", &[]);
    assert!(told.ends_with("hint: did you mean `environment`, outside of `train.lora`?"), "{told}");
    assert!(stage("lora_r = 3\n", &[]).ends_with("hint: did you mean `train.lora.lora_r`?"));
    assert!(stage("", &["lora_r=3"]).ends_with("hint: did you mean `train.lora.lora_r`?"));
    assert!(stage("", &["learning_rates=1e-3"]).ends_with("hint: did you mean `train.learning_rate`?"));
    assert!(stage("", &["speed=3"]).ends_with("hint: known: `environment`, `train`"));
}

#[test]
fn on_the_command_line_the_key_that_was_meant_has_what_was_typed_before_it() {
    let mut layers = ConfigLayers::new();
    let typed = |text: &str| Origin::Override(text.to_owned());
    layers.add_value("lora_r", toml::Value::Integer(3), &typed("lam2.lora_r=3"));
    assert_eq!(
        layers.decode::<Training>().unwrap_err().to_string(),
        "--set lam2.lora_r=3: unknown key `lora_r`\nhint: did you mean `lam2.lora.lora_r`?"
    );
    let mut layers = ConfigLayers::new();
    layers.add_value("lora.rr", toml::Value::Integer(3), &typed("lam2.lora.rr=3"));
    let told = layers.decode::<Training>().unwrap_err().to_string();
    assert!(told.ends_with("hint: did you mean `lora_r`?"), "{told}");
}

#[test]
fn a_list_of_one_may_be_written_as_its_item() {
    let config = parse("[lora]\nlora_target_modules = \"q_proj\"\n", &[]).unwrap();
    assert_eq!(config.lora.lora_target_modules, ["q_proj"]);
    assert_eq!(
        refusal("[lora]\nlora_target_modules = 3\n", &[]),
        "phase2.toml:2: `lora.lora_target_modules` must be text in quotes, not integer `3`"
    );
    assert_eq!(
        refusal("[lora.lora_target_modules]\nq_proj = true\n", &[]),
        "phase2.toml:1: `lora.lora_target_modules` must be a list, not table"
    );
}

#[test]
fn a_wrong_type_has_a_line_and_the_expected_kind() {
    assert_eq!(
        refusal("max_length = 3\nlearning_rate = \"fast\"\n", &[]),
        "phase2.toml:2: `learning_rate` must be a number, not string \"fast\""
    );
    assert_eq!(
        refusal("[lora]\nlora_r = -1\n", &[]),
        "phase2.toml:2: `lora.lora_r` must be a whole number, 0 or greater, not integer `-1`"
    );
    assert_eq!(
        refusal("lora = { lora_target_modules = [\n \"q\",\n 3 ] }\n", &[]),
        "phase2.toml:3: `lora.lora_target_modules.1` must be text in quotes, not integer `3`"
    );
    assert_eq!(
        refusal("lr_scheduler_type = \"cosin\"\n", &[]),
        "phase2.toml:1: `lr_scheduler_type` cannot be `cosin`\nhint: did you mean `cosine`? known: `cosine`, `linear`"
    );
}

#[test]
fn syntax_errors_name_the_place() {
    assert!(refusal("a = 1\nb = = 2\n", &[]).starts_with("phase2.toml:2: "));
    assert_eq!(refusal("", &["packing"]), "--set packing: expected key=value");
    assert_eq!(refusal("", &["lora=[1,"]), "--set lora=[1,: `[1,` is not a TOML value");
}

#[test]
fn another_language_is_told_by_its_look() {
    let told = |text: &str| refusal(text, &[]);
    for text in ["learning_rate: 1e-3\n", "# settings\n\nlora:\n  lora_r: 4\n", "---\na: b\n", "- a\n- b\n"] {
        assert!(told(text).contains("hint: this looks like YAML; write TOML: `key = value`"), "{text}: {}", told(text));
    }
    assert!(told("{\n  \"learning_rate\": 1e-3\n}\n").contains("this looks like JSON"));
    for text in ["name = \"a: b\" x\n", "[lora\nlora_r = 4\n", "learning_rate == 3\n"] {
        assert!(!told(text).contains("hint"), "{text}: {}", told(text));
    }
    let named = parse_config::<Training>(Path::new("a.yml"), "learning_rate\n", &[]).unwrap_err().to_string();
    assert!(named.starts_with("a.yml:1: ") && named.contains("YAML"), "{named}");
}

#[test]
fn an_alias_beside_its_name_is_refused() {
    assert_eq!(
        refusal("max_length = 3\ncutoff_len = 4\n", &[]),
        "phase2.toml:2: `cutoff_len` and `max_length` mean the same, and both are given\nhint: keep `max_length`"
    );
}

#[test]
fn the_resolved_configuration_reads_back() {
    let config = parse("learning_rate = 0.002\n[lora]\nlora_r = 4\n", &[]).unwrap();
    let text = config_to_toml(&config).unwrap();
    assert_eq!(parse(&text, &[]).unwrap(), config);
}

#[test]
fn two_aliases_of_one_key_are_refused_at_every_depth() {
    let given: toml::Table = "[train]\nnum_epochs = 3\nepochs = 2\n".parse().unwrap();
    let defaults: toml::Table = "[train]\nnum_train_epochs = 1\n".parse().unwrap();
    let error = crate::decode_over::<toml::Table>(defaults, &given).unwrap_err().to_string();
    assert!(error.contains("`train.") && error.contains("mean the same, and both are given"), "{error}");
}

#[test]
fn a_value_is_taken_out_under_any_of_its_names() {
    let mut layers = ConfigLayers::new();
    layers.add_text(Path::new("p.toml"), "[train]\nlr = 0.1\nmetric_logger = \"mlflow\"\n").unwrap();
    let (value, origin) = layers.take_value("train.report_to").unwrap();
    assert_eq!((value.as_str(), origin.unwrap().to_string()), (Some("mlflow"), "p.toml:3".to_owned()));
    assert!(layers.take_value("train.report_to").is_none() && layers.take_value("eval.report_to").is_none());
    assert_eq!(layers.table().to_string(), "[train]\nlr = 0.1\n");
    assert!(layers.origin("train.learning_rate").is_some());
}
