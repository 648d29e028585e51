//! Training steps on a GPU as the learning loop takes them: forward, backward, clipping, AdamW. Several works over one load
//! of the model, a line of JSON each.
//!
//! `--model DIR --device cuda:N --steps N --works WORK,WORK…`, a work being
//! `lora|qlora-8bit|qlora-4bit|full:DOCUMENTSxLENGTH[:recompute]`

use std::str::FromStr;
use std::time::Instant;

use lam_learn::{AdamW, AdamWConfig};
use lam_model::{Decoder, Device, Finetuning, LoraConfig, Mode, PackedBatch, Precision, Target};
use serde_json::json;

use crate::Failure;
use crate::measure::{status_mib, tokens};
use crate::options::Options;
use crate::train::documents;

const LEARNING_RATE: f64 = 1e-4;
/// Steps before the measured ones: products choose their algorithms in the first, kernels are compiled.
const WARM_UP: u64 = 2;

/// What is trained, and on what.
struct Work {
    name: String,
    finetuning: String,
    documents: usize,
    length: usize,
    recompute: bool,
}

impl FromStr for Work {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || format!("`{text}` is no work; hint: lora:1x4096, qlora-4bit:1x2048:recompute");
        let mut parts = text.split(':');
        let (finetuning, size, rest) = (parts.next(), parts.next(), parts.next());
        let (documents, length) = size.and_then(|size| size.split_once('x')).ok_or_else(wrong)?;
        Ok(Self {
            name: text.to_owned(),
            finetuning: finetuning.ok_or_else(wrong)?.to_owned(),
            documents: documents.parse()?,
            length: length.parse()?,
            recompute: match rest {
                None => false,
                Some("recompute") => true,
                Some(_) => return Err(wrong().into()),
            },
        })
    }
}

fn finetuning(name: &str) -> Result<Finetuning, Failure> {
    Ok(match name {
        "full" => Finetuning::Full,
        "lora" => Finetuning::Lora(LoraConfig::default()),
        "qlora-8bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 8 },
        "qlora-4bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 4 },
        other => {
            return Err(format!("`{other}` is no way of training; hint: lora, qlora-8bit, qlora-4bit, full").into());
        }
    })
}

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

    /// A step, gradients clipped at 1; returns the loss.
    fn step(&mut self, (batch, targets): &(PackedBatch, Vec<Target>), seed: u64) -> Result<f32, Failure> {
        let parameters = self.decoder.device_parameters().ok_or("the model is not on a GPU")?;
        parameters.clear_gradients()?;
        let hidden = self.decoder.forward(batch, Mode::Train { dropout_seed: Some(seed) })?;
        let loss = self.decoder.cross_entropy(&hidden, targets)?;
        loss.backward()?;
        let factor = 1.0 / parameters.squared_norm()?.sqrt().max(1.0);
        self.optimizer.step(&[], LEARNING_RATE, factor)?;
        Ok(loss.to_scalar()?)
    }
}

/// The model, in the processor's memory, and how long that took.
fn load(options: &Options, kind: &str) -> Result<(Decoder, f64), Failure> {
    let start = Instant::now();
    let mut decoder = Decoder::load(options.text("model")?.as_ref(), &finetuning(kind)?, 1)?;
    decoder.set_precision(Precision::Bf16)?;
    Ok((decoder, start.elapsed().as_secs_f64()))
}

/// One work's line; gives the decoder back for the next.
fn measure(
    mut decoder: Decoder,
    work: &Work,
    device: &lam_cuda::Device,
    options: &Options,
) -> Result<Decoder, Failure> {
    decoder.to_device(&Device::Cpu)?;
    decoder.set_gradient_checkpointing(work.recompute);
    device.reset_peak();
    let start = Instant::now();
    decoder.to_device(&Device::Cuda(device.clone()))?;
    device.synchronize()?;
    let upload_seconds = start.elapsed().as_secs_f64();
    let (loaded_bytes, vocabulary) = (device.used(), decoder.config().vocab_size);
    let data = documents(&tokens(work.documents * work.length, vocabulary), work.length);
    let mut training = Training::new(decoder)?;
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for seed in 0..WARM_UP + options.number::<u64>("steps")? {
        let start = Instant::now();
        losses.push(training.step(&data, seed)?);
        device.synchronize()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let figures = json!({
        "work": work.name, "seconds": seconds[WARM_UP as usize..], "warm_up_seconds": seconds[..WARM_UP as usize],
        "count": data.0.tokens(), "losses": losses, "peak_bytes": device.peak(), "loaded_bytes": loaded_bytes,
        "upload_seconds": upload_seconds, "host_peak_mib": status_mib("VmHWM")?,
    });
    println!("{figures}");
    Ok(training.decoder)
}

/// Measures every work; those of one way of training share a load.
pub fn run(options: &Options) -> Result<(), Failure> {
    let works = options.text("works")?.split(',').map(str::parse).collect::<Result<Vec<Work>, _>>()?;
    let Device::Cuda(device) = Device::open(options.text("device")?.parse()?)? else {
        return Err("`--device` names no GPU; hint: cuda".into());
    };
    let properties = device.properties();
    println!("{}", json!({ "device": properties.name, "capacity_bytes": device.capacity() }));
    let mut loaded: Option<(String, Decoder)> = None;
    for work in &works {
        let decoder = match loaded.take() {
            Some((kind, decoder)) if kind == work.finetuning => decoder,
            _ => {
                let (decoder, load_seconds) = load(options, &work.finetuning)?;
                println!("{}", json!({ "loaded": work.finetuning, "load_seconds": load_seconds }));
                decoder
            }
        };
        loaded = Some((work.finetuning.clone(), measure(decoder, work, &device, options)?));
    }
    Ok(())
}
