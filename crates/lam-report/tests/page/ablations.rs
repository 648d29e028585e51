//! Reports of runs that compare models within a phase: by which rows, against what, over seeds; what LAM4 was trained
//! on by each method; rounds of exploration.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lam_store::{InputRef, MANIFEST_VERSION, Manifest, file_name_of, write_trajectories};
use lam_types::{Complete, Trajectory};
use serde_json::{Value, json};

use crate::fixture::hash;
use crate::{build, episodes, fresh};

/// A stage with its manifest: name, kind, inputs by role, settings, metrics.
struct Made<'a>(&'a str, &'a str, &'a [(&'a str, &'a str)], Value, Value);

impl Made<'_> {
    fn write(&self, root: &Path, seed: u64) {
        let Self(name, kind, parents, config, metrics) = self;
        let mut inputs: BTreeMap<String, Vec<InputRef>> = BTreeMap::new();
        for (role, stage) in *parents {
            // The path of a seed's stage begins with the directory of the seed.
            let own = stage.rsplit('/').next().unwrap();
            let input = InputRef { stage: Some(own.into()), path: (*stage).into(), hash: hash(own) };
            inputs.entry((*role).into()).or_default().push(input);
        }
        let directory = root.join(name);
        fs::create_dir_all(&directory).unwrap();
        let manifest = Manifest {
            format_version: MANIFEST_VERSION,
            producer: "lam-train 0.1.0".into(),
            pipeline: "ablations".into(),
            stage: (*name).into(),
            kind: (*kind).into(),
            seed,
            code: BTreeMap::new(),
            config: config.clone(),
            config_hash: hash(kind),
            inputs,
            fingerprint: hash(name),
            output_hash: hash(name),
            files: vec![],
            metrics: metrics.clone(),
            started_at: 1_767_607_200,
            duration_s: 1.0,
            arithmetic: String::new(),
            reused_from: None,
        };
        manifest.write(&directory).unwrap();
    }
}

/// Models, their rows, and how many of 40 tasks each solves: always the first ones, `more` counted in where it is LAM4's.
fn solved(more: u64) -> [(&'static str, &'static str, u64); 6] {
    [
        ("lam2", "LAM2", 20),
        ("lam3", "LAM3 (RUN, lam3)", 30),
        ("lam3-tries", "LAM3 (RUN, lam3-tries)", 24),
        ("lam3-more", "LAM3 (RUN, lam3-more)", 32),
        ("lam4-rft", "LAM4 (RUN, lam4-rft)", 33 + more),
        ("lam4-dpo", "LAM4 (RUN, lam4-dpo)", 31),
    ]
}

fn write_run(root: &Path, seed: u64, more: u64) {
    let none = || json!({});
    let imitated = json!({"attempts": 640, "imitated": {"tasks": 40, "successes": 96}, "examples": 311});
    let preferred = json!({"attempts": 640, "preferences": {"forks": 80, "pairs": 57}, "imitated": {"successes": 96}});
    let models: Vec<(&str, &str)> = solved(more).iter().map(|(stage, ..)| ("models", *stage)).collect();
    for made in [
        Made("lam2", "phase2", &[], none(), none()),
        Made("explore", "phase3.explore", &[("model", "lam2")], json!({"ways": ["tries", "plans"]}), none()),
        Made("explore-tries", "phase3.explore", &[("model", "lam2")], json!({"ways": ["tries"]}), none()),
        Made("lam3", "phase3.train", &[("model", "lam2"), ("trajectories", "explore")], none(), none()),
        Made("lam3-tries", "phase3.train", &[("model", "lam2"), ("trajectories", "explore-tries")], none(), none()),
        Made("lam3-more", "phase3.train", &[("model", "lam3"), ("trajectories", "explore")], none(), none()),
        Made("lam4-rft", "phase4.policy", &[("model", "lam3")], json!({"method": "rft"}), imitated),
        Made("lam4-dpo", "phase4.policy", &[("model", "lam3")], json!({"method": "dpo"}), preferred),
        Made("eval", "eval.online", &models, json!({"split": "test"}), none()),
    ] {
        made.write(root, seed);
    }
    let run = root.file_name().unwrap().to_string_lossy();
    let mut rows = serde_json::Map::new();
    for (_, row, count) in solved(more) {
        write_row(&root.join("eval"), &row.replace("RUN", &run), count, &mut rows);
    }
    fs::write(root.join("eval/tables.json"), json!({ "online": rows }).to_string()).unwrap();
}

