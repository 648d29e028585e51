//! The decoder from outside: against numbers of transformers, PEFT and PyTorch, against itself, and with bad input.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod adapters;
mod architectures;
mod bad_files;
mod generation;
mod gguf;
mod initialization;
mod large_table;
mod modes;
mod numerics;
mod oracle;
mod parity;
mod precision;
mod reference;
mod tiny;
