//! Failures, requests to stop, kills: what was done is kept, and the next run resumes.

use std::fs;
use std::process::Command;

use lam_pipeline::{NoView, RunOptions, StageState, plan, run, status};
use lam_signal::Cancel;
use lam_store::hash_path;

use crate::fakes::{CHAIN, Fuse, chain, names};

const KILLED_IN: &str = "LAM_PIPELINE_TEST_KILLED_IN";

#[test]
fn a_failed_stage_goes_on_from_its_unfinished_work() {
    let place = chain();
    place.light(Some((2, Fuse::Fail)));
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 3);
    assert_eq!(
        text,
        "stage `c`: the data are bad\n\
         its unfinished work is kept in runs/chain/c.partial; the next run goes on from there"
    );
    let pipeline = place.load(&[]).unwrap();
    let now = status(&pipeline, &place.path("runs")).unwrap();
    assert_eq!((now.stages[0].state, now.stages[2].state), (StageState::Done, StageState::Failed));
    assert!(now.to_text().ends_with("the data are bad\n"), "{}", now.to_text());
    let lines = plan(&pipeline, &place.registry(), &place.options()).unwrap().to_text();
    assert!(lines.ends_with("c  run             new; goes on where it stopped\n"), "{lines}");

    place.light(None);
    place.ran();
    place.run(&[]).unwrap();
    assert_eq!(place.ran(), ["c+"]);
    let left: Vec<String> = names(&place.path("runs/chain"));
    assert_eq!(left, [".lock", "a", "b", "c", "events.jsonl"]);
    assert_eq!(status(&pipeline, &place.path("runs")).unwrap().stages[2].state, StageState::Done);
}

#[test]
fn a_panic_is_a_failure_of_the_stage() {
    let place = chain();
    place.light(Some((1, Fuse::Panic)));
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 1);
    assert!(text.starts_with("stage `c`: the stage panicked: unit 1 is impossible"), "{text}");
}

#[test]
fn unfinished_work_of_another_configuration_is_not_used() {
    let place = chain();
    place.light(Some((2, Fuse::Fail)));
    place.run(&[]).unwrap_err();
    place.light(None);
    place.ran();
    let lines = plan(&place.load(&["c.units=3"]).unwrap(), &place.registry(), &place.options()).unwrap().to_text();
    assert!(lines.ends_with("new; its unfinished work no longer fits and is made again\n"), "{lines}");
    place.run(&["c.units=3"]).unwrap();
    assert_eq!(place.ran(), ["c"]);
    assert!(!place.path("runs/chain/c/unit-3").exists());
}

#[test]
fn interrupted_work_is_not_thrown_away_because_a_setting_changed() {
    let place = chain();
    place.light(Some((2, Fuse::Cancel)));
    place.run(&[]).unwrap_err();
    place.light(None);
    place.ran();
    let (code, text) = place.refusal(place.run(&["c.units=3"]));
    assert_eq!(code, 4);
    assert_eq!(
        text,
        "stage `c`: its unfinished work was made otherwise: config changed: units (default) → 3\n\
         hint: undo the change, or start the stage over with `--force c` (a phase: `--resume never`)\n\
         its unfinished work is kept in runs/chain/c.partial; the next run goes on from there"
    );
    let lines = plan(&place.load(&["c.units=3"]).unwrap(), &place.registry(), &place.options()).unwrap().to_text();
    assert!(lines.contains("refused, as its unfinished work was made otherwise (config changed: units"), "{lines}");
    assert!(place.ran().is_empty());

    let force = RunOptions { force: vec!["c".into()], ..place.options() };
    run(&place.load(&["c.units=3"]).unwrap(), &place.registry(), &force, &NoView).unwrap();
    assert_eq!(place.ran(), ["c"]);
}

#[test]
fn what_an_earlier_stage_made_anew_is_no_reason_to_refuse() {
    let place = chain();
    place.light(Some((2, Fuse::Cancel)));
    place.run(&[]).unwrap_err();
    place.light(None);
    place.ran();
    place.force(&["a"], &["a.text=bye"]).unwrap();
    assert_eq!(place.ran(), ["a", "b", "c"]);
}

