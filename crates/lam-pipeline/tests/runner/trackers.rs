//! What a stage that trains tells trackers and other processes, and that no result depends on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lam_pipeline::{
    InputSpec, NoView, Pipeline, PipelineError, RunSummary, Stage, StageContext, StageState, Status, plan, run, status,
    status_of_run, wandb_runs_to_sync,
};
use lam_signal::{Cancel, Failure, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fakes::{Place, names};

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct LearnConfig {
    train: Train,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Train {
    steps: u64,
}

impl Default for Train {
    fn default() -> Self {
        Self { steps: 4 }
    }
}

/// Tells figures of steps, and goes on behind the last one that it wrote a file of. Asks where the run stands at each.
struct Learn {
    /// After which step it stops, if it does.
    stop: Option<(u64, Cancel)>,
    run_dir: PathBuf,
    seen: Arc<Mutex<Vec<Status>>>,
}

impl Stage for Learn {
    type Settings = LearnConfig;

    fn kind(&self) -> &'static str {
        "learn"
    }

    fn crate_name(&self) -> &'static str {
        "fakes"
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &[]
    }

    fn run(&self, config: &LearnConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let steps = config.train.steps;
        let file = |step: u64| context.output.join(format!("step-{step}"));
        let first = (1..=steps).find(|step| !file(*step).exists()).unwrap_or(steps + 1);
        let directory = context.output.join("training");
        context.progress.begin("train", Some(steps));
        context.progress.resumed(&directory, first - 1);
        for step in first..=steps {
            if context.cancel.is_cancelled() {
                return Err(Failure::cancelled());
            }
            let values = BTreeMap::from([("loss".to_owned(), 1.0 / step as f32), ("eval_loss".to_owned(), f32::NAN)]);
            context.progress.figures(&directory, step, &values);
            match &self.stop {
                // Told and not kept: it is void when the stage goes on.
                Some((at, cancel)) if *at == step => cancel.cancel(),
                _ => fs::write(file(step), "done").map_err(Failure::runtime)?,
            }
            context.progress.advance(step, &format!("loss {:.2}", 1.0 / step as f32));
            self.seen.lock().unwrap().push(status_of_run(&self.run_dir)?);
        }
        context.progress.end();
        Ok(json!({ "steps": steps }))
    }
}

const PIPELINE: &str = "name = \"p\"\n[[stage]]\nname = \"lam2\"\nkind = \"learn\"\n[[stage]]\nname = \"after\"\n\
                        kind = \"write\"\ninputs = { model = \"lam2/step-1\" }\n";

struct Learning {
    place: Place,
    seen: Arc<Mutex<Vec<Status>>>,
}

impl Learning {
    fn new() -> Self {
        let place = Place::new();
        place.write("p.toml", PIPELINE);
        Self { place, seen: Arc::default() }
    }

    fn run(&self, overrides: &[&str], stop: Option<u64>) -> Result<RunSummary, PipelineError> {
        let options = self.place.options();
        let stop = stop.map(|step| (step, options.cancel.clone()));
        let learn = Learn { stop, run_dir: self.place.path("runs/p"), seen: Arc::clone(&self.seen) };
        run(&self.load(overrides)?, &self.place.registry().with(learn), &options, &NoView)
    }

    fn load(&self, overrides: &[&str]) -> Result<Pipeline, PipelineError> {
        self.place.load(overrides)
    }

    fn files(&self, below: &str) -> Vec<String> {
        let path = self.place.path(&format!("runs/p/trackers/{below}"));
        if path.exists() { names(&path) } else { Vec::new() }
    }

    /// Steps and times of the figures that are kept.
    fn records(&self) -> Vec<(u64, f64)> {
        let text = self.place.read("runs/p/trackers/figures/lam2.jsonl");
        let record = |line: &str| {
            let record: Value = serde_json::from_str(line).unwrap();
            assert!(record["values"]["loss"].is_number() && record["values"]["eval_loss"].is_null(), "{record}");
            (record["step"].as_u64().unwrap(), record["at"].as_f64().unwrap())
        };
        text.lines().map(record).collect()
    }
}

