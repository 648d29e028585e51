//! Files that are damaged or made to harm: an error that names what is wrong, never a panic, never room for what a length
//! claims.

use std::path::{Path, PathBuf};

use lam_gguf::{Gguf, GgufError};

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
}

/// A tensor's description; dimensions as the file has them, columns first.
fn tensor(name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.extend((dimensions.len() as u32).to_le_bytes());
    dimensions.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

/// A file of these keys and tensors, with `data` bytes for them.
fn file(pairs: &[Vec<u8>], tensors: &[Vec<u8>], data: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((pairs.len() as u64).to_le_bytes());
    bytes.extend(pairs.concat());
    bytes.extend(tensors.concat());
    bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
    bytes
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("model.gguf")
    }

    fn open(&self, bytes: &[u8]) -> Result<Gguf, GgufError> {
        std::fs::write(self.path(), bytes).expect("writable");
        Gguf::open(&self.path())
    }

    fn refusal(&self, bytes: &[u8]) -> String {
        let error = self.open(bytes).expect_err("it is damaged");
        let GgufError::File { hint, path, .. } = &error else { panic!("{error}") };
        assert!(!hint.is_empty() && path.as_path() == Path::new(&self.path()), "{error}");
        error.to_string()
    }
}

/// A small file with keys of every kind.
fn whole() -> Vec<u8> {
    let list = |kind: u32, count: u64, rest: &[u8]| [&kind.to_le_bytes()[..], &count.to_le_bytes(), rest].concat();
    let pairs = [
        pair("general.architecture", 8, &text("llama")),
        pair("a.u8", 0, &[7]),
        pair("a.f32", 6, &1.5_f32.to_le_bytes()),
        pair("a.bool", 7, &[1]),
        pair("a.u64", 10, &u64::MAX.to_le_bytes()),
        pair("a.texts", 9, &list(8, 2, &[text("x"), text("yz")].concat())),
        pair("a.wholes", 9, &list(5, 2, &[(-1_i32).to_le_bytes(), 3_i32.to_le_bytes()].concat())),
        pair("a.numbers", 9, &list(6, 1, &2.0_f32.to_le_bytes())),
    ];
    let tensors = [tensor("token_embd.weight", &[32, 3], 8, 0), tensor("output_norm.weight", &[32], 0, 128)];
    file(&pairs, &tensors, 256)
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let gguf = Folder::new().open(&whole()).unwrap();
    assert_eq!(gguf.text("general.architecture").unwrap(), Some("llama"));
    assert_eq!((gguf.whole("a.u8").unwrap(), gguf.number("a.f32").unwrap()), (Some(7), Some(1.5)));
    assert_eq!((gguf.switch("a.bool").unwrap(), gguf.whole("a.none").unwrap()), (Some(true), None));
    assert_eq!(gguf.texts("a.texts").unwrap().unwrap(), ["x", "yz"]);
    assert_eq!(gguf.wholes("a.wholes").unwrap().unwrap(), [-1, 3]);
    assert_eq!(gguf.numbers("a.numbers").unwrap().unwrap(), [2.0]);
    let embedding = gguf.tensor("token_embd.weight").unwrap();
    assert_eq!((embedding.shape.as_slice(), embedding.bytes), ([3, 32].as_slice(), 3 * 34));
    assert_eq!(gguf.tensors[1].start, embedding.start + 128);
    let error = gguf.whole("a.texts").unwrap_err().to_string();
    assert!(error.contains("`a.texts` is a list of texts, expected a whole number"), "{error}");
}

