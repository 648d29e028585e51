//! Tokenizers of GGUF files beside those that the files were made of (sentencepiece, tokenizers). The fixtures are made by
//! `scripts/parity/gguf.py fixtures`.

use std::path::{Path, PathBuf};

use lam_prompt::{Renderer, Tokenizer};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lam-model/tests/fixtures/gguf").join(name)
}

#[test]
fn tokens_are_those_of_the_tokenizer_that_the_file_was_made_of() {
    for name in ["llama", "qwen3"] {
        let text = std::fs::read_to_string(path(&format!("{name}.json"))).unwrap();
        let cases: Vec<(String, Vec<u32>)> = serde_json::from_str(&text).unwrap();
        let tokenizer = Tokenizer::load(&path(&format!("{name}.gguf"))).unwrap();
        for (text, ids) in cases {
            assert_eq!(tokenizer.encode(&text), ids, "{name}: {text}");
        }
    }
}

#[test]
fn special_tokens_template_and_stop_tokens_are_the_files() {
    let renderer = Renderer::load(&path("llama.gguf")).unwrap();
    let tokenizer = renderer.tokenizer();
    assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(1), 2));
    assert_eq!(renderer.stop_tokens(), [2]);
    assert!(tokenizer.is_special(0) && tokenizer.is_special(1) && !tokenizer.is_special(300));
    assert_eq!(renderer.template_name(), "chat_template.jinja");
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let written = Tokenizer::load(folder.path()).unwrap();
    assert_eq!(written.hash(), tokenizer.hash());
    assert_eq!(written.encode("<s>Make  it"), tokenizer.encode("<s>Make  it"));
}

#[test]
fn a_token_that_no_vocabulary_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(path("llama.gguf")).unwrap();
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    // So many bytes more that the tensors begin where they did, behind them.
    let (from, to) = (text("<unk>"), text(&format!("<unk>{}", "ab".repeat(16 * 6400))));
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes.splice(place..place + from.len(), to);
    let file = folder.path().join("model.gguf");
    std::fs::write(&file, bytes).unwrap();
    let error = Tokenizer::load(&file).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("`tokenizer.ggml.tokens`: token 0 has 204805 bytes"), "{error}");
}

#[test]
fn tokenizers_that_are_not_known_are_refused_by_name() {
    for (name, from, to, words) in [
        ("qwen3", "gpt2", "bert", "`tokenizer.ggml.model` = bert; known are `gpt2` and `llama`"),
        ("qwen3", "\u{5}\0\0\0\0\0\0\0qwen2", "\u{5}\0\0\0\0\0\0\0other", "`tokenizer.ggml.pre` = other"),
        ("qwen3", "tokenizer.ggml.merges", "tokenizer.ggml.mergez", "`tokenizer.ggml.merges` is missing"),
        ("llama", "tokenizer.ggml.scores", "tokenizer.ggml.scorez", "`tokenizer.ggml.scores` has 0 entries for 330"),
        ("llama", "tokenizer.ggml.tokens", "tokenizer.ggml.tokenz", "`tokenizer.ggml.tokens` is missing"),
        ("qwen3", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eos_token_iz", "end of sequence"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = std::fs::read(path(&format!("{name}.gguf"))).unwrap();
        let place = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        let file = folder.path().join("model.gguf");
        std::fs::write(&file, bytes).unwrap();
        let error = Tokenizer::load(&file).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("model.gguf"), "{error}, not {words}");
    }
}
