//! What settings must be beyond their types: the checks that stages share, each naming key and value.

use std::fmt::Display;
use std::ops::RangeInclusive;

use lam_config::ConfigError;

/// A count is not 0.
pub fn at_least_one(key: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 { Err(ConfigError::value(key, value, "must be at least 1", "")) } else { Ok(()) }
}

/// A number lies in a range, which `must_be` words.
pub fn within<N: PartialOrd + Display>(
    key: &str,
    value: N,
    range: RangeInclusive<N>,
    must_be: &str,
) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { Err(ConfigError::value(key, value, format!("must be {must_be}"), "")) }
}

/// A number is not negative.
pub fn not_negative(key: &str, value: f64) -> Result<(), ConfigError> {
    within(key, value, 0.0..=f64::MAX, "a number that is not negative")
}

/// A share held out of training leaves something to train on.
pub fn share_left_out(key: &str, value: f64) -> Result<(), ConfigError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::value(key, value, "must be at least 0 and below 1", "0 holds nothing out"))
}
