//! Where an OpenEnv server is: its WebSocket and the requests beside it. Connects to nothing.

use tungstenite::http::Uri;

use crate::RemoteError;

const HINT: &str = "an environment's address is ws://HOST:PORT/ws";

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `ws://HOST:PORT/PATH/ws`
    pub socket: String,
    /// `http://HOST:PORT/PATH`
    pub requests: String,
}

impl Address {
    /// Reads `ws://HOST:PORT/ws`; `http://` means the same, and the path may be left out.
    ///
    /// # Errors
    /// Another scheme, no host, a query, or credentials.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let wrong =
            |reason: &str, hint| Err(RemoteError::Address { text: text.to_owned(), reason: reason.to_owned(), hint });
        let Ok(uri) = text.parse::<Uri>() else { return wrong("no address", HINT) };
        match uri.scheme_str() {
            Some("ws" | "http") => {}
            Some("wss" | "https") => {
                let hint = "reach it through a tunnel, such as ssh -L 8000:localhost:8000 HOST";
                return wrong("TLS is not spoken here", hint);
            }
            _ => return wrong("neither ws:// nor http://", HINT),
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
            return wrong("no host", HINT);
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            let hint = "a token comes from the environment variable LAM_REMOTE_TOKEN";
            return wrong("nothing but host, port and path belongs here", hint);
        }
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/ws").unwrap_or(path);
        Ok(Self { socket: format!("ws://{authority}{path}/ws"), requests: format!("http://{authority}{path}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_several_spellings() {
        for text in ["ws://h:8/ws", "ws://h:8", "http://h:8/", "ws://h:8/ws/"] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.socket.as_str(), address.requests.as_str()), ("ws://h:8/ws", "http://h:8"), "{text}");
        }
        assert_eq!(Address::parse("ws://[::1]:8/a/ws").unwrap().requests, "http://[::1]:8/a");
    }

    #[test]
    fn what_is_no_address_is_told_with_a_hint() {
        for (text, words) in [
            ("", "no address"),
            ("localhost:8000", "neither ws:// nor http://"),
            ("wss://h/ws", "TLS is not spoken here\nhint: reach it through a tunnel"),
            ("ws://u:p@h/ws", "LAM_REMOTE_TOKEN"),
            ("ws://h/ws?token=x", "LAM_REMOTE_TOKEN"),
        ] {
            let said = Address::parse(text).unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{text}`: ")) && said.contains(words), "{said}");
        }
    }
}
