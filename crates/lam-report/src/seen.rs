//! What a page has seen already: it asks with the version it has, and is told nothing where that is the present one.

use std::time::{SystemTime, UNIX_EPOCH};

/// The first version of what a server shows: another one for each server, so that a page that outlives its server does
/// not take the next one's for its own. JavaScript holds it to the last digit.
pub fn first_version() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

/// Whether a request `?seen=N` names the present version.
pub fn is_seen(query: Option<&str>, version: u64) -> bool {
    query.and_then(|query| query.strip_prefix("seen=")?.parse().ok()) == Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_present_version_is_seen() {
        assert!(is_seen(Some("seen=7"), 7) && first_version() < 1 << 53);
        for query in [None, Some(""), Some("seen=6"), Some("seen="), Some("see=7")] {
            assert!(!is_seen(query, 7), "{query:?}");
        }
    }
}
