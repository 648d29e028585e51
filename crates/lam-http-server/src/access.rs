//! Who may ask: on this machine everybody but the pages of others that are not named, elsewhere whoever shows the token.
//! Knows headers and no path.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use axum::http::{HeaderMap, HeaderValue, Request, Uri, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lam_signal::Secret;
use url::form_urlencoded;

use crate::error::ServerError;

/// Where a server listens and what clients must show.
#[derive(Clone, Debug)]
pub struct Access {
    /// Address to listen on; one that others can reach needs a token.
    pub host: String,
    /// What clients must show.
    pub token: Option<Secret>,
    /// Whether it may also stand in the address, as `?token=TOKEN`: for clients that cannot set a header. There and in
    /// basic authentication any token has a place, so that one that fits no header is taken too.
    pub token_in_query: bool,
    /// Origins such as `http://localhost:3000` of other servers whose pages may ask from a browser.
    pub allowed_origins: Vec<String>,
}

/// Why somebody may not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or another one.
    Token,
    /// The request was sent to a name that is not this server's.
    Host,
    /// The request comes from a page that is not this server's.
    Origin,
}

impl Default for Access {
    fn default() -> Self {
        Self { host: "127.0.0.1".into(), token: None, token_in_query: false, allowed_origins: Vec::new() }
    }
}

