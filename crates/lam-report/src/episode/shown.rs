//! An episode as it is shown: what is over, what is under way, pictures. Knows no socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lam_types::{Action, Observation, Step, Task, Trajectory};
use serde_json::{Value, json};

use crate::page::viewer::{Pools, outcome};

/// How far a file's time may lie behind the clock that was read before it was made.
const TICK: Duration = Duration::from_millis(100);

/// Under which name the page knows the episode's pictures.
const ID: &str = "episode";

/// An episode, as far as it is known.
pub struct Shown {
    /// Rises with each change.
    pub version: u64,
    /// The first version: part of the pictures' addresses, so that nobody takes those of another episode for them.
    pub first: u64,
    /// Pictures in PNG, in their order.
    pub pictures: Vec<Arc<[u8]>>,
    task: Task,
    model: String,
    steps: Vec<Step>,
    /// What is on the screen now, unless the first one has not come.
    screen: Option<Observation>,
    /// What is carried out now.
    action: Option<Action>,
    /// What is waited for, in words.
    note: String,
    end: Option<Trajectory>,
    failure: Option<String>,
    is_over: bool,
    /// Where pictures appear, a folder a task.
    folder: Option<PathBuf>,
    /// The number of the picture of each screen.
    pictured: Vec<Option<usize>>,
    /// The picture of the folder that was taken last, and when it was made; first of all, when the episode began.
    taken: (PathBuf, SystemTime),
}

impl Shown {
    /// An episode of the task that has not begun; pictures appear below `folder`.
    pub fn new(task: &Task, folder: Option<&Path>, first: u64) -> Self {
        Self {
            version: first,
            first,
            pictures: Vec::new(),
            task: task.clone(),
            model: String::new(),
            steps: Vec::new(),
            screen: None,
            action: None,
            note: "the policy is loaded".into(),
            end: None,
            failure: None,
            is_over: false,
            folder: folder.map(|folder| folder.join(&task.task_id)),
            pictured: Vec::new(),
            taken: (PathBuf::new(), SystemTime::now().checked_sub(TICK).unwrap_or(SystemTime::UNIX_EPOCH)),
        }
    }

    /// Who acts.
    pub fn acts(&mut self, model: &str) {
        model.clone_into(&mut self.model);
        self.note = "the application starts".into();
        self.version += 1;
    }

    /// The first screen; what was before it is forgotten.
    pub fn started(&mut self, screen: &Observation) {
        self.steps.clear();
        self.pictured.clear();
        self.waits_for_answer(screen);
    }

    /// An answer that is carried out now.
    pub fn decided(&mut self, action: &Action) {
        self.action = Some(action.clone());
        self.note = "the application carries it out".into();
        self.version += 1;
    }

    /// A step that is over, and the screen behind it.
    pub fn stepped(&mut self, step: &Step, screen: &Observation) {
        self.steps.push(step.clone());
        self.waits_for_answer(screen);
    }

    fn waits_for_answer(&mut self, screen: &Observation) {
        self.take_picture();
        self.screen = Some(screen.clone());
        self.action = None;
        self.note = format!("{} is asked, or the state is judged", self.model);
        self.version += 1;
    }

    /// The end, with the verdict.
    pub fn ended(&mut self, trajectory: &Trajectory) {
        self.steps.clone_from(&trajectory.steps);
        self.end = Some(trajectory.clone());
        (self.action, self.note) = (None, "the end".into());
        self.is_over = true;
        self.version += 1;
    }

    /// Nothing more comes; why, where it is not the end of the episode.
    pub fn closed(&mut self, failure: Option<String>) {
        self.failure = failure;
        self.is_over = true;
        self.version += 1;
    }

    /// Takes the picture that was made since the last one: it shows the screen. Without one, the screen is as it was.
    fn take_picture(&mut self) {
        let newest = self
            .folder
            .as_deref()
            .and_then(newest_picture)
            .filter(|found| *found != self.taken && found.1 >= self.taken.1);
        if let Some(newest) = newest
            && let Ok(bytes) = std::fs::read(&newest.0)
        {
            self.taken = newest;
            self.pictures.push(bytes.into());
            self.pictured.push(Some(self.pictures.len() - 1));
            return;
        }
        self.pictured.push(self.pictured.last().copied().flatten());
    }

    /// All of it for the page's script.
    pub fn json(&self) -> Value {
        let mut pools = Pools::default();
        let mut steps: Vec<Value> = self.steps.iter().map(|step| pools.step(step)).collect();
        if let Some(screen) = &self.screen {
            let mut now = pools.screen(screen);
            now["action"] = json!(self.action);
            now["note"] = self.note.as_str().into();
            now["is_end"] = self.is_over.into();
            steps.push(now);
        }
        let (texts, controls) = pools.into_values();
        let address = |number: &Option<usize>| number.map(|number| format!("pictures/{}-{number}", self.first));
        let pictures: Vec<Option<String>> = self.pictured.iter().map(address).collect();
        json!({
            "version": self.version,
            "is_over": self.is_over,
            "note": self.note,
            "data": {"texts": texts, "controls": controls, "pictures": {ID: pictures}},
            "one": {
                "id": ID,
                "model": self.model,
                "outcome": self.outcome(),
                "request": self.task.request,
                "family": self.task.family,
                "phrasing": self.task.phrasing.as_str(),
                "split": self.task.split.as_str(),
                "task": self.task.task_id,
                "attempt": 0,
                "verdict": self.end.as_ref().map(|end| &end.verdict),
                "error": self.failure.as_ref().or(self.end.as_ref().and_then(|end| end.environment_error.as_ref())),
                "steps": steps,
            },
        })
    }

    fn outcome(&self) -> &'static str {
        match (&self.end, self.is_over) {
            (Some(end), _) => outcome(end),
            (None, true) => "not finished",
            (None, false) => "running",
        }
    }
}

/// The picture of a folder that was made last, and when. Pictures of an earlier episode may lie there too.
fn newest_picture(folder: &Path) -> Option<(PathBuf, SystemTime)> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let made = |entry: std::fs::DirEntry| {
        let is_picture = entry.path().extension().is_some_and(|kind| kind == "png");
        Some((entry.path(), entry.metadata().ok()?.modified().ok()?)).filter(|_| is_picture)
    };
    // Files made in one tick of the clock have one time: then their names tell the order.
    entries.filter_map(made).max_by_key(|(path, made)| (*made, path.clone()))
}
