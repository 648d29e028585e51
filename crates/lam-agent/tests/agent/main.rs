//! Episodes and policies as their users see them.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod counter;
mod endpoint;
mod script;
mod watch;

mod bad_days;
mod episodes;
mod follower;
mod observed;
mod remote;
