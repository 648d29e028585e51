//! The model card: front matter that the hub reads, an example, how it is loaded, lineage, data hashes, figures, training
//! configuration, what it is for and what not.

mod front;
mod words;

use lam_model::HubModel;
use lam_store::card::{line, paragraph, section};
use lam_types::Estimate;
use serde_json::Value;

use crate::calibration::{self, Calibration};
use crate::example::Example;
use crate::gguf::GgufFile;
use crate::record::ExportRecord;
use crate::{ExportConfig, Kind};

/// A table by its title, with the model's figures in it by name.
pub type TableFigures = (String, Vec<(String, Estimate)>);

/// What the card says beyond the record.
#[derive(Debug, Default)]
pub struct CardFacts {
    /// Kind of the stage that made the model; "" when it comes from outside a run.
    pub made_by: String,
    /// Name of the model, such as `LAM4`.
    pub model_name: String,
    /// The base model's name on the hub, where it comes from there.
    pub base_model: Option<String>,
    /// Name of the licence; `unknown` where nobody says one.
    pub license: String,
    /// Whether the licence's text lies beside the weights.
    pub has_license_file: bool,
    /// Whether the base under an adapter lies beside it.
    pub has_own_base: bool,
    /// The base under an adapter on the hub, where it is just what lies there.
    pub hub_base: Option<HubModel>,
    /// What the model was asked, and answered.
    pub example: Option<Example>,
    /// Of a GGUF file, its name and how its numbers are stored.
    pub gguf: Option<GgufFile>,
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

/// What stands where nobody says a licence, as the hub calls it.
pub const UNKNOWN: &str = "unknown";

/// The whole README.md.
pub fn card(kind: Kind, config: &ExportConfig, facts: &CardFacts, record: &ExportRecord) -> String {
    let mut text = front::front_matter(kind, config, facts);
    let title = match kind {
        Kind::Adapter => "LoRA adapter",
        Kind::Merged => "merged model",
        Kind::Reward => "reward model",
        Kind::Gguf => "GGUF",
    };
    paragraph(&mut text, &format!("# {}, {title}", facts.model_name));
    paragraph(&mut text, &words::introduction(kind, &facts.made_by));
    for note in &record.notes {
        paragraph(&mut text, &format!("**Note:** {note}."));
    }
    section(&mut text, "An example", &example(kind, facts));
    section(&mut text, "How to load it", &words::loading(kind, facts));
    if let Some(base) = &record.base {
        section(&mut text, "The base under it", base);
    }
    if let Some(file) = &facts.gguf {
        section(&mut text, "How its numbers are stored", &formats(file));
    }
    section(&mut text, "What it is for", words::intended_use(kind, &facts.made_by));
    section(&mut text, "What it must not be used for", &words::limits(kind, &facts.made_by));
    section(&mut text, "Figures", &figures(facts));
    if kind == Kind::Reward {
        section(&mut text, "Calibration", &calibration::section(facts.calibration.as_ref()));
    }
    section(&mut text, "Lineage", &fenced_or(&facts.lineage, "The model was not made in a run with manifests."));
    section(&mut text, "Data and origins", &origins(facts));
    section(&mut text, "Training configuration", &training(&facts.training));
    section(&mut text, "Checks before this was called done", &checks(record));
    section(&mut text, "License", &license(facts));
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A question with its answer, or with its score; fenced, so that nothing in it is taken for Markdown.
fn example(kind: Kind, facts: &CardFacts) -> String {
    let Some(Example { prompt, answer }) = &facts.example else {
        return "No evaluation that was given to this export recorded one.".to_owned();
    };
    let (asked, answered) = match kind {
        Kind::Reward => ("It reads", "It scores"),
        _ => ("It was asked", "It answered"),
    };
    format!("{asked}, special tokens written out:\n\n{}\n\n{answered}:\n\n{}", fenced(prompt), fenced(answer))
}

/// A text between fences that are longer than any in it.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn formats(file: &GgufFile) -> String {
    let mut text = "| format | tensors | MiB |\n|---|---:|---:|\n".to_owned();
    for (format, (tensors, bytes)) in &file.formats {
        line(&mut text, &format!("| {format} | {tensors} | {:.1} |", *bytes as f64 / f64::from(1 << 20)));
    }
    text.push_str(
        "\nNorms and biases are F32; rows that cannot be cut into a format's blocks are in the next wider one.",
    );
    text
}

fn license(facts: &CardFacts) -> String {
    let base = facts
        .base_model
        .as_ref()
        .map_or_else(String::new, |base| format!(" Its base is `{base}`, whose licence holds too."));
    let beside = if facts.has_license_file { " Its text is in `LICENSE`." } else { "" };
    if facts.license == UNKNOWN {
        return format!(
            "Not known: neither who exported this nor the base's files named one. Ask before you use it.{base}"
        );
    }
    format!("{}.{beside}{base}", facts.license)
}

fn figures(facts: &CardFacts) -> String {
    if facts.figures.is_empty() {
        return "None were given to this export.".to_owned();
    }
    let mut text = "Rates are in percent, times in seconds; `tsr` is the share of tasks that succeeded.\n\n".to_owned();
    for (title, figures) in &facts.figures {
        line(&mut text, &format!("**{title}**\n\n| metric | value | 95 % interval |\n|---|---:|---:|"));
        for (metric, figure) in figures {
            let interval = figure.ci95.map_or_else(|| "–".to_owned(), |[low, high]| format!("{low:.2} to {high:.2}"));
            line(&mut text, &format!("| {metric} | {} | {interval} |", value_of(figure, 2)));
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// A figure with so many places after the point; counts, which are whole and have no interval, without any.
fn value_of(figure: &Estimate, places: usize) -> String {
    let is_count = figure.ci95.is_none() && figure.value.fract() == 0.0;
    format!("{:.*}", if is_count { 0 } else { places }, figure.value)
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
    if text.is_empty() { otherwise.to_owned() } else { fenced(text) }
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
                vec![
                    ("tsr".to_owned(), Estimate { value: 84.25, ci95: Some([80.0, 88.0]), n: Some(300) }),
                    ("tasks".to_owned(), Estimate { value: 300.0, ci95: None, n: None }),
                ],
            )],
            ..CardFacts::default()
        };
        let config = ExportConfig { datasets: vec!["acme/steps".to_owned()], ..ExportConfig::default() };
        let facts = CardFacts {
            base_model: Some("mistralai/Mistral-7B-v0.3".to_owned()),
            license: "apache-2.0".to_owned(),
            example: Some(Example {
                prompt: "Make it ```bold```".to_owned(),
                answer: "{\"function\": \"x\"}".to_owned(),
            }),
            ..facts
        };
        let text = card(Kind::Adapter, &config, &facts, &record(Kind::Adapter));
        let (front, body) = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
        assert!(
            front.contains(
                "base_model: \"mistralai/Mistral-7B-v0.3\"\nbase_model_relation: adapter\nlibrary_name: peft\n"
            )
        );
        let gguf = card(Kind::Gguf, &config, &facts, &record(Kind::Gguf));
        assert!(gguf.contains("base_model_relation: finetune\n"), "its base is where training began: {gguf}");
        assert!(front.contains("license: \"apache-2.0\"") && front.contains("value: 84.2500"));
        assert!(front.contains("{type: tasks, value: 300}") && body.contains("| tasks | 300 | – |"), "{text}");
        assert!(front.contains("datasets: [\"acme/steps\"]"));
        assert!(body.contains("## The base under it\n\nIt stands on `base/`."));
        assert!(body.contains("````text\nMake it ```bold```\n````"), "{body}");
        assert!(body.contains("| tsr | 84.25 | 80.00 to 88.00 |") && body.contains("must not be used for"));
        assert!(body.contains("AutoPeftModelForCausalLM.from_pretrained(\"path/to/this\")"));
        assert!(body.ends_with(
            "## License\n\napache-2.0. Its base is `mistralai/Mistral-7B-v0.3`, whose licence holds too.\n"
        ));
    }

