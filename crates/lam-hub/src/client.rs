//! Requests to the hub: who asks, what the statuses mean, what is tried again.

use std::thread;
use std::time::{Duration, Instant};

use lam_signal::Cancel;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::listing::Listing;
use crate::{HubError, HubSettings, ModelId};

/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A connection to the hub.
pub(crate) struct Client {
    pub(crate) settings: HubSettings,
    agent: Agent,
}

impl Client {
    pub(crate) fn new(settings: HubSettings) -> Self {
        // The token goes to the hub alone, not to the storage that it redirects to.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(settings.timeout))
            .timeout_recv_response(Some(settings.timeout))
            .timeout_per_read(Some(settings.timeout))
            .user_agent(concat!("lam-train/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { settings, agent }
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
    ) -> Result<Response<Body>, HubError> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.settings.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some((first, last)) = range {
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            request = request.header("Range", format!("bytes={first}-{last}"));
        }
        let response = request.call().map_err(|error| failed(url, &error))?;
        match response.status().as_u16() {
            200 | 206 | 416 => Ok(response),
            _ => Err(self.refusal(id, url, &response)),
        }
    }

    /// The files of the model at its revision.
    pub(crate) fn listing(&self, id: &ModelId) -> Result<Listing, HubError> {
        let revision = id.revision.replace('/', "%2F");
        let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.settings.endpoint, id.repository);
        let mut response = self.get(id, &url, None)?;
        let text = response.body_mut().read_to_string().map_err(|error| failed(&url, &error))?;
        let answer = |reason: String| HubError::Answer { url: url.clone(), reason };
        let listing: Listing = serde_json::from_str(&text).map_err(|error| answer(error.to_string()))?;
        listing.check().map_err(answer)?;
        Ok(listing)
    }

    /// Does it, and again after failures of the network.
    pub(crate) fn patiently<T>(
        &self,
        cancel: &Cancel,
        mut attempt: impl FnMut() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut tries = 1;
        loop {
            match attempt() {
                Err(error) if error.is_network() && tries < self.settings.retries => {
                    self.pause(tries, cancel)?;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Waits before the next try, longer after each.
    pub(crate) fn pause(&self, tries: u32, cancel: &Cancel) -> Result<(), HubError> {
        let pause = self.settings.pause.saturating_mul(1 << tries.saturating_sub(1).min(8)).min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if cancel.is_cancelled() {
                return Err(HubError::Cancelled);
            }
            thread::sleep(Duration::from_millis(50).min(pause));
        }
        Ok(())
    }

    /// What a status says of the model.
    fn refusal(&self, id: &ModelId, url: &str, response: &Response<Body>) -> HubError {
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (code, message) = (header("x-error-code"), header("x-error-message").to_owned());
        let model = id.to_string();
        match response.status().as_u16() {
            status @ (401 | 403) => HubError::Refused { hint: self.permission(id, code), model, status, message },
            404 => {
                let (what, hint) = missing(id, code, url);
                HubError::NotFound { model, what, message, hint }
            }
            status @ (408 | 429 | 500..) => HubError::Network { url: url.into(), reason: format!("status {status}") },
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

/// A failure of the transport, or of the address.
pub(crate) fn failed(url: &str, error: &ureq::Error) -> HubError {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            HubError::Answer { url: url.into(), reason: error.to_string() }
        }
        _ => HubError::Network { url: url.into(), reason: error.to_string() },
    }
}
