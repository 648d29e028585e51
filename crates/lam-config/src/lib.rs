//! Configuration files: TOML with Hugging Face's names, overrides, and errors that name key, file and line.
//!
//! A configuration is a plain struct with `#[derive(Deserialize)] #[serde(deny_unknown_fields, default)]`;
//! the names in errors are serde's own. `#[serde(flatten)]` does not go with that: group with tables.
//! A list of one may be written as its item. Knows no configuration's fields, no stage and no run.
//!
//! ```
//! use std::path::Path;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct Training {
//!     learning_rate: f64,
//! }
//!
//! impl Default for Training {
//!     fn default() -> Self {
//!         Self { learning_rate: 2e-5 }
//!     }
//! }
//!
//! let file = Path::new("train.toml");
//! let config: Training = lam_config::parse_config(file, "lr = 1e-3", &[])?;
//! assert_eq!(config.learning_rate, 1e-3, "`lr` is another name of `learning_rate`");
//!
//! let error = lam_config::parse_config::<Training>(file, "learning_rat = 1e-3", &[]).err().expect("a typing error");
//! assert!(error.to_string().starts_with("train.toml:1: unknown key `learning_rat`"));
//! # Ok::<(), lam_config::ConfigError>(())
//! ```

mod aliases;
mod decode;
mod elsewhere;
mod error;
mod language;
mod layers;
mod over;
mod parse;
mod path;
mod schema;
mod span;
#[cfg(test)]
mod tests;
mod value;

use std::path::Path;

use serde::de::DeserializeOwned;

pub use aliases::{ALIASES, canonical};
pub use decode::{config_to_toml, decode_table, nearest};
pub use error::{BadValue, ConfigError, Origin};
pub use layers::{ConfigLayers, parse_assignment};
pub use over::{config_to_table, decode_over};
pub use path::{check_exists, replace_text, value_at};
pub use schema::{Range, SchemaKey, check_ranges, schema_items, schema_keys};

/// The configuration in `text`, which errors call `name`, with `key=value` overrides laid over it.
pub fn parse_config<T: DeserializeOwned>(name: &Path, text: &str, overrides: &[String]) -> Result<T, ConfigError> {
    let mut layers = ConfigLayers::new();
    layers.add_text(name, text)?;
    for assignment in overrides {
        layers.add_override(assignment)?;
    }
    layers.decode()
}
