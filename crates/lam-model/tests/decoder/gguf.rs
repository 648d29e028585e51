//! Models in GGUF beside transformers' numbers. The fixtures are made by `scripts/parity/gguf.py fixtures`: a Llama in Q8_0,
//! a Qwen3 in Q4_K with some tensors in Q6_K and Q8_0. And models that are written as GGUF files, and read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_gguf::{FileType, Format, Gguf};
use lam_model::{
    AdapterUse, CacheOptions, Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, Mode, ModelSource,
    PackedBatch, WeightFormat,
};

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
        assert_eq!(frozen.stored_options(AdapterUse::Merged), CacheOptions::of(weights), "{name}");
        let right = logits(&frozen, &ids);
        let right = right.get(ids.len() - 1).unwrap();
        let size = right.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        let mut cache = frozen.new_cache_with(1, frozen.stored_options(AdapterUse::Merged)).unwrap();
        let found = cache.decode(&[(0, &ids)]).unwrap();
        let found = candle_core::Tensor::new(found, &candle_core::Device::Cpu).unwrap();
        // Inputs are rounded to 8 bits, keys and values to bf16.
        let apart = difference(&found, &right) / size;
        assert!(apart < 0.05, "{name}: {apart}");
        // An adapter's product is no part of blocks.
        assert_eq!(load(name, &qlora(8)).stored_options(AdapterUse::Merged), CacheOptions::default());
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

/// A random model of an architecture, with rows of this width; its norms and biases are no ones and zeros.
fn random(kind: &str, width: usize) -> Decoder {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": kind, "hidden_size": width, "intermediate_size": width * 2, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": width / 4, "vocab_size": 37,
        "max_position_embeddings": 64, "initializer_range": 0.1, "sliding_window": null,
        "tie_word_embeddings": kind == "qwen3",
    }))
    .unwrap();
    let decoder = Decoder::init(config, &Initialization::Normal, 3).unwrap();
    for (number, (_, variable)) in decoder.variables().iter().filter(|(_, variable)| variable.rank() == 1).enumerate() {
        let values =
            (0..variable.elem_count()).map(|i| ((number * 7 + i * 5) % 11) as f32 / 20.0 + 0.5).collect::<Vec<_>>();
        let values = candle_core::Tensor::from_vec(values, variable.shape(), &candle_core::Device::Cpu).unwrap();
        variable.set(&values).unwrap();
    }
    decoder
}

/// A model as it is written and read again, with every weight in f32, and the file's formats by tensor.
fn written(decoder: &Decoder, file_type: FileType) -> (Decoder, BTreeMap<String, Format>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    decoder.save_gguf(&file, file_type, BTreeMap::new()).unwrap();
    let formats = Gguf::open(&file).unwrap().tensors.into_iter().map(|tensor| (tensor.name, tensor.format)).collect();
    (Decoder::load(&file, &Finetuning::Full, 0).unwrap(), formats)
}

