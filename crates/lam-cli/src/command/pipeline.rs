//! `run`, `plan`, `status`, `graph`: pipelines as files or by name.

use std::path::Path;

use lam_cuda::DeviceChoice;
use lam_model::{Device, Processor};
use lam_pipeline::{Pipeline, RunOptions};
use lam_signal::Failure;
use serde_json::json;

use super::next;
use crate::args::{GraphArgs, GraphFormat, PartArgs, PipelineArgs, PlanArgs, RunArgs, StatusArgs};
use crate::embedded;
use crate::interrupt::stop_on_interrupt;
use crate::output::Output;
use crate::registry::registry;

/// Runs what is not done yet.
pub fn run(args: &RunArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let pipeline = load(&args.pipeline)?;
    let options = RunOptions {
        force: args.force.clone(),
        resume: args.resume.clone(),
        device,
        report_to: args.report_to.clone(),
        ..part_of(&args.pipeline, &args.part, args.no_reuse)
    };
    if args.dry_run {
        return show_plan(&pipeline, options, &args.pipeline, output);
    }
    let run_dir = pipeline.run_dir(&options.runs_dir);
    execute(&pipeline, options, output)?;
    super::report::after_run(&run_dir, output)?;
    output.next(&next::after_run(&pipeline, &run_dir, &|kind| registry().model_name(kind)));
    if let Some(upload) = next::sync_wandb(&run_dir) {
        output.next(&upload);
    }
    Ok(())
}

/// Runs a pipeline with a live view, stopping safely on Ctrl-C.
pub fn execute(pipeline: &Pipeline, options: RunOptions, output: &Output) -> Result<(), Failure> {
    // Long before the first stage that computes.
    Device::check(device_of(pipeline, &options))?;
    let options = with_arithmetic(pipeline, options);
    stop_on_interrupt(&options.cancel)?;
    let view = output.view();
    let summary = lam_pipeline::run(pipeline, &registry(), &options, view.as_ref())?;
    output.line(&summary.to_text());
    output.value(&summary)
}

fn device_of(pipeline: &Pipeline, options: &RunOptions) -> DeviceChoice {
    options.device.unwrap_or(pipeline.device)
}

/// The options with the order of sums that the run's results will have: that of another one is no result of this run.
/// What a GPU computes has its own, and what it leaves to the processor the processor's.
fn with_arithmetic(pipeline: &Pipeline, options: RunOptions) -> RunOptions {
    // What the command line chose stays.
    Processor::choose(pipeline.numerics);
    let mut arithmetic = Processor::arithmetic();
    if Device::is_gpu(device_of(pipeline, &options)) {
        arithmetic.push_str(", of a device");
    }
    RunOptions { arithmetic, ..options }
}

/// Says what `run` would do, and why.
pub fn plan(args: &PlanArgs, output: &Output) -> Result<(), Failure> {
    let PlanArgs { pipeline, part, no_reuse } = args;
    show_plan(&load(pipeline)?, part_of(pipeline, part, *no_reuse), pipeline, output)
}

/// Which stages, and whether those of other runs count.
fn part_of(pipeline: &PipelineArgs, part: &PartArgs, no_reuse: bool) -> RunOptions {
    let PartArgs { from, until, only } = part.clone();
    RunOptions { runs_dir: pipeline.runs_dir.clone(), from, until, only, reuse: !no_reuse, ..RunOptions::default() }
}

/// Says what has run, and what runs, with the tables of what was evaluated.
pub fn status(args: &StatusArgs, output: &Output) -> Result<(), Failure> {
    let typed = args.pipeline();
    let (status, run_dir) = match embedded::run_directory(&args.pipeline) {
        Some(run) => (lam_pipeline::status_of_run(run)?, run.to_owned()),
        None => {
            let pipeline = load_or(&typed, unknown_run)?;
            (lam_pipeline::status(&pipeline, &args.runs_dir)?, pipeline.run_dir(&args.runs_dir))
        }
    };
    output.line(&status.to_text());
    super::report::tables(&run_dir, output)?;
    output.next(&next::after_status(&typed, &run_dir, &status));
    if !output.json {
        return Ok(());
    }
    let mut value = serde_json::to_value(&status).map_err(Failure::runtime)?;
    value["tables"] = super::report::tables_json(&run_dir)?.into();
    output.value(&value)
}

/// Draws the stages.
pub fn graph(args: &GraphArgs, output: &Output) -> Result<(), Failure> {
    let format = match args.format {
        GraphFormat::Text => lam_pipeline::GraphFormat::Text,
        GraphFormat::Mermaid => lam_pipeline::GraphFormat::Mermaid,
    };
    let pipeline = load(&args.pipeline)?;
    let drawn = lam_pipeline::graph(&pipeline, &args.pipeline.runs_dir, format);
    output.line(drawn.trim_end());
    if format == lam_pipeline::GraphFormat::Text {
        output.next(&next::plan(&args.pipeline));
    }
    output.value(&json!({
        "pipeline": pipeline.name,
        "stages": lam_pipeline::nodes(&pipeline, &args.pipeline.runs_dir),
        "drawn": drawn,
    }))
}

fn show_plan(pipeline: &Pipeline, options: RunOptions, typed: &PipelineArgs, output: &Output) -> Result<(), Failure> {
    let options = with_arithmetic(pipeline, options);
    let plan = lam_pipeline::plan(pipeline, &registry(), &options)?;
    output.line(&plan.to_text());
    output.next(&next::run_part(typed, &options));
    output.value(&plan)
}

fn load(args: &PipelineArgs) -> Result<Pipeline, Failure> {
    load_or(args, unknown)
}

fn load_or(args: &PipelineArgs, unknown: fn(&str) -> Failure) -> Result<Pipeline, Failure> {
    let file = embedded::locate(&args.pipeline).ok_or_else(|| unknown(&args.pipeline))?;
    Ok(Pipeline::load_with(&file, &args.set, &embedded::read_text)?)
}

/// Neither a file nor the name of an embedded pipeline.
fn unknown(pipeline: &str) -> Failure {
    let refused = Failure::config(format!("{pipeline}: neither a pipeline file nor the name of an embedded one"));
    match Path::new(pipeline).is_dir() {
        true => refused.hint(format!("name the run's pipeline; `{}` says what is in it", next::status_of(pipeline))),
        false => refused.hint(named_hint(pipeline, "name a pipeline file")),
    }
}

/// The same where a run's directory may be named, too.
fn unknown_run(pipeline: &str) -> Failure {
    let what = format!("{pipeline}: no run's directory, no pipeline file and not the name of an embedded one");
    Failure::config(what).hint(named_hint(pipeline, "name a directory such as runs/quickstart, a pipeline file"))
}

/// The pipeline that was probably meant, else what may be named.
fn named_hint(pipeline: &str, others: &str) -> String {
    let names = embedded::names().collect::<Vec<_>>();
    match lam_config::nearest(pipeline, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{others}, or one of {}", names.join(", ")),
    }
}