impl Access {
    /// Where to listen: what the host resolves to, whatever its name is.
    ///
    /// # Errors
    /// What no server starts with: a token that no header can carry, an origin that no browser names, a host without an
    /// address, or one of whose addresses others can reach where no token is set.
    pub fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>, ServerError> {
        let unfit = self.token.as_ref().and_then(Secret::unfit_for_header);
        if let Some(reason) = unfit.filter(|_| !self.token_in_query) {
            return Err(ServerError::Token { reason });
        }
        self.check_origins()?;
        let addresses: Vec<SocketAddr> = (self.host.as_str(), port)
            .to_socket_addrs()
            .map_err(|source| ServerError::Bind { address: format!("{}:{port}", self.host), source })?
            .collect();
        if self.token.is_none() && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(ServerError::Exposed { host: self.host.clone() });
        }
        Ok(addresses)
    }

    /// Whether a request may be answered. The token is taken as bearer, and as the password of basic authentication, for
    /// which browsers ask by themselves.
    ///
    /// # Errors
    /// Why not.
    pub fn admit<B>(&self, request: &Request<B>) -> Result<(), Denied> {
        match &self.token {
            Some(token) if shown(request.headers()).is_some_and(|shown| token.is(&shown)) => Ok(()),
            Some(token) if self.token_in_query && asks_with(token, request.uri()) => Ok(()),
            Some(_) => Err(Denied::Token),
            None if !self.is_for_us(request.headers()) => Err(Denied::Host),
            None if self.is_of_another_page(request.headers()) => Err(Denied::Origin),
            None => Ok(()),
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

    /// Whether a browser sends it for a page that another server gave whose pages may not ask, or nobody: any page may
    /// send some requests here, unasked, and keep the server at work.
    fn is_of_another_page(&self, headers: &HeaderMap) -> bool {
        let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let is_own = |origin: &HeaderValue| {
            let authority =
                origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
            authority.zip(named).is_some_and(|(origin, own)| origin.eq_ignore_ascii_case(own))
        };
        !headers.get_all(header::ORIGIN).iter().all(|origin| is_own(origin) || self.allows(origin))
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

/// Whether the token stands in the query of an address.
fn asks_with(token: &Secret, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default().as_bytes();
    form_urlencoded::parse(query).any(|(key, value)| key == "token" && token.is(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(header::HeaderName, &str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        request.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())));
        request
    }

    #[test]
    fn a_token_is_shown_as_bearer_or_as_a_password() {
        let access = Access { token: Secret::new("to:ken"), ..Access::default() };
        let admit = |value: &str| access.admit(&request("/", &[(header::AUTHORIZATION, value)]));
        // me:to:ken
        for right in ["Bearer to:ken", "bearer  to:ken ", "Basic bWU6dG86a2Vu"] {
            assert_eq!(admit(right), Ok(()), "{right}");
        }
        // to:ken without a user
        for wrong in ["Bearer other", "to:ken", "Basic dG86a2Vu", "Basic %", "Digest to:ken", ""] {
            assert_eq!(admit(wrong), Err(Denied::Token), "{wrong}");
        }
        assert_eq!(access.admit(&request("/", &[])), Err(Denied::Token));
    }

    #[test]
    fn a_token_stands_in_the_address_only_where_that_is_allowed() {
        let admit = |token_in_query: bool, uri: &str| {
            let access = Access { token: Secret::new("a b"), token_in_query, ..Access::default() };
            access.admit(&request(uri, &[]))
        };
        for right in ["/ws?token=a%20b", "/ws?seed=1&token=a+b"] {
            assert_eq!((admit(true, right), admit(false, right)), (Ok(()), Err(Denied::Token)), "{right}");
        }
        for wrong in ["/ws", "/ws?token=a", "/ws?tokens=a%20b", "/token=a%20b"] {
            assert_eq!(admit(true, wrong), Err(Denied::Token), "{wrong}");
        }
    }

    #[test]
    fn without_a_token_only_names_of_this_network_lead_here() {
        let access = Access { host: "localhost".into(), ..Access::default() };
        let admit = |host: &str| access.admit(&request("/", &[(header::HOST, host)]));
        for ours in ["127.0.0.1:8000", "[::1]:8000", "localhost", "box:80"] {
            assert_eq!(admit(ours), Ok(()), "{ours}");
        }
        assert_eq!(admit("evil.example:8000"), Err(Denied::Host));
        assert_eq!(access.admit(&request("/", &[])), Ok(()));
    }

    #[test]
    fn without_a_token_a_browser_asks_for_the_servers_own_page_alone() {
        let admit = |token: Option<&str>, host: &str, origin: &str| {
            let access = Access { token: token.and_then(Secret::new), ..Access::default() };
            let shown = (header::AUTHORIZATION, "Bearer t0ken");
            access.admit(&request("/", &[(header::HOST, host), (header::ORIGIN, origin), shown]))
        };
        for (host, own) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("localhost", "http://localhost"),
            ("Box:80", "https://box:80"),
            ("[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(admit(None, host, own), Ok(()), "{own}");
        }
        for other in
            ["https://evil.example", "http://127.0.0.1:8001", "http://localhost:8000", "null", "", "127.0.0.1:8000"]
        {
            assert_eq!(admit(None, "127.0.0.1:8000", other), Err(Denied::Origin), "{other}");
            assert_eq!(admit(Some("t0ken"), "127.0.0.1:8000", other), Ok(()), "{other}: it has the token");
        }
        let access = Access::default();
        let (host, own) = ((header::HOST, "box"), (header::ORIGIN, "http://box"));
        let unnamed = request("/", std::slice::from_ref(&own));
        assert_eq!(access.admit(&unnamed), Err(Denied::Origin), "to nobody by name");
        let mut two = request("/", &[host, own]);
        two.headers_mut().append(header::ORIGIN, HeaderValue::from_static("http://evil.example"));
        assert_eq!(access.admit(&two), Err(Denied::Origin), "one of two");
    }

    #[test]
    fn what_others_can_reach_needs_a_token_that_fits_a_header() {
        let access = |host: &str, token: Option<&str>| Access {
            host: host.into(),
            token: token.and_then(Secret::new),
            ..Access::default()
        };
        let check =
            |host: &str, token: Option<&str>| access(host, token).addresses(0).map_err(|error| error.to_string());
        assert!(
            check("127.0.0.1", None).is_ok() && check("::1", None).is_ok() && check("0.0.0.0", Some("t0ken")).is_ok()
        );
        assert!(check("0.0.0.0", None).unwrap_err().contains("no token is set"));
        assert!(check("localhost", Some("two words")).unwrap_err().contains("white space"));
        let in_query = Access { token_in_query: true, ..access("localhost", Some("two words")) };
        assert!(in_query.addresses(0).is_ok(), "an address has a place for it");
    }
}
