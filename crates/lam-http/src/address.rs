//! Addresses that settings name: looked at before the first request.

use lam_signal::Secret;
use url::Url;

/// Why an address cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFault {
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub hint: &'static str,
}

/// The address of a server, to which paths are appended.
///
/// # Errors
/// Without `http://` or `https://` and a host, or with a query or a fragment. A password in it is a secret from here on.
pub fn address(text: &str) -> Result<Url, AddressFault> {
    let fault = |reason: &str, hint| Err(AddressFault { reason: reason.to_owned(), hint });
    const WHOLE: &str = "write the whole address, such as https://api.openai.com/v1 or http://localhost:8000/v1";
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return fault("has white space in it", WHOLE);
    }
    if !["http://", "https://"].iter().any(|scheme| text.to_ascii_lowercase().starts_with(scheme)) {
        return fault("does not begin with http:// or https://", WHOLE);
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return fault(&format!("is no address: {error}"), WHOLE),
    };
    url.password().map(Secret::new);
    if url.query().is_some() || url.fragment().is_some() {
        return fault("ends with a query or a fragment", "leave out what stands behind `?` or `#`");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_taken() {
        for good in ["https://api.openai.com/v1", "http://localhost:8000", "HTTP://[::1]:80/a/b/", "https://u:pw@h"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("", "begin with"),
            ("api.openai.com/v1", "begin with"),
            ("localhost:8000/v1", "begin with"),
            ("ftp://host/", "begin with"),
            ("http:/host", "begin with"),
            ("http://", "no address"),
            ("http://host:99999/", "no address"),
            ("http://[::1/", "no address"),
            (" https://host", "white space"),
            ("https://host\n", "white space"),
            ("https://host/v1?api-key=1", "query"),
            ("https://host/v1#x", "fragment"),
        ] {
            let fault = address(bad).unwrap_err();
            assert!(fault.reason.contains(reason) && !fault.hint.is_empty(), "{bad}: {fault:?}");
        }
    }
}
