//! One request in a thread of its own, so that whoever waits for it can leave at once when the work is to stop.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use lam_signal::Cancel;
use rustls::CertificateError;
use ureq::http::HeaderMap;
use ureq::http::response::Parts;
use ureq::{Agent, Body as Incoming, SendBody};

use crate::request::Content;
use crate::{HttpError, Request};

/// Bytes read at once.
const PIECE: usize = 1 << 17;
/// Pieces that wait to be taken.
const WAITING: usize = 4;
/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(50);

enum Message {
    Head(Box<Result<Parts, ureq::Error>>),
    Piece(io::Result<Vec<u8>>),
}

/// A request under way.
pub(crate) struct Exchange {
    url: String,
    messages: Receiver<Message>,
    /// How many bytes of an upload were read to be sent.
    sent: Arc<AtomicU64>,
}

impl Exchange {
    /// Sends it. The thread ends with the answer, or when nobody listens any more.
    pub(crate) fn start(agent: Agent, request: Request, cancel: &Cancel) -> Self {
        let (sender, messages) = sync_channel(WAITING);
        let (url, sent) = (request.url.clone(), Arc::new(AtomicU64::new(0)));
        let (counted, cancel) = (Arc::clone(&sent), cancel.clone());
        std::thread::spawn(move || {
            let (head, body) = match call(&agent, &request, counted, cancel) {
                Ok((head, body)) => (Ok(head), Some(body)),
                Err(error) => (Err(error), None),
            };
            if sender.send(Message::Head(Box::new(head))).is_ok() {
                body.into_iter().for_each(|body| pass_on(body, &sender));
            }
        });
        Self { url, messages, sent }
    }

    /// Waits for the answer's head. `source` says whose word counts about the server, `sent` is told how much is sent.
    pub(crate) fn head(self, cancel: &Cancel, source: &str, sent: &dyn Fn(u64)) -> Result<Reply, HttpError> {
        match next(&self.messages, cancel, || sent(self.sent.load(Ordering::Relaxed))) {
            Some(Message::Head(head)) => match *head {
                Ok(head) => {
                    let body = Body {
                        messages: self.messages,
                        cancel: cancel.clone(),
                        piece: io::Cursor::default(),
                        ended: false,
                    };
                    Ok(Reply { status: head.status.as_u16(), headers: head.headers, url: self.url, body })
                }
                Err(error) => Err(failed(&self.url, &error, source)),
            },
            _ if cancel.is_cancelled() => Err(HttpError::Cancelled),
            _ => Err(HttpError::Network { url: self.url, reason: "the request was lost".into() }),
        }
    }
}

fn call(
    agent: &Agent,
    request: &Request,
    sent: Arc<AtomicU64>,
    cancel: Cancel,
) -> Result<(Parts, Incoming), ureq::Error> {
    let headers = request.headers.iter().chain(&request.key);
    let response = match &request.content {
        None => headers.fold(agent.get(&request.url), |built, (name, value)| built.header(name, value)).call(),
        Some(Content::Text(text)) => {
            headers.fold(agent.post(&request.url), |built, (name, value)| built.header(name, value)).send(text)
        }
        Some(Content::Stream(upload)) => {
            // With its length, a body is sent as it is: storage takes none in chunks.
            let put = agent.put(&request.url).header("content-length", upload.length.to_string());
            let bytes = Sent { bytes: (upload.open)()?, left: upload.length, sent, cancel };
            headers.fold(put, |built, (name, value)| built.header(name, value)).send(SendBody::from_owned_reader(bytes))
        }
    };
    Ok(response?.into_parts())
}

/// Bytes on their way: as many as were announced, counted, and no more of them once the work is to stop.
struct Sent {
    bytes: Box<dyn Read>,
    left: u64,
    sent: Arc<AtomicU64>,
    cancel: Cancel,
}

impl Read for Sent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(stopped());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.bytes.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            // Whoever sends would wait for the rest for ever.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "fewer bytes than were announced"));
        }
        self.left -= count as u64;
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn stopped() -> io::Error {
    io::Error::other("stopped on request")
}

