//! The document a task is about: paragraphs of formatted runs, tables, objects, notes and settings.
//!
//! Plain data with equality, which is what a task's verdict compares. Knows no control and no selection.

mod difference;
mod paragraph;

use std::collections::BTreeMap;

pub use difference::Difference;
pub use paragraph::{Format, Mark, Paragraph};

/// A table in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Number of rows.
    pub rows: i64,
    /// Number of columns.
    pub columns: i64,
    /// Named table style, "" for none.
    pub style: String,
    /// The commands by which rows and columns were added, in order: they say on which side.
    pub grown: Vec<&'static str>,
}

/// Something inserted that has no text position of its own: a picture, a shape, a break, a cover page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is, such as `Picture`.
    pub kind: &'static str,
    /// Which one, or its text.
    pub detail: String,
}

/// Something attached to a piece of text: a comment, a footnote, a link, a bookmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is, such as `Comment`.
    pub kind: &'static str,
    /// What it says.
    pub text: String,
    /// The text it is attached to, "" for the insertion point.
    pub anchor: String,
}

/// Everything that a task's predicate compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The text, from top to bottom.
    pub paragraphs: Vec<Paragraph>,
    /// The tables, in order.
    pub tables: Vec<Table>,
    /// Inserted objects, in order.
    pub objects: Vec<Object>,
    /// Attached notes, in order.
    pub notes: Vec<Note>,
    /// Page setup, header, footer, view and the like; absent means the default.
    pub settings: BTreeMap<&'static str, String>,
}

/// A piece of one paragraph, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the paragraph.
    pub paragraph: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Document {
    /// The text, one line a paragraph.
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.paragraphs.iter().map(Paragraph::text).collect();
        lines.join("\n")
    }

    /// The first place where `text` stands.
    pub fn find(&self, text: &str) -> Option<Span> {
        if text.is_empty() {
            return None;
        }
        self.paragraphs.iter().enumerate().find_map(|(paragraph, content)| {
            let start = content.text().find(text)?;
            Some(Span { paragraph, start, end: start + text.len() })
        })
    }

    /// Replaces every occurrence of `old`; formatting of each occurrence's first run is kept.
    pub fn replace_all(&mut self, old: &str, new: &str) {
        if old.is_empty() {
            return;
        }
        for paragraph in &mut self.paragraphs {
            let starts: Vec<usize> = paragraph.text().match_indices(old).map(|(start, _)| start).collect();
            for start in starts.into_iter().rev() {
                paragraph.replace(start, start + old.len(), new);
            }
        }
    }

    /// Positions in `objects` of the pictures.
    pub fn pictures(&self) -> impl Iterator<Item = usize> {
        self.objects.iter().enumerate().filter(|(_, object)| object.kind == "Picture").map(|(index, _)| index)
    }

    /// Positions in `notes` of the comments.
    pub fn comments(&self) -> impl Iterator<Item = usize> {
        self.notes.iter().enumerate().filter(|(_, note)| note.kind == "Comment").map(|(index, _)| index)
    }
}
