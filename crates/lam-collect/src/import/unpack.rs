//! What lies in a file: its bytes unpacked, or in one line what it is instead. Knows no form of documents.

use std::io::Read;

/// A file that only points at its content begins so.
const POINTERS: &[(&str, &str)] = &[
    (
        "version https://git-lfs.github.com/spec/",
        "is a Git LFS pointer, its content is not here; `git lfs pull` fetches it",
    ),
    ("# xet version", "is a Xet pointer, its content is not here; fetch it with `git xet` or from the hub"),
    ("/annex/objects/", "is a git-annex pointer, its content is not here; `git annex get` fetches it"),
];

/// Beginnings of files that are not read.
const OTHERS: &[(&[u8], &str)] = &[
    (b"BZh", "is compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ\0", "is compressed with xz; unpack it first"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4; unpack it first"),
    (b"PK\x03\x04", "is a zip archive or an office document; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive; unpack it first"),
    (b"Rar!", "is a RAR archive; unpack it first"),
    (b"%PDF", "is a PDF; save its text as Markdown or HTML first"),
    (b"ARROW1", "is an Arrow file; save it as Parquet or JSON lines first"),
    (b"\xff\xff\xff\xff", "looks like an Arrow stream; save it as Parquet or JSON lines first"),
    (b"SQLite format 3", "is an SQLite database; save its rows as JSON lines first"),
    (b"Obj\x01", "is an Avro file; save it as JSON lines first"),
    (b"\x80\x04", "is a Python pickle, which is never loaded; save it as JSON lines first"),
    (b"\x89PNG", "is a picture"),
    (b"\xff\xd8\xff", "is a picture"),
    (b"GIF8", "is a picture"),
];

/// How a Parquet file begins.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// The bytes without gzip or zstd around them, at most `largest`.
pub(super) fn unpacked(bytes: Vec<u8>, largest: u64) -> Result<Vec<u8>, String> {
    let is_zstd = bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || bytes.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) && bytes[0] & 0xf0 == 0x50;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        all(flate2::read::MultiGzDecoder::new(&*bytes), "gzip", largest)?
    } else if is_zstd {
        let decoder = zstd::Decoder::with_buffer(&*bytes).map_err(|error| format!("damaged zstd: {error}"))?;
        all(decoder, "zstd", largest)?
    } else {
        bytes
    };
    named(&bytes).map_or(Ok(bytes), |what| Err(what.to_owned()))
}

fn all(packed: impl Read, how: &str, largest: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    packed.take(largest + 1).read_to_end(&mut bytes).map_err(|error| format!("damaged {how}: {error}"))?;
    if bytes.len() as u64 > largest {
        return Err(format!("unpacks to more than {largest} bytes, the largest that is read"));
    }
    Ok(bytes)
}

/// What the bytes are, where they are nothing that is read.
fn named(bytes: &[u8]) -> Option<&'static str> {
    let other = || OTHERS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|(_, what)| *what);
    let pointer = POINTERS.iter().find(|(beginning, _)| bytes.starts_with(beginning.as_bytes())).map(|(_, what)| *what);
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    pointer.or_else(|| is_tar.then_some("is a tar archive; unpack it first")).or_else(other)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn packed_bytes_are_unpacked_and_what_is_no_text_is_named() {
        let text = b"{\"a\": 1}".repeat(50);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(&*text, 1).unwrap();
        for packed in [&gzip, &zstd, &text] {
            assert_eq!(unpacked(packed.clone(), 1000).unwrap(), text);
        }
        assert_eq!(unpacked([&*gzip, &*gzip].concat(), 1000).unwrap().len(), 800, "members follow each other");
        for (bytes, words) in [
            (&gzip[..20], "damaged gzip"),
            (&zstd[..10], "damaged zstd"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "Git LFS pointer"),
            (b"PK\x03\x04rest", "zip archive"),
            (b"BZh91AY", "bzip2"),
        ] {
            let reason = unpacked(bytes.to_vec(), 1000).unwrap_err();
            assert!(reason.contains(words), "{reason}");
        }
        assert!(unpacked(gzip, 399).unwrap_err().contains("more than 399 bytes"));
    }
}
