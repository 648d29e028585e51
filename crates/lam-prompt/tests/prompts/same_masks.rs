//! The compact constraint machine allows, token by token, exactly what llguidance does for the same grammar.

use lam_prompt::{AnswerLimits, OutputFormat, Renderer, StructuredOutputs, TokenConstraint};
use lam_types::{FunctionSpec, Observation};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{fixture, guidance};

/// Short enough that walks meet every limit but that of a document's text, which no paragraph reaches.
const LIMITS: AnswerLimits = AnswerLimits { thought_tokens: 7, plan_steps: 3, step_tokens: 5, text_tokens: 40 };

/// Walks at random with both, and counts the tokens at which they were compared.
fn compare(renderer: &Renderer, grammar: String, screen: (&Observation, &[FunctionSpec]), walks: u64) -> usize {
    let tokenizer = renderer.tokenizer();
    let outputs = StructuredOutputs::new(tokenizer).expect("a usable vocabulary");
    let compiled = outputs.constraint(&OutputFormat::Lark(grammar)).expect("a sound grammar");
    let mut compared = 0;
    for seed in 0..walks {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (mut ours, mut theirs) = (renderer.action_constraint(screen.0, screen.1), compiled.clone());
        let mut ids = Vec::new();
        while !ours.is_done() {
            let (allowed, expected) = (ours.allowed(), theirs.allowed());
            let names = |ids: &[u32]| ids.iter().map(|id| tokenizer.decode(&[*id])).collect::<Vec<_>>();
            let only = |left: &[u32], right: &[u32]| {
                names(&left.iter().copied().filter(|id| !right.contains(id)).collect::<Vec<_>>())
            };
            assert!(
                allowed == expected,
                "after `{}` only ours allows {:?}, only llguidance {:?}",
                tokenizer.decode(&ids),
                only(allowed, expected),
                only(expected, allowed)
            );
            let ends: Vec<u32> = allowed.iter().copied().filter(|id| tokenizer.is_special(*id)).collect();
            // Special tokens end free texts, so they are drawn more often.
            let pool = if ends.is_empty() || random.random_bool(0.6) { allowed } else { &ends };
            let token = *pool.choose(random).expect("something is allowed");
            ids.push(token);
            ours.advance(token);
            theirs.advance(token);
            compared += 1;
        }
        assert!(theirs.is_done(), "llguidance continues after `{}`", tokenizer.decode(&ids));
    }
    compared
}

#[test]
fn the_compact_machine_allows_what_llguidance_does() {
    let renderer = fixture::renderer().with_limits(LIMITS);
    for observation in [fixture::observation(), Observation::default()] {
        let functions = fixture::functions();
        let grammar = guidance::grammar(renderer.tokenizer(), &observation, &functions, LIMITS);
        assert!(compare(&renderer, grammar, (&observation, &functions), 150) > 1000);
    }
}
