//! Documents as they lie on disk, in the forms that people keep them in. Each form has a file; a new one is a file,
//! a line in [`SourceKind`] and a line in `read_text`.
//!
//! Every form is read into the same blocks (`block.rs`), and one rule makes procedures of them (`procedure.rs`). Does
//! not know filters, splits or evolution.

mod apart;
mod block;
mod brackets;
mod config;
mod content;
mod decode;
mod files;
mod gnome_help;
mod html;
mod json;
mod libreoffice_help;
mod limits;
mod markdown;
mod numbering;
mod procedure;
mod queries;
mod trajectory;
mod unpack;
mod wikihow;

use lam_signal::{Cancel, Progress};
use lam_types::{PlanSource, TaskPlan};

pub use config::{SourceConfig, SourceKind};
pub(crate) use markdown::blocks as markdown_blocks;
pub(crate) use procedure::{Procedure, procedures, with_headings};
pub(crate) use queries::{Query, answer};
pub use trajectory::{ImportFormat, import};

use crate::CollectError;
use crate::aside::{Rejected, Rejection, Unreadable};
use crate::pair::Origin;
use apart::apart;
use content::{Content, Fault, Repairs};
use files::{Held, SourceFile, files_below};
use json::Source;

/// What a source gives.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Name of the source.
    pub(crate) name: String,
    /// What kind of source it is.
    pub(crate) source: PlanSource,
    /// Documents that were read.
    pub(crate) documents: usize,
    /// Files of which nothing could be read.
    pub(crate) unreadable_files: usize,
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
    /// What was done so that documents could be read.
    pub(crate) repairs: Repairs,
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
        let (kind, read) = (source.kind, file.clone());
        let (content, hash) = apart(cancel, move || read_file(kind, &read))?;
        imported.take(source, file, &hash, content);
        progress.advance(index as u64 + 1, &format!("{} pairs", imported.pairs.len()));
    }
    progress.end();
    Ok(imported)
}

/// What a file gives, with the SHA-256 of its bytes; "" where it cannot be read.
fn read_file(kind: SourceKind, file: &SourceFile) -> (Content, String) {
    let read = || -> Result<(Content, String), String> {
        if kind == SourceKind::Wikihow {
            let (held, hash) = file.read()?;
            let (source, repairs) = match &held {
                Held::Text(text, repairs) => (Source::Text(text), *repairs),
                Held::Parquet => (Source::Table(file.path()), Repairs::default()),
            };
            let mut content = wikihow::read(source);
            content.repairs += repairs;
            return Ok((content, hash));
        }
        let (text, repairs, hash) = file.text()?;
        Ok((Content { repairs, ..read_text(kind, &text, &file.name) }, hash))
    };
    read().unwrap_or_else(|reason| (Fault::at(0, reason).into(), String::new()))
}

fn read_text(kind: SourceKind, text: &str, name: &str) -> Content {
    let of = |blocks: Result<Vec<block::Block>, Fault>| match blocks {
        Ok(blocks) => Content::of(procedures(&blocks)),
        Err(fault) => fault.into(),
    };
    match kind {
        SourceKind::LibreofficeHelp => libreoffice_help::read(text, name),
        SourceKind::GnomeHelp => gnome_help::read(text),
        SourceKind::Markdown => of(markdown::blocks(text)),
        SourceKind::Html => of(html::blocks(text, &html::Rules::default())),
        SourceKind::Wikihow => wikihow::read(Source::Text(text)),
        SourceKind::Queries => queries::read(text),
    }
}

impl Imported {
    fn new(source: &SourceConfig) -> Self {
        Self {
            name: source.name().to_owned(),
            source: source.plan_source(),
            documents: 0,
            unreadable_files: 0,
            procedures: 0,
            pairs: Vec::new(),
            rejected: Vec::new(),
            queries: Vec::new(),
            unreadable: Vec::new(),
            repairs: Repairs::default(),
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
        let is_read = content.faults.is_empty() || content.procedures.len() + content.queries.len() > 0;
        self.documents += usize::from(is_read);
        self.unreadable_files += usize::from(!is_read);
        self.repairs += content.repairs;
        for procedure in content.procedures {
            let unfinished = procedure.unfinished().map(|detail| (Rejection::Unfinished, detail));
            let Procedure { task, heading, family, plan, .. } = procedure;
            let no_task = task.is_none().then(|| (Rejection::NoTask, format!("`{heading}` asks for nothing")));
            let task = task.map(|task| source.mention(task, &application.title));
            let pair = TaskPlan { family, ..origin.pair(task.unwrap_or(heading), plan) };
            match no_task.or(unfinished) {
                None => self.pairs.push(pair),
                Some((reason, detail)) => self.rejected.push(Rejected { reason, detail, pair }),
            }
        }
        let query = |text: String| Query { text, document: document.clone(), hash: hash.to_owned() };
        self.queries.extend(content.queries.into_iter().map(query));
        let unreadable = content.faults.into_iter().map(|fault| fault.into_unreadable(&self.name, &file.name));
        self.unreadable.extend(unreadable);
    }
}
