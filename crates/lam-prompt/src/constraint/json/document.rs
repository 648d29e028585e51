//! Runs of the document's words as they are written in JSON strings, found by the bytes so far.

/// The document, with an index of its words.
pub(super) struct Words {
    /// The paragraphs as JSON writes them, a line break after each.
    bytes: Vec<u8>,
    /// Whether a text may end before this byte.
    ends: Vec<bool>,
    /// Where words begin, in the order of what follows.
    starts: Vec<usize>,
}

/// The words that begin with the bytes so far: a range of `starts`, and how many bytes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    low: usize,
    high: usize,
    length: usize,
}

impl Words {
    pub(super) fn new(document: &str) -> Self {
        let (mut bytes, mut ends, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for paragraph in document.lines() {
            let mut before = ' ';
            for character in paragraph.chars() {
                if before.is_whitespace() && !character.is_whitespace() {
                    starts.push(bytes.len());
                }
                let written = super::lists::escaped(character.encode_utf8(&mut [0; 4]));
                ends.push(!is_word(character) || !is_word(before));
                ends.extend(std::iter::repeat_n(false, written.len() - 1));
                bytes.extend_from_slice(written.as_bytes());
                before = character;
            }
            bytes.push(b'\n');
            ends.push(true);
        }
        starts.sort_by(|left, right| rest(&bytes, *left).cmp(rest(&bytes, *right)).then(left.cmp(right)));
        Self { bytes, ends, starts }
    }

    /// Before the first byte.
    pub(super) fn all(&self) -> Found {
        Found { low: 0, high: self.starts.len(), length: 0 }
    }

    /// After one more byte.
    pub(super) fn step(&self, found: Found, byte: u8) -> Option<Found> {
        let range = &self.starts[found.low..found.high];
        let next = |start: &usize| rest(&self.bytes, *start).get(found.length).copied();
        let low = found.low + range.partition_point(|start| next(start) < Some(byte));
        let high = found.low + range.partition_point(|start| next(start) <= Some(byte));
        (low < high).then_some(Found { low, high, length: found.length + 1 })
    }

    /// Whether the text so far is whole words.
    pub(super) fn may_end(&self, found: Found) -> bool {
        let range = &self.starts[found.low..found.high];
        found.length > 0 && range.iter().any(|start| self.ends[start + found.length])
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// From `start` to the end of its paragraph.
fn rest(bytes: &[u8], start: usize) -> &[u8] {
    let length = bytes[start..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - start);
    &bytes[start..start + length]
}
