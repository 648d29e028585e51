//! A token that two sides share. Comes from an environment variable only and is never shown.

use std::fmt;

use crate::RemoteError;

/// A token.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The token that an environment variable holds.
    ///
    /// # Errors
    /// A variable that is not set, or empty.
    pub fn from_env(variable: &str) -> Result<Self, RemoteError> {
        Self::find(variable).ok_or_else(|| RemoteError::NoToken { variable: variable.to_owned() })
    }

    /// The same, where it may be missing.
    pub fn find(variable: &str) -> Option<Self> {
        std::env::var(variable).ok().and_then(|text| Self::new(&text))
    }

    /// A token in memory; `None` for an empty one.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Whether `given` is this token, in a time that tells nothing about where they differ.
    pub(crate) fn is(&self, given: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), given.as_bytes());
        let differences = ours.iter().zip(theirs).fold(0_u8, |found, (a, b)| found | (a ^ b));
        ours.len() == theirs.len() && differences == 0
    }

    /// As the header `Authorization` carries it.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_counts_and_it_is_not_shown() {
        let secret = Secret::new(" abc\n").unwrap();
        assert!(secret.is("abc"));
        for other in ["", "ab", "abcd", "abd"] {
            assert!(!secret.is(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(Secret::new("  ").is_none());
        let missing = Secret::from_env("LAM_TEST_NO_SUCH_TOKEN").unwrap_err().to_string();
        assert!(missing.contains("`LAM_TEST_NO_SUCH_TOKEN` holds no token\nhint:"), "{missing}");
    }
}
