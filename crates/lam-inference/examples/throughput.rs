//! How fast short answers come: `cargo run --release -p lam-inference --example throughput -- configs/model/nano-1m.json`.
//! Prompts of 100 tokens that share 60, answers of 20 tokens of which a constraint leaves no choice about half.

use std::time::Instant;

use anyhow::{Context, Result};
use lam_inference::{GenerationRequest, Generator, Sampling};
use lam_model::{Decoder, DecoderConfig, Initialization};
use lam_prompt::TokenConstraint;

const REQUESTS: u32 = 300;
const ANSWER: usize = 20;

/// Every other token without choice.
struct HalfForced {
    next: u32,
    allowed: Vec<u32>,
}

impl HalfForced {
    fn new() -> Self {
        Self { next: 0, allowed: (1..200).collect() }
    }
}

impl TokenConstraint for HalfForced {
    fn allowed(&mut self) -> &[u32] {
        if self.next.is_multiple_of(2) { &self.allowed } else { &self.allowed[..1] }
    }

    fn advance(&mut self, _token: u32) {
        self.next += 1;
    }

    fn is_done(&self) -> bool {
        self.next as usize >= ANSWER
    }
}

fn request(own: u32, constrained: bool, logprobs: bool) -> GenerationRequest {
    let token = |place: u32| 5 + (if place < 60 { place * 7 } else { own * 13 + place * 11 }) % 500;
    GenerationRequest {
        prompt: (0..100).map(token).collect(),
        constraint: constrained.then(|| Box::new(HalfForced::new()) as Box<dyn TokenConstraint>),
        sampling: Sampling { temperature: 1.0, seed: u64::from(own), ..Sampling::default() },
        max_new_tokens: ANSWER,
        stop_tokens: Vec::new(),
        logprobs,
        logprob_temperature: 1.0,
        top_logprobs: 0,
        adapter: None,
    }
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("name a model's config.json")?;
    let config: DecoderConfig = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    println!("{} parameters, {REQUESTS} requests", config.parameters());
    let decoder = Decoder::init(config, &Initialization::Normal, 1)?;
    for (name, constrained, logprobs) in
        [("free", false, true), ("constrained", true, false), ("constrained, all scored", true, true)]
    {
        for slots in [1, 16, 64] {
            let mut generator = Generator::new(&decoder, slots)?;
            let requests = (0..REQUESTS).map(|own| request(own, constrained, logprobs)).collect();
            let started = Instant::now();
            generator.run(requests)?;
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{name}, {slots} slots: {seconds:.2} s, {:.0} answer tokens/s",
                f64::from(REQUESTS) * ANSWER as f64 / seconds
            );
        }
    }
    Ok(())
}
