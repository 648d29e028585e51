//! Plain HTTP through a proxy, as proxies expect it (RFC 9112 §3.2.2): no tunnel, but the whole address in the request's
//! first line. The library knows tunnels only, which many proxies allow for TLS alone.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ureq::config::{Config, ConfigBuilder};
use ureq::http::Uri;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Agent, Error, Proxy};

/// An agent whose connections go to the proxy, one a request.
pub(crate) fn forwarding(config: ConfigBuilder<AgentScope>, proxy: &Proxy) -> Agent {
    let config = config.proxy(None).max_idle_connections(0).build();
    let credentials = proxy.username().map(|name| format!("{name}:{}", proxy.password().unwrap_or_default()));
    let authorization =
        credentials.map(|both| format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(both)));
    let connector = DefaultConnector::default().chain(Forward { authorization: authorization.unwrap_or_default() });
    Agent::with_parts(config, connector, ToProxy(proxy.uri().clone()))
}

/// Every host is where the proxy is.
#[derive(Debug)]
struct ToProxy(Uri);

impl Resolver for ToProxy {
    fn resolve(&self, _uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        DefaultResolver::default().resolve(&self.0, config, timeout)
    }
}

struct Forward {
    authorization: String,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forward")
    }
}

impl<In: Transport> Connector<In> for Forward {
    type Out = Forwarded<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Forwarded<In>>, Error> {
        let host = details.uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let head = Some((format!("http://{host}"), self.authorization.clone()));
        Ok(chained.map(|inner| Forwarded { inner, head }))
    }
}

/// A connection to the proxy, on which the first thing sent is a request's head.
struct Forwarded<In> {
    inner: In,
    /// What its first line and its headers lack, until they are sent.
    head: Option<(String, String)>,
}

impl<In> std::fmt::Debug for Forwarded<In> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forwarded")
    }
}

impl<In: Transport> Transport for Forwarded<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some((origin, authorization)) = self.head.take() else {
            return self.inner.transmit_output(amount, timeout);
        };
        let plain = self.inner.buffers().output()[..amount].to_vec();
        let whole = with_origin(&plain, &origin, &authorization);
        let mut rest = whole.as_slice();
        while !rest.is_empty() {
            let output = self.inner.buffers().output();
            let (now, later) = rest.split_at(rest.len().min(output.len()));
            output[..now.len()].copy_from_slice(now);
            self.inner.transmit_output(now.len(), timeout)?;
            rest = later;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// `GET /a HTTP/1.1` becomes `GET http://host/a HTTP/1.1`, with the proxy's header behind it.
fn with_origin(head: &[u8], origin: &str, authorization: &str) -> Vec<u8> {
    let space = head.iter().position(|byte| *byte == b' ').map_or(0, |space| space + 1);
    let line = head.windows(2).position(|pair| pair == b"\r\n").map_or(head.len(), |line| line + 2);
    let parts = [&head[..space], origin.as_bytes(), &head[space..line], authorization.as_bytes(), &head[line..]];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_gets_the_whole_address() {
        let head = with_origin(b"POST /v1/x?y HTTP/1.1\r\nhost: a\r\n\r\n{}", "http://a:1", "P: b\r\n");
        assert_eq!(head, b"POST http://a:1/v1/x?y HTTP/1.1\r\nP: b\r\nhost: a\r\n\r\n{}");
    }
}
