//! Files that are cut, lengthened, stitched together or somewhere else are refused with the file and the tensor.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use lam_weights::{WeightFiles, refuse_links_outside};
use tempfile::TempDir;

fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// A file with one tensor of so many numbers.
fn holding(name: &str, numbers: usize) -> Vec<u8> {
    let bytes = 4 * numbers;
    file(&format!(r#"{{"{name}":{{"dtype":"F32","shape":[{numbers}],"data_offsets":[0,{bytes}]}}}}"#), bytes)
}

fn refused(directory: &Path) -> String {
    WeightFiles::open(directory, "model").unwrap_err().to_string()
}

fn expect(message: &str, words: &[&str]) {
    for word in words.iter().chain(&["hint: "]) {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
}

#[test]
fn a_single_file_fits_its_header_to_the_byte() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("model.safetensors");
    let two = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}"#;
    fs::write(&path, file(two, 20)).unwrap();
    let files = WeightFiles::open(root.path(), "model").unwrap();
    assert_eq!((files.tensors().count(), files.shards[0].parameters(), files.note("format")), (2, 8, Some("pt")));
    let cases: [(Vec<u8>, &[&str]); 11] = [
        (file(two, 19), &["last tensor ends at byte"]),
        (file(two, 21), &["1 bytes after its last tensor"]),
        (Vec::new(), &["0 bytes are too few for a header"]),
        (b"short".to_vec(), &["5 bytes are too few"]),
        (u64::MAX.to_le_bytes().to_vec(), &["a header of 18446744073709551615 bytes in a file of 8"]),
        (file("no json", 0), &["its header cannot be read"]),
        (file(&two.replace("[12,20]", "[16,24]"), 24), &["`b`"]),
        (file(&two.replace("[12,20]", "[8,16]"), 16), &["`b`"]),
        (file(&two.replace("\"shape\":[2],", "\"shape\":[3],"), 20), &["its header cannot be read"]),
        (file(&two.replace("F32", "F33"), 20), &["unknown variant `F33`"]),
        (file(&two.replace("[2,3]", "[4611686018427387904,8]"), 20), &["its header cannot be read"]),
    ];
    for (bytes, words) in cases {
        fs::write(&path, bytes).unwrap();
        expect(&refused(root.path()), &[words, &["model.safetensors"]].concat());
    }
    fs::remove_file(&path).unwrap();
    fs::write(root.path().join("pytorch_model.bin"), b"").unwrap();
    expect(&refused(root.path()), &["only there as `pytorch_model.bin`"]);
}

/// Two shards with a tensor each, and their index.
fn sharded(weight_map: &str, total_size: usize) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("model-1.safetensors"), holding("a", 2)).unwrap();
    fs::write(root.path().join("model-2.safetensors"), holding("b", 3)).unwrap();
    let index = format!(r#"{{"metadata":{{"total_size":{total_size}}},"weight_map":{weight_map}}}"#);
    fs::write(root.path().join("model.safetensors.index.json"), index).unwrap();
    root
}

const MAP: &str = r#"{"a":"model-1.safetensors","b":"model-2.safetensors"}"#;

#[test]
fn shards_are_those_of_the_index_and_lie_beside_it() {
    assert_eq!(WeightFiles::open(sharded(MAP, 20).path(), "model").unwrap().shards.len(), 2);
    let outside = MAP.replace("model-2", "../outside/model-2");
    let cases: [(&str, usize, &[&str]); 9] = [
        (MAP, 21, &["`total_size` = 21", "20 bytes"]),
        (&outside, 20, &["tensor `b` lies in \"../outside/model-2.safetensors\""]),
        (&MAP.replace("model-2.safetensors", "/etc/passwd"), 20, &["/etc/passwd", "no file of this directory"]),
        (&MAP.replace("model-2.safetensors", ".."), 20, &["no file of this directory"]),
        (&MAP.replace("\"model-2.safetensors\"", "7"), 20, &["tensor `b` lies in 7"]),
        (&MAP.replace("model-2", "model-3"), 20, &["names `model-3.safetensors`, which is missing"]),
        (&MAP.replace("\"b\"", "\"c\""), 20, &["tensor `c` is not in `model-2.safetensors`"]),
        (&MAP.replace("\"a\":\"model-1.safetensors\"", "\"a\":\"model-2.safetensors\""), 20, &["tensor `a`"]),
        ("{}", 20, &["has no `weight_map`"]),
    ];
    for (map, total, words) in cases {
        expect(&refused(sharded(map, total).path()), words);
    }
    let twice = sharded(MAP, 20);
    fs::write(twice.path().join("model-2.safetensors"), holding("a", 3)).unwrap();
    expect(&refused(twice.path()), &["tensor `a` stands in two shards"]);
    let more = sharded(r#"{"a":"model-1.safetensors"}"#, 8);
    assert_eq!(WeightFiles::open(more.path(), "model").unwrap().shards.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_stay_within_the_directory_or_lead_to_the_caches_blobs() {
    use std::os::unix::fs::symlink;

    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf {
        fs::create_dir_all(root.path().join(name)).unwrap();
        root.path().join(name)
    };
    let (snapshot, blobs, model) = (place("cache/snapshots/abc"), place("cache/blobs"), place("model"));
    fs::write(blobs.join("0123"), holding("a", 1)).unwrap();
    symlink("../../blobs/0123", snapshot.join("model.safetensors")).unwrap();
    assert_eq!(WeightFiles::open(&snapshot, "model").unwrap().shards[0].parameters(), 1);
    // The whole directory may be named through a link.
    symlink(&snapshot, root.path().join("named")).unwrap();
    WeightFiles::open(&root.path().join("named"), "model").unwrap();

    fs::write(model.join("weights.safetensors"), holding("a", 1)).unwrap();
    symlink("weights.safetensors", model.join("model.safetensors")).unwrap();
    WeightFiles::open(&model, "model").unwrap();
    symlink("../cache/blobs/0123", model.join("chat_template.jinja")).unwrap();
    expect(&refused(&model), &["chat_template.jinja", "is a link out of the model's directory"]);
    fs::remove_file(model.join("chat_template.jinja")).unwrap();
    refuse_links_outside(&model).unwrap();
    symlink("../cache", model.join("more")).unwrap();
    expect(&refused(&model), &["more", "is a link out of the model's directory"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_opened() {
    let model = tempfile::tempdir().unwrap();
    let weights = model.path().join("model.safetensors");
    assert!(std::process::Command::new("mkfifo").arg(&weights).status().unwrap().success());
    expect(&refused(model.path()), &["model.safetensors: is no file"]);
    fs::remove_file(&weights).unwrap();
    fs::create_dir(&weights).unwrap();
    expect(&refused(model.path()), &["model.safetensors: is no file"]);
}
