//! The stages and what flows between them, as text or as a Mermaid diagram.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use lam_store::read_manifest;
use serde::Serialize;

use crate::file::{InputSource, StageSpec};
use crate::{Pipeline, format_seconds};

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// One line a stage.
    Text,
    /// A Mermaid flowchart, as Markdown viewers draw it.
    Mermaid,
}

/// A stage of the graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GraphNode {
    /// Directory of its result below the run's.
    pub id: String,
    /// What runs it.
    pub kind: String,
    /// Its inputs: stages, files of theirs, and paths outside the run.
    pub inputs: BTreeMap<String, Vec<String>>,
    /// Seconds that its result took, where there is one.
    pub duration_s: Option<f64>,
}

/// The stages of `pipeline` in order, with durations where its run below `runs_dir` has results.
pub fn nodes(pipeline: &Pipeline, runs_dir: &Path) -> Vec<GraphNode> {
    let run_dir = pipeline.run_dir(runs_dir);
    let node = |spec: &StageSpec| {
        let named = |sources: &[InputSource]| sources.iter().map(|source| source_name(pipeline, source)).collect();
        GraphNode {
            id: spec.id.clone(),
            kind: spec.kind.clone(),
            inputs: spec.inputs.iter().map(|(name, sources)| (name.clone(), named(sources))).collect(),
            duration_s: duration(&run_dir, spec),
        }
    };
    pipeline.stages.iter().map(node).collect()
}

fn duration(run_dir: &Path, spec: &StageSpec) -> Option<f64> {
    read_manifest(&run_dir.join(&spec.id)).ok().flatten().map(|manifest| manifest.duration_s)
}

/// The graph of `pipeline`, with durations where its run below `runs_dir` has results.
pub fn graph(pipeline: &Pipeline, runs_dir: &Path, format: GraphFormat) -> String {
    let run_dir = pipeline.run_dir(runs_dir);
    let duration = |spec: &StageSpec| duration(&run_dir, spec).map(format_seconds);
    match format {
        GraphFormat::Text => text(pipeline, duration),
        GraphFormat::Mermaid => mermaid(pipeline, duration),
    }
}

fn text(pipeline: &Pipeline, duration: impl Fn(&StageSpec) -> Option<String>) -> String {
    let width = pipeline.stages.iter().map(|stage| stage.id.chars().count()).max().unwrap_or(0);
    let kinds = pipeline.stages.iter().map(|stage| stage.kind.chars().count()).max().unwrap_or(0);
    let mut drawn = String::new();
    for stage in &pipeline.stages {
        let inputs: Vec<String> = stage
            .inputs
            .iter()
            .flat_map(|(name, sources)| sources.iter().map(move |source| (name, source)))
            .map(|(name, source)| format!("{name}: {}", source_name(pipeline, source)))
            .collect();
        let arrow = if inputs.is_empty() { "" } else { "← " };
        let took = duration(stage).map(|took| format!("  [{took}]")).unwrap_or_default();
        let line = format!("{:width$}  {:kinds$}  {arrow}{}{took}", stage.id, stage.kind, inputs.join(", "));
        writeln!(drawn, "{}", line.trim_end()).expect("writing to a string cannot fail");
    }
    drawn
}

fn mermaid(pipeline: &Pipeline, duration: impl Fn(&StageSpec) -> Option<String>) -> String {
    let mut drawn = String::from("flowchart TD\n");
    for (index, stage) in pipeline.stages.iter().enumerate() {
        let took = duration(stage).map(|took| format!("<br>{took}")).unwrap_or_default();
        drawn.push_str(&format!("  s{index}[\"{}<br>{}{took}\"]\n", stage.id, stage.kind));
    }
    for (index, stage) in pipeline.stages.iter().enumerate() {
        for (name, sources) in &stage.inputs {
            for source in sources {
                drawn.push_str(&match source {
                    InputSource::Stage { index: from, .. } => format!("  s{from} -->|{name}| s{index}\n"),
                    InputSource::External(path) => {
                        format!("  x{index}{name}[(\"{}\")] -->|{name}| s{index}\n", path.display())
                    }
                });
            }
        }
    }
    drawn
}

fn source_name(pipeline: &Pipeline, source: &InputSource) -> String {
    match source {
        InputSource::External(path) => path.display().to_string(),
        InputSource::Stage { index, below } => {
            let id = &pipeline.stages[*index].id;
            if below.as_os_str().is_empty() { id.clone() } else { format!("{id}/{}", below.display()) }
        }
    }
}
