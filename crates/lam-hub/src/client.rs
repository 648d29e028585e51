//! Requests to the hub: who asks, what the statuses mean, what is tried again and what is waited for.

use std::time::{Duration, SystemTime};

use lam_http::{HttpError, Impatience, Patience, Reply, Request, Timeouts, asked_wait, unsigned};
use lam_signal::{Cancel, Monitor, excerpt};

use crate::listing::Listing;
use crate::{HubError, HubSettings, ModelId};

/// Longest pause between two tries, where the hub names none.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Largest listing, in bytes.
pub(crate) const LARGEST_LISTING: u64 = 64 << 20;
/// How long the hub may be silent over an upload at least: it writes commits, and puts parts together.
const SLOWEST_ANSWER: Duration = Duration::from_secs(300);

/// A connection to the hub.
pub(crate) struct Client {
    pub(crate) settings: HubSettings,
    http: lam_http::Client,
    /// The same for uploads.
    pub(crate) upload: lam_http::Client,
}

impl Client {
    pub(crate) fn new(settings: HubSettings) -> Self {
        let http = lam_http::Client::new(Timeouts::silence(settings.timeout));
        let upload = lam_http::Client::new(Timeouts::silence(settings.timeout.max(SLOWEST_ANSWER)));
        Self { settings, http, upload }
    }

    /// Where a file of a commit is.
    pub(crate) fn file_url(&self, id: &ModelId, commit: &str, name: &str) -> String {
        format!("{}/{}/resolve/{commit}/{name}", self.settings.endpoint, id.repository)
    }

    /// One request, for the bytes from `first` to `last` where a range is given. Statuses that do not refuse this
    /// model are returned: 200, 206 and 416.
    pub(crate) fn get(
        &self,
        id: &ModelId,
        url: &str,
        range: Option<(u64, Option<u64>)>,
        cancel: &Cancel,
    ) -> Result<Reply, HubError> {
        let mut request = Request::get(url);
        if let Some(token) = &self.settings.token {
            // For the hub alone, not for the storage that it redirects to.
            request = request.key("authorization", token.bearer());
        }
        if let Some((first, last)) = range {
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            request = request.header("range", &format!("bytes={first}-{last}"));
        }
        // Sizes and ranges are those of the files as they are.
        let reply = self.http.send(&request.header("accept-encoding", "identity"), cancel)?;
        match reply.status {
            200 | 206 | 416 => Ok(reply),
            _ => Err(self.refusal(id, url, &reply)),
        }
    }

    /// The files of the model at its revision.
    pub(crate) fn listing(&self, id: &ModelId, cancel: &Cancel) -> Result<Listing, HubError> {
        let revision = id.revision.replace('/', "%2F");
        let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.settings.endpoint, id.repository);
        let reply = self.get(id, &url, None, cancel)?;
        let kind = reply.header("content-type").to_owned();
        let text = reply.text(LARGEST_LISTING)?;
        let answer = |reason: String| HubError::Answer { url: url.clone(), reason };
        let listing: Listing = serde_json::from_str(&text).map_err(|error| {
            answer(unsigned(&format!("{error}, in an answer of `{kind}`: {}", excerpt(&text, 200))))
        })?;
        listing.check().map_err(answer)?;
        Ok(listing)
    }

    /// Does it, and again after failures of the network; waits where the hub asks for it.
    pub(crate) fn patiently<T>(
        &self,
        monitor: Monitor<'_>,
        mut attempt: impl FnMut() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut tries = self.tries();
        loop {
            match attempt() {
                Err(error) if error.is_network() => tries.again(error, monitor)?,
                done => return done,
            }
        }
    }

    /// As many tries as there may be at one thing.
    pub(crate) fn tries(&self) -> Tries<'_> {
        Tries { settings: &self.settings, failures: 0, patience: Patience::new(self.settings.max_wait) }
    }

    /// What a status says of the model.
    fn refusal(&self, id: &ModelId, url: &str, reply: &Reply) -> HubError {
        let (code, message) = (reply.header("x-error-code"), unsigned(reply.header("x-error-message")));
        let (model, kind) = (id.to_string(), reply.header("content-type"));
        match reply.status {
            // The hub says why in headers; what keeps people from it shows them a page.
            status @ (401 | 403 | 404) if code.is_empty() && kind.starts_with("text/html") => HubError::Answer {
                url: url.into(),
                reason: format!("status {status} with a page (`{kind}`), which the hub does not send"),
            },
            status @ (401 | 403) => HubError::Refused { hint: self.permission(id, code), model, status, message },
            404 => {
                let (what, hint) = missing(id, code, url);
                HubError::NotFound { model, what, message, hint }
            }
            status @ (408 | 429 | 500..) => HubError::Network {
                url: url.into(),
                reason: format!("status {status}"),
                wait: asked_wait(&reply.headers, SystemTime::now()),
            },
            status => HubError::Answer { url: url.into(), reason: format!("status {status}") },
        }
    }

    /// What to do about a refusal.
    fn permission(&self, id: &ModelId, code: &str) -> String {
        let page = format!("{}/{}", self.settings.endpoint, id.repository);
        match (&self.settings.token, code) {
            (_, "GatedRepo") => format!("its owner asks for consent: agree at {page}, then set HF_TOKEN to your token"),
            (None, _) => "check the name; if the model is private or gated, set HF_TOKEN to your token".into(),
            (Some(_), _) => format!("check the name, and that the token in HF_TOKEN may read {page}"),
        }
    }
}

/// How often something failed, and how long was waited.
pub(crate) struct Tries<'a> {
    settings: &'a HubSettings,
    failures: u32,
    patience: Patience,
}

impl Tries<'_> {
    /// Something new came of the last try: what failed before does not count.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try, as long as the hub asks, else longer after each; or gives up with the error.
    pub(crate) fn again(&mut self, error: HubError, monitor: Monitor<'_>) -> Result<(), HubError> {
        self.failures += 1;
        if let HubError::Network { url, reason, wait: Some(wait) } = &error
            && !wait.time.is_zero()
            && self.failures < self.settings.retries
        {
            return self.patience.wait("the hub", wait, monitor).map_err(|impatience| match impatience {
                Impatience::Cancelled => HubError::Cancelled,
                Impatience::TooLong(asked) => HubError::Busy { url: url.clone(), reason: format!("{reason}; {asked}") },
            });
        }
        if self.failures >= self.settings.retries {
            return Err(error);
        }
        let pause = self.settings.pause.saturating_mul(1 << (self.failures - 1).min(8)).min(LONGEST_PAUSE);
        if monitor.cancel.wait(pause) { Err(HubError::Cancelled) } else { Ok(()) }
    }
}

/// What is not there, and what to do.
fn missing(id: &ModelId, code: &str, url: &str) -> (String, String) {
    match code {
        "RevisionNotFound" => (
            format!("there is no revision `{}`", id.revision),
            "name a branch, tag or commit of the repository after the @".into(),
        ),
        "EntryNotFound" => (format!("there is no {url}"), "the repository changed meanwhile; try again".into()),
        _ => (
            "there is no such model on the hub".into(),
            "check owner and name; a directory must exist to be taken".into(),
        ),
    }
}

impl From<HttpError> for HubError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Network { url, reason } => HubError::Network { url, reason, wait: None },
            HttpError::Cancelled => HubError::Cancelled,
            error => HubError::Http(error),
        }
    }
}
