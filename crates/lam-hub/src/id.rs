//! The name of a model on the hub: `OWNER/NAME`, with `@REVISION` where another than `main` is meant.

use std::fmt;
use std::str::FromStr;

use crate::HubError;

/// What to write where a model is to be had.
const HINT: &str = "write OWNER/NAME or OWNER/NAME@REVISION, or a directory that exists";
/// Longest name that the hub gives.
const LONGEST: usize = 96;

/// A model on the hub, at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    /// `OWNER/NAME`.
    pub repository: String,
    /// Branch, tag or commit.
    pub revision: String,
}

impl FromStr for ModelId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let refuse = |reason: &str| HubError::Id { text: text.to_owned(), reason: reason.to_owned(), hint: HINT };
        let (repository, revision) = text.split_once('@').unwrap_or((text, "main"));
        let Some((owner, name)) = repository.split_once('/') else {
            return Err(refuse("there is no `/` between owner and name"));
        };
        for (part, what) in [(owner, "owner"), (name, "name")] {
            if let Some(reason) = fault(part) {
                return Err(refuse(&format!("the {what} `{part}` {reason}")));
            }
        }
        let is_revision = |character: char| character.is_ascii_alphanumeric() || "._-/".contains(character);
        if revision.is_empty() || revision.contains("..") || !revision.chars().all(is_revision) {
            return Err(refuse(&format!("the revision `{revision}` is not a branch, tag or commit")));
        }
        Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            "main" => out.write_str(&self.repository),
            revision => write!(out, "{}@{revision}", self.repository),
        }
    }
}

/// Why the hub has no owner or model of this name.
fn fault(part: &str) -> Option<&'static str> {
    let is_known = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if part.is_empty() {
        Some("is empty")
    } else if part.len() > LONGEST {
        Some("is longer than 96 characters")
    } else if !part.chars().all(is_known) {
        Some("has other characters than letters, digits, `.`, `_` and `-`")
    } else if part.starts_with(['.', '-']) || part.ends_with(['.', '-']) || part.contains("..") {
        Some("begins or ends with `.` or `-`, or has `..` in it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_an_owner_and_may_have_a_revision() {
        let id: ModelId = "acme/Tiny-1.0@refs/pr/3".parse().unwrap();
        assert_eq!((id.repository.as_str(), id.revision.as_str()), ("acme/Tiny-1.0", "refs/pr/3"));
        assert_eq!("acme/tiny".parse::<ModelId>().unwrap().to_string(), "acme/tiny");
        for bad in ["tiny", "a/b/c", "/b", "a/", "../b", "a/b@", "a/b@x..y", "a b/c", "a/b@x?y"] {
            let error = bad.parse::<ModelId>().unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("hint:"), "{error}");
        }
    }
}
