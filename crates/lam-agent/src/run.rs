//! Many episodes at once: gathers the states of all that wait, asks the policy once for all, acts, records.
//!
//! Results come in the order of the jobs and do not depend on how many episodes are alive at once. Knows no model
//! and no particular environment.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use lam_env::{Application, Confinement, EnvError};
use lam_signal::{Cancel, Details, Progress};
use lam_types::{PolicyId, Trajectory, Verdict};

use crate::episode::{Acted, Episode, Next, environment_death, no};
use crate::journal::{EpisodeJournal, Header};
use crate::observer::{Nobody, Observer};
use crate::pool::{Answer, Call, Instance, Pool, Reply};
use crate::{AgentError, Decision, Job, Limits, Policy, PolicyError};

/// How long a state waits for others, so that they are answered together.
const GATHER: Duration = Duration::from_millis(20);
/// How often a run that waits for its environments looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(100);
/// Deaths without a finished episode between them after which the application, not one instance, is at fault.
const DEATHS_IN_A_ROW: u32 = 20;

/// How a run is limited, where it is written, who watches it.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// Where episodes end.
    pub limits: &'a Limits,
    /// File that keeps finished episodes while the run is under way: with it a run that was killed resumes.
    pub journal: Option<&'a Path>,
    /// Receives its progress.
    pub progress: &'a dyn Progress,
    /// Stops it between two steps.
    pub cancel: &'a Cancel,
}

/// Runs every job and returns one trajectory each, in the order of the jobs.
///
/// An environment that dies, or does not answer in time, is replaced and its episode started again; if that happens
/// again, the trajectory says so in `environment_error` and the run continues.
///
/// # Errors
/// When the policy cannot continue, a task is unknown, no environment can be opened or none survives, the journal
/// belongs to another run, or somebody asked to stop. Episodes that are finished by then stand in the journal. Also
/// when every episode was ended by its environment: then the journal is removed, so that the next run tries them again.
pub fn run_episodes(
    app: &dyn Application,
    jobs: &[Job],
    policy: &mut dyn Policy,
    session: &Session<'_>,
) -> Result<Vec<Trajectory>, AgentError> {
    run_watched(app, jobs, policy, session, &mut Nobody)
}

/// As [`run_episodes`], while `observer` hears of each step as it comes. What the journal knew already is not told.
///
/// # Errors
/// As [`run_episodes`].
pub fn run_watched(
    app: &dyn Application,
    jobs: &[Job],
    policy: &mut dyn Policy,
    session: &Session<'_>,
    observer: &mut dyn Observer,
) -> Result<Vec<Trajectory>, AgentError> {
    session.progress.begin(&format!("episodes of {}", policy.id().name), Some(jobs.len() as u64));
    let mut run = Run::new((app, jobs), policy.id(), session, observer)?;
    while !run.is_done() {
        if session.cancel.is_cancelled() {
            run.sync()?;
            return Err(AgentError::Cancelled { finished: run.finished, total: jobs.len() });
        }
        run.fill()?;
        run.collect()?;
        match run.ask(policy) {
            // An endpoint may hear of it first, while it is waited for; the loop says so.
            Err(AgentError::Policy(PolicyError::Cancelled { .. })) if session.cancel.is_cancelled() => {}
            asked => asked?,
        }
    }
    run.sync()?;
    session.progress.end();
    run.outcome()
}

/// A job that waits for its turn.
struct Waiting {
    index: usize,
    retries_left: u32,
}