#[test]
fn a_fresh_run_does_not_use_unfinished_work() {
    let place = chain();
    place.light(Some((2, Fuse::Fail)));
    place.run(&[]).unwrap_err();
    place.light(None);
    place.ran();
    let options = RunOptions { fresh: true, ..place.options() };
    run(&place.load(&[]).unwrap(), &place.registry(), &options, &NoView).unwrap();
    assert_eq!(place.ran(), ["c"]);
}

#[test]
fn force_starts_unfinished_work_over() {
    let place = chain();
    place.light(Some((2, Fuse::Cancel)));
    place.run(&[]).unwrap_err();
    place.light(None);
    place.ran();
    place.force(&["c"], &[]).unwrap();
    assert_eq!(place.ran(), ["c"]);
}

#[test]
fn work_whose_record_is_damaged_is_not_thrown_away() {
    for damage in [Some("{"), Some("\u{0}"), None] {
        let place = chain();
        place.light(Some((2, Fuse::Cancel)));
        place.run(&[]).unwrap_err();
        place.light(None);
        place.ran();
        let record = place.path("runs/chain/c.attempt.json");
        match damage {
            Some(text) => fs::write(&record, text).unwrap(),
            None => fs::remove_file(&record).unwrap(),
        }
        let (code, text) = place.refusal(place.run(&[]));
        assert_eq!(code, 3, "{text}");
        assert!(text.starts_with("runs/chain/c.attempt.json: damaged: ") && text.contains("--force"), "{text}");
        assert!(place.ran().is_empty() && place.path("runs/chain/c.partial/unit-1").exists());
        place.force(&["c"], &[]).unwrap();
        assert_eq!(place.ran(), ["c"]);
    }
}

#[test]
fn what_somebody_else_made_is_neither_removed_nor_written_into() {
    for foreign in
        ["runs/chain/letter", "runs/chain/b/letter", "runs/chain/c.partial/letter", "runs/chain/a.replaced/x"]
    {
        let place = chain();
        place.write(foreign, "mine");
        let (code, text) = place.refusal(place.run(&[]));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(": not a directory that lam-train made, and not empty\nhint: "), "{text}");
        assert!(place.ran().is_empty() && place.read(foreign) == "mine" && !place.path("runs/chain/.lock").exists());
    }
    // In a run of ours, a stage's place may be taken too.
    let place = chain();
    place.run(&[]).unwrap();
    fs::rename(place.path("runs/chain/b"), place.path("elsewhere")).unwrap();
    place.write("runs/chain/b/letter", "mine");
    assert_eq!(place.refusal(place.run(&[])).0, 2);
    assert_eq!(place.read("runs/chain/b/letter"), "mine");
}

#[test]
fn a_result_does_not_lie_over_what_is_read() {
    for (input, is_over) in [("runs/chain/b", true), ("runs/chain/b/x", true), ("runs", true), ("runs/other", false)] {
        let place = chain();
        place.write(&format!("{input}/out.txt"), "mine\n");
        place.write("p.toml", &CHAIN.replace("parts = [\"a\"]", &format!("parts = [\"a\", \"{input}\"]")));
        let result = place.run(&[]);
        assert_eq!(result.is_err(), is_over, "{input}");
        assert_eq!(place.read(&format!("{input}/out.txt")), "mine\n");
    }
}

#[test]
fn the_old_result_stays_while_the_new_one_is_made() {
    let place = chain();
    place.run(&[]).unwrap();
    let old = hash_path(&place.path("runs/chain/c")).unwrap();
    place.light(Some((2, Fuse::Fail)));
    place.force(&["c"], &["c.units=6"]).unwrap_err();
    assert_eq!(hash_path(&place.path("runs/chain/c")).unwrap(), old);
    place.light(None);
    place.run(&["c.units=6"]).unwrap();
    assert_ne!(hash_path(&place.path("runs/chain/c")).unwrap(), old);
}

