//! Evaluations and single episodes: nothing is lost, and what failed is not called done.

use std::path::Path;
use std::sync::Arc;

use lam_env::{Application, Document, EnvError, Environment, Expert, Outcome, TaskQuery};
use lam_env_remote::{OpenEnvServer, ServerSettings};
use lam_env_sim::Sim;
use lam_store::read_trajectories;
use lam_types::{Action, FunctionSpec, Observation, Task, Verdict};
use serde_json::Value;

use crate::support::{Finished, Place, copy, trained, trained_apart};

/// Settings that make an online evaluation small.
const SMALL: &str = "seen = 1\nunseen = 1\nmax_new_tokens = 24\nlimits = { max_steps = 2 }\n";

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn models_of_one_name_have_a_row_each() {
    let place = Place::new("two-of-a-name");
    let model = trained().stage("lam2");
    for run in ["runs/a/lam2", "runs/b/lam2"] {
        copy(model.as_ref(), &place.path(run));
    }
    place.write("online.toml", SMALL);
    let models = ["--model", "runs/a/lam2", "--model", "runs/b/lam2", "--model", "runs/a/../a/lam2"];
    let online = [&["eval", "online", "-c", "online.toml", "--output-dir", "runs/x"][..], &models].concat();
    place.succeed(&online);
    let table = json(&place.path("runs/x/eval-online/tables.json"));
    let names: Vec<&String> = table["online"].as_object().expect("rows").keys().collect();
    assert_eq!(names, ["LAM2 (a, lam2)", "LAM2 (b, lam2)", "expert"]);
    for name in names {
        assert!(place.path("runs/x/eval-online").join(format!("{name}.parquet")).is_file(), "{name}");
    }
    place.write("plan.toml", "max_pairs = 2\n");
    let plans = trained().stage("plans");
    let plan = ["eval", "plan", "-c", "plan.toml", "--data", &plans, "--output-dir", "runs/y"];
    place.succeed(&[&plan[..], &models].concat());
    let table = json(&place.path("runs/y/eval-plan/tables.json"));
    assert_eq!(table["planning"].as_object().expect("rows").len(), 2);
}

#[test]
fn sampled_tries_have_a_name_of_their_own() {
    let place = Place::new("sampled-tries");
    place.write("online.toml", &format!("samples = 2\nexpert = false\n{SMALL}"));
    let model = trained().stage("lam2");
    place.succeed(&["eval", "online", "-c", "online.toml", "--output-dir", "runs/x", "--model", &model]);
    let output = place.path("runs/x/eval-online");
    for (file, name, count) in [("LAM2.parquet", "LAM2", 2), ("LAM2.sampled.parquet", "LAM2, sampled", 4)] {
        let tries = read_trajectories(&output.join(file)).expect("trajectories");
        assert!(tries.len() == count && tries.iter().all(|one| one.policy.name == name), "{file}");
    }
    let table = json(&output.join("tables.json"));
    let rows = table["online"].as_object().expect("rows");
    assert!(rows.len() == 1 && rows["LAM2"]["sampled_tsr"].is_object(), "{table:#}");
}

#[test]
fn a_report_leaves_out_what_does_not_belong_to_the_rest_any_more() {
    let place = trained_apart("stale-report");
    let whole = place.succeed(&["report", "runs/miniature"]).stdout;
    assert!(!whole.contains("left out"), "{whole}");
    let manifest = place.path("runs/miniature/lam3/manifest.json");
    let mut changed = json(&manifest);
    changed["output_hash"] = "trained again".into();
    place.write("runs/miniature/lam3/manifest.json", &changed.to_string());
    let told = place.succeed(&["report", "runs/miniature"]).stdout;
    assert!(told.contains("left out, made from what has changed since: reward, lam4, "), "{told}");
    let figures = json(&place.path("runs/miniature/report.json"));
    assert!(figures["tables"]["online"].as_object().expect("a table").is_empty(), "{figures}");
    assert!(figures["tables"]["planning"]["LAM1"].is_object(), "LAM1 does not come from LAM3");
}

/// The editor, in which every action kills the instance.
struct Dying(Sim);

struct DyingInstance(Box<dyn Environment>);

impl Environment for DyingInstance {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.0.reset(task)
    }

    fn act(&mut self, _action: &Action) -> Result<Outcome, EnvError> {
        Err(EnvError::failed("sim", &lam_signal::Details::new("the window is gone")))
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        self.0.verify()
    }
}

impl Application for Dying {
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
        Ok(Box::new(DyingInstance(self.0.open()?)))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        self.0.tasks(query)
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

#[test]
fn an_environment_that_ends_every_episode_is_an_error_with_its_reason() {
    let place = Place::new("dying");
    let settings = ServerSettings { port: 0, served_as: Some("sim".to_owned()), ..ServerSettings::default() };
    let server = OpenEnvServer::start(Arc::new(Dying(Sim::new())), settings).expect("a free port");
    let environment = format!("remote:ws://{}/ws", server.address());
    let gone = ["environment `sim` failed", "the window is gone"];

    let act = ["act", "--env", &environment, "--family", "bold"];
    place.refuse(&act, 1, &gone);
    let Finished { stdout, .. } = place.run(&act);
    assert!(stdout.contains("task ") && stdout.contains("not judged: the environment ended the episode"), "{stdout}");

    place.write(
        "online.toml",
        &format!("environment = \"{environment}\"\nseen = 2\nunseen = 1\nfamilies = [\"bold\"]\n"),
    );
    let online = ["eval", "online", "-c", "online.toml", "--model", &trained().stage("lam2"), "--output-dir", "runs/x"];
    place.refuse(&online, 1, &gone);
    place.refuse(&online, 1, &gone);
    assert!(!place.path("runs/x/eval-online/tables.json").exists(), "there is no figure to tell");

    place.write(
        "collect.toml",
        &format!("environment = \"{environment}\"\n[trajectories]\ntasks = 3\nfamilies = [\"bold\"]\n"),
    );
    place.refuse(&["data", "collect", "-c", "collect.toml", "--output-dir", "runs/y"], 1, &gone);
}

#[test]
fn act_draws_from_all_families_by_its_seed() {
    let place = Place::new("act-seeds");
    let family = |seed: u32| {
        let told = place.succeed(&["act", "--seed", &seed.to_string(), "--json"]).stdout;
        let trajectory: Value = serde_json::from_str(&told).expect("one JSON value");
        (trajectory["task"]["family"].to_string(), trajectory["task"]["phrasing"].to_string())
    };
    let drawn: Vec<(String, String)> = (1..=12).map(family).collect();
    let families: std::collections::BTreeSet<_> = drawn.iter().map(|(family, _)| family).collect();
    assert!(families.len() > 8, "{drawn:?}");
    assert!(drawn.iter().any(|(_, phrasing)| phrasing.contains("unseen")), "{drawn:?}");
}
