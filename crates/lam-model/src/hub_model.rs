//! A model by its name on the hub, and the state of it that is meant: a name alone stands for whatever lies there by then.

use std::fmt;
use std::path::Path;

/// Fewest digits of a commit's hash.
const FEWEST_DIGITS: usize = 7;

/// A model on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubModel {
    /// `OWNER/NAME`.
    pub repository: String,
    /// The commit, or a branch or tag; none where nobody says which.
    pub revision: Option<String>,
}

impl HubModel {
    /// The model at a commit, or just the model where that is no commit's hash.
    pub fn at(repository: &str, commit: &str) -> Self {
        let revision = Some(commit.to_owned()).filter(|commit| is_commit(commit));
        Self { repository: repository.to_owned(), revision }
    }

    /// The model that is called `OWNER/NAME` or `OWNER/NAME@REVISION`.
    pub fn named(name: &str) -> Self {
        let (repository, revision) = name.split_once('@').unwrap_or((name, ""));
        let revision = Some(revision.to_owned()).filter(|revision| !revision.is_empty());
        Self { repository: repository.to_owned(), revision }
    }

    /// The model and commit whose snapshot a directory of the hub's cache is.
    pub fn of_snapshot(directory: &Path) -> Option<Self> {
        let whole = directory.canonicalize().ok()?;
        let folder = whole.parent().filter(|parent| parent.ends_with("snapshots"))?.parent()?.file_name()?.to_str()?;
        let repository = folder.strip_prefix("models--")?.replacen("--", "/", 1);
        Some(Self::at(&repository, whole.file_name()?.to_str()?))
    }

    /// Whether both are known to be something else: another repository, or another commit of one.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let commit = |model: &Self| model.revision.clone().filter(|revision| is_commit(revision));
        let is_another = match (commit(self), commit(other)) {
            (Some(one), Some(other)) => !one.starts_with(&other) && !other.starts_with(&one),
            _ => false,
        };
        is_another || !self.repository.eq_ignore_ascii_case(&other.repository)
    }
}

impl fmt::Display for HubModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.revision {
            None => out.write_str(&self.repository),
            Some(revision) => write!(out, "{}@{revision}", self.repository),
        }
    }
}

fn is_commit(text: &str) -> bool {
    text.len() >= FEWEST_DIGITS && text.chars().all(|letter| letter.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_of_the_hubs_cache_is_a_model_at_a_commit() {
        let root = tempfile::tempdir().unwrap();
        let of = |folder: &str| {
            let snapshot = root.path().join(folder);
            std::fs::create_dir_all(&snapshot).unwrap();
            HubModel::of_snapshot(&snapshot).map(|model| model.to_string())
        };
        assert_eq!(of("models--acme--tiny-1/snapshots/0123456789").as_deref(), Some("acme/tiny-1@0123456789"));
        assert_eq!(of("models--acme--tiny-1/snapshots/main").as_deref(), Some("acme/tiny-1"));
        assert_eq!(of("datasets--acme--tiny/snapshots/0123456789"), None);
        assert_eq!(of("plain"), None);
    }

    #[test]
    fn models_differ_by_repository_or_by_commit() {
        let differ = |one: &str, other: &str| HubModel::named(one).differs(&HubModel::named(other));
        for other in ["acme/small", "Acme/Small@main", "acme/small@0123456", "acme/small@0123456789"] {
            assert!(!differ("acme/small@0123456789", other), "{other}");
        }
        for other in ["acme/large", "acme/small@0123457", "acme/large@0123456789"] {
            assert!(differ("acme/small@0123456789", other), "{other}");
        }
    }
}
