//! `completions` and `man`: what shells and `man` know of the command line.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use lam_signal::Failure;
use lam_store::StoreError;

use super::next;
use crate::args::Cli;
use crate::output::Output;

/// Prints the completions of a shell.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lam-train", &mut script);
    match std::io::stdout().write_all(&script) {
        // A reader that has gone away has seen what it wanted.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::runtime(error)),
        _ => Ok(()),
    }
}

/// Writes a manual page for every command.
pub fn man(directory: &Path, output: &Output) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(StoreError::io("write", directory))?;
    let page = directory.join("lam-train.1");
    output.line(&page.display().to_string());
    output.next(&next::read_manual(&page));
    output.value(&serde_json::json!({ "directory": directory, "page": page }))
}
