//! Tokenizers made here: whole words, the same bytes each time, errors that say what to change.

use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};

use crate::fixture;

#[test]
fn asked_words_and_labels_are_single_tokens() {
    let renderer = fixture::renderer();
    let labels = (1..=128).map(|label| label.to_string());
    for word in fixture::config().words.into_iter().chain(labels).chain(["CONTINUE".into(), "true".into()]) {
        assert_eq!(renderer.tokenizer().encode(&format!(" {word}")).len(), 1, "{word}");
    }
    assert!(renderer.tokenizer().vocab_size() <= fixture::config().vocab_size);
}

#[test]
fn the_same_corpus_gives_the_same_bytes_and_files_load_again() {
    let dirs = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
    let read = |dir: &tempfile::TempDir, name: &str| std::fs::read(dir.path().join(name)).expect(name);
    for dir in &dirs {
        let tokenizer = Tokenizer::train(&fixture::corpus(), &fixture::config()).expect("the words fit");
        tokenizer.save(dir.path()).expect("the directory can be written");
    }
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"] {
        assert!(read(&dirs[0], name) == read(&dirs[1], name), "{name} differs");
    }
    let loaded = Renderer::load(dirs[0].path()).expect("what was saved loads");
    let text = "Größe \u{1F600} of </s> text";
    assert_eq!(loaded.tokenizer().decode(&loaded.tokenizer().encode(text)), text);
    assert!(!loaded.tokenizer().encode(text).contains(&loaded.tokenizer().eos()));
    assert_ne!(loaded.tokenizer().pad(), loaded.tokenizer().eos());
}

#[test]
fn too_small_a_vocabulary_is_refused() {
    let config = TokenizerConfig { vocab_size: 300, ..fixture::config() };
    let error = Tokenizer::train(&fixture::corpus(), &config).err().expect("300 entries are too few").to_string();
    assert!(error.starts_with("tokenizer: vocab_size 300 is smaller than the "), "{error}");
}

#[test]
fn a_directory_without_a_tokenizer_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = Renderer::load(dir.path()).err().expect("nothing to load").to_string();
    assert!(error.contains("tokenizer.json"), "{error}");
}
