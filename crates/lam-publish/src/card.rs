//! The card of a data set: front matter by which it is loaded, what it holds, how it was made. Without a path of the
//! machine that made it.

use std::collections::BTreeMap;

use lam_store::TableKind;
use lam_store::card::{line, paragraph, quoted, section, without_places};
use serde_json::Value;

use crate::table::Table;
use crate::{PublishError, Run};

/// The key by which settings name an endpoint.
const ENDPOINT: &str = "base_url";
/// Under which licence data is published that we made ourselves.
const LICENSE: &str = "apache-2.0";

/// What the card cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a> {
    /// `OWNER/NAME` of the repository.
    pub repository: &'a str,
    /// The licence, as the hub knows it; needed where documents or answers of others are in the data.
    pub license: Option<&'a str>,
}

/// The whole README.md.
pub(crate) fn card(run: &Run, tables: &[Table<'_>], facts: &Card<'_>) -> Result<String, PublishError> {
    let license = license(tables, facts.license)?;
    let mut text = front_matter(run, tables, &license);
    paragraph(&mut text, &format!("# Data of the run `{}`", run.name()));
    paragraph(
        &mut text,
        "Tasks, plans and trajectories from which a Large Action Model was trained and on which it was evaluated, made \
         with lam-train after “Large Action Models: From Inception to Implementation” (arXiv 2412.10047). A step of a \
         trajectory is a state (the request, the controls on the screen, the document, what was done before) and the \
         action that was taken in it.",
    );
    section(&mut text, "How to load it", &loading(tables, facts.repository));
    section(&mut text, "What it holds", &contents(tables));
    section(&mut text, "Columns", COLUMNS);
    section(&mut text, "Where it comes from", &origins(tables));
    section(&mut text, "How it was made", &making(tables));
    section(&mut text, "What it must not be used for", &limits(tables));
    Ok(text)
}

const COLUMNS: &str = "Of all: `task_id`, `application`, `family` (the kind of task), `split`.\n\n\
- **Plans**: `task`, `plan` (steps, in order), `source`, `document` with `document_hash`, `producer` (the rule or \
model that made the pair), `parent_id` (the pair that it was evolved from).\n\
- **Trajectories**, a row a step: `trajectory_id`, `step_index`, `request`, `phrasing` (`unseen`: in words that no \
phase trained on), `policy_name` (who acted), `complete` and `verdict_reason` (what the environment judged in the \
end); the state: `controls` (JSON), `document`, `selection`, `previous_actions` (JSON), `previous_plan`; the action: \
`thought`, `control_label`, `control_name`, `function`, `args` (JSON), `status`, `plan`; what came of it: \
`step_status`, `message`, `reward`, `acceptable_labels`; where a model of ours acted, its tokens: `prompt_ids`, \
`action_ids`, `logprobs`.\n\
- **Tasks**: `request`, `environment`, `seed` and `phrasing`.";

/// What the scripted expert of an environment is called in trajectories.
const SCRIPT: &str = "expert";

fn limits(tables: &[Table<'_>]) -> String {
    let is_scripted = |table: &Table<'_>| table.kind == TableKind::Trajectories && table.origins.contains_key(SCRIPT);
    let script = match tables.iter().any(is_scripted) {
        true => ", and a scripted expert words its thoughts as templates do",
        false => "",
    };
    format!(
        "- Judging how well a model acts on real people's screens: tasks and texts are drawn from templates{script}.\n\
         - Training on the rows of split `test`, and telling a figure over them afterwards.\n\
         - Learning from failures as if they were successes: look at `complete` and `reward`."
    )
}

fn front_matter(run: &Run, tables: &[Table<'_>], license: &str) -> String {
    let rows: usize = tables.iter().map(|table| table.rows).sum();
    let mut text = format!("---\nlicense: {license}\nlanguage: [en]\npretty_name: {}\n", quoted(&run.name()));
    line(&mut text, "task_categories: [text-generation]");
    line(&mut text, "tags: [large-action-model, gui-agent, trajectories, lam-train]");
    line(&mut text, &format!("size_categories: [\"{}\"]", size_category(rows)));
    line(&mut text, "configs:");
    for table in tables {
        let (name, split, path) = (quoted(&table.configuration), table.split(), quoted(&table.name));
        line(&mut text, &format!("- config_name: {name}\n  data_files:\n  - split: {split}\n    path: {path}"));
    }
    text.push_str("---\n\n");
    text
}

/// As the hub sorts data sets by their size.
fn size_category(rows: usize) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        _ => "10M<n<100M",
    }
}

fn loading(tables: &[Table<'_>], repository: &str) -> String {
    let example = tables.iter().find(|table| table.kind == TableKind::Trajectories).or(tables.first());
    let (configuration, split) = example.map_or(("", ""), |table| (table.configuration.as_str(), table.split()));
    format!(
        "```python\nfrom datasets import load_dataset\n\n\
         rows = load_dataset({repository:?}, {configuration:?}, split={split:?})\n```"
    )
}

fn contents(tables: &[Table<'_>]) -> String {
    let mut text = "| configuration | split | rows | what | made by stage |\n|---|---|---:|---|---|\n".to_owned();
    for table in tables {
        let what = match (table.kind, table.successes) {
            (TableKind::TaskPlans, _) => "task-plan pairs".to_owned(),
            (TableKind::Tasks, _) => "tasks".to_owned(),
            (TableKind::Trajectories, successes) => {
                format!("steps of {} trajectories, {} successful", table.records, successes.unwrap_or(0))
            }
        };
        let (configuration, split, rows) = (&table.configuration, table.split(), table.rows);
        let stage = &table.stage.manifest.stage;
        line(&mut text, &format!("| `{configuration}` | {split} | {rows} | {what} | `{stage}` |"));
    }
    text.push_str("\nRows of split `mixed` are of several splits; each says its own in the column `split`.");
    text
}

/// Who acted, and which documents were read.
fn origins(tables: &[Table<'_>]) -> String {
    let mut kinds: [(&str, BTreeMap<&str, usize>); 3] = [
        ("Plans, by source and by what made them", BTreeMap::new()),
        ("Trajectories, by who acted", BTreeMap::new()),
        ("Tasks, by environment", BTreeMap::new()),
    ];
    for table in tables {
        let kind = match table.kind {
            TableKind::TaskPlans => 0,
            TableKind::Trajectories => 1,
            TableKind::Tasks => 2,
        };
        for (origin, count) in &table.origins {
            *kinds[kind].1.entry(origin).or_default() += count;
        }
    }
    let mut text = String::new();
    for (title, counts) in kinds.iter().filter(|(_, counts)| !counts.is_empty()) {
        let counts = counts.iter().map(|(origin, count)| format!("`{origin}` {count}"));
        line(&mut text, &format!("- {title}: {}.", counts.collect::<Vec<_>>().join(", ")));
    }
    text.trim_end().to_owned()
}

/// The stages that made the tables, each once, with seed and settings.
fn making(tables: &[Table<'_>]) -> String {
    let asked = match tables.iter().any(|table| has_endpoint(&table.stage.manifest.config)) {
        true => ", as far as the endpoints that were asked answer alike",
        false => "",
    };
    let mut text = format!("The same settings, seed and inputs give the same rows again{asked}.\n\n");
    let mut told = Vec::new();
    for table in tables {
        let manifest = &table.stage.manifest;
        if told.contains(&&manifest.stage) {
            continue;
        }
        told.push(&manifest.stage);
        let settings = serde_json::to_string_pretty(&without_places(&manifest.config)).expect("JSON can be written");
        let (stage, kind, seed, producer) = (&manifest.stage, &manifest.kind, manifest.seed, &manifest.producer);
        let inputs: Vec<&str> = manifest.inputs.values().flatten().filter_map(|input| input.stage.as_deref()).collect();
        let from = if inputs.is_empty() { String::new() } else { format!(", from `{}`", inputs.join("`, `")) };
        line(
            &mut text,
            &format!("<details><summary><code>{stage}</code> ({kind}), seed {seed}{from}, by {producer}</summary>"),
        );
        paragraph(&mut text, &format!("\n```json\n{settings}\n```\n\n</details>"));
    }
    text.trim_end().to_owned()
}

/// Whether a model behind an endpoint was asked for anything.
fn has_endpoint(settings: &Value) -> bool {
    match settings {
        Value::Object(fields) => fields.contains_key(ENDPOINT) || fields.values().any(has_endpoint),
        Value::Array(items) => items.iter().any(has_endpoint),
        _ => false,
    }
}

/// The licence that was said, or ours where nobody else's documents or answers are in the data.
fn license(tables: &[Table<'_>], said: Option<&str>) -> Result<String, PublishError> {
    if let Some(said) = said {
        let is_word = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-".contains(letter);
        return match !said.is_empty() && said.chars().all(is_word) {
            true => Ok(said.to_owned()),
            false => Err(PublishError::NoLicense { text: said.to_owned() }),
        };
    }
    let mut sources: Vec<String> = Vec::new();
    for table in tables {
        sources_in(&table.stage.manifest.config, &mut sources);
    }
    sources.sort();
    sources.dedup();
    if sources.is_empty() { Ok(LICENSE.to_owned()) } else { Err(PublishError::License { sources }) }
}

/// The kinds of all documents on disk that settings name, and the models behind endpoints.
fn sources_in(settings: &Value, found: &mut Vec<String>) {
    if let Some(items) = settings.as_array() {
        items.iter().for_each(|item| sources_in(item, found));
    }
    let Some(settings) = settings.as_object() else { return };
    if settings.contains_key(ENDPOINT) {
        let model = settings.get("model").and_then(Value::as_str).unwrap_or("a model");
        found.push(format!("answers of {model}"));
    }
    for (key, value) in settings {
        match value.as_array().filter(|_| key == "sources") {
            Some(sources) => {
                let kind = |source: &Value| source["kind"].as_str().unwrap_or("documents").to_owned();
                found.extend(sources.iter().map(kind));
            }
            None => sources_in(value, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_of_documents_are_found_at_any_depth() {
        let settings = json!({
            "plans": { "sources": [{ "kind": "wikihow", "path": "/home/ada/wiki/all.json" }] },
            "number": 3,
            "more": ["x"],
            "endpoints": [{ "base_url": "http://h/v1", "model": "gpt" }],
        });
        let mut found = Vec::new();
        sources_in(&settings, &mut found);
        found.sort();
        assert_eq!(found, ["answers of gpt", "wikihow"]);
    }
}
