//! Screenshots of an episode as files: one at the start, one after each step. Knows no desktop.

use std::path::{Path, PathBuf};

use lam_env::EnvError;
use lam_signal::Details;

/// Where the pictures of an environment go.
pub struct Screenshots {
    folder: PathBuf,
    episode: PathBuf,
    step: u32,
}

impl Screenshots {
    /// Pictures below `folder`, a folder a task.
    pub fn new(folder: PathBuf) -> Self {
        Self { episode: folder.clone(), folder, step: 0 }
    }

    /// Begins an episode.
    pub fn begin(&mut self, task_id: &str) -> Result<(), EnvError> {
        if lam_env::leads_out(task_id) {
            let what = format!("task `{task_id}` names a folder outside the screenshots'");
            let hint = "name the task without a path, or run it without screenshots";
            return Err(EnvError::usage(Details::new(what).hint(hint)));
        }
        self.episode = self.folder.join(task_id);
        self.step = 0;
        std::fs::create_dir_all(&self.episode).map_err(|error| unwritable(&self.episode, &error))
    }

    /// Keeps the next picture.
    pub fn keep(&mut self, png: &[u8]) -> Result<(), EnvError> {
        let path = self.episode.join(format!("{:02}.png", self.step));
        self.step += 1;
        std::fs::write(&path, png).map_err(|error| unwritable(&path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> EnvError {
    EnvError::usage(Details::default().at(path.display()).because(error))
}
