//! Exploration way by way in the embedded editor: what each solves, what is recorded, what is refused.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lam_agent::{ExpertPolicy, Job, Limits, Planner, Policy, PolicyError, Session, run_episodes, take_timings};
use lam_env::{Application, TaskQuery};
use lam_env_sim::{Sim, reference_plan};
use lam_phase3_explore::{
    ATTEMPTS_FILE, COVERAGE_FILE, Coverage, ExploreConfig, ExploreError, ExploreIo, Explorers, FAILURES_FILE,
    FOLLOWED_FILE, Procedures, SUCCESSES_FILE, TryRecord, WAYS_FILE, Way, explore,
};
use lam_signal::{Cancel, Fault, NoProgress, Progress};
use lam_store::{read_trajectories, write_task_plans, write_trajectories};
use lam_types::{PlanSource, Split, StepStatus, Task, TaskPlan, Trajectory};
use serde_json::Value;

#[path = "../../lam-agent/tests/agent/counter.rs"]
mod counter;

use counter::Counter;

fn tasks(count: usize, seed: u64) -> Vec<Task> {
    Sim::new().tasks(&TaskQuery { split: Split::Train, phrasing: None, families: vec![], count, seed }).unwrap()
}

/// The expert's failures at some tasks, as its stage leaves them.
fn failures(folder: &Path) -> PathBuf {
    let sim = Sim::new();
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &cancel };
    let mut expert = ExpertPolicy::of(&sim).unwrap();
    let mut tried = run_episodes(&sim, &Job::for_tasks(&tasks(140, 5), 1), &mut expert, &session).unwrap();
    take_timings(&mut tried);
    tried.retain(|episode| !episode.succeeded());
    let file = folder.join("expert_failure.parquet");
    write_trajectories(&file, &tried).unwrap();
    file
}

fn pair(task: &Task) -> TaskPlan {
    TaskPlan {
        task_id: task.task_id.clone(),
        application: "sim".into(),
        source: PlanSource::SearchQuery,
        task: task.request.clone(),
        plan: reference_plan(task).unwrap(),
        parent_id: None,
        document: "queries".into(),
        document_hash: String::new(),
        producer: String::new(),
        family: task.family.clone(),
        split: Split::Train,
    }
}

/// Knows the procedures of requests of one part, and none of longer ones.
struct Knowing(BTreeMap<String, Vec<String>>);

impl Knowing {
    fn new() -> Self {
        let simple = |task: &Task| !task.request.contains(" and ");
        Self(tasks(140, 5).into_iter().filter(simple).map(|task| (task.request.clone(), pair(&task).plan)).collect())
    }
}

impl Planner for Knowing {
    fn name(&self) -> String {
        "LAM1".into()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        Ok(tasks.iter().map(|task| self.0.get(*task).cloned().unwrap_or_default()).collect())
    }
}

fn config(ways: &[Way]) -> ExploreConfig {
    ExploreConfig { ways: ways.to_vec(), attempts: 1, ..ExploreConfig::default() }
}

fn io<'a>(failures: &'a [PathBuf], output: &'a Path, cancel: &'a Cancel, progress: &'a dyn Progress) -> ExploreIo<'a> {
    ExploreIo { failures, explored: &[], output, progress, cancel }
}

/// All three ways, with the expert in the place of the model.
fn explore_all(io: &ExploreIo<'_>) -> Result<Value, ExploreError> {
    let sim = Sim::new();
    let (mut expert, mut knowing) = (ExpertPolicy::of(&sim).unwrap(), Knowing::new());
    let documentation = Some(Procedures::new(tasks(700, 9).iter().map(pair).collect()));
    let (policy, planner): (&mut dyn Policy, &mut dyn Planner) = (&mut expert, &mut knowing);
    let mut explorers = Explorers { policy: Some(policy), planner: Some(planner), documentation };
    explore(&config(&[Way::Tries, Way::Plans, Way::Documentation]), &sim, &mut explorers, io)
}

