//! The editor: a document, a selection, what the screen shows, and the way back.
//!
//! Holds the state and answers questions about it; `command.rs` changes it. Knows no task and no label.

use crate::document::{Difference, Document, Format, Mark, Span};
use crate::ribbon::{Block, Character, Dialog, Effect, Menu, Tab};

/// What is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Characters of one paragraph.
    Text(Span),
    /// Whole paragraphs, from the first to the last, both included.
    Paragraphs(usize, usize),
    /// The table at this position.
    Table(usize),
    /// The picture at this position among the objects.
    Picture(usize),
    /// The comment at this position among the notes.
    Comment(usize),
}

/// A dialog that waits for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenDialog {
    /// Which dialog.
    pub dialog: &'static Dialog,
    /// The text in each field; a checked box holds `on`.
    pub values: Vec<String>,
}

/// The file that was written last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedFile {
    /// Directory, "" for the current one.
    pub directory: String,
    /// Name without extension.
    pub name: String,
    /// Extension with its dot.
    pub extension: String,
}

impl SavedFile {
    /// Directory, name and extension.
    fn path(&self) -> String {
        let slash = if self.directory.is_empty() { "" } else { "/" };
        format!("'{}{slash}{}{}'", self.directory, self.name, self.extension)
    }
}

/// The whole state of one running editor.
#[derive(Clone, Debug, PartialEq)]
pub struct Editor {
    /// The document.
    pub document: Document,
    /// What is selected.
    pub selection: Option<Selection>,
    /// The tab whose commands are shown.
    pub tab: Tab,
    /// The menu that is open.
    pub menu: Option<&'static Menu>,
    /// The dialog that is open.
    pub dialog: Option<OpenDialog>,
    /// What was copied.
    pub clipboard: String,
    /// The file that was written last.
    pub saved: Option<SavedFile>,
    history: Vec<Document>,
}

/// How many changes can be taken back.
const HISTORY: usize = 32;

impl Editor {
    /// An editor that shows a document.
    pub fn open(document: Document, tab: Tab) -> Self {
        Self {
            document,
            selection: None,
            tab,
            menu: None,
            dialog: None,
            clipboard: String::new(),
            saved: None,
            history: Vec::new(),
        }
    }

    /// Whether `found` holds the same work as this one: document and written file. What the screen shows does not count.
    pub fn difference(&self, found: &Editor) -> Option<Difference> {
        let saved = || {
            let told = |saved: &Option<SavedFile>| saved.as_ref().map_or_else(|| "none".to_owned(), SavedFile::path);
            let is_other = self.saved != found.saved;
            is_other.then(|| Difference { part: "saved file", expected: told(&self.saved), found: told(&found.saved) })
        };
        self.document.difference(&found.document).or_else(saved)
    }

    /// Changes the document and remembers the way back, if anything changed.
    pub fn change(&mut self, change: impl FnOnce(&mut Document)) {
        let before = self.document.clone();
        change(&mut self.document);
        if before != self.document {
            if self.history.len() == HISTORY {
                self.history.remove(0);
            }
            self.history.push(before);
        }
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.history.is_empty()
    }

    /// Takes back the last change.
    pub fn undo(&mut self) {
        if let Some(before) = self.history.pop() {
            self.document = before;
            self.selection = None;
        }
    }

    /// Forgets how to take back changes, what is selected and what is open: work as it is found at the start.
    pub fn settle(&mut self) {
        *self = Self { saved: self.saved.take(), ..Self::open(std::mem::take(&mut self.document), self.tab) };
    }

    /// The tab that appears with the selection.
    pub fn contextual_tab(&self) -> Option<Tab> {
        matches!(self.selection, Some(Selection::Table(_))).then_some(Tab::TableLayout)
    }

    /// The selected stretches of text, paragraph by paragraph.
    pub fn spans(&self) -> Vec<Span> {
        let whole = |paragraph: usize| {
            let end = self.document.paragraphs.get(paragraph).map_or(0, |content| content.text().len());
            Span { paragraph, start: 0, end }
        };
        match self.selection {
            Some(Selection::Text(span)) => vec![span],
            Some(Selection::Paragraphs(first, last)) => (first..=last).map(whole).collect(),
            _ => Vec::new(),
        }
    }

    /// The selected text, "" when no text is selected.
    pub fn selected_text(&self) -> String {
        let text = |span: Span| self.document.paragraphs[span.paragraph].text()[span.start..span.end].to_owned();
        let lines: Vec<String> = self.spans().into_iter().map(text).collect();
        lines.join("\n")
    }

    /// Whether every selected character has a mark.
    pub fn selection_has(&self, mark: Mark) -> bool {
        let formats = self.selected_formats();
        !formats.is_empty() && formats.iter().all(|format| format.has(mark))
    }

    /// Whether the first selected paragraph has this alignment or list.
    pub fn selection_shows(&self, name: &str) -> bool {
        let first = self.spans().first().map(|span| &self.document.paragraphs[span.paragraph].attributes);
        first.is_some_and(|attributes| attributes.alignment == name || attributes.list == name)
    }

    /// What a combo box or spinner shows.
    pub fn value_of(&self, effect: Effect) -> String {
        let format = self.selected_formats().first().map(|format| (*format).clone()).unwrap_or_default();
        let first = self.spans().first().map(|span| self.document.paragraphs[span.paragraph].attributes.clone());
        let attributes = first.unwrap_or_default();
        match effect {
            Effect::Character(Character::Font) if format.font.is_empty() => "Calibri".to_owned(),
            Effect::Character(Character::Font) => format.font,
            Effect::Character(Character::Size) if format.size == 0 => "11".to_owned(),
            Effect::Character(Character::Size) => format.size.to_string(),
            Effect::Block(Block::IndentLeft) => attributes.indent[0].to_string(),
            Effect::Block(Block::IndentRight) => attributes.indent[1].to_string(),
            Effect::Block(Block::SpaceBefore) => attributes.space[0].to_string(),
            Effect::Block(Block::SpaceAfter) => attributes.space[1].to_string(),
            _ => String::new(),
        }
    }

    fn selected_formats(&self) -> Vec<&Format> {
        let of = |span: Span| self.document.paragraphs[span.paragraph].formats(span.start, span.end);
        self.spans().into_iter().flat_map(of).collect()
    }
}
