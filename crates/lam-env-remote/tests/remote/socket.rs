//! A WebSocket client and an HTTP client as plain as they can be, for what a real one would never say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

/// Longest wait for anything in a test.
pub const LONG: Duration = Duration::from_secs(30);

/// A client of `/ws`.
pub struct Socket(pub WebSocket<TcpStream>);

impl Socket {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        Self::with_headers(address, "/ws", &[]).expect("a WebSocket")
    }

    /// Connects with headers; the HTTP status of a refusal.
    pub fn with_headers(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).expect("a listener");
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tungstenite::client::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a text.
    pub fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("a connection");
    }

    /// The next text, or the code and reason of a closing.
    pub fn receive(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(Some(frame))) => return Err((frame.code.into(), frame.reason.to_string())),
                Ok(Message::Close(None)) => return Err((1005, String::new())),
                Ok(_) => {}
                Err(error) => return Err((1006, error.to_string())),
            }
        }
    }

    /// Sends a message and takes the answer.
    pub fn ask(&mut self, kind: &str, data: Value) -> Value {
        self.send(&json!({"type": kind, "data": data}).to_string());
        self.receive().expect("an answer")
    }

    /// The error code and message that a text is answered with.
    pub fn refused(&mut self, text: &str) -> (String, String) {
        self.send(text);
        error(&self.receive().expect("an answer"))
    }
}

/// Code and message of an error.
pub fn error(message: &Value) -> (String, String) {
    assert_eq!(message["type"], "error", "{message}");
    let word = |key: &str| message["data"][key].as_str().unwrap().to_owned();
    (word("code"), word("message"))
}

/// Status and body of a request; null for none.
pub fn http(address: SocketAddr, head: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(LONG)).unwrap();
    write!(stream, "{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).expect("a status line").parse().unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let (_, body) = rest.split_once("\r\n\r\n").expect("the end of the head");
    (status, if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("JSON") })
}

/// Status and body of a GET without more.
pub fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    http(address, &format!("GET {path} HTTP/1.1\r\nHost: x"), "")
}

/// Waits until it is so.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads a request without a body to its end: a socket closed over unread bytes resets the answer away.
pub fn take_request(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
}
