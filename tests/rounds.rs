//! Rounds of exploration through the binary: a fruitless one ends them, and the model before it is passed on.

use serde_json::Value;

use crate::support::{Place, trained};

/// A second and a third round after the miniature's; the second must solve everything that is open.
fn pipeline(of_lam3_2: &str) -> String {
    let stage = |name: &str| format!("{:?}", trained().stage(name));
    let failures = format!("{:?}", trained().stage("expert") + "/expert_failure.parquet");
    let explore = |name: &str, model: &str, explored: &str| {
        format!(
            "[[stage]]\nname = \"{name}\"\nkind = \"phase3.explore\"\n\
             inputs = {{ model = {model}, failures = {failures}, explored = {explored} }}\n[stage.set]\nmax_tasks = 24\n\
             attempts = 1\nmax_new_tokens = 96\nmin_new_share = 1.0\nlimits = {{ max_steps = 1, parallel = 8 }}\n"
        )
    };
    format!(
        "name = \"rounds\"\n{}[[stage]]\nname = \"lam3-2\"\nkind = \"phase3.train\"\n\
         inputs = {{ model = {}, trajectories = \"explore-2/success.parquet\", {of_lam3_2} }}\n{}",
        explore("explore-2", &stage("lam3"), &stage("explore")),
        stage("lam2"),
        explore("explore-3", "\"lam3-2\"", "\"explore-2\""),
    )
}

fn metrics(place: &Place, stage: &str) -> Value {
    let path = place.path("runs/rounds").join(stage).join("manifest.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a manifest")).expect("JSON");
    manifest["metrics"].clone()
}

#[test]
fn after_a_fruitless_round_the_model_before_it_is_passed_on() {
    let place = Place::new("rounds");
    place.write("rounds.toml", &pipeline(&format!("round = \"explore-2\", previous = {:?}", trained().stage("lam3"))));
    place.succeed(&["run", "rounds.toml", "--runs-dir", "runs"]);
    let (second, third) = (metrics(&place, "explore-2"), metrics(&place, "explore-3"));
    let said = second["note"].as_str().unwrap_or_default();
    assert!(said.contains("less than the 100.0 % of `min_new_share`"), "{second:#}");
    assert!(second["tasks_solved_before"].as_u64() > Some(0), "{second:#}");
    assert_eq!((&third["episodes"], &third["tasks_solved"]), (&0.into(), &second["tasks_solved"]));

    let weights = |path: String| std::fs::read(path + "/model.safetensors").expect("a model");
    let passed_on = place.path("runs/rounds/lam3-2");
    assert!(weights(passed_on.display().to_string()) == weights(trained().stage("lam3")));
    assert!(!passed_on.join("training").exists(), "nothing was trained");
    let status = place.succeed(&["status", "rounds.toml", "--runs-dir", "runs"]).stdout;
    assert!(
        status.contains("not trained, lam3 is passed on: ") && status.contains("nothing was explored: "),
        "{status}"
    );
}

#[test]
fn a_round_needs_a_model_to_pass_on_and_one_model_a_round() {
    let place = Place::new("rounds-refused");
    let refuse = |inputs: &str, words: &[&str]| {
        place.write("rounds.toml", &pipeline(inputs));
        place.refuse(&["plan", "rounds.toml", "--runs-dir", "runs"], 2, words);
    };
    let both = "round = \"explore-2\", previous = \"explore-2\"";
    refuse("round = \"explore-2\"", &["needs the input `previous`", "name both, or neither"]);
    refuse("previous = \"explore-2\"", &["needs the input `round`", "hint: "]);
    place.write("rounds.toml", &pipeline(both).replace("phase3.train", "phase2"));
    place.refuse(&["plan", "rounds.toml", "--runs-dir", "runs"], 2, &["takes no input `previous`"]);
    place.write("rounds.toml", &pipeline(both).replace("explored = ", "explore = "));
    place.refuse(&["plan", "rounds.toml", "--runs-dir", "runs"], 2, &["did you mean `explored`?"]);
}
