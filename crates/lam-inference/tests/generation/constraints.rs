//! A constraint is never broken, and its tokens are scored like all others.

use lam_inference::{GenerationRequest, Generator, InferenceError, StopReason, score};

use crate::tiny::{Places, answer, decoder, prompt, sampled};

fn constrained(places: Places, seed: u64, logprobs: bool) -> GenerationRequest {
    let request = sampled(prompt(1, 1, 10), seed);
    GenerationRequest { constraint: Some(Box::new(places)), max_new_tokens: 100, logprobs, ..request }
}

#[test]
fn only_allowed_tokens_are_written_until_the_constraint_is_complete() {
    let decoder = decoder();
    for places in [Places::new(14), Places::starting_without_choice(14)] {
        for seed in 0..5 {
            let completion = answer(&decoder, constrained(places.clone(), seed, true));
            assert_eq!((completion.tokens.len(), completion.stop), (14, StopReason::ConstraintComplete));
            let allowed = completion.tokens.iter().zip(&places.places).all(|(token, place)| place.contains(token));
            assert!(allowed, "{:?}", completion.tokens);
        }
    }
}

#[test]
fn tokens_without_choice_are_scored_when_asked_for() {
    let decoder = decoder();
    let prompt = prompt(1, 1, 10);
    for places in [Places::new(14), Places::starting_without_choice(14)] {
        let scored = answer(&decoder, constrained(places.clone(), 3, true));
        let forward = score(&decoder, &[(&prompt, &scored.tokens)]).unwrap().remove(0);
        assert_eq!(scored.logprobs.len(), forward.len());
        for (own, forward) in scored.logprobs.iter().zip(&forward) {
            assert!((own - forward).abs() < 1e-4, "{own} {forward}");
        }
        let unscored = answer(&decoder, constrained(places.clone(), 3, false));
        assert_eq!(unscored.tokens, scored.tokens);
        assert_eq!(unscored.behavior_logprobs, scored.behavior_logprobs);
        assert!(unscored.logprobs.len() == scored.logprobs.len() && unscored.logprobs.iter().all(|own| own.is_nan()));
    }
}

#[test]
fn a_dead_end_is_an_error() {
    let decoder = decoder();
    let places = Places { places: vec![vec![1], vec![2, 3], Vec::new(), vec![4]], next: 0 };
    let error = Generator::new(&decoder, 1).unwrap().run(vec![constrained(places, 0, true)]).unwrap_err();
    assert!(matches!(error, InferenceError::DeadEnd { position: 2, .. }), "{error}");
}

#[test]
fn a_dead_end_ends_no_other_answer() {
    let decoder = decoder();
    let mut generator = Generator::new(&decoder, 2).unwrap();
    let places = Places { places: vec![vec![1], vec![2, 3], Vec::new(), vec![4]], next: 0 };
    let lost = generator.submit(constrained(places, 0, true)).unwrap();
    let free = generator.submit(sampled(prompt(2, 1, 10), 5)).unwrap();
    let mut finished = std::collections::BTreeMap::new();
    while !generator.is_idle() {
        finished.extend(generator.step_each().unwrap());
    }
    assert!(matches!(finished.remove(&lost), Some(Err(InferenceError::DeadEnd { position: 2, .. }))));
    let alone = answer(&decoder, sampled(prompt(2, 1, 10), 5));
    assert_eq!(finished.remove(&free).unwrap().unwrap(), alone);
}
