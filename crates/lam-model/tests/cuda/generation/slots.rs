//! Many slots at once: ragged, shared, shortened, refused.

use lam_model::{Decoder, KvCache};

use super::{KIND, Kind, VOCABULARY, assert_close, frozen, last, tokens, whole};

/// Each slot's text so far must go on as the training forward says.
struct Slots<'a> {
    decoder: &'a Decoder,
    cache: KvCache,
    texts: Vec<Vec<u32>>,
}

impl<'a> Slots<'a> {
    fn new(decoder: &'a Decoder, slots: usize) -> Self {
        Self { decoder, cache: decoder.new_cache(slots).unwrap(), texts: vec![Vec::new(); slots] }
    }

    fn read(&mut self, inputs: &[(usize, Vec<u32>)]) {
        let reads: Vec<(usize, &[u32])> = inputs.iter().map(|(slot, tokens)| (*slot, tokens.as_slice())).collect();
        let found = self.cache.decode(&reads).unwrap();
        assert_eq!(found.len(), inputs.len() * VOCABULARY);
        for ((slot, tokens), found) in inputs.iter().zip(found.chunks(VOCABULARY)) {
            self.texts[*slot].extend(tokens);
            let text = &self.texts[*slot];
            assert_eq!(self.cache.length(*slot), text.len());
            assert_close(found, last(&whole(self.decoder, text)), &format!("slot {slot} of {} tokens", text.len()));
        }
    }

    fn truncate(&mut self, slot: usize, length: usize) {
        self.cache.truncate(slot, length);
        self.texts[slot].truncate(length);
    }

    fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.cache.copy_prefix(from, to, length);
        self.texts[to] = self.texts[from][..length.min(self.texts[from].len())].to_vec();
        assert_eq!(self.cache.length(to), self.texts[to].len());
    }
}

pub fn ragged_batches_of_slots_that_come_and_go() {
    let decoder = frozen(Kind { window: Some(50), ..KIND });
    let mut slots = Slots::new(&decoder, 4);
    slots.read(&[(3, tokens(63, 1)), (0, tokens(5, 2)), (2, tokens(1, 3))]);
    slots.read(&[(0, tokens(1, 4)), (3, tokens(2, 5)), (1, tokens(64, 6))]);
    slots.truncate(0, 0);
    slots.read(&[(1, tokens(1, 7)), (2, tokens(1, 8)), (0, tokens(30, 9)), (3, tokens(1, 10))]);
    slots.truncate(3, 0);
    slots.read(&[(3, tokens(1, 11)), (1, tokens(20, 12))]);
    slots.read(&[(0, tokens(1, 13)), (1, tokens(1, 14)), (2, tokens(1, 15)), (3, tokens(1, 16))]);
}

pub fn many_slots() {
    let decoder = frozen(KIND);
    let mut slots = Slots::new(&decoder, 40);
    let prompts: Vec<_> = (0..40).map(|slot| (slot, tokens(1 + slot * 7 % 19, slot))).collect();
    slots.read(&prompts);
    let steps: Vec<_> = (0..40).rev().map(|slot| (slot, tokens(1, 50 + slot))).collect();
    slots.read(&steps);
}

pub fn a_copied_or_shortened_prefix_continues_as_if_computed() {
    let decoder = frozen(KIND);
    let mut slots = Slots::new(&decoder, 4);
    slots.read(&[(0, tokens(140, 1)), (1, tokens(9, 2))]);
    // Within a page, at a page's end, and more than there is.
    slots.copy_prefix(0, 1, 100);
    slots.copy_prefix(0, 2, 128);
    slots.copy_prefix(0, 3, 1000);
    slots.read(&[(0, tokens(1, 3)), (1, tokens(2, 4)), (2, tokens(1, 5)), (3, tokens(3, 6))]);
    slots.truncate(0, 70);
    slots.copy_prefix(1, 1, 90);
    slots.read(&[(0, tokens(4, 7)), (1, tokens(1, 8)), (2, tokens(1, 9))]);
    slots.truncate(0, 0);
    slots.truncate(3, 1);
    slots.read(&[(3, tokens(2, 10)), (2, tokens(1, 11)), (1, tokens(1, 12))]);
}

pub fn a_shared_prefix_is_the_same_bits_as_one_of_its_own() {
    let decoder = frozen(KIND);
    let (text, more) = (tokens(130, 1), tokens(6, 2));
    // Within a page, and at a page's end.
    for length in [100, 128] {
        let run = |shared: bool| {
            let mut cache = decoder.new_cache(2).unwrap();
            cache.decode(&[(0, &text[..length])]).unwrap();
            if shared {
                cache.copy_prefix(0, 1, length);
            } else {
                cache.decode(&[(1, &text[..length])]).unwrap();
            }
            // Both go on in turns, always one token at a time: the same products.
            let slots = [1, 0, 0, 1, 1, 0];
            let steps = slots.iter().zip(&more).map(|(&slot, token)| cache.decode(&[(slot, &[*token])]).unwrap());
            steps.collect::<Vec<_>>()
        };
        assert_eq!(run(true), run(false), "a prefix of {length}");
    }
}

pub fn rows_beside_pages_do_not_depend_on_company() {
    let decoder = frozen(KIND);
    let (a, b) = (tokens(300, 1), tokens(20, 2));
    // The same number of rows, so that products are the same: then a request is the same bits in any company.
    let run = |company: &[u32]| {
        let mut cache = decoder.new_cache(2).unwrap();
        cache.decode(&[(0, &a)]).unwrap();
        cache.decode(&[(1, company)]).unwrap();
        cache.decode(&[(1, &b[..1]), (0, &b[1..3])]).unwrap()[VOCABULARY..].to_vec()
    };
    assert_eq!(run(&b), run(&a));
}

pub fn what_makes_no_sense_is_refused() {
    let decoder = frozen(KIND);
    let mut cache = decoder.new_cache(2).unwrap();
    assert!(cache.decode(&[(2, &[1])]).is_err());
    assert!(cache.decode(&[(0, &[1]), (0, &[2])]).is_err());
    assert!(cache.decode(&[(0, &[])]).is_err());
    assert!(cache.decode(&[(0, &[VOCABULARY as u32])]).is_err());
    assert_eq!((cache.length(0), cache.length(1)), (0, 0));
}
