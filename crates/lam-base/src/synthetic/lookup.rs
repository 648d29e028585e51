//! Synthetic sequences of bare tokens: pairs to look up, spans to repeat. Knows no words, only which tokens are ordinary.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// A sequence and which of its tokens are trained.
pub type Masked = (Vec<u32>, Vec<bool>);

/// `pairs` pairs KEY VALUE, then twice as many queries KEY VALUE with replacement; the queries' values are trained.
/// Keys are distinct tokens of `keys`, values distinct tokens of `values`.
pub fn look_up(bos: u32, separator: u32, keys: &[u32], values: &[u32], pairs: usize, rng: &mut ChaCha8Rng) -> Masked {
    let pairs = pairs.min(keys.len()).min(values.len());
    let keys: Vec<u32> = keys.choose_multiple(rng, pairs).copied().collect();
    let mut values: Vec<u32> = values.choose_multiple(rng, pairs).copied().collect();
    values.shuffle(rng);
    let mut ids = vec![bos];
    ids.extend(keys.iter().zip(&values).flat_map(|(&key, &value)| [key, value]));
    ids.push(separator);
    let mut trained = vec![false; ids.len()];
    for _ in 0..2 * pairs {
        let asked = rng.random_range(0..pairs);
        ids.extend([keys[asked], values[asked]]);
        trained.extend([false, true]);
    }
    (ids, trained)
}

/// A random span of `length` ordinary tokens, repeated until `total` tokens are reached; all but the first span and
/// the first token of the second are trained.
pub fn repeated_span(bos: u32, ordinary: &[u32], length: usize, total: usize, rng: &mut ChaCha8Rng) -> Masked {
    let span: Vec<u32> = (0..length).map(|_| *ordinary.choose(rng).expect("there are ordinary tokens")).collect();
    let repeats = (total / length).max(2);
    let mut ids = vec![bos];
    ids.extend(std::iter::repeat_n(&span, repeats).flatten());
    let trained = (0..ids.len()).map(|position| position > length + 1).collect();
    (ids, trained)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_query_is_answered_by_its_own_value() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let keys: Vec<u32> = (100..200).collect();
        let values: Vec<u32> = (10..60).collect();
        let (ids, trained) = look_up(1, 2, &keys, &values, 5, &mut rng);
        let value_of = |key: u32| ids[1..11].chunks(2).find(|pair| pair[0] == key).expect("the key is listed")[1];
        for position in (0..ids.len()).filter(|&position| trained[position]) {
            assert_eq!(ids[position], value_of(ids[position - 1]));
        }
        assert_eq!(trained.iter().filter(|&&t| t).count(), 10);
    }

    #[test]
    fn a_trained_token_of_a_span_stands_one_span_earlier() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let ordinary: Vec<u32> = (5..500).collect();
        let (ids, trained) = repeated_span(1, &ordinary, 7, 40, &mut rng);
        for position in (0..ids.len()).filter(|&position| trained[position]) {
            assert_eq!(ids[position], ids[position - 7]);
        }
        assert!(!trained[8] && trained[9]);
    }
}
