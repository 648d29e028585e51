//! Adapter, merged model and reward model in Hugging Face's layout, the merged model as a GGUF file, and their cards.
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
mod example;
mod export;
mod facts;
mod files;
mod gguf;
mod merged;
mod modelfile;
mod modes;
mod origin;
mod probe;
mod record;
mod reward;
mod row;
mod source;
mod stage;

pub use calibration::Calibration;
pub use card::CardFacts;
pub use config::{ExportConfig, GgufType, Kind};
pub use error::ExportError;
pub use example::Example;
pub use export::{ExportInputs, export};
pub use facts::evaluations_of;
pub use gguf::GgufFile;
pub use record::{Check, ExportRecord, Probe, RECORD_FILE};
pub use source::Sources;
pub use stage::register;
