//! What activations and weights are made of: f32, or bf16 that is read and written as f32.

use half::bf16;

/// A number that is stored in its own width and computed with in f32.
pub(crate) trait Element: Copy + Default + Send + Sync + 'static {
    /// Its value.
    fn wide(self) -> f32;
    /// The nearest number of this kind, ties to even.
    fn narrow(value: f32) -> Self;
}

impl Element for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
}

impl Element for bf16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    // In a form that vectorises, unlike `bf16::from_f32`; NaN stays NaN.
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        bf16::from_bits(if value.is_nan() { (bits >> 16) | 0x40 } else { rounded } as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_rounds_as_the_half_crate_does() {
        let special = [0.0, -0.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40, 1.003_906_3, 1.011_718_8];
        let spread = (0..100_000_u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9)));
        for value in special.into_iter().chain(spread).filter(|value| !value.is_nan()) {
            assert_eq!(<bf16 as Element>::narrow(value).to_bits(), bf16::from_f32(value).to_bits(), "{value}");
        }
        assert!(<bf16 as Element>::narrow(f32::NAN).is_nan());
    }
}
