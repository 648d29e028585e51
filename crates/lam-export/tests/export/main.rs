//! Exports of tiny random models: what is written, that it reloads to the same numbers, that others can use it as it is,
//! and what is refused.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod gguf;
mod kinds;
mod models;
mod published;
