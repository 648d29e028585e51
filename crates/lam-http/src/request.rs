//! A request as its sender states it: where to, with which headers, what is posted.

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Header that only the host of `url` may see.
    pub(crate) key: Option<(String, String)>,
    /// What is posted; none to get.
    pub(crate) body: Option<String>,
}

impl Request {
    /// Gets what is there, wherever it has moved.
    pub fn get(url: &str) -> Self {
        Self { url: url.to_owned(), headers: Vec::new(), key: None, body: None }
    }

    /// Posts JSON. Never redirected: the question is meant for this address.
    pub fn post(url: &str, json: String) -> Self {
        Self { body: Some(json), ..Self::get(url) }.header("content-type", "application/json")
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
