//! One paragraph: runs of equally formatted text, and the attributes of the whole.
//!
//! Byte positions come from searching the text, so they always lie on character boundaries.

/// A character format that is either on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Subscript,
    Superscript,
    SmallCaps,
}

impl Mark {
    /// The mark with this name on a control.
    pub fn named(name: &str) -> Option<Mark> {
        let all = [
            ("Bold", Mark::Bold),
            ("Italic", Mark::Italic),
            ("Underline", Mark::Underline),
            ("Strikethrough", Mark::Strikethrough),
            ("Subscript", Mark::Subscript),
            ("Superscript", Mark::Superscript),
            ("Small Caps", Mark::SmallCaps),
        ];
        all.into_iter().find(|(known, _)| *known == name).map(|(_, mark)| mark)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How a run of characters looks; empty and zero mean the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    marks: u8,
    /// Font family.
    pub font: String,
    /// Font size in points.
    pub size: u32,
    /// Text colour.
    pub color: String,
    /// Highlight colour.
    pub highlight: String,
}

impl Format {
    /// Whether a mark is on.
    pub fn has(&self, mark: Mark) -> bool {
        self.marks & mark.bit() != 0
    }

    /// Turns a mark on or off; subscript and superscript exclude each other.
    pub fn set(&mut self, mark: Mark, on: bool) {
        let opposite = match mark {
            Mark::Subscript => Some(Mark::Superscript),
            Mark::Superscript => Some(Mark::Subscript),
            _ => None,
        };
        if on {
            self.marks |= mark.bit();
            if let Some(other) = opposite {
                self.marks &= !other.bit();
            }
        } else {
            self.marks &= !mark.bit();
        }
    }
}

/// Characters of one format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The characters.
    pub text: String,
    /// How they look.
    pub format: Format,
}

/// What belongs to a whole paragraph; empty and zero mean the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Center`, `Align Right`, `Justify`, or "" for left.
    pub alignment: String,
    /// `Bullets`, `Numbering`, or "".
    pub list: String,
    /// Line spacing.
    pub line_spacing: String,
    /// Paragraph style.
    pub style: String,
    /// Left and right indent, in millimetres.
    pub indent: [u32; 2],
    /// Space before and after, in points.
    pub space: [u32; 2],
}

/// A paragraph of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph {
    /// The text in runs; neighbours differ in format and none is empty.
    pub runs: Vec<Run>,
    /// Attributes of the whole paragraph.
    pub attributes: Attributes,
}

impl Paragraph {
    /// A paragraph of plain text.
    pub fn plain(text: &str) -> Self {
        let mut paragraph = Self {
            runs: vec![Run { text: text.to_owned(), format: Format::default() }],
            attributes: Attributes::default(),
        };
        paragraph.normalize();
        paragraph
    }

    /// The text without its formatting.
    pub fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }

    /// The formats found between two bytes.
    pub fn formats(&self, start: usize, end: usize) -> Vec<&Format> {
        let mut at = 0;
        let mut found = Vec::new();
        for run in &self.runs {
            let next = at + run.text.len();
            if at < end && next > start {
                found.push(&run.format);
            }
            at = next;
        }
        found
    }

    /// Changes the format of the characters between two bytes.
    pub fn format(&mut self, start: usize, end: usize, change: impl Fn(&mut Format)) {
        let first = self.split(start);
        let last = self.split(end);
        for run in &mut self.runs[first..last] {
            change(&mut run.format);
        }
        self.normalize();
    }

    /// Replaces the characters between two bytes; the new text takes the format of the first of them.
    pub fn replace(&mut self, start: usize, end: usize, text: &str) {
        let first = self.split(start);
        let last = self.split(end);
        let format = self.runs.get(first).map(|run| run.format.clone()).unwrap_or_default();
        self.runs.splice(first..last, [Run { text: text.to_owned(), format }]);
        self.normalize();
    }

    /// Makes a run begin at byte `at` and returns its index.
    fn split(&mut self, at: usize) -> usize {
        let mut position = 0;
        for index in 0..self.runs.len() {
            if position == at {
                return index;
            }
            let length = self.runs[index].text.len();
            if at < position + length {
                let rest = self.runs[index].text.split_off(at - position);
                let format = self.runs[index].format.clone();
                self.runs.insert(index + 1, Run { text: rest, format });
                return index + 1;
            }
            position += length;
        }
        self.runs.len()
    }

    /// Drops empty runs and joins neighbours of equal format.
    fn normalize(&mut self) {
        self.runs.retain(|run| !run.text.is_empty());
        self.runs.dedup_by(|next, previous| {
            let same = next.format == previous.format;
            if same {
                previous.text.push_str(&next.text);
            }
            same
        });
    }
}
