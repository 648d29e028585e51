//! Rounds of exploration (paper §4.3): what each solved anew, what that cost, and whether the next one is worth it.
//! Where an exploration keeps them, and how others read them. Knows no policy and no environment.

use std::path::{Path, PathBuf};

use lam_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::DataError;

/// The file of an exploration in which its rounds stand, under `rounds`.
pub const COVERAGE_FILE: &str = "coverage.json";

/// One round: an exploration of the tasks that no round before it had solved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExplorationRound {
    /// Its number, from 1.
    pub round: usize,
    /// Whose own tries it had, such as `LAM2`; "" where there were none.
    pub model: String,
    /// Tasks that were open: no round before it had solved them.
    pub open: usize,
    /// Of these, tasks that it solved.
    pub solved: usize,
    /// Its episodes.
    pub episodes: usize,
    /// Tokens of the model's own tries: those that it read, once an answer, and those that it wrote. Plans that were
    /// followed cost none of them.
    pub model_tokens: u64,
    /// Share of the open tasks that it had to solve to be worth its cost; 0 for none.
    pub min_new_share: f64,
    /// Whether it solved fewer.
    pub is_fruitless: bool,
}

impl ExplorationRound {
    /// The round with its verdict. Where nothing was open, nothing can be brought.
    pub fn judged(self) -> Self {
        let needed = self.min_new_share * self.open as f64;
        let is_fruitless = self.min_new_share > 0.0 && (self.open == 0 || (self.solved as f64) < needed);
        Self { is_fruitless, ..self }
    }

    /// Episodes for each task that was solved anew; `None` where none was.
    fn episodes_each(&self) -> Option<f64> {
        (self.solved > 0).then(|| self.episodes as f64 / self.solved as f64)
    }

    /// Tokens of the model for each task that was solved anew; `None` where none was.
    fn tokens_each(&self) -> Option<f64> {
        (self.solved > 0).then(|| self.model_tokens as f64 / self.solved as f64)
    }

    /// What it brought, in a sentence.
    pub fn sentence(&self) -> String {
        let Self { round, open, solved, .. } = self;
        let share = 100.0 * *solved as f64 / (*open).max(1) as f64;
        let brought = format!("round {round} brought {solved} of {open} open tasks ({share:.1} %)");
        if self.is_fruitless {
            let needed = 100.0 * self.min_new_share;
            return format!(
                "{brought}, less than the {needed:.1} % of `min_new_share`: the next round is not worth it"
            );
        }
        match (self.episodes_each(), self.tokens_each()) {
            (Some(episodes), Some(tokens)) if self.model_tokens > 0 => {
                format!("{brought}, each for {episodes:.1} episodes and {tokens:.0} tokens of {}", self.model)
            }
            (Some(episodes), _) => format!("{brought}, each for {episodes:.1} episodes"),
            _ => brought,
        }
    }
}

/// The part of the file that tells of rounds.
#[derive(Deserialize)]
struct Rounds {
    #[serde(default)]
    rounds: Vec<ExplorationRound>,
}

/// The rounds up to that of an exploration's directory, in order; none where it does not tell them.
///
/// # Errors
/// A file that is not there, or not of this form.
pub fn read_rounds(directory: &Path) -> Result<Vec<ExplorationRound>, DataError> {
    let path = directory.join(COVERAGE_FILE);
    let text = std::fs::read_to_string(&path).map_err(StoreError::io("read", &path))?;
    let rounds: Rounds = serde_json::from_str(&text).map_err(|error| damaged(&path, &error))?;
    Ok(rounds.rounds)
}

fn damaged(path: &Path, error: &serde_json::Error) -> StoreError {
    let hint = "it is written by a stage of kind phase3.explore; run that stage again";
    StoreError::Damaged { path: PathBuf::from(path), reason: error.to_string(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(open: usize, solved: usize, min_new_share: f64) -> ExplorationRound {
        let costs = ExplorationRound { episodes: 120, model_tokens: 9_000, model: "LAM3".into(), ..Default::default() };
        ExplorationRound { round: 2, open, solved, min_new_share, ..costs }.judged()
    }

    #[test]
    fn a_round_that_brings_less_than_its_share_is_fruitless() {
        assert!(!round(61, 0, 0.0).is_fruitless, "0 asks for nothing");
        assert!(!round(60, 6, 0.1).is_fruitless, "as many as asked for");
        assert!(round(61, 6, 0.1).is_fruitless && round(0, 0, 0.1).is_fruitless);
        assert!(!round(0, 0, 0.0).is_fruitless);
    }

    #[test]
    fn the_sentence_tells_the_verdict_or_the_price() {
        let said = round(61, 4, 0.1).sentence();
        assert_eq!(
            said,
            "round 2 brought 4 of 61 open tasks (6.6 %), less than the 10.0 % of `min_new_share`: the next round is \
             not worth it"
        );
        let said = round(61, 40, 0.1).sentence();
        assert_eq!(said, "round 2 brought 40 of 61 open tasks (65.6 %), each for 3.0 episodes and 225 tokens of LAM3");
        assert_eq!(round(61, 0, 0.0).sentence(), "round 2 brought 0 of 61 open tasks (0.0 %)");
    }

    #[test]
    fn a_file_of_another_form_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_rounds(folder.path()).unwrap_err().to_string().contains(COVERAGE_FILE));
        let file = folder.path().join(COVERAGE_FILE);
        std::fs::write(&file, "{\"rounds\": [{\"round\": \"two\"}]}").unwrap();
        let error = read_rounds(folder.path()).unwrap_err().to_string();
        assert!(error.contains("coverage.json: damaged") && error.contains("phase3.explore"), "{error}");
        std::fs::write(&file, "{\"tasks\": 3}").unwrap();
        assert_eq!(read_rounds(folder.path()).unwrap(), []);
    }
}
