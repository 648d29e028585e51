//! Documents as they lie on disk, in the forms that people keep them in. Each form has a file; a new one is a file,
//! a line in [`SourceKind`] and a line in `read_source`.
//!
//! Every form is read into the same blocks (`block.rs`), and one rule makes procedures of them (`procedure.rs`). Does
//! not know filters, splits or evolution.

mod block;
mod config;
mod content;
mod files;
mod gnome_help;
mod html;
mod libreoffice_help;
mod markdown;
mod procedure;
mod queries;
mod trajectory;
mod wikihow;

use lam_signal::{Cancel, Progress};
use lam_store::hash_bytes;
use lam_types::{PlanSource, TaskPlan};

pub use config::{SourceConfig, SourceKind};
pub(crate) use markdown::blocks as markdown_blocks;
pub(crate) use procedure::{Procedure, procedures, with_headings};
pub(crate) use queries::{Query, answer};
pub use trajectory::{ImportFormat, import};

use crate::CollectError;
use crate::aside::{Rejected, Rejection, Unreadable};
use crate::pair::Origin;
use content::Content;
use files::{SourceFile, files_below};

/// What a source gives.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Name of the source.
    pub(crate) name: String,
    /// What kind of source it is.
    pub(crate) source: PlanSource,
    /// Documents that were read.
    pub(crate) documents: usize,
    /// Procedures or articles found in them.
    pub(crate) procedures: usize,
    /// Pairs, not filtered yet.
    pub(crate) pairs: Vec<TaskPlan>,
    /// Procedures for which no task was found.
    pub(crate) rejected: Vec<Rejected>,
    /// Searches that have no plan of their own.
    pub(crate) queries: Vec<Query>,
    /// What could not be read.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// Reads every source, in the order in which they are named.
///
/// # Errors
/// A source that is not there, or that holds no document at all.
pub(crate) fn read_sources(
    sources: &[SourceConfig],
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<Imported>, CollectError> {
    sources.iter().map(|source| read_source(source, progress, cancel)).collect()
}

fn read_source(source: &SourceConfig, progress: &dyn Progress, cancel: &Cancel) -> Result<Imported, CollectError> {
    let files = files_below(source)?;
    let mut imported = Imported::new(source);
    progress.begin(source.name(), Some(files.len() as u64));
    for (index, file) in files.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        match file.read() {
            Err(reason) => imported.take(source, file, "", Content::fault(0, "", reason)),
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let content = match source.kind {
                    SourceKind::LibreofficeHelp => libreoffice_help::read(&text, &file.name),
                    SourceKind::GnomeHelp => gnome_help::read(&text),
                    SourceKind::Markdown => Content::of(procedures(&markdown::blocks(&text))),
                    SourceKind::Html => Content::of(procedures(&html::blocks(&text, &html::Rules::default()))),
                    SourceKind::Wikihow => wikihow::read(&text),
                    SourceKind::Queries => queries::read(&text),
                };
                imported.documents += 1;
                imported.take(source, file, &hash_bytes(&bytes), content);
            }
        }
        progress.advance(index as u64 + 1, &format!("{} pairs", imported.pairs.len()));
    }
    progress.end();
    Ok(imported)
}

impl Imported {
    fn new(source: &SourceConfig) -> Self {
        Self {
            name: source.name().to_owned(),
            source: source.plan_source(),
            documents: 0,
            procedures: 0,
            pairs: Vec::new(),
            rejected: Vec::new(),
            queries: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn take(&mut self, source: &SourceConfig, file: &SourceFile, hash: &str, content: Content) {
        let document = format!("{}/{}", self.name, file.name);
        let application = source.application_of(&file.name);
        let origin = Origin {
            application: application.name,
            source: self.source,
            document: document.clone(),
            document_hash: hash.to_owned(),
            producer: source.kind.producer().to_owned(),
        };
        self.procedures += content.procedures.len();
        for Procedure { task, heading, family, plan } in content.procedures {
            let task = task.map(|task| source.mention(task, &application.title));
            let asks = task.is_some();
            let pair = TaskPlan { family, ..origin.pair(task.unwrap_or_else(|| heading.clone()), plan) };
            if asks {
                self.pairs.push(pair);
            } else {
                let detail = format!("`{heading}` asks for nothing");
                self.rejected.push(Rejected { reason: Rejection::NoTask, detail, pair });
            }
        }
        let query = |text: String| Query { text, document: document.clone(), hash: hash.to_owned() };
        self.queries.extend(content.queries.into_iter().map(query));
        let unreadable = content.faults.into_iter().map(|fault| fault.into_unreadable(&self.name, &file.name));
        self.unreadable.extend(unreadable);
    }
}
