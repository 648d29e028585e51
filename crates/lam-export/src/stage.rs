//! The pipeline stage `export`: every configured kind of a model, each in its own directory.

use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use serde_json::{Map, Value, json};

use crate::source::Sources;
use crate::{ExportConfig, ExportError, ExportInputs, Kind, export};

/// Inputs: the model's stage, perhaps with an adapter over it; where its adapter's base or its reward model lie elsewhere, those; evaluations for the card.
const INPUTS: [InputSpec; 5] = [
    InputSpec::one("model"),
    InputSpec::optional("adapter"),
    InputSpec::optional("base"),
    InputSpec::optional("reward"),
    InputSpec::any("evaluations"),
];

/// Adds this crate's stage.
pub fn register(registry: Registry) -> Registry {
    registry.with(Export)
}

struct Export;

impl Stage for Export {
    type Settings = ExportConfig;

    fn kind(&self) -> &'static str {
        "export"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &INPUTS
    }

    /// Cards say by which stages of which run the model was made.
    fn tells_names(&self, _inputs: &InputCounts) -> bool {
        true
    }

    fn run(&self, settings: &ExportConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let stage = context.input("model")?;
        let evaluations = context.input_list("evaluations");
        let inputs = ExportInputs { stage, sources: sources(context)?, evaluations };
        let mut figures = Map::new();
        for kind in &settings.kinds {
            if context.cancel.is_cancelled() {
                return Err(Failure::cancelled());
            }
            if let Some(reason) = absent(*kind, &inputs.sources) {
                context.progress.note(&format!("{} is left out: {reason}", kind.as_str()));
                continue;
            }
            let record = export(*kind, &inputs, &context.output.join(kind.as_str()), settings)?;
            let checks = record.checks.iter().map(|check| (check.what.clone(), json!(check.max_abs_difference)));
            figures.insert(kind.as_str().to_owned(), Value::Object(checks.collect()));
        }
        Ok(Value::Object(figures))
    }
}

fn sources(context: &StageContext<'_>) -> Result<Sources, ExportError> {
    let mut sources = Sources::find(context.input("model").unwrap_or(context.output))?;
    if let Some(adapter) = context.optional_input("adapter") {
        sources = sources.under(adapter);
    }
    if let Some(base) = context.optional_input("base") {
        sources.base = Some(base.to_owned());
    }
    if let Some(reward) = context.optional_input("reward") {
        sources.reward = Sources::find(reward)?.reward.or_else(|| Some(reward.to_owned()));
    }
    Ok(sources)
}

/// Why a kind cannot be made of these parts: a stage that trained every weight has no adapter.
fn absent(kind: Kind, sources: &Sources) -> Option<&'static str> {
    match kind {
        Kind::Adapter if sources.adapter.is_none() => Some("the stage left no adapter"),
        Kind::Adapter if sources.base.is_none() => Some("the base under the adapter is not known"),
        Kind::Reward if sources.reward.is_none() => Some("the stage left no reward model"),
        _ => None,
    }
}
