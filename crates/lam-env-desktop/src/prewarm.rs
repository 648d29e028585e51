//! Desktops that are made ready for the tasks that come next, while others run.
//!
//! A prewarmed desktop is a whole one whose application has opened its task's document: the start is the cold one, only
//! earlier, so nothing of one episode can be seen in another. Reloading a document in a running office would need no
//! second desktop, but hangs now and then and leaks; two applications on one display would take each other's keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lam_types::{Observation, Task};

use crate::application::ApplicationFile;
use crate::fault::Fault;
use crate::instance::{Instance, Pending};
use crate::start::Start;

/// A desktop on which a task is opened, or is being opened.
pub struct Prewarmed {
    /// The desktop.
    pub instance: Instance,
    /// Its first screen.
    pub opening: Pending<Observation>,
    task: Task,
}

/// The prewarmed desktops of an application.
pub struct PrewarmPool {
    file: Arc<ApplicationFile>,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    ready: Vec<Prewarmed>,
    /// Desktops whose episode is over.
    used: Vec<Instance>,
}

impl PrewarmPool {
    /// At most `most` desktops for the application of `file`.
    pub fn new(file: Arc<ApplicationFile>, most: usize) -> Self {
        Self { file, most, kept: Mutex::default() }
    }

    /// Prewarms desktops for the first of these tasks, and ends those that are for none of them. Returns at once: one
    /// that does not come up is noticed when it is taken.
    pub fn prepare(&self, next: &[&Task]) {
        let mut kept = self.kept();
        let mut before = std::mem::take(&mut kept.ready);
        let mut missing = Vec::new();
        for task in next.iter().take(self.most) {
            match before.iter().position(|prewarmed| prewarmed.task == **task) {
                Some(place) => kept.ready.push(before.swap_remove(place)),
                None => missing.push(*task),
            }
        }
        kept.used.extend(before.into_iter().map(|prewarmed| prewarmed.instance));
        for task in missing {
            let used = kept.used.pop();
            kept.ready.extend(self.open(task, used));
        }
        let over = std::mem::take(&mut kept.used);
        drop(kept);
        drop(over);
    }

    /// Begins to open a task, on a desktop that was used before where there is one.
    fn open(&self, task: &Task, used: Option<Instance>) -> Result<Prewarmed, Fault> {
        let files = Start::of(&self.file, task).map_err(|error| Fault::lost(error.to_string()))?.files;
        let instance = used.map_or_else(|| Instance::start(self.file.clone()), Ok)?;
        let opening = instance.begin(move |session| session.open(&files))?;
        Ok(Prewarmed { instance, opening, task: task.clone() })
    }

    /// The desktop that is ready for a task, if there is one.
    pub fn take(&self, task: &Task) -> Option<Prewarmed> {
        let mut kept = self.kept();
        let place = kept.ready.iter().position(|prewarmed| prewarmed.task == *task)?;
        Some(kept.ready.swap_remove(place))
    }

    /// Takes a desktop whose episode is over: the next one begins there.
    pub fn give_back(&self, instance: Instance) {
        self.kept().used.push(instance);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
