//! A small model with an adapter, its samples, and runs of a few steps.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lam_cuda::{DeviceChoice, emulation};
use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig};
use lam_signal::{Cancel, Progress};
use lam_trainer::{
    DataLoader, Example, ForeignState, Identity, Metrics, SchedulerType, ShuffledLoader, SupervisedModule,
    TrainOutcome, TrainRun, TrainerError, TrainingArguments, train,
};
use serde_json::{Value, json};

/// Where the emulation is.
pub fn folder() -> PathBuf {
    emulation::build(&PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// Lets the program find the emulation where it looks for CUDA.
pub fn use_the_emulation() {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache");
    for (name, value) in [("LAM_CUDA_LIBRARIES", folder()), ("XDG_CACHE_HOME", cache)] {
        // SAFETY: the program's first lines, before there are threads.
        unsafe { std::env::set_var(name, value) };
    }
}

/// Calls so far that waited for the device.
pub fn waits() -> u64 {
    emulation::waits(&folder()).unwrap()
}

/// A model with a fresh adapter.
pub fn module(kind: &str, dropout: f64) -> SupervisedModule {
    let directory = tempfile::tempdir().unwrap();
    let config: DecoderConfig = serde_json::from_value(json!({
        "model_type": kind, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 40, "initializer_range": 0.1,
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, 5).unwrap().save(directory.path()).unwrap();
    let lora = LoraConfig { lora_r: 4, lora_dropout: dropout, ..LoraConfig::default() };
    SupervisedModule::new(Decoder::load(directory.path(), &Finetuning::Lora(lora), 1).unwrap())
}

/// Counting upwards, the second half trained.
pub fn samples() -> Vec<Example> {
    let example = |start: u32| {
        let input_ids: Vec<u32> = (0..9 + start % 4).map(|place| (start + place) % 37).collect();
        let loss_mask = (0..input_ids.len()).map(|place| place >= 4).collect();
        Example { sample_id: format!("count-{start}"), input_ids, loss_mask }
    };
    (0..24).map(example).collect()
}

/// Two micro-batches of two samples a step, on the device.
pub fn arguments(max_steps: u64) -> TrainingArguments {
    TrainingArguments {
        device: DeviceChoice::Cuda(0),
        learning_rate: 0.01,
        lr_scheduler_type: SchedulerType::Constant,
        gradient_accumulation_steps: 2,
        per_device_train_batch_size: 2,
        max_steps,
        save_steps: 0,
        logging_steps: 1,
        check_longest_batch_first: false,
        ..TrainingArguments::default()
    }
}

/// What the loop said.
#[derive(Default)]
pub struct Heard {
    pub notes: Mutex<Vec<String>>,
}

impl Progress for Heard {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, line: &str) {
        self.notes.lock().unwrap().push(line.to_owned());
    }
    fn end(&self) {}
}

/// Trains a fresh model into `output`.
pub fn run(
    output: &Path,
    arguments: &TrainingArguments,
    (dropout, held_out): (f64, &[Example]),
    (loader, cancel): (&mut dyn DataLoader<Example>, &Cancel),
) -> (Heard, Result<TrainOutcome, TrainerError>) {
    let heard = Heard::default();
    let run = TrainRun { arguments, output, identity: &Identity::new(), progress: &heard, cancel };
    let outcome = train(&mut module("mistral", dropout), loader, held_out, &run);
    (heard, outcome)
}

/// The same, without what it said, on all samples.
pub fn run_all(output: &Path, arguments: &TrainingArguments, held_out: &[Example]) -> TrainOutcome {
    let mut loader = Watched::new(arguments);
    run(output, arguments, (0.0, held_out), (&mut loader, &Cancel::default())).1.unwrap()
}

/// A loader that notes how often the device was waited for when a batch is asked for, and may ask for a stop there.
pub struct Watched {
    pub loader: ShuffledLoader<Example>,
    pub wants_feedback: bool,
    /// For each batch: its step, and the waits so far.
    pub waits: Vec<(u64, u64)>,
    pub fed_back: Vec<Metrics>,
    /// The step at which a stop is asked for.
    pub stop: Option<(u64, Cancel)>,
}

impl Watched {
    pub fn new(arguments: &TrainingArguments) -> Self {
        let loader = ShuffledLoader::new(samples(), arguments).unwrap();
        Self { loader, wants_feedback: false, waits: Vec::new(), fed_back: Vec::new(), stop: None }
    }
}

impl DataLoader<Example> for Watched {
    fn next_batch(&mut self, step: u64) -> Result<Option<Vec<Example>>, TrainerError> {
        self.waits.push((step, waits()));
        if let Some((_, cancel)) = self.stop.as_ref().filter(|(when, _)| *when == step) {
            cancel.cancel();
        }
        self.loader.next_batch(step)
    }

    fn feedback(&mut self, metrics: &Metrics) {
        self.fed_back.push(metrics.clone());
    }

    fn wants_feedback(&self) -> bool {
        self.wants_feedback
    }

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        self.loader.batches_in(epochs)
    }

    fn epoch(&self) -> f64 {
        self.loader.epoch()
    }

    fn longest_batch(&self) -> Option<Vec<Example>> {
        None
    }

    fn state(&self) -> Value {
        self.loader.state()
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        self.loader.restore(state)
    }

    fn fingerprint(&self) -> String {
        self.loader.fingerprint()
    }
}
