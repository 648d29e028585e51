//! Rows that cannot become examples. Messages name the sample, the field and the value, and give a hint.

/// A row that cannot be trained on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Nothing in the example is to be answered.
    #[error("sample {sample_id}: no trainable token: {reason}\nhint: remove the row, or give it an answer")]
    NothingToTrain {
        /// The sample.
        sample_id: String,
        /// Which part is empty.
        reason: String,
    },
    /// The example is longer than the model is trained on.
    #[error(
        "sample {sample_id}: {length} tokens are more than max_length {max_length}\nhint: raise max_length, or shorten the row"
    )]
    TooLong {
        /// The sample.
        sample_id: String,
        /// Its tokens.
        length: usize,
        /// The most that are allowed.
        max_length: usize,
    },
}
