//! Preferences over a tiny decoder: the loss is the formula, its gradient the loss's slope, and a killed run ends with
//! the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use lam_model::Decoder;
use lam_phase4_reinforce::{DpoModule, PolicyConfig, PreferenceExample, Rollout};
use lam_signal::{Cancel, NoProgress};
use lam_store::hash_path;
use lam_trainer::{
    BatchGradient, Identity, Pass, SchedulerType, ShuffledLoader, TrainModule, TrainRun, TrainingArguments, train,
};

mod tiny;

use tiny::{base, policy};

const BETA: f64 = 0.5;

fn rollout(prompt: u32, answer: &[u32], reference: f32) -> Rollout {
    let prompt: Vec<u32> = (0..18).map(|place| (place * prompt) % 31).collect();
    Rollout {
        id: format!("{prompt:?}{answer:?}"),
        input_ids: [prompt.as_slice(), answer].concat(),
        prompt_length: prompt.len(),
        reference_logprobs: vec![reference; answer.len()],
        ..Rollout::default()
    }
}

/// Two pairs, whose answers are of several lengths, and a success between them.
fn examples() -> Vec<PreferenceExample> {
    let pair = |prompt, chosen: &[u32], rejected: &[u32]| PreferenceExample {
        chosen: rollout(prompt, chosen, -3.0),
        rejected: Some(rollout(prompt, rejected, -3.75)),
    };
    let alone = PreferenceExample { chosen: rollout(5, &[9, 8, 7, 30], 0.0), rejected: None };
    vec![pair(2, &[4, 6, 30], &[5, 30]), alone, pair(3, &[11, 30], &[12, 13, 14, 30])]
}

fn logprobs(decoder: &Decoder, rollout: &Rollout) -> Vec<f64> {
    let scores = lam_inference::score(decoder, &[(rollout.prompt_ids(), rollout.response_ids())]).unwrap();
    scores[0].iter().map(|&logprob| f64::from(logprob)).collect()
}

/// The loss as it is written, answer by answer.
fn by_hand(decoder: &Decoder, examples: &[PreferenceExample], anchor: f64) -> f64 {
    let gain = |rollout: &Rollout| {
        let reference: f32 = rollout.reference_logprobs.iter().sum();
        logprobs(decoder, rollout).iter().sum::<f64>() - f64::from(reference)
    };
    let one = |example: &PreferenceExample| {
        let logprobs = logprobs(decoder, &example.chosen);
        let imitated = -anchor * logprobs.iter().sum::<f64>() / logprobs.len() as f64;
        let Some(rejected) = &example.rejected else { return imitated };
        let (better, worse) = ((BETA * gain(&example.chosen)).exp(), (BETA * gain(rejected)).exp());
        imitated - (better / (better + worse)).ln()
    };
    examples.iter().map(one).sum()
}

#[test]
fn the_loss_is_the_formula_and_shared_rows_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for (anchor, share) in [(0.0, false), (1.0, false), (0.25, true)] {
        let examples: Vec<_> =
            examples().into_iter().filter(|example| anchor > 0.0 || example.rejected.is_some()).collect();
        let mut module = DpoModule::new(policy(root.path()), BETA, anchor);
        if share {
            module.backbone_mut().unwrap().share_prefixes(64).unwrap();
        }
        let found = BatchGradient::of(&module, &examples, Pass::Train { seed: 1 }).unwrap();
        let expected = by_hand(&policy(root.path()), &examples, anchor);
        assert!((found.loss_sum - expected).abs() < 1e-4, "anchor {anchor}: {} {expected}", found.loss_sum);
        assert_eq!(found.weight, examples.len() as f64);
        for ((name, variable), gradient) in module.variables().iter().zip(found.gradients) {
            assert_eq!(gradient.unwrap_or_else(|| panic!("{name}")).dims(), variable.dims(), "{name}");
        }
    }
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let module = DpoModule::new(policy(root.path()), BETA, 0.5);
    let loss = || BatchGradient::of(&module, &examples(), Pass::Train { seed: 1 }).unwrap();
    let (gradients, variables) = (loss().gradients, module.variables());
    let squares = |gradient: &Option<candle_core::Tensor>| {
        f64::from(gradient.as_ref().unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap())
    };
    let norm = gradients.iter().map(squares).sum::<f64>().sqrt();
    let starts: Vec<_> = variables.iter().map(|(_, variable)| variable.as_tensor().copy().unwrap()).collect();
    // A step along the gradient, of length 1/100: by so much times the norm does the loss rise.
    let at = |step: f64| {
        for (((_, variable), gradient), start) in variables.iter().zip(&gradients).zip(&starts) {
            let moved = (start + (gradient.as_ref().unwrap() * (step / norm)).unwrap()).unwrap();
            variable.set(&moved).unwrap();
        }
        loss().loss_sum
    };
    let slope = (at(0.01) - at(-0.01)) / 0.02;
    assert!((slope / norm - 1.0).abs() < 5e-3, "{slope} {norm}");
}

fn run(model: &Path, output: &Path, arguments: &TrainingArguments) -> u64 {
    let mut module = DpoModule::new(policy(model), BETA, 1.0);
    let mut loader = ShuffledLoader::new(examples(), arguments).unwrap();
    let (identity, cancel) = (Identity::new(), Cancel::default());
    let run = TrainRun { arguments, output, identity: &identity, progress: &NoProgress, cancel: &cancel };
    train(&mut module, &mut loader, &[], &run).unwrap().global_step
}

#[test]
fn a_killed_run_ends_with_the_same_bytes_and_learns_what_is_preferred() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let arguments = TrainingArguments {
        learning_rate: 1e-2,
        lr_scheduler_type: SchedulerType::Constant,
        num_train_epochs: 8.0,
        per_device_train_batch_size: 3,
        logging_steps: 1,
        save_steps: 1,
        save_total_limit: 0,
        max_length: 22,
        ..PolicyConfig::default().train
    };
    let (whole, parts) = (root.path().join("whole"), root.path().join("parts"));
    // All examples in each step. The two texts of a pair are longer together than `max_length`.
    assert_eq!(run(root.path(), &whole, &arguments), 8);
    run(root.path(), &parts, &arguments);
    for complete in [5, 2, 1] {
        for step in complete + 1..=8 {
            std::fs::remove_dir_all(parts.join(format!("checkpoint-{step}"))).unwrap();
        }
        run(root.path(), &parts, &arguments);
        assert_eq!(hash_path(&parts).unwrap(), hash_path(&whole).unwrap(), "killed after step {complete}");
    }
    let metrics = std::fs::read_to_string(whole.join("metrics.jsonl")).unwrap();
    let margins: Vec<f64> = metrics
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["rewards/margins"].as_f64())
        .collect();
    assert!(margins.last() > margins.first(), "{margins:?}");
}
