//! OpenDocument text (.odt) as a document: paragraphs with the formats that tasks ask for, tables, properties.

use std::collections::BTreeMap;

use super::DocumentError;
use super::archive::Archive;
use super::model::{Document, Paragraph, Table};
use super::xml::{Element, Part};

/// Reads a document.
pub fn read(archive: &Archive) -> Result<Document, DocumentError> {
    let content = archive.needed("content.xml")?;
    let mut styles = BTreeMap::new();
    if let Some(automatic) = content.child("automatic-styles") {
        for style in automatic.elements().filter(|element| element.name == "style") {
            styles.insert(style.attribute("name").unwrap_or_default().to_owned(), style.clone());
        }
    }
    let mut document = Document::default();
    let empty = Element::default();
    block(content.at(&["body", "text"]).unwrap_or(&empty), &styles, "", &mut document);
    if let Some(meta) = archive.xml("meta.xml")?.as_ref().and_then(|meta| meta.child("meta")) {
        for (name, key) in [("title", "title"), ("subject", "subject"), ("comments", "description")] {
            let value = meta.child(key).map(Element::text).unwrap_or_default();
            if !value.is_empty() {
                document.facts.insert(format!("property {name}"), value);
            }
        }
    }
    Ok(document)
}

type Styles = BTreeMap<String, Element>;

fn block(element: &Element, styles: &Styles, list: &str, document: &mut Document) {
    for child in element.elements() {
        match child.name.as_str() {
            "p" | "h" => document.paragraphs.push(paragraph(child, styles, list)),
            "list" => block(child, styles, "list", document),
            "list-item" | "section" => block(child, styles, list, document),
            "table-of-content" => {
                document.facts.insert("table of contents".into(), "yes".into());
            }
            "table" => {
                let after = document.paragraphs.len();
                document.tables.push(Table { rows: rows(child), after });
            }
            _ => {}
        }
    }
}

fn rows(table: &Element) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    table.all("table-row", &mut rows);
    let cells = |row: &&Element| {
        let cells = row.elements().filter(|element| element.name == "table-cell");
        cells.map(|cell| cell.elements().map(Element::text).collect::<Vec<_>>().join(" / ")).collect()
    };
    rows.iter().map(cells).collect()
}

fn paragraph(element: &Element, styles: &Styles, list: &str) -> Paragraph {
    let mut paragraph = Paragraph::default();
    let mut runs = Vec::new();
    inline(element, styles, &mut paragraph.text, &mut runs);
    let style = element.attribute("style-name").unwrap_or_default();
    let (name, own) = resolve(style, styles);
    if !matches!(name, "" | "Standard" | "Default_20_Paragraph_20_Style") {
        paragraph.formats.insert("style".into(), name.replace("_20_", " ").to_lowercase());
    }
    if !list.is_empty() {
        paragraph.formats.insert("list".into(), list.into());
    }
    let alignment = own.and_then(|style| style.child("paragraph-properties")?.attribute("text-align"));
    let alignment = match alignment {
        Some("center") => "center",
        Some("end" | "right") => "right",
        Some("justify") => "justified",
        _ => "",
    };
    if !alignment.is_empty() {
        paragraph.formats.insert("alignment".into(), alignment.into());
    }
    let whole = (0, paragraph.text.chars().count());
    let all = own.map(of_text).unwrap_or_default().into_iter().map(|format| (whole, format));
    for ((from, to), (name, value)) in all.chain(runs) {
        paragraph.format_characters((from, to), name, &value);
    }
    paragraph
}

type Run = ((usize, usize), (&'static str, String));

fn inline(element: &Element, styles: &Styles, text: &mut String, runs: &mut Vec<Run>) {
    for part in &element.children {
        match part {
            Part::Text(own) => text.push_str(own),
            Part::Element(child) => match child.name.as_str() {
                "s" => {
                    let count = child.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1usize);
                    text.extend(std::iter::repeat_n(' ', count.min(1000)));
                }
                "tab" => text.push('\t'),
                "line-break" => text.push('\n'),
                "note" | "annotation" => {}
                _ => {
                    let start = text.chars().count();
                    inline(child, styles, text, runs);
                    let style = child.attribute("style-name").and_then(|name| styles.get(name));
                    let place = (start, text.chars().count());
                    runs.extend(style.map(of_text).unwrap_or_default().into_iter().map(|format| (place, format)));
                }
            },
        }
    }
}

/// The named style behind an automatic one, and the automatic one.
fn resolve<'a>(name: &'a str, styles: &'a Styles) -> (&'a str, Option<&'a Element>) {
    match styles.get(name) {
        Some(style) => (style.attribute("parent-style-name").unwrap_or_default(), Some(style)),
        None => (name, None),
    }
}

/// Character formats of a style.
fn of_text(style: &Element) -> Vec<(&'static str, String)> {
    let Some(properties) = style.child("text-properties") else { return Vec::new() };
    let mut formats = Vec::new();
    let mut on = |name, attribute: &str, value: &str| {
        if properties.attribute(attribute) == Some(value) {
            formats.push((name, "on".to_owned()));
        }
    };
    on("bold", "font-weight", "bold");
    on("italic", "font-style", "italic");
    on("strikethrough", "text-line-through-style", "solid");
    if properties.attribute("text-underline-style") == Some("solid") {
        formats.push(("underline", "single".to_owned()));
    }
    let size = properties.attribute("font-size").and_then(|size| size.strip_suffix("pt"));
    formats.extend(size.map(|size| ("size", size.to_owned())));
    formats
}
