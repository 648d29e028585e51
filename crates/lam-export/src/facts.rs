//! What the model card needs to know, read from manifests and evaluation files. Whatever is not there is left out. Paths of
//! this machine are nobody's business: of what came from a file, the card says the file's name.

use std::path::{Path, PathBuf};

use lam_store::StagingDir;
use lam_store::card::{without_folders, without_places};
use lam_types::Estimate;
use serde_json::{Map, Value};

use crate::card::{CardFacts, TableFigures};
use crate::row::{named, row_of, tables_of};
use crate::{ExportConfig, ExportError};

/// What the kinds of stages that evaluate begin with.
const EVALUATION: &str = "eval.";

/// The name of the model of `stage`.
pub fn model_name(stage: &Path, config: &ExportConfig) -> String {
    let stage = named(stage);
    let own_name = || stage.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
    if config.model_name.is_empty() { own_name() } else { config.model_name.clone() }
}

/// The evaluations of the same run that asked the model of `stage`, where that is a stage's output.
///
/// # Errors
/// When a manifest is damaged.
pub fn evaluations_of(stage: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let stage = named(stage);
    let (Some(own), Some(run)) = (lam_store::read_manifest(&stage)?, stage.parent()) else { return Ok(Vec::new()) };
    // What ran once over all seeds lies beside them.
    let is_seed = run.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let above = run.parent().filter(|above| is_seed && *above != Path::new(""));
    let mut found = Vec::new();
    for run in [Some(run), above].into_iter().flatten() {
        for entry in std::fs::read_dir(run).map_err(ExportError::io("read", run))? {
            let place = entry.map_err(ExportError::io("read", run))?.path();
            if StagingDir::is_on_its_way(&place) {
                continue;
            }
            let Some(manifest) = lam_store::read_manifest(&place)? else { continue };
            let mut inputs = manifest.inputs.values().flatten();
            let asked = inputs.any(|input| input.stage.as_ref() == Some(&own.stage) && input.hash == own.output_hash);
            if manifest.kind.starts_with(EVALUATION) && asked {
                found.push(place);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The facts about the model of `stage`, evaluated in `evaluations`.
///
/// # Errors
/// When a manifest or an evaluation file is damaged.
pub fn gather(stage: &Path, evaluations: &[PathBuf], config: &ExportConfig) -> Result<CardFacts, ExportError> {
    let (model_name, stage) = (model_name(stage, config), &named(stage));
    let mut facts =
        CardFacts { figures: figures(evaluations, (&model_name, stage))?, model_name, ..CardFacts::default() };
    if let Some(manifest) = lam_store::read_manifest(stage)? {
        let mut lineage = lam_store::lineage(stage)?;
        for node in lineage.nodes.iter_mut().filter(|node| node.made_by.is_none()) {
            node.name = without_folders(&node.name);
        }
        facts.lineage = lineage.to_text();
        let origins = lineage.nodes.iter().filter(|node| node.inputs.is_empty());
        facts.origins = origins.map(|node| (node.name.clone(), node.hash.clone())).collect();
        facts.training = without_places(&manifest.config);
        facts.made_by = manifest.kind;
    }
    Ok(facts)
}

fn figures(evaluations: &[PathBuf], model: (&str, &Path)) -> Result<Vec<TableFigures>, ExportError> {
    let mut all = Vec::new();
    for place in evaluations {
        let conditions = conditions(place)?;
        for (title, table) in tables_of(place)? {
            let row = table.as_object().and_then(|rows| rows[row_of(rows, model)?].as_object());
            all.push((format!("{}{conditions}", title.replace('_', " ")), row.map(figures_of).unwrap_or_default()));
        }
    }
    all.retain(|(_, figures)| !figures.is_empty());
    Ok(all)
}

/// Which tasks an online evaluation was of, as a table's title goes on; "" where that is not known.
fn conditions(place: &Path) -> Result<String, ExportError> {
    // A table may be named by itself.
    let manifest = if place.is_dir() { lam_store::read_manifest(place)? } else { None };
    let Some(manifest) = manifest else { return Ok(String::new()) };
    let settings = without_places(&manifest.config);
    Ok(match (settings["split"].as_str(), settings["environment"].as_str()) {
        (Some(split), Some(environment)) => format!(", {split} tasks of {environment}"),
        _ => String::new(),
    })
}

fn figures_of(row: &Map<String, Value>) -> Vec<(String, Estimate)> {
    row.iter().filter_map(|(metric, json)| Some((metric.clone(), Estimate::parse(json)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_models_own_row_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let rows = json!({"LAM3": {"tsr": 1.0}, "LAM4": {"tsr": {"value": 84.0, "ci95": [80.0, 88.0], "n": 300}, "tasks": 300}});
        std::fs::write(directory.path().join("tables.json"), json!({ "online": rows }).to_string()).unwrap();
        let figures = figures(&[directory.path().to_owned()], ("lam4", Path::new("runs/a/lam4"))).unwrap();
        let tsr = ("tsr".to_owned(), Estimate { value: 84.0, ci95: Some([80.0, 88.0]), n: Some(300) });
        assert_eq!(figures[0].0, "online");
        assert_eq!(figures[0].1[0], tsr);
    }
}
