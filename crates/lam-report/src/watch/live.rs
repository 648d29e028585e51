//! What goes on in a run right now: looked at again and again, each file read once.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use lam_pipeline::{JOURNAL_FILE, LiveProgress, is_running};
use serde::Deserialize;
use serde_json::Value;

use super::growing::{GrowingFile, News};
use super::pace::{Pace, Progress};
use super::stage::Stage;
use crate::gather::curves::{self, Series};
use crate::run::Curves;

/// Events that are kept.
const MOST_EVENTS: usize = 8;

/// A line of the run's journal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Seconds since 1970.
    pub at: u64,
    /// The stage.
    pub stage: String,
    /// What happened to it: `started`, `finished`, `failed`, ….
    pub event: String,
    /// How long its result took to make, in seconds.
    pub duration_s: Option<f64>,
    /// How it failed or was stopped.
    pub error: Option<String>,
    /// Why that happened.
    pub why: String,
}

/// A run as it is watched.
#[derive(Debug)]
pub struct Live {
    run: PathBuf,
    events: GrowingFile,
    told: Vec<Event>,
    stage: Option<Stage>,
    training: Option<Training>,
    episodes: Option<Episodes>,
}

/// The training loop of the stage.
#[derive(Debug)]
struct Training {
    file: GrowingFile,
    figures: Series,
    progress: Pace,
    tokens: Pace,
}

/// The episodes of the stage.
#[derive(Debug)]
struct Episodes {
    file: GrowingFile,
    /// Finished ones.
    done: usize,
    is_of_episodes: bool,
    progress: Pace,
}

/// What is seen of a run at a moment.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// The stage that is under way, if one is.
    pub stage: Option<NowStage>,
    /// Whether the run is under way.
    pub is_running: bool,
    /// What happened last, the latest first.
    pub events: Vec<Event>,
}

/// What is seen of the stage under way.
#[derive(Clone, Debug, Default)]
pub struct NowStage {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// When it began, in seconds since 1970.
    pub started_at: u64,
    /// How its last try failed.
    pub error: Option<String>,
    /// Since when none of its files changed.
    pub quiet: Duration,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Seconds until it is done, as fast as it goes.
    pub left: Option<f64>,
    /// Its unit a second.
    pub rate: Option<f64>,
    /// Tokens a second, in training.
    pub tokens_per_second: Option<f64>,
    /// The training figures.
    pub curves: Option<Curves>,
    /// Tokens a second over minutes.
    pub speed: Vec<(f64, f64)>,
}

impl Live {
    /// A run that was not looked at yet.
    pub fn new(run: &Path) -> Self {
        let events = GrowingFile::new(&run.join(JOURNAL_FILE));
        Self { run: run.to_owned(), events, told: Vec::new(), stage: None, training: None, episodes: None }
    }

    /// Looks at what is new.
    pub fn look(&mut self, now: Instant) -> Now {
        self.hear();
        let found = Stage::find(&self.run);
        if self.stage.as_ref().map(|stage| &stage.directory) != found.as_ref().map(|stage| &stage.directory) {
            (self.training, self.episodes) = (None, None);
        }
        self.stage = found;
        let is_running = is_running(&self.run);
        // After a kill, the file lies there still.
        let told = is_running.then(|| LiveProgress::read(&self.run)).flatten();
        let stage = self.stage.clone().map(|stage| self.look_at(&stage, told.as_ref(), now));
        Now { stage, is_running, events: self.told.clone() }
    }

    /// Reads on in the run's journal; without one, nothing was told.
    fn hear(&mut self) {
        let Ok(news) = self.events.look() else { return };
        let text = match &news {
            News::Anew(text) => {
                self.told.clear();
                text
            }
            News::More(text) => text,
        };
        let events = text.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
        // What is of no stage is of the run as a whole: its beginning, which the stages' own tell.
        for event in events.filter(|event| !event.stage.is_empty()) {
            self.told.insert(0, event);
        }
        self.told.truncate(MOST_EVENTS);
    }

