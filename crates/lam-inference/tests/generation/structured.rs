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

/// Fails with a reason after a few tokens.
struct Failing(usize);

impl TokenConstraint for Failing {
    fn allowed(&mut self) -> &[u32] {
        if self.0 == 0 { &[] } else { &[4, 5] }
    }

    fn advance(&mut self, _token: u32) {
        self.0 -= 1;
    }

    fn is_done(&self) -> bool {
        false
    }

    fn failure(&self) -> Option<&str> {
        (self.0 == 0).then_some("the grammar is too large")
    }
}

#[test]
fn a_constraint_that_fails_says_why() {
    let tokenizer = tokenizer();
    let decoder = decoder(&tokenizer);
    let free = GenerationRequest::greedy(vec![1, 2], tokenizer.eos(), 30);
    let request = GenerationRequest { constraint: Some(Box::new(Failing(2))), ..free };
    let error = Generator::new(&decoder, 1).unwrap().run(vec![request]).unwrap_err();
    assert!(matches!(&error, InferenceError::DeadEnd { position: 2, .. }), "{error}");
    assert!(error.to_string().ends_with("not complete: the grammar is too large"), "{error}");
}
