//! A connection that we dial, over a blocking socket: whoever uses it waits for it in a thread of its own.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use lam_signal::{Secret, redacted};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use super::{LinkError, LinkLimits, is_timeout};

/// Shortest wait that a socket knows.
const SHORTEST: Duration = Duration::from_millis(1);

/// One connection. The first failure is final: it is told again to whoever asks later.
pub struct ClientLink {
    socket: WebSocket<TcpStream>,
    limits: LinkLimits,
    heard: Instant,
    pinged: Option<Instant>,
    failure: Option<LinkError>,
}

impl ClientLink {
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
        let mut request = url.into_client_request().map_err(LinkError::broken)?;
        let (host, port) = (request.uri().host().unwrap_or_default(), request.uri().port_u16().unwrap_or(80));
        let stream = dial(host.trim_matches(['[', ']']), port, timeout).map_err(LinkError::broken)?;
        prepare(&stream, limits).map_err(LinkError::broken)?;
        stream.set_read_timeout(Some(timeout)).map_err(LinkError::broken)?;
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
            Err(HandshakeError::Failure(error)) => Err(LinkError::broken(error)),
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

    /// A text message, if one comes in time.
    fn read(&mut self, wait: Duration) -> Result<Option<String>, LinkError> {
        self.socket.get_ref().set_read_timeout(Some(wait.max(SHORTEST))).map_err(LinkError::broken)?;
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if is_timeout(&error) => return Ok(None),
            Err(error) => return Err(LinkError::of(error, self.limits)),
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
        let written = self.socket.write(message).map_err(|error| LinkError::of(error, self.limits));
        written.and_then(|()| self.flush()).map_err(|error| self.fail(error))
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.socket.flush().map_err(|error| LinkError::of(error, self.limits))
    }

    fn fail(&mut self, error: LinkError) -> LinkError {
        self.failure.get_or_insert(error).clone()
    }
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
