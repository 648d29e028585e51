//! One measurement of the engine, as a line of JSON: what `scripts/bench/engine.sh` and `gpu.sh` run beside its peers.
//!
//! `cargo run --release -p lam-trainer --example engine -- train|decode|products|peak|gpu --option value…`; the options of a
//! measurement stand in its file. The number of threads is `RAYON_NUM_THREADS`. Ends with 3 where the engine does not
//! have what is asked for. `--numerics portable` goes with each. Knows no peer.

mod decode;
mod gpu;
mod measure;
mod options;
mod peak;
mod products;
mod train;
mod work;

use std::process::ExitCode;

use lam_model::Processor;
use options::{NotAvailable, Options};

type Failure = Box<dyn std::error::Error>;

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let measurement = arguments.next().unwrap_or_default();
    let options = Options::parse(arguments)?;
    if options.has("numerics") {
        Processor::choose(options.text("numerics")?.parse()?);
    }
    let figures = match measurement.as_str() {
        "train" => train::run(&options)?,
        "decode" => decode::run(&options)?,
        "products" => products::run(&options)?,
        "peak" => peak::run(&options)?,
        "gpu" => return gpu::run(&options),
        other => {
            return Err(format!("unknown measurement `{other}`; hint: train, decode, products, peak or gpu").into());
        }
    };
    println!("{figures}");
    Ok(())
}

fn main() -> ExitCode {
    lam_model::tune_allocator();
    // SAFETY: no other thread runs yet.
    unsafe { lam_model::tune_threads() };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(if failure.is::<NotAvailable>() { 3 } else { 1 })
        }
    }
}
