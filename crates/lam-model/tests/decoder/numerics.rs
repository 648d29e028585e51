//! Portable numerics give the same bits on every level of processors. A process has one level and one kind of numerics,
//! so each is tried in a process of its own.

use std::process::Command;

use lam_cuda::Numerics;
use lam_model::{
    CacheOptions, Decoder, DecoderConfig, Finetuning, Initialization, Mode, Precision, Processor, WeightFormat,
};
use sha2::{Digest, Sha256};

use crate::reference::targets;
use crate::tiny;

/// Says to a process that it is to print what it computes.
const ASKED: &str = "LAM_MODEL_TEST_NUMERICS";

/// Levels of one architecture, from the smallest.
const LEVELS: &[&str] = if cfg!(target_arch = "x86_64") {
    &["baseline", "avx2", "avx512", "avx512-bf16", "amx", "tiles-model"]
} else {
    &["baseline", "neon-bf16", "tiles-model"]
};

/// A model whose products take more than one step of a tile and end within one.
fn decoder(finetuning: &Finetuning) -> Decoder {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 72, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 18, "intermediate_size": 700, "vocab_size": 37,
        "max_position_embeddings": 64, "initializer_range": 0.2, "sliding_window": 20
    }))
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    Decoder::init(config, &Initialization::Normal, 3).unwrap().save(directory.path()).unwrap();
    let mut decoder = Decoder::load(directory.path(), finetuning, 5).unwrap();
    tiny::wake(&decoder);
    decoder.set_precision(Precision::Bf16).unwrap();
    decoder
}

/// Digest of loss and gradients.
fn trained(finetuning: &Finetuning) -> String {
    let (decoder, batch) = (decoder(finetuning), tiny::batch());
    let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: Some(4) }).unwrap();
    let loss = decoder.cross_entropy(&hidden, &targets(&batch)).unwrap();
    let store = loss.backward().unwrap();
    let mut digest = Sha256::new();
    digest.update(loss.to_scalar::<f32>().unwrap().to_le_bytes());
    for (_, variable) in decoder.variables() {
        let gradient = store.get(&variable).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        gradient.iter().for_each(|value| digest.update(value.to_le_bytes()));
    }
    format!("{:x}", digest.finalize())
}

/// Digest of the scores of a prompt and of tokens after it, in each format of weights, alone and beside others.
fn generated() -> String {
    let decoder = decoder(&Finetuning::Lora(tiny::lora(0.0)));
    let mut digest = Sha256::new();
    for format in [WeightFormat::F32, WeightFormat::Bf16, WeightFormat::Q8] {
        let mut cache = decoder.new_cache_with(6, CacheOptions::of(format)).unwrap();
        let prompt: Vec<u32> = (0..40).map(|i| i * 5 % 37).collect();
        let reads: Vec<(usize, &[u32])> = (0..6).map(|slot| (slot, &prompt[slot..])).collect();
        for scores in [cache.decode(&reads).unwrap(), cache.decode(&[(0, &[3])]).unwrap()] {
            scores.iter().for_each(|score| digest.update(score.to_le_bytes()));
        }
        let all: Vec<(usize, &[u32])> = (1..6).map(|slot| (slot, &prompt[..1])).collect();
        cache.decode(&all).unwrap().iter().for_each(|score| digest.update(score.to_le_bytes()));
    }
    format!("{:x}", digest.finalize())
}

/// What a process of a level prints of a kind of numerics.
fn printed(numerics: &str, level: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["numerics::a_process_prints_what_it_computes", "--exact", "--nocapture"]);
    let output = command.env(ASKED, numerics).env("LAM_CPU", level).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{level}: {text}");
    text.lines().find_map(|line| line.split_once("digest ")).unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
fn a_process_prints_what_it_computes() {
    let Ok(numerics) = std::env::var(ASKED) else { return };
    Processor::choose(numerics.parse().unwrap());
    // The first choice stays.
    Processor::choose(Numerics::Fast);
    let digests = [trained(&Finetuning::Full), trained(&Finetuning::Lora(tiny::lora(0.0))), generated()];
    println!("digest {} {}", digests.join(" "), Processor::arithmetic());
}

#[test]
fn portable_numerics_are_the_same_bits_on_every_level() {
    let first = printed("portable", LEVELS[0]);
    assert!(first.ends_with(" portable"), "{first}");
    for level in &LEVELS[1..] {
        assert_eq!(printed("portable", level), first, "{level}");
    }
}

#[test]
fn fast_numerics_say_whose_they_are() {
    let told = printed("fast", "baseline");
    assert!(
        told.ends_with(if cfg!(target_arch = "x86_64") { "fast (baseline)" } else { "fast (multiply-adds)" }),
        "{told}"
    );
    assert!(printed("fast", "tiles-model").ends_with("fast (amx)"));
}

/// The digests of training at a level.
fn trained_at(numerics: &str, level: &str) -> Vec<String> {
    printed(numerics, level).split(' ').take(2).map(str::to_owned).collect()
}

#[test]
fn tiles_take_the_portable_order() {
    assert_eq!(trained_at("fast", "tiles-model"), trained_at("portable", "baseline"));
}

#[cfg(target_arch = "aarch64")]
#[test]
fn multiply_adds_of_arm_take_the_portable_order() {
    assert_eq!(trained_at("fast", "baseline"), trained_at("portable", "baseline"));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn multiply_adds_that_are_free_to_choose_sum_in_chains_alike_on_every_level() {
    let told = printed("fast", "avx2");
    // Where there is no AVX2, nothing can be said of it.
    if told.ends_with("fast (baseline)") {
        return;
    }
    assert!(told.ends_with("fast (chain of multiply-adds)"), "{told}");
    assert_eq!(trained_at("fast", "avx512"), trained_at("fast", "avx2"));
    assert_ne!(trained_at("portable", "avx2"), trained_at("fast", "avx2"));
}
