//! The memory plan against what the system says was used: each setting trains in a process of its own, whose peak
//! (VmHWM) is read. `cargo test --release -p lam-trainer --test memory -- --nocapture` prints the table.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use lam_model::{Decoder, DecoderConfig, Initialization, LoraConfig};
use lam_signal::{Cancel, Progress};
use lam_trainer::{
    Example, FinetuningType, Identity, ShuffledLoader, SupervisedModule, TrainRun, TrainingArguments, train,
};

const SETTING: &str = "LAM_TRAINER_TEST_MEMORY";
const MIB: f64 = 1048576.0;

/// What is trained, bf16, checkpointing, micro-batches a step, samples a micro-batch.
const SETTINGS: [(FinetuningType, bool, bool, usize, usize); 8] = [
    (FinetuningType::Lora, false, false, 1, 8),
    (FinetuningType::Lora, false, true, 1, 8),
    (FinetuningType::Lora, true, false, 1, 8),
    (FinetuningType::Qlora, true, false, 2, 8),
    (FinetuningType::Full, false, false, 1, 8),
    (FinetuningType::Full, false, true, 1, 8),
    (FinetuningType::Full, true, false, 1, 8),
    (FinetuningType::Full, false, false, 2, 1),
];

/// Keeps the plan's line.
#[derive(Default)]
struct Heard(Mutex<Option<f64>>);

impl Progress for Heard {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn end(&self) {}

    fn note(&self, line: &str) {
        if let Some(rest) = line.strip_prefix("memory plan: ") {
            *self.0.lock().unwrap() = rest.split(' ').next().and_then(|mib| mib.parse().ok());
        }
    }
}

/// A figure of `/proc/self/status`, in MiB.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / MIB
}

fn model() -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 4096,
    }))
    .unwrap()
}

/// Trains the model of this directory in this process and prints planned and used MiB.
fn measure(root: &Path, setting: usize) {
    let (finetuning, bf16, gradient_checkpointing, gradient_accumulation_steps, samples) = SETTINGS[setting];
    // As the program does, whose memory is planned.
    lam_model::tune_allocator();
    // SAFETY: the only test of this process; the thread that waits for it reads no environment.
    unsafe { lam_model::tune_threads() };
    let before = status("VmRSS");
    let decoder = Decoder::load(root, &finetuning.with(&LoraConfig::default(), 4), 1).unwrap();
    let example = |own: u32| {
        let input_ids: Vec<u32> = (0..256).map(|place| (own * 31 + place * 7) % 4096).collect();
        Example { sample_id: own.to_string(), loss_mask: vec![true; input_ids.len()], input_ids }
    };
    let arguments = TrainingArguments {
        max_steps: 2,
        per_device_train_batch_size: samples,
        bf16,
        gradient_checkpointing,
        gradient_accumulation_steps,
        ..TrainingArguments::default()
    };
    let output = root.join(setting.to_string());
    let mut loader = ShuffledLoader::new((0..32).map(example).collect(), &arguments).unwrap();
    let (heard, cancel, identity) = (Heard::default(), Cancel::default(), Identity::new());
    let run =
        TrainRun { arguments: &arguments, output: &output, identity: &identity, progress: &heard, cancel: &cancel };
    train(&mut SupervisedModule::new(decoder), &mut loader, &[], &run).unwrap();
    println!("{SETTING} {} {}", heard.0.lock().unwrap().unwrap(), status("VmHWM") - before);
}

#[test]
fn the_plan_is_what_training_uses() {
    if let Ok(setting) = std::env::var(SETTING) {
        let (root, setting) = setting.split_once(' ').unwrap();
        return measure(Path::new(root), setting.parse().unwrap());
    }
    let root = tempfile::tempdir().unwrap();
    Decoder::init(model(), &Initialization::Normal, 1).unwrap().save(root.path()).unwrap();
    let mut wrong = Vec::new();
    for (setting, (finetuning, bf16, checkpointing, micro_batches, samples)) in SETTINGS.iter().enumerate() {
        let name =
            format!("{finetuning:?} bf16={bf16} checkpointing={checkpointing} {micro_batches} x {samples} x 256");
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "the_plan_is_what_training_uses", "--nocapture"])
            .env(SETTING, format!("{} {setting}", root.path().display()));
        let output = child.env("RAYON_NUM_THREADS", "2").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.split_once(SETTING)).unwrap_or_else(|| panic!("{text}")).1;
        let figures: Vec<f64> = line.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
        let [planned, used] = figures[..] else { panic!("{line}") };
        println!("{name:50} planned {planned:5.0} MiB  used {used:5.0} MiB  {:.2}", planned / used);
        if !(0.8..1.4).contains(&(planned / used)) {
            wrong.push(format!("{name}: planned {planned} MiB, used {used} MiB"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
