//! The stages in pipelines of one, in an application that exists only here: which rows they measure on, and what an
//! interrupted one does not do twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

#[path = "../../lam-agent/tests/agent/counter.rs"]
mod counter;
#[path = "../../lam-agent/tests/agent/endpoint.rs"]
mod endpoint;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use counter::{Counter, press, task};
use endpoint::{endpoint, response, says};
use lam_agent::{ExpertPolicy, Job, Limits, Session, run_episodes};
use lam_env::{Application, Environments, Provider};
use lam_pipeline::{Code, CrateCode, NoView, Pipeline, PipelineError, Registry, RunOptions, run};
use lam_signal::{Cancel, Failure, Fault, FaultKind, NoProgress};
use lam_store::{write_task_plans, write_trajectories};
use lam_types::{PlanSource, Split, Status, Task, TaskPlan, Trajectory};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Opens the counter; all of its instances count their episodes together.
struct Counters(Arc<AtomicUsize>);

impl Provider for Counters {
    fn crate_name(&self) -> &'static str {
        "counters"
    }

    fn names(&self) -> &'static [&'static str] {
        &["counter"]
    }

    fn open(&self, _: &str, _: Option<&Path>, _: &Environments) -> Result<Box<dyn Application>, Failure> {
        Ok(Box::new(Counter { resets: self.0.clone(), ..Counter::new(0) }))
    }
}

struct Place {
    root: TempDir,
    /// Episodes that were started.
    episodes: Arc<AtomicUsize>,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), episodes: Arc::default() }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Runs a pipeline of one stage, `it`, with an endpoint; its figures.
    fn run(&self, kind: &str, inputs: &str, set: &str, url: &str) -> Result<Value, PipelineError> {
        let text = format!(
            "name = \"one\"\nseed = 1\n[[stage]]\nname = \"it\"\nkind = \"{kind}\"\ninputs = {{ {inputs} }}\n\
             [stage.set]\n{set}\n[[stage.set.endpoints]]\nname = \"far\"\nbase_url = \"{url}\"\nkey_env = \"\"\n\
             retries = 0\nparallel = 1\n"
        );
        fs::write(self.path("one.toml"), text).unwrap();
        let pipeline = Pipeline::load(&self.path("one.toml"), &[])?;
        let code = [CrateCode { name: "lam-eval", hash: "1", uses: &[] }, CrateCode { name: "counters", ..CODE }];
        let environments = Environments::new().with(Counters(self.episodes.clone()));
        let registry = lam_eval::register(Registry::new(environments, Code::new(&code)));
        let options = RunOptions { runs_dir: self.path("runs"), ..RunOptions::default() };
        run(&pipeline, &registry, &options, &NoView).map(|mut summary| summary.stages.remove(0).metrics)
    }

    /// Lines of a file of the stage.
    fn items(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path("runs/one/it").join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

const CODE: CrateCode = CrateCode { name: "", hash: "1", uses: &[] };

/// Answers of the endpoint: presses once, and says that it is done.
fn presses(times: usize) -> Vec<String> {
    let answer = serde_json::to_string(&press("1", Status::Finish)).unwrap();
    vec![says(&format!("```json\n{answer}\n```")); times]
}

#[test]
fn an_interrupted_evaluation_plays_no_finished_model_again() {
    let place = Place::new();
    let mut answers = vec![response("401 Unauthorized", "", "not now")];
    answers.extend(presses(3));
    let (url, _) = endpoint(&answers);
    let set = "environment = \"counter\"\nseen = 3\nunseen = 0";
    let error = place.run("eval.online", "", set, &url).unwrap_err().to_string();
    assert!(error.contains("not now"), "{error}");
    let expert = fs::read(place.path("runs/one/it.partial/expert.parquet")).unwrap();
    let before = place.episodes.load(Ordering::SeqCst);

    let tables = place.run("eval.online", "", set, &url).unwrap();
    assert_eq!(tables["online"]["far"]["tasks"], 3);
    assert_eq!(place.episodes.load(Ordering::SeqCst) - before, 3, "only the endpoint's");
    // The times that its steps took stand in it, so that no episode of it can be another one.
    assert_eq!(fs::read(place.path("runs/one/it/expert.parquet")).unwrap(), expert);
    let names = fs::read_dir(place.path("runs/one/it")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.contains("journal") || name.ends_with(".parquet"));
    names.sort();
    assert_eq!(names, ["expert.parquet", "far.parquet"], "what it went on from is not part of the result");
}

/// What the expert does, in the set, at as many tasks; each is done in one step.
fn recorded(split: Split, tasks: usize) -> Vec<Trajectory> {
    let app = Counter::new(0);
    let of = |number: usize| Task { task_id: format!("{}-{number}", split.as_str()), split, ..task("press", 1) };
    let jobs = Job::for_tasks(&(0..tasks).map(of).collect::<Vec<_>>(), 1);
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &cancel };
    run_episodes(&app, &jobs, &mut ExpertPolicy::of(&app).unwrap(), &session).unwrap()
}

