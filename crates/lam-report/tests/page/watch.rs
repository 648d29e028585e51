//! A run that is watched while it goes on.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use lam_report::Watch;
use serde_json::{Value, json};

use crate::web::{get, json, settings, text, until};
use crate::{fixture, fresh};

/// A stage that trains: its record, and the folder in which it works.
fn begin_stage(run: &Path, name: &str, config: &Value) {
    let record = json!({"identity": {"kind": "phase2", "code": {}, "config": config, "seed": 1, "inputs": {}},
        "started_at": 1_767_607_200, "elapsed_s": 0.0, "error": null, "refused_its_input": false});
    fs::create_dir_all(run.join(format!("{name}.partial/training"))).unwrap();
    fs::write(run.join(format!("{name}.attempt.json")), record.to_string()).unwrap();
}

/// Holds the lock of a run, as the process does that is at it.
fn hold(run: &Path) -> fs::File {
    let lock = fs::File::create(run.join(".lock")).unwrap();
    lock.lock().unwrap();
    lock
}

fn append(file: &Path, line: &Value) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn contents(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(run)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn a_stage_is_seen_as_it_trains_and_its_result_when_it_is_there() {
    let run = fresh("watched");
    begin_stage(&run, "base", &json!({"train": {"num_train_epochs": 1.0, "max_steps": 40, "max_tokens": 0}}));
    let lock = hold(&run);
    fs::write(run.join("events.jsonl"), "").unwrap();
    append(&run.join("events.jsonl"), &json!({"at": 1_767_607_199, "stage": "", "event": "run", "stages": []}));
    append(&run.join("events.jsonl"), &json!({"at": 1_767_607_200, "stage": "base", "event": "started"}));
    let metrics = run.join("base.partial/training/metrics.jsonl");
    let row =
        |step: u64| json!({"global_step": step, "epoch": 0.1, "num_tokens": 100 * step, "loss": 3.0 / step as f64});
    (1..=10).for_each(|step| append(&metrics, &row(step)));
    let watch = Watch::start(&run, settings()).unwrap();
    let address = watch.address();

    let page = text(address, "/");
    for words in ["id=\"live\"", "base", "25 %", "10 of 40", "No online evaluation has completed yet"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<b></b>"), "what is of no stage is not told as one's");
    assert!(!page.contains("http://") && !page.contains("https://"), "it loads nothing from elsewhere");
    let first = until(address, "/state", |state| state["live"].as_str().unwrap().contains("0.300"));
    assert_eq!(first["title"], "25 % base · watched");
    let seen = format!("/state?seen={}", first["version"]);
    assert_eq!(get(address, &seen).0, 204, "nothing is new");

    (11..=20).for_each(|step| append(&metrics, &row(step)));
    let moved = until(address, "/state", |state| state["live"].as_str().unwrap().contains("20 of 40"));
    let live = moved["live"].as_str().unwrap();
    assert!(live.contains("tokens/s") && live.contains("left of this stage") && live.contains("<svg"), "{live}");
    assert_eq!(moved["report"], first["report"], "no stage has finished");

    // Another process may have the number of one that is gone: only the lock says that the run goes on.
    fs::write(run.join(".lock"), std::process::id().to_string()).unwrap();
    drop(lock);
    let stopped = until(address, "/state", |state| state["live"].as_str().unwrap().contains("its run has stopped"));
    assert!(!stopped["live"].as_str().unwrap().contains("left of this stage"), "{stopped}");

    let before = contents(&run);
    fs::remove_dir_all(run.join("base.partial")).unwrap();
    fs::remove_file(run.join("base.attempt.json")).unwrap();
    fixture::write_run(&run, 42, 0.0);
    let over = until(address, "/state", |state| state["report"] != first["report"]);
    assert!(over["live"].as_str().unwrap().contains("No stage is under way"), "{over}");
    // The files appear one by one: the page is made again until all are there.
    let patience = Instant::now() + Duration::from_secs(60);
    while !text(address, "/").contains("LAM4 completes") {
        assert!(Instant::now() < patience, "the report does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(before.len() - 1, contents(&run).len(), "the watcher writes nothing");
}

#[test]
fn episodes_are_counted_against_the_settings() {
    let run = fresh("playing");
    begin_stage(&run, "eval-online", &json!({"seen": 6, "unseen": 2, "environment": "sim"}));
    let journal = run.join("eval-online.partial/LAM2.journal.jsonl");
    append(&journal, &json!({"format": 1, "policy": {"name": "LAM2"}, "limits": {}, "seed": 1}));
    append(&journal, &json!({"repeated": true, "trajectory": {}}));
    (0..4).for_each(|_| append(&journal, &json!({"repeated": false, "trajectory": {}})));
    let watch = Watch::start(&run, settings()).unwrap();
    let state = json(watch.address(), "/state");
    let live = state["live"].as_str().unwrap();
    assert!(live.contains("4 of 8") && live.contains("50 %"), "{live}");
}

#[test]
fn what_a_stage_tells_of_itself_comes_before_what_its_files_say() {
    let run = fresh("telling");
    begin_stage(&run, "eval-online", &json!({"seen": 6, "unseen": 2}));
    let journal = run.join("eval-online.partial/LAM2.journal.jsonl");
    append(&journal, &json!({"format": 1, "policy": {"name": "LAM2"}, "limits": {}, "seed": 1}));
    (0..4).for_each(|_| append(&journal, &json!({"repeated": false, "trajectory": {}})));
    let tell = |stage: &str, what: &str| {
        let told = json!({"stage": stage, "began_at": 30.0, "told_at": 60.0, "what": what, "done": 30, "total": 120,
            "message": "", "first": [10, 40.0]});
        fs::write(run.join("progress.json"), told.to_string()).unwrap();
    };
    tell("eval-online", "plans of LAM2");
    let lock = hold(&run);
    let watch = Watch::start(&run, settings()).unwrap();
    let address = watch.address();
    let live = json(address, "/state")["live"].as_str().unwrap().to_owned();
    for words in ["plans of LAM2", "30 of 120", "25 %", "left of this stage", "plans of LAM2 a second"] {
        assert!(live.contains(words), "{words}: {live}");
    }
    // What is told of another stage, or between two parts of the work, is not how far this one is.
    for (stage, what) in [("lam2", "train"), ("eval-online", "")] {
        tell(stage, what);
        until(address, "/state", |state| state["live"].as_str().unwrap().contains("4 of 8"));
        tell("eval-online", "plans of LAM2");
        until(address, "/state", |state| state["live"].as_str().unwrap().contains("30 of 120"));
    }
    drop(lock);
    until(address, "/state", |state| state["live"].as_str().unwrap().contains("4 of 8"));
}

#[test]
fn what_failed_is_told() {
    let run = fresh("failed");
    begin_stage(&run, "lam2", &json!({}));
    let record = run.join("lam2.attempt.json");
    let text = fs::read_to_string(&record).unwrap().replace("\"error\":null", "\"error\":\"no <data>\"");
    fs::write(&record, text).unwrap();
    let watch = Watch::start(&run, settings()).unwrap();
    let live = json(watch.address(), "/state")["live"].as_str().unwrap().to_owned();
    assert!(live.contains("failed: no &lt;data&gt;"), "{live}");
}

/// A pipe in the place of a table takes as long to read as the test wants.
#[cfg(unix)]
#[test]
fn the_page_is_there_before_what_is_long_to_read() {
    let run = fresh("long-to-read");
    fixture::write_run(&run, 42, 0.0);
    let slow = run.join("eval-plan/planning.json");
    let table = fs::read(&slow).unwrap();
    fs::remove_file(&slow).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let (started, is_started) = std::sync::mpsc::channel();
    let directory = run.clone();
    std::thread::spawn(move || started.send(Watch::start(&directory, settings())));
    let watch = is_started.recv_timeout(Duration::from_secs(60)).expect("nothing long is waited for").unwrap();
    let page = text(watch.address(), "/");
    assert!(page.contains("is being read") && !page.contains("LAM4 completes"), "{page}");
    let first = json(watch.address(), "/state");

    // A port that is taken is told as soon.
    let taken = lam_http_server::SiteSettings { port: watch.address().port(), ..settings() };
    let error = Watch::start(&run, taken).err().unwrap().to_string();
    assert!(error.contains("cannot listen") && error.contains("hint: choose another --port"), "{error}");

    fs::write(&slow, table).unwrap();
    let read = until(watch.address(), "/state", |state| state["report"] != first["report"]);
    assert!(!read["live"].as_str().unwrap().contains("is being read"), "{read}");
    let page = text(watch.address(), "/");
    assert!(page.contains("LAM4 completes") && !page.contains("is being read"));
}

#[test]
fn what_cannot_be_read_is_told_on_the_page() {
    let run = fresh("unreadable");
    fixture::write_run(&run, 42, 0.0);
    fs::write(run.join("eval-plan/planning.json"), "{").unwrap();
    let watch = Watch::start(&run, settings()).unwrap();
    let told = |state: &Value| state["live"].as_str().unwrap().contains("There is no report: ");
    assert!(until(watch.address(), "/state", told)["live"].as_str().unwrap().contains("planning.json"));
}

#[test]
fn a_directory_that_holds_no_run_is_not_watched() {
    for run in [fresh("nothing"), fresh("nothing").join("not/there")] {
        let error = Watch::start(&run, settings()).err().unwrap().to_string();
        assert!(error.contains("holds no run") && error.contains("hint:"), "{error}");
    }
}
