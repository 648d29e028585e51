//! Questions to the hub about a repository: is it there, what does it hold, how are files taken. And what its refusals
//! mean.

use std::time::SystemTime;

use lam_http::{Reply, Request, asked_wait, plain, unsigned};
use lam_signal::{Monitor, excerpt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Repository;
use crate::HubError;
use crate::client::{Client, LARGEST_LISTING};
use crate::listing::{Digest, RemoteFile, hash};

/// The hub's own address, which answers name also where another one was asked.
const HUB: &str = "https://huggingface.co/";
/// Longest answer that tells why something is refused, in bytes.
const LONGEST_REFUSAL: u64 = 1 << 16;
/// Most pages of a listing, of a thousand files each.
const MOST_PAGES: usize = 1000;

/// One repository of one hub.
pub(super) struct Calls<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a Repository,
    pub(super) monitor: Monitor<'a>,
}

/// What the hub says of a repository.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    id: String,
    /// The commit of its branch `main`; none before the first.
    pub(super) sha: Option<String>,
    /// Whether others cannot read it.
    #[serde(default)]
    pub(super) private: bool,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    size: Option<u64>,
    oid: Option<String>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    oid: Option<String>,
    size: Option<u64>,
}

impl Calls<'_> {
    pub(super) fn endpoint(&self) -> &str {
        &self.client.settings.endpoint
    }

    /// An address below the repository's own, such as `commit/main`.
    pub(super) fn api(&self, below: &str) -> String {
        format!("{}/{below}", self.repository.api(self.endpoint()))
    }

    /// The address that is meant where the hub names its own and another was asked, as a mirror is.
    pub(super) fn here(&self, url: &str) -> String {
        match url.strip_prefix(HUB) {
            Some(below) => format!("{}/{below}", self.endpoint()),
            None => url.to_owned(),
        }
    }

    /// Asks the hub once, as whom the token says; any status but 2xx is an error. An address elsewhere is not shown the
    /// token, also where the hub named it.
    pub(super) fn ask(&self, request: Request, url: &str) -> Result<Reply, HubError> {
        let is_hub = url.strip_prefix(self.endpoint()).is_some_and(|below| below.starts_with('/'));
        let request = match self.client.settings.token.as_ref().filter(|_| is_hub) {
            Some(token) => request.key("authorization", token.bearer()),
            None => request,
        };
        self.send(request, url, &|_| {})
    }

    /// Sends bytes to storage, whose address is signed: the token is not shown there, even where storage stands below
    /// the hub's own address. `sent` is told how many are on their way.
    pub(super) fn store(&self, request: Request, url: &str, sent: &dyn Fn(u64)) -> Result<Reply, HubError> {
        self.send(request, url, sent)
    }

    /// Sends a request as it is.
    fn send(&self, request: Request, url: &str, sent: &dyn Fn(u64)) -> Result<Reply, HubError> {
        let reply = self.client.upload.send_watched(&request, self.monitor.cancel, sent)?;
        match reply.status {
            200..=299 => Ok(reply),
            _ => Err(self.refusal(url, reply)),
        }
    }

    /// Asks until there is an answer, and reads it.
    pub(super) fn json<T: DeserializeOwned>(&self, request: &Request, url: &str) -> Result<T, HubError> {
        let text =
            self.client.patiently(self.monitor, || Ok(self.ask(request.clone(), url)?.text(LARGEST_LISTING)?))?;
        parse(&text, url)
    }

    /// The repository, if it is there and may be seen.
    pub(super) fn info(&self) -> Result<Option<Info>, HubError> {
        let url = self.repository.api(self.endpoint());
        let info: Info = match self.json(&Request::get(&url), &url) {
            // Of a repository that is not there the hub says either; whether the token is wrong shows when it is made.
            Err(HubError::NotFound { .. } | HubError::Refused { status: 401, .. }) => return Ok(None),
            answer => answer?,
        };
        if info.id == self.repository.name {
            return Ok(Some(info));
        }
        Err(HubError::NotFound {
            model: self.repository.to_string(),
            what: format!("the repository is called {} now", info.id),
            message: String::new(),
            hint: format!("send to {}, or choose another name", info.id),
        })
    }

    /// Makes the repository, and tells what the hub says of it then.
    pub(super) fn create(&self, private: bool) -> Result<Info, HubError> {
        let url = format!("{}/api/repos/create", self.endpoint());
        let (owner, name) = self.repository.parts();
        let mut body = json!({ "type": self.repository.kind.as_str(), "name": name, "organization": owner });
        if private {
            body["private"] = Value::Bool(true);
        }
        let request = Request::post(&url, body.to_string());
        let made = self.client.patiently(self.monitor, || match self.ask(request.clone(), &url) {
            // Somebody made it meanwhile, or the hub is making another one for the same owner.
            Err(HubError::Refused { status: 409, .. }) if self.info()?.is_none() => {
                Err(HubError::Network { url: url.clone(), reason: "status 409".into(), wait: None })
            }
            Err(HubError::Refused { status: 409, .. }) => Ok(()),
            answer => answer.map(|_| ()),
        });
        made?;
        let missing = || HubError::Answer { url: url.clone(), reason: "made a repository that is not there".into() };
        self.info()?.ok_or_else(missing)
    }

    /// Every file of a commit.
    pub(super) fn tree(&self, commit: &str) -> Result<Vec<RemoteFile>, HubError> {
        let mut next = Some(self.api(&format!("tree/{commit}?recursive=true")));
        let mut files = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(url) = next.take() else { return Ok(files) };
            let (text, more) = self.client.patiently(self.monitor, || {
                let reply = self.ask(Request::get(&url), &url)?;
                let more = following(reply.header("link"));
                Ok((reply.text(LARGEST_LISTING)?, more))
            })?;
            let entries: Vec<Entry> = parse(&text, &url)?;
            files.extend(entries.into_iter().filter(|entry| entry.kind == "file").map(Entry::file));
            next = more.map(|more| self.here(&more));
            if let Some(other) = next.as_ref().filter(|next| !next.starts_with(&self.api("tree/"))) {
                let reason = format!("its next page is said to be {}", plain(other));
                return Err(HubError::Answer { url, reason });
            }
        }
        let url = self.api(&format!("tree/{commit}"));
        Err(HubError::Answer { url, reason: format!("the listing has more than {MOST_PAGES} pages") })
    }

    /// What a status says.
    fn refusal(&self, url: &str, reply: Reply) -> HubError {
        let (status, wait) = (reply.status, asked_wait(&reply.headers, SystemTime::now()));
        let url = plain(url).to_owned();
        if matches!(status, 408 | 429 | 500..) {
            return HubError::Network { url, reason: format!("status {status}"), wait };
        }
        if let Some(location) = reply.location() {
            let reason = format!("status {status}: it sends an upload on to {}", plain(location));
            return HubError::Answer { url, reason };
        }
        let (model, code) = (self.repository.to_string(), reply.header("x-error-code").to_owned());
        let kind = reply.header("content-type").to_owned();
        if code.is_empty() && kind.starts_with("text/html") {
            return HubError::Answer { url, reason: format!("status {status} with a page (`{kind}`)") };
        }
        let message = said(reply);
        if status == 404 {
            let what = "there is no such repository on the hub, or not for this token".to_owned();
            return HubError::NotFound { model, what, message, hint: self.hint(403) };
        }
        HubError::Refused { model, status, message, hint: self.hint(status) }
    }

    /// What to do about a refusal.
    fn hint(&self, status: u16) -> String {
        let (tokens, (owner, _)) = (self.tokens(), self.repository.parts());
        match status {
            401 => format!("the token in HF_TOKEN is not accepted; make one that may write at {tokens}"),
            402 => "the owner's plan has no room for it; see the hub's page on storage and billing".into(),
            403 => format!("the token must be allowed to write ({tokens}), and you to write for `{owner}`"),
            409 | 412 => "somebody changed the repository meanwhile; send again".into(),
            413 => "the files are too large for one commit; send fewer of them, or larger shards of weights".into(),
            _ => "see what the hub says; a README.md must begin with front matter that is valid YAML".into(),
        }
    }

    /// Where tokens are made.
    pub(super) fn tokens(&self) -> String {
        format!("{}/settings/tokens", self.endpoint())
    }
}

