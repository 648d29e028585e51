//! GGUF files of models that were trained here, with their tokenizers and Modelfiles.

use std::fs;
use std::path::Path;

use lam_export::{ExportConfig, ExportError, GgufType, Kind, Sources, export};
use lam_gguf::Gguf;
use lam_model::{Finetuning, LoraConfig};
use lam_prompt::{Renderer, Tokenizer};

use crate::models::{inputs, model, read, trained};

fn config(gguf_type: GgufType) -> ExportConfig {
    ExportConfig { model_name: "LAM4".to_owned(), gguf_type, license: "mit".to_owned(), ..ExportConfig::default() }
}

#[test]
fn a_model_with_its_adapter_is_one_file_with_everything_that_it_needs() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    let stage = trained(root.path(), &base, &Finetuning::Lora(LoraConfig::default()));
    let sources = Sources { adapter: Some(stage.join("adapter")), base: Some(base.clone()), ..Sources::default() };
    let out = root.path().join("out");
    let record = export(Kind::Gguf, &inputs(&stage, sources), &out, &config(GgufType::F16)).unwrap();
    assert!(record.checks[0].max_abs_difference < 1e-2, "{:?}", record.checks);

    // The same answers as the merged model's, and the very same tokenizer.
    let sources = Sources { model: Some(stage.clone()), ..Sources::default() };
    let merged = export(Kind::Merged, &inputs(&stage, sources), &root.path().join("merged"), &config(GgufType::F16));
    for (one, other) in record.probes.iter().zip(&merged.unwrap().probes) {
        assert_eq!(one.input_ids, other.input_ids);
        assert!(one.logits.iter().zip(&other.logits).all(|(a, b)| (a - b).abs() < 1e-2));
    }
    let file = out.join("LAM4-F16.gguf");
    assert_eq!(Tokenizer::load(&file).unwrap().hash(), Tokenizer::load(&base).unwrap().hash());
    assert!(Renderer::load(&file).unwrap().is_compact());
    let gguf = Gguf::open(&file).unwrap();
    for (key, value) in [("general.name", "LAM4"), ("general.license", "mit"), ("general.architecture", "llama")] {
        assert_eq!(gguf.text(key).unwrap(), Some(value));
    }
    let modelfile = fs::read_to_string(out.join("Modelfile")).unwrap();
    for line in ["FROM ./LAM4-F16.gguf", "PARAMETER stop \"</s>\"", "LICENSE \"mit\""] {
        assert!(modelfile.lines().any(|own| own == line), "{modelfile}");
    }
    assert!(modelfile.contains("{{ else if eq $i 0 }}<s>{{ else"), "{modelfile}");
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(
        card.contains("library_name: gguf") && card.contains("llama-server -m path/to/this/LAM4-F16.gguf"),
        "{card}"
    );
    assert!(card.contains("| F16 | 16 |") && card.contains("llama.cpp has no name for how"), "{card}");
    assert_eq!(read(&out.join("export.json"))["kind"], "gguf");
    // A directory that holds the file alone stands for the model, the file of one export for the next.
    let again = Sources::find(&out).unwrap();
    assert_eq!(again.model, Some(out.clone()));
    let merged =
        export(Kind::Merged, &inputs(&out, again), &root.path().join("again"), &ExportConfig::default()).unwrap();
    assert_eq!(merged.probes, record.probes);
}

#[test]
fn a_file_in_eight_bits_is_near_and_four_bits_need_wide_rows() {
    let root = tempfile::tempdir().unwrap();
    let stage = model(root.path(), "lam4", 1);
    let sources = Sources::find(&stage).unwrap();
    let out = |name: &str| root.path().join(name);
    let record = export(Kind::Gguf, &inputs(&stage, sources.clone()), &out("q8"), &config(GgufType::Q8)).unwrap();
    assert!(record.checks[0].what.starts_with("Q8_0 file, read again") && record.checks[0].max_abs_difference > 0.0);
    assert!(out("q8").join("LAM4-Q8_0.gguf").is_file());
    let error = export(Kind::Gguf, &inputs(&stage, sources), &out("q4"), &config(GgufType::Q4K)).unwrap_err();
    assert!(matches!(error, ExportError::Model(_)) && error.to_string().contains("multiple of 256"), "{error}");
    assert!(!out("q4").exists());
}

#[test]
fn a_reward_model_is_no_file() {
    let root = tempfile::tempdir().unwrap();
    let reward = crate::models::reward_model(root.path());
    let sources = Sources::find(&reward).unwrap();
    let error = export(Kind::Gguf, &inputs(&reward, sources), &root.path().join("out"), &ExportConfig::default());
    assert!(error.unwrap_err().to_string().contains("this is a reward model, not a policy"));
    assert!(!Path::new(&root.path().join("out")).exists());
}
