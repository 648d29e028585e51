//! Who else is there makes no difference.

use lam_inference::{CachedDecoder, CachedModel, Completion, GenerationRequest, Generator, InferenceError, Scores};
use lam_model::{AdapterId, AdapterUse, CacheOptions, Read};
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
struct Counting {
    inner: CachedDecoder,
    calls: Rc<Cell<usize>>,
    tokens: Rc<Cell<usize>>,
}

impl CachedModel for Counting {
    fn slots(&self) -> usize {
        self.inner.slots()
    }

    fn read(&mut self, inputs: &[Read<'_>]) -> Result<Scores, InferenceError> {
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

    fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), InferenceError> {
        self.inner.set_adapter(slot, adapter)
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

/// A decoder with the weights of [`decoder`] and an adapter of its own.
fn adapted(seed: u64) -> lam_model::Decoder {
    let mut adapted = decoder();
    let lora = lam_model::LoraConfig { lora_r: 3, lora_alpha: 30.0, ..lam_model::LoraConfig::default() };
    adapted.new_adapter(&lora, seed).unwrap();
    for (name, variable) in adapted.variables() {
        if name.contains("lora_B") {
            variable.set(&variable.ones_like().unwrap().affine(0.02 * seed as f64, 0.0).unwrap()).unwrap();
        }
    }
    adapted
}

#[test]
fn each_request_uses_its_own_adapter_and_shares_no_prefix_with_others() {
    let adapters = [adapted(1), adapted(2)];
    let options = CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() };
    let model = || {
        let mut model = CachedDecoder::with(&adapters[0], 3, options).unwrap();
        let ids = adapters.each_ref().map(|adapter| model.add_adapter(adapter).unwrap());
        (model, ids)
    };
    let (model_, ids) = model();
    let request = |own: u32| {
        let adapter = [None, Some(ids[0]), Some(ids[1])][own as usize % 3];
        GenerationRequest { adapter, ..sampled(prompt(1, own / 3, 30), 7) }
    };
    let together = Generator::over(Box::new(model_)).run((0..9).map(request).collect()).unwrap();
    for (own, together) in (0..9).zip(&together) {
        let alone = Generator::over(Box::new(model().0)).run(vec![request(own)]).unwrap().remove(0);
        assert_eq!(bits(&alone), bits(together), "request {own}");
        let merged = match own % 3 {
            0 => answer(&decoder(), GenerationRequest { adapter: None, ..request(own) }),
            number => answer(&adapters[number as usize - 1], GenerationRequest { adapter: None, ..request(own) }),
        };
        assert_eq!(merged.tokens, together.tokens, "request {own}");
        assert!(merged.logprobs.iter().zip(&together.logprobs).all(|(a, b)| (a - b).abs() < 1e-4), "request {own}");
    }
    assert_ne!(together[1].tokens, together[2].tokens);
    let mut without = Generator::new(&adapters[0], 1).unwrap();
    assert!(without.submit(request(1)).unwrap_err().to_string().contains("`adapter`"));
}
