//! What people read: help, plan, status, graph.

use crate::support::{Place, trained};

#[test]
fn help_says_what_the_tool_does_and_where_to_start() {
    let help = Place::new("help").succeed(&["--help"]).stdout;
    assert!(help.starts_with("Trains Large Action Models"), "{help}");
    for words in [
        "run ",
        "clean ",
        "phase1 ",
        "phase4 ",
        "push ",
        "doctor ",
        "Start here:",
        "lam-train run quickstart",
        "Exit codes:",
    ] {
        assert!(help.contains(words), "no `{words}` in:\n{help}");
    }
    let bare = Place::new("bare").run(&[]);
    assert_eq!(bare.code, 2);
    assert!(bare.stderr.contains("Usage: lam-train"), "{}", bare.stderr);
}

#[test]
fn a_plan_says_what_runs_and_why() {
    let place = Place::new("planned");
    let plan = place.succeed(&["plan", "miniature.toml", "--runs-dir", "runs"]).stdout;
    assert!(plan.contains("plans        run             new\n"), "{plan}");
    assert!(plan.contains("lam4         run             new; after explore, lam3, reward\n"), "{plan}");
    assert!(!place.path("runs").exists(), "a plan writes nothing");
    let dry = place.succeed(&["run", "miniature.toml", "--runs-dir", "runs", "--dry-run"]).stdout;
    assert_eq!(dry, plan);
}

#[test]
fn a_changed_setting_is_named_in_the_plan() {
    let place = trained();
    let changed = ["plan", "miniature.toml", "--runs-dir", "runs", "--set", "lam2.train.learning_rate=0.001"];
    let plan = place.succeed(&changed).stdout;
    assert!(plan.contains("lam1         cached          nothing changed (took "), "{plan}");
    let changed = "config changed: train.learning_rate 0.004 → 0.001; needs `--force lam2`, as its finished result";
    assert!(plan.contains(&format!("lam2         run             {changed} would be lost\n")), "{plan}");
    assert!(plan.contains("explore      run if changed  after lam2\n"), "{plan}");
}

#[test]
fn the_status_says_what_is_done_with_figures() {
    let status = trained().succeed(&["status", "miniature.toml", "--runs-dir", "runs"]).stdout;
    assert_eq!(status.lines().filter(|line| line.contains("  done  ")).count(), 14, "{status}");
    assert!(status.contains("tasks 80, successes "), "{status}");
    assert!(!status.contains("next: "), "commands to go on with are for people at a terminal: {status}");
    let waiting = Place::new("waiting").succeed(&["status", "miniature.toml", "--runs-dir", "runs"]).stdout;
    assert!(waiting.contains("lam4         waiting\n"), "{waiting}");
}

#[test]
fn the_graph_shows_what_flows_where() {
    let place = Place::new("graph");
    let graph = ["graph", "miniature.toml", "--runs-dir", "runs"];
    let text = place.succeed(&graph).stdout;
    assert!(
        text.contains("explore      phase3.explore  ← failures: expert/expert_failure.parquet, model: lam2, planner: lam1, plans: plans\n"),
        "{text}"
    );
    let mermaid = place.succeed(&[&graph[..], &["--format", "mermaid"]].concat()).stdout;
    assert!(mermaid.starts_with("flowchart TD\n") && mermaid.contains("-->|model|"), "{mermaid}");
    let told = place.succeed(&[&graph[..], &["--json"]].concat()).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).expect("one JSON value");
    let stages = told["stages"].as_array().expect("stages");
    let explore = stages.iter().find(|stage| stage["id"] == "explore").expect("it explores");
    assert_eq!((&explore["kind"], &explore["inputs"]["model"][0]), (&"phase3.explore".into(), &"lam2".into()));
    assert_eq!(told["pipeline"], "miniature");
    assert!(text.starts_with(told["drawn"].as_str().expect("a text").trim_end()), "{told}");
}

#[test]
fn json_is_one_value_on_stdout() {
    let plan = Place::new("json").succeed(&["plan", "miniature.toml", "--json"]).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("one JSON value");
    assert_eq!(plan["stages"][0]["reasons"][0]["reason"], "new");
}

#[test]
fn the_doctor_says_what_is_missing_for_a_card() {
    let place = Place::new("doctor");
    let folder = place.path("no-libraries");
    std::fs::create_dir(&folder).expect("a fresh place");
    let looked = |args: &[&str]| {
        let output = place.command(args).env("LAM_CUDA_LIBRARIES", &folder).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let value: serde_json::Value = serde_json::from_str(&looked(&["doctor", "--json"])).expect("JSON");
    assert_eq!(value["devices"], serde_json::json!(["cpu"]));
    for (part, name) in [("cublaslt", "cuBLASLt"), ("nvrtc", "NVRTC")] {
        let missing = value["cuda"][part]["missing"].as_str().expect("a text");
        assert!(missing.starts_with(&format!("no usable {name}: none of version ")), "{missing}");
        assert!(missing.contains(&folder.display().to_string()), "{missing}");
        assert!(value["cuda"][part]["hint"].as_str().is_some_and(|hint| hint.contains("scripts/fetch_cuda.sh")));
    }
    // Whether the machine has a driver or not.
    let text = looked(&["doctor"]);
    assert!(text.contains("\ncuda driver") && text.contains("\nhint "), "{text}");
}

#[test]
fn the_doctor_lists_what_is_not_installed() {
    let place = Place::new("not-installed");
    let looked = |args: &[&str]| {
        let output = place.command(args).env("PATH", place.path("tmp")).env_remove("LAM_CHROMEDRIVER").output();
        String::from_utf8(output.expect("runs").stdout).expect("UTF-8")
    };
    let value: serde_json::Value = serde_json::from_str(&looked(&["doctor", "--json"])).expect("JSON");
    let found = value["not_installed"].as_array().expect("a list");
    let of =
        |what: &str| found.iter().find(|one| one["missing"] == what).unwrap_or_else(|| panic!("{what}: {found:?}"));
    assert_eq!(of("no chromedriver on the PATH")["environments"], serde_json::json!(["web", "web-native"]));
    let every_desktop = ["desktop:writer", "desktop:mousepad", "desktop:galculator"];
    assert_eq!(of("the program `Xvfb` is not installed")["environments"], serde_json::json!(every_desktop));
    assert_eq!(of("the program `mousepad` is not installed")["environments"], serde_json::json!(["desktop:mousepad"]));
    let text = looked(&["doctor"]);
    for words in [
        "\nnot installed         no chromedriver on the PATH; web, web-native cannot be used without it\n",
        "\nhint                  scripts/setup_environments.sh installs it\n",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_doctor_says_which_instructions_are_used_and_why_others_are_not() {
    let place = Place::new("instructions");
    let looked = |level: &str| -> serde_json::Value {
        let output = place.command(&["doctor", "--json"]).env("LAM_CPU", level).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let masked = looked("baseline");
    assert_eq!(masked["instructions"], serde_json::json!([]));
    if cfg!(target_arch = "x86_64") {
        let unused = masked["instructions_unused"].as_str().expect("a text");
        assert!(unused.contains("avx2: left out by LAM_CPU=baseline; "), "{unused}");
        assert!(unused.ends_with("amx: left out by LAM_CPU=baseline"), "{unused}");
        // A name of another architecture masks nothing, and that is said.
        let foreign = looked("neon");
        let unused = foreign["instructions_unused"].as_str().expect("a text");
        assert!(unused.starts_with("neon: another kind of processor has it"), "{unused}");
    }
}
