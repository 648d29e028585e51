//! The binary `lam-train`: the only crate that knows the command line, and the list of stages and environments.
//!
//! What was typed stands in `args`, what each command does in `command/`, what can be named in files in `registry`.
//!
//! ```console
//! lam-train run quickstart
//! lam-train config show phase2
//! ```

mod args;
mod command;
mod embedded;
mod hub;
mod interrupt;
mod output;
mod registry;

use std::process::ExitCode;

use clap::Parser;
use lam_signal::FaultKind;

use crate::args::Cli;

fn main() -> ExitCode {
    // SAFETY: no handler is set, the signal is only ignored: a write beyond the limit of files is then an error like any.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN)
    };
    #[cfg(unix)]
    interrupt::end_as_others_do();
    lam_model::tune_allocator();
    let cli = Cli::parse();
    if let Some(threads) = cli.threads {
        // SAFETY: no other thread runs yet, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
    // SAFETY: as above.
    unsafe { lam_model::tune_threads() };
    let done = match args::left_home(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())) {
        Some(argument) => Err(args::home_is_left(&argument)),
        None => command::run(cli),
    };
    match done {
        Ok(()) if output::is_stdout_lost() => ExitCode::from(FaultKind::Runtime.exit_code()),
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell(&format!("error: {failure}"));
            ExitCode::from(failure.kind().exit_code())
        }
    }
}
