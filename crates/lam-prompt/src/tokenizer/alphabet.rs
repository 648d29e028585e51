//! Bytes as the characters that byte-level vocabularies are written in (GPT-2's table), and SentencePiece's pieces.

/// The character that stands for each byte in a byte-level vocabulary.
pub(crate) fn byte_chars() -> [char; 256] {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut chars = ['\0'; 256];
    let mut moved = 256;
    for byte in 0..=255_u8 {
        chars[usize::from(byte)] = if printable(byte) {
            char::from(byte)
        } else {
            moved += 1;
            char::from_u32(moved - 1).expect("256 to 511 are characters")
        };
    }
    chars
}

/// `text` in the characters of a byte-level vocabulary.
pub(crate) fn to_byte_chars(text: &str) -> String {
    let chars = byte_chars();
    text.bytes().map(|byte| chars[usize::from(byte)]).collect()
}

/// The bytes of a byte-level token; characters outside the table count as themselves.
pub(crate) fn from_byte_chars(token: &str) -> Vec<u8> {
    let chars = byte_chars();
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match chars.iter().position(|known| *known == character) {
            Some(byte) => bytes.push(u8::try_from(byte).expect("the table has 256 entries")),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// The bytes of a SentencePiece token: `▁` is a space, `<0x0A>` a byte.
pub(crate) fn from_piece(token: &str) -> Vec<u8> {
    match piece_byte(token) {
        Some(byte) => vec![byte],
        None => token.replace('▁', " ").into_bytes(),
    }
}

/// The byte that a SentencePiece token such as `<0x0A>` stands for.
pub(crate) fn piece_byte(token: &str) -> Option<u8> {
    let hex = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        let mut chars = byte_chars().to_vec();
        chars.sort_unstable();
        chars.dedup();
        assert_eq!(chars.len(), 256);
        assert_eq!(to_byte_chars(" a\n"), "ĠaĊ");
        let text = "é ü\u{1F600}\t";
        assert_eq!(from_byte_chars(&to_byte_chars(text)), text.as_bytes());
    }

    #[test]
    fn pieces_are_bytes() {
        assert_eq!(from_piece("▁the"), b" the");
        assert_eq!(from_piece("<0x0A>"), b"\n");
    }
}
