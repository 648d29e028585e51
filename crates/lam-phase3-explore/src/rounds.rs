//! The rounds of an exploration: each over the tasks that no round before it solved, each with a journal of its own.
//! Knows no model, only a policy and planners.

use std::collections::{BTreeMap, BTreeSet};

use lam_agent::{AgentError, Job, PlanFollower, Planner, Policy, Session, run_episodes};
use lam_env::Application;
use lam_store::{Journal, hash_bytes};
use lam_types::{PolicyId, Step, StepStatus, Task, Trajectory};

use crate::explorers::{ExploreIo, Explorers};
use crate::parts::parts;
use crate::way::{PLANS_JOURNAL, Round, Way};
use crate::{ExploreConfig, ExploreError};

/// Requests that a planner is asked about at once: between two batches somebody may ask to stop.
const PLANS_AT_ONCE: usize = 256;
/// What to do with a journal that holds something else.
const HINT: &str = "remove the file; the plans are written again";

/// Plans by request.
type Plans = BTreeMap<String, Vec<String>>;

/// A round that has come to its end.
pub(crate) struct Done {
    /// Which one.
    pub(crate) round: Round,
    /// Who tried, or whose plans were followed.
    pub(crate) source: String,
    /// The plans by task and try; none for the model's own tries.
    pub(crate) plans: BTreeMap<(String, u32), Vec<String>>,
    /// The episodes, in the order of the tasks.
    pub(crate) episodes: Vec<Trajectory>,
}

impl Done {
    /// Whether an episode solved its task in a way that is to be imitated.
    pub(crate) fn is_solved(&self, episode: &Trajectory) -> bool {
        is_example(episode, self.round.way == Way::Tries)
    }

    /// Ids of the episodes that are examples, or that their environment ended.
    pub(crate) fn fit_to_be_kept(&self) -> impl Iterator<Item = String> {
        let is_fit = |episode: &&Trajectory| self.is_solved(episode) || episode.environment_error.is_some();
        self.episodes.iter().filter(is_fit).map(|episode| episode.trajectory_id.clone())
    }

    /// The plan that an episode followed; empty for the model's own tries.
    pub(crate) fn plan_of(&self, episode: &Trajectory) -> &[String] {
        self.plans.get(&(episode.task.task_id.clone(), episode.attempt)).map_or(&[], Vec::as_slice)
    }

    /// Tasks with an episode.
    pub(crate) fn attempted(&self) -> BTreeSet<&str> {
        self.episodes.iter().map(|episode| episode.task.task_id.as_str()).collect()
    }

    /// Tasks that it solved.
    pub(crate) fn solved(&self) -> BTreeSet<&str> {
        let solved = self.episodes.iter().filter(|episode| self.is_solved(episode));
        solved.map(|episode| episode.task.task_id.as_str()).collect()
    }
}

/// Whether an episode is to be imitated: a success. One in which the model did not act itself followed a plan; there,
/// each step must be a call that had its effect.
pub(crate) fn is_example(episode: &Trajectory, is_own_try: bool) -> bool {
    let is_call = |step: &Step| step.status == StepStatus::Ok && !step.action.function.is_empty();
    episode.succeeded() && (is_own_try || episode.steps.iter().all(is_call))
}

/// Every round of the configured ways, in their order.
///
/// # Errors
/// Nobody for a way, an application without a language of steps, or an episode run that stops.
pub(crate) fn run(
    config: &ExploreConfig,
    app: &dyn Application,
    tasks: &[Task],
    explorers: &mut Explorers<'_>,
    io: &ExploreIo<'_>,
) -> Result<Vec<Done>, ExploreError> {
    // Plans are counted behind the model's own tries, whichever come first.
    let mut rounds = Rounds { config, app, io, tasks, next_attempt: config.attempts, done: Vec::new() };
    for round in config.ways.iter().flat_map(|way| way.rounds()) {
        rounds.run(round, explorers)?;
    }
    Ok(rounds.done)
}

struct Rounds<'a> {
    config: &'a ExploreConfig,
    app: &'a dyn Application,
    io: &'a ExploreIo<'a>,
    tasks: &'a [Task],
    /// Number of the next try by a plan.
    next_attempt: u32,
    done: Vec<Done>,
}

