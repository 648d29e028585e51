//! Each kind of export in Hugging Face's layout: what is written, that it reloads to the same numbers, and what is refused.

use std::fs;
use std::path::Path;

use lam_export::{ExportConfig, ExportError, Kind, Sources, export};
use lam_model::{Decoder, Finetuning, LoraConfig, Precision};
use lam_prompt::Tokenizer;
use serde_json::json;

use crate::models::{adapter, inputs, manifest, model, read, reward_model, trained, trained_in};

#[test]
fn adapter_and_merged_model_agree_and_differ_from_the_base() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export");
    let _ = fs::remove_dir_all(&root);
    let base = model(&root, "base", 1);
    let adapter = adapter(&root, &base, true);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base.clone()), ..Sources::default() };
    let config = ExportConfig { model_name: "LAM4".to_owned(), ..ExportConfig::default() };
    let written =
        export(Kind::Adapter, &inputs(&adapter, sources.clone()), &root.join("out/adapter"), &config).unwrap();
    assert!(written.checks[0].max_abs_difference > 1e-3, "{:?}", written.checks);
    assert!(written.checks[1].max_abs_difference < 1e-4, "{:?}", written.checks);
    let merged = export(Kind::Merged, &inputs(&adapter, sources), &root.join("out/merged"), &config).unwrap();
    for (one, other) in written.probes.iter().zip(&merged.probes) {
        assert_eq!(one.input_ids, other.input_ids);
        assert!(one.logits.iter().zip(&other.logits).all(|(a, b)| (a - b).abs() < 1e-4));
    }
    let peft = read(&root.join("out/adapter/adapter_config.json"));
    assert_eq!((&peft["peft_type"], &peft["r"], &peft["task_type"]), (&json!("LORA"), &json!(4), &json!("CAUSAL_LM")));
    assert!(peft["target_modules"].is_array());
    assert_eq!(peft["base_model_name_or_path"], json!("base"));
    for file in
        ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja", "README.md", "export.json"]
    {
        assert!(root.join("out/merged").join(file).is_file(), "{file} is missing");
    }
    assert_eq!(read(&root.join("out/merged/config.json"))["architectures"], json!(["MistralForCausalLM"]));
}

#[test]
fn an_adapter_that_changes_nothing_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    let adapter = adapter(root.path(), &base, false);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base), ..Sources::default() };
    let output = root.path().join("out");
    let error = export(Kind::Adapter, &inputs(&adapter, sources), &output, &ExportConfig::default()).unwrap_err();
    assert!(matches!(error, ExportError::NoEffect { .. }), "{error}");
    assert!(!output.exists() && !root.path().join("out.partial").exists(), "nor what was being made");
}

#[test]
fn the_reward_model_is_a_classifier_with_one_label() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export-reward");
    let _ = fs::remove_dir_all(&root);
    let stage = reward_model(&root);
    // Another padding token than the one that texts were scored with: the end of every answer.
    let names = stage.join("tokenizer_config.json");
    let mut named = read(&names);
    named["pad_token"] = json!("</s>");
    fs::write(&names, named.to_string()).unwrap();
    let sources = Sources { reward: Some(stage.clone()), ..Sources::default() };
    let record = export(Kind::Reward, &inputs(&stage, sources), &root.join("out"), &ExportConfig::default()).unwrap();
    assert_eq!(record.probes[0].logits.len(), 1);
    let config = read(&root.join("out/config.json"));
    assert_eq!(config["architectures"], json!(["MistralForSequenceClassification"]));
    assert_eq!(config["num_labels"], json!(1));
    let pad = Tokenizer::load(&stage).unwrap().pad();
    assert_eq!(config["pad_token_id"], json!(pad));
    for file in ["tokenizer_config.json", "special_tokens_map.json"] {
        let named = read(&root.join("out").join(file));
        assert_eq!(
            Tokenizer::load(&stage).unwrap().token_id(named["pad_token"].as_str().unwrap()),
            Some(pad),
            "{file}"
        );
    }
    let found = Sources::find(&root.join("out")).unwrap();
    assert_eq!((found.reward, found.model), (Some(root.join("out")), None));
}

