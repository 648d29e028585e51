//! How deep and wide a document may be, found before it is parsed: what parsers need more than linear time for.

use super::content::Fault;

/// Most attributes of an element; parsers compare each with all before it.
const MOST_ATTRIBUTES: usize = 1000;
/// Most namespaces that a document declares; parsers look through them all for each element that declares one.
const MOST_NAMESPACES: usize = 1000;
/// Deepest nesting of elements, as in browsers.
pub(super) const DEEPEST: usize = 512;
/// Most quotations and lists that a line of Markdown opens.
const MOST_MARKERS: usize = 100;

/// HTML elements whose text is no markup.
const RAW: &[&str] = &["script", "style", "textarea", "title", "xmp", "noscript", "iframe"];

/// A tag in the text.
struct Tag<'a> {
    name: &'a str,
    /// Where it begins.
    at: usize,
    attributes: usize,
    closes: bool,
    is_empty: bool,
}

/// Refuses HTML with elements of too many attributes. How deep it is only the parser can tell.
pub(super) fn check_html(text: &str) -> Result<(), Fault> {
    tags(text, true, |tag| check_attributes(text, tag))
}

/// Refuses XML that is nested too deeply, has elements of too many attributes or too many namespaces.
pub(super) fn check_xml(text: &str) -> Result<(), Fault> {
    if let Some((at, _)) = text.match_indices("xmlns:").nth(MOST_NAMESPACES) {
        return Err(Fault::at(line_of(text, at), format!("more than {MOST_NAMESPACES} namespaces are declared")));
    }
    let mut depth = 0_usize;
    tags(text, false, |tag| {
        check_attributes(text, tag)?;
        depth = if tag.closes { depth.saturating_sub(1) } else { depth + usize::from(!tag.is_empty) };
        if depth > DEEPEST { Err(too_deep(text, tag.at)) } else { Ok(()) }
    })
}

/// Refuses Markdown of which a line opens too many quotations and lists; rulers such as `- - -` open none.
pub(super) fn check_markdown(text: &str) -> Result<(), Fault> {
    for (index, line) in text.lines().enumerate() {
        let (mut rest, mut markers, mut kinds) = (line.trim_start(), 0, 0_u8);
        while let Some(length) = marker(rest) {
            let kind = match rest.as_bytes()[0] {
                b'-' => 1,
                b'*' => 2,
                _ => 4,
            };
            (rest, markers, kinds) = (rest[length..].trim_start(), markers + 1, kinds | kind);
        }
        let is_ruler = (kinds == 1 || kinds == 2) && rest.chars().all(|letter| "-* \t".contains(letter));
        if markers > MOST_MARKERS && !is_ruler {
            let reason = format!("{markers} quotations and lists in one another are more than {MOST_MARKERS}");
            return Err(Fault::at(index + 1, reason));
        }
    }
    Ok(())
}

/// The fault of what is nested too deeply at this place.
pub(super) fn too_deep(text: &str, at: usize) -> Fault {
    Fault::at(line_of(text, at), format!("elements are nested deeper than {DEEPEST}"))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn check_attributes(text: &str, tag: &Tag<'_>) -> Result<(), Fault> {
    if tag.attributes <= MOST_ATTRIBUTES {
        return Ok(());
    }
    let reason = format!("`{}` has {} attributes, more than {MOST_ATTRIBUTES}", tag.name, tag.attributes);
    Err(Fault::at(line_of(text, tag.at), reason))
}

/// The length of `> `, `- `, `3. ` and the like at the beginning of a line's rest.
fn marker(rest: &str) -> Option<usize> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_spaced = |at: usize| rest.as_bytes().get(at).is_none_or(|byte| b" \t".contains(byte));
    match rest.as_bytes().get(digits)? {
        b'>' if digits == 0 => Some(1),
        b'-' | b'*' | b'+' if digits == 0 && is_spaced(1) => Some(1),
        b'.' | b')' if (1..10).contains(&digits) && is_spaced(digits + 1) => Some(digits + 1),
        _ => None,
    }
}

/// Gives each tag to `take`, comments and texts that are no markup left out.
fn tags(text: &str, is_html: bool, mut take: impl FnMut(&Tag<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        let rest = &text[start..];
        at = start
            + match skipped(rest) {
                Some(length) => length,
                None => {
                    let (tag, length) = tag(rest, start);
                    take(&tag)?;
                    length + if is_html && !tag.closes { raw(&rest[length..], tag.name) } else { 0 }
                }
            };
    }
    Ok(())
}

