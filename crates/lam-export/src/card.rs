//! The model card: front matter that the hub reads, lineage, data hashes, figures, training configuration, limits.

use std::fmt::Write as _;

use lam_types::Estimate;
use serde_json::Value;

use crate::calibration::{self, Calibration};
use crate::record::ExportRecord;
use crate::{ExportConfig, Kind};

/// A table by its title, with the model's figures in it by name.
pub type TableFigures = (String, Vec<(String, Estimate)>);

/// What the card says beyond the record.
#[derive(Debug, Default)]
pub struct CardFacts {
    /// Name of the model, such as `LAM4`.
    pub model_name: String,
    /// Whether the base under an adapter lies beside it.
    pub has_own_base: bool,
    /// The lineage as a text tree; "" when the model comes from outside a run.
    pub lineage: String,
    /// Every origin of the lineage with its content hash.
    pub origins: Vec<(String, String)>,
    /// Resolved configuration of the stage that trained it, as JSON; `Null` when not known.
    pub training: Value,
    /// Figures by evaluation: title, then each metric with its estimate.
    pub figures: Vec<TableFigures>,
    /// Of a reward model, whether its predictions are kept.
    pub calibration: Option<Calibration>,
}

/// The whole README.md.
pub fn card(kind: Kind, config: &ExportConfig, facts: &CardFacts, record: &ExportRecord) -> String {
    let mut text = front_matter(kind, config, facts);
    let title = match kind {
        Kind::Adapter => "LoRA adapter",
        Kind::Merged => "merged model",
        Kind::Reward => "reward model",
    };
    paragraph(&mut text, &format!("# {}, {title}", facts.model_name));
    paragraph(&mut text, introduction(kind));
    section(&mut text, "How to load it", &format!("```python\n{}\n```", loading(kind, config, facts)));
    if let Some(base) = &record.base {
        section(&mut text, "The base under it", base);
    }
    section(&mut text, "Figures", &figures(facts));
    if kind == Kind::Reward {
        section(&mut text, "Calibration", &calibration::section(facts.calibration.as_ref()));
    }
    section(&mut text, "Lineage", &fenced_or(&facts.lineage, "The model was not made in a run with manifests."));
    section(&mut text, "Data and origins", &origins(facts));
    section(&mut text, "Training configuration", &training(&facts.training));
    section(&mut text, "Checks before this was called done", &checks(record));
    section(&mut text, "What it must not be used for", LIMITS);
    text
}

const LIMITS: &str = "- Acting without supervision in applications that hold data someone would miss: it can \
choose a wrong control with confidence, and an action in a real application may not be undone.\n\
- Applications other than those it was trained in: its knowledge of controls does not carry over.\n\
- Anything but turning a request and a list of controls into one action: it is no chat model, and it knows no facts.\n\
- Getting around access control, or acting in someone's name without their knowledge.";

fn front_matter(kind: Kind, config: &ExportConfig, facts: &CardFacts) -> String {
    let (library, pipeline, method) = match kind {
        Kind::Adapter => ("peft", "text-generation", "lora"),
        Kind::Merged => ("transformers", "text-generation", "sft"),
        Kind::Reward => ("transformers", "text-classification", "reward-model"),
    };
    let mut text = "---\n".to_owned();
    if !config.base_model.is_empty() {
        let relation = if kind == Kind::Adapter { "adapter" } else { "finetune" };
        line(&mut text, &format!("base_model: {}\nbase_model_relation: {relation}", quoted(&config.base_model)));
    }
    line(&mut text, &format!("library_name: {library}\npipeline_tag: {pipeline}\nlicense: {}", config.license));
    line(&mut text, &format!("language: [{}]", config.language.join(", ")));
    line(&mut text, &format!("tags: [{method}, large-action-model, gui-agent, generated_from_trainer]"));
    line(&mut text, "metrics: [accuracy]");
    text.push_str(&model_index(facts));
    text.push_str("---\n\n");
    text
}

/// The figures in the form that the hub shows beside a model.
fn model_index(facts: &CardFacts) -> String {
    if facts.figures.is_empty() {
        return String::new();
    }
    let mut text = format!("model-index:\n- name: {}\n  results:\n", quoted(&facts.model_name));
    for (title, figures) in &facts.figures {
        line(&mut text, "  - task: {type: text-generation}");
        line(&mut text, &format!("    dataset: {{name: {}, type: lam-train}}", quoted(title)));
        line(&mut text, "    metrics:");
        for (metric, Estimate { value, .. }) in figures {
            line(&mut text, &format!("    - {{type: {metric}, value: {value:.4}}}"));
        }
    }
    text
}

