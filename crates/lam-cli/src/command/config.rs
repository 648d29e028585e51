//! `config`: what a kind of stage may be told.

use lam_signal::Failure;
use serde_json::{Map, Value};

use crate::args::ConfigCommand;
use crate::output::Output;
use crate::registry::registry;

/// What whole pipelines are called where a kind of stage could stand.
const PIPELINE: &str = "pipeline";

/// Does what was typed.
pub fn run(command: &ConfigCommand, output: &Output) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show { kind } => show(kind, output),
        ConfigCommand::Schema { kind } => schema(kind.as_deref(), output),
    }
}

fn show(kind: &str, output: &Output) -> Result<(), Failure> {
    let registry = registry();
    let (Some(page), Some(defaults)) = (registry.page(kind), registry.defaults(kind)) else {
        return Err(Failure::config(format!("unknown kind `{kind}`")).hint(registry.hint(kind)));
    };
    output.line(page.trim_end());
    output.next("lam-train config schema pipeline > pipeline.schema.json");
    output.value(&defaults)
}

fn schema(kind: Option<&str>, output: &Output) -> Result<(), Failure> {
    let registry = registry();
    let of = |kind: &str| registry.schema(kind).map(Value::from);
    let schema = match kind {
        Some(PIPELINE) => registry.pipeline_schema(),
        Some(kind) => {
            of(kind).ok_or_else(|| Failure::config(format!("unknown kind `{kind}`")).hint(registry.hint(kind)))?
        }
        None => registry.kinds().filter_map(|kind| Some((kind.to_owned(), of(kind)?))).collect::<Map<_, _>>().into(),
    };
    output.line(&format!("{schema:#}"));
    output.value(&schema)
}
