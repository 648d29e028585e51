//! Text that stands in the document: any run of one paragraph's words, as JSON writes it.

use super::{Lark, escaped, quoted};

/// Adds `DOCUMENT`, a run of one paragraph's words with the closing quote. `DN` is piece N and what may follow it; a text
/// ends after a piece.
pub(super) fn rules(lark: &mut Lark, text: &str) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let (mut number, mut starts) = (0, Vec::new());
    for paragraph in text.lines() {
        let mut pieces: Vec<String> = Vec::new();
        let mut before = ' ';
        for character in paragraph.chars() {
            if before.is_whitespace() && !character.is_whitespace() {
                starts.push(format!("D{}", number + pieces.len()));
            }
            match pieces.last_mut().filter(|_| is_word(before) && is_word(character)) {
                Some(piece) => piece.push(character),
                None => pieces.push(character.to_string()),
            }
            before = character;
        }
        for (index, piece) in pieces.iter().enumerate() {
            let piece = quoted(&escaped(piece));
            let more = if index + 1 < pieces.len() { format!(" D{}?", number + 1) } else { String::new() };
            lark.rule(&format!("D{number}"), &[format!("{piece}{more}")]);
            number += 1;
        }
    }
    if !starts.is_empty() {
        lark.rule("DOCUMENT", &[format!("({}) \"\\\"\"", starts.join(" | "))]);
    }
}
