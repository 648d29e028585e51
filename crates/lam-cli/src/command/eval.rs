//! `eval`: the three evaluations, each as a pipeline of one stage.

use std::path::PathBuf;

use lam_signal::Failure;
use toml::Value;

use super::phase::{absolute, run_single};
use crate::args::{EvalArgs, EvalCommand};
use crate::output::Output;

/// Does what was typed.
pub fn run(command: &EvalCommand, output: &Output) -> Result<(), Failure> {
    match command {
        EvalCommand::Plan(args) => evaluate("eval.plan", Some("plans"), args, output),
        EvalCommand::Step(args) => evaluate("eval.step", Some("trajectories"), args, output),
        EvalCommand::Online(args) => evaluate("eval.online", None, args, output),
    }
}

fn evaluate(kind: &str, data: Option<&str>, args: &EvalArgs, output: &Output) -> Result<(), Failure> {
    let list = |paths: &[PathBuf]| -> Result<Value, Failure> {
        Ok(Value::from(paths.iter().map(|path| absolute(path)).collect::<Result<Vec<_>, Failure>>()?))
    };
    let mut inputs = format!("models = {}", list(&args.model)?);
    if let Some(name) = data {
        inputs.push_str(&format!(", {name} = {}", list(&args.data)?));
    }
    let name = kind.replace('.', "-");
    run_single(kind, &name, &inputs, args.config.as_deref(), &args.set, (&args.output_dir, args.seed), output)
}
