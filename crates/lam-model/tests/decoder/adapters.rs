//! Adapters of others: equal to PEFT, or refused by the name of the key or tensor; and over their own base only.

use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use lam_model::{
    AdapterUse, CacheOptions, Decoder, Finetuning, HubModel, LoraConfig, Mode, ModelSource, PackedBatch, TargetModules,
};
use serde_json::{Value, json};

use crate::reference::{difference, directory};
use crate::tiny;

/// Adapters that `scripts/fixtures/make_adapters.py` made, in forms that stay pairs beside the weights and in others.
const PAIRS: [&str; 4] = ["patterns", "expression", "layers", "excluded"];
const FOLDED: [&str; 7] = ["dora", "saved", "tokens", "tables", "tied-tokens", "tied-saved", "tied-tables"];

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The base's name, tokens and PEFT's logits after them.
fn expected(name: &str) -> (String, Vec<u32>, Tensor) {
    let value = read(&directory("adapters").join(name).join("expected.json"));
    let logits: Vec<f32> = serde_json::from_value(value["logits"].clone()).unwrap();
    let ids = serde_json::from_value(value["input_ids"].clone()).unwrap();
    let width = logits.len();
    (value["base"].as_str().unwrap().into(), ids, Tensor::from_vec(logits, (1, width), &Device::Cpu).unwrap())
}

fn logits(decoder: &Decoder, ids: &[u32]) -> Tensor {
    let hidden = decoder.forward(&PackedBatch::from_documents([ids]), Mode::Evaluate).unwrap();
    decoder.logits(&hidden, &[ids.len() - 1]).unwrap()
}

#[test]
fn forms_of_peft_give_pefts_logits_applied_generated_with_and_merged() {
    for name in PAIRS.iter().chain(&FOLDED) {
        let (base, ids, expected) = expected(name);
        let source = ModelSource::open(&directory(&base), Some(&directory("adapters").join(name))).unwrap();
        let mut decoder = source.load(&Finetuning::Frozen, 0).unwrap();
        let off = difference(&logits(&decoder, &ids), &expected);
        assert!(off < 2e-5, "{name}: applied, off by {off}");
        let apart = CacheOptions { adapter: AdapterUse::Merged, ..CacheOptions::default() };
        let generated = decoder.new_cache_with(1, apart).unwrap().decode(&[(0, &ids)]).unwrap();
        let generated = Tensor::from_vec(generated, expected.shape(), &Device::Cpu).unwrap();
        assert!(difference(&generated, &expected) < 2e-5, "{name}: generated");
        if decoder.lora().is_some() {
            decoder.merge_adapter().unwrap();
        }
        let copy = tempfile::tempdir().unwrap();
        decoder.save(copy.path()).unwrap();
        let written = Decoder::load(copy.path(), &Finetuning::Frozen, 0).unwrap();
        assert!(difference(&logits(&written, &ids), &expected) < 2e-5, "{name}: merged and written");
    }
}

#[test]
fn pairs_of_any_ranks_are_trained_on_and_written_again() {
    for name in PAIRS {
        let (base, ids, expected) = expected(name);
        let source = ModelSource::open(&directory(&base), Some(&directory("adapters").join(name))).unwrap();
        let decoder = source.load(&Finetuning::Lora(LoraConfig::default()), 0).unwrap();
        assert!(!decoder.variables().is_empty(), "{name}");
        let copy = tempfile::tempdir().unwrap();
        decoder.save_adapter(copy.path(), None).unwrap();
        let again = ModelSource::open(&directory(&base), Some(copy.path())).unwrap();
        let again = again.load(&Finetuning::Frozen, 0).unwrap();
        assert!(difference(&logits(&again, &ids), &expected) < 2e-5, "{name}");
    }
}

