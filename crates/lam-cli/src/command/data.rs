//! `data`: build, collect, check and look at training data.

mod show;

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_collect::ImportFormat;
use lam_data::{
    CheckConfig, Checker, DataError, DataStats, Example, Inputs, Place, Row, plan_example, preview, step_examples,
    visit_rows,
};
use lam_model::ModelSource;
use lam_prompt::{Renderer, Style};
use lam_signal::{Cancel, Failure, NoProgress, Progress};
use lam_store::StoreError;
use lam_types::FunctionSpec;
use serde_json::{Value, json};

use super::next;
use super::phase::{Target, run_single};
use crate::args::{CollectArgs, DataCommand};
use crate::interrupt::stop_on_interrupt;
use crate::output::{Output, stdout_takes_colours, tell};
use crate::registry::environments;

/// Does what was typed.
pub fn run(command: &DataCommand, output: &Output) -> Result<(), Failure> {
    match command {
        DataCommand::Build(args) => build(args, output),
        DataCommand::Import { format, path, output_dir } => import(format, path, output_dir, output),
        DataCommand::Collect(args) => {
            collect(args, "trajectories", output)?;
            output.next(&next::check_data(&args.settings.output_dir.join("trajectories")));
            Ok(())
        }
        DataCommand::Check { paths, model, max_findings } => check(paths, model.as_deref(), *max_findings, output),
        DataCommand::Preview { path, model, count } => show_examples(path, model, *count, output),
        DataCommand::Stats { paths, model } => stats(paths, model.as_deref(), output),
        DataCommand::Show(args) => show::show(args, output),
    }
}

/// Runs the stage of this kind.
fn collect(args: &CollectArgs, kind: &str, output: &Output) -> Result<(), Failure> {
    let place = Target::new(&args.settings, &args.start, None);
    run_single((kind, kind), [], (args.config.as_deref(), &*args.settings.set), &place, output)
}

/// Task-plan pairs from the environment's documents and the configured sources, with what became of them.
fn build(args: &CollectArgs, output: &Output) -> Result<(), Failure> {
    collect(args, "plans", output)?;
    let directory = args.settings.output_dir.join("plans");
    let path = directory.join("stats.json");
    let text = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
    let stats: Value = serde_json::from_slice(&text).map_err(Failure::runtime)?;
    for table in ["sources", "imported"] {
        for (name, counts) in stats[table].as_object().into_iter().flatten() {
            output.line(&format!("{name}: {}", counted(counts)));
        }
    }
    let sources = || stats["imported"].as_object().into_iter().flatten().map(|(_, counts)| counts);
    let sum = |name: &str| sources().filter_map(|counts| counts[name].as_u64()).sum::<u64>();
    let (unreadable, documents) = (sum("unreadable_files"), sum("documents"));
    kept_aside(&directory, sum("unreadable"), stats["rejected"].as_u64().unwrap_or(0), output);
    if unreadable > 0 {
        let (all, share) = (unreadable + documents, 100.0 * unreadable as f64 / (unreadable + documents) as f64);
        tell(&format!("warning: {unreadable} of {all} documents ({share:.1}%) could not be read"));
    }
    output.next(&next::check_data(&directory));
    Ok(())
}

