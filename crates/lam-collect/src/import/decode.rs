//! Bytes as text, in whatever encoding they are. Knows no form of documents.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How far into a file an encoding is declared.
const HEAD: usize = 1024;

/// A text that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// The encoding that it was in.
    pub(super) encoding: &'static str,
    /// Characters that could not be read and stand as U+FFFD.
    pub(super) replaced: usize,
}

/// The text of a file: by its byte order mark, as UTF-8 or UTF-16 by its look, as it declares itself, else as Windows
/// and Latin-1 have it.
///
/// # Errors
/// Bytes that are no text, in words.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err("is in UTF-32; save it as UTF-8".to_owned());
    }
    let (encoding, after) = Encoding::for_bom(bytes).unwrap_or_else(|| (encoding_of(bytes), 0));
    let (text, _) = encoding.decode_without_bom_handling(&bytes[after..]);
    let zeros = text.bytes().filter(|byte| *byte == 0).count();
    if zeros * 100 > text.len() {
        return Err("is no text".to_owned());
    }
    let replaced = match encoding == UTF_8 && std::str::from_utf8(bytes).is_ok() {
        true => 0,
        false => text.matches('\u{fffd}').count(),
    };
    let is_old_mac = text.contains('\r') && !text.contains('\n');
    let text = if is_old_mac { text.replace('\r', "\n") } else { text.into_owned() };
    Ok(Decoded { text, encoding: encoding.name(), replaced })
}

fn encoding_of(bytes: &[u8]) -> &'static Encoding {
    let head = &bytes[..bytes.len().min(4 * HEAD)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if (even.max(odd)) * 5 > head.len() && even.min(odd) * 20 < even.max(odd) + 20 {
        return if odd > even { UTF_16LE } else { UTF_16BE };
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    // A few bad bytes among good ones are damage; bad ones alone are another encoding.
    let good: usize =
        bytes.utf8_chunks().map(|chunk| chunk.valid().chars().filter(|letter| !letter.is_ascii()).count()).sum();
    let bad = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    let declared = declared(&bytes[..bytes.len().min(HEAD)]).filter(|encoding| *encoding != UTF_8);
    declared.unwrap_or(if good > bad { UTF_8 } else { WINDOWS_1252 })
}

/// The encoding that a page says it is in: `charset=…` or `encoding="…"`.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_lowercase();
    ["charset=", "encoding="].iter().find_map(|word| {
        let label = head.split_once(word)?.1.trim_start_matches(['"', '\'', ' ']);
        let end = label.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_:.".contains(letter));
        Encoding::for_label(&label.as_bytes()[..end.unwrap_or(label.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (String, &'static str, usize) {
        let decoded = decode(bytes).unwrap();
        (decoded.text, decoded.encoding, decoded.replaced)
    }

    #[test]
    fn encodings_are_recognised() {
        let text = "Öffne das Menü: 日本";
        let utf16 = |bytes: fn(u16) -> [u8; 2], bom: &[u8]| {
            [bom, &"Open the menü and save it\n".encode_utf16().flat_map(bytes).collect::<Vec<u8>>()].concat()
        };
        assert_eq!(told(text.as_bytes()), (text.into(), "UTF-8", 0));
        assert_eq!(told(format!("\u{feff}{text}").as_bytes()), (text.into(), "UTF-8", 0));
        for bytes in [utf16(u16::to_le_bytes, &[0xff, 0xfe]), utf16(u16::to_le_bytes, &[])] {
            assert_eq!(told(&bytes), ("Open the menü and save it\n".into(), "UTF-16LE", 0));
        }
        for bytes in [utf16(u16::to_be_bytes, &[0xfe, 0xff]), utf16(u16::to_be_bytes, &[])] {
            assert_eq!(told(&bytes), ("Open the menü and save it\n".into(), "UTF-16BE", 0));
        }
        assert_eq!(told(b"Men\xfc \x96 caf\xe9"), ("Menü – café".into(), "windows-1252", 0));
        let russian = b"<meta charset=\"windows-1251\">\xce\xf2\xea\xf0\xee\xe9";
        assert_eq!(told(russian).0, "<meta charset=\"windows-1251\">Открой");
    }

    #[test]
    fn damage_is_counted_and_bytes_that_are_no_text_are_named() {
        let damaged = [text_of("Menü öffnen, größer"), b"\xff".to_vec()].concat();
        assert_eq!(told(&damaged), ("Menü öffnen, größer\u{fffd}".into(), "UTF-8", 1));
        assert_eq!(told("a\u{fffd}b".as_bytes()).2, 0, "it was so before");
        assert_eq!(decode(&[0; 64]).unwrap_err(), "is no text");
        assert!(decode(&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0]).unwrap_err().contains("UTF-32"));
        assert_eq!(told(b"one\rtwo").0, "one\ntwo");
        assert_eq!(told(b"").0, "");
    }

    fn text_of(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }
}
