//! What has to be true when a task is done: changes to the document it started with. Everything else must be as it
//! was, so that a wrong result never passes.

use std::path::Path;

use lam_tasks::Parameters;

use crate::document::{self, Document, Facts, Paragraph, Table, difference};

/// One change of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The quoted text has this character format.
    Text(&'static str, What),
    /// The quoted text has lost this character format.
    PlainText(&'static str),
    /// The paragraph of the quoted text has this format.
    Paragraph(&'static str, What),
    /// The paragraph of the quoted text has lost this format.
    PlainParagraph(&'static str),
    /// The paragraphs from the first number to the second have this format.
    Paragraphs(&'static str, What),
    /// All paragraphs have this format.
    Everywhere(&'static str, What),
    /// The document has this fact.
    Fact(&'static str, What),
    /// The document has lost this fact.
    NoFact(&'static str),
    /// The paragraph of the quoted text has this fact, such as a field or a break.
    Mark(&'static str, What),
    /// An empty paragraph stands before the one of the quoted text, where the text was split.
    EmptyBefore,
    /// The paragraph before the one of the quoted text has this fact.
    MarkBefore(&'static str, What),
    /// The new text stands in the place of the quoted one.
    Retyped,
    /// The new text stands behind the quoted one.
    Appended(&'static str),
    /// This stands behind the quoted text.
    Suffix(&'static str),
    /// The new text is the last paragraph.
    Last,
    /// The quoted text is gone.
    Deleted,
    /// The new text stands in place of the quoted one, everywhere.
    Replaced,
    /// The quoted text is in other letters.
    Letters(Letters),
    /// There is a new table of the numbers' size before the paragraph of the quoted text.
    TableBefore,
    /// The table that holds the quoted text has changed.
    Grid(Grid),
    /// There is a file called like the new text, with the choice's extension and the document's text.
    File,
    /// The result on the screen is this text.
    Screen(Sum),
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// This one.
    Is(&'static str),
    /// The choice's.
    Choice,
    /// The first number.
    First,
    /// The first number as a length.
    Inches,
    /// The new text.
    New,
    /// The new text in quotes.
    Quoted,
    /// The quoted text in quotes.
    OfText,
    /// The quoted text in quotes, and the new text as an address.
    Link,
}

/// Other letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// All large.
    Upper,
    /// The first of each word large.
    Title,
    /// The first one large.
    Sentence,
}

/// A change of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// An empty row above the text's.
    RowAbove,
    /// An empty row below the text's.
    RowBelow,
    /// An empty column before the text's.
    ColumnBefore,
    /// An empty column behind the text's.
    ColumnAfter,
    /// The text's row is gone.
    NoRow,
    /// The text's column is gone.
    NoColumn,
    /// The table is gone.
    NoTable,
}

/// What a calculator shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// First + second.
    Plus,
    /// First − second.
    Minus,
    /// First × second.
    Times,
}

/// What was found when a task was to be judged.
pub struct Found<'a> {
    /// The episode's folder.
    pub folder: &'a Path,
    /// The document's name in it; "" for applications without documents.
    pub document: &'a str,
    /// The text of the control that says the result.
    pub screen: String,
}

/// What is wrong, or nothing; and the environment change either way.
pub struct Judgement {
    /// The first thing that is not as it was asked for.
    pub wrong: Option<String>,
    /// What changed in the document, fact by fact.
    pub change: Vec<String>,
}

/// Holds what was found against `goals`.
pub fn judge(goals: &[Goal], parameters: &Parameters, start: &Document, found: &Found<'_>) -> Judgement {
    for goal in goals {
        if let Goal::Screen(sum) = goal {
            let wanted = sum.result(parameters);
            let shown = found.screen.replace([' ', ','], "");
            let wrong = (shown != wanted).then(|| format!("the screen says `{shown}`, not `{wanted}`"));
            return Judgement { wrong, change: vec![format!("screen: {shown}")] };
        }
    }
    let read = match read(&found.folder.join(found.document)) {
        Ok(document) => document.facts(),
        Err(error) => return Judgement { wrong: Some(error), change: Vec::new() },
    };
    let facts = if is_plain(found.document) { Facts::new() } else { start.facts.clone() };
    let begun = Document { facts, ..start.clone() };
    let mut judgement = compare(goals, parameters, &begun, &read);
    if judgement.wrong.is_none() && goals.contains(&Goal::File) {
        judgement.wrong = other_file(parameters, start, found.folder);
    }
    judgement
}

/// Holds a document's facts against what they should be.
pub fn compare(goals: &[Goal], parameters: &Parameters, start: &Document, read: &Facts) -> Judgement {
    let wanted = expected(goals, parameters, start).facts();
    let wrong = first_difference(&wanted, read);
    Judgement { wrong, change: difference(&start.facts(), read) }
}

/// The first fact that is not as it should be, from both sides.
fn first_difference(wanted: &Facts, read: &Facts) -> Option<String> {
    let name = wanted.keys().chain(read.keys()).filter(|name| wanted.get(*name) != read.get(*name)).min()?;
    let told = |facts: &Facts| facts.get(name).map_or_else(|| "nothing".to_owned(), ToString::to_string);
    Some(format!("{name} is not as asked for; expected: {}; found: {}", told(wanted), told(read)))
}

/// Whether a file holds text and nothing else: no page, no header.
fn is_plain(name: &str) -> bool {
    name.ends_with(".txt")
}

/// Reads a document, or a plain text as one.
fn read(path: &Path) -> Result<Document, String> {
    if is_plain(&path.to_string_lossy()) {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(plain(&String::from_utf8_lossy(&bytes)));
    }
    document::read(path).map_err(|error| error.to_string())
}

/// A plain text as a document.
pub fn plain(text: &str) -> Document {
    let text = text.strip_suffix('\n').unwrap_or(text);
    Document { paragraphs: text.split('\n').map(Paragraph::plain).collect(), ..Document::default() }
}

/// Whether the file that was to be written is missing or says something else.
fn other_file(parameters: &Parameters, start: &Document, folder: &Path) -> Option<String> {
    let extension = parameters.choice.map(|choice| choice.value).unwrap_or_default();
    let name = format!("{}{extension}", parameters.new_text);
    let path = folder.join(&name);
    let Ok(bytes) = std::fs::read(&path) else {
        let there = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let there: Vec<String> = there.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        return Some(format!("there is no file `{name}`, but {}", there.join(", ")));
    };
    let words = start.text().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let holds = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
    let right = match extension {
        ".docx" | ".odt" => document::read(&path).is_ok_and(|document| document.text() == start.text()),
        ".pdf" => bytes.starts_with(b"%PDF-"),
        ".rtf" => bytes.starts_with(b"{\\rtf") && holds(&String::from_utf8_lossy(&bytes)),
        _ => holds(&String::from_utf8_lossy(&bytes)),
    };
    (!right).then(|| format!("the file `{name}` does not hold the document"))
}

/// The document as it should be left.
pub fn expected(goals: &[Goal], parameters: &Parameters, start: &Document) -> Document {
    let mut document = start.clone();
    for goal in goals {
        apply(*goal, parameters, &mut document);
    }
    document
}

impl What {
    fn value(self, parameters: &Parameters) -> String {
        match self {
            What::Is(value) => value.to_owned(),
            What::Choice => parameters.choice.map(|choice| choice.value).unwrap_or_default().to_owned(),
            What::First => parameters.numbers[0].to_string(),
            What::Inches => format!("{}.0 in", parameters.numbers[0]),
            What::New => parameters.new_text.clone(),
            What::Quoted => format!("'{}'", parameters.new_text),
            What::OfText => format!("'{}'", parameters.text),
            What::Link => format!("'{}' http://{}/", parameters.text, parameters.new_text),
        }
    }
}

impl Sum {
    fn result(self, parameters: &Parameters) -> String {
        let [first, second] = parameters.numbers;
        match self {
            Sum::Plus => first + second,
            Sum::Minus => first - second,
            Sum::Times => first * second,
        }
        .to_string()
    }
}

fn apply(goal: Goal, parameters: &Parameters, document: &mut Document) {
    let text = parameters.text.as_str();
    match goal {
        Goal::Text(name, what) => format_text(document, text, name, &what.value(parameters)),
        Goal::PlainText(name) => format_text(document, text, name, ""),
        Goal::Paragraph(name, what) => {
            if let Some(paragraph) = document.paragraph_with(text) {
                paragraph.formats.insert(name.into(), what.value(parameters));
            }
        }
        Goal::PlainParagraph(name) => {
            if let Some(paragraph) = document.paragraph_with(text) {
                paragraph.formats.remove(name);
            }
        }
        Goal::Paragraphs(name, what) => {
            let [first, last] = parameters.numbers.map(|number| number as usize);
            for paragraph in document.paragraphs.iter_mut().take(last).skip(first - 1) {
                paragraph.formats.insert(name.into(), what.value(parameters));
            }
        }
        Goal::Everywhere(name, what) => {
            for paragraph in &mut document.paragraphs {
                paragraph.formats.insert(name.into(), what.value(parameters));
            }
        }
        Goal::Fact(name, what) => {
            document.facts.insert(name.into(), what.value(parameters));
        }
        Goal::NoFact(name) => {
            document.facts.remove(name);
        }
        Goal::Mark(name, what) => {
            if let Some(place) = place_of(document, text) {
                document.facts.insert(format!("paragraph {:02} {name}", place + 1), what.value(parameters));
            }
        }
        Goal::EmptyBefore => {
            let place = place_of(document, text).unwrap_or(0);
            document.paragraphs.insert(place, Paragraph::default());
        }
        Goal::MarkBefore(name, what) => {
            let place = place_of(document, text).unwrap_or(0);
            document.facts.insert(format!("paragraph {place:02} {name}"), what.value(parameters));
        }
        Goal::TableBefore => {
            let [rows, columns] = parameters.numbers.map(|number| number as usize);
            let after = place_of(document, text).unwrap_or(0);
            document.tables.push(Table { rows: vec![vec![String::new(); columns]; rows], after });
        }
        Goal::Grid(change) => change_table(document, text, change),
        Goal::File | Goal::Screen(_) => {}
        Goal::Retyped | Goal::Replaced => retype(document, text, &parameters.new_text),
        Goal::Appended(joint) => {
            let longer = format!("{text}{joint}{}", parameters.new_text);
            retype(document, text, &longer);
        }
        Goal::Suffix(suffix) => retype(document, text, &format!("{text}{suffix}")),
        Goal::Last => document.paragraphs.push(Paragraph::plain(&parameters.new_text)),
        Goal::Deleted => retype(document, text, ""),
        Goal::Letters(letters) => {
            let changed = letters.of(text);
            retype(document, text, &changed);
        }
    }
}

fn place_of(document: &Document, text: &str) -> Option<usize> {
    document.paragraphs.iter().position(|paragraph| paragraph.text.contains(text))
}

fn format_text(document: &mut Document, text: &str, name: &str, value: &str) {
    if let Some(paragraph) = document.paragraph_with(text)
        && let Some(place) = paragraph.find(text)
    {
        paragraph.format_characters(place, name, value);
    }
}

/// Puts `new` in the place of `old` in every paragraph; formats stay with the first letters.
fn retype(document: &mut Document, old: &str, new: &str) {
    for paragraph in &mut document.paragraphs {
        while let Some((from, to)) = paragraph.find(old) {
            paragraph.text = paragraph.text.replacen(old, new, 1);
            for values in paragraph.characters.values_mut() {
                let value = values.get(from).cloned().unwrap_or_default();
                values.splice(from..to, vec![value; new.chars().count()]);
            }
            if new.contains(old) {
                break;
            }
        }
    }
}

fn change_table(document: &mut Document, text: &str, change: Grid) {
    let holds = |table: &Table| table.rows.iter().flatten().any(|cell| cell == text);
    let Some(index) = document.tables.iter().position(holds) else { return };
    let rows = &mut document.tables[index].rows;
    let row = rows.iter().position(|cells| cells.iter().any(|cell| cell == text)).unwrap_or(0);
    let column = rows[row].iter().position(|cell| cell == text).unwrap_or(0);
    let width = rows[row].len();
    match change {
        Grid::RowAbove => rows.insert(row, vec![String::new(); width]),
        Grid::RowBelow => rows.insert(row + 1, vec![String::new(); width]),
        Grid::ColumnBefore => rows.iter_mut().for_each(|cells| cells.insert(column, String::new())),
        Grid::ColumnAfter => rows.iter_mut().for_each(|cells| cells.insert(column + 1, String::new())),
        Grid::NoRow => {
            rows.remove(row);
        }
        Grid::NoColumn => rows.iter_mut().for_each(|cells| {
            cells.remove(column);
        }),
        Grid::NoTable => {
            document.tables.remove(index);
        }
    }
}

impl Letters {
    fn of(self, text: &str) -> String {
        let large = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        };
        match self {
            Letters::Upper => text.to_uppercase(),
            Letters::Sentence => large(text),
            Letters::Title => text.split(' ').map(large).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Facts that must be there for documents to be compared at all.
pub fn page_facts() -> Facts {
    let facts = [
        ("page orientation", "portrait"),
        ("page size", "8.3 x 11.7 in"),
        ("page margin top", "1.0 in"),
        ("page margin bottom", "1.0 in"),
        ("page margin left", "1.0 in"),
        ("page margin right", "1.0 in"),
    ];
    facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
