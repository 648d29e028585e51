//! Phase 4 over quantised weights in bf16, through the binary: the policy begins as the LAM3 that answered.

use serde_json::Value;

use crate::support::{Place, trained};

const PHASE: &str = r#"
[reward]
finetuning_type = "qlora"
quantization_bit = 8
train = { max_steps = 2, bf16 = true, max_length = 100000, per_device_train_batch_size = 2 }
[policy]
finetuning_type = "qlora"
quantization_bit = 4
max_states = 3
samples_per_state = 2
response_length = 24
train = { bf16 = true, logging_steps = 1 }
"#;

#[test]
fn the_policy_begins_as_the_one_that_answered() {
    let place = Place::new("quantised-phase4");
    place.write("phase4.toml", PHASE);
    let (model, explore) = (trained().stage("lam2"), trained().stage("explore"));
    let expert = trained().stage("expert");
    let data = [format!("{expert}/expert_success.parquet"), format!("{explore}/failure.parquet")];
    let command = ["phase4", "-c", "phase4.toml", "--model", &model, "--data", &data[0], "--data", &data[1]];
    place.succeed(&[&command[..], &["--output-dir", "runs/four"]].concat());
    let lines = std::fs::read_to_string(place.path("runs/four/lam4/training/metrics.jsonl")).expect("readable");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    let (kl, ratio) =
        (first["objective/kl"].as_f64().expect("a number"), first["val/ratio"].as_f64().expect("a number"));
    // One batch's share of rows is packed otherwise than when it was asked: nothing more than that is between them.
    assert!(kl.abs() < 1e-3 && (ratio - 1.0).abs() < 1e-6, "KL {kl}, ratio {ratio}");
    for (set, words) in [
        ("policy.finetuning_type=full", "phase 4 trains an adapter"),
        ("reward.quantization_bit=5", "quantization_bit"),
    ] {
        let refused = [&command[..], &["--output-dir", "runs/other", "--set", set]].concat();
        place.refuse(&refused, 2, &[words]);
    }
}
