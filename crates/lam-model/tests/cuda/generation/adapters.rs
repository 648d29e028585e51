//! Adapters: the decoder's own, and those of requests.

use lam_model::{AdapterUse, CacheOptions, Decoder, DecoderConfig, Finetuning, Initialization, KvCache};

use super::{KIND, VOCABULARY, assert_close, config, difference, last, on, on_cpu, stir, tokens, whole};
use crate::models::{device_of, lora};

/// A decoder with an adapter that does something, on the processor.
fn adapted(strength: f32) -> Decoder {
    let decoder = on_cpu(KIND, &Finetuning::Lora(lora()));
    wake(&decoder, strength);
    decoder
}

/// Gives an adapter's second factor values, so that it does something.
fn wake(decoder: &Decoder, strength: f32) {
    stir(decoder, |name| name.contains("lora_B"), strength);
}

fn apart() -> CacheOptions {
    CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() }
}

pub fn an_adapter_of_its_own_takes_part() {
    let device = device_of(64);
    let decoder = on(&device, &adapted(1.0));
    let a = tokens(20, 1);
    let expected = whole(&decoder, &a);
    let mut cache = decoder.new_cache(1).unwrap();
    cache.decode(&[(0, &a[..17])]).unwrap();
    cache.decode(&[(0, &a[17..19])]).unwrap();
    // Tokens that come alone have products of their own.
    assert_close(&cache.decode(&[(0, &a[19..])]).unwrap(), last(&expected), "merged");
    let plain = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let plain = whole(&plain, &a);
    assert!(difference(&expected, &plain) > 0.1, "the adapter does something");
    let mut cache = decoder.new_cache_with(1, apart()).unwrap();
    cache.decode(&[(0, &a[..17])]).unwrap();
    cache.decode(&[(0, &a[17..19])]).unwrap();
    assert_close(&cache.decode(&[(0, &a[19..])]).unwrap(), last(&plain), "left out");
}

pub fn adapters_of_requests_equal_merged_ones() {
    let device = device_of(64);
    let [first, second] = [1.0, -1.5].map(|strength| on(&device, &adapted(strength)));
    let plain = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = first.new_cache_with(6, apart()).unwrap();
    let [one, two] = [&first, &second].map(|decoder| cache.add_adapter(decoder).unwrap());
    let mut cache = cache.sibling(6);
    assert!(cache.knows(one) && cache.knows(two));
    let of = [Some(two), None, Some(one), Some(two), None, Some(one)];
    of.iter().enumerate().for_each(|(slot, adapter)| cache.set_adapter(slot, *adapter).unwrap());
    let decoders = of.map(|adapter| match adapter {
        None => &plain,
        adapter if adapter == Some(one) => &first,
        _ => &second,
    });
    let mut texts: Vec<Vec<u32>> = (0..6).map(|slot| tokens([9, 12, 1, 15, 1, 7][slot], slot)).collect();
    check(&mut cache, &decoders, &texts.clone(), &texts);
    let steps: Vec<Vec<u32>> = (0..6).map(|slot| tokens(1 + slot % 2, 20 + slot)).collect();
    texts.iter_mut().zip(&steps).for_each(|(text, step)| text.extend(step));
    check(&mut cache, &decoders, &steps, &texts);
    // A copy has the adapter of its source; a slot that gets another one is empty.
    cache.copy_prefix(0, 1, 5);
    let text = [&texts[0][..5], &[3, 4]].concat();
    assert_close(&cache.decode(&[(1, &[3, 4])]).unwrap(), last(&whole(&second, &text)), "a copy");
    cache.set_adapter(1, Some(two)).unwrap();
    assert_eq!(cache.length(1), 7);
    cache.set_adapter(1, None).unwrap();
    assert_eq!(cache.length(1), 0);
    assert!(cache.set_adapter(6, None).is_err());
}

/// Reads into all slots, each of which must say what its decoder says of its text.
fn check(cache: &mut KvCache, decoders: &[&Decoder], read: &[Vec<u32>], texts: &[Vec<u32>]) {
    let reads: Vec<(usize, &[u32])> = read.iter().enumerate().map(|(slot, tokens)| (slot, tokens.as_slice())).collect();
    let found = cache.decode(&reads).unwrap();
    for (slot, found) in found.chunks(VOCABULARY).enumerate() {
        let off = difference(found, last(&whole(decoders[slot], &texts[slot])));
        // The adapter's part is added to numbers that were rounded already.
        assert!(off < 3e-2, "slot {slot}: {off}");
    }
}

pub fn an_adapter_over_a_quantised_base() {
    for bits in [8, 4] {
        let decoder = on_cpu(KIND, &Finetuning::Qlora { lora: lora(), bits });
        wake(&decoder, 1.0);
        let decoder = on(&device_of(64), &decoder);
        let a = tokens(12, 1);
        let expected = whole(&decoder, &a);
        let mut cache = decoder.new_cache(1).unwrap();
        cache.decode(&[(0, &a[..10])]).unwrap();
        assert_close(&cache.decode(&[(0, &a[10..])]).unwrap(), last(&expected), "merged");
        let mut cache = decoder.new_cache_with(1, apart()).unwrap();
        let adapter = cache.add_adapter(&decoder).unwrap();
        cache.set_adapter(0, Some(adapter)).unwrap();
        cache.decode(&[(0, &a[..10])]).unwrap();
        let off = difference(&cache.decode(&[(0, &a[10..])]).unwrap(), last(&expected));
        assert!(off < 3e-2, "apart: {off}");
    }
}

pub fn an_adapter_that_does_not_belong_is_refused() {
    let device = device_of(64);
    let own = on(&device, &adapted(1.0));
    let refused = |cache: &mut KvCache, decoder: &Decoder| cache.add_adapter(decoder).unwrap_err().to_string();
    let mut merged = own.new_cache(1).unwrap();
    assert!(refused(&mut merged, &own).contains("already has one merged"));
    let mut cache = own.new_cache_with(1, apart()).unwrap();
    assert!(refused(&mut cache, &on_cpu(KIND, &Finetuning::Frozen)).contains("carries none"));
    let wide = DecoderConfig { intermediate_size: 48, ..config(KIND) };
    let mut wide = Decoder::init(wide, &Initialization::Normal, 1).unwrap();
    wide.new_adapter(&lora(), 1).unwrap();
    assert!(refused(&mut cache, &wide).contains("hint: it belongs to another model"));
}
