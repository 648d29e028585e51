//! Environments by name: what each environment crate offers, and where a name leads. Knows no particular environment.

use std::path::{Path, PathBuf};

use lam_signal::Failure;

use crate::Application;

/// Something that an environment is made of, and that is not on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is not there, in a sentence.
    pub what: String,
    /// What brings it.
    pub hint: &'static str,
}

/// What one crate offers: the environments that it can open, by name.
pub trait Provider: Send + Sync {
    /// The crate whose code says what its environments do.
    fn crate_name(&self) -> &'static str;

    /// The names of its environments, as far as they can be listed.
    fn names(&self) -> &'static [&'static str];

    /// Names that cannot be listed, as the end of a hint: "" where there are none.
    fn other_names(&self) -> &'static str {
        ""
    }

    /// What an environment of this name is, in a few words.
    fn about(&self, _name: &str) -> &'static str {
        ""
    }

    /// The families of tasks of an environment of this name, as far as they are known without starting it.
    fn families(&self, _name: &str) -> Vec<&'static str> {
        Vec::new()
    }

    /// Whether a name is for this crate to open, or to refuse.
    fn claims(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    /// Whether an environment of this name, which the crate claims, can be asked for.
    fn knows(&self, name: &str) -> bool {
        self.claims(name)
    }

    /// The file that describes what an environment of this name is, where one is named.
    fn file_of(&self, _name: &str) -> Option<PathBuf> {
        None
    }

    /// Whether an environment of this name, which the crate claims, can keep pictures of its screens.
    fn keeps_screenshots(&self, _name: &str) -> bool {
        false
    }

    /// What an environment of this name, which the crate claims, is made of and this machine has not.
    fn missing(&self, _name: &str) -> Vec<Missing> {
        Vec::new()
    }

    /// The environment called `name`, with pictures of its screens kept below `screenshots`. `all` are the environments
    /// of every crate.
    ///
    /// # Errors
    /// A name that leads nowhere, or an application that cannot be started.
    fn open(&self, name: &str, screenshots: Option<&Path>, all: &Environments)
    -> Result<Box<dyn Application>, Failure>;
}

/// The environments of every crate.
#[derive(Default)]
pub struct Environments(Vec<Box<dyn Provider>>);

impl Environments {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With those of one more crate.
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.0.push(Box::new(provider));
        self
    }

    /// Every name that can be listed.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().flat_map(|provider| provider.names()).copied().collect()
    }

    /// What an environment of this name is, in a few words; "" where that is not known.
    pub fn about(&self, name: &str) -> &'static str {
        self.provider(name).map_or("", |provider| provider.about(name))
    }

    /// The families of tasks of an environment of this name, as far as they are known without starting it.
    pub fn families(&self, name: &str) -> Vec<&'static str> {
        self.provider(name).map(|provider| provider.families(name)).unwrap_or_default()
    }

    /// Names that cannot be listed, as each crate words them.
    pub fn other_names(&self) -> Vec<&'static str> {
        self.0.iter().map(|provider| provider.other_names()).filter(|names| !names.is_empty()).collect()
    }

    /// Whether an environment of this name can be asked for.
    pub fn is_known(&self, name: &str) -> bool {
        self.provider(name).is_some_and(|provider| provider.knows(name))
    }

    /// Whether an environment of this name can keep pictures of its screens.
    pub fn keeps_screenshots(&self, name: &str) -> bool {
        self.provider(name).is_some_and(|provider| provider.keeps_screenshots(name))
    }

    /// The file that describes what an environment of this name is, where one is named.
    pub fn file_of(&self, name: &str) -> Option<PathBuf> {
        self.provider(name)?.file_of(name)
    }

    /// What an environment of this name is made of and this machine has not.
    pub fn missing(&self, name: &str) -> Vec<Missing> {
        self.provider(name).map(|provider| provider.missing(name)).unwrap_or_default()
    }

    /// The crate whose code says what the environment of this name does.
    pub fn crate_of(&self, name: &str) -> Option<&'static str> {
        Some(self.provider(name)?.crate_name())
    }

    /// What can be asked for, as the end of a refusal.
    pub fn hint(&self) -> String {
        let mut known: Vec<String> = self.names().into_iter().map(str::to_owned).collect();
        known.extend(self.other_names().into_iter().map(str::to_owned));
        match known.split_last() {
            Some((last, others)) if !others.is_empty() => format!("registered are {}, and {last}", others.join(", ")),
            _ => format!("registered are {}", known.join(", ")),
        }
    }

    /// The environment called `name`.
    ///
    /// # Errors
    /// A name that leads nowhere, or an application that cannot be started.
    pub fn open(&self, name: &str) -> Result<Box<dyn Application>, Failure> {
        self.open_with(name, None)
    }

    /// The environment called `name`, with pictures of its screens kept below `screenshots`.
    ///
    /// # Errors
    /// As [`Environments::open`], and an environment that keeps no pictures.
    pub fn open_with(&self, name: &str, screenshots: Option<&Path>) -> Result<Box<dyn Application>, Failure> {
        match self.provider(name) {
            Some(provider) => provider.open(name, screenshots, self),
            None => Err(Failure::config(format!("unknown environment `{name}`")).hint(self.hint())),
        }
    }

    fn provider(&self, name: &str) -> Option<&dyn Provider> {
        self.0.iter().find(|provider| provider.claims(name)).map(Box::as_ref)
    }
}

/// Refuses pictures of screens, for environments that have none.
///
/// # Errors
/// When there is a folder for them.
pub fn refuse_screenshots(name: &str, screenshots: Option<&Path>) -> Result<(), Failure> {
    match screenshots {
        None => Ok(()),
        Some(_) => {
            Err(Failure::config(format!("environment `{name}` keeps no screenshots")).hint("desktop applications do"))
        }
    }
}