fn introduction(kind: Kind) -> &'static str {
    match kind {
        Kind::Adapter | Kind::Merged => {
            "A Large Action Model: it reads a request and the controls on a screen and answers with one grounded \
             action at a time. Trained with lam-train after “Large Action Models: From Inception to Implementation” \
             (arXiv 2412.10047). The chat template beside the weights is the one it was trained with; use no other."
        }
        Kind::Reward => {
            "The reward model of a Large Action Model: it reads a state and an action and gives a score; \
             2·sigmoid(score) − 1 estimates whether the step belongs to a successful attempt (+1) or a failed one (−1). \
             Score each action at its last token."
        }
    }
}

fn loading(kind: Kind, config: &ExportConfig, facts: &CardFacts) -> String {
    let base = match config.base_model.as_str() {
        _ if facts.has_own_base => "path/to/this/base",
        "" => "path/to/base",
        named => named,
    };
    match kind {
        Kind::Adapter => format!(
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
             base = AutoModelForCausalLM.from_pretrained({base:?})\nmodel = PeftModel.from_pretrained(base, \"path/to/this\")"
        ),
        Kind::Merged => "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
             model = AutoModelForCausalLM.from_pretrained(\"path/to/this\")\n\
             tokenizer = AutoTokenizer.from_pretrained(\"path/to/this\")"
            .to_owned(),
        Kind::Reward => "from transformers import AutoModelForSequenceClassification\n\n\
             model = AutoModelForSequenceClassification.from_pretrained(\"path/to/this\")"
            .to_owned(),
    }
}

fn figures(facts: &CardFacts) -> String {
    if facts.figures.is_empty() {
        return "None were given to this export.".to_owned();
    }
    let mut text = String::new();
    for (title, figures) in &facts.figures {
        line(&mut text, &format!("**{title}**\n\n| metric | value | 95 % interval |\n|---|---:|---:|"));
        for (metric, Estimate { value, ci95, .. }) in figures {
            let interval = ci95.map_or_else(|| "–".to_owned(), |[low, high]| format!("{low:.2} to {high:.2}"));
            line(&mut text, &format!("| {metric} | {value:.2} | {interval} |"));
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

fn origins(facts: &CardFacts) -> String {
    if facts.origins.is_empty() {
        return "Not recorded.".to_owned();
    }
    let mut text = "| origin | SHA-256 |\n|---|---|\n".to_owned();
    for (name, hash) in &facts.origins {
        line(&mut text, &format!("| {} | `{hash}` |", name.replace('|', "\\|")));
    }
    text.trim_end().to_owned()
}

fn training(config: &Value) -> String {
    if config.is_null() {
        return "Not recorded.".to_owned();
    }
    let json = serde_json::to_string_pretty(config).expect("a JSON value can be written");
    format!("```json\n{json}\n```")
}

fn checks(record: &ExportRecord) -> String {
    let mut text = "| logits compared | largest difference |\n|---|---:|\n".to_owned();
    for check in &record.checks {
        line(&mut text, &format!("| {} | {:.2e} |", check.what, check.max_abs_difference));
    }
    text.push_str("\n`export.json` holds inputs and their logits, so that the comparison can be repeated elsewhere.");
    text
}

fn fenced_or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { format!("```text\n{}\n```", text.trim_end()) }
}

fn section(text: &mut String, title: &str, body: &str) {
    paragraph(text, &format!("## {title}"));
    paragraph(text, body);
}

fn paragraph(text: &mut String, body: &str) {
    write!(text, "{body}\n\n").expect("writing to a string cannot fail");
}

fn line(text: &mut String, body: &str) {
    writeln!(text, "{body}").expect("writing to a string cannot fail");
}

/// A double-quoted YAML string; JSON's escapes are YAML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_comes_first_and_names_stand_in_quotes() {
        let facts = CardFacts {
            model_name: "LAM4".to_owned(),
            figures: vec![(
                "online".to_owned(),
                vec![("tsr".to_owned(), Estimate { value: 84.25, ci95: Some([80.0, 88.0]), n: Some(300) })],
            )],
            ..CardFacts::default()
        };
        let config = ExportConfig { base_model: "mistralai/Mistral-7B-v0.3".to_owned(), ..ExportConfig::default() };
        let record = ExportRecord {
            format_version: 1,
            kind: Kind::Adapter,
            sources: vec![],
            base: Some("It stands on `base/`.".to_owned()),
            checks: vec![],
            text: String::new(),
            text_ids: vec![],
            probes: vec![],
        };
        let text = card(Kind::Adapter, &config, &facts, &record);
        let (front, body) = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
        assert!(
            front.contains(
                "base_model: \"mistralai/Mistral-7B-v0.3\"\nbase_model_relation: adapter\nlibrary_name: peft\n"
            )
        );
        assert!(front.contains("license: apache-2.0") && front.contains("value: 84.2500"));
        assert!(body.contains("## The base under it\n\nIt stands on `base/`."));
        assert!(body.contains("| tsr | 84.25 | 80.00 to 88.00 |") && body.contains("must not be used for"));
    }
}
