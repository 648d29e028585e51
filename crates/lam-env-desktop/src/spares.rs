//! Desktops that are made ready for the tasks that come next, while others run.
//!
//! A spare is a whole desktop whose application has opened its task's document: the start is the cold one, only
//! earlier, so nothing of one episode can be seen in another. Reloading a document in a running office would need no
//! second desktop, but hangs now and then and leaks; two applications on one display would take each other's keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lam_types::{Observation, Task};

use crate::application::ApplicationFile;
use crate::fault::Fault;
use crate::instance::{Instance, Pending};
use crate::start::Start;

/// A desktop on which a task is opened, or is being opened.
pub struct Spare {
    /// The desktop.
    pub instance: Instance,
    /// Its first screen.
    pub opening: Pending<Observation>,
    task: Task,
}

/// The spares of an application.
pub struct Spares {
    file: Arc<ApplicationFile>,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    ready: Vec<Spare>,
    /// Desktops whose episode is over.
    used: Vec<Instance>,
}

impl Spares {
    /// At most `most` spares for the application of `file`.
    pub fn new(file: Arc<ApplicationFile>, most: usize) -> Self {
        Self { file, most, kept: Mutex::default() }
    }

    /// Makes spares for the first of these tasks, and ends those that are for none of them. Returns at once: a spare
    /// that does not come up is noticed when it is taken.
    pub fn prepare(&self, next: &[&Task]) {
        let mut kept = self.kept();
        let mut before = std::mem::take(&mut kept.ready);
        let mut missing = Vec::new();
        for task in next.iter().take(self.most) {
            match before.iter().position(|spare| spare.task == **task) {
                Some(place) => kept.ready.push(before.swap_remove(place)),
                None => missing.push(*task),
            }
        }
        kept.used.extend(before.into_iter().map(|spare| spare.instance));
        for task in missing {
            let used = kept.used.pop();
            kept.ready.extend(self.open(task, used));
        }
        let over = std::mem::take(&mut kept.used);
        drop(kept);
        drop(over);
    }

    /// Begins to open a task, on a desktop that was used before where there is one.
    fn open(&self, task: &Task, used: Option<Instance>) -> Result<Spare, Fault> {
        let files = Start::of(&self.file, task).map_err(|error| Fault::lost(error.to_string()))?.files;
        let instance = used.map_or_else(|| Instance::start(self.file.clone()), Ok)?;
        let opening = instance.begin(move |session| session.open(&files))?;
        Ok(Spare { instance, opening, task: task.clone() })
    }

    /// The spare for a task, if there is one.
    pub fn take(&self, task: &Task) -> Option<Spare> {
        let mut kept = self.kept();
        let place = kept.ready.iter().position(|spare| spare.task == *task)?;
        Some(kept.ready.swap_remove(place))
    }

    /// Takes a desktop whose episode is over: the next spare begins there.
    pub fn give_back(&self, instance: Instance) {
        self.kept().used.push(instance);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
