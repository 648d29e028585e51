//! Models by the name a person gives: a directory, a GGUF file, or OWNER/NAME on the hub, which is fetched.

use std::path::{Path, PathBuf};

use lam_signal::Monitor;
use serde_json::{Value, json};

use crate::{Hub, HubError, HubSettings, ModelId};

/// A model on this machine.
pub struct NamedModel {
    /// Its directory, or its GGUF file.
    pub directory: PathBuf,
    /// Where on the hub it comes from.
    pub origin: Option<Value>,
}

impl NamedModel {
    /// The model in the directory or the GGUF file `name`, or of that name on the hub.
    ///
    /// # Errors
    /// A name that is neither, or a model that cannot be fetched.
    pub fn find(name: &str, monitor: Monitor<'_>) -> Result<Self, HubError> {
        let directory = PathBuf::from(name);
        if is_here(&directory) {
            return Ok(Self { directory, origin: None });
        }
        let id: ModelId = name.parse()?;
        let snapshot = Hub::new(HubSettings::from_env()?).fetch(&id, None, monitor)?;
        let mut origin = json!({ "model": id.repository, "revision": id.revision, "commit": snapshot.commit });
        if let Some(license) = snapshot.license {
            origin["license"] = license.into();
        }
        Ok(Self { directory: snapshot.directory, origin: Some(origin) })
    }

    /// Whether it can be looked for: a directory, a GGUF file, or a name that the hub could know.
    pub fn is_possible(name: &str) -> bool {
        is_here(Path::new(name)) || name.parse::<ModelId>().is_ok()
    }
}

fn is_here(path: &Path) -> bool {
    path.is_dir() || lam_gguf::find(path).is_ok_and(|found| found.is_some())
}