/// Measures steps on these trajectories: the tables, and the sets of the tasks behind them.
fn steps(trajectories: &[Trajectory], set: &str) -> Result<(Value, Vec<String>), PipelineError> {
    let place = Place::new();
    write_trajectories(&place.path("rows.parquet"), trajectories).unwrap();
    let (url, _) = endpoint(&presses(trajectories.len()));
    let inputs = format!("trajectories = {}", json!(place.path("rows.parquet")));
    let tables = place.run("eval.step", &inputs, &format!("environment = \"counter\"\n{set}"), &url)?;
    let set = |item: Value| item["task_id"].as_str().unwrap().split_once('-').unwrap().0.to_owned();
    let mut sets: Vec<String> = place.items("far.steps.jsonl").into_iter().map(set).collect();
    sets.dedup();
    Ok((tables["decision_making"].clone(), sets))
}

#[test]
fn steps_of_the_training_set_count_only_where_that_is_said() {
    let of = |splits: &[Split]| splits.iter().flat_map(|&split| recorded(split, 2)).collect::<Vec<_>>();
    let all = of(&[Split::Train, Split::Validation, Split::Test]);
    let (tables, sets) = steps(&all, "").unwrap();
    assert_eq!((&tables["far"]["tasks"], sets), (&json!(4), vec!["validation".to_owned(), "test".to_owned()]));

    let (tables, sets) = steps(&all, "allow_train = true").unwrap();
    assert_eq!((tables["far, on the training set, too"]["tasks"].clone(), sets.len()), (json!(6), 3));
    let (tables, _) = steps(&of(&[Split::Train]), "allow_train = true").unwrap();
    assert_eq!(tables["far, on the training set"]["tasks"], 2);
    let (tables, _) = steps(&of(&[Split::Test]), "allow_train = true").unwrap();
    assert_eq!(tables["far"]["tasks"], 2, "nothing is said where there is nothing to say");

    let error = steps(&of(&[Split::Train]), "").unwrap_err();
    assert_eq!(error.kind(), FaultKind::Data);
    let text = error.to_string();
    assert!(
        text.contains("all 2 successful trajectories are of the training set: a model is not measured on"),
        "{text}"
    );
    assert!(
        text.contains("\nhint: give trajectories of the test set") && text.contains("`allow_train = true`"),
        "{text}"
    );
}

/// Else it would count as another, and make intervals narrower than they are.
#[test]
fn a_file_that_is_named_twice_is_measured_once() {
    let place = Place::new();
    write_trajectories(&place.path("rows.parquet"), &recorded(Split::Test, 3)).unwrap();
    let (url, _) = endpoint(&presses(6));
    let inputs = format!("trajectories = {}", json!([place.path("rows.parquet"), place.path("./rows.parquet")]));
    let tables = place.run("eval.step", &inputs, "environment = \"counter\"", &url).unwrap();
    assert_eq!(tables["decision_making"]["far"]["tasks"], 3);

    let place = Place::new();
    fs::create_dir(place.path("plans")).unwrap();
    write_task_plans(&place.path("plans/task_plans.parquet"), &[pair(1, false)]).unwrap();
    let (url, _) = endpoint(&[says("1. press"), says("1. press")]);
    let both = json!([place.path("plans"), place.path("plans/task_plans.parquet")]);
    let tables = place.run("eval.plan", &format!("plans = {both}"), "", &url).unwrap();
    assert_eq!(tables["planning"]["far"]["tasks"], 1);
}

fn pair(number: usize, is_evolved: bool) -> TaskPlan {
    TaskPlan {
        task_id: format!("pair-{number}"),
        application: "counter".into(),
        source: if is_evolved { PlanSource::Evolved } else { PlanSource::Documentation },
        task: format!("press {number}"),
        plan: vec!["press".into()],
        parent_id: is_evolved.then(|| "pair-0".into()),
        document: "guide".into(),
        document_hash: String::new(),
        producer: String::new(),
        family: if is_evolved { String::new() } else { format!("family {}", number % 5) },
        split: Split::Test,
    }
}

#[test]
fn some_pairs_of_many_hold_evolved_ones_though_these_stand_last() {
    let pair = |number: usize| pair(number, number >= 30);
    let place = Place::new();
    write_task_plans(&place.path("rows.parquet"), &(0..40).map(pair).collect::<Vec<_>>()).unwrap();
    let (url, _) = endpoint(&vec![says("1. press"); 8]);
    let inputs = format!("plans = {}", json!(place.path("rows.parquet")));
    let tables = place.run("eval.plan", &inputs, "max_pairs = 8", &url).unwrap();
    assert_eq!(tables["planning"]["far"]["tasks"], 8);
    let items = place.items("far.plans.jsonl");
    let mut families: Vec<&str> = items.iter().map(|item| item["family"].as_str().unwrap()).collect();
    assert_eq!(families.iter().filter(|family| family.is_empty()).count(), 2, "a quarter of them, as of all");
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), 6, "every family and the evolved ones");
}
