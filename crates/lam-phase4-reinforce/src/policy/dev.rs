//! Dev tasks: tasks of the validation set that the policy plays while it trains. Which step is kept is decided by them, so
//! none of them is learned from, and no reported figure is about them.

use std::collections::HashSet;
use std::path::Path;

use lam_agent::{AgentError, HeldOut, Job, Limits, Session, run_episodes};
use lam_env::Application;
use lam_inference::{Generator, ModelPolicy, PolicyOptions};
use lam_prompt::Renderer;
use lam_signal::{Failure, Monitor};
use lam_store::{hash_bytes, remove_file};
use lam_trainer::{Evaluator, Metrics, TrainModule, stream_number};
use lam_types::{PolicyId, Split, Task, Trajectory};

use super::PolicyIo;
use crate::{DevConfig, ReinforceError};

/// The figure that decides: the share of dev tasks that were solved.
pub const SUCCESS_RATE: &str = "success_rate";

/// The tasks, drawn and checked.
#[derive(Clone, Debug)]
pub struct DevTasks {
    /// In known wordings first.
    pub tasks: Vec<Task>,
    /// Drawn as well, but learned from, and therefore left out.
    pub skipped: usize,
}

impl DevTasks {
    /// Draws the tasks that are asked for under a seed; `None` where none are. Those of `learned`, by id, are left out and
    /// counted.
    ///
    /// # Errors
    /// When the environment cannot draw them, gives tasks of another set, or when none is left.
    pub fn draw<'t>(
        config: &DevConfig,
        (app, seed): (&dyn Application, u64),
        monitor: Monitor<'_>,
        learned: impl Iterator<Item = &'t str>,
    ) -> Result<Option<Self>, ReinforceError> {
        let count = config.tasks;
        if count == 0 {
            return Ok(None);
        }
        // A stream of its own: an evaluation on the validation set under the same seed draws other tasks.
        let (seed, unseen) = (stream_number(seed, "dev"), count / 2);
        let wanted =
            HeldOut { split: Split::Validation, families: &config.families, seen: count - unseen, unseen, seed };
        let mut tasks = wanted.draw(app, monitor)?;
        let environment = app.environment();
        if let Some(task) = tasks.iter().find(|task| task.split != Split::Validation) {
            let (task_id, split) = (task.task_id.clone(), task.split);
            return Err(ReinforceError::DevSplit { environment: environment.to_owned(), task_id, split });
        }
        let (learned, drawn): (HashSet<&str>, usize) = (learned.collect(), tasks.len());
        tasks.retain(|task| !learned.contains(task.task_id.as_str()));
        let skipped = drawn - tasks.len();
        if tasks.is_empty() {
            return Err(ReinforceError::NoDevTasks { environment: environment.to_owned(), skipped });
        }
        if skipped > 0 {
            monitor.progress.note(&format!("{skipped} of {drawn} dev tasks are learned from and are left out"));
        }
        Ok(Some(Self { tasks, skipped }))
    }

    /// The hash of the tasks and of the application's version: a run resumes only with the same.
    pub fn hash(&self, app: &dyn Application) -> String {
        let ids: Vec<&str> = self.tasks.iter().map(|task| task.task_id.as_str()).collect();
        hash_bytes(format!("{} {} {}", app.environment(), app.version(), ids.join(" ")).as_bytes())
    }
}

/// Plays the dev tasks with the weights of the moment.
pub struct DevEvaluator<'a> {
    dev: &'a DevTasks,
    io: &'a PolicyIo<'a>,
    limits: Limits,
    renderer: Renderer,
    /// What the weights of a step follow from, as a hash.
    run: String,
}

impl<'a> DevEvaluator<'a> {
    /// An evaluator for the run that `run`, a hash, stands for.
    ///
    /// # Errors
    /// When the tokenizer cannot be read.
    pub fn new(
        (dev, config): (&'a DevTasks, &DevConfig),
        io: &'a PolicyIo<'a>,
        run: String,
    ) -> Result<Self, ReinforceError> {
        let limits = Limits { seed: io.seed, ..config.limits.clone() };
        Ok(Self { dev, io, limits, renderer: Renderer::load(io.model.tokenizer_directory())?, run })
    }

    /// One episode for each task. Episodes that were finished before a kill are not played again: the weights of a step follow
    /// from the run.
    fn play(&self, policy: &mut ModelPolicy<'_>, journal: &Path) -> Result<Vec<Trajectory>, AgentError> {
        let session = Session {
            limits: &self.limits,
            journal: Some(journal),
            progress: self.io.progress,
            cancel: self.io.cancel,
        };
        let jobs = Job::for_tasks(&self.dev.tasks, 1);
        match run_episodes(self.io.app, &jobs, policy, &session) {
            // Left behind by a run with other settings.
            Err(AgentError::Resume { .. }) => {
                remove_file(journal)?;
                run_episodes(self.io.app, &jobs, policy, &session)
            }
            played => played,
        }
    }
}

impl<M: TrainModule> Evaluator<M> for DevEvaluator<'_> {
    /// Generation lays the weights out anew for each play, with the adapter of the moment in them, and gives them back; on a
    /// CUDA device it shares those of training.
    fn evaluate(&mut self, module: &M, step: u64) -> Result<Metrics, Failure> {
        let backbone = module.backbone().ok_or_else(|| Failure::runtime("what is trained is no policy"))?;
        let hash = hash_bytes(format!("{}/{step}", self.run).as_bytes());
        let options = PolicyOptions::greedy(PolicyId { name: format!("the policy at step {step}"), hash });
        let generator = Generator::new(backbone.decoder(), Generator::SLOTS)?;
        let functions = self.io.app.functions().to_vec();
        let mut policy = ModelPolicy::new(generator, &self.renderer, functions, options);
        let journal = self.io.output.join(format!("dev-{step}.jsonl"));
        let played = self.play(&mut policy, &journal)?;
        remove_file(&journal)?;
        Ok(figures(&played))
    }
}

