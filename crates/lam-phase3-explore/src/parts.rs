//! A request cut at its joints: "do this and then do that" is two. Quoted text is never cut. Knows no application.

use crate::quoted::pieces;

/// Words that join parts after a comma, semicolon or stop, longest first.
const AFTER_A_MARK: [&str; 9] =
    ["and after that", "and then", "and also", "after that", "afterwards", "then", "also", "next", "and"];
/// Words that join parts without one.
const WITHOUT_A_MARK: [&str; 5] = ["and after that", "and then", "and also", "then", "and"];

/// The parts of a request, in their order; one where there are no joints.
pub fn parts(request: &str) -> Vec<&str> {
    let covered = without_quotes(request);
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < covered.len() {
        match joint(&covered[at..]) {
            Some(length) => {
                parts.push(request[start..at].trim());
                at += length;
                start = at;
            }
            None => at += covered[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    parts.push(request[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The request with a mark for each byte inside its quotation marks: joints are not looked for there.
fn without_quotes(request: &str) -> String {
    let mut covered = request.to_owned();
    for (place, _) in pieces(request).into_iter().filter(|(_, is_quoted)| *is_quoted) {
        let marks = "_".repeat(place.len());
        covered.replace_range(place, &marks);
    }
    covered
}

/// Length of the joint with which a text begins, if it does.
fn joint(text: &str) -> Option<usize> {
    let spaced = text.strip_prefix(' ').unwrap_or(text);
    let (words, rest): (&[&str], &str) = match spaced.strip_prefix([',', ';', '.']) {
        Some(rest) => (&AFTER_A_MARK, rest),
        None => (&WITHOUT_A_MARK, text),
    };
    let rest = rest.strip_prefix(' ')?;
    let lower = |length: usize| rest.get(..length).map(str::to_lowercase);
    let word = words.iter().find(|word| lower(word.len()).as_deref() == Some(**word))?;
    let behind = rest[word.len()..].strip_prefix(' ')?;
    Some(text.len() - behind.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joints_cut() {
        let cut = |request| parts(request);
        assert_eq!(cut("make it bold"), ["make it bold"]);
        assert_eq!(cut("make it bold and then add a footer"), ["make it bold", "add a footer"]);
        assert_eq!(cut("do a , then do b ; and also do c"), ["do a", "do b", "do c"]);
        assert_eq!(cut("do a, after that do b. Then do c"), ["do a", "do b", "do c"]);
        assert_eq!(cut("a and b and c"), ["a", "b", "c"]);
        assert_eq!(cut("go to the next page"), ["go to the next page"]);
        assert_eq!(cut(""), Vec::<&str>::new());
    }

    #[test]
    fn quoted_text_is_not_cut() {
        assert_eq!(parts("make 'salt and pepper' bold and print"), ["make 'salt and pepper' bold", "print"]);
        assert_eq!(parts("enter \"a, then b\" and don't stop"), ["enter \"a, then b\"", "don't stop"]);
        assert_eq!(parts("make 'Zoë and Ömer' bold and go"), ["make 'Zoë and Ömer' bold", "go"]);
    }
}
