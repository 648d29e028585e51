//! Adapters in PEFT's form, of whoever made them: what is understood is planned tensor by tensor, everything else is
//! refused by the name of its key or tensor. Knows no decoder.

mod base;
mod config;
mod patterns;
mod plan;
mod write;

pub(crate) use base::BaseRecord;
pub(crate) use config::PeftConfig;
pub(crate) use plan::{Change, Part};
pub(crate) use write::{Adapted, NamedBase, write_config};

use std::path::{Path, PathBuf};

use lam_weights::WeightFiles;

use super::Tensors;
use crate::{DecoderConfig, ModelError};

/// Before the name of every tensor.
pub(crate) const PREFIX: &str = "base_model.model.";
const STEM: &str = "adapter_model";

/// An adapter's directory, looked at and not yet read.
pub(crate) struct PeftAdapter {
    pub(crate) directory: PathBuf,
    pub(crate) config: PeftConfig,
    files: WeightFiles,
}

impl PeftAdapter {
    /// Looks at the adapter in a directory.
    pub(crate) fn open(directory: &Path) -> Result<Self, ModelError> {
        let config = PeftConfig::read(directory)?;
        Ok(Self { directory: directory.to_owned(), config, files: WeightFiles::open(directory, STEM)? })
    }

    /// Its tensors.
    pub(crate) fn tensors(&self) -> Result<Tensors, ModelError> {
        Tensors::of(&self.files)
    }

    /// What it changes of such a model, tensor by tensor: all that it holds, and nothing that it does not.
    pub(crate) fn plan(&self, model: &DecoderConfig) -> Result<Vec<Change>, ModelError> {
        plan::plan(&self.config, &self.files, model)
    }
}

/// The directory of the model that an adapter's config names, as seen from the adapter or from here.
pub(crate) fn named_base(adapter: &Path) -> Result<Option<PathBuf>, ModelError> {
    let Some(name) = PeftConfig::read(adapter)?.base else { return Ok(None) };
    Ok([adapter.join(&name), PathBuf::from(&name)].into_iter().find(|place| lam_gguf::is_model(place)))
}