#[test]
fn other_forms_are_merged_before_a_new_adapter_is_trained() {
    let (base, ids, expected) = expected("dora");
    let source = ModelSource::open(&directory(&base), Some(&directory("adapters/dora"))).unwrap();
    let lora = Finetuning::Lora(LoraConfig { lora_r: 2, ..LoraConfig::default() });
    let message = source.load(&lora, 0).unwrap_err().to_string();
    assert!(message.contains("`use_dora`") && message.contains("hint: set `lora.create_new_adapter"), "{message}");
    let new = LoraConfig { lora_r: 2, create_new_adapter: true, ..LoraConfig::default() };
    for finetuning in [Finetuning::Lora(new.clone()), Finetuning::Qlora { lora: new, bits: 8 }, Finetuning::Full] {
        let decoder = source.load(&finetuning, 0).unwrap();
        assert!(!decoder.variables().is_empty());
        let tolerance = if matches!(finetuning, Finetuning::Qlora { .. }) { 0.1 } else { 2e-5 };
        assert!(difference(&logits(&decoder, &ids), &expected) < tolerance);
    }
    let message = source.load(&Finetuning::Frozen, 0).unwrap().save_adapter(Path::new("nowhere"), None);
    assert!(message.unwrap_err().to_string().contains("its `use_dora` was folded into the weights"));
}

/// A copy of the adapter `lora` with one key of its config set.
fn with_key(key: &str, value: Value) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(directory("lora").join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("adapter_config.json");
    let mut config = read(&path);
    config[key] = value;
    fs::write(&path, config.to_string()).unwrap();
    copy
}

#[test]
fn keys_that_are_not_understood_are_refused_by_name() {
    let keys = [
        ("peft_type", json!("LOHA")),
        ("task_type", json!("SEQ_CLS")),
        ("init_lora_weights", json!("olora")),
        ("init_lora_weights", json!("pissa_niter_4")),
        ("init_lora_weights", json!("loftq")),
        ("alora_invocation_tokens", json!([5, 6])),
        ("layer_replication", json!([[0, 2], [1, 2]])),
        ("lora_bias", json!(true)),
        ("target_parameters", json!(["experts"])),
        ("use_qalora", json!(true)),
        ("use_bdlora", json!({"blocks": 2})),
        ("ensure_weight_tying", json!(true)),
        ("corda_config", json!({"x": 1})),
        ("a_key_of_tomorrow", json!(0.5)),
        ("peft_type", Value::Null),
        ("r", json!(-1)),
        ("lora_alpha", json!("8")),
        ("use_rslora", json!(1)),
        ("target_modules", json!(7)),
        ("layers_to_transform", json!([-1])),
        ("rank_pattern", json!({"q_proj": 4.5})),
        ("rank_pattern", json!({"q_proj": -4})),
        ("rank_pattern", json!({"(": 4})),
        ("trainable_token_indices", json!([-1])),
        ("trainable_token_indices", json!({"norm": [1]})),
        ("base_model_name_or_path", json!(5)),
    ];
    for (key, value) in keys {
        let adapter = with_key(key, value);
        let message = ModelSource::open(&directory("grouped"), Some(adapter.path())).unwrap_err().to_string();
        assert!(message.contains("adapter_config.json") && message.contains(&format!("`{key}`")), "{message}");
    }
    // What is set and changes nothing.
    for (key, value) in [("bias", json!("all")), ("fan_in_fan_out", json!(true)), ("init_lora_weights", json!("eva"))] {
        ModelSource::open(&directory("grouped"), Some(with_key(key, value).path())).unwrap();
    }
}

/// As PEFT writes it: the output layer has the embedding's rows, since it is the embedding.
#[test]
fn rows_of_both_tied_tables_stand_in_the_file_once() {
    let adapter = directory("adapters").join("tied-tokens");
    let copy = tempfile::tempdir().unwrap();
    fs::copy(adapter.join("adapter_model.safetensors"), copy.path().join("adapter_model.safetensors")).unwrap();
    let mut config = read(&adapter.join("adapter_config.json"));
    let rows = config["trainable_token_indices"].take();
    config["base_model_name_or_path"] = Value::Null;
    let mut open = |head: Value| {
        config["trainable_token_indices"] = json!({ "embed_tokens": rows, "lm_head": head });
        fs::write(copy.path().join("adapter_config.json"), config.to_string()).unwrap();
        let (base, ids, expected) = expected("tied-tokens");
        let source = ModelSource::open(&directory(&base), Some(copy.path())).map_err(|error| error.to_string())?;
        Ok::<_, String>(difference(&logits(&source.load(&Finetuning::Frozen, 0).unwrap(), &ids), &expected))
    };
    assert!(open(rows.clone()).unwrap() < 2e-5);
    assert!(open(json!([0])).unwrap_err().contains("`base_model.model.lm_head.token_adapter"));
}

