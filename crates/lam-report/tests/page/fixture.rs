//! A finished run as its stages would leave it: manifests, metrics, evaluations, trajectories; all by formula.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lam_store::{InputRef, MANIFEST_VERSION, Manifest};
use serde_json::{Value, json};

use crate::episodes;

/// Name, kind, parents and seconds of each stage.
const STAGES: [(&str, &str, &[&str], f64); 12] = [
    ("plans", "collect-plans", &[], 3.2),
    ("expert", "collect-actions", &[], 11.8),
    ("base", "base", &["plans"], 148.0),
    ("lam1", "phase1", &["base", "plans"], 41.0),
    ("lam2", "phase2", &["lam1", "expert"], 96.5),
    ("lam3", "phase3", &["lam2", "expert"], 121.3),
    ("lam4", "phase4", &["lam3", "expert"], 88.0),
    ("eval-plan", "eval-plan", &["base", "lam1", "plans"], 12.1),
    ("eval-step", "eval-step", &["base", "lam1", "lam2", "lam3", "lam4", "expert"], 19.0),
    ("eval-online", "eval-online", &["base", "lam1", "lam2", "lam3", "lam4"], 47.4),
    ("export", "export", &["lam4"], 2.1),
    ("report", "report", &["eval-plan", "eval-step", "eval-online"], 0.4),
];

/// Writes the run; `shift` moves every rate, so that seeds differ.
pub fn write_run(root: &Path, seed: u64, shift: f64) {
    for (index, (name, kind, parents, seconds)) in STAGES.iter().enumerate() {
        let directory = root.join(name);
        fs::create_dir_all(&directory).unwrap();
        let input = |parent: &&str| InputRef {
            stage: Some((*parent).to_owned()),
            path: (*parent).to_owned(),
            hash: hash(parent),
        };
        let manifest = Manifest {
            format_version: MANIFEST_VERSION,
            producer: "lam-train 0.1.0".to_owned(),
            pipeline: "quickstart".to_owned(),
            stage: (*name).to_owned(),
            kind: (*kind).to_owned(),
            seed,
            code: BTreeMap::new(),
            config: json!({}),
            config_hash: hash(kind),
            inputs: BTreeMap::from([("data".to_owned(), parents.iter().map(input).collect())]),
            fingerprint: hash(name),
            output_hash: hash(name),
            files: vec![],
            metrics: metrics(kind),
            started_at: 1_767_607_200 + index as u64 * 60,
            duration_s: *seconds,
            arithmetic: String::new(),
            reused_from: None,
        };
        manifest.write(&directory).unwrap();
    }
    for (path, reward_model) in [
        ("base/training", false),
        ("lam1/training", false),
        ("lam2/training", false),
        ("lam3/training", false),
        ("lam4/reward/training", true),
    ] {
        write_lines(&root.join(path), 180, |step| sft_line(step, reward_model));
    }
    write_lines(&root.join("lam4/policy/training"), 60, ppo_line);
    write_json(&root.join("lam3/coverage.json"), &coverage());
    write_json(&root.join("eval-plan/planning.json"), &planning(shift));
    write_json(&root.join("eval-step/decision_making.json"), &decisions(shift));
    write_json(&root.join("eval-online/tables.json"), &json!({"online": online(shift)}));
    episodes::write(&root.join("eval-online/trajectories.parquet"));
}

fn metrics(kind: &str) -> Value {
    match kind {
        "phase1" => json!({"examples": 5200}),
        "phase2" => json!({"train": {"trajectories": 1757, "steps": 6012}}),
        "phase3" => json!({"trajectories": 2310, "attempts": 2284, "successes": 553}),
        "phase4" => json!({"rollouts": 1731}),
        _ => json!({}),
    }
}

fn coverage() -> Value {
    json!({
        "tasks": 2284, "solved": 2170,
        "ways": [
            {"way": "tries", "source": "LAM2", "by_parts": false, "attempted": 2284, "episodes": 4568, "solved": 1256},
            {"way": "plans", "source": "LAM1", "by_parts": false, "attempted": 1028, "episodes": 1028, "solved": 800},
            {"way": "plans", "source": "LAM1", "by_parts": true, "attempted": 100, "episodes": 100, "solved": 64},
            {"way": "documentation", "source": "documentation", "by_parts": false, "attempted": 164, "episodes": 164, "solved": 50},
        ],
        "families": {"bold": {"tasks": 2200, "solved": {"tries": 1256, "plans": 864}}, "caption": {"tasks": 84, "solved": {"documentation": 50}}},
        "controls": {"exact": 2600, "containment": 12},
        "examples": [{"way": "plans", "source": "LAM1", "by_parts": true, "task_id": "task-1", "family": "bold",
            "request": "make it bold </script> and print", "plan": ["click Bold", "click Print"]}],
    })
}

pub fn hash(text: &str) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    (0..4)
        .map(|round| {
            for byte in text.bytes() {
                state = (state ^ u64::from(byte) ^ round).wrapping_mul(0x0100_0000_01b3);
            }
            format!("{state:016x}")
        })
        .collect()
}

fn noise(step: u64) -> f64 {
    (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24) - 0.5
}