#[test]
fn each_way_explores_what_those_before_it_left() {
    let folder = tempfile::tempdir().unwrap();
    let (failures, cancel) = ([failures(folder.path())], Cancel::default());
    let metrics = explore_all(&io(&failures, folder.path(), &cancel, &NoProgress)).unwrap();
    let text = std::fs::read_to_string(folder.path().join(COVERAGE_FILE)).unwrap();
    let coverage: Coverage = serde_json::from_str(&text).unwrap();
    assert_eq!(metrics["tasks_solved"], coverage.solved);
    let [tries, plans, by_parts, documented, documented_by_parts] = &coverage.ways[..] else { panic!("{coverage:?}") };
    assert_eq!((tries.attempted, tries.solved), (coverage.tasks, 0), "the expert fails again at what it failed at");
    assert!(plans.solved > 0 && plans.solved == plans.attempted, "known procedures are right: {plans:?}");
    assert!(by_parts.by_parts && documented_by_parts.by_parts);
    assert!(documented.attempted <= coverage.tasks - plans.solved - by_parts.solved);
    assert!(documented.solved > 0, "{documented:?}");
    assert_eq!(coverage.solved, coverage.ways.iter().map(|round| round.solved).sum::<usize>());
    let of_families: usize = coverage.families.values().flat_map(|family| family.solved.values()).sum();
    assert_eq!(of_families, coverage.solved);
    assert!(coverage.examples.iter().all(|example| !example.plan.is_empty() && example.way != Way::Tries));
}

#[test]
fn a_success_is_learned_without_a_plan_before_its_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let (failures, cancel) = ([failures(folder.path())], Cancel::default());
    let metrics = explore_all(&io(&failures, folder.path(), &cancel, &NoProgress)).unwrap();
    let read = |file: &str| -> Vec<Trajectory> { read_trajectories(&folder.path().join(file)).unwrap() };
    let (attempts, followed, successes, kept) =
        (read(ATTEMPTS_FILE), read(FOLLOWED_FILE), read(SUCCESSES_FILE), read(FAILURES_FILE));
    assert_eq!(attempts.len() + followed.len(), metrics["episodes"].as_u64().unwrap() as usize);
    assert_eq!(successes.len() as u64, metrics["tasks_solved"].as_u64().unwrap());
    assert!(attempts.iter().all(|episode| episode.policy.name == "expert"));
    assert!(kept.iter().all(|episode| episode.policy.name == "expert"), "failures are the model's own");
    assert_eq!(kept.len(), attempts.len());
    for success in &successes {
        assert!(success.policy.name.starts_with("plans of "), "{}", success.policy.name);
        assert!(success.steps[0].state.previous_plan.is_empty());
        let passed_on = success.steps.windows(2).all(|two| two[1].state.previous_plan == two[0].action.plan);
        assert!(passed_on, "{}", success.task.request);
    }
    let lines = std::fs::read_to_string(folder.path().join(WAYS_FILE)).unwrap();
    let records: Vec<TryRecord> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), attempts.len() + followed.len());
    let mut tries: Vec<(&str, u32)> = records.iter().map(|one| (one.task_id.as_str(), one.attempt)).collect();
    tries.sort_unstable();
    tries.dedup();
    assert_eq!(tries.len(), records.len(), "no two tries at a task have one number");
    for record in records.iter().filter(|record| record.way != Way::Tries) {
        assert!(!record.plan.is_empty() && (record.solved || record.controls.len() <= record.plan.len()));
        assert!(!(record.solved && record.stopped.is_some()), "{record:?}");
    }
}

/// Asks to stop once so many episodes are done.
struct StopAfter<'a> {
    left: AtomicUsize,
    cancel: &'a Cancel,
}

impl Progress for StopAfter<'_> {
    fn begin(&self, _what: &str, _total: Option<u64>) {}

    fn advance(&self, _done: u64, _figures: &str) {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            self.cancel.cancel();
        }
    }

    fn end(&self) {}

    fn note(&self, _text: &str) {}
}

#[test]
fn an_exploration_that_is_stopped_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let failures = [failures(folder.path())];
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    std::fs::create_dir_all(&whole).unwrap();
    std::fs::create_dir_all(&stopped).unwrap();
    explore_all(&io(&failures, &whole, &Cancel::default(), &NoProgress)).unwrap();
    let mut stops = 0;
    for left in [1, 3, 6, 9, 12, 15, 18, 21] {
        let cancel = Cancel::default();
        let progress = StopAfter { left: AtomicUsize::new(left), cancel: &cancel };
        match explore_all(&io(&failures, &stopped, &cancel, &progress)) {
            Err(error) => assert_eq!(error.kind(), lam_signal::FaultKind::Cancelled, "{error}"),
            Ok(_) => break,
        }
        stops += 1;
    }
    assert!(stops > 2, "{stops} stops");
    explore_all(&io(&failures, &stopped, &Cancel::default(), &NoProgress)).unwrap();
    let names = |folder: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&whole), names(&stopped), "no journal stays");
    for name in names(&whole) {
        assert!(std::fs::read(whole.join(&name)).unwrap() == std::fs::read(stopped.join(&name)).unwrap(), "{name:?}");
    }
}

