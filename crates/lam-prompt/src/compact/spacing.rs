//! Spaces around the punctuation of a request, so that a quoted word is the same token as in the answer.

/// Characters that are taken off the front of a word.
const OPENING: &str = "'\"“”‘’„«([";
/// Characters that are taken off the end of a word.
const CLOSING: &str = "'\"“”’»)],;:!?.";

/// `text` with single spaces, and spaces between words and the punctuation at their edges.
pub(super) fn space_out(text: &str) -> String {
    let mut parts = Vec::new();
    for word in text.split_whitespace() {
        let core = word.trim_start_matches(|c| OPENING.contains(c));
        let opening = &word[..word.len() - core.len()];
        let inner = core.trim_end_matches(|c| CLOSING.contains(c));
        let closing = &core[inner.len()..];
        parts.extend(opening.chars().map(String::from));
        if !inner.is_empty() {
            parts.push(inner.to_owned());
        }
        parts.extend(closing.chars().map(String::from));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::space_out;

    #[test]
    fn edges_are_spaced_and_insides_stay() {
        assert_eq!(space_out("make 'alpha beta'  bold."), "make ' alpha beta ' bold .");
        assert_eq!(space_out("don't save as .docx, (1.5)"), "don't save as .docx , ( 1.5 )");
        assert_eq!(space_out("''"), "' '");
    }
}
