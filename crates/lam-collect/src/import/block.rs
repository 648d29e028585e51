//! What every form of document comes to: headings, text, and ordered lists.

/// A piece of a document, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// A heading; 1 is the highest level.
    Heading(usize, String),
    /// A paragraph, or the title of a list.
    Text(String),
    /// The family of the heading before it, as our own documents name it.
    Family(String),
    /// An ordered list, and the number of its first item.
    Steps(u64, Vec<Step>),
    /// An unordered list.
    Choices(Vec<String>),
    /// Code, in one line.
    Code(String),
}

/// One item of an ordered list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it says.
    pub(crate) text: String,
    /// Unordered items below it.
    pub(crate) choices: Vec<String>,
    /// Ordered items below it.
    pub(crate) steps: Vec<Step>,
}

impl Step {
    /// Takes code that follows its text: what a text that ends with a colon asks to enter.
    pub(crate) fn take_code(&mut self, code: &str) {
        if self.text.ends_with(':') && self.choices.is_empty() && self.steps.is_empty() {
            self.text = format!("{} {}", self.text, one_line(code)).trim_end().to_owned();
        }
    }

    /// A step without items below it.
    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

/// Text with single spaces.
pub(crate) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of code in one.
pub(crate) fn one_line(code: &str) -> String {
    let lines = code.lines().map(single_spaced).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// Text with single spaces, none before the punctuation of a sentence: what elements around words leave.
pub(crate) fn tidy(text: &str) -> String {
    let mut tidy = String::new();
    for word in text.split_whitespace() {
        let is_mark = word.chars().all(|character| ".,;:)".contains(character));
        let opens = tidy.is_empty() || tidy.ends_with('(');
        if !is_mark && !opens {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}
