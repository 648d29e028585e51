//! Which documents are read, and where they lie.

use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_types::PlanSource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Forms of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// LibreOffice's help pages, as installed (HTML).
    LibreofficeHelp,
    /// GNOME's help pages, as installed (Mallard).
    GnomeHelp,
    /// A folder of Markdown files.
    Markdown,
    /// A folder of HTML files.
    Html,
    /// Articles with titles, methods and steps (JSON or JSON lines).
    Wikihow,
    /// Search queries, one a line; their plans come from the other sources.
    Queries,
}

impl SourceKind {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::LibreofficeHelp => "libreoffice_help",
            SourceKind::GnomeHelp => "gnome_help",
            SourceKind::Markdown => "markdown",
            SourceKind::Html => "html",
            SourceKind::Wikihow => "wikihow",
            SourceKind::Queries => "queries",
        }
    }

    /// How its documents are got, where this repository fetches them.
    pub(crate) fn fetched_by(self) -> Option<&'static str> {
        let is_fetched = matches!(self, SourceKind::LibreofficeHelp | SourceKind::GnomeHelp);
        is_fetched.then_some("scripts/fetch_help.sh fetches LibreOffice's and GNOME's help")
    }

    /// The rule that makes its pairs, with its version.
    pub(crate) fn producer(self) -> &'static str {
        match self {
            SourceKind::LibreofficeHelp => "rule:libreoffice-help-2",
            SourceKind::GnomeHelp => "rule:gnome-help-2",
            SourceKind::Markdown => "rule:markdown-2",
            SourceKind::Html => "rule:html-2",
            SourceKind::Wikihow => "rule:wikihow-2",
            SourceKind::Queries => "rule:query-1",
        }
    }

    /// Ends of the names of its files.
    pub(crate) fn extensions(self) -> &'static [&'static str] {
        match self {
            SourceKind::LibreofficeHelp | SourceKind::Html => &["html", "htm", "xhtml"],
            SourceKind::GnomeHelp => &["page"],
            SourceKind::Markdown => &["md", "markdown"],
            SourceKind::Wikihow => &["json", "jsonl", "ndjson", "parquet"],
            SourceKind::Queries => &["txt", "tsv", "log", "csv"],
        }
    }
}

/// One source of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Form of its documents.
    pub kind: SourceKind,
    /// A folder, or one file.
    pub path: PathBuf,
    /// Name in statistics and in the pairs' provenance; the kind's, where none is given.
    #[serde(default)]
    pub name: String,
    /// Folders below `path` that are read, with `*` for any one name; all where none is given, and for LibreOffice's
    /// help its guides.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Application that its pairs are about; for LibreOffice's help the part's own, where none is given.
    #[serde(default)]
    pub application: String,
    /// Name that people call the application by; tasks that do not say it get ` in NAME` at their end.
    #[serde(default)]
    pub application_title: String,
    /// Of a log of queries, only those with one of these words are taken; all where none is given.
    #[serde(default)]
    pub mentions: Vec<String>,
}

/// An application as rows and as people name it.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) title: String,
}

impl SourceConfig {
    /// A source of all files of this kind under a path, every other setting at its default.
    pub(crate) fn files(kind: SourceKind, path: &Path, name: &str) -> Self {
        Self {
            kind,
            path: path.to_owned(),
            name: name.to_owned(),
            folders: Vec::new(),
            application: String::new(),
            application_title: String::new(),
            mentions: Vec::new(),
        }
    }

    /// Refuses documents that are not there; `key` is where the source stands in the settings.
    pub(crate) fn check_exists(&self, key: &str) -> Result<(), ConfigError> {
        let key = format!("{key}.path");
        match self.kind.fetched_by().filter(|_| !self.path.exists()) {
            Some(hint) => Err(ConfigError::value(&key, self.path.display(), "no such file or directory", hint)),
            None => lam_config::check_exists(&key, &self.path),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { self.kind.as_str() } else { &self.name }
    }

    pub(crate) fn plan_source(&self) -> PlanSource {
        match self.kind {
            SourceKind::Wikihow => PlanSource::Wikihow,
            SourceKind::Queries => PlanSource::SearchQuery,
            _ => PlanSource::Documentation,
        }
    }

    /// The folders below `path`, as patterns.
    pub(crate) fn patterns(&self) -> Vec<&str> {
        match (self.folders.as_slice(), self.kind) {
            ([], SourceKind::LibreofficeHelp) => vec!["text/*/guide"],
            (folders, _) => folders.iter().map(String::as_str).collect(),
        }
    }

    /// What the file of this name, below `path`, is about.
    pub(crate) fn application_of(&self, file: &str) -> Named {
        let (name, title) = match self.kind {
            SourceKind::LibreofficeHelp => super::libreoffice_help::application(file),
            SourceKind::GnomeHelp => ("gnome", "GNOME"),
            _ => ("", ""),
        };
        let or = |given: &str, own: &str| if given.is_empty() { own.to_owned() } else { given.to_owned() };
        Named { name: or(&self.application, name), title: or(&self.application_title, title) }
    }

    /// The task with the application's name at its end, unless a word of the name is in it.
    pub(crate) fn mention(&self, task: String, title: &str) -> String {
        let lower = task.to_lowercase();
        let is_said = title.split_whitespace().any(|word| lower.contains(&word.to_lowercase()));
        if title.is_empty() || is_said { task } else { format!("{task} in {title}") }
    }
}
