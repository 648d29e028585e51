//! A hub on this machine: one model, ranges, and the faults that real networks have.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use sha1::Digest as _;

/// The commit that `main` stands for.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong; each number counts down with every answer that it spoils.
#[derive(Default)]
pub struct Faults {
    /// Files larger than this are cut after so many bytes of a body.
    pub cut_after: usize,
    /// How many answers are cut.
    pub cuts: u32,
    /// How many answers have another last byte.
    pub changed: u32,
    /// How many requests are answered with 503.
    pub unavailable: u32,
    /// How many are answered with 429 and this header.
    pub busy: (u32, &'static str),
    /// How many bytes more than there are the listing announces of weights.
    pub announced: i64,
    /// Files are answered with a page of so many bytes.
    pub page: usize,
    /// Bodies end with the connection, and nobody says how long they are.
    pub without_length: bool,
    /// Files are redirected to this address, with their path behind it.
    pub storage: Option<String>,
    /// How long a file's answer takes.
    pub slow: std::time::Duration,
    /// Ranges are not known here.
    pub ignores_ranges: bool,
    /// Only this token may read, and a refusal has this code.
    pub token: Option<(&'static str, &'static str)>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub token: Option<String>,
    /// What was sent.
    pub body: Vec<u8>,
}

/// A running server; it ends with the test.
pub struct Server {
    pub endpoint: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    files: Vec<(String, Vec<u8>)>,
    faults: Faults,
    requests: Vec<Request>,
}

impl Server {
    /// Serves `acme/tiny` with these files.
    pub fn start(files: Vec<(String, Vec<u8>)>) -> Self {
        let shared = Arc::new(Mutex::new(Shared { files, faults: Faults::default(), requests: Vec::new() }));
        let heard = Arc::clone(&shared);
        let endpoint = listen(move |request| {
            let mut shared = heard.lock().expect("no handler panics");
            shared.requests.push(request.clone());
            let answer = answer(&request, &mut shared);
            let is_plain = !shared.faults.without_length || !answer.status.starts_with("200");
            if is_plain { answer } else { Answer { length: None, ..answer } }
        });
        Self { endpoint, shared }
    }

    /// What goes wrong from now on.
    pub fn set(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// What was asked since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.lock().requests)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no handler panics")
    }
}

/// Answers every request with `answer`, each connection in a thread; where.
pub fn listen(answer: impl Fn(Request) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer_all(stream, &*answer));
        }
    });
    endpoint
}

