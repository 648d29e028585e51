//! Directories that lam-train did not make are neither removed nor written into, nor is what it reads; and what it made
//! stays until somebody says that it may go.

use std::path::Path;

use crate::support::{Place, contents, trained};

/// A command with this output directory, which must be refused as it stands.
#[track_caller]
fn refused(place: &Place, args: &[&str], output: &str, words: &[&str]) {
    let before = contents(&place.path(output));
    let args = [args, &["--output-dir", output]].concat();
    place.refuse(&args, 2, words);
    assert_eq!(contents(&place.path(output)), before, "{args:?}");
}

fn letter(place: &Place, directory: &str) {
    std::fs::create_dir_all(place.path(directory)).expect("writable");
    place.write(&format!("{directory}/letter"), "mine");
}

#[test]
fn directories_of_others_stay_as_they_are() {
    let place = Place::new("not-ours");
    place.write("one.toml", "[train]\nmax_tokens = 600\n");
    place.write("records.jsonl", "{\"instruction\": \"a\", \"output\": \"1. b\"}\n");
    let (model, plans, lam4) = (trained().stage("base"), trained().stage("plans"), trained().stage("lam4"));
    let run = trained().path("runs/miniature").display().to_string();
    let phase = ["phase1", "-c", "one.toml", "--model", &model, "--data", &plans];
    letter(&place, "mine");
    letter(&place, "nested/lam1");
    letter(&place, "nested/trajectories");
    letter(&place, "nested/plans");
    letter(&place, "nested/eval-online");
    let words = ["mine: not a directory that lam-train made, and not empty", "hint: choose another directory"];
    let commands: [&[&str]; 9] = [
        &["export", "merged", "--model", &lam4],
        &["export", "merged", "--force", "--model", &lam4],
        &phase,
        &["data", "collect", "--set", "trajectories.tasks=2"],
        &["data", "build"],
        &["data", "import", "alpaca", "records.jsonl"],
        &["eval", "online", "--set", "seen=1"],
        &["model", "init", "nano-1m"],
        &["report", &run],
    ];
    for command in commands {
        refused(&place, command, "mine", &words);
    }
    for command in [&phase[..], commands[3], commands[4], commands[6]] {
        refused(&place, command, "nested", &["nested", "not a directory that lam-train made"]);
        refused(&place, &[command, &["--force"][..]].concat(), "nested", &["not a directory that lam-train made"]);
    }
    place.write("named.toml", "name = \"mine\"\n[[stage]]\nname = \"plans\"\nkind = \"plans\"\n");
    place.refuse(&["run", "named.toml", "--runs-dir", "."], 2, &words);
    assert_eq!(std::fs::read_to_string(place.path("mine/letter")).expect("it is there"), "mine");
}

#[test]
fn what_is_read_is_not_written_over() {
    let place = Place::new("read");
    place.write("one.toml", "[train]\nmax_tokens = 600\n");
    let copy = |name: &str| {
        std::fs::create_dir_all(place.path(name)).expect("writable");
        for entry in Path::new(&trained().stage("base")).read_dir().expect("readable").flatten() {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), place.path(name).join(entry.file_name())).expect("writable");
            }
        }
    };
    copy("runs/mine/lam1");
    copy("runs/model");
    let plans = trained().stage("plans");
    let phase =
        |model: &'static str| ["phase1", "-c", "one.toml", "--model", model, "--data", &plans].map(str::to_owned);
    for (model, output) in [("runs/mine/lam1", "runs/mine"), ("runs/model", "runs/model/below")] {
        let args = phase(model);
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["--output-dir", output]).collect();
        let before = contents(&place.path(model));
        place.refuse(
            &args,
            2,
            &["the result of stage `lam1` would lie in", "which is read", "hint: write into another"],
        );
        assert_eq!(contents(&place.path(model)), before);
    }
    place.write("file", "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", place.path("dangling")).expect("a file system with links");
    for output in [
        "file/below",
        "file",
        #[cfg(unix)]
        "dangling",
    ] {
        place.refuse(&["export", "merged", "--model", "runs/model", "--output-dir", output], 2, &["hint:", output]);
    }
    for output in ["runs/model", "runs/model/below", "runs"] {
        place.refuse(&["export", "merged", "--model", "runs/model", "--output-dir", output], 2, &["hint: choose"]);
    }
}

#[test]
fn finished_results_are_replaced_by_force_only() {
    let place = Place::new("standing");
    let collect = |set: &'static str| ["data", "collect", "--set", set, "--output-dir", "runs/c"];
    place.succeed(&collect("trajectories.tasks=2"));
    let first = contents(&place.path("runs/c/trajectories"));
    place.succeed(&collect("trajectories.tasks=2"));
    let words =
        ["finished results were made otherwise", "trajectories.tasks 2 → 3", "hint: replace them with `--force"];
    place.refuse(&collect("trajectories.tasks=3"), 4, &words);
    place.refuse(&[&collect("trajectories.tasks=2")[..], &["--seed", "7"]].concat(), 4, &["seed changed: 42 → 7"]);
    assert_eq!(contents(&place.path("runs/c/trajectories")), first);
    place.succeed(&[&collect("trajectories.tasks=3")[..], &["--force", "trajectories"]].concat());
    place.succeed(&[&collect("trajectories.tasks=2")[..], &["--force"]].concat());
    assert_eq!(contents(&place.path("runs/c/trajectories")), first);

    let export = ["export", "merged", "--model", &trained().stage("lam4"), "--output-dir", "exported"];
    place.succeed(&export);
    place.refuse(
        &export,
        4,
        &["exported: holds an earlier result, which would be lost", "hint: replace it with `--force`"],
    );
    place.succeed(&[&export[..], &["--force"]].concat());
}

#[test]
fn a_directory_does_not_hide_an_embedded_pipeline() {
    let place = Place::new("hidden");
    letter(&place, "quickstart");
    let plan = place.succeed(&["plan", "quickstart"]).stdout;
    assert!(plan.contains("lam4 "), "{plan}");
    let words = ["`../../x` cannot be a pipeline's name", "hint: use letters"];
    place.refuse(&["plan", "quickstart", "--set", "name=../../x"], 2, &words);
    place.refuse(&["plan", "quickstart", "--runs-dir", "."], 2, &["quickstart: not a directory that lam-train made"]);
    // `.` is the folder one stands in.
    std::fs::create_dir(place.path("here")).expect("writable");
    let mut collect = place.command(&["data", "collect", "--set", "trajectories.tasks=1", "--output-dir", "."]);
    assert!(collect.current_dir(place.path("here")).output().expect("lam-train starts").status.success());
    assert!(place.path("here/trajectories/manifest.json").exists());
}
