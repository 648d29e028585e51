//! The runner on tiny fake stages: what a person reads, what is cached, what survives failures and kills.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod caching;
mod definition;
mod fakes;
mod own_stage;
mod resume;
mod sharing;
mod trackers;
mod views;
