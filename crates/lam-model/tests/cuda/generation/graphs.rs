//! Steps that are captured and replayed: the same bits as without, whatever changes between two of them.

use lam_model::{AdapterUse, CacheOptions, Decoder, Finetuning, KvCache};

use super::{KIND, Kind, assert_close, frozen, last, on, on_cpu, stir, tokens, whole};
use crate::models::{device_of, emulation_folder, lora};

/// Two caches that do the same, one of them with graphs.
struct Pair {
    with: KvCache,
    without: KvCache,
}

impl Pair {
    fn new(cache: &KvCache) -> Self {
        let slots = cache.slots();
        let [mut with, mut without] = [cache.sibling(slots), cache.sibling(slots)];
        with.set_graphs(true);
        without.set_graphs(false);
        Self { with, without }
    }

    /// One reading; returns the logits, which are the same bits.
    #[track_caller]
    fn read(&mut self, inputs: &[(usize, &[u32])]) -> Vec<f32> {
        let [with, without] = [&mut self.with, &mut self.without].map(|cache| cache.decode(inputs).unwrap());
        assert!(with.iter().all(|value| value.is_finite()));
        assert_eq!(with, without);
        with
    }

    /// Some steps of a token for each of these slots.
    #[track_caller]
    fn steps(&mut self, slots: &[usize], count: usize) {
        for step in 0..count {
            let texts: Vec<_> = slots.iter().map(|slot| tokens(1, 7 * step + slot)).collect();
            let inputs: Vec<(usize, &[u32])> = slots.iter().copied().zip(texts.iter().map(Vec::as_slice)).collect();
            self.read(&inputs);
        }
    }

    fn each(&mut self, change: impl Fn(&mut KvCache)) {
        change(&mut self.with);
        change(&mut self.without);
    }

    fn graphs(&self) -> usize {
        assert_eq!(self.without.graphs(), 0);
        self.with.graphs()
    }
}

fn pair(decoder: &Decoder, slots: usize) -> Pair {
    Pair::new(&decoder.new_cache(slots).unwrap())
}

pub fn graphs_give_the_same_bits_as_steps_without() {
    for (window, architecture) in [(None, "mistral"), (Some(300), "mistral"), (Some(30), "mistral"), (None, "qwen3")] {
        let decoder = frozen(Kind { window, architecture, ..KIND });
        let mut pair = pair(&decoder, 3);
        let (a, b) = (tokens(250, 1), tokens(9, 2));
        pair.read(&[(0, &a), (2, &b)]);
        assert_eq!(pair.graphs(), 0, "prompts have none");
        // Over the end of the first part of the keys: two shapes.
        pair.steps(&[0, 2], 4);
        assert_eq!(pair.graphs(), 1);
        pair.steps(&[0, 2], 7);
        assert_eq!(pair.graphs(), 2);
        // Alone, in another order, and a third beside them.
        pair.steps(&[2], 3);
        pair.steps(&[2, 0], 2);
        pair.steps(&[1, 0, 2], 3);
        assert_eq!(pair.graphs(), 4);
    }
}

pub fn graphs_follow_slots_that_change() {
    let decoder = frozen(KIND);
    let mut pair = pair(&decoder, 3);
    let (a, b) = (tokens(100, 1), tokens(30, 2));
    pair.read(&[(0, &a), (1, &b)]);
    pair.steps(&[0, 1], 3);
    // Other pages under the same shape: shared, copied when they grow, given back and taken by others.
    pair.each(|cache| cache.copy_prefix(0, 1, 90));
    pair.steps(&[0, 1], 2);
    pair.each(|cache| {
        cache.truncate(0, 0);
        cache.copy_prefix(1, 2, 70);
    });
    pair.read(&[(0, &b)]);
    pair.steps(&[0, 2], 2);
    assert_eq!(pair.graphs(), 1);
    // The table of rotations moves when a text becomes longer than all before.
    let long = tokens(600, 3);
    pair.each(|cache| cache.truncate(1, 0));
    pair.read(&[(1, &long[..510])]);
    assert_eq!(pair.graphs(), 1);
    pair.read(&[(1, &long[510..513])]);
    assert_eq!(pair.graphs(), 0);
    pair.steps(&[0, 2], 3);
    let found = pair.read(&[(1, &long[513..])]);
    assert_close(&found, last(&whole(&decoder, &long)), "the long text");
    pair.each(|cache| cache.set_graphs(false));
    assert_eq!(pair.graphs(), 0);
    pair.steps(&[0, 2], 3);
    assert_eq!(pair.graphs(), 0, "they are off");
}

