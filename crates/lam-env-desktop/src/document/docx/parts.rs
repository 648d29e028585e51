//! What the body refers to: names of styles, kinds of lists, targets of relations.

use std::collections::BTreeMap;

use super::super::DocumentError;
use super::super::archive::Archive;
use super::formats::of_paragraph;

/// The parts that other parts refer to.
#[derive(Default)]
pub struct Parts {
    /// Style id → name, in lower case.
    styles: BTreeMap<String, String>,
    /// Style id → its own paragraph formats.
    style_formats: BTreeMap<String, BTreeMap<String, String>>,
    /// List id and level → kind of numbering.
    lists: BTreeMap<(String, String), String>,
    /// Relation id → target.
    relations: BTreeMap<String, String>,
}

impl Parts {
    /// Reads them.
    pub fn read(archive: &Archive) -> Result<Self, DocumentError> {
        let mut parts = Self::default();
        if let Some(styles) = archive.xml("word/styles.xml")? {
            for style in styles.elements().filter(|element| element.name == "style") {
                if let (Some(id), Some(name)) = (style.attribute("styleId"), style.value("name")) {
                    parts.styles.insert(id.to_owned(), name.to_lowercase());
                    let own = style.child("pPr").map(|properties| of_paragraph(properties, &Self::default()));
                    parts.style_formats.insert(id.to_owned(), own.unwrap_or_default());
                }
            }
        }
        if let Some(numbering) = archive.xml("word/numbering.xml")? {
            parts.lists = lists(&numbering);
        }
        if let Some(relations) = archive.xml("word/_rels/document.xml.rels")? {
            for relation in relations.elements() {
                if let (Some(id), Some(target)) = (relation.attribute("Id"), relation.attribute("Target")) {
                    parts.relations.insert(id.to_owned(), target.to_owned());
                }
            }
        }
        Ok(parts)
    }

    /// Name of a style, in lower case.
    pub fn style(&self, id: &str) -> String {
        self.styles.get(id).cloned().unwrap_or_else(|| id.to_lowercase())
    }

    /// Whether a style itself says this of its paragraphs.
    pub fn style_says(&self, id: &str, name: &str, value: &str) -> bool {
        self.style_formats.get(id).and_then(|own| own.get(name)).is_some_and(|own| own == value)
    }

    /// `bullet`, `decimal`, `upperLetter` …; `None` for no list.
    pub fn list(&self, id: &str, level: &str) -> Option<&str> {
        self.lists.get(&(id.to_owned(), level.to_owned())).map(String::as_str)
    }

    /// What a relation points to.
    pub fn target(&self, id: &str) -> Option<&str> {
        self.relations.get(id).map(String::as_str)
    }
}

fn lists(numbering: &super::Element) -> BTreeMap<(String, String), String> {
    let mut kinds: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for list in numbering.elements().filter(|element| element.name == "abstractNum") {
        let levels = list.elements().filter(|element| element.name == "lvl");
        let levels = levels.filter_map(|level| Some((level.attribute("ilvl")?, level.value("numFmt")?)));
        kinds.insert(list.attribute("abstractNumId").unwrap_or_default(), levels.collect());
    }
    let mut lists = BTreeMap::new();
    for list in numbering.elements().filter(|element| element.name == "num") {
        let (Some(id), Some(kind)) = (list.attribute("numId"), list.value("abstractNumId")) else { continue };
        for (level, format) in kinds.get(kind).into_iter().flatten().filter(|(_, format)| *format != "none") {
            lists.insert((id.to_owned(), (*level).to_owned()), (*format).to_owned());
        }
    }
    lists
}