#[test]
fn a_tensor_that_belongs_nowhere_is_refused_by_name() {
    let adapter = with_key("r", json!(3));
    let path = adapter.path().join("adapter_model.safetensors");
    let mut tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let stray = "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector";
    tensors.insert(stray.into(), Tensor::zeros(40, candle_core::DType::F32, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let message = ModelSource::open(&directory("grouped"), Some(adapter.path())).unwrap_err().to_string();
    assert!(message.contains(&format!("`{stray}` matches no module")), "{message}");
}

#[test]
fn an_adapter_knows_its_base() {
    let root = tempfile::tempdir().unwrap();
    let [base, other, adapter] = ["base", "other", "adapter"].map(|name| root.path().join(name));
    let full = |seed| Decoder::init(tiny::config(), &lam_model::Initialization::Normal, seed).unwrap();
    full(3).save(&base).unwrap();
    full(4).save(&other).unwrap();
    let lora = LoraConfig { lora_target_modules: TargetModules::List(vec!["q_proj".into()]), ..tiny::lora(0.0) };
    let decoder = Decoder::load(&base, &Finetuning::Lora(lora), 0).unwrap();
    tiny::wake(&decoder);
    decoder.save_adapter(&adapter, None).unwrap();
    ModelSource::open(&base, Some(&adapter)).unwrap();
    let message = ModelSource::open(&other, Some(&adapter)).unwrap_err().to_string();
    assert!(message.contains("was trained over weights") && message.contains("hint: "), "{message}");

    // Without our record, what the config names is compared, where it is there.
    fs::remove_file(adapter.join("base_model.json")).unwrap();
    ModelSource::open(&other, Some(&adapter)).unwrap();
    decoder.save_adapter(&adapter, Some("../base")).unwrap();
    fs::remove_file(adapter.join("base_model.json")).unwrap();
    let message = ModelSource::open(&other, Some(&adapter)).unwrap_err().to_string();
    assert!(message.contains("names the base") && message.contains("whose weights are not those in"), "{message}");
    // An adapter alone stands for itself over that base.
    assert_eq!(ModelSource::open(&adapter, None).unwrap().directory(), adapter.join("../base"));
    // A copy of the base in other files and types is the same base.
    let copy = root.path().join("copy");
    Decoder::load(&base, &Finetuning::Full, 0).unwrap().save(&copy).unwrap();
    ModelSource::open(&copy, Some(&adapter)).unwrap();

    let cached = root.path().join("models--acme--large/snapshots/0123456");
    decoder.save_adapter(&adapter, Some("acme/small")).unwrap();
    fs::remove_file(adapter.join("base_model.json")).unwrap();
    Decoder::load(&base, &Finetuning::Full, 0).unwrap().save(&cached).unwrap();
    let message = ModelSource::open(&cached, Some(&adapter)).unwrap_err().to_string();
    assert!(message.contains("names the base acme/small, not acme/large@0123456"), "{message}");
    // Another commit of the same repository may hold other weights.
    let over = |name: &str| {
        decoder.save_adapter_over_hub(&adapter, &HubModel::named(name)).unwrap();
        fs::remove_file(adapter.join("base_model.json")).unwrap();
        ModelSource::open(&cached, Some(&adapter)).map(|_| ()).map_err(|error| error.to_string())
    };
    let message = over("acme/large@89abcdef").unwrap_err();
    assert!(message.contains("names the base acme/large@89abcdef, not acme/large@0123456"), "{message}");
    for same in ["acme/large@0123456", "acme/large@main", "acme/large"] {
        over(same).unwrap();
    }
    // With our record the weights themselves are compared.
    decoder.save_adapter_over_hub(&adapter, &HubModel::named("acme/large@89abcdef")).unwrap();
    ModelSource::open(&cached, Some(&adapter)).unwrap();
    assert_eq!(read(&adapter.join("adapter_config.json"))["revision"], "89abcdef");
    let message = ModelSource::open(&adapter, None).unwrap_err().to_string();
    assert!(message.contains("no directory with a model but acme/large@89abcdef"), "{message}");
}
