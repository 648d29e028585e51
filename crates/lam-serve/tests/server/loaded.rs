//! Models from their files: a base with adapters over it, each asked by its name.

use std::path::{Path, PathBuf};

use lam_cuda::DeviceChoice;
use lam_inference::{GenerationRequest, Generator};
use lam_model::{Decoder, Finetuning, LoraConfig, ModelSource};
use lam_prompt::{Message, Role};
use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
use lam_signal::NoProgress;
use serde_json::json;

use crate::tiny::{answer, chat, decoder, get, renderer, save_words, text};

fn base(root: &Path) -> PathBuf {
    let directory = root.join("base");
    std::fs::create_dir_all(&directory).unwrap();
    decoder().save(&directory).unwrap();
    save_words(&directory);
    directory
}

/// An adapter whose matrices are all filled, as after training.
fn adapter(root: &Path, base: &Path, seed: u64) -> PathBuf {
    trained(&root.join(format!("adapter-{seed}")), base, &Finetuning::Lora(lora()), seed)
}

fn lora() -> LoraConfig {
    LoraConfig { lora_r: 3, lora_alpha: 30.0, ..LoraConfig::default() }
}

fn trained(directory: &Path, base: &Path, finetuning: &Finetuning, seed: u64) -> PathBuf {
    let decoder = Decoder::load(base, finetuning, seed).unwrap();
    for (name, variable) in decoder.variables() {
        if name.contains("lora_B") {
            variable.set(&variable.ones_like().unwrap().affine(0.02 * seed as f64, 0.0).unwrap()).unwrap();
        }
    }
    decoder.save_adapter(directory, base.to_str()).unwrap();
    directory.to_owned()
}

/// The greedy answer of the adapter merged into its base.
fn merged(adapter: &Path) -> String {
    let decoder = ModelSource::open(adapter, None).unwrap().load_to_ask(&Finetuning::Frozen, 0).unwrap();
    let renderer = renderer(false);
    let prompt = renderer.chat_prompt(&[Message::new(Role::User, "make the title bold")]).unwrap();
    let request = GenerationRequest::greedy(prompt, renderer.tokenizer().eos(), 24);
    let completion = Generator::new(&decoder, 1).unwrap().run(vec![request]).unwrap().remove(0);
    let is_shown = |token: &u32| !renderer.tokenizer().is_special(*token);
    renderer.tokenizer().decode(&completion.tokens.into_iter().filter(is_shown).collect::<Vec<_>>())
}

fn load(places: &[ModelPlace]) -> Result<Models, lam_signal::Failure> {
    let capacity = Capacity { slots: 2, queue: 8, max_context: 100, ..Capacity::default() };
    Models::load(places, capacity, &|_| None, (DeviceChoice::Cpu, &NoProgress))
}

#[test]
fn a_base_and_its_adapters_are_asked_by_name() {
    let root = tempfile::tempdir().unwrap();
    let base = base(root.path());
    let adapters = [1, 2].map(|seed| adapter(root.path(), &base, seed));
    let place =
        |directory: &Path, name: Option<&str>| ModelPlace { directory: directory.into(), name: name.map(Into::into) };
    let models = load(&[place(&adapters[0], Some("one")), place(&adapters[1], None)]).unwrap();
    let server = Server::start(models, ServerSettings { port: 0, ..ServerSettings::default() }).unwrap();
    let listed = get(server.address(), "/v1/models").json();
    let named: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|model| (model["id"].clone(), model["parent"].clone())).collect();
    let expected = [(json!("base"), json!(null)), (json!("one"), json!("base")), (json!("adapter-2"), json!("base"))];
    assert_eq!((named.as_slice(), &listed["data"][0]["max_model_len"]), (expected.as_slice(), &json!(100)));
    let ask = |name: &str| {
        let more = json!({"model": name, "temperature": 0});
        text(&answer(server.address(), &chat("make the title bold", more))).to_owned()
    };
    // What stands for bytes that are no text is the same in both: lossily decoded.
    assert_eq!([ask("one"), ask("adapter-2")], [merged(&adapters[0]), merged(&adapters[1])]);
    assert_ne!(ask("one"), ask("base"));
}

#[test]
fn a_base_is_served_once_for_each_way_in_which_its_adapters_round_it() {
    let root = tempfile::tempdir().unwrap();
    let base = base(root.path());
    let place = |bits: u8| {
        let directory = root.path().join(format!("over-{bits}"));
        let finetuning = Finetuning::Qlora { lora: lora(), bits };
        ModelPlace { directory: trained(&directory, &base, &finetuning, 1), name: None }
    };
    let plain = ModelPlace { directory: adapter(root.path(), &base, 1), name: None };
    let models = load(&[place(8), place(4), plain]).unwrap();
    let named: Vec<_> =
        models.served.iter().map(|model| (model.name.as_str(), model.parent.as_deref().unwrap_or_default())).collect();
    let expected = [
        ("base-8bit", ""),
        ("over-8", "base-8bit"),
        ("base-4bit", ""),
        ("over-4", "base-4bit"),
        ("base", ""),
        ("adapter-1", "base"),
    ];
    assert_eq!(named, expected);
}

#[test]
fn models_that_cannot_be_served_are_told() {
    let root = tempfile::tempdir().unwrap();
    let base = base(root.path());
    let place = ModelPlace { directory: base, name: None };
    let told = |places: &[ModelPlace]| load(places).err().expect("refused").to_string();
    assert!(told(&[place.clone(), ModelPlace { name: Some("base".into()), ..place.clone() }]).contains("`base`"));
    let none = ModelPlace { directory: root.path().join("none"), name: None };
    assert!(told(&[none]).contains("config.json"));
}
