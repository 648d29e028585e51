//! What of a run is published: its exports, each for a repository of its own, and its data as a data set with a card.
//!
//! A run is read by its manifests alone, and what has changed since it was made, or was made from what has, is not
//! published. What is sent how is the hub's business (`lam-hub`); how an export is made, and its card, the export's.
//! Knows no model, no stage's code and no network.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_publish::{Card, Part, Run};
//!
//! let run = Run::open(Path::new("runs/quickstart"))?;
//! let card = Card { repository: "acme/lam4-data", license: None };
//! for part in run.parts()? {
//!     let parcel = run.parcel(part, &card)?;
//!     println!("{}: {} files", part.as_str(), parcel.files.len());
//! }
//! # Ok::<(), lam_publish::PublishError>(())
//! ```

mod card;
mod error;
mod part;
mod run;
mod table;

pub use card::Card;
pub use error::PublishError;
pub use part::{Parcel, Part};
pub use run::Run;
