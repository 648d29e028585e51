//! Output formats in generation: they hold, and make no request depend on another.

use lam_inference::{Completion, GenerationRequest, Generator, InferenceError, Sampling, StopReason, score};
use lam_model::{Decoder, Initialization};
use lam_prompt::{OutputFormat, StructuredOutputs, TokenConstraint, Tokenizer, TokenizerConfig};
use serde_json::{Value, json};

use crate::tiny::config;

fn tokenizer() -> Tokenizer {
    let words = ["function", "click_input", "label"].map(str::to_owned).to_vec();
    Tokenizer::train(&["make the title bold"], &TokenizerConfig { vocab_size: 512, labels: 16, words }).unwrap()
}

fn decoder(tokenizer: &Tokenizer) -> Decoder {
    Decoder::init(config(tokenizer.vocab_size()), &Initialization::Normal, 3).unwrap()
}

fn formats() -> [OutputFormat; 2] {
    let label = json!({"type": "string", "pattern": "^[0-9]{1,3}$"});
    let properties = json!({"function": {"enum": ["click_input", "none"]}, "label": label});
    let schema = json!({"type": "object", "properties": properties, "required": ["function", "label"], "additionalProperties": false});
    [OutputFormat::JsonSchema(schema), OutputFormat::Regex("(yes|no)(, (yes|no)){2}".into())]
}

fn request(tokenizer: &Tokenizer, outputs: &StructuredOutputs, own: u64) -> GenerationRequest {
    let format = &formats()[own as usize % 2];
    let prompt = tokenizer.encode(&format!(" make the title bold {own}"));
    GenerationRequest {
        constraint: Some(Box::new(outputs.constraint(format).unwrap())),
        sampling: Sampling { temperature: 1.0, seed: own, ..Sampling::default() },
        ..GenerationRequest::greedy(prompt, tokenizer.eos(), 200)
    }
}

fn bits(completion: &Completion) -> (Vec<u32>, Vec<u32>) {
    (completion.tokens.clone(), completion.logprobs.iter().map(|value| value.to_bits()).collect())
}

#[test]
fn answers_fit_their_format_alone_and_together_and_are_scored_as_in_training() {
    let tokenizer = tokenizer();
    let (decoder, outputs) = (decoder(&tokenizer), StructuredOutputs::new(&tokenizer).unwrap());
    let together = Generator::new(&decoder, 5)
        .unwrap()
        .run((0..12).map(|own| request(&tokenizer, &outputs, own)).collect())
        .unwrap();
    for (own, completion) in (0..).zip(&together) {
        let alone = Generator::new(&decoder, 1).unwrap().run(vec![request(&tokenizer, &outputs, own)]).unwrap();
        assert_eq!(bits(&alone[0]), bits(completion), "request {own}");
        assert_eq!(completion.stop, StopReason::StopToken);
        let text = tokenizer.decode(&completion.tokens[..completion.tokens.len() - 1]);
        if own % 2 == 0 {
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
            assert!(value["label"].is_string() && value["function"].is_string(), "{text}");
        } else {
            assert!(
                text.split(", ").count() == 3 && text.split(", ").all(|word| ["yes", "no"].contains(&word)),
                "{text}"
            );
        }
        let prompt = request(&tokenizer, &outputs, own).prompt;
        let forward = score(&decoder, &[(&prompt, &completion.tokens)]).unwrap().remove(0);
        for (logprob, forward) in completion.logprobs.iter().zip(forward) {
            assert!((logprob - forward).abs() < 1e-4, "{logprob} {forward} in {text}");
        }
    }
}

#[test]
fn an_answer_that_outgrows_its_constraint_is_none_and_ends_no_other() {
    let tokenizer = tokenizer();
    let (decoder, outputs) = (decoder(&tokenizer), StructuredOutputs::new(&tokenizer).unwrap());
    let many: serde_json::Map<String, Value> =
        (0..600).map(|number| (format!("a{number}"), json!({"type": "integer"}))).collect();
    let many = json!({"type": "object", "properties": many, "additionalProperties": false});
    let properties = json!({"n": {"type": "integer", "minimum": 0, "maximum": 99}, "many": many});
    let schema =
        json!({"type": "object", "properties": properties, "required": ["n", "many"], "additionalProperties": false});
    let lost = GenerationRequest {
        constraint: Some(Box::new(outputs.constraint(&OutputFormat::JsonSchema(schema)).unwrap())),
        ..request(&tokenizer, &outputs, 0)
    };
    let mut generator = Generator::new(&decoder, 2).unwrap();
    let lost = generator.submit(lost).unwrap();
    let kept = generator.submit(request(&tokenizer, &outputs, 1)).unwrap();
    let mut finished = std::collections::BTreeMap::new();
    while !generator.is_idle() {
        finished.extend(generator.step_each().unwrap());
    }
    let error = finished.remove(&lost).unwrap().expect_err("it is not complete");
    assert!(matches!(&error, InferenceError::DeadEnd { reason, .. } if reason.contains("items")), "{error}");
    let alone = Generator::new(&decoder, 1).unwrap().run(vec![request(&tokenizer, &outputs, 1)]).unwrap();
    assert_eq!(bits(&finished.remove(&kept).unwrap().unwrap()), bits(&alone[0]));
}

/// Fails with a reason after a few tokens, without choice where it says so.
struct Failing {
    left: usize,
    is_forced: bool,
}

impl TokenConstraint for Failing {
    fn allowed(&mut self) -> &[u32] {
        match (self.left, self.is_forced) {
            (0, _) => &[],
            (_, true) => &[4],
            (_, false) => &[4, 5],
        }
    }

    fn advance(&mut self, _token: u32) {
        self.left -= 1;
    }

    /// As one may say that takes its failure for an end.
    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn failure(&self) -> Option<&str> {
        (self.left == 0).then_some("the grammar is too large")
    }
}

#[test]
fn a_constraint_that_fails_says_why() {
    let tokenizer = tokenizer();
    let decoder = decoder(&tokenizer);
    for (is_forced, stop_tokens) in [(false, vec![]), (true, vec![]), (true, vec![4])] {
        let free = GenerationRequest::greedy(vec![1, 2], tokenizer.eos(), 30);
        let left = if stop_tokens.is_empty() { 2 } else { 1 };
        let constraint = Some(Box::new(Failing { left, is_forced }) as Box<dyn TokenConstraint>);
        let request = GenerationRequest { constraint, stop_tokens, ..free };
        let error = Generator::new(&decoder, 1).unwrap().run(vec![request]).unwrap_err();
        assert!(matches!(&error, InferenceError::DeadEnd { position, .. } if *position == left), "{error}");
        assert!(error.to_string().ends_with("not complete: the grammar is too large"), "{error}");
    }
}