fn pass_on(body: Incoming, sender: &SyncSender<Message>) {
    let mut reader = body.into_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let read = reader.read(&mut piece).map(|count| {
            piece.truncate(count);
            piece
        });
        let is_last = read.as_ref().map_or(true, Vec::is_empty);
        if sender.send(Message::Piece(read)).is_err() || is_last {
            return;
        }
    }
}

/// The next message; `look` is called before each wait for it.
fn next(messages: &Receiver<Message>, cancel: &Cancel, look: impl Fn()) -> Option<Message> {
    while !cancel.is_cancelled() {
        look();
        match messages.recv_timeout(LOOK) {
            Ok(message) => return Some(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

/// An answer whose head has come.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from, after redirections; storage signs such addresses, so no message may repeat it.
    pub url: String,
    /// What is still to come.
    pub body: Body,
}

impl Reply {
    /// A header's text; "" for one that is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it sends whoever asked, if it does.
    pub fn location(&self) -> Option<&str> {
        let is_redirection = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        Some(self.header("location")).filter(|location| is_redirection && !location.is_empty())
    }

    /// The whole body as text; what is no UTF-8 is replaced.
    ///
    /// # Errors
    /// A connection that breaks, more than `most` bytes, or a request to stop.
    pub fn text(self, most: u64) -> Result<String, HttpError> {
        let (mut bytes, cancel, url) = (Vec::new(), self.body.cancel.clone(), self.url);
        let read = Read::take(self.body, most + 1).read_to_end(&mut bytes);
        let network = |reason: String| HttpError::Network { url: url.clone(), reason }.unsigned();
        match read {
            _ if cancel.is_cancelled() => Err(HttpError::Cancelled),
            Err(error) => Err(network(format!("the answer broke off: {error}"))),
            Ok(_) if bytes.len() as u64 > most => Err(network(format!("the answer is longer than {most} bytes"))),
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// A body as it comes. Reading it fails at once when the work is to stop.
pub struct Body {
    messages: Receiver<Message>,
    cancel: Cancel,
    piece: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || self.ended || buffer.is_empty() {
                return Ok(count);
            }
            match next(&self.messages, &self.cancel, || {}) {
                Some(Message::Piece(piece)) => {
                    let piece = piece.inspect_err(|_| self.ended = true)?;
                    self.ended = piece.is_empty();
                    self.piece = io::Cursor::new(piece);
                }
                _ if self.cancel.is_cancelled() => return Err(stopped()),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// Why there is no answer, in words.
fn failed(url: &str, error: &ureq::Error, source: &str) -> HttpError {
    let (text, url) = (error.to_string(), url.to_owned());
    if let Some(error) = certificate_error(error) {
        return untrusted(url, error, source);
    }
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => HttpError::Request { url, reason: text },
        ureq::Error::HostNotFound => HttpError::Network { url, reason: "there is no such host".into() },
        ureq::Error::Timeout(_) => HttpError::Network { url, reason: format!("no answer in time ({text})") },
        _ => HttpError::Network { url, reason: text.strip_prefix("io: ").unwrap_or(&text).to_owned() },
    }
}

/// What is wrong with the server's certificate, if that is it.
fn certificate_error(error: &ureq::Error) -> Option<&CertificateError> {
    let ureq::Error::Io(error) = error else { return None };
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// Why a server is not trusted, and how it comes to be.
fn untrusted(url: String, error: &CertificateError, source: &str) -> HttpError {
    use CertificateError as Error;
    let (what, hint) = match error {
        Error::UnknownIssuer => (
            format!("its certificate comes from an authority that is not among {source}"),
            "for a private authority name its certificate (PEM) in SSL_CERT_FILE, or a folder of such in SSL_CERT_DIR",
        ),
        Error::NotValidForName | Error::NotValidForNameContext { .. } => {
            ("its certificate is for another name".to_owned(), "use the name that the certificate has")
        }
        Error::Expired | Error::ExpiredContext { .. } | Error::NotValidYet | Error::NotValidYetContext { .. } => {
            ("its certificate is not valid now".to_owned(), "renew it; is this machine's clock right?")
        }
        _ => (
            format!("its certificate is not accepted, by {source}"),
            "a server needs a certificate of its own, with its name, given by an authority that SSL_CERT_FILE names",
        ),
    };
    HttpError::Untrusted { url, reason: format!("{what} ({error})"), hint: hint.into() }
}
