//! The two constraint machines allow, token by token, exactly what llguidance does for the same answers as grammars.

use lam_prompt::{AnswerLimits, OutputFormat, Renderer, StructuredOutputs, TokenConstraint};
use lam_types::{FunctionSpec, Observation};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{fixture, guidance, mistral};

/// Short enough that walks meet every limit but that of a document's text, which no paragraph reaches.
const LIMITS: AnswerLimits = AnswerLimits { thought_tokens: 7, plan_steps: 3, step_tokens: 5, text_tokens: 40 };

/// Walks at random with both, and counts the tokens at which they were compared. Left out is the token of the byte FF,
/// which no text in UTF-8 has and which means something else in llguidance's vocabulary.
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
            let is_utf8 = |id: &u32| !tokenizer.token_bytes(*id).contains(&0xff);
            let allowed: &[u32] = &ours.allowed().iter().copied().filter(is_utf8).collect::<Vec<_>>();
            let expected: &[u32] = &theirs.allowed().iter().copied().filter(is_utf8).collect::<Vec<_>>();
            let names = |ids: &[u32]| ids.iter().map(|id| tokenizer.decode(&[*id])).collect::<Vec<_>>();
            let only = |left: &[u32], right: &[u32]| {
                names(&left.iter().copied().filter(|id| !right.contains(id)).collect::<Vec<_>>())
            };
            assert!(
                allowed == expected,
                "behind `{}` only ours allows {:?}, only llguidance {:?}",
                tokenizer.decode(&ids),
                only(allowed, expected),
                only(expected, allowed)
            );
            let short = allowed.iter().copied().filter(|id| is_structure(renderer, *id)).collect::<Vec<_>>();
            let pool = if short.is_empty() || random.random_bool(0.6) { allowed } else { &short };
            let token = *pool.choose(random).expect("something is allowed");
            ids.push(token);
            ours.advance(token);
            theirs.advance(token);
            compared += 1;
        }
        assert!(theirs.is_done(), "llguidance goes on behind `{}`", tokenizer.decode(&ids));
    }
    compared
}

/// Whether a token ends free texts, so that it is drawn more often.
fn is_structure(renderer: &Renderer, id: u32) -> bool {
    renderer.tokenizer().is_special(id) || renderer.tokenizer().token_bytes(id).contains(&b'"')
}

#[test]
fn the_compact_machine_allows_what_llguidance_does() {
    let renderer = fixture::renderer().with_limits(LIMITS);
    for observation in [fixture::observation(), Observation::default()] {
        let functions = fixture::functions();
        let grammar = guidance::compact::grammar(renderer.tokenizer(), &observation, &functions, LIMITS);
        assert!(compare(&renderer, grammar, (&observation, &functions), 150) > 1000);
    }
}

#[test]
fn the_json_machine_allows_what_llguidance_does() {
    let renderer = mistral::renderer(true, Some(mistral::THIRD)).with_limits(LIMITS);
    for observation in [fixture::observation(), Observation::default()] {
        let functions = fixture::functions();
        let grammar = guidance::json::grammar(" ", &observation, &functions, LIMITS);
        assert!(compare(&renderer, grammar, (&observation, &functions), 40) > 1000);
    }
}
