//! Why something of a run is not published.

use std::path::PathBuf;

use lam_hub::HubError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// Why something of a run is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The directory holds no run.
    NoRun {
        /// The directory.
        path: PathBuf,
        /// What to do.
        hint: String,
    },
    /// The run has not what is asked for.
    Missing {
        /// The run.
        run: PathBuf,
        /// What is missing.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The run has more than one of it.
    Several {
        /// What it has several of.
        what: String,
        /// Where they lie.
        places: Vec<PathBuf>,
    },
    /// A stage's result does not belong to the rest of the run any more.
    Outdated {
        /// The stage's directory.
        place: PathBuf,
        /// Why.
        reason: String,
    },
    /// Words of others are in the data, and nobody says under which licence they may be published.
    License {
        /// Kinds of the documents, and whose answers.
        sources: Vec<String>,
    },
    /// A word that is no licence.
    NoLicense {
        /// The word.
        text: String,
    },
    /// Files cannot be sent.
    Hub(#[from] HubError),
    /// The disk refuses.
    Store(#[from] StoreError),
}

impl Fault for PublishError {
    fn kind(&self) -> FaultKind {
        match self {
            PublishError::Several { .. } | PublishError::License { .. } | PublishError::NoLicense { .. } => {
                FaultKind::Config
            }
            PublishError::NoRun { .. } | PublishError::Missing { .. } | PublishError::Outdated { .. } => {
                FaultKind::Data
            }
            PublishError::Hub(error) => error.kind(),
            PublishError::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            PublishError::NoRun { path, hint } => {
                Details::new("holds no run: no stage with a manifest.json in it").at(path.display()).hint(hint)
            }
            PublishError::Missing { run, what, hint } => Details::new(what).at(run.display()).hint(hint),
            PublishError::Several { what, places } => Details::new(format!("the run has several {what}"))
                .at_files(places)
                .hint("name the directory of one of them in the run's place"),
            PublishError::Outdated { place, reason } => Details::default()
                .at(place.display())
                .because(reason)
                .hint("run the pipeline again, or name the directory itself to send it as it stands"),
            PublishError::License { sources } => {
                Details::new(format!("words of others are in the data ({})", sources.join(", ")))
                    .because("their licence, or the terms of the service, decides how the data may be published")
                    .hint("say it with --license ID, as the hub knows it (cc-by-sa-4.0, mpl-2.0, …)")
            }
            PublishError::NoLicense { text } => Details::new("`--license`")
                .found(text)
                .because("a licence is small letters, digits, `.` and `-`")
                .hint("such as apache-2.0, cc-by-sa-4.0 or other"),
            PublishError::Hub(error) => error.details(),
            PublishError::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(PublishError);
