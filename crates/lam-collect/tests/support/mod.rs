//! Task plans built from sources on disk, without an application's own documents.

use std::path::Path;

use lam_collect::plans::{self, PlansConfig};
use lam_collect::{SourceConfig, SourceKind};
use lam_env_sim::Sim;
use lam_signal::{Cancel, NoProgress};
use serde_json::Value;

pub fn source(kind: SourceKind, path: &Path) -> SourceConfig {
    SourceConfig {
        kind,
        path: path.to_owned(),
        name: String::new(),
        folders: Vec::new(),
        application: String::new(),
        application_title: String::new(),
        mentions: Vec::new(),
    }
}

pub fn build(sources: Vec<SourceConfig>, output: &Path) -> Result<Value, String> {
    let config = PlansConfig { application_documents: false, sources, ..PlansConfig::default() };
    plans::run(&config, &Sim::new(), output, &NoProgress, &Cancel::default()).map_err(|error| error.to_string())
}
