//! A model's files, looked at and not yet read: its config, the headers of its weights, and that both belong together.

use std::collections::BTreeMap;
use std::path::Path;

use lam_gguf::Gguf;
use lam_weights::{WeightFiles, refuse_links_outside};

use super::describe::read_config;
use super::{Tensors, gguf, is_classifier};
use crate::layout::{self, HEAD_WEIGHT, SCORE};
use crate::{DecoderConfig, ModelError};

/// Buffers that older versions of transformers stored beside the weights; they follow from the config.
const DERIVED: &str = ".rotary_emb.inv_freq";

/// The files of a model.
pub(crate) struct ModelFiles {
    /// Its shape.
    pub(crate) config: DecoderConfig,
    weights: Weights,
}

/// Where its weights lie.
enum Weights {
    Safetensors(WeightFiles),
    Gguf(Box<Gguf>),
}

impl ModelFiles {
    /// Looks at the policy, or with `scores` at the reward model, in a directory; or at the policy in a GGUF file.
    pub(crate) fn open(directory: &Path, scores: bool) -> Result<Self, ModelError> {
        if let Some(path) = lam_gguf::find(directory)? {
            return Self::open_gguf(directory, &path, scores);
        }
        let config = read_config(directory)?;
        let path = directory.join("config.json");
        match (is_classifier(&config), scores) {
            (true, false) => {
                let hint = "a reward model scores answers and gives none; name a model that continues texts";
                return Err(ModelError::file_with_hint(&path, "this is a reward model, not a policy", hint));
            }
            (false, true) => return Err(no_reward_model(&path)),
            _ => {}
        }
        let files = Self { weights: Weights::Safetensors(WeightFiles::open(directory, "model")?), config };
        files.compare()?;
        Ok(files)
    }

    fn open_gguf(named: &Path, path: &Path, scores: bool) -> Result<Self, ModelError> {
        if named != path {
            refuse_links_outside(named)?;
        }
        if scores {
            return Err(no_reward_model(path));
        }
        let gguf = Gguf::open(path)?;
        let files = Self { config: gguf::read_config(&gguf)?, weights: Weights::Gguf(Box::new(gguf)) };
        files.compare()?;
        Ok(files)
    }

    /// Its tensors.
    pub(crate) fn tensors(&self) -> Result<Tensors, ModelError> {
        let mut tensors = match &self.weights {
            Weights::Safetensors(files) => Tensors::of(files)?,
            Weights::Gguf(gguf) => Tensors::of_gguf(gguf, &self.config)?,
        };
        tensors.leave_out(|name| name.ends_with(DERIVED));
        if self.config.tie_word_embeddings {
            tensors.drop_second_head()?;
        }
        Ok(tensors)
    }

    /// Refuses weights that are not exactly those of the config.
    fn compare(&self) -> Result<(), ModelError> {
        let (path, mut found) = match &self.weights {
            Weights::Safetensors(files) => {
                let shapes = files.tensors().map(|(name, info, _)| (name.to_owned(), info.shape.clone()));
                (&files.path, shapes.collect::<BTreeMap<_, _>>())
            }
            Weights::Gguf(gguf) => (&gguf.path, gguf::shapes(gguf)?),
        };
        found.retain(|name, _| !name.ends_with(DERIVED));
        let mut expected = layout::shapes(&self.config);
        if is_classifier(&self.config) {
            expected.retain(|(name, _)| name != HEAD_WEIGHT);
            found.remove(HEAD_WEIGHT);
            expected.push((SCORE.into(), vec![1, self.config.hidden_size]));
        }
        for (name, expected) in expected {
            match found.remove(name.as_str()) {
                None => return Err(ModelError::MissingTensor { path: path.clone(), name }),
                Some(found) if found != expected => {
                    return Err(ModelError::Shape { path: path.clone(), name, expected, found });
                }
                Some(_) => {}
            }
        }
        // Where the embedding is the output layer too, some programs write it twice.
        if self.config.tie_word_embeddings {
            found.remove(HEAD_WEIGHT);
        }
        let Some(first) = found.keys().next() else { return Ok(()) };
        let reason =
            format!("holds {} tensors that the model of its config.json has not, such as `{first}`", found.len());
        let hint = if *first == SCORE {
            "it is a reward model's; its config.json should say so"
        } else {
            "the weights belong to another architecture, or to another config.json"
        };
        Err(ModelError::file_with_hint(path, reason, hint))
    }
}

fn no_reward_model(path: &Path) -> ModelError {
    let hint = "name the directory that phase 4 wrote its reward model to";
    ModelError::file_with_hint(path, "this is a policy, not a reward model", hint)
}
