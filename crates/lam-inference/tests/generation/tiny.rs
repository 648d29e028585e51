//! A decoder of a few thousand weights, and requests to it.

use lam_inference::{Completion, GenerationRequest, Generator, Sampling};
use lam_model::{Decoder, DecoderConfig, Initialization};
use lam_prompt::TokenConstraint;

pub const VOCABULARY: u32 = 37;
pub const EOS: u32 = 0;

/// Deviations large enough that the decoder has opinions.
pub fn config(vocab_size: usize) -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": vocab_size, "initializer_range": 0.5,
    }))
    .unwrap()
}

pub fn decoder() -> Decoder {
    Decoder::init(config(VOCABULARY as usize), &Initialization::Normal, 5).unwrap()
}

/// A prompt of `length` tokens; prompts of the same `family` begin alike.
pub fn prompt(family: u32, own: u32, length: u32) -> Vec<u32> {
    let token = |place: u32| if place < 20 { family * 5 + place * 11 } else { own * 3 + place * 7 };
    (0..length).map(|place| 1 + token(place) % (VOCABULARY - 1)).collect()
}

pub fn sampled(prompt: Vec<u32>, seed: u64) -> GenerationRequest {
    let sampling = Sampling { temperature: 1.0, seed, ..Sampling::default() };
    GenerationRequest { sampling, ..GenerationRequest::greedy(prompt, EOS, 12) }
}

pub fn answer(decoder: &Decoder, request: GenerationRequest) -> Completion {
    Generator::new(decoder, 1).unwrap().run(vec![request]).unwrap().remove(0)
}

/// At each place one of some tokens; then it is complete.
#[derive(Clone)]
pub struct Places {
    pub places: Vec<Vec<u32>>,
    pub next: usize,
}

impl Places {
    /// Two places of choice, three without, again and again.
    pub fn new(length: usize) -> Self {
        let place = |place: usize| if place % 5 < 2 { (2..30).step_by(3).collect() } else { vec![1 + place as u32] };
        Self { places: (0..length).map(place).collect(), next: 0 }
    }

    /// The same with a start that leaves no choice.
    pub fn starting_without_choice(length: usize) -> Self {
        let mut places = Self::new(length).places;
        places.rotate_left(2);
        Self { places, next: 0 }
    }
}

impl TokenConstraint for Places {
    fn allowed(&mut self) -> &[u32] {
        self.places.get(self.next).map_or(&[], Vec::as_slice)
    }

    fn advance(&mut self, _token: u32) {
        self.next += 1;
    }

    fn is_done(&self) -> bool {
        self.next >= self.places.len()
    }
}
