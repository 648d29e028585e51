//! The names of desktop applications among the environments: `desktop:writer`, or `desktop:` and the path of an
//! application's file.

use std::path::{Path, PathBuf};

use lam_env::{Application, Environments, GuardedApplication, Missing, Provider};
use lam_signal::Failure;

use crate::{ApplicationFile, Desktop, tasks};

/// Start of the names.
const PREFIX: &str = "desktop:";

/// Offers the shipped applications, and any that is described in a file.
pub struct DesktopProvider;

impl Provider for DesktopProvider {
    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn names(&self) -> &'static [&'static str] {
        &["desktop:writer", "desktop:mousepad", "desktop:galculator"]
    }

    fn other_names(&self) -> &'static str {
        "desktop:PATH for an application's own .toml file"
    }

    fn about(&self, name: &str) -> &'static str {
        match name {
            "desktop:writer" => "LibreOffice Writer on a desktop of its own",
            "desktop:mousepad" => "the editor Mousepad on a desktop of its own",
            "desktop:galculator" => "the calculator Galculator on a desktop of its own",
            _ => "",
        }
    }

    fn families(&self, name: &str) -> Vec<&'static str> {
        let application = name.strip_prefix(PREFIX).unwrap_or(name);
        tasks::catalog(application).families.into_iter().map(|family| family.name).collect()
    }

    fn claims(&self, name: &str) -> bool {
        name.starts_with(PREFIX)
    }

    fn knows(&self, name: &str) -> bool {
        self.names().contains(&name) || name.ends_with(".toml")
    }

    fn file_of(&self, name: &str) -> Option<PathBuf> {
        let application = name.strip_prefix(PREFIX)?;
        application.ends_with(".toml").then(|| application.into())
    }

    fn keeps_screenshots(&self, _name: &str) -> bool {
        true
    }

    fn missing(&self, name: &str) -> Vec<Missing> {
        let application = ApplicationFile::load(name.strip_prefix(PREFIX).unwrap_or(name));
        application.map(|file| file.missing()).unwrap_or_default()
    }

    /// The application on private desktops, behind the rules of its file.
    fn open(&self, name: &str, screenshots: Option<&Path>, _: &Environments) -> Result<Box<dyn Application>, Failure> {
        let application = name.strip_prefix(PREFIX).unwrap_or(name);
        let desktop = Desktop::load(application).map_err(Failure::config)?;
        let rules = desktop.rules();
        let desktop = match screenshots {
            Some(folder) => desktop.with_screenshots(folder.to_owned()),
            None => desktop,
        };
        Ok(Box::new(GuardedApplication::new(Box::new(desktop), rules)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_names_its_file() {
        assert_eq!(DesktopProvider.file_of("desktop:apps/own.toml"), Some("apps/own.toml".into()));
        assert_eq!(DesktopProvider.file_of("desktop:writer"), None);
    }
}