/// Other people's records, with what became of them.
fn import(format: &str, path: &Path, directory: &Path, output: &Output) -> Result<(), Failure> {
    let names = ImportFormat::ALL.map(ImportFormat::as_str);
    let unknown = || {
        let hint = match lam_config::nearest(format, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", names.join(", ")),
        };
        Failure::config(format!("unknown format `{format}`")).hint(hint)
    };
    let format = ImportFormat::ALL.into_iter().find(|known| known.as_str() == format).ok_or_else(unknown)?;
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    if lam_store::overlap(path, directory) {
        let what = format!("the import would lie in {}, over {}, which is read", directory.display(), path.display());
        return Err(Failure::config(what).hint("choose another --output-dir"));
    }
    let stats = lam_collect::import(format, path, directory, &NoProgress, &cancel)?;
    output.line(&format!("{}: {}", directory.display(), counted(&stats)));
    let number = |name: &str| stats[name].as_u64().unwrap_or(0);
    let rejected = stats["rejected"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    kept_aside(directory, number("unreadable"), rejected, output);
    let (records, unusable) = (number("records"), number("records").saturating_sub(number("usable_records")));
    if unusable > 0 {
        let share = 100.0 * unusable as f64 / records as f64;
        tell(&format!("warning: {unusable} of {records} records ({share:.1}%) gave nothing that can be used"));
    }
    output.next(&next::check_data(directory));
    output.value(&stats)
}

/// Where what is not used is written.
fn kept_aside(directory: &Path, unreadable: u64, rejected: u64, output: &Output) {
    for (name, count) in [("unreadable", unreadable), ("rejected", rejected)] {
        output.line(&format!("{name} {count}: {}", directory.join(format!("{name}.jsonl")).display()));
    }
}

/// `documents 12, kept 40, rejected 3 (length 2, language 1)`
fn counted(counts: &Value) -> String {
    let reasons = counts["rejected"].as_object().into_iter().flatten();
    let reasons: Vec<(&String, u64)> = reasons.filter_map(|(reason, count)| Some((reason, count.as_u64()?))).collect();
    let told: Vec<String> =
        reasons.iter().filter(|(_, count)| *count > 0).map(|(reason, count)| format!("{reason} {count}")).collect();
    let rejected: u64 = reasons.iter().map(|(_, count)| count).sum();
    let numbers =
        counts.as_object().into_iter().flatten().filter(|(_, value)| value.as_u64().is_some_and(|count| count > 0));
    let mut parts: Vec<String> = numbers.map(|(name, value)| format!("{name} {value}")).collect();
    if !told.is_empty() {
        parts.push(format!("rejected {rejected} ({})", told.join(", ")));
    }
    parts.join(", ")
}

fn check(paths: &[PathBuf], model: Option<&Path>, max_findings: usize, output: &Output) -> Result<(), Failure> {
    let files = files(paths)?;
    let (environment, functions) = functions_of(&files)?;
    let renderer = model.map(|model| renderer(model, output)).transpose()?;
    let mut checker = Checker::new(CheckConfig {
        functions: &functions,
        environment: Some(&environment),
        renderer: renderer.as_ref(),
        max_findings,
        ..CheckConfig::default()
    });
    for file in &files {
        visit(file, |place, row| {
            checker.add(place, row);
            ControlFlow::Continue(())
        })?;
    }
    let report = checker.finish();
    output.line(&report.to_string());
    output.value(&report)?;
    if report.errors() > 0 {
        return Err(Failure::data(format!("{} rows must not be trained on as they are", report.errors())));
    }
    output.next(&next::preview_data(&paths[0], model));
    Ok(())
}

fn stats(paths: &[PathBuf], model: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let files = files(paths)?;
    // Only a prompt tells an environment's functions: rows are counted where it is not installed, too.
    let functions = if model.is_some() { functions_of(&files)?.1 } else { Vec::new() };
    let renderer = model.map(|model| renderer(model, output)).transpose()?;
    let mut stats = DataStats::default();
    for file in &files {
        visit(file, |_, row| {
            stats.add(row, renderer.as_ref(), &functions);
            ControlFlow::Continue(())
        })?;
    }
    output.line(&stats.to_string());
    output.next(&next::check_data(&paths[0]));
    output.value(&stats)
}

fn show_examples(path: &Path, model: &Path, count: usize, output: &Output) -> Result<(), Failure> {
    let files = files(std::slice::from_ref(&path.to_owned()))?;
    let (_, functions) = functions_of(&files)?;
    let renderer = renderer(model, output)?;
    let style = if stdout_takes_colours() { Style::Ansi } else { Style::Plain };
    let (mut found, mut trained, mut total, mut failed) = (0, 0, 0, None);
    let mut shown = Vec::new();
    for file in &files {
        visit(file, |_, row| match examples(row, &renderer, &functions) {
            Ok(examples) => {
                for example in examples {
                    if found < count {
                        output.drawn(&preview(&renderer, &example, style));
                        output.line(&format!("{} of {} tokens trained\n", example.trained(), example.input_ids.len()));
                        shown.push(json!(Inputs::from(&example)));
                    }
                    (found, trained, total) = (found + 1, trained + example.trained(), total + example.input_ids.len());
                }
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    output.line(&format!("in all: {found} examples, {trained} of {total} tokens trained"));
    output.next(&next::train(path, model));
    output.value(&json!({ "examples": found, "trained_tokens": trained, "tokens": total, "shown": shown }))
}

fn examples(row: Row<'_>, renderer: &Renderer, functions: &[FunctionSpec]) -> Result<Vec<Example>, DataError> {
    match row {
        Row::Pair(pair) => Ok(vec![plan_example(renderer, pair)?]),
        Row::Trajectory(trajectory) => step_examples(renderer, trajectory, functions),
    }
}

/// A model's words; what of its files is used otherwise than they say is noted.
/// The renderer of a model, which is looked at as wherever it is used, or of a tokenizer's directory without one.
fn renderer(model: &Path, output: &Output) -> Result<Renderer, Failure> {
    let is_model = lam_gguf::is_model(model) || model.join("adapter_config.json").is_file();
    let source = is_model.then(|| ModelSource::open(model, None)).transpose()?;
    let renderer = Renderer::load(source.as_ref().map_or(model, ModelSource::tokenizer_directory))?;
    renderer.notes().iter().for_each(|note| output.note(note));
    Ok(renderer)
}

/// The files themselves, and those in directories.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let found = if path.is_dir() { parquet_files(path)? } else { vec![path.clone()] };
        if found.is_empty() {
            return Err(Failure::data(format!("{}: holds no .parquet file", path.display())));
        }
        files.extend(found);
    }
    // A directory and a file in it: its rows are there once.
    Ok(lam_store::distinct_paths(&files))
}

fn visit(file: &Path, take: impl FnMut(Place<'_>, Row<'_>) -> ControlFlow<()>) -> Result<(), Failure> {
    Ok(visit_rows(file, take)?)
}

fn parquet_files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    let read = StoreError::io("read", directory);
    let entries: Vec<_> = std::fs::read_dir(directory).and_then(Iterator::collect).map_err(read)?;
    for path in entries.into_iter().map(|entry: DirEntry| entry.path()) {
        // Bare lists of tasks stand beside the trajectories they belong to.
        let is_task_list = path.to_string_lossy().ends_with("_tasks.parquet");
        if path.extension().is_some_and(|extension| extension == "parquet") && !is_task_list {
            files.insert(path);
        }
    }
    Ok(files.into_iter().collect())
}

/// The environment that the first trajectory names, with its functions; none where it is not one of ours, as in records
/// that were imported.
fn functions_of(files: &[PathBuf]) -> Result<(String, Vec<FunctionSpec>), Failure> {
    let mut named = None;
    for file in files {
        visit(file, |_, row| {
            if let Row::Trajectory(trajectory) = row {
                named = Some((trajectory.task.environment.clone(), trajectory.task.application.clone()));
            }
            ControlFlow::Break(())
        })?;
        if named.is_some() {
            break;
        }
    }
    let (environment, application) = named.unwrap_or_else(|| ("sim".into(), String::new()));
    let provided = if environment == "desktop" { format!("desktop:{application}") } else { environment.clone() };
    let environments = environments();
    if !environments.is_known(&provided) {
        return Ok((environment, Vec::new()));
    }
    let functions = environments.open(&provided)?.functions().to_vec();
    Ok((environment, functions))
}
