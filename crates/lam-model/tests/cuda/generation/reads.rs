//! Reads of one slot: prompts, steps, long contexts, every kind of heads.

use lam_model::{AdapterUse, CacheOptions, Decoder, Finetuning, Read};

use super::{KIND, Kind, VOCABULARY, assert_close, frozen, last, on, on_cpu, stir, tokens, whole};
use crate::models::{device_of, lora};

/// Logits after every token, of a prompt and then one token at a time.
fn stepwise(decoder: &Decoder, tokens: &[u32], prompt: usize) -> Vec<f32> {
    let mut cache = decoder.new_cache(2).unwrap();
    let mut logits = cache.read(&[Read { slot: 1, tokens: &tokens[..prompt], scored: prompt }]).unwrap();
    for token in &tokens[prompt..] {
        logits.extend(cache.decode(&[(1, &[*token])]).unwrap());
    }
    assert_eq!((cache.length(0), cache.length(1)), (0, tokens.len()));
    logits
}

pub fn prefill_and_steps_equal_the_training_forward() {
    let processor = on_cpu(KIND, &Finetuning::Frozen);
    let on_cuda = on(&device_of(64), &processor);
    // Over the ends of two pages, one of them in the prompt.
    let a = tokens(135, 1);
    let found = stepwise(&on_cuda, &a, 70);
    assert_close(&found, &whole(&on_cuda, &a), "the training forward on the device");
    assert_close(&found, &stepwise(&processor, &a, 70), "the cache on the processor");
    // A first token alone, and prompts that are continued.
    assert_close(&stepwise(&on_cuda, &a[..9], 1), &whole(&on_cuda, &a[..9]), "from one token on");
    let mut cache = on_cuda.new_cache(1).unwrap();
    cache.read(&[Read { slot: 0, tokens: &a[..30], scored: 0 }]).unwrap();
    let rest = cache.read(&[Read { slot: 0, tokens: &a[30..], scored: 105 }]).unwrap();
    assert_close(&rest, &whole(&on_cuda, &a)[30 * VOCABULARY..], "a prompt in two pieces");
}

pub fn every_kind_of_heads() {
    let kinds = [
        ((1, 1, 16), None),
        ((2, 2, 32), Some(40)),
        ((6, 2, 64), Some(64)),
        ((4, 1, 128), None),
        ((8, 1, 128), Some(17)),
        ((10, 2, 96), None),
    ];
    for (heads, window) in kinds {
        let decoder = frozen(Kind { heads, window, ..KIND });
        let a = tokens(75, 2);
        assert_close(&stepwise(&decoder, &a, 61), &whole(&decoder, &a), &format!("{heads:?}, {window:?}"));
    }
}

pub fn every_architecture() {
    for architecture in ["llama", "qwen2", "qwen3"] {
        let kind = Kind { architecture, ..KIND };
        let a = tokens(75, 2);
        let decoder = on_cpu(kind, &Finetuning::Lora(lora()));
        stir(&decoder, |name| name.contains("lora_B"), 1.0);
        let decoder = on(&device_of(64), &decoder);
        assert_close(&stepwise(&decoder, &a, 61), &whole(&decoder, &a), architecture);
        let (plain, options) = (frozen(kind), CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() });
        let mut apart = decoder.new_cache_with(1, options).unwrap();
        apart.decode(&[(0, &a[..61])]).unwrap();
        assert_close(&apart.decode(&[(0, &a[61..])]).unwrap(), last(&whole(&plain, &a)), architecture);
    }
}

pub fn long_contexts_in_several_parts() {
    for window in [None, Some(300)] {
        let decoder = frozen(Kind { window, ..KIND });
        let a = tokens(780, 3);
        let expected = whole(&decoder, &a);
        let mut cache = decoder.new_cache(1).unwrap();
        cache.read(&[Read { slot: 0, tokens: &a[..250], scored: 0 }]).unwrap();
        let middle = cache.read(&[Read { slot: 0, tokens: &a[250..772], scored: 522 }]).unwrap();
        assert_close(&middle, &expected[250 * VOCABULARY..772 * VOCABULARY], "behind a prompt");
        for i in 772..780 {
            let found = cache.decode(&[(0, &a[i..=i])]).unwrap();
            assert_close(&found, &expected[i * VOCABULARY..(i + 1) * VOCABULARY], "one at a time");
        }
    }
}

pub fn as_many_last_tokens_are_scored_as_asked_for() {
    let decoder = frozen(KIND);
    let (a, b) = (tokens(33, 1), tokens(7, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    let reads = [
        Read { slot: 1, tokens: &a, scored: 3 },
        Read { slot: 2, tokens: &b, scored: 0 },
        Read { slot: 0, tokens: &b, scored: 7 },
    ];
    let found = cache.read(&reads).unwrap();
    let expected = [&whole(&decoder, &a)[30 * VOCABULARY..], &whole(&decoder, &b)].concat();
    assert_close(&found, &expected, "in the order of the reads");
    assert_eq!((cache.length(0), cache.length(1), cache.length(2)), (7, 33, 7));
    assert!(cache.read(&[Read { slot: 1, tokens: &b, scored: 0 }]).unwrap().is_empty());
    assert_eq!(cache.length(1), 40);
}

pub fn a_decoder_can_become_its_cache() {
    let decoder = frozen(KIND);
    let a = tokens(20, 1);
    let expected = last(&whole(&decoder, &a)).to_vec();
    let mut cache = decoder.into_cache(1, CacheOptions::default()).unwrap();
    assert_eq!((cache.slots(), cache.vocabulary()), (1, VOCABULARY));
    assert_close(&cache.decode(&[(0, &a)]).unwrap(), &expected, "into a cache");
}
