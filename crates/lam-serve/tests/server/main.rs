//! The server over real sockets, with decoders of a few thousand weights.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod answers;
mod executable;
mod life;
mod loaded;
mod refusals;
mod rewards;
mod tiny;
mod tools;
mod ufo;
