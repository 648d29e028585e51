//! `--resume DIR`: a stage goes on from the checkpoint that is named and ends with the bytes of a run that never stopped;
//! one of other settings, or none, is refused.

use crate::support::{Place, trained};

const PHASE: &str = "[train]\nmax_steps = 4\nmax_tokens_per_batch = 512\nsave_steps = 1\nsave_total_limit = 0\n";

fn phase2<'a>(data: &'a str, model: &'a str, into: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let command = ["phase2", "-c", "phase2.toml", "--data", data, "--model", model, "--output-dir", into];
    [&command, more].concat()
}

#[test]
fn a_stage_goes_on_from_the_checkpoint_that_is_named() {
    let place = Place::new("named-checkpoint");
    place.write("phase2.toml", PHASE);
    let data = format!("{}/expert_success.parquet", trained().stage("expert"));
    let model = trained().stage("lam1");
    place.succeed(&phase2(&data, &model, "runs/whole", &[]));
    let checkpoint = "runs/whole/lam2/training/checkpoint-2";
    let read = |name: &str| std::fs::read(place.path(name)).expect("readable");

    // Into another run, and into the finished one, whose result it replaces with the same.
    let told = place.succeed(&phase2(&data, &model, "runs/part", &["--resume", checkpoint])).stderr;
    assert!(told.contains("goes on from") && told.contains("checkpoint-2"), "{told}");
    for file in ["model.safetensors", "training/metrics.jsonl", "training/checkpoint-4/optimizer.safetensors"] {
        assert!(read(&format!("runs/part/lam2/{file}")) == read(&format!("runs/whole/lam2/{file}")), "{file}");
    }
    assert!(!place.path("runs/part/lam2/training/checkpoint-1").exists());
    let weights = read("runs/whole/lam2/model.safetensors");
    let again = format!("lam2={checkpoint}");
    place.succeed(&phase2(&data, &model, "runs/whole", &["--resume", &again]));
    assert!(read("runs/whole/lam2/model.safetensors") == weights);

    let checkpoint = "runs/part/lam2/training/checkpoint-3";
    let other = ["--resume", checkpoint, "--set", "train.learning_rate=1e-3"];
    let words = ["arguments.learning_rate: was", "is 0.001", "hint: "];
    place.refuse(&phase2(&data, &model, "runs/other", &other), 4, &words);
    for (named, words) in [
        ("runs/part/lam2", "holds no trainer_state.json"),
        ("runs/nowhere", "no such directory"),
        ("lam9=runs/part/lam2", "no stage of that name"),
    ] {
        place.refuse(&phase2(&data, &model, "runs/third", &["--resume", named]), 2, &[words, "hint: "]);
    }
}
