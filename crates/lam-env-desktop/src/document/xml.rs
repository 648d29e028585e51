//! A small XML tree: elements by local name, attributes by local name, text. Bounded in size and depth; knows no
//! document format.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting that is read.
const MOST_LEVELS: usize = 256;
/// Most elements in one part of a document.
const MOST_ELEMENTS: usize = 400_000;

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
        let mut reader = Reader::from_reader(bytes);
        let mut open = vec![Element::default()];
        let mut count = 0;
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => {
                    count += 1;
                    if open.len() > MOST_LEVELS || count > MOST_ELEMENTS {
                        return Err("more elements than a document has".into());
                    }
                    open.push(element(&start)?);
                }
                Event::Empty(start) => {
                    count += 1;
                    let child = element(&start)?;
                    innermost(&mut open).children.push(Part::Element(child));
                }
                Event::End(_) => {
                    let child = open.pop().unwrap_or_default();
                    if open.is_empty() {
                        return Err("an element ends that never began".into());
                    }
                    innermost(&mut open).children.push(Part::Element(child));
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|error| error.to_string())?.into_owned();
                    push_text(innermost(&mut open), &text);
                }
                Event::CData(text) => {
                    let text = text.decode().map_err(|error| error.to_string())?.into_owned();
                    push_text(innermost(&mut open), &text);
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|error| error.to_string())?.into_owned();
                    let text = entity(&name).ok_or_else(|| format!("unknown entity `{name}`"))?;
                    push_text(innermost(&mut open), &text);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let root = open.pop().filter(|_| open.is_empty()).ok_or("an element does not end")?;
        let first = root.children.into_iter().find_map(|part| match part {
            Part::Element(element) => Some(element),
            Part::Text(_) => None,
        });
        first.ok_or_else(|| "no element at all".into())
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

fn innermost(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the root stays open until the end")
}

fn push_text(element: &mut Element, text: &str) {
    match element.children.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => element.children.push(Part::Text(text.to_owned())),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.unescape_value().map_err(|error| error.to_string())?;
        attributes.insert(local(attribute.key.local_name().as_ref()), value.into_owned());
    }
    Ok(Element { name: local(start.local_name().as_ref()), attributes, children: Vec::new() })
}

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The five entities of XML, and characters by number.
fn entity(name: &str) -> Option<String> {
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match name {
        "amp" => Some("&".into()),
        "lt" => Some("<".into()),
        "gt" => Some(">".into()),
        "quot" => Some("\"".into()),
        "apos" => Some("'".into()),
        _ => number.and_then(char::from_u32).map(String::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_entities_become_text() {
        let tree = Element::parse(b"<w:p w:id='1'><w:t>a &amp; b&#x21;</w:t><w:t/></w:p>").unwrap();
        assert_eq!((tree.name.as_str(), tree.attribute("id")), ("p", Some("1")));
        assert_eq!(tree.text(), "a & b!");
        assert_eq!(tree.elements().count(), 2);
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        for text in ["", "plain", "<a><b></a>", "<a>", "<a>&bomb;</a>", &"<a>".repeat(1000)] {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
