//! Many episodes at once: gathers the states of all that are alive, asks the policy once for all, acts, records.
//!
//! Results come in the order of the jobs and do not depend on how many episodes are alive at once. Knows no model
//! and no particular environment.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use lam_env::{Application, EnvError, Environment};
use lam_store::{Cancel, Progress};
use lam_types::{PolicyId, Trajectory};

use crate::episode::{Episode, Next, environment_death, no};
use crate::journal::{Header, Journal};
use crate::{AgentError, Decision, Job, Limits, Policy, PolicyError};

/// How a run is limited, where it is written, who watches it.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// Where episodes end.
    pub limits: &'a Limits,
    /// File that keeps finished episodes while the run goes on: with it a run that was killed is continued.
    pub journal: Option<&'a Path>,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Stops it between two steps.
    pub cancel: &'a Cancel,
}

/// Runs every job and returns one trajectory each, in the order of the jobs.
///
/// An environment that dies is replaced and its episode started again; if it dies again, the trajectory says so
/// in `environment_error` and the run goes on.
///
/// # Errors
/// When the policy cannot go on, a task is unknown, no environment can be opened, the journal belongs to another
/// run, or somebody asked to stop. Episodes that are finished by then stand in the journal.
pub fn run_episodes(
    app: &dyn Application,
    jobs: &[Job],
    policy: &mut dyn Policy,
    session: &Session<'_>,
) -> Result<Vec<Trajectory>, AgentError> {
    session.progress.begin(&format!("episodes of {}", policy.id().name), Some(jobs.len() as u64));
    let mut run = Run::new(app, jobs, policy.id(), session)?;
    while !run.is_done() {
        if session.cancel.is_cancelled() {
            run.sync()?;
            return Err(AgentError::Cancelled { finished: run.finished, total: jobs.len() });
        }
        run.fill()?;
        run.step(policy)?;
    }
    run.sync()?;
    session.progress.end();
    Ok(run.results.into_iter().map(|result| result.expect("the queue and the live episodes are empty")).collect())
}

/// A job that waits for its turn.
struct Waiting {
    index: usize,
    retries_left: u32,
}

struct Live<'a> {
    waiting: Waiting,
    episode: Episode<'a>,
}

struct Run<'a> {
    app: &'a dyn Application,
    jobs: &'a [Job],
    policy: PolicyId,
    session: &'a Session<'a>,
    journal: Option<Journal>,
    queue: VecDeque<Waiting>,
    live: Vec<Live<'a>>,
    idle: Vec<Box<dyn Environment>>,
    results: Vec<Option<Trajectory>>,
    finished: usize,
    succeeded: usize,
}

impl<'a> Run<'a> {
    fn new(
        app: &'a dyn Application,
        jobs: &'a [Job],
        policy: PolicyId,
        session: &'a Session<'a>,
    ) -> Result<Self, AgentError> {
        let header = Header::new(policy.clone(), app.environment(), app.version(), session.limits);
        let (journal, recorded) = match session.journal {
            None => (None, Vec::new()),
            Some(path) => Journal::open(path, &header).map(|(journal, recorded)| (Some(journal), recorded))?,
        };
        let results = recall(jobs, recorded);
        let retries_left = session.limits.environment_retries;
        let open = (0..jobs.len()).filter(|&index| results[index].is_none());
        let queue = open.map(|index| Waiting { index, retries_left }).collect();
        let finished = results.iter().flatten().count();
        let succeeded = results.iter().flatten().filter(|trajectory| trajectory.succeeded()).count();
        let (live, idle) = (Vec::new(), Vec::new());
        Ok(Self { app, jobs, policy, session, journal, queue, live, idle, results, finished, succeeded })
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.live.is_empty()
    }

    /// Starts waiting episodes until enough are alive.
    fn fill(&mut self) -> Result<(), AgentError> {
        while self.live.len() < self.session.limits.parallel.max(1) {
            let Some(waiting) = self.queue.pop_front() else { return Ok(()) };
            let environment = match self.idle.pop() {
                Some(environment) => environment,
                None => self.open()?,
            };
            match Episode::start(&self.jobs[waiting.index], environment) {
                Ok(episode) => self.live.push(Live { waiting, episode }),
                Err(error @ EnvError::UnknownFamily { .. }) => return Err(AgentError::Task(error)),
                Err(error) => {
                    let job = &self.jobs[waiting.index];
                    let trajectory = environment_death(job, self.app.version(), &self.policy, Vec::new(), &error);
                    self.environment_died(waiting, trajectory)?;
                }
            }
        }
        Ok(())
    }