#[test]
fn the_card_of_a_reward_model_says_whether_its_predictions_are_kept() {
    let root = tempfile::tempdir().unwrap();
    let stage = reward_model(root.path());
    let sources = Sources { reward: Some(stage.clone()), ..Sources::default() };
    let card = |name: &str| {
        let output = root.path().join(name);
        let done = export(Kind::Reward, &inputs(&stage, sources.clone()), &output, &ExportConfig::default());
        done.map(|_| fs::read_to_string(output.join("README.md")).unwrap())
    };
    assert!(card("unknown").unwrap().contains("## Calibration\n\nNot known"));
    let bin = json!({"from": 0.9, "steps": 40, "predicted": 0.94, "succeeded": 0.9});
    let figures = json!({"steps": 40, "brier_score": 0.08, "brier_score_of_share": 0.09,
        "expected_calibration_error": 0.04, "bins": [bin]});
    manifest("reward", "phase4.reward", json!({ "eval_calibration": figures })).write(&stage).unwrap();
    let known = card("known").unwrap();
    assert!(
        known.contains("Brier score is 0.0800") && known.contains("| 0.9 to 1.0 | 40 | 0.940 | 0.900 |"),
        "{known}"
    );
    manifest("reward", "phase4.reward", json!({ "eval_calibration": null })).write(&stage).unwrap();
    assert!(card("none").unwrap().contains("## Calibration\n\nNot known"));
    manifest("reward", "phase4.reward", json!({ "eval_calibration": {"steps": "many"} })).write(&stage).unwrap();
    let error = card("damaged").unwrap_err().to_string();
    assert!(error.contains("manifest.json") && error.contains("`metrics.eval_calibration`"), "{error}");
}

#[test]
fn a_reward_model_is_no_policy_and_a_policy_no_reward_model() {
    let root = tempfile::tempdir().unwrap();
    let (policy, reward) = (model(root.path(), "policy", 1), reward_model(root.path()));
    let output = root.path().join("out");
    let sources = Sources { model: Some(reward.clone()), ..Sources::default() };
    let error = export(Kind::Merged, &inputs(&reward, sources), &output, &ExportConfig::default()).unwrap_err();
    assert!(error.to_string().contains("this is a reward model, not a policy"), "{error}");
    let sources = Sources { reward: Some(policy.clone()), ..Sources::default() };
    let error = export(Kind::Reward, &inputs(&policy, sources), &output, &ExportConfig::default()).unwrap_err();
    assert!(error.to_string().contains("this is a policy, not a reward model"), "{error}");
    assert!(!output.exists());
}

