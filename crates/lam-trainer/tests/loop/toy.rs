//! A linear model in four weights: enough for a gradient, moments, and batches of different weight.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use lam_signal::{Cancel, NoProgress};
use lam_trainer::{
    BatchLoss, DataLoader, ForeignState, Identity, Metrics, Pass, Sample, ShuffledLoader, TrainModule, TrainOutcome,
    TrainRun, TrainerError, TrainingArguments, train,
};
use serde_json::{Value, json};

/// Inputs of several rows, all of the same target.
#[derive(Clone, Debug)]
pub struct Rows {
    pub id: String,
    pub inputs: Vec<[f32; 4]>,
    pub target: f32,
}

impl Sample for Rows {
    fn id(&self) -> &str {
        &self.id
    }

    fn tokens(&self) -> usize {
        self.inputs.len()
    }

    fn trained_tokens(&self) -> usize {
        self.inputs.len()
    }

    fn truncate(&mut self, max_length: usize) {
        self.inputs.truncate(max_length);
    }
}

/// Squared error of `weights · input + bias`; counts its batches as a state of its own.
pub struct Toy {
    pub weights: Var,
    pub bias: Var,
    pub bias_is_used: bool,
    pub batches_counted: u64,
}

impl Toy {
    pub fn new() -> Self {
        let weights = Var::new(&[0.1f32, -0.2, 0.3, 0.05], &Device::Cpu).unwrap();
        let bias = Var::zeros((), DType::F32, &Device::Cpu).unwrap();
        Self { weights, bias, bias_is_used: true, batches_counted: 0 }
    }

    pub fn values(&self) -> Vec<f32> {
        self.weights.to_vec1().unwrap()
    }
}

impl TrainModule for Toy {
    type Sample = Rows;

    fn loss(&self, batch: &[Rows], _pass: Pass) -> Result<BatchLoss, TrainerError> {
        let inputs: Vec<f32> = batch.iter().flat_map(|rows| rows.inputs.concat()).collect();
        let targets: Vec<f32> = batch.iter().flat_map(|rows| vec![rows.target; rows.inputs.len()]).collect();
        let count = targets.len();
        let inputs = Tensor::from_vec(inputs, (count, 4), &Device::Cpu)?;
        let mut predicted = inputs.broadcast_mul(&self.weights)?.sum(1)?;
        if self.bias_is_used {
            predicted = predicted.broadcast_add(&self.bias)?;
        }
        let loss_sum = (predicted - Tensor::new(targets, &Device::Cpu)?)?.sqr()?.sum_all()?.into();
        let metrics = Metrics::default().with("rows", count as f64, batch.len() as f64);
        Ok(BatchLoss { loss_sum, weight: count as f64, metrics })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        vec![("weights".into(), self.weights.clone()), ("bias".into(), self.bias.clone())]
    }

    fn before_batch(&mut self, _batch: &[Rows]) -> Result<Metrics, TrainerError> {
        self.batches_counted += 1;
        Ok(Metrics::default())
    }

    fn state(&self) -> Value {
        json!(self.batches_counted)
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        self.batches_counted = state.as_u64().ok_or_else(|| ForeignState::new("a toy", state))?;
        Ok(())
    }
}

/// Samples of one to three rows.
pub fn samples(count: usize) -> Vec<Rows> {
    let value = |seed: usize| ((seed * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
    let rows = |sample: usize| {
        let inputs = (0..1 + sample % 3).map(|row| [0, 1, 2, 3].map(|place| value(sample * 31 + row * 7 + place + 1)));
        Rows { id: format!("sample-{sample}"), inputs: inputs.collect(), target: value(sample + 1000) }
    };
    (0..count).map(rows).collect()
}

pub fn arguments() -> TrainingArguments {
    TrainingArguments {
        learning_rate: 0.05,
        num_train_epochs: 3.0,
        per_device_train_batch_size: 2,
        logging_steps: 3,
        warmup_steps: 2,
        ..TrainingArguments::default()
    }
}

/// Trains a fresh toy on the samples, into `output`.
pub fn run(output: &Path, arguments: &TrainingArguments, cancel: &Cancel) -> (Toy, Result<TrainOutcome, TrainerError>) {
    let mut toy = Toy::new();
    let outcome = ShuffledLoader::new(samples(13), arguments)
        .and_then(|mut loader| run_with(&mut toy, &mut loader, output, arguments, cancel));
    (toy, outcome)
}

pub fn run_with(
    toy: &mut Toy,
    loader: &mut dyn DataLoader<Rows>,
    output: &Path,
    arguments: &TrainingArguments,
    cancel: &Cancel,
) -> Result<TrainOutcome, TrainerError> {
    let identity = Identity::from([("model".into(), "toy".into())]);
    train(toy, loader, &samples(4), &TrainRun { arguments, output, identity: &identity, progress: &NoProgress, cancel })
}
