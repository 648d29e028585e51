//! The first part in which two documents differ, in words. Knows no task.

use lam_signal::excerpt;

use super::paragraph::{Attributes, Format, Mark, Run};
use super::{Document, Note, Object, Paragraph, Table};

/// Characters of a text that are told.
const LONGEST: usize = 80;

/// How a part of a document should be, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The part, such as `formatting`.
    pub part: &'static str,
    /// As it should be.
    pub expected: String,
    /// As it is.
    pub found: String,
}

impl Document {
    /// The first part in which `found` is not as this document.
    pub fn difference(&self, found: &Document) -> Option<Difference> {
        let (ours, theirs) = (&self.paragraphs, &found.paragraphs);
        first("text", "paragraph", ours, theirs, |one, other| one.text() == other.text(), |one| quoted(&one.text()))
            .or_else(|| first("formatting", "paragraph", ours, theirs, PartialEq::eq, format_of))
            .or_else(|| first("tables", "table", &self.tables, &found.tables, PartialEq::eq, table))
            .or_else(|| first("objects", "object", &self.objects, &found.objects, PartialEq::eq, object))
            .or_else(|| first("notes", "note", &self.notes, &found.notes, PartialEq::eq, note))
            .or_else(|| self.setting(found))
    }

    fn setting(&self, found: &Document) -> Option<Difference> {
        let names = self.settings.keys().chain(found.settings.keys());
        let name = names.filter(|name| self.settings.get(*name) != found.settings.get(*name)).min()?;
        let told = |document: &Document| match document.settings.get(name) {
            Some(value) => format!("{name} {}", quoted(value)),
            None => format!("{name} as at the start"),
        };
        Some(Difference { part: "settings", expected: told(self), found: told(found) })
    }
}

/// The first of some parts that differs, by its number from 1.
fn first<T>(
    part: &'static str,
    word: &str,
    expected: &[T],
    found: &[T],
    is_same: impl Fn(&T, &T) -> bool,
    words: impl Fn(&T) -> String,
) -> Option<Difference> {
    let differs = |place: &usize| match (expected.get(*place), found.get(*place)) {
        (Some(one), Some(other)) => !is_same(one, other),
        _ => true,
    };
    let place = (0..expected.len().max(found.len())).find(differs)?;
    let told = |parts: &[T]| match parts.get(place) {
        Some(one) => format!("{word} {} {}", place + 1, words(one)),
        None => format!("no {word} {}", place + 1),
    };
    Some(Difference { part, expected: told(expected), found: told(found) })
}

fn quoted(text: &str) -> String {
    format!("'{}'", excerpt(text, LONGEST))
}

/// What is not as by default in a paragraph.
fn format_of(paragraph: &Paragraph) -> String {
    let mut told: Vec<String> = paragraph.runs.iter().filter_map(run).collect();
    told.extend(attributes(&paragraph.attributes));
    if told.is_empty() { "plain".to_owned() } else { told.join(", ") }
}

fn run(run: &Run) -> Option<String> {
    let Format { font, size, color, highlight, .. } = &run.format;
    let marks = [
        ("bold", Mark::Bold),
        ("italic", Mark::Italic),
        ("underlined", Mark::Underline),
        ("struck through", Mark::Strikethrough),
        ("subscript", Mark::Subscript),
        ("superscript", Mark::Superscript),
        ("in small caps", Mark::SmallCaps),
    ];
    let marks = marks.into_iter().filter(|(_, mark)| run.format.has(*mark)).map(|(word, _)| word.to_owned());
    let size = if *size == 0 { String::new() } else { size.to_string() };
    let values = [("font", font), ("size", &size), ("color", color), ("highlight", highlight)];
    let told: Vec<String> = marks.chain(given(values)).collect();
    (!told.is_empty()).then(|| format!("{} {}", quoted(&run.text), told.join(" ")))
}

fn attributes(attributes: &Attributes) -> Vec<String> {
    let Attributes { alignment, list, line_spacing, style, indent, space } = attributes;
    let pair = |[one, other]: &[u32; 2]| if one + other == 0 { String::new() } else { format!("{one} and {other}") };
    let (indent, space) = (pair(indent), pair(space));
    let values = [
        ("alignment", alignment),
        ("list", list),
        ("line spacing", line_spacing),
        ("style", style),
        ("indent", &indent),
        ("space", &space),
    ];
    given(values).collect()
}

/// Those that are set, by name.
fn given<'a, const N: usize>(values: [(&'static str, &'a String); N]) -> impl Iterator<Item = String> + 'a {
    values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name} {value}"))
}

fn table(table: &Table) -> String {
    let Table { rows, columns, style, grown } = table;
    let style = if style.is_empty() { String::new() } else { format!(" style {style}") };
    let grown = if grown.is_empty() { String::new() } else { format!(" by {}", grown.join(", ")) };
    format!("of {rows} rows and {columns} columns{style}{grown}")
}

fn object(object: &Object) -> String {
    format!("{} {}", object.kind, quoted(&object.detail))
}

fn note(note: &Note) -> String {
    format!("{} {} at {}", note.kind, quoted(&note.text), quoted(&note.anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(lines: &[&str]) -> Document {
        Document { paragraphs: lines.iter().map(|line| Paragraph::plain(line)).collect(), ..Document::default() }
    }

    fn told(expected: &Document, found: &Document) -> (String, String, String) {
        let Difference { part, expected, found } = expected.difference(found).unwrap();
        (part.to_owned(), expected, found)
    }

    fn words(part: &str, expected: &str, found: &str) -> (String, String, String) {
        (part.to_owned(), expected.to_owned(), found.to_owned())
    }

    #[test]
    fn the_first_part_that_differs_is_told_from_both_sides() {
        let plain = document(&["the red barn", "and the cow"]);
        assert_eq!(plain.difference(&plain), None);
        let other = document(&["the red barn", "and the horse", "more"]);
        assert_eq!(told(&plain, &other), words("text", "paragraph 2 'and the cow'", "paragraph 2 'and the horse'"));
        let longer = document(&["the red barn", "and the cow", "more"]);
        assert_eq!(told(&longer, &plain), words("text", "paragraph 3 'more'", "no paragraph 3"));
    }

    #[test]
    fn formats_tables_and_settings_are_told_by_what_is_not_as_by_default() {
        let plain = document(&["the red barn"]);
        let mut bold = plain.clone();
        bold.paragraphs[0].runs[0].format.set(Mark::Bold, true);
        bold.paragraphs[0].attributes.alignment = "Center".into();
        let expected = "paragraph 1 'the red barn' bold, alignment Center";
        assert_eq!(told(&bold, &plain), words("formatting", expected, "paragraph 1 plain"));
        let mut tabled = plain.clone();
        tabled.tables.push(Table { rows: 2, columns: 3, style: String::new(), grown: vec!["Insert Above"] });
        let expected = "table 1 of 2 rows and 3 columns by Insert Above";
        assert_eq!(told(&tabled, &plain), words("tables", expected, "no table 1"));
        let mut wide = plain.clone();
        wide.settings.insert("Orientation", "Landscape".into());
        assert_eq!(told(&wide, &plain), words("settings", "Orientation 'Landscape'", "Orientation as at the start"));
    }
}
