//! `kill -9` in the middle of a stage: the next run resumes and ends with the bytes of a run that was never stopped.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Place, same_bytes, trained};

/// How often a kill is tried again that came when the stage was already done.
const TRIES: usize = 5;

/// What has happened in a stage's private folder when it is killed, and how long after.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// It has begun.
    Begun(u64),
    /// It has left something from which the next try resumes.
    AtWork(u64),
}

/// What training leaves in the middle of its work.
const CHECKPOINT: &str = "training/checkpoint-";

/// The stages, and the unfinished work by which one sees that they are at it.
const STAGES: [(&str, &str); 7] = [
    ("base", CHECKPOINT),
    ("lam1", CHECKPOINT),
    ("lam2", CHECKPOINT),
    ("explore", "episodes.jsonl"),
    ("lam3", CHECKPOINT),
    ("reward", CHECKPOINT),
    ("lam4", CHECKPOINT),
];

#[test]
fn a_killed_stage_ends_with_the_same_bytes() {
    let place = Place::new("killed");
    for (stage, work) in STAGES {
        for moment in [Moment::Begun(0), Moment::Begun(40), Moment::AtWork(0), Moment::AtWork(60)] {
            let hit = (0..TRIES).any(|_| kill(&place, stage, work, moment));
            assert!(hit, "{stage} was always done before the kill at {moment:?}");
        }
        let said = place.succeed(&["run", "miniature.toml", "--runs-dir", "runs", "--until", stage]).stderr;
        assert!(said.contains("goes on where it stopped"), "{stage}:\n{said}");
        if work == CHECKPOINT {
            assert!(said.contains("going on from") && said.contains(CHECKPOINT), "{stage}:\n{said}");
        }
        same_bytes(trained().stage(stage).as_ref(), place.stage(stage).as_ref());
    }
}

/// Runs up to the stage and kills it at this moment. Whether it was killed before it was done; if not, its result is
/// removed, so that it can be tried again.
fn kill(place: &Place, stage: &str, work: &str, moment: Moment) -> bool {
    let partial = format!("{}.partial", place.stage(stage));
    let reached = || match moment {
        Moment::Begun(_) => Path::new(&partial).exists(),
        Moment::AtWork(_) => has_work(Path::new(&partial), work),
    };
    let (Moment::Begun(delay) | Moment::AtWork(delay)) = moment;
    // A result that was removed is to be made again, and not to be taken from the runs' store.
    let run = ["run", "miniature.toml", "--runs-dir", "runs", "--no-reuse", "--until", stage];
    let mut command = place.command(&run);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lam-train starts");
    while !reached() && child.try_wait().expect("a child can be asked").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(delay));
    child.kill().expect("a child can be killed");
    child.wait().expect("a child ends");
    let (hit, result) = (Path::new(&partial).exists(), place.stage(stage));
    // Neither is there if the kill came while useless unfinished work was being removed.
    if !hit && Path::new(&result).exists() {
        std::fs::remove_dir_all(result).expect("a result can be removed");
    }
    hit
}

/// Whether something whose path contains `work` and that is complete and holds something lies in the folder.
fn has_work(partial: &Path, work: &str) -> bool {
    [partial.to_owned(), partial.join("training")].iter().filter_map(|folder| folder.read_dir().ok()).flatten().any(
        |entry| {
            let Ok(entry) = entry else { return false };
            let path = entry.path().to_string_lossy().into_owned();
            let complete = path.contains(work) && !path.ends_with(".partial");
            complete && entry.metadata().is_ok_and(|found| found.is_dir() || found.len() > 0)
        },
    )
}
