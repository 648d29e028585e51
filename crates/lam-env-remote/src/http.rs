//! HTTP/1.1 as far as a WebSocket server needs it: one request a connection, its head, a small body, a JSON answer, or
//! the step over to WebSocket. Knows no route.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lam_signal::Secret;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tungstenite::handshake::server::create_response;
use tungstenite::http;

use crate::link::{Link, LinkLimits, linger};

/// Largest head, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// Largest number of headers.
const MAX_HEADERS: usize = 64;
/// Largest body, in bytes: requests are short.
const MAX_BODY_BYTES: usize = 1 << 20;
/// How long a request may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// One request, and the connection that waits for its answer.
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Without the query.
    pub path: String,
    query: Vec<(String, String)>,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    stream: TcpStream,
    /// What came behind the head.
    rest: Vec<u8>,
}

impl Request {
    /// The request that a connection brings; something else is answered here.
    pub fn read(mut stream: TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        match head(&mut stream, &mut bytes) {
            Ok(Some(head)) => {
                let rest = bytes.split_off(head.length);
                let Head { method, path, query, headers, .. } = head;
                Some(Self { method, path, query, headers, stream, rest })
            }
            Ok(None) => None,
            Err(reason) => {
                answer(stream, 400, &json!({"detail": reason}));
                None
            }
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The values of a key of the query.
    pub fn query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The keys of the query.
    pub fn query_keys(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(|(name, _)| name.as_str())
    }

    /// Whether it asks for WebSocket.
    pub fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// Whether it brings the token: as `?token=`, as bearer, or as the password of basic authentication, which is what
    /// a WebSocket client makes of `ws://user:TOKEN@host`.
    pub fn presents(&self, token: &Secret) -> bool {
        let (scheme, value) = self.header("authorization").and_then(|value| value.split_once(' ')).unwrap_or_default();
        let given = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(value.trim().to_owned()),
            "basic" => password(value.trim()),
            _ => None,
        };
        given.is_some_and(|given| token.is(&given)) || self.query("token").any(|given| token.is(given))
    }

    /// The body as JSON; `null` for none.
    ///
    /// # Errors
    /// A body that is too large, does not arrive, or is not JSON.
    pub fn body(&mut self) -> Result<Value, String> {
        let length = self.header("content-length").map_or(Ok(0), str::parse::<usize>);
        let length = length.map_err(|_| "content-length is not a number".to_owned())?;
        if length > MAX_BODY_BYTES {
            return Err(format!("the body has {length} bytes, {MAX_BODY_BYTES} are allowed"));
        }
        let missing = length.saturating_sub(self.rest.len());
        let mut bytes = std::mem::take(&mut self.rest);
        let start = bytes.len();
        bytes.resize(start + missing, 0);
        let until = self.stream.set_read_timeout(Some(ARRIVAL));
        until.and_then(|()| self.stream.read_exact(&mut bytes[start..])).map_err(|error| error.to_string())?;
        match bytes.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&bytes).map_err(|error| format!("the body is not JSON: {error}")),
        }
    }

    /// Whether it was sent to `host`, to an address, or to a name that only this network knows; a request may also leave
    /// that out.
    pub fn is_for(&self, host: &str) -> bool {
        let Some(named) = self.header("host") else { return true };
        let named = named
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(named, |(named, _)| named);
        let address = named.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        named == host || !named.contains('.') || address.is_ok()
    }

    /// Answers, and ends the connection.
    pub fn answer(self, status: u16, body: &Value) {
        answer(self.stream, status, body);
    }

    /// Steps over to WebSocket; a request that cannot is answered here.
    pub fn upgrade(mut self, limits: LinkLimits) -> Option<Link> {
        let response =
            self.handshake().and_then(|request| create_response(&request).map_err(|error| error.to_string()));
        match response {
            Err(reason) => {
                self.answer(426, &json!({"detail": reason}));
                None
            }
            Ok(response) => {
                let accept = response.headers().get("sec-websocket-accept").and_then(|value| value.to_str().ok())?;
                let head = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                self.stream.write_all(head.as_bytes()).ok()?;
                Link::accepted(self.stream, self.rest, limits).ok()
            }
        }
    }

    fn handshake(&self) -> Result<http::Request<()>, String> {
        let mut request = http::Request::builder().method(self.method.as_str()).uri(self.path.as_str());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(()).map_err(|error| error.to_string())
    }
}

struct Head {
    length: usize,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

/// Reads until the head is there; `None` when the other side goes away or takes too long.
fn head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Option<Head>, String> {
    let until = Instant::now() + ARRIVAL;
    let mut piece = [0; 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Ok(None);
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
        if let Some(head) = parse(bytes)? {
            return Ok(Some(head));
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(format!("the head is longer than {MAX_HEAD_BYTES} bytes"));
        }
    }
}

/// The head, if it is whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let target = request.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).trim().to_owned())
    };
    Ok(Some(Head {
        length,
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: pairs(query),
        headers: request.headers.iter().map(header).collect(),
    }))
}

/// The keys and values of a query, decoded.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

/// The password of basic authentication.
fn password(credentials: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

fn answer(mut stream: TcpStream, status: u16, body: &Value) {
    let text = body.to_string();
    let reason =
        http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    let sent = stream.set_write_timeout(Some(ARRIVAL));
    if sent.and_then(|()| stream.write_all(head.as_bytes())).and_then(|()| stream.write_all(text.as_bytes())).is_ok() {
        linger(&mut stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        assert!(parse(b"GET /ws?token=a%20b HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
        let head = parse(b"GET /ws?token=a%20b&x HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\nrest").unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/ws"));
        assert_eq!(head.query, [("token".to_owned(), "a b".to_owned()), ("x".to_owned(), String::new())]);
        assert_eq!(head.headers, [("upgrade".to_owned(), "WebSocket".to_owned())]);
        assert_eq!(head.length, 54);
        assert!(parse(b"\x16\x03\x01\x02\x00\x01\r\n\r\n").is_err());
    }

    #[test]
    fn a_password_is_what_stands_behind_the_first_colon() {
        assert_eq!(password("bGFtOmE6Yg==").as_deref(), Some("a:b"));
        assert_eq!(password("bGFt"), None);
        assert_eq!(password("%"), None);
    }
}
