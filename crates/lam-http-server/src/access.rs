//! Who may ask: on this machine everybody, elsewhere whoever shows the token. Knows headers and no path.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lam_signal::Secret;

use crate::error::ServerError;

/// Where a server listens and what clients must show.
#[derive(Clone, Debug)]
pub struct Access {
    /// Address to listen on; one that others can reach needs a token.
    pub host: String,
    /// What clients must show.
    pub token: Option<Secret>,
}

/// Why somebody may not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or another one.
    Token,
    /// The request was sent to a name that is not this server's.
    Host,
}

impl Default for Access {
    fn default() -> Self {
        Self { host: "127.0.0.1".into(), token: None }
    }
}

impl Access {
    /// Where to listen: what the host resolves to, whatever its name is.
    ///
    /// # Errors
    /// What no server starts with: a token that no header can carry, a host without an address, or one of whose
    /// addresses others can reach where no token is set.
    pub fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>, ServerError> {
        if let Some(reason) = self.token.as_ref().and_then(Secret::unfit_for_header) {
            return Err(ServerError::Token { reason });
        }
        let addresses: Vec<SocketAddr> = (self.host.as_str(), port)
            .to_socket_addrs()
            .map_err(|source| ServerError::Bind { address: format!("{}:{port}", self.host), source })?
            .collect();
        if self.token.is_none() && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(ServerError::Exposed { host: self.host.clone() });
        }
        Ok(addresses)
    }

    /// Whether a request with these headers may be answered. The token is taken as bearer, and as the password of basic
    /// authentication, for which browsers ask by themselves.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), Denied> {
        match &self.token {
            Some(token) if shown(headers).is_some_and(|shown| token.is(&shown)) => Ok(()),
            Some(_) => Err(Denied::Token),
            None if self.is_for_us(headers) => Ok(()),
            None => Err(Denied::Host),
        }
    }

    /// Whether the request was sent to this server by a name that only its own network knows: pages of others that let
    /// their own name point here are kept out.
    fn is_for_us(&self, headers: &HeaderMap) -> bool {
        let Some(named) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else { return true };
        let has_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        let name = named.rsplit_once(':').filter(has_port).map_or(named, |(name, _)| name);
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address || !name.contains('.') || name == self.host
    }
}

/// The token that a request shows.
fn shown(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = given.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(value.trim().to_owned()),
        "basic" => {
            let decoded = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
            decoded.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_is_shown_as_bearer_or_as_a_password() {
        let access = Access { token: Secret::new("to:ken"), ..Access::default() };
        let admit = |value: &str| access.admit(&headers(&[(header::AUTHORIZATION, value)]));
        // me:to:ken
        for right in ["Bearer to:ken", "bearer  to:ken ", "Basic bWU6dG86a2Vu"] {
            assert_eq!(admit(right), Ok(()), "{right}");
        }
        // to:ken without a user
        for wrong in ["Bearer other", "to:ken", "Basic dG86a2Vu", "Basic %", "Digest to:ken", ""] {
            assert_eq!(admit(wrong), Err(Denied::Token), "{wrong}");
        }
        assert_eq!(access.admit(&HeaderMap::new()), Err(Denied::Token));
    }

    #[test]
    fn without_a_token_only_names_of_this_network_lead_here() {
        let access = Access { host: "localhost".into(), token: None };
        let admit = |host: &str| access.admit(&headers(&[(header::HOST, host)]));
        for ours in ["127.0.0.1:8000", "[::1]:8000", "localhost", "box:80"] {
            assert_eq!(admit(ours), Ok(()), "{ours}");
        }
        assert_eq!(admit("evil.example:8000"), Err(Denied::Host));
        assert_eq!(access.admit(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn what_others_can_reach_needs_a_token_that_fits_a_header() {
        let check = |host: &str, token: Option<&str>| {
            Access { host: host.into(), token: token.and_then(Secret::new) }
                .addresses(0)
                .map_err(|error| error.to_string())
        };
        assert!(
            check("127.0.0.1", None).is_ok() && check("::1", None).is_ok() && check("0.0.0.0", Some("t0ken")).is_ok()
        );
        assert!(check("0.0.0.0", None).unwrap_err().contains("no token is set"));
        assert!(check("localhost", Some("two words")).unwrap_err().contains("white space"));
    }
}