fn answer_all(stream: TcpStream, answer: &dyn Fn(Request) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(request) = read(&mut reader) {
        let answer = answer(request);
        if answer.is_lost {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
        let length = match answer.length {
            None => "Connection: close".to_owned(),
            Some(length) => format!("Content-Length: {length}"),
        };
        let head = format!("HTTP/1.1 {}\r\n{length}\r\n{}\r\n", answer.status, answer.headers);
        let mut stream = &stream;
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body)).is_err() {
            return;
        }
        if answer.length != Some(answer.body.len()) {
            // The connection breaks in the middle of the body, or ends with it.
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut request = Request { method, path, range: None, token: None, body: Vec::new() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "range" => request.range = Some(value.to_owned()),
            "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_owned),
            "content-length" => length = value.parse().expect("a number"),
            _ => {}
        }
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// What a request is answered with.
pub struct Answer {
    pub status: &'static str,
    /// Whole lines.
    pub headers: String,
    /// The length that is announced; none where the body ends with the connection.
    pub length: Option<usize>,
    pub body: Vec<u8>,
    /// Whether the connection breaks in its place.
    pub is_lost: bool,
}

impl Answer {
    pub fn new(status: &'static str, headers: &str, body: Vec<u8>) -> Self {
        Self { status, headers: headers.to_owned(), length: Some(body.len()), body, is_lost: false }
    }

    pub fn refusal(status: &'static str, code: &str) -> Self {
        Self::new(status, &format!("X-Error-Code: {code}\r\n"), Vec::new())
    }
}

fn answer(request: &Request, shared: &mut Shared) -> Answer {
    if counts_down(&mut shared.faults.unavailable) {
        return Answer::refusal("503 Service Unavailable", "");
    }
    if counts_down(&mut shared.faults.busy.0) {
        return Answer::new("429 Too Many Requests", &format!("{}\r\n", shared.faults.busy.1), Vec::new());
    }
    if let Some((token, code)) = shared.faults.token.filter(|(token, _)| request.token.as_deref() != Some(token)) {
        let _ = token;
        return Answer::refusal("401 Unauthorized", code);
    }
    let revision = request.path.strip_prefix("/api/models/acme/tiny/revision/");
    if let Some(revision) = revision.map(|revision| revision.trim_end_matches("?blobs=true")) {
        return match revision {
            "main" | COMMIT => Answer::new("200 OK", "", listing(&shared.files, shared.faults.announced)),
            _ => Answer::refusal("404 Not Found", "RevisionNotFound"),
        };
    }
    let path = request.path.strip_prefix(&format!("/acme/tiny/resolve/{COMMIT}/"));
    if let (Some(_), Some(storage)) = (path, &shared.faults.storage) {
        return Answer::new("302 Found", &format!("Location: {storage}{}\r\n", request.path), Vec::new());
    }
    match path {
        None => Answer::refusal("404 Not Found", "RepoNotFound"),
        Some(name) => match shared.files.iter().find(|(known, _)| known == name) {
            None => Answer::refusal("404 Not Found", "EntryNotFound"),
            Some((_, bytes)) => file(&bytes.clone(), request.range.as_deref(), &mut shared.faults),
        },
    }
}

fn file(bytes: &[u8], range: Option<&str>, faults: &mut Faults) -> Answer {
    std::thread::sleep(faults.slow);
    if faults.page > 0 {
        let page = "<html>".bytes().chain(std::iter::repeat_n(b'x', faults.page)).collect();
        return Answer::new("200 OK", "Content-Type: text/html\r\n", page);
    }
    let range = range.filter(|_| !faults.ignores_ranges).and_then(|range| range.strip_prefix("bytes="));
    let mut answer = match range.and_then(|range| range.split_once('-')) {
        None => Answer::new("200 OK", "", bytes.to_vec()),
        Some((first, last)) => {
            let first: usize = first.parse().expect("a number");
            let end = last.parse().map_or(bytes.len(), |last: usize| bytes.len().min(last + 1));
            if first >= bytes.len() {
                let whole = format!("Content-Range: bytes */{}\r\n", bytes.len());
                return Answer::new("416 Range Not Satisfiable", &whole, Vec::new());
            }
            let headers = format!("Content-Range: bytes {first}-{}/{}\r\n", end - 1, bytes.len());
            Answer::new("206 Partial Content", &headers, bytes[first..end].to_vec())
        }
    };
    let large = answer.body.len() > faults.cut_after && faults.cut_after > 0;
    if large && counts_down(&mut faults.cuts) {
        answer.body.truncate(faults.cut_after);
    } else if bytes.len() > 1000 && counts_down(&mut faults.changed) {
        *answer.body.last_mut().expect("not empty") ^= 1;
    }
    answer
}

pub fn counts_down(left: &mut u32) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}

/// Git's hash of bytes as a blob.
pub fn git_hash(bytes: &[u8]) -> String {
    let mut blob = sha1::Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
    blob.update(bytes);
    blob.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the hub lists files: weights as large files with SHA-256, others with Git's hash.
fn listing(files: &[(String, Vec<u8>)], announced: i64) -> Vec<u8> {
    let entry = |(name, bytes): &(String, Vec<u8>)| {
        let mut entry = serde_json::json!({"rfilename": name, "size": bytes.len(), "blobId": git_hash(bytes)});
        if name.ends_with(".safetensors") {
            let size = (bytes.len() as u64).saturating_add_signed(announced);
            entry["lfs"] = serde_json::json!({"sha256": lam_store::hash_bytes(bytes), "size": size});
        }
        entry
    };
    let siblings: Vec<_> = files.iter().map(entry).collect();
    serde_json::json!({"sha": COMMIT, "siblings": siblings}).to_string().into_bytes()
}
