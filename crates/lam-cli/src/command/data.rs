//! `data`: collect, check and look at training data.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use lam_data::{CheckConfig, Example, Table, check_rows, describe, plan_example, preview, step_examples};
use lam_env::Application;
use lam_prompt::{Renderer, Style};
use lam_store::{read_task_plans, read_trajectories};

use super::phase::run_single;
use crate::args::DataCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::registry::applications::application;

/// Does what was typed.
pub fn run(command: &DataCommand, output: &Output) -> anyhow::Result<()> {
    match command {
        DataCommand::Plans(args) => {
            run_single("plans", "plans", "", args.config.as_deref(), &args.set, (&args.output_dir, args.seed), output)
        }
        DataCommand::Trajectories(args) => {
            let place = (args.output_dir.as_path(), args.seed);
            run_single("trajectories", "trajectories", "", args.config.as_deref(), &args.set, place, output)
        }
        DataCommand::Check { paths, model } => check(paths, model.as_deref(), output),
        DataCommand::Preview { path, model, count } => show_examples(path, model, *count, output),
        DataCommand::Stats { paths } => stats(paths, output),
        DataCommand::Show { path, skip, count } => show(path, *skip, *count, output),
    }
}

fn check(paths: &[PathBuf], model: Option<&Path>, output: &Output) -> anyhow::Result<()> {
    let tables = tables(paths)?;
    let app = application(environment_of(&tables))?;
    let renderer = model.map(Renderer::load).transpose()?;
    let config = CheckConfig { functions: app.functions(), renderer: renderer.as_ref(), ..CheckConfig::default() };
    let report = check_rows(&tables, &config);
    output.line(&report.to_string());
    output.value(&report)?;
    if report.errors() > 0 {
        return Err(Failure::data(format!("{} rows must not be trained on as they are", report.errors())).into());
    }
    Ok(())
}

fn stats(paths: &[PathBuf], output: &Output) -> anyhow::Result<()> {
    let tables = tables(paths)?;
    let app = application(environment_of(&tables))?;
    let stats = describe(&tables, None, app.functions());
    output.line(&stats.to_string());
    output.value(&stats)
}

fn show_examples(path: &Path, model: &Path, count: usize, output: &Output) -> anyhow::Result<()> {
    let tables = tables(std::slice::from_ref(&path.to_owned()))?;
    let app = application(environment_of(&tables))?;
    let renderer = Renderer::load(model)?;
    let mut examples = examples(&tables, &renderer, app.as_ref())?;
    let (trained, total) = examples.iter().fold((0, 0), |(trained, total), example| {
        (trained + example.trained(), total + example.input_ids.len())
    });
    let found = examples.len();
    examples.truncate(count);
    let style = if std::io::stdout().is_terminal() { Style::Ansi } else { Style::Plain };
    for example in &examples {
        output.line(&preview(&renderer, example, style));
        output.line(&format!("{} of {} tokens trained\n", example.trained(), example.input_ids.len()));
    }
    output.line(&format!("in all: {found} examples, {trained} of {total} tokens trained"));
    output.value(&serde_json::json!({ "examples": found, "trained_tokens": trained, "tokens": total }))
}

fn examples(tables: &[Table], renderer: &Renderer, app: &dyn Application) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for table in tables {
        match table {
            Table::TaskPlans(_, pairs) => {
                for pair in pairs {
                    examples.push(plan_example(renderer, pair)?);
                }
            }
            Table::Trajectories(_, trajectories) => {
                for trajectory in trajectories {
                    examples.extend(step_examples(renderer, trajectory, app.functions())?);
                }
            }
        }
    }
    Ok(examples)
}

fn show(path: &Path, skip: usize, count: usize, output: &Output) -> anyhow::Result<()> {
    for table in tables(std::slice::from_ref(&path.to_owned()))? {
        let rows: Vec<serde_json::Value> = match table {
            Table::TaskPlans(_, pairs) => {
                pairs.iter().skip(skip).take(count).map(serde_json::to_value).collect::<Result<_, _>>()?
            }
            Table::Trajectories(_, trajectories) => {
                trajectories.iter().skip(skip).take(count).map(serde_json::to_value).collect::<Result<_, _>>()?
            }
        };
        for row in rows {
            println!("{}", serde_json::to_string_pretty(&row)?);
        }
    }
    let _ = output;
    Ok(())
}

/// The tables in files and stage directories.
fn tables(paths: &[PathBuf]) -> anyhow::Result<Vec<Table>> {
    let mut tables = Vec::new();
    for path in paths {
        let files = if path.is_dir() { parquet_files(path)? } else { vec![path.clone()] };
        if files.is_empty() {
            return Err(Failure::data(format!("{}: holds no .parquet file", path.display())).into());
        }
        for file in files {
            tables.push(table(file)?);
        }
    }
    Ok(tables)
}

/// A table of whichever kind the file holds: the columns decide.
fn table(file: PathBuf) -> anyhow::Result<Table> {
    match read_trajectories(&file) {
        Ok(trajectories) => Ok(Table::Trajectories(file, trajectories)),
        Err(as_trajectories) => match read_task_plans(&file) {
            Ok(pairs) => Ok(Table::TaskPlans(file, pairs)),
            Err(_) => Err(Failure::data(as_trajectories).into()),
        },
    }
}

fn parquet_files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        // Bare lists of tasks stand beside the trajectories they belong to.
        let is_task_list = path.to_string_lossy().ends_with("_tasks.parquet");
        if path.extension().is_some_and(|extension| extension == "parquet") && !is_task_list {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn environment_of(tables: &[Table]) -> &str {
    let named = tables.iter().find_map(|table| match table {
        Table::Trajectories(_, trajectories) => trajectories.first().map(|first| first.task.environment.as_str()),
        Table::TaskPlans(..) => None,
    });
    named.unwrap_or("sim")
}
