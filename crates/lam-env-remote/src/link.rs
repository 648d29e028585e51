//! One WebSocket connection: text messages of bounded size, pings while nothing is said, a deadline for silence.
//!
//! Knows WebSocket and nothing that is spoken over it.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use lam_signal::{Details, Fault, FaultKind, Secret, redacted};
use tungstenite::client::IntoClientRequest;
use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, HandshakeError, Message, WebSocket};

/// How long the rest of what the other side says is listened to once we are done.
const LINGER: Duration = Duration::from_secs(2);
/// Shortest wait that a socket knows.
const SHORTEST: Duration = Duration::from_millis(1);

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct LinkLimits {
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Longest wait until the other side takes a message.
    pub write_timeout: Duration,
    /// Silence after which the other side is pinged.
    pub ping_after: Duration,
    /// How long it may take to answer that.
    pub pong_within: Duration,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            max_message_bytes: 16 << 20,
            write_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
        }
    }
}

/// Why nothing more comes over a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Closed in order, with the reason given.
    Closed(String),
    /// No answer to a ping.
    Silent(Duration),
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// Not what a text protocol sends.
    Binary,
    /// The other side takes no more data.
    Stalled(Duration),
    /// The connection broke, or was never one.
    Broken(String),
}

impl Fault for LinkError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        match self {
            Self::Closed(reason) => Details::new("the other side closed the connection").because(reason),
            Self::Silent(time) => Details::new(format!("nothing was heard for {} s", time.as_secs_f32().ceil())),
            Self::TooLarge(limit) => Details::new(format!("a message is larger than {limit} bytes")),
            Self::Binary => Details::new("a binary message came where only text is spoken"),
            Self::Stalled(time) => Details::new(format!("the other side takes no data for {} s", time.as_secs())),
            Self::Broken(reason) => Details::new(reason),
        }
    }
}

lam_signal::display_details!(LinkError);

/// One connection. The first failure is final: it is told again to whoever asks later.
pub struct Link {
    socket: WebSocket<TcpStream>,
    limits: LinkLimits,
    heard: Instant,
    pinged: Option<Instant>,
    failure: Option<LinkError>,
}

impl Link {
    /// A connection whose handshake we have answered; `read` came behind it.
    pub fn accepted(stream: TcpStream, read: Vec<u8>, limits: LinkLimits) -> Result<Self, LinkError> {
        prepare(&stream, limits).map_err(broken)?;
        let socket = WebSocket::from_partially_read(stream, read, Role::Server, Some(config(limits)));
        Ok(Self::new(socket, limits))
    }

    /// Connects to `ws://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// When nobody listens, or not as a WebSocket server, within `timeout`.
    pub fn connect(
        url: &str,
        token: Option<&Secret>,
        limits: LinkLimits,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let mut request = url.into_client_request().map_err(broken)?;
        let (host, port) = (request.uri().host().unwrap_or_default(), request.uri().port_u16().unwrap_or(80));
        let stream = dial(host.trim_matches(['[', ']']), port, timeout).map_err(broken)?;
        prepare(&stream, limits).map_err(broken)?;
        stream.set_read_timeout(Some(timeout)).map_err(broken)?;
        if let Some(token) = token {
            let value = token.bearer().parse().map_err(|_| LinkError::Broken("the token fits no header".into()))?;
            request.headers_mut().insert("authorization", value);
        }
        match tungstenite::client::client_with_config(request, stream, Some(config(limits))) {
            Ok((socket, _)) => Ok(Self::new(socket, limits)),
            Err(HandshakeError::Interrupted(_)) => Err(LinkError::Silent(timeout)),
            Err(HandshakeError::Failure(Error::Http(answer))) => {
                Err(LinkError::Broken(format!("HTTP {}", answer.status())))
            }
            Err(HandshakeError::Failure(error)) => Err(broken(error)),
        }
    }

