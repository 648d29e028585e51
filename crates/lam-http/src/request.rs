//! A request as its sender states it: where to, with which headers, what is sent.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use crate::told::plain;

/// What is asked.
#[derive(Clone)]
pub struct Request {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Header that only the host of `url` may see.
    pub(crate) key: Option<(String, String)>,
    /// What is sent; none to get.
    pub(crate) content: Option<Content>,
}

/// What is sent with a request.
#[derive(Clone)]
pub(crate) enum Content {
    /// Posted.
    Text(String),
    /// Put.
    Stream(Upload),
}

/// Opens the bytes of an upload at their beginning.
pub type Open = dyn Fn() -> io::Result<Box<dyn Read>> + Send + Sync;

/// Bytes that are read while they are sent, and never held as a whole.
#[derive(Clone)]
pub struct Upload {
    /// How many there are.
    pub length: u64,
    /// Gives exactly so many, or fails.
    pub open: Arc<Open>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({} bytes)", self.length)
    }
}

/// Neither keys nor what signs the address.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", plain(&self.url))
    }
}

impl Request {
    /// Gets what is there, wherever it has moved.
    pub fn get(url: &str) -> Self {
        Self { url: url.to_owned(), headers: Vec::new(), key: None, content: None }
    }

    /// Posts JSON. Never redirected: the question is meant for this address.
    pub fn post(url: &str, json: String) -> Self {
        Self::post_as(url, "application/json", json)
    }

    /// Posts text of this content type. Never redirected.
    pub fn post_as(url: &str, content_type: &str, text: String) -> Self {
        Self { content: Some(Content::Text(text)), ..Self::get(url) }.header("content-type", content_type)
    }

    /// Puts bytes there, as they are read. Never redirected.
    pub fn put(url: &str, upload: Upload) -> Self {
        Self { content: Some(Content::Stream(upload)), ..Self::get(url) }
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a header that another host must not see.
    pub fn key(mut self, name: &str, value: String) -> Self {
        self.key = Some((name.to_owned(), value));
        self
    }
}
