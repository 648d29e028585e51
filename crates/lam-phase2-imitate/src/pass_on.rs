//! The model of the round before, in place of one that would be trained on what a fruitless round of exploration found.

use std::fs;
use std::path::Path;

use lam_data::{COVERAGE_FILE, ExplorationRound, read_rounds};
use lam_signal::{Details, Failure, FaultKind, Progress};
use lam_store::{StoreError, content_files};
use lam_trainer::TRAINING_DIRECTORY;
use serde_json::{Value, json};

/// The last round of an exploration's directory, if it was not worth its cost.
///
/// # Errors
/// A directory without an exploration, or one that tells no round.
pub fn fruitless_round(exploration: &Path) -> Result<Option<ExplorationRound>, Failure> {
    let rounds = read_rounds(exploration)?;
    let Some(last) = rounds.into_iter().next_back() else {
        let details = Details::new("tells no round of exploration")
            .at(exploration.join(COVERAGE_FILE).display())
            .hint("it is of an earlier version of lam-train: run the stage of kind phase3.explore again");
        return Err(Failure::new(FaultKind::Data, details));
    };
    Ok(last.is_fruitless.then_some(last))
}

/// Copies the model of the round before, without the logs of its training, and returns the stage's metrics.
///
/// # Errors
/// A file that cannot be read or written.
pub fn pass_on(
    previous: &Path,
    round: &ExplorationRound,
    output: &Path,
    progress: &dyn Progress,
) -> Result<Value, Failure> {
    for name in content_files(previous)?.iter().filter(|name| !name.starts_with(TRAINING_DIRECTORY)) {
        let (from, to) = (previous.join(name), output.join(name));
        if let Some(directory) = to.parent() {
            fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        }
        fs::copy(&from, &to).map_err(StoreError::io("copy", &from))?;
    }
    let name = previous.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let note = format!("not trained, {name} is passed on: {}", round.sentence());
    progress.note(&note);
    Ok(json!({ "passed_on": name, "note": note }))
}

#[cfg(test)]
mod tests {
    use lam_signal::NoProgress;

    use super::*;

    fn exploration(folder: &Path, rounds: &[ExplorationRound]) {
        fs::write(folder.join(COVERAGE_FILE), json!({ "tasks": 9, "rounds": rounds }).to_string()).unwrap();
    }

    #[test]
    fn only_the_last_round_decides() {
        let folder = tempfile::tempdir().unwrap();
        let round = |round, solved| {
            ExplorationRound { round, open: 60, solved, min_new_share: 0.1, ..Default::default() }.judged()
        };
        exploration(folder.path(), &[round(1, 0), round(2, 30)]);
        assert_eq!(fruitless_round(folder.path()).unwrap(), None);
        exploration(folder.path(), &[round(1, 30), round(2, 4)]);
        assert_eq!(fruitless_round(folder.path()).unwrap(), Some(round(2, 4)));
        exploration(folder.path(), &[]);
        let error = fruitless_round(folder.path()).unwrap_err().to_string();
        assert!(error.contains("coverage.json: tells no round") && error.contains("hint: "), "{error}");
    }

    #[test]
    fn the_model_is_passed_on_without_logs_and_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let (previous, output) = (folder.path().join("lam3"), folder.path().join("lam3-2"));
        for file in ["model.safetensors", "adapter/adapter_config.json", "training/metrics.jsonl", "manifest.json"] {
            let path = previous.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        fs::create_dir_all(&output).unwrap();
        let round = ExplorationRound { round: 2, open: 61, solved: 4, min_new_share: 0.1, ..Default::default() };
        let metrics = pass_on(&previous, &round.judged(), &output, &NoProgress).unwrap();
        let names = content_files(&output).unwrap();
        assert_eq!(names, [Path::new("adapter/adapter_config.json"), Path::new("model.safetensors")]);
        assert_eq!(fs::read_to_string(output.join("model.safetensors")).unwrap(), "model.safetensors");
        assert!(!output.join("manifest.json").exists());
        let note = metrics["note"].as_str().unwrap();
        assert!(note.starts_with("not trained, lam3 is passed on: round 2 brought 4 of 61 open tasks"), "{note}");
    }
}
