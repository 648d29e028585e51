//! A site over real sockets: who may ask, who is let go, and its end.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use lam_http_server::{Access, ServerError, Site, SiteSettings, html};
use lam_signal::Secret;

fn site(settings: SiteSettings) -> Site {
    let long = || async { "x".repeat(64 << 20) };
    let router = Router::new().route("/", get(|| async { html("<p>here</p>") })).route("/long", get(long));
    Site::start(SiteSettings { port: 0, ..settings }, router).unwrap()
}

fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> String {
    ask_host(address, &address.to_string(), &format!("{method} {path}"), headers)
}

fn ask_host(address: SocketAddr, host: &str, line: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.to_ascii_lowercase()
}

#[test]
fn a_page_loads_nothing_from_elsewhere_and_is_not_kept() {
    let site = site(SiteSettings::default());
    let page = ask(site.address(), "GET", "/", "");
    for words in ["200 ok", "<p>here</p>", "default-src 'none'", "connect-src 'self'", "no-store", "nosniff"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(ask(site.address(), "GET", "/other", "").starts_with("http/1.1 404"));
    assert!(
        ask(site.address(), "POST", "/", "Content-Length: 0\r\n").starts_with("http/1.1 405"),
        "pages are only read"
    );
    let elsewhere = ask_host(site.address(), "evil.example", "GET /", "");
    assert!(elsewhere.starts_with("http/1.1 403") && !elsewhere.contains("here</p>"), "{elsewhere}");
}

#[test]
fn a_browser_is_asked_for_the_token() {
    let access = Access { token: Secret::new("s3cret-token"), ..Access::default() };
    let site = site(SiteSettings { access, ..SiteSettings::default() });
    let refused = ask(site.address(), "GET", "/", "");
    assert!(refused.starts_with("http/1.1 401") && refused.contains("www-authenticate: basic realm"), "{refused}");
    assert!(!refused.contains("here") && !refused.contains("s3cret"));
    // anybody:s3cret-token
    let basic = "Authorization: Basic YW55Ym9keTpzM2NyZXQtdG9rZW4=\r\n";
    for header in ["Authorization: Bearer s3cret-token\r\n", basic] {
        assert!(ask(site.address(), "GET", "/", header).starts_with("http/1.1 200"), "{header}");
    }
}

#[test]
fn what_cannot_be_listened_on_is_told() {
    let site = site(SiteSettings::default());
    let taken = SiteSettings { port: site.address().port(), ..SiteSettings::default() };
    assert!(matches!(Site::start(taken, Router::new()), Err(ServerError::Bind { .. })));
    let open = Access { host: "0.0.0.0".into(), ..Access::default() };
    let open = SiteSettings { access: open, port: 0, ..SiteSettings::default() };
    assert!(matches!(Site::start(open, Router::new()), Err(ServerError::Exposed { .. })));
}

#[test]
fn who_sends_or_takes_nothing_is_let_go() {
    let site = site(SiteSettings {
        max_connections: 1,
        client_timeout: Duration::from_millis(300),
        ..SiteSettings::default()
    });
    let mut silent = TcpStream::connect(site.address()).unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let mut deaf = TcpStream::connect(site.address()).unwrap();
    deaf.write_all(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let page = ask(site.address(), "GET", "/", "");
    assert!(page.starts_with("http/1.1 200"), "the one seat is free again: {page}");
}

#[test]
fn it_ends_though_somebody_keeps_a_connection() {
    let site = site(SiteSettings::default());
    let address = site.address();
    let _idle = TcpStream::connect(address).unwrap();
    let begun = Instant::now();
    site.stop();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_refusal_is_heard_by_who_still_writes() {
    let site = site(SiteSettings::default());
    let mut stream = TcpStream::connect(site.address()).unwrap();
    let body = vec![b'x'; 4 << 20];
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 405"), "{reply}");
}
