//! Unfinished training resumes with the same settings, data and tokenizer, or not at all: exit code 4, what
//! differs, and the work stays.

use std::path::Path;
use std::process::Stdio;

use crate::support::{Place, trained};

const SETTINGS: &str =
    "[train]\nlearning_rate = 1e-3\nmax_tokens = 200_000\nmax_tokens_per_batch = 512\nsave_steps = 2\n";

/// Arguments of phase 2 on this model and file.
fn phase<'a>(config: &'a str, model: &'a str, data: &'a str) -> [&'a str; 9] {
    ["phase2", "-c", config, "--model", model, "--data", data, "--output-dir", "runs/two"]
}

/// Starts the phase and kills it once it has left a complete checkpoint.
fn kill_at_work(place: &Place, args: &[&str]) {
    let mut child = place.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lam-train starts");
    let training = place.path("runs/two/lam2.partial/training");
    while !training.join("last").exists() {
        assert!(child.try_wait().expect("a child can be asked").is_none(), "it was done before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("a child can be killed");
    child.wait().expect("a child ends");
}

/// A copy of the model in which a file is changed.
fn changed_model(place: &Place, name: &str, change: impl Fn(String) -> String) -> String {
    let (from, to) = (trained().stage("lam1"), place.path("changed"));
    std::fs::create_dir(&to).expect("writable");
    for entry in Path::new(&from).read_dir().expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("it has a name"))).expect("writable");
        }
    }
    let text = std::fs::read_to_string(to.join(name)).expect("readable");
    let changed = change(text.clone());
    assert_ne!(text, changed);
    std::fs::write(to.join(name), changed).expect("writable");
    to.to_str().expect("a UTF-8 path").to_owned()
}

#[test]
fn other_settings_data_or_tokenizers_are_refused_and_the_same_go_on() {
    let place = Place::new("refused-resume");
    place.write("two.toml", SETTINGS);
    let (model, expert) = (trained().stage("lam1"), trained().stage("expert"));
    let (data, other) = (format!("{expert}/expert_success.parquet"), trained().stage("explore") + "/success.parquet");
    kill_at_work(&place, &phase("two.toml", &model, &data));

    let hint = "hint: undo the change, or start the stage over with `--force lam2` (a phase: `--resume never`)";
    let kept = "its unfinished work is kept";
    place.write("other.toml", &SETTINGS.replace("1e-3", "2e-3"));
    let words = ["train.learning_rate 0.001 → 0.002", hint, kept];
    place.refuse(&phase("other.toml", &model, &data), 4, &words);
    let seeded = [&phase("two.toml", &model, &data)[..], &["--seed", "9"]].concat();
    place.refuse(&seeded, 4, &["seed changed: 42 → 9", hint, kept]);
    place.refuse(&phase("two.toml", &model, &other), 4, &["input trajectories changed", "success.parquet", hint, kept]);
    let changed = changed_model(&place, "tokenizer.json", |text| text + "\n");
    place.refuse(&phase("two.toml", &changed, &data), 4, &["input model changed", hint, kept]);

    let portable = [&phase("two.toml", &model, &data)[..], &["--numerics", "portable"]].concat();
    place.refuse(&portable, 4, &["numerics: was fast (", ", is portable", kept]);

    let said = place.succeed(&phase("two.toml", &model, &data)).stderr;
    assert!(said.contains("going on from"), "{said}");
    let manifest = std::fs::read_to_string(place.path("runs/two/lam2/manifest.json")).expect("readable");
    assert!(manifest.contains("\"arithmetic\": \"fast ("), "{manifest}");
}

#[test]
fn a_loss_that_is_no_number_names_its_samples_and_keeps_the_checkpoint() {
    let place = Place::new("not-finite");
    place.write("two.toml", &SETTINGS.replace("1e-3", "1e38").replace("save_steps = 2", "save_steps = 1"));
    let (model, expert) = (trained().stage("lam1"), trained().stage("expert"));
    let data = format!("{expert}/expert_success.parquet");
    let words = [
        "step ",
        "is NaN; samples of the step: ",
        "/",
        "hint: the last good checkpoint is kept; lower `learning_rate`",
    ];
    place.refuse(&phase("two.toml", &model, &data), 1, &words);
    let weights = place.path("runs/two/lam2.partial/training/last/adapter_model.safetensors");
    let bytes = std::fs::read(&weights).expect("the last checkpoint is there");
    // safetensors: the header's length, the header, then f32 after f32.
    let header = u64::from_le_bytes(*bytes.first_chunk().expect("a header")) as usize;
    let (values, rest) = bytes[8 + header..].as_chunks::<4>();
    assert!(!values.is_empty() && rest.is_empty());
    assert!(values.iter().all(|value| f32::from_le_bytes(*value).is_finite()), "the checkpoint is not good");
}
