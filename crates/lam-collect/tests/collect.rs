//! Both halves of the collection on a small application: counts, provenance, resumption.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

#[path = "../../lam-agent/tests/agent/counter.rs"]
mod counter;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use counter::Counter;
use lam_agent::{Decision, ExpertPolicy, Limits, Policy, PolicyError, Request};
use lam_collect::plans::{self, PlansConfig};
use lam_collect::trajectories::{self, TrajectoriesConfig};
use lam_env::{Application, Document, EnvError, Environment, Expert, TaskQuery};
use lam_signal::{Cancel, NoProgress};
use lam_store::{hash_path, read_task_plans, read_tasks, read_trajectories};
use lam_types::{FunctionSpec, PlanSource, PolicyId, Split, Task};

/// An application that is only its documents.
struct Library(Vec<Document>);

impl Application for Library {
    fn environment(&self) -> &str {
        "library"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn functions(&self) -> &[FunctionSpec] {
        &[]
    }
    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Err(EnvError::usage(lam_signal::Details::new("there is nothing to open")))
    }
    fn tasks(&self, _query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        Ok(Vec::new())
    }
    fn documents(&self, _entries: usize, _seed: u64) -> Vec<Document> {
        self.0.clone()
    }
    fn vocabulary(&self) -> Vec<String> {
        Vec::new()
    }
    fn expert(&self) -> Option<Box<dyn Expert>> {
        None
    }
}

fn library() -> Library {
    let mut help = "# Help\n\n## Say hello\n\nThere is nothing to do.\n".to_owned();
    for number in 0..40 {
        let family = if number % 2 == 0 { "bold" } else { "margins" };
        help += &format!(
            "\n## change thing {number} now\n<!-- family: {family} -->\n1. select thing {number}\n2. click {family}\n"
        );
    }
    let log = "## change thing 3 now\n1. select thing 3\n2. click margins\n\n\
               ## please , change thing 3 now\n1. select thing 3\n2. click margins\n\n\
               ## make a call\n1. Tap the screen.\n\n## x\n1. click x\n";
    let document = |name: &str, source, text: &str| Document { name: name.into(), source, text: text.into() };
    Library(vec![
        document("help.md", PlanSource::Documentation, &help),
        document("queries.md", PlanSource::SearchQuery, log),
    ])
}

fn collect_plans(config: &PlansConfig, output: &Path) -> serde_json::Value {
    plans::run(config, &library(), output, &NoProgress, &Cancel::default()).unwrap()
}

#[test]
fn pairs_are_counted_kept_apart_and_evolved() {
    let root = tempfile::tempdir().unwrap();
    let config = PlansConfig { near_duplicate: 0.7, ..PlansConfig::default() };
    let stats = collect_plans(&config, root.path());
    let log = &stats["sources"]["search_query"];
    assert_eq!((log["extracted"].as_u64(), log["kept"].as_u64()), (Some(4), Some(0)));
    assert_eq!(
        log["rejected"],
        serde_json::json!({
            "exact_duplicate": 1, "language": 0, "length": 1, "near_duplicate": 1, "no_plan": 0, "no_task": 0,
            "not_actionable": 1, "other_application": 0,
        })
    );
    assert_eq!(stats["sources"]["documentation"]["kept"], 40);
    let rejected = std::fs::read_to_string(root.path().join("rejected.jsonl")).unwrap();
    assert_eq!(rejected.lines().count(), 4);

    let pairs = read_task_plans(&root.path().join("task_plans.parquet")).unwrap();
    let (evolved, direct): (Vec<_>, Vec<_>) = pairs.iter().partition(|pair| pair.source == PlanSource::Evolved);
    assert_eq!((direct.len(), stats["evolved"].as_u64()), (40, Some(evolved.len() as u64)));
    assert!((60..=66).contains(&evolved.len()), "the paper's 163 %: {}", evolved.len());
    let ids: BTreeSet<_> = pairs.iter().map(|pair| &pair.task_id).collect();
    assert_eq!(ids.len(), pairs.len());
    for pair in evolved {
        let parent = direct.iter().find(|other| Some(&other.task_id) == pair.parent_id.as_ref()).unwrap();
        assert_eq!(parent.split, pair.split);
        assert!(pair.plan.starts_with(&parent.plan) && pair.plan.len() == 4);
        let words = |text: &str| text.split_whitespace().count();
        assert!(words(&pair.task) - words(&parent.task) <= 20);
    }
    let test = direct.iter().filter(|pair| pair.split == Split::Test).count();
    assert!((2..=16).contains(&test), "{test} of 40 at a fraction of 0.2");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let roots = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    collect_plans(&PlansConfig::default(), roots[0].path());
    collect_plans(&PlansConfig::default(), roots[1].path());
    collect_plans(&PlansConfig { seed: 1, ..PlansConfig::default() }, roots[2].path());
    let hashes = roots.map(|root| hash_path(root.path()).unwrap());
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

#[test]
fn documents_without_pairs_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (config, app) = (PlansConfig::default(), Library(Vec::new()));
    let error = plans::run(&config, &app, root.path(), &NoProgress, &Cancel::default()).unwrap_err().to_string();
    assert!(error.contains("hint: a pair is a heading"), "{error}");
}

