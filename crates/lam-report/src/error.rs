//! What can go wrong while a report is made. A missing part of a run is not an error: the page names it.

use std::path::PathBuf;

use lam_signal::{Details, Fault, FaultKind};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The directory holds no run, or is not there.
    NoRun {
        /// The directory named.
        path: PathBuf,
    },
    /// A file could not be read or written.
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something other than it should.
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The store refused.
    Store(#[from] lam_store::StoreError),
}

impl Fault for ReportError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoRun { .. } | Self::Json { .. } => FaultKind::Data,
            Self::Io { source, .. } => FaultKind::of_io(source),
            Self::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoRun { path } => {
                Details::new(format!("{} holds no run: no stage with a manifest.json in it", path.display()))
                    .hint("name the directory of a run, such as runs/quickstart")
            }
            Self::Io { action, path, source } => {
                Details::new(format!("cannot {action} {}", path.display())).because(source)
            }
            Self::Json { path, source } => Details::new("not valid JSON")
                .at(path.display())
                .because(source)
                .hint("the stage that wrote it may have been interrupted; run the pipeline again"),
            Self::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(ReportError);
