//! The body: paragraphs, runs, tables, and what is anchored in them.

use super::super::model::{Document, Facts, Paragraph, Table};
use super::super::xml::{Element, Part};
use super::formats;
use super::parts::Parts;

/// Reads the body into the document.
pub fn read(body: &Element, parts: &Parts, document: &mut Document) {
    for element in body.elements() {
        match element.name.as_str() {
            "p" => paragraph(element, parts, document),
            "tbl" => table(element, document),
            "sdt" => content_control(element, parts, document),
            _ => {}
        }
    }
}

/// A control around paragraphs: a table of contents, or nothing of interest.
fn content_control(element: &Element, parts: &Parts, document: &mut Document) {
    let gallery = element.at(&["sdtPr", "docPartObj"]).and_then(|object| object.value("docPartGallery"));
    let Some(content) = element.child("sdtContent") else { return };
    match gallery {
        Some("Table of Contents") => {
            document.facts.insert("table of contents".into(), "yes".into());
        }
        _ => read(content, parts, document),
    }
}

fn paragraph(element: &Element, parts: &Parts, document: &mut Document) {
    let mut reading = Reading { parts, number: document.paragraphs.len() + 1, ..Reading::new(parts) };
    if let Some(properties) = element.child("pPr") {
        reading.paragraph.formats = formats::of_paragraph(properties, parts);
        if properties.child("sectPr").is_some() {
            reading.fact("section end", "yes");
        }
    }
    reading.inline(element);
    if reading.in_contents {
        document.facts.insert("table of contents".into(), "yes".into());
        return;
    }
    reading.close();
    for (name, value) in reading.facts {
        let mut name = name;
        while document.facts.contains_key(&name) {
            name.push('\'');
        }
        document.facts.insert(name, value);
    }
    document.paragraphs.push(reading.paragraph);
}

fn table(element: &Element, document: &mut Document) {
    let mut rows = Vec::new();
    let number = document.tables.len() + 1;
    for (place, row) in element.elements().filter(|element| element.name == "tr").enumerate() {
        let cells = row.elements().filter(|element| element.name == "tc");
        rows.push(cells.map(cell_text).collect());
        if place == 0 && row.child("trPr").is_some_and(|row| row.child("tblHeader").is_some_and(is_on)) {
            document.facts.insert(format!("table {number} repeated heading"), "on".into());
        }
    }
    document.tables.push(Table { rows, after: document.paragraphs.len() });
}

fn is_on(toggle: &Element) -> bool {
    !matches!(toggle.attribute("val"), Some("0" | "false" | "off"))
}

/// The text of a cell, its paragraphs joined.
fn cell_text(cell: &Element) -> String {
    paragraphs_text(cell)
}

/// The text of all paragraphs in an element, joined by a stroke; fields are named in brackets.
pub fn paragraphs_text(element: &Element) -> String {
    let mut paragraphs = Vec::new();
    element.all("p", &mut paragraphs);
    let parts = Parts::default();
    let texts: Vec<String> = paragraphs
        .into_iter()
        .map(|paragraph| {
            let mut reading = Reading { show_fields: true, ..Reading::new(&parts) };
            reading.inline(paragraph);
            reading.paragraph.text
        })
        .collect();
    texts.join(" / ").trim_end_matches([' ', '/']).to_owned()
}

/// One paragraph while it is read.
struct Reading<'a> {
    parts: &'a Parts,
    number: usize,
    paragraph: Paragraph,
    facts: Vec<(String, String)>,
    /// Formats of each character.
    runs: Vec<Run>,
    /// Depth of open fields, and whether the innermost shows its result.
    fields: Vec<Field>,
    anchors: Vec<(String, usize)>,
    in_contents: bool,
    show_fields: bool,
}