    fn look_at(&mut self, stage: &Stage, told: Option<&LiveProgress>, now: Instant) -> NowStage {
        self.follow_training(stage, now);
        self.follow_episodes(stage, now);
        let mut seen = NowStage {
            name: stage.name.clone(),
            kind: stage.kind.clone(),
            started_at: stage.started_at,
            error: stage.error.clone(),
            quiet: SystemTime::now().duration_since(stage.changed).unwrap_or_default(),
            ..NowStage::default()
        };
        if let Some(training) = &self.training {
            seen.curves = Some(training.curves(stage));
            seen.speed = training.tokens.curve().to_vec();
            seen.tokens_per_second = training.tokens.rate();
        }
        let told = told.filter(|told| told.stage == stage.name);
        if let Some((told, progress)) = told.and_then(|told| Some((told, Progress::told(told)?))) {
            (seen.progress, seen.left, seen.rate) = (Some(progress), told.work_left_s(), told.rate());
            return seen;
        }
        // A stage may train and play: what changed last is what it is at.
        let trains = stage.metrics().is_some_and(|metrics| is_newer(&metrics, stage.journal().as_deref()));
        let (progress, pace) = match (&self.training, &self.episodes) {
            (Some(training), None) => (Progress::of_training(&training.figures, &stage.settings), &training.progress),
            (Some(training), Some(_)) if trains => {
                (Progress::of_training(&training.figures, &stage.settings), &training.progress)
            }
            (_, Some(episodes)) if episodes.is_of_episodes => {
                (Some(Progress::of_episodes(episodes.done, &stage.settings)), &episodes.progress)
            }
            _ => return seen,
        };
        seen.left = progress.as_ref().and_then(|progress| pace.left(now, progress));
        seen.rate = pace.rate();
        seen.progress = progress;
        seen
    }

    fn follow_training(&mut self, stage: &Stage, now: Instant) {
        let Some(path) = stage.metrics() else { return };
        if self.training.as_ref().is_none_or(|training| training.file.path() != path) {
            self.training = Some(Training {
                file: GrowingFile::new(&path),
                figures: Series::default(),
                progress: Pace::default(),
                tokens: Pace::default(),
            });
        }
        if let Some(training) = &mut self.training {
            training.look(stage, now);
        }
    }

    fn follow_episodes(&mut self, stage: &Stage, now: Instant) {
        let Some(path) = stage.journal() else { return };
        if self.episodes.as_ref().is_none_or(|episodes| episodes.file.path() != path) {
            let file = GrowingFile::new(&path);
            self.episodes = Some(Episodes { file, done: 0, is_of_episodes: false, progress: Pace::default() });
        }
        if let Some(episodes) = &mut self.episodes {
            episodes.look(now);
        }
    }
}

/// Whether a file changed after another, or there is no other.
fn is_newer(file: &Path, other: Option<&Path>) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    other.is_none_or(|other| changed(file) >= changed(other))
}

impl Training {
    fn look(&mut self, stage: &Stage, now: Instant) {
        // A file that is gone this moment is there again at the next look, or its stage is over.
        let Ok(news) = self.file.look() else { return };
        let text = match &news {
            News::Anew(text) => {
                self.figures = Series::default();
                text
            }
            News::More(text) => text,
        };
        text.lines().for_each(|line| self.figures.add(line));
        if let Some(progress) = Progress::of_training(&self.figures, &stage.settings) {
            self.progress.look(now, progress.done);
        }
        if let Some(tokens) = self.figures.last("num_tokens") {
            self.tokens.look(now, tokens);
        }
    }

    fn curves(&self, stage: &Stage) -> Curves {
        let name = curves::name(&stage.name, &stage.directory, self.file.path());
        Curves { name, series: self.figures.points().to_vec() }
    }
}

impl Episodes {
    fn look(&mut self, now: Instant) {
        let Ok(news) = self.file.look() else { return };
        let lines = match &news {
            News::Anew(text) => {
                let mut lines = text.lines();
                self.is_of_episodes = lines.next().is_some_and(is_header);
                self.done = 0;
                lines
            }
            News::More(text) => text.lines(),
        };
        // Those that are run again do not count.
        self.done += lines.filter(|line| !line.starts_with("{\"repeated\":true")).count();
        self.progress.look(now, self.done as f64);
    }
}

/// Whether a journal's first line is that of episodes.
fn is_header(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|header| header["policy"].is_object() && header["limits"].is_object())
}
