//! The tries that rejection fine-tuning, preferences and anchors learn from: read, checked, and as tokens.

use std::path::PathBuf;

use lam_data::{CheckConfig, SoundRows};
use lam_prompt::Renderer;
use lam_store::distinct_paths;
use lam_trainer::check_tokens;
use lam_types::{Split, Trajectory};

use crate::imitate::{Counts, Keep, successes};
use crate::policy::PolicyIo;
use crate::preference::{Answered, Forks, PreferenceExample, preferences};
use crate::rollout::Rollout;
use crate::tries::TaskTries;
use crate::words::{Words, is_readable};
use crate::{PolicyConfig, ReinforceError};

/// LAM3's tries, successes of another source, and LAM3's words.
pub struct Tried<'a> {
    config: &'a PolicyConfig,
    io: &'a PolicyIo<'a>,
    attempts: Vec<Trajectory>,
    given: Vec<Trajectory>,
    renderer: Renderer,
}

impl<'a> Tried<'a> {
    /// Reads the files.
    ///
    /// # Errors
    /// Unreadable files, steps that must not be trained on, or tries that cannot be compared: one a task.
    pub fn read(config: &'a PolicyConfig, io: &'a PolicyIo<'a>) -> Result<Self, ReinforceError> {
        let (functions, environment) = (io.app.functions(), Some(io.app.environment()));
        let check = CheckConfig { functions, environment, ..CheckConfig::default() };
        let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
        let is_learned = |one: &Trajectory| one.task.split == Split::Train && one.environment_error.is_none();
        let is_given = |one: &Trajectory| is_learned(one) && one.succeeded();
        // Tries are compared with each other: one that is named twice is one.
        let mut attempts = rows.trajectories(&distinct_paths(io.attempts), is_learned)?;
        attempts.retain(is_learned);
        let mut given = rows.trajectories(io.successes, is_given)?;
        given.retain(is_given);
        let tried = Self { config, io, attempts, given, renderer: Renderer::load(io.model.tokenizer_directory())? };
        if tried.attempts.is_empty() && tried.given.is_empty() {
            let hint = "only tries at tasks of the training set are learned from, without those that their environment \
                        ended: name `attempts.parquet` of a stage `phase3.explore`";
            return Err(ReinforceError::Nothing { files: tried.files(), what: "try", hint });
        }
        if tried.given.is_empty() && tried.tasks().iter().all(|task| task.tries.len() < 2) {
            return Err(ReinforceError::OneTry { files: tried.files(), method: config.method.as_str() });
        }
        Ok(tried)
    }

    /// The files that were read.
    pub fn files(&self) -> Vec<PathBuf> {
        [self.io.attempts, self.io.successes].concat()
    }

    /// Ids of the tasks that are learned from, once for each try.
    pub fn task_ids(&self) -> impl Iterator<Item = &str> {
        self.attempts.iter().chain(&self.given).map(|one| one.task.task_id.as_str())
    }

    /// Number of LAM3's tries.
    pub fn attempts(&self) -> usize {
        self.attempts.len()
    }

    /// The steps of successes that are imitated.
    ///
    /// # Errors
    /// No task that teaches anything, or words that the model cannot read.
    pub fn imitated(&self) -> Result<(Vec<Rollout>, Counts), ReinforceError> {
        let (rollouts, counts) = self.imitable()?;
        if rollouts.is_empty() {
            let hint = "explore with more `attempts` a task or at a higher `temperature`, raise `max_solved_share`, or \
                        name successes of another source as `successes`";
            let what = "task that some tries solved and others did not";
            return Err(ReinforceError::Nothing { files: self.files(), what, hint });
        }
        Ok((rollouts, counts))
    }

    /// The same, where it does not matter if there is none.
    ///
    /// # Errors
    /// Words that the model cannot read.
    pub fn imitable(&self) -> Result<(Vec<Rollout>, Counts), ReinforceError> {
        let PolicyConfig { successes_per_task: per_task, imitate: first, max_solved_share, .. } = *self.config;
        let keep = Keep { per_task, first, max_solved_share };
        let (chosen, counts) = successes(&self.tasks(), keep);
        let (mut rollouts, words) = (Vec::new(), self.words());
        for success in chosen {
            for step in success.steps.iter().filter(|step| is_readable(step)) {
                rollouts.push(words.rollout(success, step)?);
            }
        }
        self.check(rollouts.iter())?;
        Ok((rollouts, counts))
    }

    /// What is preferred to what, task by task.
    ///
    /// # Errors
    /// No state at which calls went differently, or words that the model cannot read.
    pub fn preferences(&self) -> Result<(Vec<PreferenceExample>, Forks), ReinforceError> {
        let (mut pairs, mut found) = (Vec::new(), Forks::default());
        for task in self.tasks() {
            let (of_task, forks) = preferences(&self.answered(&task)?, self.config.min_gap);
            pairs.extend(of_task);
            found.add(forks);
        }
        if pairs.is_empty() {
            let hint = "explore with more `attempts` a task, lower `min_gap`, or learn by `method = \"rft\"`";
            let what = "state at which two calls went differently enough";
            return Err(ReinforceError::Nothing { files: self.files(), what, hint });
        }
        self.check(pairs.iter().flat_map(PreferenceExample::texts))?;
        Ok((pairs, found))
    }

    fn tasks(&self) -> Vec<TaskTries<'_>> {
        TaskTries::of(&self.attempts, &self.given)
    }

    fn words(&self) -> Words<'_> {
        Words { renderer: &self.renderer, functions: self.io.app.functions() }
    }

    /// The steps of a task's tries, LAM3's own first.
    fn answered(&self, task: &TaskTries<'_>) -> Result<Vec<Answered>, ReinforceError> {
        let mut steps = Vec::new();
        // One try alone has nothing to be compared with.
        if task.tries.len() + task.given.len() < 2 {
            return Ok(steps);
        }
        let all = task.tries.iter().map(|one| (one, true)).chain(task.given.iter().map(|one| (one, false)));
        for (trajectory, is_own) in all {
            for step in &trajectory.steps {
                let rollout = self.words().rollout(trajectory, step)?;
                let (is_readable, succeeded) = (is_readable(step), trajectory.succeeded());
                steps.push(Answered { rollout, is_readable, succeeded, is_own });
            }
        }
        Ok(steps)
    }

    fn check<'r>(&self, rollouts: impl Iterator<Item = &'r Rollout>) -> Result<(), ReinforceError> {
        let ids = rollouts.map(|rollout| (rollout.id.as_str(), rollout.input_ids.as_slice()));
        Ok(check_tokens(ids, self.io.model.config().vocab_size)?)
    }
}
