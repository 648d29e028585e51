//! The integration tests: one binary, a module a topic.

mod architecture;
mod shipped_files;
