//! Rows that cannot be trained on. Messages name the sample, the field and the value, and give a hint.

use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// A row that cannot be trained on.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Nothing in the example is to be answered.
    NothingToTrain {
        /// The sample.
        sample_id: String,
        /// Which part is empty.
        reason: String,
    },
    /// The example is longer than the model is trained on.
    TooLong {
        /// The sample.
        sample_id: String,
        /// Its tokens.
        length: usize,
        /// The most that are allowed.
        max_length: usize,
    },
    /// The model's template or tokenizer refuses the row.
    Words {
        /// The sample.
        sample_id: String,
        /// What is refused, and where.
        reason: String,
    },
    /// The files hold rows that must not be trained on.
    Unsound {
        /// How many were found.
        errors: usize,
        /// How many rows were looked at.
        rows: usize,
        /// The first of them, with file, row, field and value.
        told: Vec<String>,
    },
    /// A file cannot be read.
    Store(#[from] StoreError),
}

impl Fault for DataError {
    fn kind(&self) -> FaultKind {
        match self {
            DataError::Store(error) => error.kind(),
            _ => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            DataError::NothingToTrain { sample_id, reason } => Details::new("no trainable token")
                .at(format!("sample {sample_id}"))
                .because(reason)
                .hint("remove the row, or give it an answer"),
            DataError::TooLong { sample_id, length, max_length } => {
                Details::new(format!("{length} tokens are more than max_length {max_length}"))
                    .at(format!("sample {sample_id}"))
                    .hint("raise max_length, or shorten the row")
            }
            DataError::Words { sample_id, reason } => Details::new(reason).at(format!("sample {sample_id}")),
            DataError::Unsound { errors, rows, told } => {
                Details::new(format!("{errors} of {rows} rows must not be trained on as they are"))
                    .because(told.join("\n"))
                    .hint("`lam-train data check` tells all; --skip-bad (`skip_bad = true`) leaves them out")
            }
            DataError::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(DataError);
