//! Synthetic examples without end: batch after batch, each a function of the seed and its number alone.

use lam_data::Example;
use lam_prompt::Renderer;
use lam_trainer::{DataLoader, ForeignState, TrainerError, stream_seed};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::Mixture;
use crate::synthetic::{Masked, Material, instruction, look_up, repeated_span};

/// Batches of synthetic examples and documentation text under a token budget.
pub struct SyntheticLoader<'a> {
    renderer: &'a Renderer,
    material: Material<'a>,
    texts: Vec<Vec<u32>>,
    ordinary: Vec<u32>,
    labels: Vec<u32>,
    separator: u32,
    mixture: Mixture,
    tokens_per_batch: usize,
    max_length: usize,
    seed: u64,
    next: u64,
}

impl<'a> SyntheticLoader<'a> {
    /// A loader over the renderer's whole vocabulary. `texts` are tokenised windows to read.
    pub fn new(
        renderer: &'a Renderer,
        material: Material<'a>,
        texts: Vec<Vec<u32>>,
        mixture: Mixture,
        tokens_per_batch: usize,
        max_length: usize,
        seed: u64,
    ) -> Self {
        let tokenizer = renderer.tokenizer();
        let ordinary = (0..tokenizer.vocab_size() as u32)
            .filter(|&id| !tokenizer.is_special(id) && tokenizer.token_bytes(id).first() == Some(&b' '))
            .collect();
        let labels = (1..=128).filter_map(|label| single(renderer, &format!(" {label}"))).collect();
        let separator = single(renderer, " on").unwrap_or_else(|| tokenizer.eos());
        Self {
            renderer,
            material,
            texts,
            ordinary,
            labels,
            separator,
            mixture,
            tokens_per_batch,
            max_length,
            seed,
            next: 0,
        }
    }

    /// `count` examples that no batch contains, from the random stream called `name`.
    pub fn examples(&self, count: usize, name: &str) -> Vec<Example> {
        let mut rng = ChaCha8Rng::from_seed(stream_seed(self.seed, &format!("drills/{name}")));
        let sample = |index| {
            let kind = self.kind(&mut rng);
            self.sample(kind, format!("{name}-{index}"), &mut rng)
        };
        (0..count).map(sample).collect()
    }

    fn sample(&self, kind: Kind, name: String, rng: &mut ChaCha8Rng) -> Example {
        let (input_ids, loss_mask) = match kind {
            Kind::Instructions => self.instruction(rng),
            Kind::LookUp => {
                let pairs = rng.random_range(2..=28);
                look_up(self.bos(), self.separator, &self.ordinary, &self.labels, pairs, rng)
            }
            Kind::Spans => {
                let length = rng.random_range(2..=24);
                repeated_span(self.bos(), &self.ordinary, length, 64, rng)
            }
            Kind::Text => self.text(rng),
        };
        Example { sample_id: name, input_ids, loss_mask }
    }

    fn instruction(&self, rng: &mut ChaCha8Rng) -> Masked {
        loop {
            let (state, action) = instruction(&self.material, rng);
            let mut ids = self.renderer.action_prompt(&state, self.material.functions).expect(TRIED);
            let mut trained = vec![false; ids.len()];
            ids.extend(self.renderer.action_answer(&action).expect(TRIED));
            trained.resize(ids.len(), true);
            if ids.len() <= self.max_length {
                return (ids, trained);
            }
        }
    }

    fn bos(&self) -> u32 {
        self.renderer.tokenizer().bos().unwrap_or_else(|| self.renderer.tokenizer().eos())
    }

    fn text(&self, rng: &mut ChaCha8Rng) -> Masked {
        let ids = self.texts.choose(rng).expect("text is drawn only where there is some").clone();
        let trained = (0..ids.len()).map(|position| position > 0).collect();
        (ids, trained)
    }

    fn kind(&self, rng: &mut ChaCha8Rng) -> Kind {
        let Mixture { instructions, look_up, spans, text } = self.mixture;
        let text = if self.texts.is_empty() { 0.0 } else { text };
        let mut drawn = rng.random::<f64>() * (instructions + look_up + spans + text);
        for (share, kind) in [(look_up, Kind::LookUp), (spans, Kind::Spans), (text, Kind::Text)] {
            if drawn < share {
                return kind;
            }
            drawn -= share;
        }
        Kind::Instructions
    }
}

/// Why prompts and answers cannot fail here.
const TRIED: &str = "a tokenizer made here has the compact template, which takes any text";

/// What an example practises.
#[derive(Clone, Copy)]
enum Kind {
    Instructions,
    LookUp,
    Spans,
    Text,
}

/// The token that alone spells `text`.
fn single(renderer: &Renderer, text: &str) -> Option<u32> {
    match renderer.tokenizer().encode(text).as_slice() {
        [id] => Some(*id),
        _ => None,
    }
}

impl DataLoader<Example> for SyntheticLoader<'_> {
    fn next_batch(&mut self, _step: u64) -> Result<Option<Vec<Example>>, TrainerError> {
        let mut rng = ChaCha8Rng::from_seed(stream_seed(self.seed, &format!("drills/{}", self.next)));
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while tokens < self.tokens_per_batch {
            let kind = self.kind(&mut rng);
            let example = self.sample(kind, format!("drill-{}-{}", self.next, batch.len()), &mut rng);
            tokens += example.input_ids.len();
            batch.push(example);
        }
        self.next += 1;
        Ok(Some(batch))
    }

    fn batches_in(&self, _epochs: f64) -> Option<u64> {
        None
    }

    fn epoch(&self) -> f64 {
        0.0
    }

    /// As full as a batch can be: examples are drawn until the budget is reached, and the last may be of full length.
    fn longest_batch(&self) -> Option<Vec<Example>> {
        let whole = Example {
            sample_id: "longest".into(),
            input_ids: vec![self.bos(); self.max_length],
            loss_mask: (0..self.max_length).map(|position| position > 0).collect(),
        };
        Some(vec![whole; self.tokens_per_batch.div_ceil(self.max_length) + 1])
    }

    fn state(&self) -> Value {
        json!({ "next": self.next })
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        self.next =
            state["next"].as_u64().ok_or_else(|| ForeignState::new("the loader of synthetic examples", state))?;
        Ok(())
    }

    fn fingerprint(&self) -> String {
        let parts = (self.seed, self.tokens_per_batch, self.ordinary.len(), self.texts.len());
        lam_store::hash_bytes(format!("{parts:?}").as_bytes())
    }
}
