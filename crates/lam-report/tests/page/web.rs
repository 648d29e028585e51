//! A client that knows no more of HTTP than the tests need.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use lam_http_server::SiteSettings;
use serde_json::Value;

/// A free port.
pub fn settings() -> SiteSettings {
    SiteSettings { port: 0, ..SiteSettings::default() }
}

/// Status and body of a path.
pub fn get(address: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&reply[..end]).into_owned();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), reply[end + 4..].to_vec())
}

/// The text at a path.
pub fn text(address: SocketAddr, path: &str) -> String {
    let (status, body) = get(address, path);
    assert_eq!(status, 200, "{path}");
    String::from_utf8(body).unwrap()
}

/// The JSON at a path.
pub fn json(address: SocketAddr, path: &str) -> Value {
    serde_json::from_str(&text(address, path)).unwrap()
}

/// Asks until the JSON at a path is as it should be.
#[track_caller]
pub fn until(address: SocketAddr, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let found = json(address, path);
        if is_right(&found) {
            return found;
        }
        assert!(Instant::now() < patience, "{found}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
