//! Words that product code does not use, or in the one place that is made for them.

use std::path::Path;

use super::imports::code_of;

/// A word, the files below `crates/` in which it may stand, and why it may not elsewhere.
const WORDS: &[(&str, &[&str], &str)] = &[
    (
        "#[error(",
        // An action's refusal, a model's answer and a loader's state: values that a larger error tells.
        &["lam-env-desktop/src/fault.rs", "lam-prompt/src/error.rs", "lam-trainer/src/error.rs"],
        "errors are made of fields (`lam_signal::Fault`), and their text of those",
    ),
    ("starts_with(\"unknown field", &[], "serde hands over what it refuses in fields; its sentences are not read"),
    ("\\nhint:", &["lam-signal/src/fault.rs"], "a hint is a field of its own (`Details::hint`)"),
    (
        "remove_dir_all",
        &["lam-store/src/owned.rs"],
        "`lam_store::remove_directory` removes what is ours and nothing else",
    ),
    ("fs::remove_", &["lam-store/src/owned.rs"], "files and directories are removed by lam-store"),
];

/// Every place where a word stands that must not.
fn broken(file: &str, code: &str) -> Vec<String> {
    let stands = |word: &str, files: &[&str]| code.contains(word) && !files.contains(&file);
    let sentence = |(word, _, why): &(&str, &[&str], &str)| format!("{file}: `{word}`: {why}");
    WORDS.iter().filter(|(word, files, _)| stands(word, files)).map(sentence).collect()
}

fn look(directory: &Path, below: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable")) {
        let name = entry.file_name().into_string().expect("UTF-8");
        let place = format!("{below}{name}");
        if entry.path().is_dir() {
            look(&entry.path(), &format!("{place}/"), found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = std::fs::read_to_string(entry.path()).expect("readable");
            found.extend(broken(&place, &code_of(&text)));
        }
    }
}

#[test]
fn every_word_stands_where_it_belongs() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(super::workspace().join("crates")).expect("crates/ exists") {
        let path = entry.expect("readable").path();
        if path.join("src").is_dir() {
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
            look(&path.join("src"), &format!("{name}/src/"), &mut found);
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_word_in_the_wrong_place_is_named() {
    let code = "std::fs::remove_dir_all(folder)";
    assert!(broken("lam-store/src/owned.rs", code).is_empty());
    let found = broken("lam-export/src/export.rs", code);
    assert!(found.len() == 2 && found[0].starts_with("lam-export/src/export.rs: `remove_dir_all`: "), "{found:?}");
}
