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
}

impl Ledger {
    /// Opens the cost file and counts what was spent before.
    pub(crate) fn open(config: &RemoteConfig) -> Result<Self, StoreError> {
        let (mut spent_usd, mut file) = (0.0, None);
        if let Some(path) = &config.cost_file {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
            }
            let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
            file = Some(opened.map_err(StoreError::io("open", path))?);
            let lines = fs::read_to_string(path).map_err(StoreError::io("read", path))?;
            // A line torn by a crash belongs to an answer that is not in the cache either.
            let entries = lines.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
            spent_usd = entries.map(|entry| entry.usd).sum();
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
        let mut line = serde_json::to_vec(&entry).expect("entries have string keys and finite numbers");
        line.push(b'\n');
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }
}
