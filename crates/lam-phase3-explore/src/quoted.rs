//! What of a request stands in quotation marks. Knows no application.

use std::ops::Range;

/// A request's text by pieces, as places in it: what stands between quotation marks (true), and what stands outside. A
/// mark opens where no word goes on, and closes where a word ends, so that an apostrophe is none.
pub fn pieces(request: &str) -> Vec<(Range<usize>, bool)> {
    let (mut pieces, mut start, mut open, mut before) = (Vec::new(), 0, None, ' ');
    for (at, character) in request.char_indices() {
        let behind = at + character.len_utf8();
        let ends_word = request[behind..].chars().next().is_none_or(|next| !next.is_alphanumeric());
        match open {
            Some(mark) if mark == character && ends_word => {
                pieces.push((start..at, true));
                (open, start) = (None, behind);
            }
            None if matches!(character, '\'' | '"') && !before.is_alphanumeric() => {
                pieces.push((start..at, false));
                (open, start) = (Some(character), behind);
            }
            _ => {}
        }
        before = character;
    }
    pieces.push((start..request.len(), false));
    pieces.retain(|(place, is_quoted)| *is_quoted || !request[place.clone()].trim().is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_told_from_apostrophes() {
        let of = |request: &'static str| -> Vec<(&str, bool)> {
            pieces(request).into_iter().map(|(place, is_quoted)| (&request[place], is_quoted)).collect()
        };
        assert_eq!(
            of("don't link 'Zoë's car' to \"a 'b'\"."),
            [("don't link ", false), ("Zoë's car", true), (" to ", false), ("a 'b'", true), (".", false)]
        );
        assert_eq!(of("an 'open end"), [("an ", false), ("open end", false)]);
    }
}
