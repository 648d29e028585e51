//! A model that is only asked is in memory once: its peak, in a process of its own, beside the size of its weights.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;
use std::process::Command;

use lam_model::{CacheOptions, DecoderConfig, Finetuning, ModelSource, WeightFormat};

const SETTING: &str = "LAM_MODEL_TEST_MEMORY";
const MIB: f64 = 1_048_576.0;

fn model() -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 4,
        "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 16384, "torch_dtype": "bfloat16",
    }))
    .unwrap()
}

/// A figure of `/proc/self/status`, in MiB.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / MIB
}

/// Asks the model in this process, and prints how much more memory it had than before, at most.
fn measure(directory: &Path) {
    lam_model::tune_allocator();
    let before = status("VmRSS");
    let decoder = ModelSource::open(directory, None).unwrap().load_to_ask(&Finetuning::Frozen, 0).unwrap();
    let mut cache = decoder.into_cache(1, CacheOptions::of(WeightFormat::Bf16)).unwrap();
    cache.decode(&[(0, &[1, 2, 3])]).unwrap();
    println!("{SETTING} {}", status("VmHWM") - before);
}

#[test]
fn a_model_that_is_asked_is_in_memory_once() {
    if let Ok(directory) = std::env::var(SETTING) {
        return measure(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    lam_model::write_fresh(&model(), 1, directory.path()).unwrap();
    let weights = model().parameters() as f64 * 2.0 / MIB;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_model_that_is_asked_is_in_memory_once", "--nocapture"]);
    let output = child.env(SETTING, directory.path()).env("RAYON_NUM_THREADS", "2").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once(SETTING)).unwrap_or_else(|| panic!("{text}")).1;
    let used: f64 = line.trim().parse().unwrap();
    println!("weights {weights:.0} MiB, used {used:.0} MiB");
    // A little of it is the cache's, the threads' and the allocator's.
    assert!(used < 1.15 * weights, "weights {weights:.0} MiB, used {used:.0} MiB");
}
