//! `eval`: the three evaluations, each as a pipeline of one stage.

use lam_cuda::DeviceChoice;
use lam_signal::Failure;

use super::phase::{Target, absolute_all, run_single};
use super::{next, report};
use crate::args::{EvalArgs, EvalCommand};
use crate::output::Output;

/// Does what was typed.
pub fn run(command: &EvalCommand, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    match command {
        EvalCommand::Plan(args) => evaluate("eval.plan", Some("plans"), (args, device), output),
        EvalCommand::Step(args) => evaluate("eval.step", Some("trajectories"), (args, device), output),
        EvalCommand::Online(args) => evaluate("eval.online", None, (args, device), output),
    }
}

fn evaluate(
    kind: &str,
    data: Option<&str>,
    (args, device): (&EvalArgs, Option<DeviceChoice>),
    output: &Output,
) -> Result<(), Failure> {
    let (stage, name) = ((kind, &*kind.replace('.', "-")), "models");
    let settings = (args.config.as_deref(), &*args.settings.set);
    let place = Target::new(&args.settings, &args.start, device);
    let models = absolute_all(&args.model)?;
    let adapter = ("adapter", absolute_all(args.adapter.as_slice())?);
    match data {
        Some(data) => {
            let inputs = [(name, models), adapter, (data, absolute_all(&args.data)?)];
            run_single(stage, inputs, settings, &place, output)?;
        }
        None => run_single(stage, [(name, models), adapter], settings, &place, output)?,
    }
    report::stage_tables(&args.settings.output_dir.join(stage.1), output)?;
    output.next(&next::report(&args.settings.output_dir));
    Ok(())
}
