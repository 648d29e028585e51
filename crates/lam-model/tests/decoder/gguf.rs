//! Models in GGUF beside transformers' numbers. The fixtures are made by `scripts/parity/gguf.py fixtures`: a Llama in Q8_0,
//! a Qwen3 in Q4_K with some tensors in Q6_K and Q8_0.

use std::path::{Path, PathBuf};

use lam_model::{CacheOptions, Decoder, Finetuning, LoraConfig, Mode, ModelSource, PackedBatch, WeightFormat};

use crate::reference::{difference, directory};

fn path(name: &str) -> PathBuf {
    directory("gguf").join(format!("{name}.gguf"))
}

fn load(name: &str, finetuning: &Finetuning) -> Decoder {
    Decoder::load(&path(name), finetuning, 0).unwrap()
}

fn expected(name: &str) -> (Vec<u32>, candle_core::Tensor) {
    let path = directory("gguf").join(format!("{name}.safetensors"));
    let tensors = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
    let ids = tensors["ids"].to_vec1::<f32>().unwrap();
    (ids.iter().map(|id| *id as u32).collect(), tensors["logits"].clone())
}

fn logits(decoder: &Decoder, ids: &[u32]) -> candle_core::Tensor {
    let batch = PackedBatch::from_documents([ids]);
    let hidden = decoder.forward(&batch, Mode::Evaluate).unwrap();
    decoder.logits(&hidden, &(0..ids.len()).collect::<Vec<_>>()).unwrap()
}

fn qlora(bits: u8) -> Finetuning {
    Finetuning::Qlora { lora: LoraConfig::default(), bits }
}

#[test]
fn logits_are_those_of_transformers() {
    for name in ["llama", "qwen3"] {
        let (ids, theirs) = expected(name);
        let apart = difference(&logits(&load(name, &Finetuning::Full), &ids), &theirs);
        assert!(apart < 1e-5, "{name}: {apart}");
        // Frozen, quantised matrices are computed with in bf16.
        let apart = difference(&logits(&load(name, &Finetuning::Frozen), &ids), &theirs);
        assert!((1e-6..0.02).contains(&apart), "{name}: {apart}");
    }
}

#[test]
fn blocks_stay_as_they_are_where_their_bits_are_asked_for() {
    let (ids, _) = expected("llama");
    let frozen = load("llama", &Finetuning::Frozen);
    // The embedding and the output layer in bf16, the blocks' layers in Q8_0, norms in f32.
    let (tables, layers, norms) = (2 * 330 * 32, 39_712 - 2 * 330 * 32 - 160, 160);
    assert_eq!(frozen.weight_bytes(), tables * 2 + layers / 32 * 34 + norms * 4);
    let same = logits(&load("llama", &qlora(8)), &ids);
    assert_eq!(difference(&same, &logits(&frozen, &ids)), 0.0);
    assert!(difference(&logits(&load("llama", &qlora(4)), &ids), &same) > 1e-3);
}

#[test]
fn a_model_in_blocks_is_asked_in_its_blocks() {
    for (name, weights) in [("llama", WeightFormat::Q8), ("qwen3", WeightFormat::Q4)] {
        let ((ids, _), frozen) = (expected(name), load(name, &Finetuning::Frozen));
        assert_eq!(frozen.block_options(), CacheOptions::of(weights), "{name}");
        let right = logits(&frozen, &ids);
        let right = right.get(ids.len() - 1).unwrap();
        let size = right.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        let mut cache = frozen.new_cache_with(1, frozen.block_options()).unwrap();
        let found = cache.decode(&[(0, &ids)]).unwrap();
        let found = candle_core::Tensor::new(found, &candle_core::Device::Cpu).unwrap();
        // Inputs are rounded to 8 bits, keys and values to bf16.
        let apart = difference(&found, &right) / size;
        assert!(apart < 0.05, "{name}: {apart}");
        // An adapter's product is no part of blocks.
        assert_eq!(load(name, &qlora(8)).block_options(), CacheOptions::default());
    }
}

