//! Where a model comes from: its name on the hub and its licence, as manifests, cards and configs tell them. Nothing is
//! guessed: what nobody says is not known.

use std::path::{Path, PathBuf};

use lam_model::HubModel;
use serde_json::Value;

use crate::files::read_object;
use crate::row::named;
use crate::{ExportError, Sources};

/// Key of what a base was taken from, in the manifest of the stage that took it.
const PRETRAINED: &str = "pretrained";
/// Kind of that stage.
const BASE: &str = "base";
const CARD: &str = "README.md";
/// What a licence's text is called.
const LICENSE_FILES: [&str; 4] = ["LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE"];

/// The pretrained model that everything began with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `OWNER/NAME` on the hub.
    pub hub: Option<String>,
    /// Name of its licence.
    pub license: Option<String>,
    /// The licence's text.
    pub license_file: Option<PathBuf>,
}

impl Origin {
    /// The origin of the model in a stage's output, from its lineage and from what lies beside its parts.
    ///
    /// # Errors
    /// A manifest, card or config that is damaged.
    pub fn of(stage: &Path, sources: &Sources) -> Result<Self, ExportError> {
        let (mut origin, stage) = (Self::default(), named(stage));
        if lam_store::read_manifest(&stage)?.is_some() {
            let lineage = lam_store::lineage(&stage)?;
            let is_base = |made_by: &Option<(String, u64, String)>| made_by.as_ref().is_some_and(|made| made.0 == BASE);
            if let Some(node) = lineage.nodes.iter().find(|node| is_base(&node.made_by)) {
                origin.add_taken(&node.path)?;
            }
        }
        let Sources { model, adapter, base, reward } = sources;
        for place in [base, adapter, model, reward].into_iter().flatten() {
            origin.add_beside(place)?;
        }
        Ok(origin)
    }

    /// What the stage in `directory` took.
    fn add_taken(&mut self, directory: &Path) -> Result<(), ExportError> {
        let Some(manifest) = lam_store::read_manifest(directory)? else { return Ok(()) };
        let taken = &manifest.metrics[PRETRAINED];
        let text = |key: &str| taken[key].as_str().map(str::to_owned);
        (self.hub, self.license) = (text("model"), text("license"));
        taken.as_str().map_or(Ok(()), |place| self.add_beside(Path::new(place)))
    }

    /// What the files of a model say, where nothing is known yet.
    fn add_beside(&mut self, place: &Path) -> Result<(), ExportError> {
        if self.hub.is_none() {
            self.hub = HubModel::of_snapshot(place).map(|model| model.repository);
        }
        if self.license.is_none() {
            self.license = license(place)?;
        }
        let texts = LICENSE_FILES.iter().map(|name| place.join(name));
        self.license_file = self.license_file.take().or_else(|| texts.into_iter().find(|path| path.is_file()));
        Ok(())
    }
}

/// The model on the hub that is exactly the weights in a directory, at its commit: a snapshot of the hub's cache, or what the
/// stage `base` took unchanged.
///
/// # Errors
/// A manifest that is damaged.
pub fn of_weights(directory: &Path) -> Result<Option<HubModel>, ExportError> {
    if let Some(model) = HubModel::of_snapshot(directory) {
        return Ok(Some(model));
    }
    let Some(manifest) = lam_store::read_manifest(directory)?.filter(|manifest| manifest.kind == BASE) else {
        return Ok(None);
    };
    let is_unchanged = manifest.config["adapter_name_or_path"].is_null() && {
        let saved = &manifest.config["train"]["save_dtype"];
        saved.is_null() || saved == "auto"
    };
    let taken = &manifest.metrics[PRETRAINED];
    let commit = taken["commit"].as_str().unwrap_or_default();
    Ok(taken["model"].as_str().filter(|_| is_unchanged).map(|model| HubModel::at(model, commit)))
}

/// Whether a directory, or the one above it, is the output of a stage.
///
/// # Errors
/// A manifest that is damaged.
pub fn is_of_a_stage(directory: &Path) -> Result<bool, ExportError> {
    for place in [Some(directory), directory.parent()].into_iter().flatten() {
        if lam_store::read_manifest(place)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The licence that a model's card or a GGUF file says.
fn license(place: &Path) -> Result<Option<String>, ExportError> {
    if let Ok(Some(path)) = lam_gguf::find(place) {
        let gguf = lam_gguf::Gguf::open(&path).map_err(lam_model::ModelError::from)?;
        let named = gguf.text("general.license").map_err(lam_model::ModelError::from)?;
        return Ok(named.map(str::to_owned));
    }
    let card = std::fs::read_to_string(place.join(CARD)).unwrap_or_default();
    if let Some(named) = front_matter(&card).and_then(|lines| value_of(lines, "license")) {
        return Ok(Some(named.to_owned()));
    }
    let config = place.join("config.json");
    let keys = if config.is_file() { read_object(&config)? } else { serde_json::Map::new() };
    Ok(keys.get("license").and_then(Value::as_str).map(str::to_owned))
}

/// The lines between the marks at a card's beginning.
fn front_matter(card: &str) -> Option<&str> {
    card.strip_prefix("---\n")?.split_once("\n---").map(|(lines, _)| lines)
}

/// The plain value of a key at the margin.
fn value_of<'l>(lines: &'l str, key: &str) -> Option<&'l str> {
    let value = lines.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let value = value.trim().trim_matches(['"', '\'']);
    Some(value).filter(|value| !value.is_empty() && *value != "unknown" && !value.starts_with(['[', '{', '|', '>']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_licence_is_the_one_that_the_card_or_the_config_says() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        assert_eq!(license(root.path()).unwrap(), None);
        write("config.json", &json!({"license": "mit"}).to_string());
        assert_eq!(license(root.path()).unwrap().as_deref(), Some("mit"));
        write("README.md", "---\ntags: [a]\nlicense: \"apache-2.0\"\n---\n\nlicense: other\n");
        assert_eq!(license(root.path()).unwrap().as_deref(), Some("apache-2.0"));
        write("README.md", "---\nlicense: unknown\n---\n");
        write("LICENSE", "the text");
        let mut origin = Origin::default();
        origin.add_beside(root.path()).unwrap();
        assert_eq!(origin.license.as_deref(), Some("mit"));
        assert_eq!(origin.license_file, Some(root.path().join("LICENSE")));
    }

    #[test]
    fn a_snapshot_of_the_hubs_cache_has_its_name_and_its_commit() {
        let root = tempfile::tempdir().unwrap();
        let snapshot = root.path().join("models--acme--tiny-1/snapshots/0123456789");
        std::fs::create_dir_all(&snapshot).unwrap();
        assert_eq!(of_weights(&snapshot).unwrap(), Some(HubModel::at("acme/tiny-1", "0123456789")));
        assert_eq!(of_weights(root.path()).unwrap(), None);
    }
}
