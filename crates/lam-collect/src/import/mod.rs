//! Documents as they lie on disk, in the forms that people keep them in. One folder a source; a new one is a folder, a
//! line in [`SourceKind`] and a line in `read_source`.
//!
//! Every source comes to the same blocks (`block.rs`), and one rule makes procedures of them (`procedure.rs`). Knows no
//! particular manual, and nothing of filters, splits and evolution.

mod block;
mod config;
mod files;
mod gnome_help;
mod html;
mod libreoffice_help;
mod markdown;
mod procedure;
mod queries;
mod request;
mod trajectory;
mod wikihow;

use lam_signal::{Cancel, Progress};
use lam_store::hash_bytes;
use lam_types::{PlanSource, Split, TaskPlan};
use serde::Serialize;

pub use config::{SourceConfig, SourceKind};
pub(crate) use markdown::blocks as markdown_blocks;
pub(crate) use procedure::{Procedure, procedures, with_headings};
pub(crate) use queries::{Query, answer};
pub(crate) use request::is_verb;
pub use trajectory::{ImportFormat, import};

use crate::CollectError;
use crate::plans::{Rejected, Rejection, task_id};
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
    /// Procedures that no task could be named for.
    pub(crate) rejected: Vec<Rejected>,
    /// Searches that have no plan of their own.
    pub(crate) queries: Vec<Query>,
    /// What could not be read.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A document or record that could not be read: kept aside with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Name of the source.
    pub source: String,
    /// The file, below the source's path.
    pub file: String,
    /// Line, from 1; 0 for the whole file.
    pub line: usize,
    /// The field at fault; "" for the whole record.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

/// What one file gives: procedures, searches, and records at fault.
#[derive(Debug, Default)]
struct Content {
    procedures: Vec<Procedure>,
    queries: Vec<String>,
    faults: Vec<Fault>,
}

/// A record at fault.
#[derive(Debug)]
struct Fault {
    line: usize,
    field: String,
    reason: String,
}

impl Content {
    fn of(procedures: Vec<Procedure>) -> Self {
        Self { procedures, ..Self::default() }
    }

    fn fault(line: usize, field: &str, reason: impl Into<String>) -> Self {
        Self { faults: vec![Fault { line, field: field.to_owned(), reason: reason.into() }], ..Self::default() }
    }
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
                    SourceKind::LibreofficeHelp => libreoffice_help::read(&text, file),
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
        let application = source.application_of(file);
        self.procedures += content.procedures.len();
        for procedure in content.procedures {
            let task = procedure.task.clone().map(|task| source.mention(task, &application.title));
            let pair = TaskPlan {
                task_id: task_id(&document, task.as_deref().unwrap_or(&procedure.heading), &procedure.plan),
                application: application.name.clone(),
                source: source.plan_source(),
                task: task.clone().unwrap_or_else(|| procedure.heading.clone()),
                plan: procedure.plan,
                parent_id: None,
                document: document.clone(),
                document_hash: hash.to_owned(),
                producer: source.kind.producer().to_owned(),
                family: procedure.family,
                split: Split::Train,
            };
            match task {
                Some(_) => self.pairs.push(pair),
                None => {
                    let detail = format!("`{}` asks for nothing", procedure.heading);
                    self.rejected.push(Rejected { reason: Rejection::NoTask, detail, pair });
                }
            }
        }
        let query = |text: String| Query { text, document: document.clone(), hash: hash.to_owned() };
        self.queries.extend(content.queries.into_iter().map(query));
        let unreadable = |fault: Fault| Unreadable {
            source: self.name.clone(),
            file: file.name.clone(),
            line: fault.line,
            field: fault.field,
            reason: fault.reason,
        };
        self.unreadable.extend(content.faults.into_iter().map(unreadable));
    }
}
