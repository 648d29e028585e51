//! What sharing rows is worth: the gradient of one batch of steps on the same screen, in which each step has the screen
//! of its own and in which all share it, measured in turn. Both are computed from the same weights and agree.
//!
//! ```text
//! cargo run --release -p lam-trainer --example share_prefixes -- [screen tokens] [tokens after it] [steps] [rounds]
//! ```
//!
//! Without arguments: LibreOffice Writer as the pipeline `writer` sees it, on the quickstart's model with LoRA in bf16.

#[path = "engine/measure.rs"]
#[expect(dead_code, reason = "the benchmark of the engine uses the rest")]
mod measure;

use candle_core::Tensor;
use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, Precision};
use lam_trainer::{BatchGradient, Example, Pass, SupervisedModule, TrainModule};

use measure::Stopwatch;

type Failure = Box<dyn std::error::Error>;

const CONFIG: &str = include_str!("../../../configs/model/nano-2m.json");
/// Tokens of an answer, which are trained.
const ANSWER: usize = 20;

fn module(directory: &std::path::Path, share_prefixes: bool) -> Result<SupervisedModule, Failure> {
    let lora = LoraConfig { lora_r: 32, lora_alpha: 64.0, ..LoraConfig::default() };
    let mut decoder = Decoder::load(directory, &Finetuning::Lora(lora), 1)?;
    decoder.set_precision(Precision::Bf16)?;
    let mut module = SupervisedModule::new(decoder);
    if let Some(backbone) = module.backbone_mut().filter(|_| share_prefixes) {
        backbone.share_prefixes(usize::MAX)?;
    }
    Ok(module)
}

fn steps(screen: usize, rest: usize, count: usize) -> Vec<Example> {
    let step = |number: usize| {
        let after = (0..rest).map(|place| 7 + number * 31 + place * (number + 3));
        let input_ids: Vec<u32> =
            (0..screen).map(|place| place * 7919).chain(after).map(|id| (id % 2048) as u32).collect();
        let loss_mask = (0..screen + rest).map(|place| place + ANSWER >= screen + rest).collect();
        Example { sample_id: number.to_string(), input_ids, loss_mask }
    };
    (0..count).map(step).collect()
}

/// Processor seconds and wall seconds of one gradient, and its norm.
fn measure(module: &SupervisedModule, batch: &[Example]) -> Result<(f64, f64, f64), Failure> {
    let stopwatch = Stopwatch::start();
    let gradient = BatchGradient::of(module, batch, Pass::Train { seed: 1 })?;
    let (wall, processor) = stopwatch.read();
    let square =
        |tensor: &Tensor| -> Result<f64, Failure> { Ok(f64::from(tensor.sqr()?.sum_all()?.to_scalar::<f32>()?)) };
    let squares = gradient.gradients.iter().flatten().map(square).collect::<Result<Vec<f64>, _>>()?;
    Ok((processor, wall, squares.iter().sum::<f64>().sqrt()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>());
    let mut next = |default: usize| numbers.next().unwrap_or(Ok(default));
    let (screen, rest, count, rounds) = (next(872)?, next(100)?.max(ANSWER), next(11)?.max(1), next(9)?.max(1));
    let directory = tempfile::tempdir()?;
    let config: DecoderConfig = serde_json::from_str(CONFIG)?;
    Decoder::init(config, &Initialization::Normal, 1)?.save(directory.path())?;
    let batch = steps(screen, rest, count);
    let modules = [module(directory.path(), false)?, module(directory.path(), true)?];
    let mut figures = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (module, figures) in modules.iter().zip(&mut figures) {
            let figure = measure(module, &batch)?;
            // The first round is a warm-up.
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    let tokens = (count * (screen + rest)) as f64;
    let of = |index: usize, what: fn(&(f64, f64, f64)) -> f64| median(figures[index].iter().map(what).collect());
    for (index, name) in ["apart", "shared"].into_iter().enumerate() {
        let (processor, wall, norm) = (of(index, |it| it.0), of(index, |it| it.1), of(index, |it| it.2));
        println!(
            "{name:<7} {:>8.0} tokens a processor second, {:>8.0} tokens/s, norm of the gradient {norm:.4}",
            tokens / processor,
            tokens / wall
        );
    }
    println!(
        "ratio   {:>8.2} (processor time)  {:>8.2} (wall time)",
        of(0, |it| it.0) / of(1, |it| it.0),
        of(0, |it| it.1) / of(1, |it| it.1)
    );
    println!("{count} steps of {screen} shared and {rest} own tokens, medians of {rounds} rounds in turn");
    Ok(())
}
