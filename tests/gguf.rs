//! A GGUF file in a model's place through the binary: inspected, trained, exported and asked; a damaged one is refused by
//! every command that opens a model. And a trained model as such a file.

use crate::support::{Place, trained};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lam-model/tests/fixtures/gguf/llama.gguf");
const PHASE: &str = "finetuning_type = \"qlora\"\nquantization_bit = 8\n[train]\nmax_steps = 1\nmax_length = 100000\nper_device_train_batch_size = 2\n";

fn data() -> String {
    format!("{}/expert_success.parquet", trained().stage("expert"))
}

#[test]
fn a_file_stands_where_a_model_directory_stands() {
    let place = Place::new("gguf");
    place.write("phase2.toml", PHASE);
    std::fs::copy(FIXTURE, place.path("model.gguf")).expect("copied");
    let facts = place.succeed(&["model", "inspect", "model.gguf"]).stdout;
    for fact in ["LlamaForCausalLM", "Q8_0 39552", "policy", "chat_template.jinja"] {
        assert!(facts.contains(fact), "{fact}: {facts}");
    }
    let data = data();
    let phase = ["phase2", "-c", "phase2.toml", "--data", &data, "--output-dir", "runs/two", "--model", "model.gguf"];
    place.succeed(&phase);
    let adapter = "runs/two/lam2/adapter";
    place.succeed(&["model", "inspect", "model.gguf", "--adapter", adapter]);
    place.succeed(&["export", "merged", "--model", "model.gguf", "--adapter", adapter, "--output-dir", "out"]);
    assert!(place.path("out/model.safetensors").is_file() && place.path("out/tokenizer.json").is_file());
    place.succeed(&["data", "preview", &data, "--model", "model.gguf"]);
}

#[test]
fn a_damaged_file_is_refused_by_every_command() {
    let place = Place::new("gguf-damaged");
    place.write("phase2.toml", PHASE);
    let whole = std::fs::read(FIXTURE).expect("readable");
    std::fs::write(place.path("model.gguf"), &whole[..whole.len() - 4096]).expect("writable");
    let data = data();
    let commands: [&[&str]; 6] = [
        &["act"],
        &["phase2", "-c", "phase2.toml", "--data", &data, "--output-dir", "runs/two"],
        &["export", "merged", "--output-dir", "out"],
        &["eval", "online", "--set", "seen=1", "--set", "unseen=1", "--output-dir", "runs/online"],
        &["data", "preview", &data],
        &["model", "inspect"],
    ];
    for command in commands {
        let model: &[&str] = if command[0] == "model" { &["model.gguf"] } else { &["--model", "model.gguf"] };
        place.refuse(&[command, model].concat(), 3, &["model.gguf: tensor `", "the file has", "hint: "]);
    }
}

#[test]
fn a_trained_model_is_written_as_a_file_that_acts_alike() {
    let place = Place::new("gguf-written");
    let lam4 = trained().stage("lam4");
    let told = place.succeed(&["export", "gguf", "--model", &lam4, "--output-dir", "out"]).stdout;
    assert!(told.contains("F16 file, read again") && told.contains("note: llama.cpp has no name"), "{told}");
    let facts = place.succeed(&["model", "inspect", "out"]).stdout;
    assert!(facts.contains("LlamaForCausalLM") && facts.contains("F16"), "{facts}");
    let actions = |model: &str| {
        let told = place.succeed(&["act", "--json", "--model", model]).stdout;
        let trajectory: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        trajectory["steps"].as_array().expect("steps").iter().map(|step| step["action"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(actions("out"), actions(&lam4));
    let card = std::fs::read_to_string(place.path("out/README.md")).expect("a card");
    for words in ["library_name: gguf", "license: \"unknown\"", "| ssr |", "It answered:"] {
        assert!(card.contains(words), "{words}: {card}");
    }
    let run = std::path::Path::new(&lam4).parent().and_then(std::path::Path::to_str).expect("a path");
    assert!(!card.contains(run), "{card}");
    let typed = ["export", "merged", "--type", "q8_0", "--model", &lam4, "--output-dir", "merged"];
    place.refuse(&typed, 2, &["`--type` says how a GGUF file is stored", "hint: leave it out"]);
    let narrow = ["export", "gguf", "--type", "q4_k", "--model", &lam4, "--output-dir", "four"];
    place.refuse(&narrow, 3, &["multiple of 256", "hint: write it as Q8_0"]);
}
