//! What the model card needs to know, read from manifests and evaluation files. Whatever is not there is left out.

use std::path::{Path, PathBuf};

use lam_types::Estimate;
use serde_json::{Map, Value};

use crate::card::{CardFacts, TableFigures};
use crate::files::read_object;
use crate::{ExportConfig, ExportError};

/// The file in which an evaluation leaves its tables, by table and model.
const TABLES: &str = "tables.json";

/// The facts about the model of `stage`, evaluated in `evaluations`.
///
/// # Errors
/// When a manifest or an evaluation file is damaged.
pub fn gather(stage: &Path, evaluations: &[PathBuf], config: &ExportConfig) -> Result<CardFacts, ExportError> {
    let own_name = || stage.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
    let model_name = if config.model_name.is_empty() { own_name() } else { config.model_name.clone() };
    let mut facts = CardFacts { figures: figures(evaluations, &model_name)?, model_name, ..CardFacts::default() };
    if let Some(manifest) = lam_store::read_manifest(stage)? {
        let lineage = lam_store::lineage(stage)?;
        facts.lineage = lineage.to_text();
        let origins = lineage.nodes.iter().filter(|node| node.inputs.is_empty());
        facts.origins = origins.map(|node| (node.name.clone(), node.hash.clone())).collect();
        facts.training = manifest.config;
    }
    Ok(facts)
}

fn figures(evaluations: &[PathBuf], model: &str) -> Result<Vec<TableFigures>, ExportError> {
    let mut all = Vec::new();
    for place in evaluations {
        let path = if place.is_dir() { place.join(TABLES) } else { place.clone() };
        for (title, table) in read_object(&path)? {
            let row = table.as_object().and_then(|rows| row_of(rows, model)).map(figures_of).unwrap_or_default();
            all.push((title.replace('_', " "), row));
        }
    }
    all.retain(|(_, figures)| !figures.is_empty());
    Ok(all)
}

/// The model's row; names compare without case.
fn row_of<'a>(rows: &'a Map<String, Value>, model: &str) -> Option<&'a Map<String, Value>> {
    rows.iter().find(|(name, _)| name.eq_ignore_ascii_case(model))?.1.as_object()
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
        std::fs::write(directory.path().join(TABLES), json!({ "online": rows }).to_string()).unwrap();
        let figures = figures(&[directory.path().to_owned()], "lam4").unwrap();
        let tsr = ("tsr".to_owned(), Estimate { value: 84.0, ci95: Some([80.0, 88.0]), n: Some(300) });
        assert_eq!(figures[0].0, "online");
        assert_eq!(figures[0].1[0], tsr);
    }
}
