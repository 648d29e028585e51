//! Which brackets of a JSON text belong together, found in one pass: what is never closed need not be parsed to know
//! that it is no value, and what is closed has an end even where its inside is wrong.

use std::collections::{BTreeSet, VecDeque};

/// Deepest nesting that is parsed, as in `serde_json`.
const DEEPEST: usize = 127;

/// What one pass over a text meets.
enum Met {
    /// A bracket that opens, and whether it begins its line.
    Open(bool),
    /// A bracket that closes.
    Close,
    /// A string that its line cuts off.
    Cut,
}

/// Where lines begin with an object or list that cannot be parsed: it is closed nowhere, by another bracket or after a
/// string that is cut off, or nested too deeply.
pub(super) fn never_closed(text: &str) -> BTreeSet<usize> {
    let (mut never, mut open) = (BTreeSet::new(), VecDeque::<(usize, bool)>::new());
    let note = |never: &mut BTreeSet<usize>, (at, begins): (usize, bool)| {
        if begins {
            never.insert(at);
        }
    };
    each(text, |at, met| {
        let closes = open.back().is_some_and(|(from, _)| belong_together(text, *from, at));
        match met {
            Met::Open(begins) => {
                open.push_back((at, begins));
                if open.len() > DEEPEST {
                    open.pop_front().into_iter().for_each(|one| note(&mut never, one));
                }
            }
            Met::Close if closes => drop(open.pop_back()),
            Met::Close | Met::Cut => open.drain(..).for_each(|one| note(&mut never, one)),
        }
        true
    });
    open.into_iter().for_each(|one| note(&mut never, one));
    never
}

/// The length of the object or list at the beginning of a text, whatever is wrong inside; none where it is not closed.
pub(super) fn length(text: &str) -> Option<usize> {
    let (mut open, mut end) = (Vec::new(), None);
    each(text, |at, met| match met {
        Met::Open(_) => {
            open.push(at);
            open.len() <= DEEPEST
        }
        Met::Close => {
            let closes = open.pop().is_some_and(|from| belong_together(text, from, at));
            end = (closes && open.is_empty()).then_some(at + 1);
            closes && end.is_none()
        }
        Met::Cut => false,
    });
    end
}

fn belong_together(text: &str, open: usize, close: usize) -> bool {
    matches!((text.as_bytes()[open], text.as_bytes()[close]), (b'{', b'}') | (b'[', b']'))
}

/// Gives what is met, with its place, to `take` until that says no.
fn each(text: &str, mut take: impl FnMut(usize, Met) -> bool) {
    let (bytes, mut at, mut begins) = (text.as_bytes(), 0, true);
    while let Some(byte) = bytes.get(at) {
        let met = match byte {
            b'"' => match string(&bytes[at..]) {
                (length, true) => {
                    (at, begins) = (at + length, false);
                    continue;
                }
                (length, false) => {
                    at += length;
                    Some(Met::Cut)
                }
            },
            b'{' | b'[' => Some(Met::Open(begins)),
            b'}' | b']' => Some(Met::Close),
            _ => None,
        };
        let place = at.min(bytes.len() - 1);
        if met.is_some_and(|met| !take(place, met)) {
            return;
        }
        begins = match bytes.get(at) {
            Some(b'\n') => true,
            Some(byte) => begins && byte.is_ascii_whitespace(),
            None => false,
        };
        at += 1;
    }
}

/// The length of a string, and whether it ends before its line does.
fn string(bytes: &[u8]) -> (usize, bool) {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return (at + 1, true),
            b'\n' => return (at, false),
            b'\\' if bytes.get(at + 1) != Some(&b'\n') => at += 2,
            _ => at += 1,
        }
    }
    (bytes.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_closed_is_found_where_lines_begin() {
        for (text, places) in [
            ("{\"a\": [1, \"]\\\"}\"]}\n[{}]", &[][..]),
            ("{\"a\": [\n  {\"b\": 1},\n", &[0]),
            ("{\"a\": \"cut\n{\"a\": 1}\n  {oops]\n{}", &[0, 22]),
            ("", &[]),
        ] {
            assert_eq!(never_closed(text).into_iter().collect::<Vec<_>>(), places, "{text}");
        }
        let deep = format!("{}{}", "[\n".repeat(200), "]".repeat(200));
        assert_eq!(never_closed(&deep).len(), 73);
    }

    #[test]
    fn what_is_closed_has_an_end() {
        for (text, end) in [
            ("{oops}, {}", Some(6)),
            ("[{a: \"]\"}, 7] x", Some(13)),
            ("{oops", None),
            ("{oops]}", None),
            ("{\"cut\n}", None),
            ("{\"cut", None),
        ] {
            assert_eq!(length(text), end, "{text}");
        }
    }
}
