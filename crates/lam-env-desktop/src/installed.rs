//! Which programs of a private desktop are installed. Starts none of them.

use std::path::Path;

use lam_env::Missing;

/// What every desktop is made of, beside the accessibility launcher.
const OF_EVERY_DESKTOP: [&str; 2] = ["Xvfb", "dbus-daemon"];
/// Where distributions put the accessibility launcher.
const LAUNCHERS: [&str; 4] = [
    "/usr/libexec/at-spi-bus-launcher",
    "/usr/lib/at-spi2-core/at-spi-bus-launcher",
    "/usr/lib/at-spi-bus-launcher",
    "/usr/libexec/at-spi2/at-spi-bus-launcher",
];

/// The programs that are missing of an application, which comes first, and of a desktop for it.
pub(crate) fn missing_programs(application: &str) -> Vec<Missing> {
    let programs = std::iter::once(application).chain(OF_EVERY_DESKTOP);
    let launcher = accessibility_launcher().is_none().then_some("at-spi-bus-launcher");
    let missing = programs.filter(|program| !is_installed(program)).chain(launcher);
    let told = |program: &str| Missing {
        what: format!("the program `{program}` is not installed"),
        hint: "run scripts/setup_environments.sh",
    };
    missing.map(told).collect()
}

/// The program that starts the accessibility bus.
pub(crate) fn accessibility_launcher() -> Option<&'static str> {
    LAUNCHERS.into_iter().find(|path| Path::new(path).exists())
}

/// Whether a program can be found.
fn is_installed(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_named_before_those_of_every_desktop() {
        let missing = missing_programs("no-such-program");
        assert_eq!(missing[0].what, "the program `no-such-program` is not installed");
        assert_eq!(missing_programs("/").len() + 1, missing.len(), "what is there is not named");
    }
}