/// The length of what begins with `<` and is no tag.
fn skipped(rest: &str) -> Option<usize> {
    let to = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    if rest.starts_with("<!--") {
        return Some(to("-->"));
    }
    if rest.starts_with("<![CDATA[") {
        return Some(to("]]>"));
    }
    let begins_tag =
        rest[1..].trim_start_matches('/').starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    (!begins_tag).then_some(1)
}

/// The length of the text that the element's end follows, where it is no markup.
fn raw(rest: &str, name: &str) -> usize {
    if !RAW.iter().any(|raw| raw.eq_ignore_ascii_case(name)) {
        return 0;
    }
    let is_end = |(at, _): &(usize, &str)| {
        rest.get(at + 2..at + 2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    rest.match_indices("</").find(is_end).map_or(rest.len(), |(at, _)| at)
}

/// The tag at the beginning of `rest`, with its length.
fn tag(rest: &str, at: usize) -> (Tag<'_>, usize) {
    let closes = rest.starts_with("</");
    let named = &rest[1 + usize::from(closes)..];
    let name =
        &named[..named.find(|letter: char| letter.is_whitespace() || "/>".contains(letter)).unwrap_or(named.len())];
    // The last byte that is no space: spaces around `=` belong to it.
    let (mut quote, mut attributes, mut is_apart, mut before) = (None, 0, true, 0);
    let begin = rest.len() - named.len() + name.len();
    for (index, byte) in rest.bytes().enumerate().skip(begin) {
        match (quote, byte) {
            (Some(open), _) if byte == open => (quote, is_apart) = (None, true),
            (Some(_), _) => {}
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (None, b'>') => {
                let tag = Tag { name, at, attributes, closes, is_empty: before == b'/' };
                return (tag, index + 1);
            }
            (None, b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'/') => is_apart = true,
            (None, b'=') => is_apart = false,
            (None, _) => {
                attributes += usize::from(is_apart && before != b'=');
                is_apart = false;
            }
        }
        before = if byte.is_ascii_whitespace() { before } else { byte };
    }
    (Tag { name, at, attributes, closes, is_empty: false }, rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        tags(text, true, |tag| {
            found.push((tag.name.to_owned(), tag.attributes));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn attributes_are_counted_where_there_are_tags() {
        let text = "<p a=1 b='x y z' c = \"1 > 2\"d><br/><!-- <p a b> --> 1 < 2 <script>if (a<b c d) {}</script><i>";
        let expected = [("p", 4), ("br", 0), ("script", 0), ("script", 0), ("i", 0)];
        assert_eq!(attributes(text), expected.map(|(name, count)| (name.to_owned(), count)));
        let many = |count: usize| format!("\n<p {}>x</p>", "a=\"1\" ".repeat(count));
        assert_eq!(check_html(&many(1000)), Ok(()));
        let fault = check_html(&many(200_000)).unwrap_err();
        assert_eq!((fault.line, fault.reason.as_str()), (2, "`p` has 200000 attributes, more than 1000"));
        assert_eq!(check_xml(&many(2000)).unwrap_err().line, 2);
        let spaces: String = (0..1001).map(|number| format!("<a xmlns:n{number}=\"u\"/>\n")).collect();
        assert_eq!(check_xml(&spaces).unwrap_err().line, 1001);
        let script = format!("<script>{}</script>", "for (i<n) a b c; ".repeat(3000));
        assert_eq!(check_html(&script), Ok(()));
    }

    #[test]
    fn towers_are_refused_in_one_pass_and_rulers_are_none() {
        assert_eq!(check_xml(&"<a><b/></a>".repeat(5000)), Ok(()));
        assert!(check_xml(&"<list>".repeat(40_000)).unwrap_err().reason.contains("deeper than 512"));
        let fault = check_markdown(&format!("# A\n{}1. x", "> ".repeat(20_000))).unwrap_err();
        assert_eq!(
            (fault.line, fault.reason.as_str()),
            (2, "20001 quotations and lists in one another are more than 100")
        );
        for tower in ["- ", "1. ", "* - ", ">", "+ "] {
            assert!(check_markdown(&format!("{}x", tower.repeat(10_000))).is_err(), "{tower}");
        }
        for fine in ["- ", "* ", "-"] {
            assert_eq!(check_markdown(&fine.repeat(10_000)), Ok(()), "{fine}");
        }
        assert_eq!(check_markdown("> > 1. - x\n**bold** text\n"), Ok(()));
    }
}