#[test]
fn figures_go_to_tensorboard_with_the_times_at_which_they_were_told() {
    let learning = Learning::new();
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    learning.run(&[], None).unwrap();
    let records = learning.records();
    assert_eq!(records.iter().map(|record| record.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(records.iter().all(|record| (before..before + 600.0).contains(&record.1)), "{records:?}");
    let [file] = &learning.files("tensorboard/lam2")[..] else { panic!("one event file") };
    let events = fs::read(learning.place.path(&format!("runs/p/trackers/tensorboard/lam2/{file}"))).unwrap();
    assert_eq!(events.windows(10).filter(|bytes| *bytes == b"train/loss").count(), 4);
    // The event of the last step: its time as it was told.
    let time = records[3].1.to_le_bytes();
    assert!(events.windows(8).any(|bytes| bytes == time));
    assert!(!events.windows(9).any(|bytes| bytes == b"eval/loss"), "what is no number is left out");
    assert_eq!(learning.files("mlruns"), [""; 0]);
    let result = names(&learning.place.path("runs/p/lam2"));
    assert_eq!(result, ["config.toml", "manifest.json", "step-1", "step-2", "step-3", "step-4"], "none in the result");
}

#[test]
fn what_was_told_of_steps_that_are_made_again_is_void() {
    let learning = Learning::new();
    learning.run(&["report_to=all"], Some(3)).unwrap_err();
    assert_eq!(learning.records().len(), 3);
    let killed = learning.mlflow_meta();
    assert!(killed.contains("status: 5\n") && !killed.contains("end_time: null"), "{killed}");
    learning.run(&["report_to=all"], None).unwrap();
    assert_eq!(learning.records().iter().map(|record| record.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(learning.files("tensorboard/lam2").len(), 1);
    let loss = learning.mlflow("metrics/loss");
    assert_eq!(loss.lines().map(|line| line.rsplit(' ').next().unwrap()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert!(learning.mlflow_meta().contains("status: 3\n"));
}

#[test]
fn a_run_of_weights_and_biases_is_continued_in_its_file() {
    let learning = Learning::new();
    learning.run(&["report_to=wandb"], Some(3)).unwrap_err();
    let begun = learning.files("wandb");
    assert_eq!(learning.wandb().matches("_timestamp").count(), 2 * 3, "rows, each as history and as summary");
    learning.run(&["report_to=wandb"], None).unwrap();
    assert_eq!(learning.files("wandb"), begun);
    let (log, records) = (learning.wandb(), learning.records());
    assert_eq!(log.matches("_timestamp").count(), 2 * 4);
    assert!(records.iter().all(|(_, at)| log.matches(&format!("{at}\n")).count() == 2), "{records:?}");
    let run_dir = learning.place.path("runs/p");
    assert_eq!(wandb_runs_to_sync(&run_dir), Some(run_dir.join("trackers/wandb")));
    let directory = run_dir.join("trackers/wandb").join(&begun[0]);
    let log = names(&directory).into_iter().find(|name| name.ends_with(".wandb")).unwrap();
    fs::write(directory.join(format!("{log}.synced")), "").unwrap();
    assert_eq!(wandb_runs_to_sync(&run_dir), None, "all is uploaded");
}

impl Learning {
    /// The log of the one run for Weights & Biases, as far as it is text.
    fn wandb(&self) -> String {
        let [run] = &self.files("wandb")[..] else { panic!("one run") };
        let id = run.rsplit('-').next().unwrap();
        let log = fs::read(self.place.path(&format!("runs/p/trackers/wandb/{run}/run-{id}.wandb"))).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A file of the one run in MLflow's store.
    fn mlflow(&self, below: &str) -> String {
        let [experiment] = &self.files("mlruns")[..] else { panic!("one experiment") };
        let runs = self.files(&format!("mlruns/{experiment}"));
        let [run] = &runs.iter().filter(|name| *name != "meta.yaml").collect::<Vec<_>>()[..] else { panic!("one run") };
        self.place.read(&format!("runs/p/trackers/mlruns/{experiment}/{run}/{below}"))
    }

    fn mlflow_meta(&self) -> String {
        self.mlflow("meta.yaml")
    }
}

#[test]
fn a_tracker_may_be_chosen_after_the_run() {
    let learning = Learning::new();
    learning.run(&["report_to=none"], None).unwrap();
    assert_eq!(learning.files(""), [".lam-train", "figures"]);
    let result = learning.place.read("runs/p/lam2/manifest.json");
    let again = learning.run(&["report_to=all"], None).unwrap();
    assert!(again.stages.iter().all(|stage| stage.why == "nothing changed"), "{again:?}");
    assert_eq!(learning.place.read("runs/p/lam2/manifest.json"), result);
    assert_eq!(learning.files("tensorboard/lam2").len(), 1);
    assert_eq!(learning.mlflow("metrics/loss").lines().count(), 4);
    assert_eq!(learning.mlflow("params/train.steps"), "4");
    let meta = learning.mlflow_meta();
    assert!(meta.contains("run_name: 'lam2'\n") && meta.contains("status: 3\n"), "{meta}");
    let log = learning.wandb();
    for (_, at) in learning.records() {
        assert_eq!(log.matches(&format!("{at}\n")).count(), 2, "the time at which it was told: {at}");
    }
}

#[test]
fn trackers_are_told_what_another_run_has_made() {
    let learning = Learning::new();
    learning.run(&["report_to=none"], None).unwrap();
    learning.run(&["report_to=all", "name=other"], None).unwrap();
    let place = &learning.place;
    assert_eq!(place.read("runs/other/trackers/figures/lam2.jsonl"), place.read("runs/p/trackers/figures/lam2.jsonl"));
    assert_eq!(names(&place.path("runs/other/trackers/tensorboard/lam2")).len(), 1);
    assert!(place.path("runs/other/trackers/mlruns").exists());
    assert_eq!(learning.seen.lock().unwrap().len(), 4, "it ran once");
}

#[test]
fn what_was_told_of_a_result_that_is_gone_is_told_anew_of_the_one_that_is_taken() {
    let learning = Learning::new();
    let place = &learning.place;
    learning.run(&[], None).unwrap();
    let told = || {
        let trackers = place.path("runs/other/trackers");
        let figures = fs::read_to_string(trackers.join("figures/lam2.jsonl")).unwrap().lines().count();
        let [file] = &names(&trackers.join("tensorboard/lam2"))[..] else { panic!("one event file") };
        let events = fs::read(trackers.join("tensorboard/lam2").join(file)).unwrap();
        (figures, events.windows(10).filter(|bytes| *bytes == b"train/loss").count())
    };
    learning.run(&["name=other", "lam2.train.steps=2"], None).unwrap();
    assert_eq!(told(), (2, 2));
    fs::remove_dir_all(place.path("runs/other/lam2")).unwrap();
    let taken = learning.run(&["name=other"], None).unwrap();
    assert_eq!(taken.stages[0].why, "made by p/lam2");
    assert_eq!(told(), (4, 4));
}

#[test]
fn a_stage_may_say_it_among_its_arguments_of_training() {
    let learning = Learning::new();
    learning.run(&["lam2.train.report_to=mlflow"], None).unwrap();
    assert_eq!((learning.files("tensorboard").len(), learning.files("mlruns").len()), (0, 1));
    let again = learning.run(&["lam2.train.metric_logger=[]"], None).unwrap();
    assert!(again.stages.iter().all(|stage| stage.why == "nothing changed"), "{again:?}");
    for (set, code, words) in [
        ("lam2.train.report_to=neptune", 2, "`report_to` cannot be `neptune`"),
        ("report_to=[\"trackio\"]", 2, "hint: report to `tensorboard`, then `trackio.import_tf_events"),
        ("after.train.report_to=mlflow", 2, "stage `after` (write) trains nothing"),
    ] {
        let (found, text) = learning.place.refusal(learning.run(&[set], None));
        assert_eq!(found, code, "{set}: {text}");
        assert!(text.contains(words), "{set}: {text}");
    }
}

#[test]
fn a_result_that_was_made_while_it_was_a_setting_stays() {
    let learning = Learning::new();
    learning.run(&[], None).unwrap();
    let path = learning.place.path("runs/p/lam2/manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    manifest["config"]["train"]["report_to"] = json!(["tensorboard"]);
    fs::write(&path, serde_json::to_string_pretty(&manifest).unwrap()).unwrap();
    let learn = Learn { stop: None, run_dir: PathBuf::new(), seen: Arc::default() };
    let registry = learning.place.registry().with(learn);
    let lines = plan(&learning.load(&[]).unwrap(), &registry, &learning.place.options()).unwrap().to_text();
    assert!(lines.starts_with("lam2   cached "), "{lines}");
}

#[test]
fn other_processes_see_what_runs_and_how_long_it_still_takes() {
    let learning = Learning::new();
    learning.run(&[], None).unwrap();
    let first = learning.seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    let last = first.last().unwrap();
    assert!(last.running);
    assert_eq!(
        last.stages.iter().map(|stage| stage.state).collect::<Vec<_>>(),
        [StageState::Running, StageState::Waiting]
    );
    let told = last.progress.as_ref().unwrap();
    assert_eq!((told.stage.as_str(), told.what.as_str(), told.total), ("lam2", "train", Some(4)));
    let left = last.remaining.as_ref().unwrap();
    assert_eq!((left.run_s, &left.unknown), (None, &vec!["lam2".to_owned(), "after".to_owned()]));
    assert!(last.to_text().contains("no earlier time to go by for lam2, after"), "{}", last.to_text());

    // Once more: what the stages took before is known.
    let options = learning.place.options();
    let learn = Learn { stop: None, run_dir: learning.place.path("runs/p"), seen: Arc::clone(&learning.seen) };
    let registry = learning.place.registry().with(learn);
    let force = vec!["lam2".to_owned(), "after".to_owned()];
    let options = lam_pipeline::RunOptions { force, ..options };
    run(&learning.load(&[]).unwrap(), &registry, &options, &NoView).unwrap();
    let seen = learning.seen.lock().unwrap();
    let left = seen[0].remaining.as_ref().unwrap();
    assert_eq!(left.stage, "lam2");
    assert!(!left.unknown.contains(&"after".to_owned()), "{left:?}");

    let now = status(&learning.load(&[]).unwrap(), &learning.place.path("runs")).unwrap();
    assert!(!now.running && now.progress.is_none() && now.remaining.is_none());
    assert!(!learning.place.path("runs/p/progress.json").exists());
}

#[test]
fn a_directory_without_a_run_has_no_status() {
    let place = Place::new();
    let error = status_of_run(&place.path("")).unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
    assert!(error.to_string().contains("holds no run"), "{error}");
}

#[test]
fn no_stage_is_called_as_the_folder_of_trackers() {
    let place = Place::new();
    place.write("p.toml", "name = \"p\"\n[[stage]]\nname = \"trackers\"\nkind = \"write\"\n");
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 2);
    assert!(text.contains("`trackers` cannot be a stage's name"), "{text}");
}
