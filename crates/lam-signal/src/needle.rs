//! One secret as it may stand in a text: plainly, escaped unit by unit, hexadecimal, or inside of Base64.

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

/// Shorter values are looked for as words of their own.
const SHORT: usize = 8;
/// Fewer characters of Base64 say too little to be struck out.
const SHORTEST_CORE: usize = 8;

/// What is looked for.
#[derive(PartialEq, Eq)]
pub(crate) struct Needle {
    plain: String,
    /// Fixed writings: hexadecimal, and the characters of Base64 that depend on nothing beside it.
    fixed: Vec<String>,
}

impl Needle {
    pub(crate) fn new(plain: &str) -> Self {
        let mut fixed: Vec<String> = (0..3).flat_map(|shift| base64_cores(plain.as_bytes(), shift)).collect();
        if plain.len() >= SHORT {
            fixed.push(plain.bytes().map(|byte| format!("{byte:02x}")).collect());
        }
        fixed.retain(|text| text.len() >= SHORTEST_CORE);
        fixed.dedup();
        Self { plain: plain.to_owned(), fixed }
    }

    /// Whether it may be an ordinary word.
    pub(crate) fn is_word(&self) -> bool {
        self.plain.len() < SHORT && self.plain.chars().all(char::is_alphabetic)
    }

    /// Where it stands, as ranges of bytes.
    pub(crate) fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let mut from = 0;
        while from < text.len() {
            match self.at(text, from) {
                Some(end) => {
                    spans.push((from, end));
                    from = end;
                }
                None => from += 1,
            }
        }
        spans
    }

    /// Where it ends, if it stands here.
    fn at(&self, text: &str, start: usize) -> Option<usize> {
        if !text.is_char_boundary(start) {
            return None;
        }
        let bytes = text.as_bytes();
        let fixed = |fixed: &&String| {
            bytes.get(start..start + fixed.len()).is_some_and(|found| found.eq_ignore_ascii_case(fixed.as_bytes()))
        };
        if let Some(found) = self.fixed.iter().find(fixed) {
            return Some(start + found.len());
        }
        let length = written(self.plain.as_bytes(), bytes.get(start..)?, self.plain.len() >= SHORT)?;
        let end = start + length;
        if !text.is_char_boundary(end) {
            return None;
        }
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inside = is_word(start.checked_sub(1).and_then(|before| bytes.get(before))) || is_word(bytes.get(end));
        (self.plain.len() >= SHORT || !inside).then_some(end)
    }
}

/// How long the value is at the beginning of a text, each unit of it written as it is or in any escape.
fn written(mut wanted: &[u8], text: &[u8], ignore_case: bool) -> Option<usize> {
    let mut at = 0;
    while let Some(first) = wanted.first() {
        let text = &text[at..];
        let blank = (*first == b' ' && text.first() == Some(&b'+')).then_some((1, 1));
        let ways = [escaped(wanted, text, ignore_case), raw(wanted, text, ignore_case), blank];
        let mut ways = ways.into_iter().flatten();
        let (taken, length) = ways.next()?;
        if let Some((other_taken, other_length)) = ways.next() {
            // Such as a `%` that is in the value too: an escape, or itself.
            let rest = |taken: usize, length: usize| {
                Some(at + length + written(&wanted[taken..], &text[length..], ignore_case)?)
            };
            return rest(taken, length).or_else(|| rest(other_taken, other_length));
        }
        (wanted, at) = (&wanted[taken..], at + length);
    }
    Some(at)
}

/// Base64 of the value behind `shift` other bytes, without the characters that those and later bytes decide.
fn base64_cores(plain: &[u8], shift: usize) -> [String; 2] {
    let padded = [&b"\0\0"[..shift], plain].concat();
    let first = (shift * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    let core = |text: String| text.get(first..last).unwrap_or_default().to_owned();
    [core(BASE64_STANDARD_NO_PAD.encode(&padded)), core(BASE64_URL_SAFE_NO_PAD.encode(&padded))]
}

/// A unit as it is: how much of the value it stands for, and how long it is. JSON in JSON doubles backslashes.
fn raw(wanted: &[u8], text: &[u8], ignore_case: bool) -> Option<(usize, usize)> {
    let (want, found) = (*wanted.first()?, *text.first()?);
    if want == b'\\' && found == b'\\' {
        let run = text.iter().take_while(|byte| **byte == b'\\').count();
        // What is left over begins the next escape.
        return Some((1, if run > 1 { run - run % 2 } else { 1 }));
    }
    let same = if ignore_case { want.eq_ignore_ascii_case(&found) } else { want == found };
    same.then_some((1, 1))
}

/// A unit in an escape: `%2F`, `\/`, `\u002f`, `\x2f`, `&#47;`, `&#x2f;`, `&amp;`.
fn escaped(wanted: &[u8], text: &[u8], ignore_case: bool) -> Option<(usize, usize)> {
    let (unit, length) = match text.first()? {
        b'%' => (vec![u8::try_from(hex(text.get(1..3)?)?).ok()?], 3),
        b'\\' => {
            let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
            let escape = &text[slashes..];
            match escape.first()? {
                b'u' | b'U' => (utf8(hex(escape.get(1..5)?)?)?, slashes + 5),
                b'x' | b'X' => (utf8(hex(escape.get(1..3)?)?)?, slashes + 3),
                other => (vec![*other], slashes + 1),
            }
        }
        b'&' => {
            let end = text.iter().take(10).position(|byte| *byte == b';')?;
            (utf8(entity(text.get(1..end)?)?)?, end + 1)
        }
        _ => return None,
    };
    let found = wanted.get(..unit.len())?;
    let same = if ignore_case { found.eq_ignore_ascii_case(&unit) } else { found == unit };
    same.then_some((unit.len(), length))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

/// The character that HTML writes as `&name;`.
fn entity(name: &[u8]) -> Option<u32> {
    match (name, name.strip_prefix(b"#")) {
        (b"amp", _) => Some('&'.into()),
        (b"lt", _) => Some('<'.into()),
        (b"gt", _) => Some('>'.into()),
        (b"quot", _) => Some('"'.into()),
        (b"apos", _) => Some('\''.into()),
        (_, Some([b'x' | b'X', digits @ ..])) => hex(digits),
        (_, Some(number)) => std::str::from_utf8(number).ok()?.parse().ok(),
        _ => None,
    }
}