/// A weight by its name.
fn weight(decoder: &Decoder, name: &str) -> Vec<f32> {
    let found = decoder.variables().into_iter().find(|(own, _)| own == name);
    found.unwrap().1.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn what_is_written_as_a_file_is_read_again_in_every_architecture() {
    let ids: Vec<u32> = (0..20).map(|i| i * 5 % 37).collect();
    for kind in ["mistral", "llama", "qwen2", "qwen3"] {
        let decoder = random(kind, 32);
        let (again, formats) = written(&decoder, FileType::F16);
        assert_eq!(again.config().head_dim(), decoder.config().head_dim());
        assert_eq!(formats.contains_key("output.weight"), kind != "qwen3");
        assert_eq!((formats["blk.1.attn_q.weight"], formats["output_norm.weight"]), (Format::F16, Format::F32));
        let apart = difference(&logits(&decoder, &ids), &logits(&again, &ids));
        assert!(apart < 2e-3, "{kind}: {apart}");
        for (name, variable) in decoder.variables() {
            let (own, read) = (weight(&decoder, &name), weight(&again, &name));
            let worst = own.iter().zip(&read).map(|(a, b)| (a - b).abs() / (a.abs() + 1e-4)).fold(0.0, f32::max);
            let limit = if variable.rank() == 1 { 0.0 } else { 1.0 / 2048.0 };
            assert!(worst <= limit, "{kind}: {name}: {worst}");
        }
    }
}

#[test]
fn quantised_files_are_as_near_as_their_bits_let_them_be() {
    let decoder = random("llama", 256);
    for (file_type, format, limit) in [(FileType::Q8_0, Format::Q8_0, 0.01), (FileType::Q4K, Format::Q4K, 0.09)] {
        let (again, formats) = written(&decoder, file_type);
        assert_eq!((formats["blk.0.attn_k.weight"], formats["token_embd.weight"]), (format, Format::Q8_0));
        for (name, _) in decoder.variables() {
            let (own, read) = (weight(&decoder, &name), weight(&again, &name));
            let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>();
            let apart = square(&mut own.iter().zip(&read).map(|(a, b)| a - b)) / square(&mut own.iter().copied());
            assert!(apart.sqrt() <= limit, "{name}: {}", apart.sqrt());
        }
        // Of Q8_0, each number to half a step of its block, and the scale's own rounding.
        if file_type == FileType::Q8_0 {
            let name = "model.layers.1.self_attn.q_proj.weight";
            let (own, read) = (weight(&decoder, name), weight(&again, name));
            for (own, read) in own.chunks_exact(32).zip(read.chunks_exact(32)) {
                let largest = own.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let step = largest / 127.0 * 0.5 + largest / 1024.0;
                assert!(own.iter().zip(read).all(|(a, b)| (a - b).abs() <= step));
            }
        }
    }
}

#[test]
fn what_a_file_cannot_hold_is_refused_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    let refused = |decoder: &Decoder, file_type| {
        let error = decoder.save_gguf(&file, file_type, BTreeMap::new()).unwrap_err().to_string();
        assert!(!file.exists());
        error
    };
    let decoder = random("llama", 32);
    let error = refused(&decoder, FileType::Q4K);
    assert!(error.contains("multiple of 256") && error.contains("hint: write it as Q8_0"), "{error}");
    let (name, variable) = decoder.variables().into_iter().find(|(name, _)| name.ends_with("up_proj.weight")).unwrap();
    variable.set(&(variable.as_tensor() * 1e7).unwrap()).unwrap();
    let error = refused(&decoder, FileType::F16);
    assert!(error.contains(&format!("tensor `{name}`")) && error.contains("65504"), "{error}");
}

#[test]
fn a_window_ends_the_context_of_a_file() {
    let mut config = random("mistral", 32).config().clone();
    config.sliding_window = Some(24);
    let decoder = Decoder::init(config, &Initialization::Normal, 3).unwrap();
    let (again, _) = written(&decoder, FileType::F16);
    assert_eq!((again.config().max_position_embeddings, again.config().window()), (24, None));
}

#[test]
fn an_adapter_is_merged_into_a_file_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let (base, adapter) = (folder.path().join("base"), folder.path().join("adapter"));
    random("llama", 32).save(&base).unwrap();
    let trained = Decoder::load(&base, &Finetuning::Lora(LoraConfig::default()), 5).unwrap();
    crate::tiny::wake(&trained);
    trained.save_adapter(&adapter, None).unwrap();
    let source = ModelSource::open(&base, Some(&adapter)).unwrap();
    let mut merged = source.load_to_save().unwrap();
    merged.merge_adapter().unwrap();
    let (again, _) = written(&merged, FileType::F16);
    let ids: Vec<u32> = (0..20).map(|i| i * 7 % 37).collect();
    let apart = difference(&logits(&trained, &ids), &logits(&again, &ids));
    assert!(apart < 5e-3, "{apart}");
    assert!(
        difference(&logits(&Decoder::load(&base, &Finetuning::Frozen, 0).unwrap(), &ids), &logits(&again, &ids)) > 0.05
    );
}