#[test]
fn both_exports_of_a_quantised_run_are_the_model_that_was_evaluated() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    let lora = LoraConfig { lora_r: 4, lora_alpha: 8.0, ..LoraConfig::default() };
    let stage = trained(root.path(), &base, &Finetuning::Qlora { lora, bits: 4 });
    let sources = Sources { base: Some(base.clone()), ..Sources::find(&stage).unwrap() };
    assert_eq!((sources.model.as_deref(), sources.adapter.is_some()), (Some(&*stage), true));
    let config = ExportConfig::default();
    let out = root.path().join("out");
    let merged = export(Kind::Merged, &inputs(&stage, sources.clone()), &out.join("merged"), &config).unwrap();
    let adapter = export(Kind::Adapter, &inputs(&stage, sources), &out.join("adapter"), &config).unwrap();
    let apart = |one: &[lam_export::Probe], other: &[lam_export::Probe]| {
        let pairs = one.iter().zip(other).flat_map(|(one, other)| one.logits.iter().zip(&other.logits));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(apart(&merged.probes, &adapter.probes) < 1e-4);
    assert!(adapter.checks[2].max_abs_difference > 0.01, "the base was quantised: {:?}", adapter.checks);
    assert!(adapter.base.as_ref().unwrap().contains("quantised to 4 bits"), "{:?}", adapter.base);
    assert!(fs::read_to_string(out.join("adapter/README.md")).unwrap().contains("`base/` holds this base"));

    // The exported adapter names that base, and gives the same model again.
    let found = Sources::find(&out.join("adapter")).unwrap();
    assert_eq!(found.base.as_deref(), Some(&*out.join("adapter/base")));
    let again = export(Kind::Merged, &inputs(&out.join("adapter"), found), &out.join("again"), &config).unwrap();
    assert!(apart(&merged.probes, &again.probes) < 1e-4);
    // Over the base that training began with it is another model, which is refused.
    let sources = Sources { adapter: Some(out.join("adapter")), base: Some(base), ..Sources::default() };
    let error = export(Kind::Merged, &inputs(&stage, sources), &out.join("other"), &config).unwrap_err().to_string();
    assert!(error.contains("was trained over weights"), "{error}");
}

#[test]
fn exports_of_a_run_that_was_saved_in_bf16_are_the_model_that_was_evaluated() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    // As models of others lie in their files.
    let narrow = root.path().join("narrow");
    Decoder::load(&base, &Finetuning::Frozen, 0).unwrap().save_in(Precision::Bf16, &narrow).unwrap();
    Tokenizer::load(&base).unwrap().save(&narrow).unwrap();
    let stage = trained_in(Precision::Bf16, root.path(), &narrow, &Finetuning::Lora(LoraConfig::default()));
    let sources = Sources { base: Some(narrow), ..Sources::find(&stage).unwrap() };
    let (config, out) = (ExportConfig::default(), root.path().join("out"));
    // The model is written as it lies there: every bit, in as many bytes.
    let merged = export(Kind::Merged, &inputs(&stage, sources.clone()), &out.join("merged"), &config).unwrap();
    let weights = |directory: &Path| fs::read(directory.join("model.safetensors")).unwrap();
    assert!(weights(&out.join("merged")) == weights(&stage));
    assert_eq!(read(&out.join("merged/config.json"))["torch_dtype"], "bfloat16");
    assert!(merged.checks[0].max_abs_difference < 1e-4, "{:?}", merged.checks);
    // The adapter agrees with it once its product is rounded as well, and not before.
    let adapter = export(Kind::Adapter, &inputs(&stage, sources), &out.join("adapter"), &config).unwrap();
    assert!(adapter.checks[1].what.contains("rounded to bf16"), "{:?}", adapter.checks);
    assert!(adapter.checks[1].max_abs_difference < 1e-4, "{:?}", adapter.checks);
    assert!(adapter.checks[2].max_abs_difference > 1e-4, "{:?}", adapter.checks);
}

#[test]
fn an_adapter_that_is_not_the_evaluated_model_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    let stage = trained(root.path(), &base, &Finetuning::Lora(LoraConfig::default()));
    let other = model(root.path(), "other", 9);
    let sources = Sources { model: Some(other), adapter: Some(stage.join("adapter")), base: Some(base), reward: None };
    let error = export(Kind::Adapter, &inputs(&stage, sources), &root.path().join("out"), &ExportConfig::default());
    let error = error.unwrap_err();
    assert!(matches!(error, ExportError::Differs { .. }), "{error}");
    assert!(!root.path().join("out").exists());
}

#[test]
fn a_stage_without_a_model_is_refused_with_a_hint() {
    let root = tempfile::tempdir().unwrap();
    let sources = Sources::find(root.path()).unwrap();
    let error = export(Kind::Merged, &inputs(root.path(), sources), &root.path().join("out"), &ExportConfig::default());
    assert!(error.unwrap_err().to_string().contains("hint: name the output directory"));
}
