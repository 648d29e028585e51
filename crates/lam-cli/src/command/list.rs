//! `list`: what can be named on the command line and in files.

use std::path::Path;

use lam_collect::ImportFormat;
use lam_pipeline::Pipeline;
use lam_signal::Failure;
use lam_store::{StagingDir, read_manifest};
use serde_json::{Value, json};

use super::next;
use crate::args::ListCommand;
use crate::embedded;
use crate::output::Output;
use crate::registry::{environments, registry};

/// What is listed: the names of its fields, the first of which tells the items apart, and the items.
struct List {
    fields: &'static [&'static str],
    items: Vec<Vec<Value>>,
}

/// Prints the list.
pub fn run(command: &ListCommand, output: &Output) -> Result<(), Failure> {
    let list = match command {
        ListCommand::Environments => list_environments(),
        ListCommand::Families { environment } => list_families(environment.as_deref())?,
        ListCommand::Models { runs_dir } => list_models(runs_dir)?,
        ListCommand::Formats => list_formats(),
        ListCommand::Configs => list_configs(),
        ListCommand::Pipelines => list_pipelines()?,
    };
    list.print(output)?;
    output.next(&next::after_list(command, list.items.first().and_then(|item| item.first()?.as_str())));
    Ok(())
}

impl List {
    fn print(&self, output: &Output) -> Result<(), Failure> {
        let cells = |item: &Vec<Value>| self.fields.iter().zip(item).map(|(field, value)| text(field, value)).collect();
        let rows: Vec<Vec<String>> = self.items.iter().map(cells).collect();
        let width = |field: usize| rows.iter().map(|row| row[field].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.fields.len()).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            output.line(cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        let object = |item: &Vec<Value>| -> Value {
            self.fields.iter().zip(item).map(|(field, value)| ((*field).to_owned(), value.clone())).collect()
        };
        output.value(&self.items.iter().map(object).collect::<Vec<_>>())
    }
}

/// A value for people: a number with what it counts.
fn text(field: &str, value: &Value) -> String {
    match (field, value) {
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        (_, Value::Null) => String::new(),
        ("parameters", count) => format!("{:.1} M parameters", count.as_f64().unwrap_or_default() / 1e6),
        (many, count) => {
            let one = match many {
                "families" => "family",
                plural => plural.trim_end_matches('s'),
            };
            counted(count.as_u64().unwrap_or_default(), one, many)
        }
    }
}

fn list_environments() -> List {
    let environments = environments();
    let listed = environments.names().into_iter().map(|name| {
        let families = environments.families(name).len();
        vec![json!(name), json!(environments.about(name)), json!(families)]
    });
    let other = environments.other_names().into_iter().flat_map(|names| names.split(", ")).map(|words| {
        let (name, about) = words.split_once(' ').unwrap_or((words, ""));
        vec![json!(name), json!(about), Value::Null]
    });
    List { fields: &["name", "about", "families"], items: listed.chain(other).collect() }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

fn list_families(wanted: Option<&str>) -> Result<List, Failure> {
    let environments = environments();
    if let Some(name) = wanted.filter(|name| !environments.is_known(name)) {
        return Err(Failure::config(format!("unknown environment `{name}`")).hint(environments.hint()));
    }
    let names = wanted.map_or_else(|| environments.names(), |name| vec![name]);
    let of = |name: &str| {
        let families = environments.families(name).into_iter();
        families.map(|family| vec![json!(family), json!(name)]).collect::<Vec<_>>()
    };
    Ok(List { fields: &["family", "environment"], items: names.into_iter().flat_map(of).collect() })
}

fn list_models(runs_dir: &Path) -> Result<List, Failure> {
    let mut items = Vec::new();
    for name in lam_base::shape_names() {
        let parameters = lam_base::model_config(name)?.parameters();
        items.push(vec![json!(name), json!("shape"), json!(parameters)]);
    }
    let registry = registry();
    let mut found = Vec::new();
    models_below(runs_dir, 3, &|kind| registry.model_name(kind), &mut found)?;
    found.sort();
    items.extend(found.into_iter().map(|(path, name)| vec![json!(path), json!(name), Value::Null]));
    Ok(List { fields: &["model", "what", "parameters"], items })
}

/// Refuses a folder of results, such as a run, where one of them is meant.
pub fn refuse_run(named: &Path) -> Result<(), Failure> {
    if read_manifest(named)?.is_some() {
        return Ok(());
    }
    let (registry, mut models) = (registry(), Vec::new());
    models_below(named, 2, &|kind| registry.model_name(kind), &mut models)?;
    models.sort();
    models.last().map_or(Ok(()), |(model, _)| {
        let what = format!("{}: holds results of stages, and is none itself", named.display());
        Err(Failure::config(what).hint(format!("name one of them, such as {model}")))
    })
}

/// Directories of models that stages have made, at most so many folders deep, with what they are called.
fn models_below(
    folder: &Path,
    depth: usize,
    name_of: &dyn Fn(&str) -> Option<&'static str>,
    found: &mut Vec<(String, &'static str)>,
) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let is_result = path.is_dir() && !is_hidden && !StagingDir::is_on_its_way(&path);
        match if is_result { read_manifest(&path)? } else { None } {
            Some(manifest) => found.extend(name_of(&manifest.kind).map(|name| (path.display().to_string(), name))),
            None if is_result && depth > 1 => models_below(&path, depth - 1, name_of, found)?,
            None => {}
        }
    }
    Ok(())
}

fn list_formats() -> List {
    let item = |format: ImportFormat| vec![json!(format.as_str()), json!(format.about())];
    List { fields: &["format", "about"], items: ImportFormat::ALL.into_iter().map(item).collect() }
}

fn list_configs() -> List {
    let registry = registry();
    let item = |kind: &str| {
        let inputs: Vec<&str> = registry.inputs(kind).into_iter().flatten().map(|input| input.name).collect();
        let settings = registry.helps(kind).map_or(0, |helps| helps.len());
        vec![json!(kind), json!(registry.model_name(kind).unwrap_or_default()), json!(settings), json!(inputs)]
    };
    List { fields: &["kind", "model", "settings", "inputs"], items: registry.kinds().map(item).collect() }
}

fn list_pipelines() -> Result<List, Failure> {
    let mut items = Vec::new();
    for name in embedded::names() {
        let file = embedded::locate(name).ok_or_else(|| Failure::runtime(format!("{name} is not inside")))?;
        let pipeline = Pipeline::load_with(&file, &[], &embedded::read_text)?;
        items.push(vec![json!(name), json!(pipeline.stages.len()), json!(pipeline.description)]);
    }
    Ok(List { fields: &["name", "stages", "description"], items })
}