impl Entry {
    fn file(self) -> RemoteFile {
        let digest = match &self.lfs {
            Some(large) => hash(large.oid.as_deref(), 64).map(Digest::Sha256),
            None => hash(self.oid.as_deref(), 40).map(Digest::GitBlob),
        };
        let size = self.lfs.and_then(|large| large.size).or(self.size);
        RemoteFile { name: self.path, size, digest }
    }
}

/// Reads an answer.
pub(super) fn parse<T: DeserializeOwned>(text: &str, url: &str) -> Result<T, HubError> {
    // Both may hold addresses of storage.
    let said = |error: serde_json::Error| format!("{error}, in the answer {}", excerpt(text, 200));
    let reason = |error: serde_json::Error| unsigned(&said(error));
    serde_json::from_str(text).map_err(|error| HubError::Answer { url: plain(url).to_owned(), reason: reason(error) })
}

/// What the hub says of a refusal, in a header or as JSON.
fn said(reply: Reply) -> String {
    let header = reply.header("x-error-message").to_owned();
    if !header.is_empty() {
        return unsigned(&header);
    }
    let text = reply.text(LONGEST_REFUSAL).unwrap_or_default();
    let error = serde_json::from_str::<Value>(&text).ok().and_then(|body| body.get("error").cloned());
    match error {
        Some(Value::String(text)) => excerpt(&unsigned(&text), 500),
        Some(Value::Array(texts)) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            excerpt(&unsigned(&texts.join("; ")), 500)
        }
        _ => String::new(),
    }
}

/// The address of the next page: `<https://…>; rel="next"`.
fn following(link: &str) -> Option<String> {
    let links = link.split(',').filter_map(|link| link.split_once(';'));
    let next = links.into_iter().find(|(_, relation)| relation.contains("rel=\"next\""))?.0;
    Some(next.trim().strip_prefix('<')?.strip_suffix('>')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        let link = "<https://h/a?cursor=x>; rel=\"prev\", <https://h/b?cursor=y>; rel=\"next\"";
        assert_eq!(following(link).as_deref(), Some("https://h/b?cursor=y"));
        assert_eq!(following("<https://h/a>; rel=\"prev\""), None);
        assert_eq!(following(""), None);
    }

    #[test]
    fn what_signs_an_address_of_storage_is_not_told() {
        let answer = r#"{"href": "https://s3.example/y?sig=abc"}"#;
        let error = parse::<Info>(answer, "https://s3.example/x?sig=abc").unwrap_err().to_string();
        assert!(error.contains("https://s3.example/x: ") && !error.contains("sig=abc"), "{error}");
        assert!(error.contains("https://s3.example/y\"}"), "{error}");
        let error = parse::<u8>("\"https://s3.example/z?sig=abc\"", "https://h").unwrap_err().to_string();
        assert!(error.contains("https://s3.example/z") && !error.contains("sig=abc"), "{error}");
    }
}
