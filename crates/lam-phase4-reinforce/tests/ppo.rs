//! PPO over a tiny decoder: every variable learns, the loss changes nothing, and a killed run ends with the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;
use std::sync::Arc;

use lam_inference::{GenerationRequest, Generator, Given, Sampling};
use lam_model::{Allowed, Decoder, Finetuning, LoraConfig, Precision, ScalarHead, TokenSet};
use lam_phase4_reinforce::{Baseline, Choice, PolicyConfig, PpoModule, Rollout, RolloutBuffer, RolloutLoader};
use lam_prompt::TokenConstraint;
use lam_signal::{Cancel, NoProgress};
use lam_store::hash_path;
use lam_trainer::{
    BatchGradient, DataLoader, Identity, Pass, SchedulerType, TrainModule, TrainRun, TrainingArguments, train,
};

mod tiny;

use tiny::{SEED, base, policy};

/// Two answers to each of five states, one of them better.
fn rollouts(decoder: &Decoder) -> Vec<Rollout> {
    let rollout = |number: u32| {
        let prompt: Vec<u32> = (0..18).map(|place| (place * (1 + number / 2)) % 31).collect();
        let answer = [number % 31, 7 + number % 2, 30];
        let reference_logprobs = lam_inference::score(decoder, &[(&prompt, &answer)]).unwrap().remove(0);
        let better = if number.is_multiple_of(2) { 0.3 } else { -0.2 };
        Rollout {
            id: number.to_string(),
            input_ids: [prompt.as_slice(), &answer].concat(),
            prompt_length: prompt.len(),
            reference_logprobs,
            reward: better,
            call: answer[1].to_string(),
            advantage_of_call: better,
            ..Rollout::default()
        }
    };
    (0..10).map(rollout).collect()
}

/// An answer that LAM3 samples at `temperature`, with the log-probabilities of `recorded`.
fn sampled(decoder: &Decoder, temperature: f32, recorded: f32) -> Rollout {
    let request = GenerationRequest {
        sampling: Sampling { temperature, seed: SEED, ..Sampling::default() },
        logprob_temperature: recorded,
        ..GenerationRequest::greedy((0..18).collect(), 30, 12)
    };
    let prompt = request.prompt.clone();
    let answer = Generator::new(decoder, 1).unwrap().run(vec![request]).unwrap().remove(0);
    Rollout {
        id: "0".into(),
        input_ids: [prompt.as_slice(), &answer.tokens].concat(),
        prompt_length: prompt.len(),
        reference_logprobs: answer.logprobs,
        ..Rollout::default()
    }
}

/// log p of an answer's tokens by the forward pass of training.
fn measured(decoder: &Decoder, rollout: &Rollout, temperature: f32) -> Vec<f32> {
    let allowed: Vec<Allowed> = rollout.allowed().collect();
    let given = Given { prompt: rollout.prompt_ids(), answer: rollout.response_ids(), allowed: &allowed };
    lam_inference::score_among(decoder, &[given], temperature).unwrap().remove(0)
}

#[test]
fn the_ratio_and_the_kl_are_of_the_distribution_that_was_sampled_from() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for (temperature, recorded, is_of_it) in [(1.0, 1.0, true), (0.4, 0.4, true), (1.6, 1.6, true), (0.4, 1.0, false)] {
        let decoder = policy(root.path());
        let config = PolicyConfig { temperature, ..config(Baseline::Value) };
        let buffer = RolloutBuffer::new(vec![sampled(&decoder, temperature, recorded)], 1, 1, SEED);
        let mut loader = RolloutLoader::new(&buffer, 1, 1, SEED);
        let mut module = PpoModule::new(decoder, ScalarHead::new(32, SEED).unwrap(), &config, &buffer);
        let batch = loader.next_batch(0).unwrap().unwrap();
        let kl = module.before_batch(&batch).unwrap().means().find(|(name, _)| *name == "objective/kl").unwrap().1;
        assert_eq!(kl.abs() < 1e-6, is_of_it, "temperature {temperature}, recorded at {recorded}: KL {kl}");
        // Stored answers were sampled the same way, and are measured afterwards at the temperature that is said.
        let stored = sampled(module.backbone().unwrap().decoder(), temperature, 1.0);
        let measured = measured(module.backbone().unwrap().decoder(), &stored, temperature);
        let buffer = RolloutBuffer::new(vec![Rollout { reference_logprobs: measured, ..stored }], 1, 1, SEED);
        let mut module = PpoModule::new(policy(root.path()), ScalarHead::new(32, SEED).unwrap(), &config, &buffer);
        let batch = RolloutLoader::new(&buffer, 1, 1, SEED).next_batch(0).unwrap().unwrap();
        let kl = module.before_batch(&batch).unwrap().mean("objective/kl").unwrap();
        assert!(kl.abs() < 1e-6, "stored at {temperature}: KL {kl}");
    }
}

