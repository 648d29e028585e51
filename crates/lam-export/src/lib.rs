//! Adapter, merged model, reward model and model card in Hugging Face's layout.
//!
//! Every export reloads itself and compares logits before it is called done; `export.json` keeps inputs and logits,
//! so that another library can repeat the comparison. Opens no network and knows no environment.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_export::{ExportConfig, ExportInputs, Kind, Sources, export};
//!
//! let stage = Path::new("runs/quickstart/lam4");
//! let inputs = ExportInputs { stage, sources: Sources::find(stage)?, evaluations: &["runs/quickstart/online".into()] };
//! let record = export(Kind::Merged, &inputs, Path::new("exports/lam4"), &ExportConfig::default())?;
//! for check in &record.checks {
//!     println!("{}: {:e}", check.what, check.max_abs_difference);
//! }
//! # Ok::<(), lam_export::ExportError>(())
//! ```

mod adapter;
mod calibration;
mod card;
mod config;
mod error;
mod export;
mod facts;
mod files;
mod merged;
mod probe;
mod record;
mod reward;
mod source;
mod stage;

pub use calibration::Calibration;
pub use card::CardFacts;
pub use config::{ExportConfig, Kind};
pub use error::ExportError;
pub use export::{ExportInputs, export};
pub use record::{Check, ExportRecord, Probe, RECORD_FILE};
pub use source::Sources;
pub use stage::register;
