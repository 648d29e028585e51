//! The integration tests: one binary, a module a topic.

mod adapters;
mod architecture;
mod bad_input;
mod bad_settings;
mod data;
mod endpoints;
mod evaluation;
mod full_disk;
mod gguf;
mod hub;
mod kill_and_resume;
mod miniature;
mod named_checkpoint;
mod not_ours;
mod pages;
mod phase4_dev;
mod phase4_methods;
mod quantised_phase4;
mod refused_resume;
mod remote;
mod rounds;
mod serve;
mod shipped_files;
mod support;
mod telling;
mod texts;