/// The KL that a rollout measures when its batch begins, and how many of its tokens are trained.
fn kl_and_weight(decoder: Decoder, config: &PolicyConfig, rollout: Rollout) -> (f64, f64) {
    let buffer = RolloutBuffer::new(vec![rollout], 1, 1, SEED);
    let batch = RolloutLoader::new(&buffer, 1, 1, SEED).next_batch(0).unwrap().unwrap();
    let mut module = PpoModule::new(decoder, ScalarHead::new(32, SEED).unwrap(), config, &buffer);
    let kl = module.before_batch(&batch).unwrap().mean("objective/kl").unwrap();
    (kl, BatchGradient::of(&module, &batch, Pass::Train { seed: 1 }).unwrap().weight)
}

/// A token that is written whatever the policy thinks of it teaches nothing: the ratio, the KL and the loss are those of
/// the others.
#[test]
fn forced_tokens_have_no_part_in_ratio_kl_and_loss() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let config = config(Baseline::State);
    let known = rollouts(&policy(root.path())).remove(0);
    // What is recorded of the forced token is far from what the policy gives it.
    let right = &known.reference_logprobs;
    let wrong = Rollout { reference_logprobs: vec![right[0], right[1] - 5.0, right[2]], ..known.clone() };
    let choices = [Choice::Of(None), Choice::Forced, Choice::Of(None)];
    let (kl, weight) = kl_and_weight(policy(root.path()), &config, wrong.clone().with_choices(&choices));
    assert!(kl.abs() < 1e-6 && weight == 2.0, "{kl} {weight}");
    let (kl, weight) = kl_and_weight(policy(root.path()), &config, wrong);
    assert!(kl > 1.0 && weight == 3.0, "{kl} {weight}");
}

/// Lets one of three tokens stand at every place, then the end.
struct OneOfThree {
    left: usize,
}

const THREE: [u32; 3] = [3, 7, 11];

impl TokenConstraint for OneOfThree {
    fn allowed(&mut self) -> &[u32] {
        if self.left == 0 { &[30] } else { &THREE }
    }

    fn advance(&mut self, _token: u32) {
        self.left = self.left.saturating_sub(1);
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }
}

/// Where the constraint leaves a choice among some tokens, the answer is drawn from the probability of these alone: so are
/// the ratio and the KL, at the start both of nothing.
#[test]
fn under_a_constraint_the_ratio_and_the_kl_are_of_what_might_have_stood_there() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for temperature in [1.0, 0.4, 1.6] {
        let config = PolicyConfig { temperature, ..config(Baseline::State) };
        let request = GenerationRequest {
            sampling: Sampling { temperature, seed: SEED, ..Sampling::default() },
            constraint: Some(Box::new(OneOfThree { left: 5 })),
            ..GenerationRequest::greedy((0..18).collect(), 30, 12)
        };
        let (decoder, prompt) = (policy(root.path()), request.prompt.clone());
        let answer = Generator::new(&decoder, 1).unwrap().run(vec![request]).unwrap().remove(0);
        let drawn = Rollout {
            id: "0".into(),
            input_ids: [prompt.as_slice(), &answer.tokens].concat(),
            prompt_length: prompt.len(),
            reference_logprobs: answer.behavior_logprobs,
            ..Rollout::default()
        };
        let three = Choice::Of(Some(Arc::new(TokenSet::new(&THREE, decoder.config().vocab_size))));
        let choices = vec![three; 5];
        assert_eq!(drawn.response_ids().len(), choices.len(), "{:?}", drawn.response_ids());
        let known = drawn.clone().with_choices(&choices);
        let whole = measured(&decoder, &drawn, temperature);
        let apart = whole.iter().zip(&drawn.reference_logprobs).map(|(whole, drawn)| drawn - whole);
        assert!(apart.fold(0.0, f32::max) > 0.1, "over the whole vocabulary the tokens are less probable");
        let (kl, weight) = kl_and_weight(policy(root.path()), &config, known);
        assert!(kl.abs() < 1e-6 && weight == 5.0, "at {temperature}: {kl} {weight}");
        let (kl, _) = kl_and_weight(decoder, &config, drawn);
        assert!(kl > 1e-3, "at {temperature}, as if any token might have stood there: {kl}");
    }
}

