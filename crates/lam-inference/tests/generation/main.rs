//! Generation with a tiny decoder, against its own training forward.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod answers;
mod batching;
mod constraints;
mod policy;
mod structured;
mod tiny;