#[test]
fn a_request_to_stop_keeps_what_is_done() {
    let place = chain();
    place.light(Some((2, Fuse::Cancel)));
    let options = RunOptions { cancel: Cancel::default(), ..place.options() };
    let pipeline = place.load(&[]).unwrap();
    let (code, text) = place.refusal(run(&pipeline, &place.registry(), &options, &NoView));
    assert_eq!(code, 130);
    assert!(text.starts_with("stage `c`: stopped on request\nits unfinished work is kept"), "{text}");
    assert_eq!(status(&pipeline, &place.path("runs")).unwrap().stages[2].state, StageState::Unfinished);
    // The same request stops the next stage before it begins, and cached ones need none.
    place.ran();
    assert_eq!(place.refusal(run(&pipeline, &place.registry(), &options, &NoView)).0, 130);
    assert!(place.ran().is_empty());
    place.light(None);
    place.run(&[]).unwrap();
    assert_eq!(place.ran(), ["c+"]);
}

/// The test starts itself again with a variable set; that process dies inside stage `c`.
#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_bytes() {
    if let Ok(root) = std::env::var(KILLED_IN) {
        let place = chain();
        place.light(Some((2, Fuse::Abort)));
        let options = RunOptions { runs_dir: root.into(), ..place.options() };
        let _ = run(&place.load(&[]).unwrap(), &place.registry(), &options, &NoView);
        return;
    }
    let place = chain();
    let name = "resume::a_killed_run_goes_on_and_ends_with_the_same_bytes";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name]).env(KILLED_IN, place.path("runs")).output().unwrap();
    assert!(!output.status.success(), "the process was to die");
    assert!(place.path("runs/chain/c.partial/unit-1").exists());
    assert!(!place.path("runs/chain/c").exists());

    place.run(&[]).unwrap();
    assert_eq!(place.ran(), ["c+"]);
    let straight = chain();
    straight.run(&[]).unwrap();
    for stage in ["a", "b", "c"] {
        let hash = |root: &crate::fakes::Place| hash_path(&root.path(&format!("runs/chain/{stage}"))).unwrap();
        assert_eq!(hash(&place), hash(&straight), "{stage}");
    }
}

#[test]
fn two_runs_do_not_meet_in_one_directory() {
    let place = chain();
    place.run(&[]).unwrap();
    let lock = fs::File::options().write(true).open(place.path("runs/chain/.lock")).unwrap();
    lock.lock().unwrap();
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 1);
    let process = std::process::id();
    assert!(text.starts_with(&format!("runs/chain is in use by another run (process {process})\nhint: ")), "{text}");
    drop(lock);
    place.run(&[]).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let place = chain();
    place.write("runs", "a file where the directory of runs should be");
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 2);
    assert!(text.starts_with("cannot create directory runs/chain: "), "{text}");
    assert!(text.ends_with("\n--runs-dir says where results go"), "{text}");
    let options = RunOptions { place_option: "--output-dir", ..place.options() };
    let refused = run(&place.load(&[]).unwrap(), &place.registry(), &options, &NoView).unwrap_err().to_string();
    assert!(refused.ends_with("\n--output-dir says where results go") && !refused.contains("--runs-dir"), "{refused}");
}

#[test]
fn a_line_cut_short_in_the_journal_does_not_spoil_the_next() {
    let place = chain();
    place.run(&[]).unwrap();
    let path = place.path("runs/chain/events.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"at\": 17");
    fs::write(&path, &text).unwrap();
    place.run(&[]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let broken = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_err()).count();
    assert_eq!(broken, 0, "it is cut off");
    assert!(text.lines().last().unwrap().contains("\"event\":\"cached\""), "{text}");
}

#[test]
fn the_journal_tells_the_processor_time_of_all_tries() {
    let place = chain();
    place.light(Some((2, Fuse::Fail)));
    place.run(&[]).unwrap_err();
    let attempt: serde_json::Value = serde_json::from_str(&place.read("runs/chain/c.attempt.json")).unwrap();
    let first_try = attempt["processor_s"].as_f64().unwrap();
    assert!(first_try > 0.0);
    place.light(None);
    place.run(&[]).unwrap();
    let text = place.read("runs/chain/events.jsonl");
    let events = || text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let finished = events().find(|event| event["stage"] == "c" && event["event"] == "finished").unwrap();
    assert!(finished["processor_s"].as_f64().unwrap() > first_try, "{finished}");
    let cached = events().find(|event| event["event"] == "cached").unwrap();
    assert!(cached.get("processor_s").is_none(), "what did not run used nothing: {cached}");
}