/// The expert, stopping the run after some answers.
struct Stopping {
    expert: ExpertPolicy,
    left: usize,
    cancel: Cancel,
}

impl Policy for Stopping {
    fn id(&self) -> PolicyId {
        self.expert.id()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.cancel.cancel(),
        }
        self.expert.decide(requests)
    }
}

fn collect_trajectories(app: &Counter, output: &Path, stop_after: usize) -> Result<serde_json::Value, String> {
    let limits = Limits { parallel: 2, ..Limits::default() };
    let config = TrajectoriesConfig { tasks: 20, limits, ..TrajectoriesConfig::default() };
    let cancel = Cancel::default();
    let mut teacher = Stopping { expert: ExpertPolicy::of(app).unwrap(), left: stop_after, cancel: cancel.clone() };
    trajectories::run_with(&config, app, &mut teacher, output, &NoProgress, &cancel).map_err(|error| error.to_string())
}

#[test]
fn a_stopped_collection_goes_on_and_ends_with_the_same_bytes() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stats = collect_trajectories(&Counter::new(0), whole.path(), usize::MAX).unwrap();
    let error = collect_trajectories(&Counter::new(0), stopped.path(), 7).unwrap_err();
    assert!(error.contains("of 20 episodes"), "{error}");
    let app = Counter::new(0);
    collect_trajectories(&app, stopped.path(), usize::MAX).unwrap();
    assert!(app.resets.load(Ordering::SeqCst) < 20, "finished episodes are not run again");
    assert_eq!(hash_path(whole.path()).unwrap(), hash_path(stopped.path()).unwrap());

    // Four of five tasks are within the expert's reach.
    assert_eq!((stats["successes"].as_u64(), stats["failures"].as_u64()), (Some(16), Some(4)));
    assert_eq!(stats["families"]["press"]["tasks"], 20);
    let successes = read_trajectories(&whole.path().join("expert_success.parquet")).unwrap();
    let failures = read_trajectories(&whole.path().join("expert_failure.parquet")).unwrap();
    let tasks = read_tasks(&whole.path().join("expert_failure_tasks.parquet")).unwrap();
    assert_eq!((successes.len(), failures.len(), tasks.len()), (16, 4, 4));
    assert!(failures.iter().zip(&tasks).all(|(failure, task)| failure.task == *task));
}

#[test]
fn a_collection_of_nothing_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let app = Counter::new(0);
    let tasks = TrajectoriesConfig { tasks: 0, ..TrajectoriesConfig::default() };
    let error = trajectories::run(&tasks, &app, root.path(), &NoProgress, &Cancel::default()).unwrap_err().to_string();
    assert!(error.contains("`tasks` = 0"), "{error}");
}