#[test]
fn every_cut_and_every_changed_byte_is_an_error_or_a_file() {
    let (folder, whole) = (Folder::new(), whole());
    for end in 0..whole.len() - 150 {
        assert!(folder.open(&whole[..end]).is_err(), "cut at {end}");
    }
    for place in 0..whole.len() - 256 {
        let mut bytes = whole.clone();
        bytes[place] ^= [0x01, 0x80, 0xff][place % 3];
        // Whatever it says now, it is said by a value.
        drop(folder.open(&bytes).and_then(|gguf| gguf.config()));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let folder = Folder::new();
    let huge = u64::MAX.to_le_bytes();
    let with = |pair: Vec<u8>| file(&[pair], &[], 0);
    let of = |tensors: &[Vec<u8>]| file(&[], tensors, 256);
    let list = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let mut counted = file(&[], &[], 0);
    counted[8..16].copy_from_slice(&huge);
    for (bytes, words) in [
        (b"PK\x03\x04 and more".to_vec(), "does not begin with `GGUF`"),
        ([b"GGUF".as_slice(), &1_u32.to_le_bytes(), &[0; 16]].concat(), "version 1; known are 2 and 3"),
        ([b"GGUF".as_slice(), &3_u32.to_be_bytes(), &[0; 16]].concat(), "big-endian"),
        ([b"GGUF".as_slice(), &[0; 20]].concat(), "version 0; known are 2 and 3"),
        ([b"GGUF".as_slice(), &4_u32.to_le_bytes(), &[0; 16]].concat(), "version 4; known are 2 and 3"),
        (counted, "the tensors, of 18446744073709551615"),
        (with(pair("k", 8, &huge)), "the value of `k`, of 18446744073709551615"),
        (with(pair("k", 9, &list(8, u64::MAX))), "a list of 18446744073709551615 entries"),
        (with(pair("k", 9, &list(4, 1 << 20))), "the value of `k`, of 1048576"),
        (with(pair("k", 9, &list(9, 1))), "a list of values of type 9"),
        (with(pair("k", 77, &[])), "of type 77, which is not known"),
        (with(pair("k", 7, &[2])), "a boolean of value 2"),
        (file(&[pair("k", 0, &[1]), pair("k", 0, &[1])], &[], 0), "`k` stands there twice"),
        (with(pair("general.alignment", 4, &3_u32.to_le_bytes())), "`general.alignment` = 3"),
        (with(pair("split.count", 2, &3_u16.to_le_bytes())), "one of 3 files"),
        (of(&[tensor("t", &[32], 13, 0)]), "tensor `t` is stored as Q5_K"),
        (of(&[tensor("t", &[32], 23, 0)]), "tensor `t` is stored as IQ4_XS"),
        (of(&[tensor("t", &[32], 99, 0)]), "tensor `t` is stored as number 99"),
        (of(&[tensor("t", &[33, 2], 8, 0)]), "tensor `t` has rows of 33 numbers, no blocks of Q8_0"),
        (of(&[tensor("t", &[], 0, 0)]), "tensor `t` has 0 dimensions"),
        (of(&[tensor("t", &[1, 1, 1, 1, 1], 0, 0)]), "tensor `t` has 5 dimensions"),
        (of(&[tensor("t", &[u64::MAX, u64::MAX], 0, 0)]), "is larger than the file"),
        (of(&[tensor("t", &[0], 0, 0)]), "tensor `t` has rows of 0 numbers"),
        (of(&[tensor("t", &[32, 0], 0, 0)]), "tensor `t` of shape [0, 32] has no numbers"),
        (of(&[tensor("t", &[32], 0, 4096)]), "tensor `t` takes 128 bytes from byte 4096"),
        (of(&[tensor("t", &[32], 0, u64::MAX - 31)]), "tensor `t` takes 128 bytes"),
        (of(&[tensor("t", &[8], 0, 7)]), "tensor `t` begins at byte 7, no multiple of 32"),
        (of(&[tensor("t", &[32], 0, 0), tensor("u", &[32], 0, 96)]), "tensors `t` and `u` share bytes"),
        (of(&[tensor("t", &[8], 0, 0), tensor("t", &[8], 0, 32)]), "tensor `t` stands there twice"),
    ] {
        let error = folder.refusal(&bytes);
        assert!(error.contains(words), "{error}, not {words}");
    }
}
