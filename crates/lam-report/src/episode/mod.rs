//! An episode watched in a browser while it is played, and after it.

mod shown;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lam_agent::{Job, Observer};
use lam_http_server::{ServerError, Site, SiteSettings, html, json};
use lam_types::{Action, Observation, PolicyId, Step, Task, Trajectory};

use self::shown::Shown;
use crate::page;
use crate::seen::{first_version, is_seen};

/// The page of one episode, served until it is dropped. It is told of the episode as an [`Observer`].
pub struct EpisodePage {
    site: Site,
    shown: Arc<Mutex<Shown>>,
}

impl EpisodePage {
    /// Serves the page of an episode of the task, which has not begun yet. Pictures of screens are taken from a folder of
    /// the task's name below `pictures`, where there is one.
    ///
    /// # Errors
    /// What no server starts with.
    pub fn start(task: &Task, pictures: Option<&Path>, settings: SiteSettings) -> Result<Self, ServerError> {
        let shown = Arc::new(Mutex::new(Shown::new(task, pictures, first_version())));
        let router = Router::new()
            .route("/", get(whole))
            .route("/episode", get(episode))
            .route("/pictures/{number}", get(picture))
            .with_state(Arc::clone(&shown));
        Ok(Self { site: Site::start(settings, router)?, shown })
    }

    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.site.address()
    }

    /// Whether it is served, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.site.is_running()
    }

    /// Says who acts.
    pub fn acts(&self, policy: &PolicyId) {
        locked(&self.shown).acts(&policy.name);
    }

    /// Says that nothing more comes, and why, where the episode did not come to its end.
    pub fn close(&self, failure: Option<String>) {
        locked(&self.shown).closed(failure);
    }
}

impl Observer for EpisodePage {
    fn started(&mut self, _job: &Job, screen: &Observation) {
        locked(&self.shown).started(screen);
    }

    fn decided(&mut self, _job: &Job, action: &Action) {
        locked(&self.shown).decided(action);
    }

    fn stepped(&mut self, _job: &Job, step: &Step, screen: &Observation) {
        locked(&self.shown).stepped(step, screen);
    }

    fn ended(&mut self, trajectory: &Trajectory) {
        locked(&self.shown).ended(trajectory);
    }
}

fn locked(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn whole() -> Response {
    html(&page::episode_document())
}

/// What is new to somebody who has seen the version `?seen=N`: nothing, or all.
async fn episode(State(shown): State<Arc<Mutex<Shown>>>, RawQuery(query): RawQuery) -> Response {
    let shown = locked(&shown);
    match is_seen(query.as_deref(), shown.version) {
        true => StatusCode::NO_CONTENT.into_response(),
        false => json(&shown.json().to_string()),
    }
}

/// A picture. Its address names this episode, so that a browser may keep it for a while.
async fn picture(State(shown): State<Arc<Mutex<Shown>>>, UrlPath(name): UrlPath<String>) -> Response {
    let shown = locked(&shown);
    let number = name.strip_prefix(&format!("{}-", shown.first)).and_then(|number| number.parse::<usize>().ok());
    match number.and_then(|number| shown.pictures.get(number)) {
        Some(bytes) => {
            let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=3600")];
            (headers, bytes.to_vec()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
