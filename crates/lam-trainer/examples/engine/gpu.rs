//! Training steps on a GPU as the learning loop takes them (forward, backward, clipping, AdamW), and generation there.
//! Several works over one load of the model, a line of JSON each.
//!
//! `--model DIR --device cuda:N --steps N --works WORK,WORK…`, a work being one of
//!
//! ```text
//! lora|qlora-8bit|qlora-4bit|full:DOCUMENTSxLENGTH[:recompute]
//! lora|qlora-8bit|qlora-4bit|full:shared:TEXTSxSCREEN+REST      texts that share their beginning; counts texts
//! bf16|q8_0|q4:decode:BATCHxPROMPT+TOKENS[:plain]               greedy tokens; plain: without CUDA graphs
//! ```

use std::time::Instant;

use lam_learn::{AdamW, AdamWConfig};
use lam_model::{CrossEntropy, Decoder, Device, Mode, ModelSource, PackedBatch, Precision, Prefix, Target};
use serde_json::{Value, json};

use crate::Failure;
use crate::decode::{Requests, on_device};
use crate::measure::{status_mib, tokens};
use crate::options::Options;
use crate::train::documents;
use crate::work::{Task, Work, finetuning};

const LEARNING_RATE: f64 = 1e-4;
/// Steps before the measured ones: products choose their algorithms in the first, kernels are compiled.
const WARM_UP: u64 = 2;
/// Tokens of an answer at the end of a text that shares its beginning: they are what is trained.
const ANSWER: usize = 20;

/// A decoder on a GPU with its optimizer.
struct Training {
    decoder: Decoder,
    optimizer: AdamW,
}

impl Training {
    fn new(decoder: Decoder) -> Result<Self, Failure> {
        let config = AdamWConfig { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
        let optimizer = AdamW::new(Vec::new(), config)?.with_device(decoder.device_parameters());
        Ok(Self { decoder, optimizer })
    }

    /// A step, gradients clipped at 1, as the learning loop takes it: nothing is waited for. Returns the loss.
    fn step(&mut self, (batch, targets): &(PackedBatch, Vec<Target>), seed: u64) -> Result<CrossEntropy, Failure> {
        let parameters = self.decoder.device_parameters().ok_or("the model is not on a GPU")?;
        parameters.clear_gradients()?;
        let hidden = self.decoder.forward(batch, Mode::Train { dropout_seed: Some(seed) })?;
        let loss = self.decoder.cross_entropy_late(&hidden, targets)?;
        loss.tape().backward()?;
        self.optimizer.step_clipped(LEARNING_RATE, 1.0, 1.0)?;
        Ok(loss)
    }
}

/// The model, its frozen matrices still in their files, and how long that took.
fn load(options: &Options, device: &lam_cuda::Device, kind: &str) -> Result<(Decoder, f64), Failure> {
    let start = Instant::now();
    let source = ModelSource::open(options.text("model")?.as_ref(), None)?;
    let mut decoder = source.load_for(&Device::Cuda(device.clone()), &finetuning(kind)?, 1)?;
    decoder.set_precision(Precision::Bf16)?;
    Ok((decoder, start.elapsed().as_secs_f64()))
}

/// Texts that begin with the same screen, and the tokens of their answers as targets of the mean loss.
fn sharing(tokens: &[u32], (count, screen, rest): (usize, usize, usize)) -> (PackedBatch, Vec<Target>) {
    let (screen, others) = tokens.split_at(screen);
    let texts: Vec<Vec<u32>> = others.chunks_exact(rest).map(|rest| [screen, rest].concat()).collect();
    let answer = |text: &[u32]| text.len() - ANSWER.min(rest - 1)..text.len();
    let prefixes: Vec<_> = texts.iter().map(|text| Prefix { text, shareable: answer(text).start - 1 }).collect();
    let (batch, rows) = PackedBatch::sharing(&prefixes);
    let weight = 1.0 / (count * ANSWER.min(rest - 1)) as f32;
    let targets = texts.iter().zip(&rows).flat_map(|(text, rows)| {
        answer(text).map(|place| Target { position: rows.row(place - 1), token: text[place], weight })
    });
    (batch, targets.collect())
}

/// A device, and what is measured on it.
struct Bench<'a> {
    device: &'a lam_cuda::Device,
    options: &'a Options,
}

