//! What the model was asked and what it answered: recorded by an evaluation, shown on the card and tried on tokenizers.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_prompt::Tokenizer;
use lam_types::{StepStatus, Tokens};

use crate::ExportError;
use crate::row::row_in;

/// Prompts that are kept.
const PROMPTS: usize = 100;

/// An answer of the model in an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What it was asked, special tokens written out.
    pub prompt: String,
    /// What it answered, the same.
    pub answer: String,
}

/// What evaluations recorded of a model.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// An action that was carried out, of a task that succeeded where there is one.
    pub example: Option<Example>,
    /// Prompts as text.
    pub prompts: Vec<String>,
}

/// What the model of this name and stage was asked in `evaluations`, by its own tokenizer.
///
/// # Errors
/// Recorded trajectories, or tables, that are damaged.
pub fn recorded(evaluations: &[PathBuf], model: (&str, &Path), tokenizer: &Tokenizer) -> Result<Recorded, ExportError> {
    let mut recorded = Recorded::default();
    for place in evaluations.iter().filter(|place| place.is_dir()) {
        let row = row_in(place, model)?;
        let Some(file) = file_of(place, row.as_deref().unwrap_or(model.0))? else { continue };
        let mut best: Option<bool> = None;
        lam_store::visit_trajectories(&file, |trajectory| {
            let success = trajectory.succeeded();
            for step in &trajectory.steps {
                let Some(tokens) = step.tokens.as_ref().filter(|tokens| tokens.tokenizer_hash == tokenizer.hash())
                else {
                    continue;
                };
                if recorded.prompts.len() < PROMPTS {
                    recorded.prompts.push(tokenizer.decode(&tokens.prompt_ids));
                }
                let is_better = step.status == StepStatus::Ok && best.is_none_or(|before| success && !before);
                if is_better {
                    best = Some(success);
                    recorded.example = Some(example(tokens, tokenizer));
                }
            }
            let has_enough = recorded.prompts.len() >= PROMPTS && best == Some(true);
            if has_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if recorded.example.is_some() {
            break;
        }
    }
    Ok(recorded)
}

fn example(tokens: &Tokens, tokenizer: &Tokenizer) -> Example {
    Example { prompt: tokenizer.decode(&tokens.prompt_ids), answer: tokenizer.decode(&tokens.action_ids) }
}

/// The trajectories of a model in an evaluation's directory; names compare without case.
fn file_of(place: &Path, model: &str) -> Result<Option<PathBuf>, ExportError> {
    let wanted = format!("{}.parquet", lam_store::file_name_of(model));
    for entry in std::fs::read_dir(place).map_err(ExportError::io("read", place))? {
        let entry = entry.map_err(ExportError::io("read", place))?;
        if entry.file_name().to_str().is_some_and(|name| name.eq_ignore_ascii_case(&wanted)) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}