/// What a play came to. Episodes that their environment ended say nothing of the policy.
fn figures(played: &[Trajectory]) -> Metrics {
    let judged: Vec<_> = played.iter().filter(|one| one.environment_error.is_none()).collect();
    let solved = judged.iter().filter(|one| one.succeeded()).count() as f64;
    let steps: usize = judged.iter().map(|one| one.steps.len()).sum();
    let (count, died) = (judged.len() as f64, played.len() - judged.len());
    let mut metrics =
        Metrics::default().with(SUCCESS_RATE, solved, count).with("completion_steps", steps as f64, count);
    if died > 0 {
        metrics.add("environment_errors", died as f64, 1.0);
    }
    metrics
}

#[cfg(test)]
mod tests {
    use lam_env::{Document, EnvError, Environment, Expert, TaskQuery};
    use lam_env_sim::Sim;
    use lam_signal::{Cancel, Fault, NoProgress};
    use lam_types::{FunctionSpec, Phrasing};

    use super::*;

    /// The editor, with tasks that it says are of another set.
    struct Mislabelling(Sim, Split);

    impl Application for Mislabelling {
        fn environment(&self) -> &str {
            self.0.environment()
        }
        fn version(&self) -> &str {
            self.0.version()
        }
        fn functions(&self) -> &[FunctionSpec] {
            self.0.functions()
        }
        fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
            self.0.open()
        }
        fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
            let tasks = self.0.tasks(query)?.into_iter();
            Ok(tasks.map(|task| Task { split: self.1, ..task }).collect())
        }
        fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
            self.0.documents(entries, seed)
        }
        fn vocabulary(&self) -> Vec<String> {
            self.0.vocabulary()
        }
        fn expert(&self) -> Option<Box<dyn Expert>> {
            self.0.expert()
        }
    }

    fn drawn(app: &dyn Application, count: usize, learned: &[String]) -> Result<Option<DevTasks>, ReinforceError> {
        let (progress, cancel) = (NoProgress, Cancel::default());
        let monitor = Monitor { progress: &progress, cancel: &cancel };
        let config = DevConfig { tasks: count, ..DevConfig::default() };
        DevTasks::draw(&config, (app, 7), monitor, learned.iter().map(String::as_str))
    }

    #[test]
    fn tasks_are_of_the_validation_set_half_in_known_wordings_and_none_is_learned_from() {
        let app = Sim::new();
        assert!(drawn(&app, 0, &[]).unwrap().is_none());
        let dev = drawn(&app, 9, &[]).unwrap().unwrap();
        let seen = dev.tasks.iter().filter(|task| task.phrasing == Phrasing::Seen).count();
        assert_eq!((dev.tasks.len(), seen, dev.skipped), (9, 5, 0));
        assert!(dev.tasks.iter().all(|task| task.split == Split::Validation));
        let learned = [dev.tasks[2].task_id.clone(), dev.tasks[6].task_id.clone(), "another".to_owned()];
        let rest = drawn(&app, 9, &learned).unwrap().unwrap();
        assert_eq!((rest.tasks.len(), rest.skipped), (7, 2));
        assert!(rest.tasks.iter().all(|task| !learned.contains(&task.task_id)));
        assert_ne!(rest.hash(&app), dev.hash(&app), "a run resumes with the same tasks only");
    }

    #[test]
    fn tasks_are_of_the_families_that_are_asked_for() {
        let (progress, cancel) = (NoProgress, Cancel::default());
        let monitor = Monitor { progress: &progress, cancel: &cancel };
        let draw = |family: &str| {
            let config = DevConfig { tasks: 6, families: vec![family.to_owned()], ..DevConfig::default() };
            DevTasks::draw(&config, (&Sim::new(), 7), monitor, std::iter::empty())
        };
        assert!(draw("bold").unwrap().unwrap().tasks.iter().all(|task| task.family == "bold"));
        let error = draw("boldd").unwrap_err().to_string();
        assert!(error.contains("`boldd`") && error.contains("did you mean `bold`?"), "{error}");
    }

    #[test]
    fn tasks_of_another_set_and_tasks_that_are_all_learned_from_are_refused() {
        let error = drawn(&Mislabelling(Sim::new(), Split::Test), 4, &[]).unwrap_err();
        assert_eq!(error.kind().exit_code(), 3);
        let error = error.to_string();
        for words in ["`dev.tasks`: `sim` drew task `", "of the test set, asked for the validation set", "hint: "] {
            assert!(error.contains(words), "{words}: {error}");
        }
        let app = Sim::new();
        let all: Vec<String> =
            drawn(&app, 3, &[]).unwrap().unwrap().tasks.into_iter().map(|task| task.task_id).collect();
        let error = drawn(&app, 3, &all).unwrap_err().to_string();
        assert!(error.contains("`sim` has no dev task: it drew 3 of its validation set, all of them"), "{error}");
    }
}
