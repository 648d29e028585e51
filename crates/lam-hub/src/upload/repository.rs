//! Where an upload goes: a repository of models or of data sets, by its owner and name.

use std::fmt;

use serde::Serialize;

use crate::{HubError, ModelId};

/// What a repository holds, for the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RepositoryKind {
    /// A model, an adapter.
    Model,
    /// A data set.
    Dataset,
}

impl RepositoryKind {
    /// The word by which the hub knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            RepositoryKind::Model => "model",
            RepositoryKind::Dataset => "dataset",
        }
    }

    /// What stands before the name in an address for people.
    fn prefix(self) -> &'static str {
        match self {
            RepositoryKind::Model => "",
            RepositoryKind::Dataset => "datasets/",
        }
    }
}

/// A repository on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What it holds.
    pub kind: RepositoryKind,
    /// `OWNER/NAME`.
    pub name: String,
}

impl Repository {
    /// The repository of this name.
    ///
    /// # Errors
    /// A name that the hub does not give, or one with a revision: an upload goes to the branch `main`.
    pub fn new(kind: RepositoryKind, name: &str) -> Result<Self, HubError> {
        const HINT: &str = "write OWNER/NAME, with your own name or an organisation's as the owner";
        let refuse = |reason: String| HubError::Id { text: name.to_owned(), reason, hint: HINT };
        let id = name.parse::<ModelId>().map_err(|error| match error {
            HubError::Id { reason, .. } => refuse(reason),
            other => other,
        })?;
        match name.contains('@') {
            true => Err(refuse("an upload goes to the branch `main`, so no revision is named".into())),
            false => Ok(Self { kind, name: id.repository }),
        }
    }

    /// Owner and name.
    pub(super) fn parts(&self) -> (&str, &str) {
        self.name.split_once('/').unwrap_or(("", &self.name))
    }

    /// Its page.
    pub(super) fn page(&self, endpoint: &str) -> String {
        format!("{endpoint}/{}{}", self.kind.prefix(), self.name)
    }

    /// Where the hub's programs ask about it.
    pub(super) fn api(&self, endpoint: &str) -> String {
        format!("{endpoint}/api/{}s/{}", self.kind.as_str(), self.name)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.kind.prefix(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_owner_and_no_revision() {
        let data = Repository::new(RepositoryKind::Dataset, "acme/tiny-data").unwrap();
        assert_eq!((data.to_string().as_str(), data.parts()), ("datasets/acme/tiny-data", ("acme", "tiny-data")));
        assert_eq!(data.api("http://h"), "http://h/api/datasets/acme/tiny-data");
        assert_eq!(Repository::new(RepositoryKind::Model, "a/b").unwrap().page("http://h"), "http://h/a/b");
        for (bad, reason) in [("tiny", "no `/`"), ("a/b@v1", "the branch `main`"), ("a/b c", "other characters")] {
            let error = Repository::new(RepositoryKind::Model, bad).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("hint: write OWNER/NAME, with"), "{error}");
        }
    }
}