#[test]
fn what_is_written_is_what_was_read() {
    let (ids, _) = expected("qwen3");
    let (folder, frozen) = (tempfile::tempdir().unwrap(), load("qwen3", &Finetuning::Frozen));
    frozen.save(folder.path()).unwrap();
    let written = Decoder::load(folder.path(), &Finetuning::Frozen, 0).unwrap();
    assert_eq!(frozen.config().head_dim(), written.config().head_dim());
    assert!(difference(&logits(&frozen, &ids), &logits(&written, &ids)) < 1e-4);
}

#[test]
fn an_adapter_belongs_to_the_file_that_it_was_trained_over() {
    let (ids, _) = expected("llama");
    let folder = tempfile::tempdir().unwrap();
    let trained = load("llama", &qlora(8));
    trained.save_adapter(folder.path(), Some(path("llama").to_str().unwrap())).unwrap();
    // The adapter alone stands for itself over the file that its config names.
    let source = ModelSource::open(folder.path(), None).unwrap();
    assert_eq!(source.directory(), path("llama"));
    assert_eq!(difference(&logits(&source.load(&Finetuning::Frozen, 0).unwrap(), &ids), &logits(&trained, &ids)), 0.0);
    let error = ModelSource::open(&path("qwen3"), Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains("lora_A.weight` has shape [16, 64], expected [16, 32]"), "{error}");
}

/// The refusal of a copy in which some bytes are others.
fn refusal(name: &str, from: &[u8], to: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(path(name)).unwrap();
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[place..place + to.len()].copy_from_slice(to);
    std::fs::write(folder.path().join("model.gguf"), bytes).unwrap();
    let loaded = ModelSource::open(folder.path(), None).and_then(|source| source.load(&Finetuning::Frozen, 0));
    loaded.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn files_that_are_no_model_of_ours_are_refused_by_name() {
    let key = |key: &str, value: u32| [key.as_bytes(), &4_u32.to_le_bytes(), &value.to_le_bytes()].concat();
    let heads = "llama.attention.head_count";
    // The last block of the output layer, whose 330 rows end 12 bytes before a multiple of 32.
    let whole = std::fs::read(path("llama")).unwrap();
    let last = whole[whole.len() - 12 - 34..][..34].to_vec();
    for (name, from, to, words) in [
        ("llama", b"blk.0.attn_q.".to_vec(), b"blk.0.attn_z.".to_vec(), "`blk.0.attn_z.weight`"),
        ("llama", b"blk.1.attn_q.".to_vec(), b"blk.2.attn_q.".to_vec(), "model.layers.1.self_attn.q_proj.weight"),
        ("llama", key("llama.block_count", 2), key("llama.block_count", 9), "model.layers.2.input_layernorm.weight"),
        ("llama", key("llama.embedding_length", 32), key("llama.embedding_length", 64), "has shape"),
        ("llama", key(heads, 4), key(heads, 0), "`num_attention_heads` = 0"),
        (
            "llama",
            b"llama.context_length".to_vec(),
            b"llama.context_lengtz".to_vec(),
            "`llama.context_length` is missing",
        ),
        (
            "qwen3",
            b"\x05\0\0\0\0\0\0\0qwen3".to_vec(),
            b"\x05\0\0\0\0\0\0\0gemma".to_vec(),
            "`general.architecture` = gemma",
        ),
        ("llama", last.clone(), [&[0, 0x7c], &last[2..]].concat(), "not finite numbers"),
    ] {
        let error = refusal(name, &from, &to);
        assert!(error.contains(words) && error.contains("model.gguf"), "{error}, not {words}");
    }
}

#[test]
fn several_files_must_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.gguf", "b.gguf"] {
        std::fs::copy(path("llama"), folder.path().join(name)).unwrap();
    }
    let error = ModelSource::open(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("2 GGUF files, such as a.gguf and b.gguf") && error.contains("name the file"), "{error}");
    assert!(ModelSource::open(&folder.path().join("a.gguf"), None).is_ok());
    assert!(ModelSource::open(Path::new("/nowhere/c.gguf"), None).is_err());
}
