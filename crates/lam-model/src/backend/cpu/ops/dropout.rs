//! Dropout whose mask is a function of a seed and the place, so that the backward can make it again.

use rayon::prelude::*;

use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::storage::activation::Activation;

const CHUNK: usize = 1 << 14;

/// Which values are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dropout {
    /// Share of the values that become zero.
    pub(crate) rate: f64,
    /// Another seed, another mask.
    pub(crate) seed: u64,
}

/// A mixing function over 64 bits (splitmix64's finaliser).
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Dropout {
    /// The mask of another place in the model.
    pub(crate) fn at(self, place: u64) -> Self {
        Self { seed: mixed(self.seed ^ mixed(place.wrapping_add(0x9e37_79b9_7f4a_7c15))), ..self }
    }

    /// Zeroes the dropped values and scales the others up by 1 / (1 - rate). Its own backward.
    pub(crate) fn apply(self, x: &mut Activation) {
        match x {
            Activation::F32(values) => self.apply_to(values),
            Activation::Bf16(values) => self.apply_to(values),
        }
    }

    fn apply_to<E: Element>(self, x: &mut [E]) {
        let threshold = (self.rate * 2f64.powi(32)) as u64;
        let factor = (1.0 / (1.0 - self.rate)) as f32;
        x.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| {
            for (i, value) in x.iter_mut().enumerate() {
                let draw = mixed(self.seed.wrapping_add((chunk * CHUNK + i) as u64)) >> 32;
                *value = E::narrow(value.wide() * if draw < threshold { 0.0 } else { factor });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_and_the_mask_repeats() {
        let dropout = Dropout { rate: 0.25, seed: 7 }.at(3);
        let applied = || {
            let mut x = vec![1.0_f32; 100_000];
            dropout.apply_to(&mut x);
            x
        };
        let (once, again) = (applied(), applied());
        assert_eq!(once, again);
        let dropped = once.iter().filter(|v| **v == 0.0).count() as f64 / 1e5;
        assert!((dropped - 0.25).abs() < 0.01, "{dropped}");
        assert!(once.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6));
    }
}
