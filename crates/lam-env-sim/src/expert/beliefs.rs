//! Where the expert looks for a command. It is wrong about some: they stood there in other versions, or
//! sound as if they did.

use crate::ribbon::Tab;

const WRONG: [(&str, Tab); 9] = [
    ("Watermark", Tab::Layout),
    ("Page Color", Tab::Layout),
    ("Caption", Tab::Insert),
    ("Table of Contents", Tab::Insert),
    ("Line Numbers", Tab::View),
    ("Hyphenation", Tab::Review),
    ("Bookmark", Tab::References),
    ("Page Number", Tab::Layout),
    ("Word Count", Tab::View),
];

/// The tab on which the expert looks for a command that stands on `tab`.
pub fn believed(command: &str, tab: Option<Tab>) -> Option<Tab> {
    WRONG.iter().find(|(wrong, _)| *wrong == command).map_or(tab, |(_, believed)| Some(*believed))
}
