//! Runs of other names take stages from each other, and `clean` removes what none holds any more.

use crate::support::{Finished, Place, same_bytes, trained};

const RUN: [&str; 6] = ["run", "miniature.toml", "--runs-dir", "runs", "--until", "plans"];
const OTHER: [&str; 2] = ["--set", "name=other"];

fn run(place: &Place, more: &[&str]) -> Finished {
    place.succeed(&[&RUN[..], more].concat())
}

#[test]
fn a_run_of_another_name_takes_what_is_the_same() {
    let place = Place::new("shared");
    run(&place, &[]);
    let plan = ["plan", "miniature.toml", "--runs-dir", "runs", "--set", "name=other"];
    let planned = place.succeed(&plan).stdout;
    assert!(planned.contains("plans        reused:         made by miniature/plans (took "), "{planned}");
    let alone = place.succeed(&[&plan[..], &["--no-reuse"]].concat()).stdout;
    assert!(alone.contains("plans        run             new\n"), "{alone}");

    let said = run(&place, &OTHER);
    assert!(said.stderr.contains("plans: reused: made by miniature/plans (took "), "{}", said.stderr);
    assert!(said.stdout.contains("other: 0 ran, 1 reused (other runs took "), "{}", said.stdout);
    same_bytes(place.stage("plans").as_ref(), &place.path("runs/other/plans"));
    let status = place.succeed(&["status", "runs/other"]).stdout;
    assert!(status.contains("reused: made by miniature/plans"), "{status}");
    let report = std::fs::read_to_string(place.path("runs/other/report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["reused"]["plans"], "miniature/plans");
    assert_eq!(report["total_s"], 0.0);
    let page = std::fs::read_to_string(place.path("runs/other/report.html")).expect("a page");
    assert!(page.contains("reused: made by miniature/plans"), "the page says whose it is");
    let models = place.succeed(&["list", "models", "--runs-dir", "runs"]).stdout;
    assert!(!models.contains(".cache"), "{models}");

    let events = run(&place, &["--set", "name=third", "--json"]).stderr;
    assert!(
        events.contains("\"event\":\"reused\"") && events.contains("\"why\":\"made by miniature/plans\""),
        "{events}"
    );
    let made = run(&place, &["--set", "name=fourth", "--no-reuse"]);
    assert!(made.stdout.contains("fourth: 1 ran, 0 cached"), "{}", made.stdout);
}

#[test]
fn what_no_run_holds_is_cleaned_away() {
    let place = Place::new("cleaned");
    let clean = |more: &[&str]| place.succeed(&[&["clean", "--runs-dir", "runs"], more].concat()).stdout;
    assert!(clean(&[]).starts_with("removed 0 results: 0 B are free"), "there is nothing yet");
    assert!(!place.path("runs").exists());
    run(&place, &[]);
    run(&place, &OTHER);
    std::fs::remove_dir_all(place.path("runs/miniature")).expect("a run can be removed");
    place.write("runs/.cache/letter", "mine");
    let kept = clean(&[]);
    assert!(kept.starts_with("removed 0 results: 0 B are free; 1 result stays, as runs hold them\n"), "{kept}");
    assert!(kept.contains("left alone, as no run put it there: runs/.cache/letter"), "{kept}");

    std::fs::remove_dir_all(place.path("runs/other")).expect("a run can be removed");
    let would = clean(&["--dry-run"]);
    assert!(would.starts_with("would remove 1 result: ") && would.contains("iB would be free"), "{would}");
    assert!(clean(&[]).starts_with("removed 1 result: "));
    assert!(place.path("runs/.cache/letter").exists());

    run(&place, &[]);
    let all = clean(&["--all"]);
    assert!(all.starts_with("removed 1 result: ") && all.contains("; 0 results stay"), "{all}");
    let again = run(&place, &[]);
    assert!(again.stdout.contains("0 ran, 1 cached"), "{}", again.stdout);
}

#[test]
fn what_is_not_ours_is_not_cleaned_and_stops_no_run() {
    let place = Place::new("not-shared");
    std::fs::create_dir_all(place.path("runs/.cache")).expect("a fresh place");
    place.write("runs/.cache/letter", "mine");
    let said = run(&place, &[]).stderr;
    let words = "results are not shared with other runs any more: runs/.cache: not a directory that lam-train made";
    assert!(said.contains(words), "{said}");
    place.refuse(&["clean", "--runs-dir", "nowhere"], 2, &["nowhere: no such folder", "hint: --runs-dir names"]);
    place.refuse(&["clean", "--runs-dir", "runs", "--all"], 2, &["runs/.cache: not a directory that lam-train made"]);
    assert_eq!(std::fs::read_dir(place.path("runs/.cache")).expect("readable").count(), 1);
}

#[test]
fn a_command_for_one_stage_leaves_nothing_beside_its_directory() {
    let place = Place::new("alone");
    let (model, few) = (trained().stage("lam2"), ["--set", "seen=1", "--set", "unseen=1"]);
    let evaluate = ["eval", "online", "--model", &model, "--output-dir", "runs/online"];
    place.succeed(&[&evaluate[..], &few].concat());
    assert!(place.path("runs/online").exists() && !place.path("runs/.cache").exists());
}