#[test]
fn plans_are_not_followed_where_steps_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (failures, cancel) = ([failures(folder.path())], Cancel::default());
    let io = io(&failures, folder.path(), &cancel, &NoProgress);
    let counter = Counter::new(0);
    let mut expert = ExpertPolicy::of(&counter).unwrap();
    let mut explorers = Explorers { policy: Some(&mut expert), ..Explorers::default() };
    let refused = explore(&config(&[Way::Tries, Way::Plans]), &counter, &mut explorers, &io).unwrap_err();
    assert_eq!(refused.kind(), lam_signal::FaultKind::Config);
    assert!(refused.to_string().contains("environment `counter` has no language of steps"), "{refused}");
    let nobody = explore(&config(&[Way::Plans]), &Sim::new(), &mut explorers, &io).unwrap_err();
    assert!(nobody.to_string().contains("nobody explores by `plans`"), "{nobody}");
    assert!(explore(&config(&[Way::Tries]), &counter, &mut explorers, &io).is_ok());
}

/// Keeps what it was asked.
struct Asked(Knowing, Vec<String>);

impl Planner for Asked {
    fn name(&self) -> String {
        self.0.name()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        self.1.extend(tasks.iter().map(|task| (*task).to_owned()));
        self.0.plan(tasks)
    }
}

#[test]
fn plans_of_a_stopped_exploration_are_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let failures = [failures(folder.path())];
    let mut planner = Asked(Knowing::new(), Vec::new());
    let mut explore = |cancel: &Cancel, progress: &dyn Progress| {
        let mut explorers = Explorers { planner: Some(&mut planner), ..Explorers::default() };
        let io = io(&failures, folder.path(), cancel, progress);
        explore(&config(&[Way::Plans]), &Sim::new(), &mut explorers, &io)
    };
    // The first batch of plans, then the first episodes.
    let cancel = Cancel::default();
    let progress = StopAfter { left: AtomicUsize::new(1), cancel: &cancel };
    let stopped = explore(&cancel, &progress).unwrap_err();
    assert_eq!(stopped.kind(), lam_signal::FaultKind::Cancelled, "{stopped}");
    assert!(folder.path().join("plans.jsonl").is_file());
    explore(&Cancel::default(), &NoProgress).unwrap();
    assert!(!folder.path().join("plans.jsonl").exists(), "no journal stays");
    let asked = planner.1.len();
    planner.1.sort();
    planner.1.dedup();
    assert!(asked > 0 && planner.1.len() == asked, "each request is asked once");
}

/// Explores by the documentation in some files alone; what is noted.
fn explore_documented(
    app: &dyn Application,
    (failures, plans): (&Path, &Path),
    output: &Path,
) -> Result<Vec<String>, ExploreError> {
    let (cancel, notes) = (Cancel::default(), Notes::default());
    let documentation = Some(Procedures::read(&[plans.to_owned()])?);
    let mut explorers = Explorers { documentation, ..Explorers::default() };
    let failures = [failures.to_owned()];
    explore(&config(&[Way::Documentation]), app, &mut explorers, &io(&failures, output, &cancel, &notes))?;
    Ok(notes.0.into_inner().unwrap())
}

