//! What calls cost, and when the money is spent. Knows prices and token counts, not what was asked.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use lam_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::{PolicyError, RemoteConfig};

/// Tokens of one call, in OpenAI's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

/// One line of the cost file.
#[derive(Serialize, Deserialize)]
struct Entry {
    model: String,
    /// Content hash of the question, also its name in the cache.
    question: String,
    prompt_tokens: u64,
    completion_tokens: u64,
    usd: f64,
}

/// Adds up the cost of calls.
pub(crate) struct Ledger {
    name: String,
    model: String,
    usd_per_token: (f64, f64),
    max_usd: Option<f64>,
    spent_usd: f64,
    file: Option<File>,
    /// Whether the file ends in the middle of a line: what is appended to it cannot be read.
    is_torn: bool,
}

impl Ledger {
    /// Opens the cost file and counts what was spent before.
    pub(crate) fn open(config: &RemoteConfig) -> Result<Self, StoreError> {
        let (mut spent_usd, mut file, mut is_torn) = (0.0, None, false);
        if let Some(path) = &config.cost_file {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
            }
            let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
            file = Some(opened.map_err(StoreError::io("open", path))?);
            // As bytes: a crash may tear a line in the middle of a letter.
            let lines = fs::read(path).map_err(StoreError::io("read", path))?;
            // A line torn by a crash belongs to an answer that is not in the cache either.
            let entries =
                lines.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
            spent_usd = entries.map(|entry| entry.usd).sum();
            is_torn = lines.last().is_some_and(|&last| last != b'\n');
        }
        let per_token = |usd_per_million: f64| usd_per_million / 1e6;
        Ok(Self {
            name: config.display_name().into(),
            model: config.model.clone(),
            usd_per_token: (
                per_token(config.usd_per_million_prompt_tokens),
                per_token(config.usd_per_million_answer_tokens),
            ),
            max_usd: config.max_usd,
            spent_usd,
            file,
            is_torn,
        })
    }

    /// Refuses once the money is spent.
    pub(crate) fn check(&self) -> Result<(), PolicyError> {
        match self.max_usd {
            Some(max_usd) if self.spent_usd >= max_usd => {
                Err(PolicyError::Budget { policy: self.name.clone(), max_usd, spent_usd: self.spent_usd })
            }
            _ => Ok(()),
        }
    }

    /// Records one call.
    pub(crate) fn record(&mut self, question: &str, usage: Usage) -> std::io::Result<()> {
        let (prompt, answer) = self.usd_per_token;
        let usd = usage.prompt_tokens as f64 * prompt + usage.completion_tokens as f64 * answer;
        self.spent_usd += usd;
        let entry = Entry {
            model: self.model.clone(),
            question: question.into(),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            usd,
        };
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut line = if self.is_torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, &entry).expect("entries have string keys and finite numbers");
        line.push(b'\n');
        // Until all of it is written: a full disk tears lines too.
        self.is_torn = true;
        file.write_all(&line)?;
        self.is_torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_costs_no_other_line_wherever_it_is_torn() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cost.jsonl");
        let config = RemoteConfig {
            model: "modèle".into(),
            usd_per_million_prompt_tokens: 1e6,
            cost_file: Some(path.clone()),
            ..RemoteConfig::default()
        };
        let call = |usd: u64| {
            let mut ledger = Ledger::open(&config).unwrap();
            ledger.record("question", Usage { prompt_tokens: usd, completion_tokens: 0 }).unwrap();
            ledger.spent_usd
        };
        assert_eq!(call(1), 1.0);
        let whole = fs::read(&path).unwrap();
        let line = whole.len() - 1;
        // In the middle of a letter and of a number, and before the line break alone: then the entry is whole.
        let letter = whole.iter().position(|&byte| byte >= 0x80).unwrap() + 1;
        for (tear, kept) in [(letter, 0.0), (line - 3, 0.0), (line, 1.0)] {
            fs::write(&path, [&whole, &whole[..tear]].concat()).unwrap();
            assert_eq!(call(2), 3.0 + kept);
            assert_eq!(call(4), 7.0 + kept, "what was spent behind a tear counts at the next start, too");
            let lines = fs::read(&path).unwrap().iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(lines, 4, "each on a line of its own, and none of them empty");
        }
    }
}