pub fn a_token_waits_once() {
    let Some(folder) = emulation_folder() else { return };
    let waits = || lam_cuda::emulation::waits(&folder).unwrap();
    let mut pair = pair(&frozen(KIND), 3);
    pair.read(&[(0, &tokens(30, 1)), (2, &tokens(9, 2))]);
    pair.steps(&[0, 2], 3);
    let before = waits();
    pair.steps(&[0, 2], 5);
    assert_eq!(waits() - before, 10, "of each of both caches, for the logits");
}

pub fn graphs_know_adapters_and_quantised_weights() {
    let qlora = |bits| Finetuning::Qlora { lora: lora(), bits };
    for finetuning in [Finetuning::Lora(lora()), qlora(8), qlora(4)] {
        let decoder = on_cpu(KIND, &finetuning);
        stir(&decoder, |name| name.contains("lora_B"), 1.0);
        let decoder = on(&device_of(64), &decoder);
        let a = tokens(20, 1);
        let mut merged = pair(&decoder, 2);
        merged.read(&[(0, &a), (1, &a[..7])]);
        merged.steps(&[0], 3);
        merged.steps(&[0, 1], 3);
        assert_eq!(merged.graphs(), 2);

        let options = CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() };
        let mut cache = decoder.new_cache_with(3, options).unwrap();
        let adapter = cache.add_adapter(&decoder).unwrap();
        let mut apart = Pair::new(&cache);
        apart.each(|cache| cache.set_adapter(1, Some(adapter)).unwrap());
        apart.read(&[(0, &a), (1, &a[..7]), (2, &a[..3])]);
        apart.steps(&[0, 2], 3);
        apart.steps(&[0, 1], 3);
        apart.steps(&[1, 2], 1);
        assert_eq!(apart.graphs(), 2, "as many adapted rows in the same places");
        apart.steps(&[1], 3);
        assert_eq!(apart.graphs(), 3);
    }
}

pub fn graphs_give_way_where_memory_is_short() {
    let device = device_of(3);
    let decoder = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = decoder.new_cache(2).unwrap();
    let a = tokens(90, 1);
    cache.decode(&[(0, &a[..80])]).unwrap();
    let before = device.used();
    for token in &a[80..83] {
        cache.decode(&[(0, &[*token])]).unwrap();
    }
    assert_eq!(cache.graphs(), 1);
    let held = device.used() - before;
    assert!(held > 0, "a graph holds memory");
    // Somebody takes all but 56 KiB: enough for a step by a graph, not for another page.
    let mut filler = Vec::new();
    while let Ok(piece) = device.alloc::<u8>(1024) {
        filler.push(piece);
    }
    filler.truncate(filler.len() - 56);
    for token in &a[83..] {
        cache.decode(&[(0, &[*token])]).unwrap();
    }
    assert_eq!(cache.graphs(), 1);
    cache.decode(&[(1, &[1])]).unwrap_err();
    assert_eq!((cache.graphs(), cache.length(1)), (0, 0));
    drop(filler);
    let b = tokens(5, 4);
    assert_close(&cache.decode(&[(0, &b)]).unwrap(), last(&whole(&decoder, &[a, b].concat())), "it goes on");
}

pub fn a_step_that_fits_needs_no_memory_for_its_graph() {
    let device = device_of(3);
    let decoder = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = decoder.new_cache(1).unwrap();
    let a = tokens(80, 1);
    cache.set_graphs(false);
    cache.decode(&[(0, &a[..70])]).unwrap();
    cache.decode(&[(0, &a[70..71])]).unwrap();
    let mut filler = Vec::new();
    while let Ok(piece) = device.alloc::<u8>(256) {
        filler.push(piece);
    }
    // As much as a step needs without a graph, and no more.
    while cache.decode(&[(0, &a[71..72])]).is_err() {
        filler.pop().expect("a step fits into all of it");
    }
    cache.set_graphs(true);
    for token in &a[72..76] {
        cache.decode(&[(0, &[*token])]).unwrap();
    }
    assert_eq!((cache.graphs(), cache.length(0)), (0, 76));
    drop(filler);
    let found = cache.decode(&[(0, &a[76..])]).unwrap();
    assert_close(&found, last(&whole(&decoder, &a)), "it goes on");
}

pub fn what_graphs_held_is_given_back() {
    let device = device_of(3);
    let decoder = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = decoder.new_cache(1).unwrap();
    let a = tokens(80, 1);
    cache.decode(&[(0, &a[..70])]).unwrap();
    let before = device.used();
    for token in &a[70..74] {
        cache.decode(&[(0, &[*token])]).unwrap();
    }
    assert!(cache.graphs() == 1 && device.used() > before);
    cache.set_graphs(false);
    assert_eq!((cache.graphs(), device.used()), (0, before));
}