/// Keeps what is noted.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _what: &str, _total: Option<u64>) {}

    fn advance(&self, _done: u64, _figures: &str) {}

    fn end(&self) {}

    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn procedures_are_those_of_the_tasks_application() {
    let folder = tempfile::tempdir().unwrap();
    let (failures, file) = (failures(folder.path()), folder.path().join("task_plans.parquet"));
    let about = |application: &str, split| TaskPlan { application: application.into(), split, ..pair(&tasks(1, 1)[0]) };
    let explore = || explore_documented(&Sim::new(), (&failures, &file), folder.path());
    write_task_plans(&file, &[about("desktop", Split::Train), about("sim", Split::Test)]).unwrap();
    let refused = explore().unwrap_err().to_string();
    for words in
        ["task_plans.parquet: hold 1 training pairs, none about `sim`, `word` (they are about `desktop`)", "hint: "]
    {
        assert!(refused.contains(words), "{refused}");
    }
    // The editor's tasks are of the application `word`; pairs of its own documents name the environment.
    for known in ["sim", "word", ""] {
        write_task_plans(&file, &[about("desktop", Split::Train), about(known, Split::Train)]).unwrap();
        let notes = explore().unwrap();
        let words = "1 of 2 documented procedures are about `desktop`, not `sim`, `word`: left out";
        assert_eq!(notes.iter().filter(|note| *note == words).count(), 1, "{known}: {notes:?}");
    }
    write_task_plans(&file, &[about("word", Split::Train)]).unwrap();
    assert!(!explore().unwrap().iter().any(|note| note.contains("left out")));
}

#[test]
fn plans_without_a_training_pair_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("task_plans.parquet");
    write_task_plans(&file, &[TaskPlan { split: Split::Test, ..pair(&tasks(1, 1)[0]) }]).unwrap();
    let refused = Procedures::read(&[file]).err().expect("nothing to follow");
    assert_eq!(refused.kind(), lam_signal::FaultKind::Data);
    for words in [
        "task_plans.parquet: holds no task-plan pair of the training set (1 of other sets)",
        "hint: ",
        "`plans`",
        "`test_fraction`",
    ] {
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[test]
fn tasks_of_other_sets_are_not_explored() {
    let folder = tempfile::tempdir().unwrap();
    let file = failures(folder.path());
    let mut failed = read_trajectories(&file).unwrap();
    let (cancel, sim) = (Cancel::default(), Sim::new());
    let explore = |failed: &[Trajectory], notes: &Notes| {
        write_trajectories(&file, failed).unwrap();
        let mut expert = ExpertPolicy::of(&sim).unwrap();
        let mut explorers = Explorers { policy: Some(&mut expert), ..Explorers::default() };
        let failures = [file.clone()];
        explore(&config(&[Way::Tries]), &sim, &mut explorers, &io(&failures, folder.path(), &cancel, notes))
    };
    failed[0].task.split = Split::Test;
    let notes = Notes::default();
    let metrics = explore(&failed, &notes).unwrap();
    assert_eq!(metrics["tasks"], failed.len() - 1);
    assert_eq!(metrics["tasks_of_other_sets"], 1);
    let tried = read_trajectories(&folder.path().join(ATTEMPTS_FILE)).unwrap();
    assert!(tried.iter().all(|one| one.task.task_id != failed[0].task.task_id));
    assert!(notes.0.lock().unwrap().iter().any(|note| note.starts_with("left out 1 failed tasks of other sets")));
    failed.iter_mut().for_each(|one| one.task.split = Split::Test);
    let refused = explore(&failed, &Notes::default()).unwrap_err().to_string();
    let words = format!("holds {} tasks that failed, none of them of the training set", failed.len());
    assert!(refused.contains(&words) && refused.contains("hint: "), "{refused}");
}

#[test]
fn a_success_in_which_a_step_went_wrong_is_explored_like_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (file, sim) = (folder.path().join("expert_failure.parquet"), Sim::new());
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &cancel };
    let mut expert = ExpertPolicy::of(&sim).unwrap();
    let tried = run_episodes(&sim, &Job::for_tasks(&tasks(140, 5), 1), &mut expert, &session).unwrap();
    let mut solved = tried.into_iter().filter(|episode| episode.is_exemplary() && episode.steps.len() > 1);
    let (mut with_fault, without) = (solved.next().unwrap(), solved.next().unwrap());
    with_fault.steps[0].status = StepStatus::AppError;
    let mut explore = |episodes: &[&Trajectory]| {
        let episodes: Vec<Trajectory> = episodes.iter().copied().cloned().collect();
        write_trajectories(&file, &episodes).unwrap();
        let mut explorers = Explorers { policy: Some(&mut expert), ..Explorers::default() };
        let failures = [file.clone()];
        explore(&config(&[Way::Tries]), &sim, &mut explorers, &io(&failures, folder.path(), &cancel, &NoProgress))
    };
    assert_eq!(explore(&[&with_fault, &without]).unwrap()["tasks"], 1);
    let refused = explore(&[&without]).unwrap_err().to_string();
    assert!(refused.contains("holds 0 tasks that failed"), "{refused}");
}
