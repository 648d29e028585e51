//! One secret as it may stand in a text: plainly, escaped unit by unit, hexadecimal, or inside of Base64.

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::steering::steers;

/// Shorter values are looked for as words of their own.
const SHORT: usize = 8;
/// Fewer characters of Base64 say too little to be struck out.
const SHORTEST_CORE: usize = 8;
/// A cut value is struck out from here on, if it is half of the whole.
const SHORTEST_PART: usize = 16;
/// Longest break within a value.
const LONGEST_GAP: usize = 32;

/// What is looked for.
#[derive(PartialEq, Eq)]
pub(crate) struct Needle {
    plain: String,
    /// Fixed writings: hexadecimal, and the characters of Base64 that depend on nothing beside it.
    fixed: Vec<String>,
}

impl Needle {
    pub(crate) fn new(plain: &str) -> Self {
        let wide: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let twice = [BASE64_STANDARD_NO_PAD.encode(plain), BASE64_URL_SAFE_NO_PAD.encode(plain)];
        let values = [plain.as_bytes(), &wide, twice[0].as_bytes(), twice[1].as_bytes()];
        let mut fixed: Vec<String> =
            values.iter().flat_map(|value| (0..3).flat_map(|shift| base64_cores(value, shift))).collect();
        if plain.len() >= SHORT {
            let digits: Vec<String> = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
            fixed.extend(["", ":", " ", "-"].map(|between| digits.join(between)));
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
        let (left, length) = written(self.plain.as_bytes(), bytes.get(start..)?, self.plain.len() >= SHORT);
        let said = self.plain.len() - left;
        // One that was cut tells nearly all.
        let is_it = left == 0 || (said >= SHORTEST_PART && said >= left);
        let end = start + length;
        if !is_it {
            return None;
        }
        if !text.is_char_boundary(end) {
            return None;
        }
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inside = is_word(start.checked_sub(1).and_then(|before| bytes.get(before))) || is_word(bytes.get(end));
        (self.plain.len() >= SHORT || !inside).then_some(end)
    }
}

/// How much of the value is not at the beginning of a text, and how long the rest of it is there, each unit of it
/// written as it is or in any escape, on one line or broken.
fn written(mut wanted: &[u8], text: &[u8], loosely: bool) -> (usize, usize) {
    let mut at = 0;
    while !wanted.is_empty() {
        let mut ways = ways(wanted, &text[at..], loosely);
        let gap = if loosely && at > 0 { gap(&text[at..]) } else { 0 };
        // Where an escape can be a unit or a break, such as `\n`, both are followed.
        if gap > 0 && (ways.is_empty() || text[at] == b'\\') {
            let behind = self::ways(wanted, &text[at + gap..], loosely);
            ways.extend(behind.into_iter().map(|(taken, length)| (taken, gap + length)));
        }
        ways.dedup();
        match ways[..] {
            [] => break,
            [(taken, length)] => (wanted, at) = (&wanted[taken..], at + length),
            _ => {
                let rest = |(taken, length): (usize, usize)| {
                    let (left, more) = written(&wanted[taken..], &text[at + length..], loosely);
                    (left, at + length + more)
                };
                return ways.into_iter().map(rest).min_by_key(|(left, _)| *left).expect("there are two");
            }
        }
    }
    (wanted.len(), at)
}

/// What the next unit may be: how much of the value it stands for, and how long it is.
fn ways(wanted: &[u8], text: &[u8], ignore_case: bool) -> Vec<(usize, usize)> {
    let blank = (wanted.first() == Some(&b' ') && text.first() == Some(&b'+')).then_some((1, 1));
    // Such as a `%` that is in the value too: an escape, or itself.
    escaped(wanted, text, ignore_case).into_iter().chain(raw(wanted, text, ignore_case)).chain(blank).collect()
}

/// Bytes that break a line, move the cursor or are not seen, be they written plainly or in an escape.
fn gap(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = text.get(at..).and_then(unseen).filter(|_| at < LONGEST_GAP) {
        at += length;
    }
    at
}

/// Length of one such character, a terminal's whole sequence included.
fn unseen(text: &[u8]) -> Option<usize> {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    if slashes > 0 {
        match text.get(slashes)? {
            b'n' | b'r' | b't' | b'f' | b'v' => return Some(slashes + 1),
            b'u' | b'U' | b'x' | b'X' | b'0'..=b'3' => {}
            _ => return None,
        }
    }
    let plain = |length: usize| Some((text.get(..length)?.to_vec(), length));
    let written = units(text).into_iter().next().or_else(|| plain(utf8_length(*text.first()?)))?;
    let character = std::str::from_utf8(&written.0).ok()?.chars().next()?;
    let shown = !(character.is_whitespace() || character.is_control() || steers(character));
    let sequence = |rest: &[u8]| rest.iter().take(LONGEST_GAP).skip(1).position(|byte| (0x40..0x7f).contains(byte));
    match text.get(written.1..) {
        _ if shown => None,
        Some(rest @ [b'[', ..]) if character == '\u{1b}' => Some(written.1 + sequence(rest).map_or(1, |end| end + 2)),
        _ => Some(written.1),
    }
}

fn utf8_length(first: u8) -> usize {
    (first.leading_ones() as usize).max(1)
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

/// A unit in any escape.
fn escaped(wanted: &[u8], text: &[u8], ignore_case: bool) -> Vec<(usize, usize)> {
    let is_it = |(unit, length): (Vec<u8>, usize)| {
        let found = wanted.get(..unit.len())?;
        let same = if ignore_case { found.eq_ignore_ascii_case(&unit) } else { found == unit };
        same.then_some((unit.len(), length))
    };
    units(text).into_iter().filter_map(is_it).collect()
}

/// The units that the escape at the beginning may stand for, with its length: `%2F`, `%252F`, `=2F`, `\/`, `\u002f`,
/// `\x2f`, `\057`, `&#47;`, `&#x2f;`, `&amp;`.
fn units(text: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let byte = |at: usize| Some((vec![u8::try_from(hex(text.get(at..at + 2)?)?).ok()?], at + 2));
    match text.first() {
        Some(b'%') => {
            let again = text[1..].chunks(2).take_while(|pair| *pair == b"25").count();
            (0..=again).rev().filter_map(|times| byte(1 + 2 * times)).collect()
        }
        Some(b'=') => byte(1).into_iter().collect(),
        Some(b'\\') => backslashed(text).into_iter().collect(),
        Some(b'&') => {
            let end = text.iter().take(10).position(|byte| *byte == b';');
            let named = |end: usize| Some((utf8(entity(text.get(1..end)?)?)?, end + 1));
            end.and_then(named).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn backslashed(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let escape = &text[slashes..];
    Some(match escape.first()? {
        b'u' | b'U' => (utf8(hex(escape.get(1..5)?)?)?, slashes + 5),
        b'x' | b'X' => (utf8(hex(escape.get(1..3)?)?)?, slashes + 3),
        b'0'..=b'3' if escape.get(1..3).is_some_and(|more| more.iter().all(|digit| (b'0'..=b'7').contains(digit))) => {
            (vec![escape[..3].iter().fold(0, |byte, digit| byte * 8 + (digit - b'0'))], slashes + 3)
        }
        other => (vec![*other], slashes + 1),
    })
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
        (b"sol", _) => Some('/'.into()),
        (b"plus", _) => Some('+'.into()),
        (b"equals", _) => Some('='.into()),
        (b"lowbar", _) => Some('_'.into()),
        (b"period", _) => Some('.'.into()),
        (b"colon", _) => Some(':'.into()),
        (b"dollar", _) => Some('$'.into()),
        (_, Some([b'x' | b'X', digits @ ..])) => hex(digits),
        (_, Some(number)) => std::str::from_utf8(number).ok()?.parse().ok(),
        _ => None,
    }
}
