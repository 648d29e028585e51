//! What can go wrong while a report is made. A missing part of a run is not an error: the page names it.

use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The directory holds no run.
    #[error("{} holds no run: no stage with a manifest.json in it\nhint: name the directory of a run, such as runs/quickstart", path.display())]
    NoRun {
        /// The directory named.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something other than it should.
    #[error("{}: not valid JSON: {source}\nhint: the stage that wrote it may have been interrupted; run the pipeline again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] lam_store::StoreError),
}