/// Where a live episode stands. Its instance is here while it waits for the policy, else with the pool.
enum Live<'a> {
    Starting,
    Asking(Episode<'a>, Instance),
    Acting(Episode<'a>, Box<Decision>),
    Judging(Episode<'a>),
}

struct Run<'a> {
    jobs: &'a [Job],
    policy: PolicyId,
    session: &'a Session<'a>,
    observer: &'a mut dyn Observer,
    version: &'a str,
    parallel: usize,
    journal: Option<EpisodeJournal>,
    queue: VecDeque<Waiting>,
    /// By the job's position, with the retries left.
    live: BTreeMap<usize, (u32, Live<'a>)>,
    pool: Pool<'a>,
    results: Vec<Option<Trajectory>>,
    finished: usize,
    succeeded: usize,
    deaths_in_a_row: u32,
    /// What ended the last episode that was given up.
    last_death: Option<EnvError>,
}

impl<'a> Run<'a> {
    fn new(
        (app, jobs): (&'a dyn Application, &'a [Job]),
        policy: PolicyId,
        session: &'a Session<'a>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, AgentError> {
        let limits = session.limits;
        let header = Header::new(policy.clone(), app.environment(), app.version(), limits);
        let (journal, recorded) = match session.journal {
            None => (None, Vec::new()),
            Some(path) => EpisodeJournal::open(path, &header).map(|(journal, recorded)| (Some(journal), recorded))?,
        };
        if let Some(Confinement::None) = app.confinement() {
            session.progress.note(&format!("{}: {}", app.environment(), Confinement::None));
        }
        let results = recall(jobs, recorded);
        let retries_left = limits.environment_retries;
        let mut open: Vec<usize> = (0..jobs.len()).filter(|&index| results[index].is_none()).collect();
        // Stable: tasks for which the same is loaded keep their order, and so do all where nothing is.
        open.sort_by_key(|&index| app.loads(&jobs[index].task));
        Ok(Self {
            jobs,
            policy,
            session,
            observer,
            version: app.version(),
            parallel: limits.parallel.min(app.instances().unwrap_or(usize::MAX)).max(1),
            journal,
            queue: open.into_iter().map(|index| Waiting { index, retries_left }).collect(),
            live: BTreeMap::new(),
            pool: Pool::new(app, Duration::from_secs(limits.environment_timeout_s)),
            finished: results.iter().flatten().count(),
            succeeded: results.iter().flatten().filter(|trajectory| trajectory.succeeded()).count(),
            results,
            deaths_in_a_row: 0,
            last_death: None,
        })
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.live.is_empty()
    }

    /// Starts waiting episodes until enough are alive.
    fn fill(&mut self) -> Result<(), AgentError> {
        while self.live.len() < self.parallel {
            let Some(Waiting { index, retries_left }) = self.queue.pop_front() else { return Ok(()) };
            let instance = self.pool.acquire().map_err(AgentError::Environment)?;
            self.live.insert(index, (retries_left, Live::Starting));
            self.pool.call(index, instance, Call::Reset(Box::new(self.jobs[index].task.clone())));
        }
        Ok(())
    }

    /// Tells the application which tasks come next: as many as are alive at once.
    fn announce(&self) {
        let next = self.queue.iter().take(self.parallel).map(|waiting| &self.jobs[waiting.index].task);
        self.pool.announce(&next.collect::<Vec<_>>());
    }

    /// Takes what the environments answer: waits for one if no state is to be asked about, then briefly for others.
    fn collect(&mut self) -> Result<(), AgentError> {
        let mut until = None;
        while self.pool.is_waiting() && !self.session.cancel.is_cancelled() {
            let is_asking = self.live.values().any(|(_, live)| matches!(live, Live::Asking(..)));
            let until = *until.get_or_insert_with(|| Instant::now() + GATHER);
            let left = until.saturating_duration_since(Instant::now());
            match self.pool.reply(if is_asking { left } else { LOOK }) {
                Some(reply) => self.answered(reply)?,
                None if is_asking => return Ok(()),
                None => {}
            }
        }
        Ok(())
    }

    /// One question to the policy for all states that wait.
    fn ask(&mut self, policy: &mut dyn Policy) -> Result<(), AgentError> {
        let asking = self.live.iter().filter_map(|(index, (_, live))| match live {
            Live::Asking(episode, _) => Some((*index, episode.request(self.session.limits.seed))),
            _ => None,
        });
        let (indexes, requests): (Vec<usize>, Vec<_>) = asking.unzip();
        if requests.is_empty() {
            return Ok(());
        }
        let decisions = policy.decide(&requests)?;
        if decisions.len() != indexes.len() {
            let reason = format!("{} answers to {} requests", decisions.len(), indexes.len());
            return Err(PolicyError::failed(&self.policy.name, reason).into());
        }
        for (index, decision) in indexes.into_iter().zip(decisions) {
            self.decided(index, decision)?;
        }
        self.report();
        Ok(())
    }

    /// Hands a decision to the environment, unless it asks nothing of it.
    fn decided(&mut self, index: usize, decision: Decision) -> Result<(), AgentError> {
        let Some((retries_left, Live::Asking(episode, instance))) = self.live.remove(&index) else { return Ok(()) };
        match (episode.without_environment(&decision), &decision.answer) {
            (None, Ok(action)) => {
                self.observer.decided(&self.jobs[index], action);
                let call = Call::Act(Box::new(action.clone()));
                self.live.insert(index, (retries_left, Live::Acting(episode, Box::new(decision))));
                self.pool.call(index, instance, call);
                Ok(())
            }
            (acted, _) => {
                let acted = acted.expect("an unreadable answer needs no environment");
                self.acted((index, retries_left), episode, instance, decision, acted)
            }
        }
    }

    /// What an environment answered, or what it died of.
    fn answered(&mut self, reply: Reply) -> Result<(), AgentError> {
        let Reply { ticket: index, instance, answer, seconds } = reply;
        let Some((retries_left, live)) = self.live.remove(&index) else { return Ok(()) };
        let waiting = Waiting { index, retries_left };
        match (live, answer, instance) {
            (Live::Starting, Ok(Answer::Started(observation)), Some(instance)) => {
                let episode = Episode::start(&self.jobs[index], observation);
                self.observer.started(&self.jobs[index], episode.screen());
                self.live.insert(index, (retries_left, Live::Asking(episode, instance)));
                // Not before: what is made ready must not slow down what is waited for.
                self.announce();
                Ok(())
            }
            (
                Live::Acting(episode, decision),
                Ok(Answer::Acted { acceptable_labels, outcome, has_ended }),
                Some(instance),
            ) => {
                let acted = Acted::of(outcome, acceptable_labels, has_ended, seconds);
                self.acted((index, retries_left), episode, instance, *decision, acted)
            }
            (Live::Judging(episode), Ok(Answer::Judged(verdict)), Some(instance)) => {
                self.end(index, episode, instance, verdict)
            }
            (Live::Starting, Err(error @ EnvError::UnknownFamily { .. }), _) => Err(AgentError::Task(error)),
            (Live::Starting, Err(error), _) => {
                let job = &self.jobs[index];
                let trajectory = environment_death(job, self.version, &self.policy, Vec::new(), &error);
                self.environment_died(waiting, trajectory, error)
            }
            (Live::Acting(mut episode, decision), Err(error), _) => {
                episode.record(*decision, Acted::died(&error, seconds), self.session.limits);
                let trajectory = episode.died(self.version, &self.policy, &error);
                self.environment_died(waiting, trajectory, error)
            }
            (Live::Judging(episode) | Live::Asking(episode, _), Err(error), _) => {
                let trajectory = episode.died(self.version, &self.policy, &error);
                self.environment_died(waiting, trajectory, error)
            }
            _ => unreachable!("an instance answers what it was asked"),
        }
    }

    /// Records a step and continues its episode.
    fn acted(
        &mut self,
        (index, retries_left): (usize, u32),
        mut episode: Episode<'a>,
        instance: Instance,
        decision: Decision,
        acted: Acted,
    ) -> Result<(), AgentError> {
        let next = episode.record(decision, acted, self.session.limits);
        if let Some(step) = episode.last_step() {
            self.observer.stepped(&self.jobs[index], step, episode.screen());
        }
        match next {
            Next::Step => drop(self.live.insert(index, (retries_left, Live::Asking(episode, instance)))),
            Next::Judge => {
                self.live.insert(index, (retries_left, Live::Judging(episode)));
                self.pool.call(index, instance, Call::Verify);
            }
            Next::CutOff(reason) => self.end(index, episode, instance, no(&reason))?,
        }
        Ok(())
    }

    fn end(
        &mut self,
        index: usize,
        episode: Episode<'a>,
        instance: Instance,
        verdict: Verdict,
    ) -> Result<(), AgentError> {
        self.pool.release(instance);
        self.deaths_in_a_row = 0;
        let trajectory = episode.end(self.version, &self.policy, verdict);
        self.finish(index, trajectory)
    }

    /// Starts the episode again, or records that it cannot be run.
    fn environment_died(
        &mut self,
        waiting: Waiting,
        trajectory: Trajectory,
        error: EnvError,
    ) -> Result<(), AgentError> {
        self.deaths_in_a_row += 1;
        if self.deaths_in_a_row >= DEATHS_IN_A_ROW {
            return Err(AgentError::Environment(error));
        }
        let Some(retries_left) = waiting.retries_left.checked_sub(1) else {
            self.session.progress.note(&format!("task {}: {error}; given up", trajectory.task.task_id));
            self.last_death = Some(error);
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
        self.observer.ended(&trajectory);
        self.finished += 1;
        self.succeeded += usize::from(trajectory.succeeded());
        self.results[index] = Some(trajectory);
        Ok(())
    }

    fn report(&self) {
        let percent = 100.0 * self.succeeded as f64 / self.finished.max(1) as f64;
        self.session.progress.advance(self.finished as u64, &format!("success {percent:.1} %"));
    }

    /// The trajectories, unless the environment ended them all.
    fn outcome(self) -> Result<Vec<Trajectory>, AgentError> {
        let done = self.results.into_iter().map(|result| result.expect("the queue and the live episodes are empty"));
        let trajectories: Vec<Trajectory> = done.collect();
        let Some(reason) = trajectories.last().and_then(|last| last.environment_error.clone()) else {
            return Ok(trajectories);
        };
        if trajectories.iter().any(|one| one.environment_error.is_none()) {
            return Ok(trajectories);
        }
        if let Some(journal) = self.session.journal {
            lam_store::remove_file(journal)?;
        }
        let error = self.last_death.unwrap_or_else(|| EnvError::usage(Details::new(reason)));
        Err(AgentError::AllDied { trajectories, error })
    }

    fn sync(&mut self) -> Result<(), AgentError> {
        self.journal.as_mut().map_or(Ok(()), EpisodeJournal::sync)?;
        Ok(())
    }
}

/// Puts recorded episodes in the place of their jobs.
fn recall(jobs: &[Job], recorded: Vec<Trajectory>) -> Vec<Option<Trajectory>> {
    let key = |task_id: &str, attempt: u32| (task_id.to_owned(), attempt);
    let recorded =
        recorded.into_iter().map(|trajectory| (key(&trajectory.task.task_id, trajectory.attempt), trajectory));
    let mut recorded: HashMap<_, _> = recorded.collect();
    let of_job = |job: &Job| {
        recorded.remove(&key(&job.task.task_id, job.attempt)).filter(|trajectory| trajectory.task == job.task)
    };
    jobs.iter().map(of_job).collect()
}
