//! Addresses as messages may tell them. Storage signs its addresses behind `?`: for an hour or a week that is a key to the
//! file, or to a place in which to write one.

/// An address without what stands behind `?`.
pub fn plain(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// A text in which every address is without what stands behind `?`.
pub fn unsigned(text: &str) -> String {
    let ends = |letter: char| letter.is_whitespace() || "\"`<>".contains(letter);
    let pieces = text.split_inclusive(ends).flat_map(|piece| {
        let (word, end) = piece.split_at(piece.find(ends).unwrap_or(piece.len()));
        let query = word.find("://").and_then(|address| Some(address + word[address..].find('?')?));
        [&word[..query.unwrap_or(word.len())], end]
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_queries_wherever_they_stand() {
        assert_eq!(plain("https://s3.example/x?X-Amz-Signature=abc"), "https://s3.example/x");
        for (text, told) in [
            ("why? no address", "why? no address"),
            ("sent on to `https://s3.example/x?sig=abc`, twice", "sent on to `https://s3.example/x`, twice"),
            (
                "{\"href\":\"https://s3.example/x?a=1\\u0026sig=abc\",\"b\":1}",
                "{\"href\":\"https://s3.example/x\",\"b\":1}",
            ),
            (
                "<https://h/a?sig=abc> https://h/b?sig=abc\nümläut? https://h/c",
                "<https://h/a> https://h/b\nümläut? https://h/c",
            ),
            ("", ""),
        ] {
            assert_eq!(unsigned(text), told);
        }
    }
}
