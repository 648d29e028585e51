//! How fast a model comes from its files to a GPU: `cargo run --release -p lam-model --example load -- DIR [lora | qlora-4bit
//! | qlora-8bit]`, on the first one, or on what `LAM_CUDA_LIBRARIES` stands for. A second run reads from the page cache.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::path::Path;
use std::time::Instant;

use lam_model::{Device, Finetuning, LoraConfig, ModelSource, Precision};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = arguments.first().ok_or("name a model's directory")?;
    let qlora = |bits| Finetuning::Qlora { lora: LoraConfig::default(), bits };
    let finetuning = match arguments.get(1).map(String::as_str) {
        None => Finetuning::Frozen,
        Some("lora") => Finetuning::Lora(LoraConfig::default()),
        Some("qlora-4bit") => qlora(4),
        Some("qlora-8bit") => qlora(8),
        Some(other) => return Err(format!("`{other}` is no way of training").into()),
    };
    let device = Device::open("cuda".parse()?)?;
    for _ in 0..2 {
        let start = Instant::now();
        let mut decoder = ModelSource::open(Path::new(directory), None)?.load_for(&device, &finetuning, 1)?;
        decoder.set_precision(Precision::Bf16)?;
        let looked_at = start.elapsed().as_secs_f64();
        decoder.to_device(&device)?;
        if let Device::Cuda(device) = &device {
            device.synchronize()?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let bytes = 2.0 * decoder.config().parameters() as f64;
        println!("{seconds:.2} s, {looked_at:.2} of them before the device; {:.2} GB/s of bf16", bytes / seconds / 1e9);
    }
    Ok(())
}
