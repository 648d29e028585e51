//! Which proxy a request takes, from the variables that curl reads, in its order and with its exceptions.
//!
//! `https_proxy`, then `HTTPS_PROXY`, for https; `http_proxy` alone, in small letters, for http (a web server hands a
//! client's `Proxy:` header to its programs as `HTTP_PROXY`); else `all_proxy`, then `ALL_PROXY`. `no_proxy`, then
//! `NO_PROXY`, names hosts that are asked directly: domains with what is below them, addresses, networks, or `*`.
//! <https://curl.se/docs/manpage.html#ENVIRONMENT>

use std::net::IpAddr;

use lam_signal::{REDACTED, Secret};
use ureq::Proxy;
use url::{Host, Url};

use crate::HttpError;

/// A proxy and the variable that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) variable: String,
    pub(crate) value: String,
}

/// The proxy for an address, if one is set and the host is no exception.
pub(crate) fn chosen(url: &Url, variable: &impl Fn(&str) -> Option<String>) -> Option<Chosen> {
    let exceptions = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if is_exception(url, &exceptions) {
        return None;
    }
    let names: &[&str] = match url.scheme() {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "all_proxy", "ALL_PROXY"],
    };
    names.iter().find_map(|name| Some(Chosen { variable: (*name).to_owned(), value: variable(name)? }))
}

impl Chosen {
    /// As the library takes it. Its password is a secret from here on.
    pub(crate) fn open(&self) -> Result<Proxy, HttpError> {
        let value = self.value.trim();
        let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let (scheme, place) = with_scheme.split_once("://").unwrap_or_default();
        let (who, host) = place.rsplit_once('@').map_or((None, place), |(who, host)| (Some(who), host));
        who.and_then(|who| who.split_once(':')).and_then(|(_, password)| Secret::new(password));
        if let Ok(url) = Url::parse(&with_scheme) {
            url.password().map(Secret::new);
        }
        let proxy = Proxy::new(&with_scheme).ok();
        if let Some(password) = proxy.as_ref().and_then(Proxy::password) {
            Secret::new(password);
        }
        proxy.ok_or_else(|| HttpError::Setting {
            variable: self.variable.clone(),
            value: format!("{scheme}://{}{host}", who.map_or(String::new(), |_| format!("{REDACTED}@"))),
            reason: "is no proxy".into(),
            hint: "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or unset it".into(),
        })
    }
}

/// Whether `no_proxy` names the host.
fn is_exception(url: &Url, exceptions: &str) -> bool {
    let Some(host) = url.host() else { return false };
    let mut entries = exceptions.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.any(|entry| entry == "*" || names(entry, &host))
}

fn names(entry: &str, host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_within(IpAddr::V4(*address), entry),
        Host::Ipv6(address) => is_within(IpAddr::V6(*address), entry),
        Host::Domain(domain) => {
            let entry = entry.strip_prefix('*').unwrap_or(entry);
            let entry = entry.strip_prefix('.').unwrap_or(entry);
            let (entry, domain) = (plain(entry), plain(domain));
            !entry.is_empty()
                && (domain == entry || domain.strip_suffix(&entry).is_some_and(|before| before.ends_with('.')))
        }
    }
}

/// A domain without the dot that may end it, in small letters.
fn plain(domain: &str) -> String {
    domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase()
}

/// Whether an address is the one of an entry, or lies in its network.
fn is_within(address: IpAddr, entry: &str) -> bool {
    let (network, bits) = entry.split_once('/').map_or((entry, None), |(network, bits)| (network, Some(bits)));
    let Ok(network) = network.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    let (one, other, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let bits = bits.map_or(Ok(width), str::parse::<u32>);
    bits.is_ok_and(|bits| bits <= width && (one ^ other).checked_shr(width - bits).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let find = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned()).filter(|value| !value.is_empty())
        };
        chosen(&Url::parse(url).unwrap(), &find).map(|chosen| chosen.value)
    }

    #[test]
    fn variables_are_read_as_curl_reads_them() {
        let (http, https) = ("http://a.example/v1", "https://a.example/v1");
        for (url, variables, proxy) in [
            (https, &[("HTTPS_PROXY", "u"), ("https_proxy", "l"), ("ALL_PROXY", "a")][..], Some("l")),
            (https, &[("HTTPS_PROXY", "u"), ("all_proxy", "a")], Some("u")),
            (https, &[("http_proxy", "h"), ("HTTP_PROXY", "H")], None),
            (https, &[("https_proxy", ""), ("ALL_PROXY", "A"), ("all_proxy", "a")], Some("a")),
            (http, &[("HTTPS_PROXY", "u"), ("https_proxy", "l")], None),
            (http, &[("HTTP_PROXY", "H")], None),
            (http, &[("HTTP_PROXY", "H"), ("http_proxy", "h")], Some("h")),
            (http, &[("HTTP_PROXY", "H"), ("ALL_PROXY", "A")], Some("A")),
        ] {
            assert_eq!(of(url, variables).as_deref(), proxy, "{url} {variables:?}");
        }
    }

    #[test]
    fn exceptions_are_domains_addresses_networks_or_all() {
        let direct = |host: &str, exceptions: &str| {
            let variables = [("ALL_PROXY", "p"), ("NO_PROXY", exceptions)];
            of(&format!("http://{host}/"), &variables).is_none()
        };
        for (host, exceptions) in [
            ("localhost", "localhost, 127.0.0.1"),
            ("127.0.0.1", "localhost, 127.0.0.1"),
            ("127.0.0.1:8000", "localhost 127.0.0.1"),
            ("127.0.0.1", "localhost\t,127.0.0.0/8"),
            ("a.example", "example"),
            ("a.example", ".example"),
            ("a.example.", "*.EXAMPLE."),
            ("A.Example", "a.example"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "0.0.0.0/0"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("[::1]", "::1"),
            ("[::1]", "[::1]"),
            ("[fd00::7]", "fd00::/8"),
            ("anything", "*"),
            ("anything", "other, *"),
        ] {
            assert!(direct(host, exceptions), "{host} in {exceptions}");
        }
        for (host, exceptions) in [
            ("localhost", ""),
            ("127.0.0.1", "localhost"),
            ("127.0.0.1", "0.0.1"),
            ("notexample", "example"),
            ("example.org", "example"),
            ("example", "a.example"),
            ("11.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.0.0.0/33"),
            ("10.1.2.3", "10.0.0.0/x"),
            ("[fe00::7]", "fd00::/8"),
            ("anything", ".,,"),
        ] {
            assert!(!direct(host, exceptions), "{host} not in {exceptions}");
        }
        let both = [("ALL_PROXY", "p"), ("NO_PROXY", "*"), ("no_proxy", "other")];
        assert!(of("http://a.example/", &both).is_some(), "small letters win");
    }

    #[test]
    fn a_proxy_is_opened_or_its_variable_named_without_the_password() {
        let open = |value: &str| Chosen { variable: "https_proxy".into(), value: value.into() }.open();
        for good in ["proxy:3128", "http://proxy", "https://u:p%40ss@proxy:1", "socks5h://proxy:1080", "10.0.0.1:80"] {
            assert!(open(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://user:pass-of-the-proxy@proxy",
            "http://user:pass-of-the-proxy@",
            "http://pro xy",
            "http://us er:p@ss@of-the-proxy@proxy:1",
            "us er:pw@proxy",
        ] {
            let error = open(bad).unwrap_err().to_string();
            assert!(error.contains("https_proxy") && error.contains("hint:"), "{error}");
            assert!(!error.contains("of-the-proxy"), "{error}");
        }
    }
}