impl Bench<'_> {
    /// Brings the decoder to the device; how long that took.
    fn upload(&self, decoder: &mut Decoder) -> Result<f64, Failure> {
        self.device.reset_peak();
        let start = Instant::now();
        decoder.to_device(&Device::Cuda(self.device.clone()))?;
        self.device.synchronize()?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Figures of some steps, each over the same batch, of which so many things are counted.
    fn steps(
        &self,
        mut decoder: Decoder,
        data: &(PackedBatch, Vec<Target>),
        count: usize,
    ) -> Result<(Decoder, Value), Failure> {
        let upload_seconds = self.upload(&mut decoder)?;
        let loaded_bytes = self.device.used();
        let mut training = Training::new(decoder)?;
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        for seed in 0..WARM_UP + self.options.number::<u64>("steps")? {
            let start = Instant::now();
            let loss = training.step(data, seed)?;
            self.device.synchronize()?;
            seconds.push(start.elapsed().as_secs_f64());
            losses.push(loss.wait()?.0 as f32);
        }
        let figures = json!({
            "seconds": seconds[WARM_UP as usize..], "warm_up_seconds": seconds[..WARM_UP as usize], "count": count,
            "losses": losses, "peak_bytes": self.device.peak(), "loaded_bytes": loaded_bytes,
            "upload_seconds": upload_seconds,
        });
        Ok((training.decoder, figures))
    }

    /// One work's line; gives the decoder back for the next. `resident`: it is on the device as generation wants it.
    fn measure(&self, mut decoder: Decoder, work: &Work, resident: bool) -> Result<Decoder, Failure> {
        let vocabulary = decoder.config().vocab_size;
        let (decoder, mut figures) = match work.task {
            Task::Documents { count, length, recompute } => {
                decoder.set_gradient_checkpointing(recompute);
                let data = documents(&tokens(count * length, vocabulary), length);
                self.steps(decoder, &data, count * length)?
            }
            Task::Shared { count, screen, rest } => {
                decoder.set_gradient_checkpointing(false);
                let data = sharing(&tokens(screen + count * rest, vocabulary), (count, screen, rest));
                self.steps(decoder, &data, count)?
            }
            Task::Decode { batch, prompt, tokens, graphs } => {
                let upload = if resident { None } else { Some(self.upload(&mut decoder)?) };
                let mut figures = on_device(&decoder, self.device, &Requests { batch, prompt, tokens }, graphs)?;
                figures["upload_seconds"] = json!(upload);
                (decoder, figures)
            }
        };
        figures["work"] = json!(work.name);
        figures["host_peak_mib"] = json!(status_mib("VmHWM")?);
        println!("{figures}");
        Ok(decoder)
    }
}

/// Measures every work; those over the same model share a load.
pub fn run(options: &Options) -> Result<(), Failure> {
    let works = options.text("works")?.split(',').map(str::parse).collect::<Result<Vec<Work>, _>>()?;
    let Device::Cuda(device) = Device::open(options.text("device")?.parse()?)? else {
        return Err("`--device` names no GPU; hint: cuda".into());
    };
    let properties = device.properties();
    println!("{}", json!({ "device": properties.name, "capacity_bytes": device.capacity() }));
    let bench = Bench { device: &device, options };
    let mut loaded: Option<(String, bool, Decoder)> = None;
    for work in &works {
        let (resident, decoder) = match loaded.take() {
            Some((kind, resident, decoder)) if kind == work.kind => (resident, decoder),
            _ => {
                let (decoder, load_seconds) = load(options, &device, &work.kind)?;
                println!("{}", json!({ "loaded": work.kind, "load_seconds": load_seconds }));
                (false, decoder)
            }
        };
        let stays = matches!(work.task, Task::Decode { .. });
        loaded = Some((work.kind.clone(), stays, bench.measure(decoder, work, resident)?));
    }
    Ok(())
}
