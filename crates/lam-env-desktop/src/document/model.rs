//! What a word processor's document says, apart from how its file writes it: paragraphs with their formats, tables,
//! and plain facts. Two documents are compared fact by fact.

use std::collections::BTreeMap;

/// A document's facts: `paragraph 2 bold` → `'garden plan'`. Sorted, so that differences come in a fixed order.
pub type Facts = BTreeMap<String, String>;

/// One paragraph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph {
    /// Its text.
    pub text: String,
    /// Formats of the whole paragraph by name, such as `alignment` → `center`; defaults are left out.
    pub formats: BTreeMap<String, String>,
    /// Formats of single characters by name, one value a character; "" for the default.
    pub characters: BTreeMap<String, Vec<String>>,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Texts of the cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// After which paragraph it stands, counted from 1; 0 before the first.
    pub after: usize,
}

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Paragraphs of the body, cells of tables apart.
    pub paragraphs: Vec<Paragraph>,
    /// Tables of the body.
    pub tables: Vec<Table>,
    /// Everything else: page, header, footer, notes, comments, fields, properties.
    pub facts: Facts,
}

impl Paragraph {
    /// A paragraph without formats.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Gives characters `from` to `to` a format.
    pub fn format_characters(&mut self, (from, to): (usize, usize), name: &str, value: &str) {
        let length = self.text.chars().count();
        let values = self.characters.entry(name.to_owned()).or_insert_with(|| vec![String::new(); length]);
        for place in values.iter_mut().take(to.min(length)).skip(from) {
            value.clone_into(place);
        }
        if values.iter().all(String::is_empty) {
            self.characters.remove(name);
        }
    }

    /// Where `text` stands, in characters.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        let at = self.text.find(text)?;
        let from = self.text[..at].chars().count();
        Some((from, from + text.chars().count()))
    }

    /// A character format as text: the runs that have it, each with its value where that says more than "on".
    fn runs(&self, values: &[String]) -> String {
        let characters: Vec<char> = self.text.chars().collect();
        let mut runs: Vec<String> = Vec::new();
        let mut start = 0;
        while start < values.len() {
            let mut end = start;
            while end < values.len() && values[end] == values[start] {
                end += 1;
            }
            let value = &values[start];
            // Spaces at the edges of a run look the same with and without a format.
            let text: String = characters[start..end.min(characters.len())].iter().collect();
            if !value.is_empty() && !text.trim().is_empty() {
                let value = if value == "on" { String::new() } else { format!(" {value}") };
                runs.push(format!("'{}'{value}", text.trim()));
            }
            start = end;
        }
        runs.join(", ")
    }
}

impl Document {
    /// Everything it says.
    pub fn facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        for (place, paragraph) in self.paragraphs.iter().enumerate() {
            let name = format!("paragraph {:02}", place + 1);
            for (format, value) in &paragraph.formats {
                facts.insert(format!("{name} {format}"), value.clone());
            }
            for (format, values) in &paragraph.characters {
                let runs = paragraph.runs(values);
                if !runs.is_empty() {
                    facts.insert(format!("{name} {format}"), runs);
                }
            }
            facts.insert(name, paragraph.text.clone());
        }
        for (place, table) in self.tables.iter().enumerate() {
            let name = format!("table {}", place + 1);
            for (row, cells) in table.rows.iter().enumerate() {
                facts.insert(format!("{name} row {:02}", row + 1), cells.join(" | "));
            }
            let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
            facts.insert(name, format!("{} rows, {columns} columns", table.rows.len()));
        }
        facts
    }

    /// The paragraph that holds `text`.
    pub fn paragraph_with(&mut self, text: &str) -> Option<&mut Paragraph> {
        self.paragraphs.iter_mut().find(|paragraph| paragraph.text.contains(text))
    }

    /// Its text, one line a paragraph.
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.paragraphs.iter().map(|paragraph| paragraph.text.as_str()).collect();
        lines.join("\n")
    }
}

/// What has to change in `from` to become `to`: one line a fact, in the order of their names.
pub fn difference(from: &Facts, to: &Facts) -> Vec<String> {
    let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
    names.sort();
    names.dedup();
    let line = |name: &&String| match (from.get(*name), to.get(*name)) {
        (Some(old), Some(new)) if old != new => Some(format!("{name}: {old} → {new}")),
        (Some(old), None) => Some(format!("{name}: {old} → nothing")),
        (None, Some(new)) => Some(format!("{name}: nothing → {new}")),
        _ => None,
    };
    names.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_the_text_that_has_them() {
        let mut paragraph = Paragraph::plain("the red barn");
        paragraph.format_characters((4, 7), "bold", "on");
        paragraph.format_characters((0, 12), "size", "14");
        let facts = Document { paragraphs: vec![paragraph], ..Document::default() }.facts();
        assert_eq!(facts["paragraph 01 bold"], "'red'");
        assert_eq!(facts["paragraph 01 size"], "'the red barn' 14");
    }

    #[test]
    fn a_difference_names_what_changed() {
        let plain = Document { paragraphs: vec![Paragraph::plain("one")], ..Document::default() };
        let mut other = plain.clone();
        other.paragraphs[0].formats.insert("alignment".into(), "center".into());
        let change = difference(&plain.facts(), &other.facts());
        assert_eq!(change, ["paragraph 01 alignment: nothing → center"]);
        assert_eq!(difference(&plain.facts(), &plain.facts()), Vec::<String>::new());
    }
}