fn sft_line(step: u64, reward_model: bool) -> Value {
    let t = step as f64 / 180.0;
    let loss = 3.2 * (-4.0 * t).exp() + 0.08 + 0.12 * noise(step) * (1.0 - 0.7 * t);
    let mut line = json!({"global_step": step, "epoch": t * 3.0, "loss": loss.max(0.01), "grad_norm": 1.0 + noise(step + 7),
        "learning_rate": 2e-3 * (1.0 - t), "num_tokens": step * 8192, "mean_token_accuracy": 1.0 - 0.6 * (-5.0 * t).exp() + 0.02 * noise(step)});
    if step.is_multiple_of(30) {
        line["eval_loss"] = json!(loss + 0.06);
        line["eval_mean_token_accuracy"] = json!(0.97 - 0.6 * (-5.0 * t).exp());
    }
    if reward_model {
        line["accuracy"] = json!(0.5 + 0.4 * (1.0 - (-4.0 * t).exp()) + 0.08 * noise(step));
        line["margin"] = json!(1.4 * t + 0.2 * noise(step));
    }
    line
}

fn ppo_line(step: u64) -> Value {
    let t = step as f64 / 60.0;
    json!({"global_step": step, "objective/scores": -0.3 + 0.5 * t + 0.1 * noise(step), "objective/rlhf_reward": -0.32 + 0.45 * t + 0.1 * noise(step),
        "objective/kl": 0.09 * t + 0.01 * noise(step), "policy/clipfrac_avg": 0.12 + 0.05 * noise(step), "val/clipfrac_avg": 0.02,
        "loss/policy_avg": -0.02 + 0.02 * noise(step), "loss/value_avg": 0.4 * (-3.0 * t).exp() + 0.05, "objective/entropy": 0.6 - 0.2 * t, "val/ratio": 1.0 + 0.01 * noise(step), "val/ratio_var": 0.002})
}

fn rate(value: f64, n: u64) -> Value {
    let value = value.clamp(0.0, 100.0);
    let half = 196.0 * ((value / 100.0) * (1.0 - value / 100.0) / n as f64).sqrt();
    json!({"value": value, "ci95": [(value - half).max(0.0), (value + half).min(100.0)], "n": n})
}

fn planning(shift: f64) -> Value {
    json!({"base": {"tsr": rate(0.0, 300), "step_precision": rate(0.2, 900), "step_recall": rate(0.4, 900), "tasks": 300},
        "LAM1": {"tsr": rate(81.3 + shift, 300), "step_precision": rate(91.0, 900), "step_recall": rate(89.4, 900), "tasks": 300}})
}

const MODELS: [(&str, f64, f64); 6] = [
    ("base", 0.3, 0.0),
    ("LAM1", 1.7, 0.7),
    ("LAM2", 66.3, 41.0),
    ("LAM3", 79.6, 58.3),
    ("LAM4", 84.2, 63.1),
    ("expert", 72.0, 50.0),
];

fn decisions(shift: f64) -> Value {
    let row = |v: f64, f: f64| {
        json!({"object_acc": rate(v + f, 1100), "operation_acc": rate(v + f + 3.0, 1100), "status_acc": rate(v + f + 5.0, 1100),
        "argument_acc": rate(v + f + 2.0, 700), "ssr": rate(v + f - 2.0, 1100), "tsr": rate(v + f - 11.0, 320)})
    };
    MODELS
        .iter()
        .map(|(name, seen, unseen)| {
            let boost = if *seen > 10.0 { 9.0 + shift } else { 0.0 };
            let mut all = row(*seen, boost);
            all["tasks"] = json!(320);
            all["steps"] = json!(1104);
            all["seen"] = row(seen + 3.0, boost);
            all["unseen"] = row(unseen + 3.0, boost);
            if name.starts_with("LAM") {
                all["unconstrained"] = row(seen - 4.0, boost);
            }
            ((*name).to_owned(), all)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn online(shift: f64) -> Value {
    let row = |tsr: f64| {
        json!({"tsr": rate(tsr, 320), "completion_time_s": {"value": 0.212, "ci95": [0.2, 0.22], "n": 320},
        "completion_steps": {"value": 3.42, "ci95": [3.3, 3.6], "n": 320}, "step_latency_s": {"value": 0.0603, "ci95": [0.058, 0.062], "n": 1100},
        "invalid_action_rate": rate(0.0, 1100), "tasks": 320, "environment_errors": 0})
    };
    let with = |seen: f64, unseen: f64| {
        let moved = if seen > 10.0 { shift } else { 0.0 };
        let mut all = row((seen * 2.0 + unseen) / 3.0 + moved);
        all["phrasing"] = json!({"seen": row(seen + moved), "unseen": row(unseen + moved)});
        all
    };
    MODELS
        .iter()
        .map(|(name, seen, unseen)| ((*name).to_owned(), with(*seen, *unseen)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn write_json(path: &Path, json: &Value) {
    fs::write(path, json.to_string()).unwrap();
}

fn write_lines(directory: &Path, steps: u64, line: impl Fn(u64) -> Value) {
    fs::create_dir_all(directory).unwrap();
    let text: String = (1..=steps).map(|step| format!("{}\n", line(step))).collect();
    fs::write(directory.join("metrics.jsonl"), text).unwrap();
}
