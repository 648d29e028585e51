//! What a task begins with: its instance, and the files that lie in the episode's folder. Knows no desktop.

use lam_env::EnvError;
use lam_types::Task;

use crate::application::ApplicationFile;
use crate::document::write_docx;
use crate::tasks;

/// The beginning of a task.
pub struct Start {
    /// What it stands for; `None` for a task of no family.
    pub task: Option<tasks::Instance>,
    /// The files, by name; the first is opened.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Start {
    /// The beginning of `task` in the application of `file`.
    ///
    /// # Errors
    /// A family that the application does not have.
    pub fn of(file: &ApplicationFile, task: &Task) -> Result<Self, EnvError> {
        if task.family.is_empty() {
            return Ok(Self { files: files(file, None), task: None });
        }
        let family = tasks::catalog(&file.name).get(&task.task_id, &task.family)?;
        let instance = tasks::instance(family, task.seed, task.split, task.phrasing);
        Ok(Self { files: files(file, Some(&instance)), task: Some(instance) })
    }
}

fn files(file: &ApplicationFile, task: Option<&tasks::Instance>) -> Vec<(String, Vec<u8>)> {
    if file.document.is_empty() {
        return Vec::new();
    }
    let start = task.map(|task| task.start.clone()).unwrap_or_default();
    let bytes = match file.document.ends_with(".txt") {
        true => format!("{}\n", start.text()).into_bytes(),
        false => write_docx(&start),
    };
    vec![(file.document.clone(), bytes)]
}
