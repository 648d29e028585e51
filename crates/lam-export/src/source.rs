//! Where the parts of a model lie in a stage's output: weights, adapter, the base under it, reward model.

use std::path::{Path, PathBuf};

use crate::ExportError;
use crate::files::read_object;
use crate::row::named;

/// The parts of a model that can be exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Directory with the whole model, adapter merged.
    pub model: Option<PathBuf>,
    /// Directory with the adapter.
    pub adapter: Option<PathBuf>,
    /// Directory with the model under the adapter.
    pub base: Option<PathBuf>,
    /// Directory with the reward model.
    pub reward: Option<PathBuf>,
}

impl Sources {
    /// Finds the parts in a stage's output directory, itself or one level below.
    ///
    /// The base is what the adapter's own config names, else the model that the stage's manifest says it began with.
    ///
    /// # Errors
    /// When an adapter's config cannot be read.
    pub fn find(stage: &Path) -> Result<Self, ExportError> {
        let places = [
            stage.to_owned(),
            stage.join("model"),
            stage.join("policy"),
            stage.join("adapter"),
            stage.join("policy/adapter"),
        ];
        let with = |holds: &dyn Fn(&Path) -> bool| places.iter().find(|place| holds(place)).cloned();
        let rewards = [stage.join("reward"), stage.join("reward_model"), stage.to_owned()];
        let adapter = with(&|place| place.join("adapter_config.json").is_file());
        let base = adapter.as_deref().map(|adapter| base_of(adapter, stage)).transpose()?.flatten();
        Ok(Self {
            model: with(&lam_gguf::is_model).filter(|place| !is_reward(place)),
            reward: rewards.into_iter().find(|place| is_reward(place)),
            adapter,
            base,
        })
    }

    /// A model with an adapter over it.
    #[must_use]
    pub fn under(self, adapter: &Path) -> Self {
        let base = self.model.or(self.base);
        Self { model: None, adapter: Some(adapter.to_owned()), base, reward: None }
    }

    /// A part, or an error that says what is missing.
    pub(crate) fn need<'a>(
        part: &'a Option<PathBuf>,
        stage: &Path,
        what: &'static str,
        hint: &'static str,
    ) -> Result<&'a Path, ExportError> {
        part.as_deref().ok_or_else(|| ExportError::Missing { path: stage.to_owned(), what, hint })
    }
}

/// A directory whose weights have a scalar head.
fn is_reward(place: &Path) -> bool {
    let is_classifier = |config: serde_json::Map<String, serde_json::Value>| {
        config.get("architectures").is_some_and(|names| names.to_string().contains("SequenceClassification"))
    };
    place.join("config.json").is_file() && read_object(&place.join("config.json")).is_ok_and(is_classifier)
}

fn base_of(adapter: &Path, stage: &Path) -> Result<Option<PathBuf>, ExportError> {
    let config = read_object(&adapter.join("adapter_config.json"))?;
    let base = config.get("base_model_name_or_path").and_then(|name| name.as_str()).map(str::to_owned);
    let parent = lam_store::read_manifest(stage)?.and_then(|mut manifest| manifest.inputs.remove("model")?.pop());
    let own = named(stage);
    let run = own.parent().unwrap_or(stage);
    let names = base.into_iter().chain(parent.map(|input| input.path)).filter(|name| !name.is_empty());
    let mut places =
        names.flat_map(|name| [adapter.join(&name), stage.join(&name), run.join(&name), PathBuf::from(&name)]);
    Ok(places.find(|place| lam_gguf::is_model(place)))
}
