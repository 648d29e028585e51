//! Tokenizers of GGUF files beside those that the files were made of (sentencepiece, tokenizers). The fixtures are made by
//! `scripts/parity/gguf.py fixtures`. And tokenizers that are written into files, and read again.

use std::collections::BTreeMap;
use std::io::Error;
use std::path::{Path, PathBuf};

use lam_gguf::{Format, Outline, Planned, Value};
use lam_prompt::{GgufTokenizer, Renderer, Tokenizer, TokenizerConfig, gguf_tokenizer};
use serde_json::json;

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

/// A file of these keys and no weights.
fn write(path: &Path, metadata: &BTreeMap<String, Value>) {
    let tensor = Planned { name: "token_embd.weight".into(), shape: vec![1, 32], format: Format::Q8_0 };
    let outline = Outline { metadata: metadata.clone(), tensors: vec![tensor] };
    let file = std::fs::File::create(path).expect("a writable folder");
    let written = outline.write::<_, Error>(file, |tensor, out| out.write_all(&vec![0; tensor.bytes() as usize]));
    written.expect("all bytes came");
}

/// A tokenizer as it is read from the file that it is written into.
fn read_again(written: &GgufTokenizer) -> Tokenizer {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.gguf");
    write(&path, &written.metadata);
    Tokenizer::load(&path).expect("what was written is right")
}

const TEXTS: [&str; 4] =
    ["Make  the heading bold", "O'Brien's 12345 “quoted” é\n x_y", "<s> [INST] it", "{\"text\": \"a b\"} 漢\u{1F600}"];

#[test]
fn what_is_written_is_read_again() {
    for name in ["llama", "qwen3"] {
        let path = path(&format!("{name}.gguf"));
        let rows = Tokenizer::load(&path).unwrap().vocab_size();
        let written = gguf_tokenizer(&path, rows).unwrap();
        assert_eq!(written.in_other_tokens(&[]).unwrap(), None, "{name}: llama.cpp has it under a name");
        assert!(!written.metadata.contains_key("tokenizer.huggingface.json"));
        let (own, again) = (Tokenizer::load(&path).unwrap(), read_again(&written));
        assert_eq!((again.hash(), again.bos(), again.eos()), (own.hash(), own.bos(), own.eos()), "{name}");
        // The same keys as llama.cpp's own programs write; scores are ranks here, of which the same merges follow.
        let gguf = lam_gguf::Gguf::open(&path).unwrap();
        for key in ["model", "pre", "tokens", "token_type", "merges", "bos_token_id", "eos_token_id"] {
            let key = format!("tokenizer.ggml.{key}");
            assert_eq!(written.metadata.get(&key), gguf.metadata.get(&key), "{name}: {key}");
        }
        assert_eq!(written.metadata["tokenizer.chat_template"], gguf.metadata["tokenizer.chat_template"]);
    }
}

#[test]
fn rows_without_a_token_are_filled_and_left_out_again() {
    let path = path("qwen3.gguf");
    let entries = Tokenizer::load(&path).unwrap().vocab_size();
    let written = gguf_tokenizer(&path, 300).unwrap();
    let Value::Texts(tokens) = &written.metadata["tokenizer.ggml.tokens"] else { panic!("a list") };
    assert_eq!((tokens.len(), tokens[299].as_str()), (300, "[PAD299]"));
    let again = read_again(&written);
    assert_eq!((again.vocab_size(), again.token_id("[PAD299]")), (entries, None));
    let error = gguf_tokenizer(&path, 100).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("has {entries} entries, the model's embedding 100 rows")), "{error}");
}

#[test]
fn a_tokenizer_made_here_is_whole_for_us_and_near_for_llama_cpp() {
    let corpus: Vec<String> = (0..40).map(|n| format!("select the text and make it bold {n} times")).collect();
    let words = ["click_input", "insert_table", "Bold"].map(str::to_owned).to_vec();
    let own = Tokenizer::train(&corpus, &TokenizerConfig { vocab_size: 640, labels: 128, words }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    own.save(folder.path()).unwrap();
    let written = gguf_tokenizer(folder.path(), own.vocab_size()).unwrap();
    assert_eq!(written.metadata["tokenizer.ggml.pre"], Value::Text("llama-bpe".into()));
    assert!(!written.adds_bos());
    let again = read_again(&written);
    assert_eq!(again.hash(), own.hash());
    for text in TEXTS {
        assert_eq!(again.encode(text), own.encode(text), "{text}");
    }
    // Labels, functions and markers are the same tokens in llama.cpp; numbers that are no labels are not.
    let near = "<|controls|> Bold 12 insert_table 128<|request|> make the text bold<|answer|>";
    let other = "<|request|> set the margin to 345";
    assert_eq!(written.in_other_tokens(&[near.into()]).unwrap(), Some(0));
    assert_eq!(written.in_other_tokens(&[near.into(), other.into()]).unwrap(), Some(1));
}

#[test]
fn what_llama_cpp_has_no_name_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Tokenizer::train(&["a b"], &TokenizerConfig { vocab_size: 300, labels: 1, words: vec![] })
        .unwrap()
        .save(folder.path())
        .unwrap();
    let file = folder.path().join("tokenizer.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    json["pre_tokenizer"]["pretokenizers"][0]["pattern"] = json!({"Regex": "[a-z]+"});
    std::fs::write(&file, json.to_string()).unwrap();
    let error = gguf_tokenizer(folder.path(), 300).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("in a way for which llama.cpp has no name") && error.contains("hint: export"), "{error}");
}
