//! A run's page while the run goes on: the report as far as it is there, and above it the stage under way. Reads files,
//! writes none.

mod growing;
mod live;
mod pace;
mod page;
mod stage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lam_http_server::{ServerError, Site, SiteSettings, html, json};
use lam_pipeline::JOURNAL_FILE;
use lam_signal::Failure;
use serde_json::json;

use self::live::Live;
use self::page::Reading;
use self::stage::Stage;
use crate::error::ReportError;
use crate::gather;
use crate::page::{Above, document};
use crate::run::Run;
use crate::seen::{first_version, is_seen};

/// How often a run is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// A watched run, until it is dropped.
pub struct Watch {
    site: Site,
    /// Ends the thread that looks when it is dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is served: made when the run is looked at, not when somebody asks.
struct Shown {
    page: String,
    state: String,
    /// Rises with each other state.
    version: u64,
}

impl Watch {
    /// Serves the page of a run from now on; what its finished stages left, which may take long to read, follows.
    ///
    /// # Errors
    /// A directory that holds no run, and what no server starts with: both before anything long begins.
    pub fn start(run: &Path, settings: SiteSettings) -> Result<Self, Failure> {
        let mut watcher = Watcher::open(run)?;
        let shown = Shown { page: String::new(), state: String::new(), version: first_version() };
        let shown = Arc::new(Mutex::new(shown));
        let router = Router::new().route("/", get(whole)).route("/state", get(state)).with_state(Arc::clone(&shown));
        watcher.show(&shown, true);
        let site = Site::start(settings, router)?;
        let (stop, stopped) = channel::<()>();
        let looking = move || {
            if watcher.reading == Reading::UnderWay {
                watcher.look(&shown);
            }
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                watcher.look(&shown);
            }
        };
        let thread = std::thread::Builder::new().name("watch".into()).spawn(looking).map_err(ServerError::Threads)?;
        Ok(Self { site, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.site.address()
    }

    /// Whether it is served, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.site.is_running()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked, which was told where it happened.
            let _ = thread.join();
        }
    }
}

/// Who looks at a run.
struct Watcher {
    run: PathBuf,
    live: Live,
    /// What the finished stages left, and the state that it was read in.
    report: Run,
    report_state: String,
    reading: Reading,
}

impl Watcher {
    /// A run that has a result, or work under way: of what is finished, manifests alone are read.
    fn open(run: &Path) -> Result<Self, ReportError> {
        let has_result = gather::has_result(run)?;
        let begun = Stage::find(run).is_some() || run.join(JOURNAL_FILE).is_file();
        if !has_result && !begun {
            return Err(ReportError::NoRun { path: run.to_owned() });
        }
        Ok(Self {
            run: run.to_owned(),
            live: Live::new(run),
            report: Run { name: gather::name(run), ..Run::default() },
            report_state: String::new(),
            reading: if has_result { Reading::UnderWay } else { Reading::Done },
        })
    }

    /// Reads the report again where a stage has finished since.
    fn renew(&mut self) -> Result<(), ReportError> {
        let state = gather::state(&self.run)?;
        if state != self.report_state {
            self.report = gather::gather(&self.run)?;
            self.report_state = state;
        }
        Ok(())
    }

    /// Looks at all that is new, and makes the page of it.
    fn look(&mut self, shown: &Mutex<Shown>) {
        let (before, was_under_way) = (self.report_state.clone(), self.reading == Reading::UnderWay);
        self.reading = match self.renew() {
            Ok(()) => Reading::Done,
            // A stage that is put in its place at this moment is there at the next look.
            Err(ReportError::NoRun { .. }) if self.run.is_dir() => Reading::Done,
            Err(error) => Reading::Failed { reason: error.to_string(), has_earlier: !before.is_empty() },
        };
        self.show(shown, was_under_way || before != self.report_state);
    }

    /// Shows what goes on now above the report as it was read last, which `is_other` than the one that is shown.
    fn show(&mut self, shown: &Mutex<Shown>, is_other: bool) {
        let now = self.live.look(Instant::now());
        let (title, live) = (page::title(&now, &self.report.name), page::now(&now, &self.reading));
        let state = |version: u64| {
            json!({"version": version, "report": self.report_state, "title": title, "live": live.0}).to_string()
        };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.state != state(shown.version) {
            shown.version += 1;
            shown.state = state(shown.version);
        }
        if is_other {
            shown.page = document(&self.report, Above::Live { part: live, state: &self.report_state });
        }
    }
}

async fn whole(State(shown): State<Arc<Mutex<Shown>>>) -> Response {
    html(&shown.lock().unwrap_or_else(PoisonError::into_inner).page)
}

/// What is new to somebody who has seen the version `?seen=N`: nothing, or all.
async fn state(State(shown): State<Arc<Mutex<Shown>>>, RawQuery(query): RawQuery) -> Response {
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    match is_seen(query.as_deref(), shown.version) {
        true => StatusCode::NO_CONTENT.into_response(),
        false => json(&shown.state),
    }
}
