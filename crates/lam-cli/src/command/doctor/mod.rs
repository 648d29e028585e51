//! `doctor`: what this machine offers. Reads, changes nothing.

mod cuda;
mod environments;

use lam_cuda::{Places, Report};
use lam_model::Processor;
use lam_signal::Failure;
use serde_json::{Value, json};

use self::environments::NotInstalled;

use crate::output::Output;

/// Prints threads, instruction sets, memory, devices and versions, and what of the environments is not installed.
pub fn doctor(output: &Output) -> Result<(), Failure> {
    let (found, processor) = (Report::of(&Places::here()), Processor::here());
    let environments = crate::registry::environments();
    let missing = NotInstalled::of(&environments);
    let mut report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "threads": std::thread::available_parallelism().map_or(1, usize::from),
        "architecture": std::env::consts::ARCH,
        "instructions": processor.used,
        "instructions_unused": processor.unused.join("; "),
        "memory_total_mib": memory_mib("MemTotal:"),
        "memory_available_mib": memory_mib("MemAvailable:"),
        "devices": devices(&found),
        "confinement": lam_env::Confinement::here().to_string(),
        "environments": environments.names(),
    });
    if output.json {
        (report["not_installed"], report["cuda"]) = (missing.value(), cuda::value(&found));
        return output.value(&report);
    }
    let own =
        report.as_object().expect("made above as an object").iter().map(|(name, value)| (name.clone(), plain(value)));
    for (name, text) in own.chain(missing.lines()).chain(cuda::lines(&found)) {
        output.line(&format!("{name:<22}{text}"));
    }
    output.next("lam-train run quickstart");
    Ok(())
}

/// What `--device` takes here.
fn devices(found: &Report) -> Vec<String> {
    let complete = found.products.is_ok() && found.compiler.is_ok();
    let cards = found.devices.as_ref().map_or(&[][..], Vec::as_slice).iter();
    let usable = cards.filter(|card| complete && card.check_supported().is_ok());
    std::iter::once("cpu".to_owned()).chain(usable.map(|card| format!("cuda:{}", card.ordinal))).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Null => "unknown".into(),
        other => other.to_string(),
    }
}

/// One figure of `/proc/meminfo`, where there is such a file.
fn memory_mib(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
