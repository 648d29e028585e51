//! Few tokens over a quantised base: products with the blocks themselves.

use lam_model::{AdapterUse, CacheOptions, DecoderConfig, Finetuning, KvCache, ModelError, Read};

use super::{KIND, VOCABULARY, config, difference, on, on_cpu_of, stir, tokens, whole};
use crate::models::{device_of, lora};

pub fn tokens_alone_over_blocks_equal_the_training_forward() {
    let wide = DecoderConfig { hidden_size: 256, intermediate_size: 512, ..config(KIND) };
    // 8 bits; Q4_0, as rows of 64 and 96 values are no blocks of 256; Q4_K.
    for (bits, config) in [(8, config(KIND)), (4, config(KIND)), (4, wide)] {
        let decoder = on_cpu_of(config, &Finetuning::Qlora { lora: lora(), bits });
        let plain = on(&device_of(64), &decoder);
        stir(&decoder, |name| name.contains("lora_B"), 1.0);
        let adapted = on(&device_of(64), &decoder);
        let apart = CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() };
        check(&plain.new_cache(1).unwrap(), &whole(&plain, &text()), &format!("{bits} bits"));
        check(&adapted.new_cache(1).unwrap(), &whole(&adapted, &text()), &format!("{bits} bits, adapted"));
        check(&adapted.new_cache_with(1, apart).unwrap(), &whole(&plain, &text()), &format!("{bits} bits, apart"));

        let device = device_of(64);
        let mut cache = on(&device, &decoder).into_cache(1, CacheOptions::default()).unwrap();
        let shares = device.profile(|| cache.decode(&[(0, &[1])]).map(drop)).unwrap();
        let names: Vec<&str> = shares.iter().map(|share| share.name.as_str()).collect();
        assert!(["blocks_product", "blocks_gate_up"].iter().all(|name| names.contains(name)), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("dequantise")), "{names:?}");
    }
}

fn text() -> Vec<u32> {
    tokens(20, 1)
}

/// Reads a prompt, two tokens together, and then one token at a time.
fn check(cache: &KvCache, expected: &[f32], what: &str) {
    let (text, mut cache) = (text(), cache.sibling(1));
    let read = |cache: &mut KvCache, tokens: &[u32]| -> Result<Vec<f32>, ModelError> {
        cache.read(&[Read { slot: 0, tokens, scored: tokens.len() }])
    };
    let mut found = read(&mut cache, &text[..13]).unwrap();
    found.extend(read(&mut cache, &text[13..15]).unwrap());
    text[15..].chunks(1).for_each(|token| found.extend(read(&mut cache, token).unwrap()));
    assert_eq!(found.len(), text.len() * VOCABULARY);
    let off = difference(&found, expected);
    // The prompt's weights were rounded to bf16 on their way into a panel; these were not.
    assert!(off < 3e-2, "{what}: {off}");
}