    fn record(kind: Kind) -> ExportRecord {
        ExportRecord {
            format_version: 1,
            kind,
            sources: vec![],
            base: (kind == Kind::Adapter).then(|| "It stands on `base/`.".to_owned()),
            notes: vec![],
            checks: vec![],
            text: String::new(),
            text_ids: vec![],
            probes: vec![],
        }
    }

    #[test]
    fn what_is_not_known_is_said_to_be_unknown() {
        let facts = CardFacts { model_name: "LAM4".to_owned(), license: UNKNOWN.to_owned(), ..CardFacts::default() };
        for kind in [Kind::Adapter, Kind::Merged, Kind::Reward, Kind::Gguf] {
            let text = card(kind, &ExportConfig::default(), &facts, &record(kind));
            assert!(text.contains("license: \"unknown\"") && text.contains("## License\n\nNot known"), "{text}");
            assert!(!text.contains("base_model:") && text.contains("## What it is for"), "{text}");
        }
    }

    #[test]
    fn a_card_says_of_a_model_what_its_stage_taught_it() {
        let text = |kind: Kind, made_by: &str| {
            let facts = CardFacts { made_by: made_by.to_owned(), ..CardFacts::default() };
            card(kind, &ExportConfig::default(), &facts, &record(kind))
        };
        for made_by in ["", "phase2", "phase4.policy"] {
            assert!(text(Kind::Merged, made_by).contains("answers with one grounded action at a time"), "{made_by}");
        }
        for (made_by, words) in [("phase1", "answers with a plan"), ("base", "no plans and no actions yet")] {
            let text = text(Kind::Gguf, made_by);
            assert!(text.contains(words) && text.contains("- Acting: ") && !text.contains("grounded action"), "{text}");
        }
        let reward = text(Kind::Reward, "phase4.reward");
        assert!(!reward.contains("into one action") && reward.contains("- Judging whether a task is done"), "{reward}");
    }
}