/// LAM3 over quantised weights, computing in bf16 where asked to.
fn rounded_policy(directory: &Path, bits: u8, bf16: bool) -> Decoder {
    let lora = LoraConfig { lora_r: 4, ..LoraConfig::default() };
    let mut decoder = Decoder::load(directory, &Finetuning::Qlora { lora, bits }, SEED).unwrap();
    if bf16 {
        decoder.set_precision(Precision::Bf16).unwrap();
    }
    decoder
}

#[test]
fn over_quantised_weights_and_in_bf16_the_ratio_begins_at_one() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for (bits, bf16, temperature) in [(4, false, 1.0), (8, false, 0.6), (4, true, 1.0), (8, true, 1.6)] {
        let decoder = rounded_policy(root.path(), bits, bf16);
        let config = PolicyConfig { temperature, ..config(Baseline::Value) };
        let generated = sampled(&decoder, temperature, temperature);
        let logprobs = measured(&decoder, &generated, temperature);
        let apart = logprobs.iter().zip(&generated.reference_logprobs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // What generation says is near, and in bf16 another number.
        assert!(apart < 0.1 && (!bf16 || apart > 1e-5), "{bits} {bf16}: {apart}");
        let buffer = RolloutBuffer::new(vec![Rollout { reference_logprobs: logprobs, ..generated }], 1, 1, SEED);
        let mut loader = RolloutLoader::new(&buffer, 1, 1, SEED);
        let mut module = PpoModule::new(decoder, ScalarHead::new(32, SEED).unwrap(), &config, &buffer);
        let batch = loader.next_batch(0).unwrap().unwrap();
        let measured = module.before_batch(&batch).unwrap();
        assert!(measured.mean("objective/kl").unwrap().abs() < 1e-6, "{bits} {bf16}: {measured:?}");
        let gradient = BatchGradient::of(&module, &batch, Pass::Train { seed: 1 }).unwrap();
        let ratio = gradient.metrics.mean("val/ratio").unwrap();
        assert!((ratio - 1.0).abs() < 1e-6, "{bits} {bf16}: {ratio}");
    }
}

fn config(baseline: Baseline) -> PolicyConfig {
    let train = TrainingArguments {
        learning_rate: 1e-2,
        lr_scheduler_type: SchedulerType::Constant,
        num_train_epochs: 2.0,
        logging_steps: 1,
        save_steps: 1,
        save_total_limit: 0,
        ..PolicyConfig::default().train
    };
    PolicyConfig { baseline, num_ppo_epochs: 2, batch_size: 4, mini_batch_size: 2, train, ..PolicyConfig::default() }
}

fn run(model: &Path, output: &Path, config: &PolicyConfig) -> u64 {
    let decoder = policy(model);
    let anchors = if config.anchor.is_some() { rollouts(&decoder) } else { Vec::new() };
    let buffer = RolloutBuffer::new(rollouts(&decoder), config.batch_size, 1, SEED).with_anchors(anchors);
    let mut loader = RolloutLoader::new(&buffer, config.num_ppo_epochs, config.mini_batch_size, SEED);
    let head = ScalarHead::new(decoder.config().hidden_size, SEED).unwrap();
    let mut module = PpoModule::new(decoder, head, config, &buffer);
    let (identity, cancel) = (Identity::new(), Cancel::default());
    let run =
        TrainRun { arguments: &config.train, output, identity: &identity, progress: &NoProgress, cancel: &cancel };
    train(&mut module, &mut loader, &[], &run).unwrap().global_step
}

