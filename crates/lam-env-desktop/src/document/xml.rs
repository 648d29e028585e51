//! A small XML tree: elements by local name, attributes by local name, text. `roxmltree` reads it, without DTDs and
//! bounded in size; the depth is bounded here. Does not know any document format.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

/// Deepest nesting that is read.
const MOST_LEVELS: usize = 256;
/// Most elements, texts and comments in one part of a document.
const MOST_NODES: u32 = 1_000_000;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Name without its prefix.
    pub name: String,
    /// Attributes by name without prefix.
    pub attributes: BTreeMap<String, String>,
    /// Elements and texts in it.
    pub children: Vec<Part>,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// An element.
    Element(Element),
    /// Text.
    Text(String),
}

impl Element {
    /// Reads a document; an error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
        Self::of(document.root_element(), MOST_LEVELS)
    }

    /// The element of a parsed document, with at most `levels` of elements in it.
    fn of(node: Node<'_, '_>, levels: usize) -> Result<Self, String> {
        let levels = levels.checked_sub(1).ok_or_else(|| format!("more than {MOST_LEVELS} elements in each other"))?;
        let attributes = node.attributes().map(|own| (own.name().to_owned(), own.value().to_owned())).collect();
        let mut element = Self { name: node.tag_name().name().to_owned(), attributes, children: Vec::new() };
        for child in node.children() {
            if child.is_element() {
                element.children.push(Part::Element(Self::of(child, levels)?));
            } else if let Some(text) = child.text().filter(|_| child.is_text()) {
                element.push_text(text);
            }
        }
        Ok(element)
    }

    /// Adds text; text behind a comment belongs to the text before it.
    fn push_text(&mut self, text: &str) {
        match self.children.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.children.push(Part::Text(text.to_owned())),
        }
    }

    /// Its elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|part| match part {
            Part::Element(element) => Some(element),
            Part::Text(_) => None,
        })
    }

    /// The first element called `name`.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|element| element.name == name)
    }

    /// The first element at the end of a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// Every element below it with this name, in document order.
    pub fn all<'a>(&'a self, name: &str, found: &mut Vec<&'a Element>) {
        for element in self.elements() {
            if element.name == name {
                found.push(element);
            }
            element.all(name, found);
        }
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The attribute `val` of the child called `name`, as WordprocessingML writes properties.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.child(name)?.attribute("val")
    }

    /// All text in it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.children {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Element(element) => text.push_str(&element.text()),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_entities_become_text() {
        let tree = Element::parse(b"<w:p xmlns:w='w' w:id='1'><w:t>a &amp; b&#x21;</w:t><w:t/></w:p>").unwrap();
        assert_eq!((tree.name.as_str(), tree.attribute("id")), ("p", Some("1")));
        assert_eq!(tree.text(), "a & b!");
        assert_eq!(tree.elements().count(), 2);
    }

    #[test]
    fn what_is_not_xml_is_an_error() {
        for text in ["", "plain", "<a><b></a>", "<a>", "<a>&bomb;</a>", &"<a>".repeat(1000)] {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