/// From where to where, in characters, and the formats there.
type Run = (usize, usize, Vec<(&'static str, String)>);

struct Field {
    code: String,
    shows_result: bool,
}

impl<'a> Reading<'a> {
    fn new(parts: &'a Parts) -> Self {
        Self {
            parts,
            number: 1,
            paragraph: Paragraph::default(),
            facts: Vec::new(),
            runs: Vec::new(),
            fields: Vec::new(),
            anchors: Vec::new(),
            in_contents: false,
            show_fields: false,
        }
    }

    fn fact(&mut self, name: &str, value: &str) {
        self.facts.push((format!("paragraph {:02} {name}", self.number), value.to_owned()));
    }

    fn length(&self) -> usize {
        self.paragraph.text.chars().count()
    }

    fn text_since(&self, start: usize) -> String {
        self.paragraph.text.chars().skip(start).collect()
    }

    fn inline(&mut self, element: &Element) {
        for child in element.elements() {
            match child.name.as_str() {
                "r" => self.run(child),
                "hyperlink" => self.link(child),
                "fldSimple" => {
                    self.field(child.attribute("instr").unwrap_or_default());
                }
                "del" => self.fact("deleted", "yes"),
                "ins" => {
                    self.fact("inserted", "yes");
                    self.inline(child);
                }
                "bookmarkStart" => {
                    let name = child.attribute("name").unwrap_or_default();
                    if !name.starts_with('_') {
                        self.fact("bookmark", name);
                    }
                }
                "commentRangeStart" => {
                    self.anchors.push((child.attribute("id").unwrap_or_default().to_owned(), self.length()))
                }
                "commentRangeEnd" => self.comment_end(child.attribute("id").unwrap_or_default()),
                "smartTag" | "sdt" | "sdtContent" => self.inline(child),
                _ => {}
            }
        }
    }

    fn comment_end(&mut self, id: &str) {
        if let Some((_, start)) = self.anchors.iter().find(|(open, _)| open == id) {
            let text = self.text_since(*start);
            self.fact("comment", &format!("'{text}'"));
        }
    }

    fn link(&mut self, element: &Element) {
        let start = self.length();
        self.inline(element);
        let target = element.attribute("id").and_then(|id| self.parts.target(id)).unwrap_or_default();
        let text = self.text_since(start);
        // Links come with colors and lines of their own: these say nothing more.
        self.runs.retain(|(from, _, _)| *from < start);
        if !target.is_empty() {
            self.fact("link", &format!("'{}' {target}", text.trim()));
        }
    }

    /// A field: its kind counts, its result changes from day to day.
    fn field(&mut self, code: &str) {
        let kind = code.split_whitespace().next().unwrap_or_default().to_uppercase();
        match kind.as_str() {
            "" => {}
            "TOC" => self.in_contents = true,
            "PAGEREF" | "HYPERLINK" => {}
            _ if self.show_fields => self.paragraph.text.push_str(&format!("[{kind}]")),
            _ => self.fact("field", &kind),
        }
    }

    fn run(&mut self, run: &Element) {
        let start = self.length();
        let properties = run.child("rPr").map(formats::of_run).unwrap_or_default();
        for child in run.elements() {
            match child.name.as_str() {
                "t" => self.push(&child.text()),
                "tab" => self.push("\t"),
                "noBreakHyphen" => self.push("\u{2011}"),
                "softHyphen" => self.push("\u{ad}"),
                "br" | "cr" => self.line_break(child.attribute("type")),
                "fldChar" => self.field_mark(child.attribute("fldCharType").unwrap_or_default()),
                "instrText" => {
                    if let Some(field) = self.fields.last_mut() {
                        field.code.push_str(&child.text());
                    }
                }
                "footnoteReference" => self.fact("footnote mark", "yes"),
                "endnoteReference" => self.fact("endnote mark", "yes"),
                "AlternateContent" => {
                    if let Some(choice) = child.child("Choice") {
                        self.drawing(choice);
                    }
                }
                "drawing" | "pict" | "object" => self.drawing(child),
                _ => {}
            }
        }
        self.runs.push((start, self.length(), properties));
    }

    fn push(&mut self, text: &str) {
        if self.fields.iter().all(|field| field.shows_result) {
            self.paragraph.text.push_str(text);
        }
    }

    fn line_break(&mut self, kind: Option<&str>) {
        match kind {
            Some("page") => self.fact("page break", "yes"),
            Some("column") => self.fact("column break", "yes"),
            _ => self.push("\n"),
        }
    }

    fn field_mark(&mut self, kind: &str) {
        match kind {
            "begin" => self.fields.push(Field { code: String::new(), shows_result: false }),
            "separate" => {
                if let Some(field) = self.fields.last_mut() {
                    let kind = field.code.split_whitespace().next().unwrap_or_default();
                    field.shows_result = matches!(kind, "HYPERLINK" | "TOC" | "PAGEREF");
                }
            }
            _ => {
                if let Some(field) = self.fields.pop() {
                    self.field(&field.code);
                }
            }
        }
    }

    fn drawing(&mut self, element: &Element) {
        let mut boxes = Vec::new();
        element.all("txbxContent", &mut boxes);
        let text: Vec<String> = boxes.into_iter().map(paragraphs_text).collect();
        match text.is_empty() {
            true => self.fact("drawing", "yes"),
            false => self.fact("text box", &text.join(" / ")),
        }
    }

    /// Lays the runs' formats over the characters.
    fn close(&mut self) {
        for (from, to, properties) in std::mem::take(&mut self.runs) {
            for (name, value) in properties {
                self.paragraph.format_characters((from, to), name, &value);
            }
        }
        let has_text = |values: &Vec<String>| values.iter().any(|value| !value.is_empty());
        self.paragraph.characters.retain(|_, values| has_text(values));
    }
}

/// Facts of a paragraph list that stands outside the body, such as a header: fields by name, text, drawings.
pub fn margin_text(element: &Element) -> (String, Facts) {
    let mut facts = Facts::new();
    let mut shapes = Vec::new();
    element.all("textpath", &mut shapes);
    if let Some(text) = shapes.first().and_then(|shape| shape.attribute("string")) {
        facts.insert("watermark".into(), text.to_owned());
    }
    let mut own = element.clone();
    own.children.retain(|part| matches!(part, Part::Element(_)));
    (paragraphs_text(&own), facts)
}
