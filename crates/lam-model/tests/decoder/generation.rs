//! Generation gives the logits of training, whatever else is in the batch.

use lam_model::{
    AdapterUse, CacheOptions, Decoder, Finetuning, KeyValueFormat, KvCache, Mode, ModelSource, PackedBatch, Read,
    WeightFormat,
};

use crate::tiny;

fn tokens(n: u32, seed: u32) -> Vec<u32> {
    (0..n).map(|i| (i * 11 + seed * 7 + i * i % 3) % 37).collect()
}

#[test]
fn prefill_and_steps_equal_the_training_forward() {
    let decoder = tiny::reloaded(&Finetuning::Lora(tiny::lora(0.0)));
    tiny::wake(&decoder);
    let (a, b) = (tokens(40, 1), tokens(9, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    decoder.decode(&mut cache, &[(2, &a[..30]), (0, &b[..1])]).unwrap();
    for i in 30..38 {
        decoder.decode(&mut cache, &[(0, &b[i - 29..i - 28]), (2, &a[i..=i])]).unwrap();
    }
    decoder.decode(&mut cache, &[(2, &a[38..39])]).unwrap();
    let last = decoder.decode(&mut cache, &[(2, &a[39..])]).unwrap();
    for (found, expected) in last.iter().zip(whole(&decoder, &a, &[39])) {
        assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

/// Every way to keep weights, keys and values.
fn formats() -> Vec<CacheOptions> {
    let weights = [WeightFormat::F32, WeightFormat::Bf16, WeightFormat::Q8];
    let key_values = [KeyValueFormat::F32, KeyValueFormat::Bf16];
    let with = |weights| key_values.map(|key_values| CacheOptions { weights, key_values, ..CacheOptions::default() });
    weights.into_iter().flat_map(with).collect()
}

/// Logits of the training forward.
fn whole(decoder: &Decoder, tokens: &Vec<u32>, positions: &[usize]) -> Vec<f32> {
    let hidden = decoder.forward(&PackedBatch::from_documents([tokens]), Mode::Train { dropout_seed: None }).unwrap();
    decoder.logits(&hidden, positions).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference, relative to the largest expected value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |a, b| a.max(b.abs()));
    largest(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / largest(&mut expected.iter().copied())
}

#[test]
fn a_request_is_the_same_bits_alone_in_company_and_in_pieces_in_every_format() {
    let decoder = tiny::decoder();
    let (a, b, c) = (tokens(33, 1), tokens(50, 2), tokens(3, 3));
    for options in formats() {
        let mut alone = decoder.new_cache_with(1, options).unwrap();
        let expected = alone.decode(&[(0, &a)]).unwrap();
        let mut company = decoder.new_cache_with(4, options).unwrap();
        let together = company.decode(&[(1, &b), (3, &a), (0, &c)]).unwrap();
        assert_eq!(together[37..74], expected, "{options:?}");
        let mut pieces = alone.sibling(1);
        pieces.decode(&[(0, &a[..17])]).unwrap();
        pieces.decode(&[(0, &a[17..18])]).unwrap();
        assert_eq!(pieces.decode(&[(0, &a[18..])]).unwrap(), expected, "{options:?}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let decoder = tiny::decoder();
    let prompts: Vec<Vec<u32>> = (0..9).map(|i| tokens(5 + i, i)).collect();
    let reads: Vec<(usize, &[u32])> = prompts.iter().enumerate().map(|(slot, p)| (slot, p.as_slice())).collect();
    for options in formats() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| decoder.new_cache_with(9, options).unwrap().decode(&reads).unwrap())
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn narrower_formats_stay_close_to_the_training_forward() {
    let (decoder, a) = (tiny::decoder(), tokens(40, 1));
    let expected = whole(&decoder, &a, &[39]);
    for options in formats() {
        let found = decoder.new_cache_with(1, options).unwrap().decode(&[(0, &a)]).unwrap();
        let tolerance = match (options.weights, options.key_values) {
            (WeightFormat::F32, KeyValueFormat::F32) => 1e-5,
            // A width of 24 is one short block: its rounding hardly averages out.
            (WeightFormat::Q8, _) => 6e-2,
            _ => 1.5e-2,
        };
        let off = difference(&found, &expected);
        assert!(off < tolerance, "{options:?}: {off}");
    }
}

#[test]
fn a_decoder_in_bf16_generates_in_bf16_as_it_trains() {
    let (mut decoder, a) = (tiny::decoder(), tokens(40, 1));
    assert_eq!(decoder.cache_options(), CacheOptions::default());
    decoder.set_precision(lam_model::Precision::Bf16).unwrap();
    assert_eq!(decoder.cache_options(), CacheOptions::of(WeightFormat::Bf16));
    let found = decoder.new_cache(1).unwrap().decode(&[(0, &a)]).unwrap();
    // Training rounds more of what lies between the products: both are off by about 1e-2 here, each in its own way.
    let off = difference(&found, &whole(&decoder, &a, &[39]));
    assert!(off < 4e-2, "{off}");
}

#[test]
fn as_many_last_tokens_are_scored_as_asked_for() {
    let decoder = tiny::decoder();
    let (a, b) = (tokens(33, 1), tokens(7, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    let reads = [
        Read { slot: 1, tokens: &a, scored: 3 },
        Read { slot: 2, tokens: &b, scored: 0 },
        Read { slot: 0, tokens: &b, scored: 7 },
    ];
    let found = cache.read(&reads).unwrap();
    let expected = [whole(&decoder, &a, &[30, 31, 32]), whole(&decoder, &b, &[0, 1, 2, 3, 4, 5, 6])].concat();
    assert!(difference(&found, &expected) < 1e-5);
    assert_eq!((cache.length(0), cache.length(1), cache.length(2)), (7, 33, 7));
    assert!(cache.read(&[Read { slot: 0, tokens: &b, scored: 8 }]).is_err());
    assert_eq!(cache.length(0), 7);
}

#[test]
fn a_decoder_can_become_its_cache() {
    let a = tokens(20, 1);
    let expected = tiny::decoder().new_cache(1).unwrap().decode(&[(0, &a)]).unwrap();
    let found = tiny::decoder().into_cache(1, CacheOptions::default()).unwrap().decode(&[(0, &a)]).unwrap();
    assert_eq!(found, expected);
}

/// The decoder of [`tiny::decoder`] with an adapter that does something.
fn adapted(strength: f64) -> Decoder {
    let lora = lam_model::LoraConfig { lora_alpha: strength, ..tiny::lora(0.0) };
    let decoder = tiny::reloaded(&Finetuning::Lora(lora));
    tiny::wake(&decoder);
    decoder
}

fn apart(options: CacheOptions) -> CacheOptions {
    CacheOptions { adapter: AdapterUse::Apart, ..options }
}

#[test]
fn adapters_apart_equal_merged_ones_and_do_not_disturb_each_other() {
    let (first, second, plain) = (adapted(4.0), adapted(-6.0), tiny::decoder());
    let prompts: Vec<Vec<u32>> = (0..5).map(|i| tokens(9 + 3 * i, i)).collect();
    for options in formats() {
        let mut cache = first.new_cache_with(5, apart(options)).unwrap();
        let [one, two] = [&first, &second].map(|decoder| cache.add_adapter(decoder).unwrap());
        let adapters = [Some(two), None, Some(one), Some(two), None];
        let fresh = |cache: &KvCache| {
            let mut cache = cache.sibling(5);
            adapters.iter().enumerate().for_each(|(slot, adapter)| cache.set_adapter(slot, *adapter).unwrap());
            cache
        };
        let reads: Vec<(usize, &[u32])> = prompts.iter().enumerate().map(|(slot, p)| (slot, p.as_slice())).collect();
        let together = fresh(&cache).decode(&reads).unwrap();
        for (slot, together) in together.chunks(37).enumerate() {
            let alone = fresh(&cache).decode(&reads[slot..=slot]).unwrap();
            assert_eq!(alone, together, "{options:?}, slot {slot}");
            let merged = if adapters[slot] == Some(one) {
                &first
            } else if adapters[slot] == Some(two) {
                &second
            } else {
                &plain
            };
            let merged = merged.new_cache_with(5, options).unwrap().decode(&reads[slot..=slot]).unwrap();
            let tolerance = if options == CacheOptions::default() { 1e-4 } else { 1e-1 };
            let off = difference(together, &merged);
            assert!(off < tolerance, "{options:?}, slot {slot}: {off}");
        }
    }
}

#[test]
fn a_slot_that_changes_its_adapter_forgets_what_it_held() {
    let decoder = adapted(4.0);
    let mut cache = decoder.new_cache_with(2, apart(CacheOptions::default())).unwrap();
    let adapter = cache.add_adapter(&decoder).unwrap();
    cache.decode(&[(0, &[1, 2, 3])]).unwrap();
    cache.set_adapter(0, None).unwrap();
    assert_eq!(cache.length(0), 3);
    cache.set_adapter(0, Some(adapter)).unwrap();
    assert_eq!(cache.length(0), 0);
    assert!(cache.set_adapter(2, None).is_err());
}

#[test]
fn an_adapter_that_does_not_belong_is_refused() {
    let decoder = adapted(4.0);
    let refused = |cache: &mut KvCache, decoder: &Decoder| cache.add_adapter(decoder).unwrap_err().to_string();
    let mut merged = decoder.new_cache(1).unwrap();
    assert!(refused(&mut merged, &decoder).contains("already has one merged"));
    let mut apart = decoder.new_cache_with(1, apart(CacheOptions::default())).unwrap();
    assert!(refused(&mut apart, &tiny::decoder()).contains("carries none"));
    let wide = lam_model::DecoderConfig { intermediate_size: 48, ..tiny::config() };
    let mut wide = Decoder::init(wide, &lam_model::Initialization::Normal, 1).unwrap();
    wide.new_adapter(&tiny::lora(0.0), 1).unwrap();
    assert!(refused(&mut apart, &wide).contains("hint: it belongs to another model"));
}

#[test]
fn a_copied_or_shortened_prefix_continues_as_if_computed() {
    let decoder = tiny::decoder();
    let (a, b) = (tokens(33, 1), tokens(20, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    decoder.decode(&mut cache, &[(0, &a), (1, &b)]).unwrap();
    cache.copy_prefix(0, 1, 20);
    cache.truncate(0, 20);
    assert_eq!((cache.length(0), cache.length(1)), (20, 20));
    let both = decoder.decode(&mut cache, &[(0, &b[..5]), (1, &b[..5])]).unwrap();
    let whole: Vec<u32> = a[..20].iter().chain(&b[..5]).copied().collect();
    let expected = decoder.decode(&mut cache, &[(2, &whole)]).unwrap();
    assert_eq!(both[..37], expected);
    assert_eq!(both[37..], expected);
}

#[test]
fn a_slot_that_does_not_exist_or_appears_twice_is_refused() {
    let decoder = tiny::decoder();
    let mut cache = decoder.new_cache(2).unwrap();
    assert!(decoder.decode(&mut cache, &[(2, &[1])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[1]), (0, &[2])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[37])]).is_err());
}

/// A model of widths whose rows can be cut into blocks, in its directory.
fn written(dtype: &str) -> tempfile::TempDir {
    let config: lam_model::DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 64, "intermediate_size": 288, "vocab_size": 37,
        "max_position_embeddings": 64, "torch_dtype": dtype
    }))
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    lam_model::write_fresh(&config, 3, directory.path()).unwrap();
    directory
}

#[test]
fn a_model_is_asked_in_the_numbers_in_which_it_lies() {
    let lora = Finetuning::Lora(tiny::lora(0.0));
    for (dtype, weights) in [("float32", WeightFormat::F32), ("bfloat16", WeightFormat::Bf16)] {
        let directory = written(dtype);
        let load = |finetuning| ModelSource::open(directory.path(), None).unwrap().load_to_ask(finetuning, 5).unwrap();
        let options = |finetuning, adapter| load(finetuning).stored_options(adapter);
        assert_eq!(options(&Finetuning::Frozen, AdapterUse::Merged), CacheOptions::of(weights));
        // An adapter that is added to weights in bf16 would be rounded with them.
        assert_eq!(options(&lora, AdapterUse::Merged), CacheOptions::default());
        assert_eq!(options(&lora, AdapterUse::Apart), CacheOptions::of(weights));
    }
}

#[test]
fn weights_that_stay_in_their_files_are_the_same_bits() {
    let a = tokens(20, 1);
    for dtype in ["float32", "bfloat16"] {
        let directory = written(dtype);
        let source = ModelSource::open(directory.path(), None).unwrap();
        let mut formats: Vec<_> = formats().into_iter().map(|options| (Finetuning::Frozen, options)).collect();
        for (bits, weights) in [(8, WeightFormat::Q8), (4, WeightFormat::Q4)] {
            formats.push((Finetuning::Qlora { lora: tiny::lora(0.0), bits }, apart(CacheOptions::of(weights))));
        }
        for (finetuning, options) in formats {
            let held = source.load(&finetuning, 5).unwrap();
            let expected = held.new_cache_with(1, options).unwrap().decode(&[(0, &a)]).unwrap();
            let decoder = source.load_to_ask(&finetuning, 5).unwrap();
            assert_eq!(decoder.cache_options(), held.cache_options());
            assert_eq!(decoder.stored_options(AdapterUse::Merged), held.stored_options(AdapterUse::Merged));
            for _ in 0..2 {
                let found = decoder.new_cache_with(1, options).unwrap().decode(&[(0, &a)]).unwrap();
                assert!(found == expected, "{dtype} {finetuning:?} {options:?}");
            }
            let found = decoder.into_cache(1, options).unwrap().decode(&[(0, &a)]).unwrap();
            assert!(found == expected, "{dtype} {finetuning:?} {options:?}");
        }
    }
}

#[test]
fn files_that_were_written_to_are_not_laid_out() {
    let directory = written("float32");
    let decoder = ModelSource::open(directory.path(), None).unwrap().load_to_ask(&Finetuning::Frozen, 0).unwrap();
    let weights = directory.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, [&bytes[..], &[0]].concat()).unwrap();
    let error = decoder.new_cache(1).err().unwrap().to_string();
    assert!(error.contains("was written to since the model was opened"), "{error}");
}
