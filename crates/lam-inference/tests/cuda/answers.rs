//! Requests that come and go.

use lam_inference::{CachedDecoder, Completion, GenerationRequest, Generator, StopReason};
use lam_model::{AdapterUse, CacheOptions, Decoder};

use crate::models::{adapted, plain, there};
use crate::right::{Compared, check};
use crate::tiny::{EOS, Places, prompt, sampled};

/// The requests' answers on the device, each checked; and on the processor, from the same loop.
fn both(slots: usize, requests: impl Fn() -> Vec<GenerationRequest>) -> (Compared, Vec<[Completion; 2]>) {
    let right = plain();
    let found = Generator::new(&there(plain()), slots).unwrap().run(requests()).unwrap();
    let here = Generator::new(&right, slots).unwrap().run(requests()).unwrap();
    assert_eq!((found.len(), here.len()), (requests().len(), requests().len()));
    let compared = requests().into_iter().zip(&found).map(|(request, found)| check(&right, request, found));
    let compared = compared.reduce(Compared::and).unwrap();
    (compared, found.into_iter().zip(here).map(|(found, here)| [found, here]).collect())
}

/// Panics unless nearly all tokens, and most answers with their ends, are the processor's.
fn mostly_equal((compared, pairs): (Compared, Vec<[Completion; 2]>)) {
    assert!(compared.unlike * 12 <= compared.equal, "{compared:?}");
    let equal = pairs.iter().filter(|[found, here]| found.tokens == here.tokens && found.stop == here.stop).count();
    assert!(equal * 2 >= pairs.len(), "{equal} of {}", pairs.len());
}

/// Requests of several lengths that begin alike, more than there are slots.
fn prompts() -> impl Iterator<Item = (u32, Vec<u32>)> {
    (0..9).map(|own| (own, prompt(own % 3, own, 12 + 5 * (own % 4))))
}

pub fn best_tokens_are_the_processors() {
    let requests = || prompts().map(|(own, prompt)| GenerationRequest::greedy(prompt, EOS, 4 + own as usize)).collect();
    mostly_equal(both(4, requests));
}

pub fn seeds_decide_as_on_the_processor() {
    let requests = || prompts().map(|(own, prompt)| sampled(prompt, u64::from(own))).collect();
    let (compared, pairs) = both(3, requests);
    let reasons: Vec<_> = pairs.iter().map(|[found, _]| found.stop).collect();
    assert!(reasons.contains(&StopReason::MaxNewTokens), "{reasons:?}");
    mostly_equal((compared, pairs));
    let again = Generator::new(&there(plain()), 3).unwrap().run(requests()).unwrap();
    let other = prompts().map(|(own, prompt)| sampled(prompt, 100 + u64::from(own))).collect();
    let other = Generator::new(&there(plain()), 3).unwrap().run(other).unwrap();
    assert!(again.iter().zip(&other).any(|(again, other)| again.tokens != other.tokens));
}

pub fn constraints_are_kept() {
    let constrained =
        |own: u32| if own.is_multiple_of(2) { Places::new(9) } else { Places::starting_without_choice(11) };
    let requests = || {
        let request = |(own, prompt)| GenerationRequest {
            constraint: Some(Box::new(constrained(own))),
            max_new_tokens: 100,
            ..if own % 3 == 0 { GenerationRequest::greedy(prompt, EOS, 1) } else { sampled(prompt, u64::from(own)) }
        };
        prompts().map(request).collect()
    };
    let (compared, pairs) = both(4, requests);
    for ((own, _), [found, _]) in prompts().zip(&pairs) {
        let places = constrained(own).places;
        assert_eq!((found.tokens.len(), found.stop), (places.len(), StopReason::ConstraintComplete));
        assert!(found.tokens.iter().zip(&places).all(|(token, place)| place.contains(token)), "{:?}", found.tokens);
    }
    mostly_equal((compared, pairs));
}

pub fn each_request_uses_its_own_adapter() {
    let right: [Decoder; 3] = [plain(), adapted(1), adapted(2)];
    let [first, second] = [1, 2].map(|seed| there(adapted(seed)));
    let options = CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() };
    let mut model = CachedDecoder::with(&first, 4, options).unwrap();
    let [one, two] = [&first, &second].map(|decoder| model.add_adapter(decoder).unwrap());
    // The same prompts under each adapter: no beginning is another adapter's.
    let request = |own: u32| GenerationRequest {
        adapter: [None, Some(one), Some(two)][own as usize % 3],
        ..sampled(prompt(1, own / 3, 26), 7)
    };
    let found = Generator::over(Box::new(model)).run((0..9).map(request).collect()).unwrap();
    let mut compared = Compared::default();
    for (own, found) in (0..9).zip(&found) {
        compared = compared.and(check(&right[own as usize % 3], request(own), found));
    }
    assert!(compared.unlike * 12 <= compared.equal, "{compared:?}");
    assert_ne!(found[0].tokens, found[1].tokens);
    assert_ne!(found[1].tokens, found[2].tokens);
}

pub fn a_slot_that_is_freed_is_another_requests() {
    let right = plain();
    let decoder = there(plain());
    let mut generator = Generator::new(&decoder, 1).unwrap();
    let long = GenerationRequest { stop_tokens: Vec::new(), ..GenerationRequest::greedy(prompt(1, 1, 30), EOS, 50) };
    let cut = generator.submit(long).unwrap();
    for _ in 0..5 {
        assert!(generator.step().unwrap().is_empty());
    }
    // These wait for the only slot, which holds 30 tokens and an answer: a text of its own, one that begins like it.
    let requests = || [sampled(prompt(2, 5, 17), 3), GenerationRequest::greedy(prompt(1, 1, 24), EOS, 8)];
    let ids = requests().map(|request| generator.submit(request).unwrap());
    let cut = generator.cancel(cut).unwrap();
    assert_eq!(cut.stop, StopReason::Cancelled);
    assert!((1..50).contains(&cut.tokens.len()));
    let mut done = Vec::new();
    while !generator.is_idle() {
        done.extend(generator.step().unwrap());
    }
    assert_eq!(done.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    for (request, (_, found)) in requests().into_iter().zip(&done) {
        check(&right, request, found);
    }
}
