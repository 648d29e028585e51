//! One client for every server: the right proxy, the right authorities, redirections that keep keys at home.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lam_signal::Cancel;
use ureq::config::Config;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, SocksConnector, TcpConnector};
use ureq::{Agent, ProxyProtocol};
use url::Url;

use crate::authorities::Authorities;
use crate::exchange::{Exchange, Reply};
use crate::forward::forwarding;
use crate::proxies::{Chosen, chosen};
use crate::tls::Tls;
use crate::told::plain;
use crate::{HttpError, Request};

/// Most redirections of one request.
const MOST_REDIRECTIONS: usize = 10;

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte sent to the last one received; none for as long as bytes come.
    pub whole: Option<Duration>,
    /// For a connection, for the head of an answer, between two bytes.
    pub silence: Duration,
}

impl Timeouts {
    /// As long as it takes, without such a silence.
    pub fn silence(silence: Duration) -> Self {
        Self { whole: None, silence }
    }

    /// So long in all.
    pub fn whole(whole: Duration) -> Self {
        Self { whole: Some(whole), silence: whole }
    }
}

/// What environment variables are set to.
pub type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Asks servers; threads may share it.
pub struct Client {
    timeouts: Timeouts,
    variables: Variables,
    agents: Mutex<HashMap<Route, Trusting>>,
}

/// What connections are made of: whether TLS, and through which proxy.
type Route = (bool, Option<String>);

/// Connections of one route.
#[derive(Clone)]
struct Trusting {
    agent: Agent,
    /// Whom they trust, in words; "" without TLS.
    source: String,
}

impl Client {
    /// A client without a connection, for this process's environment.
    pub fn new(timeouts: Timeouts) -> Self {
        Self::with_variables(timeouts, Box::new(|name| std::env::var(name).ok()))
    }

    /// The same for another environment.
    pub fn with_variables(timeouts: Timeouts, variables: Variables) -> Self {
        Self { timeouts, variables, agents: Mutex::default() }
    }

