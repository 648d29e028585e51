//! Environments over the network, on loopback and on ports that are free: what a server says to plain messages, what
//! our client makes of a server, and UFO's devices played from recorded messages.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod applications;
mod client;
mod devices;
mod experts;
#[path = "../../../../tests/not_run.rs"]
mod not_run;
mod proxy;
mod python;
mod server;
mod socket;