impl Rounds<'_> {
    /// A round over the tasks that no round before it solved.
    fn run(&mut self, round: Round, explorers: &mut Explorers<'_>) -> Result<(), ExploreError> {
        let solved: BTreeSet<&str> = self.done.iter().flat_map(Done::solved).collect();
        let unsolved: Vec<Task> =
            self.tasks.iter().filter(|task| !solved.contains(task.task_id.as_str())).cloned().collect();
        let done = match (round.way, &mut *explorers) {
            (Way::Tries, Explorers { policy: Some(policy), .. }) => self.own_tries(round, &unsolved, *policy)?,
            (Way::Plans, Explorers { planner: Some(planner), .. }) => self.followed(round, &unsolved, *planner)?,
            (Way::Documentation, Explorers { documentation: Some(procedures), .. }) => {
                self.followed(round, &unsolved, procedures)?
            }
            (way, _) => return Err(ExploreError::Nobody { way: way.as_str() }),
        };
        self.done.push(done);
        Ok(())
    }

    fn own_tries(&self, round: Round, tasks: &[Task], policy: &mut dyn Policy) -> Result<Done, ExploreError> {
        let source = policy.id().name;
        let episodes = self.episodes_of(round, &Job::for_tasks(tasks, self.config.attempts), policy)?;
        Ok(Done { round, source, plans: BTreeMap::new(), episodes })
    }

    fn followed(&mut self, round: Round, tasks: &[Task], planner: &mut dyn Planner) -> Result<Done, ExploreError> {
        let (source, attempt) = (planner.name(), self.next_attempt);
        let mut jobs = Vec::new();
        let mut plans = BTreeMap::new();
        for (task, plan) in tasks.iter().zip(self.plans(round, tasks, planner)?) {
            if !plan.is_empty() && !self.was_followed(&task.task_id, &plan) {
                jobs.push(Job { task: task.clone(), attempt });
                plans.insert((task.task_id.clone(), attempt), plan);
            }
        }
        let written = serde_json::to_string(&plans.iter().collect::<Vec<_>>()).expect("plans are text");
        let name = if round.by_parts { format!("plans of {source}, by parts") } else { format!("plans of {source}") };
        let id = PolicyId { name, hash: hash_bytes(written.as_bytes()) };
        let mut follower = PlanFollower::new(self.app, id, plans.clone()).map_err(ExploreError::Environment)?;
        let episodes = self.episodes_of(round, &jobs, &mut follower)?;
        self.next_attempt += 1;
        Ok(Done { round, source, plans, episodes })
    }

    /// A plan for each task; none by parts for a request of one part.
    fn plans(&self, round: Round, tasks: &[Task], planner: &mut dyn Planner) -> Result<Vec<Vec<String>>, ExploreError> {
        let asked = |task: &Task| -> Vec<String> {
            let parts = if round.by_parts { parts(&task.request) } else { vec![task.request.as_str()] };
            let is_whole = round.by_parts && parts.len() < 2;
            if is_whole { Vec::new() } else { parts.into_iter().map(str::to_owned).collect() }
        };
        let asked: Vec<Vec<String>> = tasks.iter().map(asked).collect();
        let distinct: Vec<&str> =
            asked.iter().flatten().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        let plan_of = match round.way {
            Way::Plans => self.journalled(&distinct, planner)?,
            Way::Tries | Way::Documentation => self.written(&distinct, planner, |_, _| Ok(()))?,
        };
        // Without a plan for one of its parts a request would be carried out in part.
        let joined = |parts: &Vec<String>| {
            let plans: Vec<&Vec<String>> = parts.iter().map(|part| &plan_of[part]).collect();
            if plans.iter().any(|plan| plan.is_empty()) {
                Vec::new()
            } else {
                plans.into_iter().flatten().cloned().collect()
            }
        };
        Ok(asked.iter().map(joined).collect())
    }

    /// The plan for each request. Those of an earlier start are read again, not written again: a model takes its time.
    fn journalled(&self, requests: &[&str], planner: &mut dyn Planner) -> Result<Plans, ExploreError> {
        let (source, mut known) = (planner.name(), Plans::new());
        let mut journal = Journal::open(&self.io.output.join(PLANS_JOURNAL), |line| {
            let (by, request, plan): (String, String, Vec<String>) = line.decode(HINT)?;
            known.extend((by == source).then_some((request, plan)));
            Ok::<(), ExploreError>(())
        })?;
        let missing: Vec<&str> = requests.iter().copied().filter(|request| !known.contains_key(*request)).collect();
        known.extend(self.written(&missing, planner, |batch, plans| {
            for (request, plan) in batch.iter().zip(plans) {
                journal.append(&(&source, request, plan))?;
            }
            Ok(journal.sync()?)
        })?);
        Ok(known)
    }

    /// The planner's plan for each request; `keep` is given each batch when it is there.
    fn written(
        &self,
        requests: &[&str],
        planner: &mut dyn Planner,
        mut keep: impl FnMut(&[&str], &[Vec<String>]) -> Result<(), ExploreError>,
    ) -> Result<Plans, ExploreError> {
        let mut written = Plans::new();
        self.io.progress.begin(&format!("plans of {}", planner.name()), Some(requests.len() as u64));
        for batch in requests.chunks(PLANS_AT_ONCE) {
            if self.io.cancel.is_cancelled() {
                return Err(ExploreError::Cancelled);
            }
            let plans = planner.plan(batch).map_err(AgentError::from)?;
            keep(batch, &plans)?;
            written.extend(batch.iter().map(|request| (*request).to_owned()).zip(plans));
            self.io.progress.advance(written.len() as u64, "");
        }
        self.io.progress.end();
        Ok(written)
    }

    fn was_followed(&self, task_id: &str, plan: &[String]) -> bool {
        let plans = self.done.iter().flat_map(|done| &done.plans);
        plans.into_iter().any(|((task, _), followed)| task == task_id && followed == plan)
    }

    fn episodes_of(
        &self,
        round: Round,
        jobs: &[Job],
        policy: &mut dyn Policy,
    ) -> Result<Vec<Trajectory>, ExploreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let journal = self.io.output.join(round.journal);
        let session = Session {
            limits: &self.config.limits,
            journal: Some(&journal),
            progress: self.io.progress,
            cancel: self.io.cancel,
        };
        Ok(run_episodes(self.app, jobs, policy, &session)?)
    }
}