#[test]
fn every_trainable_variable_has_a_gradient_and_the_loss_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let (decoder, config) = (policy(root.path()), config(Baseline::Value));
    let buffer = RolloutBuffer::new(rollouts(&decoder), config.batch_size, 1, SEED);
    let mut loader = RolloutLoader::new(&buffer, config.num_ppo_epochs, config.mini_batch_size, SEED);
    let mut module = PpoModule::new(decoder, ScalarHead::new(32, SEED).unwrap(), &config, &buffer);
    let batch = loader.next_batch(0).unwrap().unwrap();
    assert_eq!(module.before_batch(&batch).unwrap().means().count(), 5, "a new batch is measured");
    let state = module.state();
    let gradient = BatchGradient::of(&module, &batch, Pass::Train { seed: 1 }).unwrap();
    for ((name, variable), gradient) in module.variables().iter().zip(gradient.gradients) {
        assert_eq!(gradient.unwrap_or_else(|| panic!("{name}")).dims(), variable.dims(), "{name}");
    }
    let again = BatchGradient::of(&module, &batch, Pass::Train { seed: 2 }).unwrap();
    assert_eq!((gradient.loss_sum, module.state()), (again.loss_sum, state));
    assert_eq!(module.before_batch(&batch).unwrap().means().count(), 0, "the same batch is not measured again");
}

#[test]
fn an_anchor_adds_the_mean_negative_log_likelihood_of_successes() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let anchored = PolicyConfig { anchor: Some(0.7), temperature: 0.5, ..config(Baseline::Value) };
    let loss_of = |config: &PolicyConfig, anchors: Vec<Rollout>| {
        let decoder = policy(root.path());
        let buffer = RolloutBuffer::new(rollouts(&decoder), config.batch_size, 1, SEED).with_anchors(anchors);
        let batch = RolloutLoader::new(&buffer, 1, 2, SEED).next_batch(0).unwrap().unwrap();
        let mut module = PpoModule::new(decoder, ScalarHead::new(32, SEED).unwrap(), config, &buffer);
        module.before_batch(&batch).unwrap();
        let gradient = BatchGradient::of(&module, &batch, Pass::Train { seed: 1 }).unwrap();
        assert!(gradient.gradients.iter().all(Option::is_some));
        (gradient.loss_sum / gradient.weight, batch)
    };
    let (plain, _) = loss_of(&anchored, Vec::new());
    let (with, batch) = loss_of(&anchored, rollouts(&policy(root.path())));
    let anchors: Vec<_> = batch.iter().filter(|sample| sample.index.is_none()).map(|sample| &sample.rollout).collect();
    let pairs: Vec<_> = anchors.iter().map(|anchor| (anchor.prompt_ids(), anchor.response_ids())).collect();
    let scores = lam_inference::score(&policy(root.path()), &pairs).unwrap();
    let mean = |logprobs: &Vec<f32>| f64::from(logprobs.iter().sum::<f32>()) / logprobs.len() as f64;
    let expected = -scores.iter().map(mean).sum::<f64>() / scores.len() as f64;
    assert_eq!((batch.len(), anchors.len()), (4, 2));
    assert!((with - plain - 0.7 * expected).abs() < 1e-5, "{with} {plain} {expected}");
}

#[test]
fn a_run_killed_within_a_batch_ends_with_the_same_bytes() {
    killed_runs_end_alike(&config(Baseline::State));
    killed_runs_end_alike(&PolicyConfig { anchor: Some(1.0), ..config(Baseline::State) });
}

fn killed_runs_end_alike(config: &PolicyConfig) {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let (whole, parts) = (root.path().join("whole"), root.path().join("parts"));
    // Batches of 4, 4 and 2 rollouts, twice in mini-batches of 2: 10 steps a pass.
    assert_eq!(run(root.path(), &whole, config), 20);
    run(root.path(), &parts, config);
    for complete in [13, 5, 2, 1] {
        for step in complete + 1..=20 {
            std::fs::remove_dir_all(parts.join(format!("checkpoint-{step}"))).unwrap();
        }
        run(root.path(), &parts, config);
        assert_eq!(hash_path(&parts).unwrap(), hash_path(&whole).unwrap(), "killed after step {complete}");
    }
}
