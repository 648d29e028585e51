//! Directories that are filled from the cache: with what a download would bring, all of it or nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::path::{Path, PathBuf};

use lam_hub::HubSettings;

use crate::server::{COMMIT, Server};
use crate::{fetch, settings, weights};

/// Names of all files below a directory.
fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => names.extend(below(&name, &entry.path())),
            false => names.push(name),
        }
    }
    names.sort();
    names
}

fn below(folder: &str, directory: &Path) -> Vec<String> {
    names(directory).into_iter().map(|name| format!("{folder}/{name}")).collect()
}

/// A cache with a model in it, and what other tools keep beside; without the network.
fn cached(home: &Path) -> (HubSettings, PathBuf) {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let files = vec![
        file("config.json", "{}"),
        file("tokenizer.json", r#"{"version": "1.0"}"#),
        file("additional_chat_templates/tool_use.jinja", "{{ x }}"),
        ("model.safetensors".to_owned(), weights()),
    ];
    let server = Server::start(files);
    let snapshot = fetch(settings(&server, home), "acme/tiny", None).unwrap().directory;
    for name in ["README.md", "consolidated.safetensors", "onnx/model.onnx", "additional_chat_templates/notes.txt"] {
        std::fs::create_dir_all(snapshot.join(name).parent().unwrap()).unwrap();
        std::fs::write(snapshot.join(name), "of another tool").unwrap();
    }
    (HubSettings { offline: true, ..settings(&server, home) }, snapshot)
}

#[test]
fn a_directory_is_filled_from_the_cache_as_it_is_from_the_hub() {
    let home = tempfile::tempdir().unwrap();
    let (offline, _) = cached(home.path());
    let directory = home.path().join("tiny");
    for _ in 0..2 {
        let snapshot = fetch(offline.clone(), "acme/tiny", Some(&directory)).unwrap();
        assert_eq!((snapshot.directory, snapshot.commit.as_str()), (directory.clone(), COMMIT));
        let expected =
            ["additional_chat_templates/tool_use.jinja", "config.json", "model.safetensors", "tokenizer.json"];
        assert_eq!(names(&directory), expected);
    }
    assert_eq!(std::fs::read(directory.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn shards_of_any_name_are_copied_with_their_index() {
    let home = tempfile::tempdir().unwrap();
    let (offline, snapshot) = cached(home.path());
    std::fs::rename(snapshot.join("model.safetensors"), snapshot.join("part-a.safetensors")).unwrap();
    let index = r#"{"weight_map": {"a": "part-a.safetensors"}}"#;
    std::fs::write(snapshot.join("model.safetensors.index.json"), index).unwrap();
    let directory = home.path().join("tiny");
    fetch(offline, "acme/tiny", Some(&directory)).unwrap();
    let names = names(&directory);
    assert!(names.contains(&"part-a.safetensors".to_owned()) && names.len() == 5, "{names:?}");
}

#[test]
fn what_cannot_be_copied_whole_is_not_begun() {
    let home = tempfile::tempdir().unwrap();
    let (offline, snapshot) = cached(home.path());
    let copied = |directory: &Path| fetch(offline.clone(), "acme/tiny", Some(directory)).unwrap_err().to_string();
    let occupied = home.path().join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    std::fs::write(occupied.join("model.safetensors"), "another").unwrap();
    let error = copied(&occupied);
    assert!(error.contains("occupied/model.safetensors") && error.contains("hint: choose another"), "{error}");
    assert_eq!(names(&occupied), ["model.safetensors"]);
    // The last file cannot be written.
    let stuck = home.path().join("stuck");
    std::fs::create_dir_all(stuck.join("model.safetensors.incomplete")).unwrap();
    assert!(copied(&stuck).contains("model.safetensors.incomplete"));
    assert!(names(&stuck).is_empty(), "{:?}", names(&stuck));
    // A blob is gone.
    let blob = std::fs::canonicalize(snapshot.join("tokenizer.json")).unwrap();
    std::fs::remove_file(blob).unwrap();
    let torn = home.path().join("torn");
    assert!(copied(&torn).contains("tokenizer.json"));
    assert!(!torn.exists());
}
