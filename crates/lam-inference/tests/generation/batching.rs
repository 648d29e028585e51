//! Who else is there makes no difference.

use lam_inference::{CachedDecoder, CachedModel, Completion, GenerationRequest, Generator, InferenceError, Input};
use std::cell::Cell;
use std::rc::Rc;

use crate::tiny::{Places, answer, decoder, prompt, sampled};

/// Eleven requests: shared beginnings, own lengths, with and without a constraint.
fn requests() -> Vec<GenerationRequest> {
    let request = |own: u32| {
        let mut request = sampled(prompt(own % 3, own, 12 + 5 * (own % 4)), u64::from(own));
        request.max_new_tokens = 4 + own as usize;
        if own.is_multiple_of(2) {
            request.constraint = Some(Box::new(Places::new(9)));
        }
        request
    };
    (0..11).map(request).collect()
}

fn bits(completion: &Completion) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    (completion.tokens.clone(), bits(&completion.logprobs), bits(&completion.behavior_logprobs))
}

#[test]
fn an_answer_has_the_same_bits_alone_and_in_any_company() {
    let decoder = decoder();
    let alone: Vec<_> = requests().into_iter().map(|request| answer(&decoder, request)).collect();
    for slots in [1, 3, 16] {
        let together = Generator::new(&decoder, slots).unwrap().run(requests()).unwrap();
        assert_eq!(together.len(), alone.len());
        for (together, alone) in together.iter().zip(&alone) {
            assert_eq!(bits(together), bits(alone), "{slots} slots");
            assert_eq!(together.stop, alone.stop);
        }
    }
}

/// Counts the tokens that are read.
struct Counting<'a> {
    inner: CachedDecoder<'a>,
    calls: Rc<Cell<usize>>,
    tokens: Rc<Cell<usize>>,
}

impl CachedModel for Counting<'_> {
    fn slots(&self) -> usize {
        self.inner.slots()
    }

    fn read(&mut self, inputs: &[Input<'_>]) -> Result<Vec<Vec<Vec<f32>>>, InferenceError> {
        self.calls.set(self.calls.get() + 1);
        self.tokens.set(self.tokens.get() + inputs.iter().map(|input| input.tokens.len()).sum::<usize>());
        self.inner.read(inputs)
    }

    fn truncate(&mut self, slot: usize, length: usize) {
        self.inner.truncate(slot, length);
    }

    fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.inner.copy_prefix(from, to, length);
    }
}

/// Calls and tokens that some requests cost.
fn cost(slots: usize, requests: Vec<GenerationRequest>) -> (usize, usize) {
    let decoder = decoder();
    let (calls, tokens) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let inner = CachedDecoder::new(&decoder, slots).unwrap();
    let model = Counting { inner, calls: calls.clone(), tokens: tokens.clone() };
    Generator::over(Box::new(model)).run(requests).unwrap();
    (calls.get(), tokens.get())
}

#[test]
fn a_shared_beginning_is_read_once() {
    let request = |own| GenerationRequest { max_new_tokens: 1, ..sampled(prompt(1, own, 24), 0) };
    let (_, one) = cost(4, vec![request(0)]);
    let (_, four) = cost(4, (0..4).map(request).collect());
    assert_eq!((one, four), (24, 24 + 3 * 4));
}

#[test]
fn tokens_without_choice_cost_no_call_of_their_own() {
    let request = |places| GenerationRequest {
        constraint: Some(Box::new(places)),
        max_new_tokens: 100,
        logprobs: false,
        ..sampled(prompt(1, 1, 10), 0)
    };
    // 10 places: 4 with choice; each choice costs a call, and the last run without choice none.
    assert_eq!(cost(1, vec![request(Places::new(10))]).0, 4);
    assert_eq!(cost(1, vec![request(Places::starting_without_choice(10))]).0, 4);
}
