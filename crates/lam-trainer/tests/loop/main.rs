//! The learning loop, driven by a module so small that every number can be checked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_input;
mod decoder;
mod evaluator;
mod prefixes;
mod resume;
mod saved;
mod step;
mod toy;