    fn new(socket: WebSocket<TcpStream>, limits: LinkLimits) -> Self {
        Self { socket, limits, heard: Instant::now(), pinged: None, failure: None }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn send(&mut self, text: String) -> Result<(), LinkError> {
        self.write(Message::text(text))
    }

    /// The next text message, waited for at most so long; answers pings and sends its own meanwhile.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn poll(&mut self, wait: Duration) -> Result<Option<String>, LinkError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let until = Instant::now() + wait;
        loop {
            // What has come is read before silence is judged: nobody may have looked for a while.
            let left = until.saturating_duration_since(Instant::now());
            if let Some(text) = self.read(left.min(self.limits.ping_after / 2)).map_err(|error| self.fail(error))? {
                return Ok(Some(text));
            }
            self.keep_alive()?;
            if Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    /// Sends a last text message, also after something came that ended the reading.
    pub fn tell(&mut self, text: String) {
        let sent = self.socket.write(Message::text(text));
        // An error would not help: the other side no longer listens.
        let _ = sent.and_then(|()| self.socket.flush());
    }

    /// Says goodbye and waits a moment for the other side to have heard it.
    pub fn close(mut self, code: CloseCode, reason: &str) {
        let end = reason.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= 120).last();
        let reason = reason[..end.unwrap_or(0)].to_owned();
        let said = self.socket.close(Some(CloseFrame { code, reason: reason.into() }));
        if said.and_then(|()| self.socket.flush()).is_ok() {
            linger(self.socket.get_mut());
        }
    }

    /// A text message, if one comes in time.
    fn read(&mut self, wait: Duration) -> Result<Option<String>, LinkError> {
        self.socket.get_ref().set_read_timeout(Some(wait.max(SHORTEST))).map_err(broken)?;
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if is_timeout(&error) => return Ok(None),
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                return Err(LinkError::TooLarge(self.limits.max_message_bytes));
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Err(LinkError::Closed(String::new())),
            Err(error) => return Err(broken(error)),
        };
        (self.heard, self.pinged) = (Instant::now(), None);
        match message {
            // Whoever was told a token may repeat it.
            Message::Text(text) => Ok(Some(redacted(text.as_str()).into_owned())),
            Message::Binary(_) => Err(LinkError::Binary),
            Message::Close(frame) => {
                let _ = self.socket.flush();
                Err(LinkError::Closed(frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default()))
            }
            _ => self.flush().map(|()| None),
        }
    }

    fn keep_alive(&mut self) -> Result<(), LinkError> {
        match self.pinged {
            Some(at) if at.elapsed() >= self.limits.pong_within => {
                Err(self.fail(LinkError::Silent(self.heard.elapsed())))
            }
            None if self.heard.elapsed() >= self.limits.ping_after => {
                self.pinged = Some(Instant::now());
                self.write(Message::Ping(Vec::new().into()))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, message: Message) -> Result<(), LinkError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let written = self.socket.write(message).map_err(|error| unwritten(error, self.limits));
        written.and_then(|()| self.flush()).map_err(|error| self.fail(error))
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.socket.flush().map_err(|error| unwritten(error, self.limits))
    }

    fn fail(&mut self, error: LinkError) -> LinkError {
        self.failure.get_or_insert(error).clone()
    }
}

/// Ends our half and reads the other's to its end: a socket closed over unread bytes resets what was sent away.
pub fn linger(stream: &mut TcpStream) {
    let until = Instant::now() + LINGER;
    let mut rest = vec![0; 1 << 16];
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(LINGER / 4));
    while Instant::now() < until && matches!(stream.read(&mut rest), Ok(count) if count > 0) {}
}

/// Whether a read or a write only took too long.
pub fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The first address of the host that takes a connection.
fn dial(host: &str, port: u16, timeout: Duration) -> std::io::Result<TcpStream> {
    let mut failure = std::io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn prepare(stream: &TcpStream, limits: LinkLimits) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(limits.write_timeout))
}

fn config(limits: LinkLimits) -> WebSocketConfig {
    let most = Some(limits.max_message_bytes);
    WebSocketConfig::default().max_message_size(most).max_frame_size(most)
}

fn unwritten(error: Error, limits: LinkLimits) -> LinkError {
    match error {
        Error::Io(error) if is_timeout(&error) => LinkError::Stalled(limits.write_timeout),
        Error::ConnectionClosed | Error::AlreadyClosed => LinkError::Closed(String::new()),
        error => broken(error),
    }
}

fn broken(error: impl std::fmt::Display) -> LinkError {
    LinkError::Broken(error.to_string())
}
