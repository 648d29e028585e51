//! What commands print: text for people, JSON for machines, never both.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use lam_pipeline::{NoView, View, view_for_stderr};
use lam_signal::{Failure, Progress, printable};
use serde::Serialize;

/// Whether a line could not be written to stdout.
static IS_STDOUT_LOST: AtomicBool = AtomicBool::new(false);

/// Where a command's result goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Results as one JSON value on stdout.
    pub json: bool,
    /// Results and errors alone.
    pub quiet: bool,
}

impl Output {
    /// One line for a person, whoever said what stands in it; silent in JSON mode.
    pub fn line(&self, text: &str) {
        if !self.json {
            self.drawn(&printable(text));
        }
    }

    /// The same for what is drawn with the terminal's own colours, and made sure of by whoever drew it.
    pub fn drawn(&self, text: &str) {
        if !self.json {
            print(text).unwrap_or_else(|error| {
                // Once is enough, whatever is to follow.
                if !IS_STDOUT_LOST.swap(true, Ordering::Relaxed) {
                    tell(&format!("error: stdout: {error}"));
                }
            });
        }
    }

    /// The command that somebody is likely to want next: for people at a terminal, who have not asked for quiet.
    pub fn next(&self, command: &str) {
        if !self.json && !self.quiet && std::io::stdout().is_terminal() {
            self.line(&format!("next: {command}"));
        }
    }

    /// The view of long work on stderr.
    pub fn view(&self) -> Box<dyn View> {
        if self.quiet { Box::new(NoView) } else { view_for_stderr(self.json) }
    }

    /// One value for a machine; silent otherwise.
    pub fn value<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(value).map_err(Failure::runtime)?;
            print(&printable(&text)).map_err(Failure::runtime)?;
        }
        Ok(())
    }
}

/// Short work tells nothing but its notes, on stderr.
impl Progress for Output {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, line: &str) {
        tell(&format!("note: {}", printable(line)));
    }
    fn end(&self) {}
}

/// Whether stdout is a terminal whose reader wants colours: `NO_COLOR` (no-color.org) says no, and so does a terminal
/// that knows none.
pub fn stdout_takes_colours() -> bool {
    std::io::stdout().is_terminal() && wants_colours(|name| std::env::var_os(name))
}

fn wants_colours(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty()) && variable("TERM").is_none_or(|kind| kind != "dumb")
}

/// Whether lines of a result were lost, as on a full disk: the command has done its work, and whoever reads what it printed
/// does not have it.
pub fn is_stdout_lost() -> bool {
    IS_STDOUT_LOST.load(Ordering::Relaxed)
}

/// A line on stderr; nothing where nobody reads it any more, so that the exit code stays what it is.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A line on stdout. A reader that has gone away, as `head` does, has seen what it wanted.
fn print(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_without_colours_says_so_by_the_environment() {
        let wants = |set: &[(&str, &str)]| {
            wants_colours(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert!(wants(&[]) && wants(&[("TERM", "xterm-256color")]));
        assert!(wants(&[("NO_COLOR", "")]), "set to nothing, it asks for nothing");
        assert!(!wants(&[("NO_COLOR", "1")]) && !wants(&[("NO_COLOR", "0"), ("TERM", "xterm")]));
        assert!(!wants(&[("TERM", "dumb")]));
    }
}
