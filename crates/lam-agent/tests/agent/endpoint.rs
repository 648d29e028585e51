//! An endpoint that is a thread of this test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as the endpoint saw it: head and body.
pub type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Serves the responses one after another, then hangs up.
pub fn endpoint(responses: &[String]) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
    let seen = Seen::default();
    let (noted, responses) = (seen.clone(), responses.to_vec());
    thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("a head");
            }
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).expect("a body");
            noted.lock().expect("no holder panics").push((head, String::from_utf8(body).expect("text")));
            stream.write_all(response.as_bytes()).expect("a listener");
        }
    });
    (url, seen)
}

pub fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

pub fn says(text: &str) -> String {
    let body = serde_json::json!({
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
    });
    response("200 OK", "Content-Type: application/json\r\n", &body.to_string())
}
