//! A card's front matter, which the hub reads: library, base, licence, tags, data sets, figures.

use lam_store::card::{line, quoted};

use super::{CardFacts, value_of};
use crate::{ExportConfig, Kind};

/// The lines between the marks, the marks included.
pub(super) fn front_matter(kind: Kind, config: &ExportConfig, facts: &CardFacts) -> String {
    let (library, pipeline, tag) = match kind {
        Kind::Adapter => ("peft", "text-generation", "lora, "),
        // By which method it was trained, imitation or reinforcement, is not told by the kind.
        Kind::Merged => ("transformers", "text-generation", ""),
        Kind::Reward => ("transformers", "text-classification", "reward-model, "),
        Kind::Gguf => ("gguf", "text-generation", "llama-cpp, "),
    };
    let mut text = "---\n".to_owned();
    if let Some(base) = &facts.base_model {
        let relation = match kind {
            Kind::Adapter => "adapter",
            // Also of a GGUF file: what is named is where training began, not a model whose numbers were rounded.
            Kind::Merged | Kind::Reward | Kind::Gguf => "finetune",
        };
        line(&mut text, &format!("base_model: {}\nbase_model_relation: {relation}", quoted(base)));
    }
    line(&mut text, &format!("library_name: {library}\npipeline_tag: {pipeline}\nlicense: {}", quoted(&facts.license)));
    line(&mut text, &format!("language: [{}]", list(&config.language)));
    if !config.datasets.is_empty() {
        line(&mut text, &format!("datasets: [{}]", list(&config.datasets)));
    }
    line(&mut text, &format!("tags: [{tag}large-action-model, gui-agent, lam-train]"));
    text.push_str(&model_index(pipeline, facts));
    text.push_str("---\n\n");
    text
}

/// Texts of a YAML list.
fn list(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

/// The figures in the form that the hub shows beside a model.
fn model_index(pipeline: &str, facts: &CardFacts) -> String {
    if facts.figures.is_empty() {
        return String::new();
    }
    let mut text = format!("model-index:\n- name: {}\n  results:\n", quoted(&facts.model_name));
    for (title, figures) in &facts.figures {
        line(&mut text, &format!("  - task: {{type: {pipeline}}}"));
        line(&mut text, &format!("    dataset: {{name: {}, type: lam-train}}", quoted(title)));
        line(&mut text, "    metrics:");
        for (metric, figure) in figures {
            line(&mut text, &format!("    - {{type: {metric}, value: {}}}", value_of(figure, 4)));
        }
    }
    text
}
