//! WebDriver's wire protocol, as far as it is needed: JSON over HTTP, one session, a deadline for every call.
//!
//! Blocking, as the environment trait is; the protocol is plain enough that an HTTP client is all it takes. Knows no
//! page and no process.

use std::time::Duration;

use lam_signal::{Details, Fault, FaultKind};
use serde_json::{Value, json};
use ureq::Agent;

/// Key under which an element's reference stands.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum WebDriverError {
    /// Nobody answers any more, or not in time.
    Lost {
        /// The call.
        call: &'static str,
        /// What happened.
        reason: String,
    },
    /// The driver refused, with the protocol's own word for it.
    Refused {
        /// The call.
        call: &'static str,
        /// Such as `element click intercepted`.
        error: String,
        /// In words.
        message: String,
    },
}

impl Fault for WebDriverError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        match self {
            Self::Lost { call, reason } => Details::new(call).because(reason),
            Self::Refused { call, error, message } => Details::new(error).at(call).because(message),
        }
    }
}

lam_signal::display_details!(WebDriverError);

/// An element of the page, as the driver refers to it.
pub struct Element(String);

impl Element {
    /// The reference in a script's result, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        Some(Self(value.get(ELEMENT)?.as_str()?.to_owned()))
    }
}

/// A field of what a driver or a page said; null where it has none, or is no object.
pub fn taken(value: &mut Value, key: &str) -> Value {
    value.get_mut(key).map(Value::take).unwrap_or_default()
}

/// One session with a browser.
pub struct Session {
    agent: Agent,
    base: String,
}

impl Session {
    /// Opens a session at a driver that listens on `port`.
    ///
    /// # Errors
    /// When the driver does not answer in time or cannot start the browser.
    pub fn open(port: u16, capabilities: &Value, timeout: Duration) -> Result<Self, WebDriverError> {
        // The driver runs on this machine: no proxy stands between.
        let agent: Agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let driver = Self { agent, base: format!("http://127.0.0.1:{port}/session") };
        let body = json!({"capabilities": {"alwaysMatch": capabilities}});
        let opened = driver.post("new session", "", &body, timeout)?;
        let id = opened["sessionId"]
            .as_str()
            .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        let id = id.ok_or_else(|| WebDriverError::Lost {
            call: "new session",
            reason: "the driver names no session".into(),
        })?;
        Ok(Self { base: format!("{}/{id}", driver.base), ..driver })
    }

    /// Shows a page, and waits until it is loaded.
    ///
    /// # Errors
    /// As every call.
    pub fn go(&self, url: &str, timeout: Duration) -> Result<(), WebDriverError> {
        self.post("navigate", "/url", &json!({"url": url}), timeout).map(drop)
    }

    /// Runs a script in the page and waits for its result, also when that is a promise.
    ///
    /// # Errors
    /// As every call, and when the script throws.
    pub fn run(&self, script: &str, args: &[Value], timeout: Duration) -> Result<Value, WebDriverError> {
        self.post("script", "/execute/sync", &json!({"script": script, "args": args}), timeout)
    }

    /// Clicks an element as a person does, at its place.
    ///
    /// # Errors
    /// As every call, and when something else lies over the element.
    pub fn click(&self, element: &Element, timeout: Duration) -> Result<(), WebDriverError> {
        self.post("click", &format!("/element/{}/click", element.0), &json!({}), timeout).map(drop)
    }

    /// Types into an element as a person does.
    ///
    /// # Errors
    /// As every call, and when the element takes no keys.
    pub fn type_text(&self, element: &Element, text: &str, timeout: Duration) -> Result<(), WebDriverError> {
        self.post("type", &format!("/element/{}/value", element.0), &json!({"text": text}), timeout).map(drop)
    }

    /// Moves the mouse over an element and presses a button so many times (0 left, 1 middle, 2 right).
    ///
    /// # Errors
    /// As every call.
    pub fn press(&self, element: &Element, button: u8, times: u8, timeout: Duration) -> Result<(), WebDriverError> {
        let origin = json!({ELEMENT: element.0});
        let mut actions = vec![json!({"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin})];
        for _ in 0..times {
            actions.push(json!({"type": "pointerDown", "button": button}));
            actions.push(json!({"type": "pointerUp", "button": button}));
        }
        let mouse =
            json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
        self.post("actions", "/actions", &json!({"actions": [mouse]}), timeout).map(drop)
    }

    fn post(&self, call: &'static str, path: &str, body: &Value, timeout: Duration) -> Result<Value, WebDriverError> {
        let lost = |error: ureq::Error| WebDriverError::Lost { call, reason: error.to_string() };
        let url = format!("{}{path}", self.base);
        let request = self.agent.post(&url).config().timeout_global(Some(timeout)).build();
        let mut answer = request.send_json(body).map_err(lost)?.body_mut().read_json::<Value>().map_err(lost)?;
        let value = taken(&mut answer, "value");
        match value.get("error").and_then(Value::as_str).filter(|_| value.get("stacktrace").is_some()) {
            None => Ok(value),
            Some(error) => Err(WebDriverError::Refused {
                call,
                error: error.to_owned(),
                message: value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A driver that gives one answer a connection, and its port.
    fn driver(answers: Vec<&'static str>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                take_request(&stream);
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
            // Takes no more answers, but keeps the door open.
            std::thread::sleep(Duration::from_mins(1));
        });
        port
    }

    /// Reads a request to its last byte: a socket closed over unread bytes resets the answer away.
    fn take_request(stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
    }

    const SECOND: Duration = Duration::from_secs(10);

    #[test]
    fn results_refusals_and_silence_are_told_apart() {
        let port = driver(vec![
            r#"{"value":{"sessionId":"s1","capabilities":{}}}"#,
            r#"{"value":{"error":"the page's own word","done":true}}"#,
            r#"{"value":{"error":"no such element","message":"gone\nmore","stacktrace":"x"}}"#,
        ]);
        let session = Session::open(port, &json!({}), SECOND).unwrap();
        assert_eq!(session.run("return 1", &[], SECOND).unwrap()["done"], true);
        let refused = session.run("return 1", &[], SECOND).unwrap_err().to_string();
        assert_eq!(refused, "script: no such element: gone");
        let silent = session.run("return 1", &[], Duration::from_millis(200)).unwrap_err();
        assert!(matches!(silent, WebDriverError::Lost { .. }), "{silent}");
    }
}