    /// What a variable is set to, if it is not empty.
    fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.trim().is_empty())
    }

    /// Asks, follows where it is sent, and returns the answer's head with its body still to come.
    ///
    /// # Errors
    /// A variable that cannot be used, nobody who answers, a server that is not trusted, or a request to stop, which
    /// ends every wait at once.
    pub fn send(&self, request: &Request, cancel: &Cancel) -> Result<Reply, HttpError> {
        self.send_watched(request, cancel, &|_| {})
    }

    /// The same; `sent` is told from time to time how many bytes of an upload are on their way.
    ///
    /// # Errors
    /// As [`Client::send`]; what fails while the bytes are read breaks the connection.
    pub fn send_watched(&self, request: &Request, cancel: &Cancel, sent: &dyn Fn(u64)) -> Result<Reply, HttpError> {
        self.follow(request, cancel, sent).map_err(HttpError::unsigned)
    }

    /// Asks, and asks on where it is sent.
    fn follow(&self, request: &Request, cancel: &Cancel, sent: &dyn Fn(u64)) -> Result<Reply, HttpError> {
        let fault = |url: &str, reason: String| HttpError::Request { url: url.to_owned(), reason };
        let home = Url::parse(&request.url).map_err(|error| fault(&request.url, error.to_string()))?;
        let mut url = home.clone();
        for _ in 0..=MOST_REDIRECTIONS {
            let Trusting { agent, source } = self.trusting(&url)?;
            let mut hop = Request { url: url.as_str().to_owned(), ..request.clone() };
            hop.key = hop.key.filter(|_| is_home(&home, &url));
            let reply = Exchange::start(agent, hop, cancel).head(cancel, &source, sent)?;
            if let Some(proxy) = self.proxy(&url).filter(|_| reply.status == 407) {
                return Err(HttpError::Proxy { url: url.into(), variable: proxy.variable });
            }
            match reply.location().filter(|_| request.content.is_none()) {
                None => return Ok(reply),
                Some(location) => {
                    let next = url.join(location);
                    let next = next.ok().filter(|next| ["http", "https"].contains(&next.scheme()));
                    url = next.ok_or_else(|| fault(&request.url, format!("is redirected to `{}`", plain(location))))?;
                }
            }
        }
        Err(fault(&request.url, format!("is redirected more than {MOST_REDIRECTIONS} times, the last to {url}")))
    }

    /// The proxy for an address, if it takes one.
    fn proxy(&self, url: &Url) -> Option<Chosen> {
        chosen(url, &|name| self.variable(name))
    }

    /// The connections for an address.
    fn trusting(&self, url: &Url) -> Result<Trusting, HttpError> {
        let proxy = self.proxy(url);
        let is_tls = url.scheme() == "https";
        let key = (is_tls, proxy.as_ref().map(|proxy| proxy.value.clone()));
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = agents.get(&key) {
            return Ok(known.clone());
        }
        let made = self.made(is_tls, proxy.as_ref())?;
        agents.insert(key, made.clone());
        Ok(made)
    }

    fn made(&self, is_tls: bool, proxy: Option<&Chosen>) -> Result<Trusting, HttpError> {
        let proxy = proxy.map(Chosen::open).transpose()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(self.timeouts.whole)
            .timeout_connect(Some(self.timeouts.silence))
            .timeout_recv_response(Some(self.timeouts.silence))
            .timeout_per_read(Some(self.timeouts.silence))
            .timeout_per_write(Some(self.timeouts.silence))
            .user_agent(concat!("lam-train/", env!("CARGO_PKG_VERSION")));
        match proxy {
            Some(proxy) if !is_tls && proxy.protocol() == ProxyProtocol::Http => {
                Ok(Trusting { agent: forwarding(config, &proxy), source: String::new() })
            }
            proxy => {
                let is_tls = is_tls || proxy.as_ref().is_some_and(|proxy| proxy.protocol() == ProxyProtocol::Https);
                self.connecting(config.proxy(proxy).build(), is_tls)
            }
        }
    }

    /// Connections that go to the host itself, through a tunnel where a proxy is set.
    fn connecting(&self, config: Config, is_tls: bool) -> Result<Trusting, HttpError> {
        let sockets = SocksConnector::default().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
        if !is_tls {
            let agent = Agent::with_parts(config, sockets, DefaultResolver::default());
            return Ok(Trusting { agent, source: String::new() });
        }
        let Authorities { certificates, source } = Authorities::find(&|name| self.variable(name))?;
        let tls = Tls::trusting(certificates)
            .map_err(|error| HttpError::Request { url: "https".into(), reason: error.to_string() })?;
        let agent = Agent::with_parts(config, sockets.chain(tls), DefaultResolver::default());
        Ok(Trusting { agent, source })
    }
}

/// Whether a key that is meant for `home` may be shown at `url`: the same host and port, and never less protected.
fn is_home(home: &Url, url: &Url) -> bool {
    let same_port = home.scheme() == url.scheme() && home.port() == url.port();
    let upgraded = home.scheme() == "http" && url.scheme() == "https" && home.port().is_none() && url.port().is_none();
    home.host_str() == url.host_str() && (same_port || upgraded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_with_its_host() {
        let home = |one: &str, other: &str| is_home(&Url::parse(one).unwrap(), &Url::parse(other).unwrap());
        assert!(home("https://hub.example/a", "https://hub.example/b"));
        assert!(home("http://hub.example:8080/a", "http://hub.example:8080/b"));
        assert!(home("http://hub.example/a", "https://hub.example/a"));
        for other in
            ["https://cdn.example/", "http://hub.example/", "https://hub.example:444/", "https://a.hub.example"]
        {
            assert!(!home("https://hub.example/a", other), "{other}");
        }
        assert!(!home("http://127.0.0.1:1/", "http://127.0.0.1:2/"));
    }
}