    /// A new instance; the second refusal in a row is final.
    fn open(&self) -> Result<Box<dyn Environment>, AgentError> {
        self.app.open().or_else(|_| self.app.open()).map_err(AgentError::Environment)
    }

    /// One step of every live episode.
    fn step(&mut self, policy: &mut dyn Policy) -> Result<(), AgentError> {
        if self.live.is_empty() {
            return Ok(());
        }
        let seed = self.session.limits.seed;
        let requests: Vec<_> = self.live.iter().map(|live| live.episode.request(seed)).collect();
        let decisions = policy.decide(&requests)?;
        if decisions.len() != self.live.len() {
            let reason = format!("{} answers to {} requests", decisions.len(), self.live.len());
            return Err(PolicyError::Failed { policy: self.policy.name.clone(), reason }.into());
        }
        for (live, decision) in std::mem::take(&mut self.live).into_iter().zip(decisions) {
            self.apply(live, decision)?;
        }
        self.report();
        Ok(())
    }

    fn apply(&mut self, mut live: Live<'a>, decision: Decision) -> Result<(), AgentError> {
        let verdict = match live.episode.apply(decision, self.session.limits) {
            Ok(Next::Step) => {
                self.live.push(live);
                return Ok(());
            }
            Ok(Next::CutOff(reason)) => Ok(no(&reason)),
            Ok(Next::Judge) => live.episode.judge(),
            Err(error) => Err(error),
        };
        match verdict {
            Ok(verdict) => {
                let (trajectory, environment) = live.episode.end(self.app.version(), &self.policy, verdict);
                self.idle.push(environment);
                self.finish(live.waiting.index, trajectory)
            }
            Err(error) => {
                let trajectory = live.episode.died(self.app.version(), &self.policy, &error);
                self.environment_died(live.waiting, trajectory)
            }
        }
    }

    /// Starts the episode again, or records that it cannot be run.
    fn environment_died(&mut self, waiting: Waiting, trajectory: Trajectory) -> Result<(), AgentError> {
        let error = trajectory.environment_error.as_deref().unwrap_or_default();
        let Some(retries_left) = waiting.retries_left.checked_sub(1) else {
            self.session.progress.note(&format!("task {}: {error}; given up", trajectory.task.task_id));
            return self.finish(waiting.index, trajectory);
        };
        self.session.progress.note(&format!("task {}: {error}; started again", trajectory.task.task_id));
        if let Some(journal) = &mut self.journal {
            journal.append(&trajectory, true)?;
        }
        self.queue.push_front(Waiting { index: waiting.index, retries_left });
        Ok(())
    }

    fn finish(&mut self, index: usize, trajectory: Trajectory) -> Result<(), AgentError> {
        if let Some(journal) = &mut self.journal {
            journal.append(&trajectory, false)?;
        }
        self.finished += 1;
        self.succeeded += usize::from(trajectory.succeeded());
        self.results[index] = Some(trajectory);
        Ok(())
    }

    fn report(&self) {
        let percent = 100.0 * self.succeeded as f64 / self.finished.max(1) as f64;
        self.session.progress.advance(self.finished as u64, &format!("success {percent:.1} %"));
    }

    fn sync(&mut self) -> Result<(), AgentError> {
        self.journal.as_mut().map_or(Ok(()), Journal::sync)?;
        Ok(())
    }
}

/// Puts recorded episodes in the place of their jobs.
fn recall(jobs: &[Job], recorded: Vec<Trajectory>) -> Vec<Option<Trajectory>> {
    let key = |task_id: &str, attempt: u32| (task_id.to_owned(), attempt);
    let recorded = recorded.into_iter().map(|trajectory| (key(&trajectory.task.task_id, trajectory.attempt), trajectory));
    let mut recorded: HashMap<_, _> = recorded.collect();
    let of_job = |job: &Job| {
        recorded.remove(&key(&job.task.task_id, job.attempt)).filter(|trajectory| trajectory.task == job.task)
    };
    jobs.iter().map(of_job).collect()
}