/// A model's episodes at 40 tasks, of which it solves the first ones, and its row.
fn write_row(place: &Path, row: &str, count: u64, rows: &mut serde_json::Map<String, Value>) {
    let of_task = |number: u64| -> Trajectory {
        let mut episode = episodes::trajectory(number, row);
        episode.verdict.complete = if number < count { Complete::Yes } else { Complete::No };
        episode
    };
    let episodes: Vec<Trajectory> = (0..40).map(of_task).collect();
    fs::create_dir_all(place).unwrap();
    write_trajectories(&place.join(format!("{}.parquet", file_name_of(row))), &episodes).unwrap();
    let rate = 2.5 * count as f64;
    let tsr = json!({"value": rate, "ci95": [rate - 9.0, rate + 9.0], "n": 40});
    rows.insert(row.to_owned(), json!({"tsr": tsr, "tasks": 40}));
}

/// The row of a stage in a report's only table.
fn row<'f>(figures: &'f Value, stage: &str) -> &'f Value {
    let groups = figures["ablations"][0]["groups"].as_array().unwrap();
    let mut rows = groups.iter().flat_map(|group| group["rows"].as_array().unwrap());
    rows.find(|row| row["stage"] == stage).unwrap()
}

#[test]
fn each_model_is_held_against_its_parent_and_phase_4_against_more_of_phase_3() {
    let root = fresh("ablations");
    write_run(&root, 42, 3);
    let (page, figures) = build(&root);
    let groups = figures["ablations"][0]["groups"].as_array().unwrap();
    let told: Vec<(u64, Value)> =
        groups.iter().map(|group| (group["phase"].as_u64().unwrap(), group["reference"].clone())).collect();
    assert_eq!(told, [(2, Value::Null), (3, "lam3".into()), (4, "lam3-more".into())]);
    assert_eq!(
        (&row(&figures, "lam3")["by"], &row(&figures, "lam3-tries")["by"]),
        (&"tries, plans".into(), &"tries".into())
    );

    let rft = row(&figures, "lam4-rft");
    assert_eq!((&rft["by"], &rft["tsr"]["value"]), (&"rft".into(), &90.0.into()));
    let (parent, baseline) = (&rft["from_parent"], &rft["from_reference"]);
    assert_eq!((&parent["than"], &parent["won"], &parent["lost"]), (&"lam3".into(), &6.into(), &0.into()));
    assert_eq!((&baseline["than"], &baseline["points"]["value"]), (&"lam3-more".into(), &10.0.into()));
    let ends: Vec<f64> =
        baseline["points"]["ci95"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    assert!(ends[0] < 10.0 && ends[1] > 10.0, "{ends:?}");
    assert_eq!(row(&figures, "lam3-tries")["from_reference"]["points"]["value"], -15.0);
    assert_eq!(row(&figures, "lam3-more")["from_reference"], Value::Null, "it is the reference");
    for words in
        ["<h2>Ablations</h2>", "Phase 4", "reference: lam3-more", "against lam3-more, +4 / −0 tasks", "more of phase 3"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("each with its own name") && !page.contains("LAM2 completes"), "LAM4 is several models here");
}

#[test]
fn stages_that_ran_once_stand_beside_the_means_over_seeds() {
    let root = fresh("once");
    for (seed, more) in [(1, 1), (2, 3)] {
        write_run(&root.join(format!("seed-{seed}")), seed, more);
    }
    let models = [("models", "seed-1/lam3"), ("models", "seed-2/lam3")];
    Made("eval-once", "eval.online", &models, json!({"split": "test"}), json!({})).write(&root, 42);
    let row = |rate: f64| json!({"tsr": {"value": rate, "ci95": [rate - 9.0, rate + 9.0], "n": 40}, "tasks": 40});
    let rows = json!({"LAM3 (seed-1, lam3)": row(71.0), "LAM2": row(11.0)});
    fs::write(root.join("eval-once/tables.json"), json!({ "online": rows }).to_string()).unwrap();
    let (page, figures) = build(&root);
    let tsr = |row: &str| &figures["tables"]["online"][row]["tsr"];
    assert_eq!((&tsr("LAM2")["n"], &tsr("LAM2 (eval-once)")["value"]), (&2.into(), &11.0.into()));
    assert_eq!(tsr("LAM3 (seed-1, lam3)")["value"], 71.0);
    assert!(page.contains("Those of eval-once, which ran once, are over test tasks."));
    let text = lam_report::tables_text(&root).unwrap();
    let (over_seeds, once) = text.split_once("with 95 % intervals\n").unwrap();
    assert!(
        over_seeds.contains("over 2 seeds") && once.contains("LAM2 (eval-once)") && !once.contains("lam4"),
        "{text}"
    );
    let compared = lam_report::compare(&[root.clone(), root.clone()]).unwrap();
    assert!(compared.tables[0].rows.iter().any(|row| row.model == "LAM2 (eval-once)"));

    // Once one seed's model is made anew, the evaluation of all is not of it.
    let path = root.join("seed-2/lam3/manifest.json");
    let manifest = fs::read_to_string(&path).unwrap().replace(&hash("lam3"), &hash("another"));
    fs::write(&path, manifest).unwrap();
    let (_, figures) = build(&root);
    let stale = figures["stale"].as_array().unwrap();
    assert!(stale.contains(&json!({"stage": "eval-once", "changed": "seed-2/lam3"})), "{stale:?}");
    assert_eq!(figures["tables"]["online"]["LAM2 (eval-once)"], Value::Null);
}

/// A test set that is too large for each seed's own run, say, or models of all seeds at tasks that none was chosen by.
#[test]
fn an_evaluation_beside_the_seeds_compares_the_models_of_each() {
    let root = fresh("ablations-once");
    let mut rows = serde_json::Map::new();
    let mut models = Vec::new();
    for (seed, count) in [(1, 30), (2, 34)] {
        let run = root.join(format!("seed-{seed}"));
        write_run(&run, seed, 1);
        fs::remove_dir_all(run.join("eval")).unwrap();
        for (stage, solved) in [("lam3", count), ("lam3-tries", 20)] {
            models.push(("models", format!("seed-{seed}/{stage}")));
            write_row(&root.join("eval-once"), &format!("LAM3 (seed-{seed}, {stage})"), solved, &mut rows);
        }
    }
    // One that was trained once, from a model of the second seed.
    Made("lam3-late", "phase3.train", &[("model", "seed-2/lam2")], json!({}), json!({})).write(&root, 42);
    models.push(("models", "lam3-late".to_owned()));
    write_row(&root.join("eval-once"), "LAM3 (ablations-once, lam3-late)", 38, &mut rows);
    let models: Vec<(&str, &str)> = models.iter().map(|(role, path)| (*role, path.as_str())).collect();
    Made("eval-once", "eval.online", &models, json!({"split": "test"}), json!({})).write(&root, 42);
    fs::write(root.join("eval-once/tables.json"), json!({ "online": rows }).to_string()).unwrap();

    let (page, figures) = build(&root);
    assert_eq!(figures["ablations"][0]["stage"], "eval-once");
    assert_eq!((&row(&figures, "lam3")["tsr"]["value"], &row(&figures, "lam3")["tsr"]["n"]), (&80.0.into(), &2.into()));
    let tries = &row(&figures, "lam3-tries")["from_reference"];
    assert_eq!(
        (&tries["points"]["value"], &tries["points"]["n"], &tries["lost"]),
        (&(-30.0).into(), &2.into(), &24.into())
    );
    let late = row(&figures, "lam3-late");
    assert_eq!((&late["tsr"]["value"], &late["tsr"]["n"]), (&95.0.into(), &40.into()));
    assert_eq!((&late["from_reference"]["points"]["value"], &late["from_reference"]["won"]), (&10.0.into(), &4.into()));
    assert!(page.contains("<h3>eval-once, test tasks</h3>"));
}

#[test]
fn what_ran_beside_one_seed_is_of_the_run() {
    let root = fresh("beside-one-seed");
    write_run(&root.join("seed-2"), 2, 1);
    fs::remove_dir_all(root.join("seed-2/eval")).unwrap();
    Made("eval-once", "eval.online", &[("models", "seed-2/lam3")], json!({}), json!({})).write(&root, 42);
    fs::write(root.join("eval-once/tables.json"), json!({ "online": {"LAM3": {"tsr": 71.0}} }).to_string()).unwrap();
    let (page, figures) = build(&root);
    assert_eq!(figures["tables"]["online"]["LAM3"]["tsr"]["value"], 71.0);
    assert!(!figures["missing"].as_array().unwrap().contains(&"online".into()));
    assert!(page.contains("LAM3 completes <strong>71.0 %</strong>"));
    assert!(lam_report::tables_text(&root).unwrap().contains("71.0"));
}

#[test]
fn over_seeds_differences_are_means_and_a_model_has_one_row() {
    let root = fresh("ablations-seeds");
    for (seed, more) in [(1, 1), (2, 3), (3, 5)] {
        write_run(&root.join(format!("seed-{seed}")), seed, more);
    }
    let (page, figures) = build(&root);
    let rft = row(&figures, "lam4-rft");
    assert_eq!((&rft["tsr"]["value"], &rft["tsr"]["n"]), (&90.0.into(), &3.into()));
    let baseline = &rft["from_reference"];
    assert_eq!(
        (&baseline["points"]["value"], &baseline["won"], &baseline["lost"]),
        (&10.0.into(), &12.into(), &0.into())
    );
    // python: scipy.stats.t.interval(0.95, 2, loc=10, scale=scipy.stats.sem([5, 10, 15]))
    let ends: Vec<f64> =
        baseline["points"]["ci95"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    assert!((ends[0] + 2.42).abs() < 0.01 && (ends[1] - 22.42).abs() < 0.01, "{ends:?}");
    let online = figures["tables"]["online"].as_object().unwrap();
    assert_eq!(online.len(), 6, "{:?}", online.keys());
    assert_eq!(online["LAM3 (lam3-tries)"]["tsr"]["n"], 3);
    assert!(page.contains("over seeds (Student’s)"));
}

#[test]
fn what_lam4_was_trained_on_is_told_by_its_method() {
    let root = fresh("methods");
    write_run(&root, 42, 3);
    let (page, figures) = build(&root);
    let models = &figures["tables"]["training_data"]["models"];
    assert_eq!(models["LAM4 (lam4-rft)"], json!({"count": 96, "unit": "trajectories", "method": "rft"}));
    assert_eq!(models["LAM4 (lam4-dpo)"], json!({"count": 57, "unit": "pairs of calls", "method": "dpo"}));
    let names: Vec<&String> = models.as_object().unwrap().keys().collect();
    assert!(names.ends_with(&[&"LAM4 (lam4-dpo)".to_owned(), &"LAM4 (lam4-rft)".to_owned()]), "{names:?}");
    assert!(page.contains("LAM3’s own successes") && page.contains("state → the better of two actions"));
    fs::remove_dir_all(root.join("lam4-rft")).unwrap();
    fs::remove_dir_all(root.join("eval")).unwrap();
    let (page, figures) = build(&root);
    assert_eq!(figures["tables"]["training_data"]["models"]["LAM4"]["unit"], "pairs of calls");
    assert_eq!(figures["ablations"], json!([]));
    assert!(!page.contains("<h2>Ablations</h2>"));
}

#[test]
fn rounds_of_exploration_are_told_with_their_price() {
    let root = fresh("rounds");
    write_run(&root, 42, 3);
    let round = |round: u64, open: u64, solved: u64, is_fruitless: bool| {
        json!({"round": round, "model": format!("LAM{}", round + 1), "open": open, "solved": solved, "episodes": 4 * open,
            "model_tokens": 4000 * open, "min_new_share": 0.05, "is_fruitless": is_fruitless})
    };
    let coverage = json!({"tasks": 100, "solved": 42, "earlier": 40, "ways": [], "controls": {}, "examples": [],
        "rounds": [round(1, 100, 40, false), round(2, 60, 2, true)],
        "families": {"bold": {"tasks": 100, "earlier": 40, "solved": {"tries": 2}}}});
    fs::write(root.join("explore-tries/coverage.json"), coverage.to_string()).unwrap();
    let note =
        json!({"passed_on": "lam3", "note": "not trained, lam3 is passed on: round 2 brought 2 of 60 open tasks"});
    Made("lam3-tries", "phase3.train", &[("model", "lam2")], json!({}), note).write(&root, 42);
    let (page, figures) = build(&root);
    assert_eq!(figures["coverage"][0]["rounds"][1]["is_fruitless"], true);
    for words in
        ["42 of 100 tasks solved (42.0 %), 40 of them before", "no: below 5.0 %", "120,000", "lam3 is passed on"]
    {
        assert!(page.contains(words), "{words}");
    }
}
