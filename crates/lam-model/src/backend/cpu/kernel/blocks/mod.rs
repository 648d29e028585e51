//! A frozen weight in GGUF's blocks: 8 bits (Q8_0) or 4 bits (Q4_K, or Q4_0 where rows are not a multiple of 256).
//!
//! `quantise.rs` makes the blocks as candle does; products and generation expand them here, 32 values at a time.

#[cfg(target_arch = "x86_64")]
pub(super) mod wide;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result, Tensor};
use half::{bf16, f16};

use super::dispatch::dispatched;
#[cfg(target_arch = "x86_64")]
use super::dispatch::{Level, level};
use super::element::Element;
use super::quantise;

/// Values that share a scale.
pub(crate) const GROUP: usize = 32;

/// BlockForm of a block: 32 values, or 256 in eight groups of 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BlockForm {
    /// f16 scale, 32 × i8.
    Q8_0,
    /// f16 scale, 32 × 4 bits around 8.
    Q4_0,
    /// f16 scale and minimum, eight of 6 bits each under them, 256 × 4 bits.
    Q4K,
}

/// A quantised weight.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    form: BlockForm,
    bytes: Vec<u8>,
}

impl BlockForm {
    /// The form for rows of `width` values in `bits`; none where rows cannot be cut into blocks.
    pub(crate) fn of(bits: u8, width: usize) -> Option<Self> {
        match bits {
            8 if width.is_multiple_of(32) => Some(BlockForm::Q8_0),
            4 if width.is_multiple_of(256) => Some(BlockForm::Q4K),
            4 if width.is_multiple_of(32) => Some(BlockForm::Q4_0),
            _ => None,
        }
    }

    /// Values and bytes of a block.
    pub(crate) fn size(self) -> (usize, usize) {
        match self {
            BlockForm::Q8_0 => (32, 34),
            BlockForm::Q4_0 => (32, 18),
            BlockForm::Q4K => (256, 144),
        }
    }

    /// Bits of a value.
    pub(crate) fn bits(self) -> u8 {
        match self {
            BlockForm::Q8_0 => 8,
            BlockForm::Q4_0 | BlockForm::Q4K => 4,
        }
    }

    #[cfg(test)]
    fn of_candle(self) -> GgmlDType {
        match self {
            BlockForm::Q8_0 => GgmlDType::Q8_0,
            BlockForm::Q4_0 => GgmlDType::Q4_0,
            BlockForm::Q4K => GgmlDType::Q4K,
        }
    }
}

dispatched! {
    /// y = scale × (q - zero) for 8-bit q.
    fn expand_bytes(quants: &[u8], scale: f32, y: &mut [bf16]) {
        for (y, q) in y.iter_mut().zip(quants) {
            *y = bf16::narrow(scale * f32::from(*q as i8));
        }
    }
}
dispatched! {
    /// y = scale × nibble + offset, with the nibble `shift` bits up.
    fn expand_nibbles(quants: &[u8], shift: u32, scale: f32, offset: f32, y: &mut [bf16]) {
        for (y, q) in y.iter_mut().zip(quants) {
            *y = bf16::narrow(scale * ((u32::from(*q) >> shift & 15) as f32) + offset);
        }
    }
}

fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Scale and minimum of a group of a Q4_K block, from its twelve bytes of 6-bit numbers.
fn scale_and_minimum(scales: &[u8], group: usize) -> (u8, u8) {
    match group {
        0..4 => (scales[group] & 63, scales[group + 4] & 63),
        _ => {
            let low = scales[group + 4];
            (low & 15 | (scales[group - 4] >> 6) << 4, low >> 4 | (scales[group] >> 6) << 4)
        }
    }
}

impl Blocks {
    /// Quantises values, of rows that can be cut into blocks of this form.
    pub(crate) fn of_values(values: &[f32], form: BlockForm) -> Result<Self> {
        let size = form.size();
        let quantise = match form {
            BlockForm::Q8_0 => quantise::q8_0,
            BlockForm::Q4K => quantise::q4_k,
            BlockForm::Q4_0 => {
                let tensor = Tensor::from_slice(values, (values.len() / size.0, size.0), &Device::Cpu)?;
                let quantised = QTensor::quantize(&tensor, GgmlDType::Q4_0)?;
                return Ok(Self { form, bytes: quantised.data()?.into_owned() });
            }
        };
        let mut bytes = vec![0; values.len() / size.0 * size.1];
        quantise(values, &mut bytes);
        Ok(Self { form, bytes })
    }

    /// Quantises a weight. Shape: [N, K].
    #[cfg(test)]
    pub(crate) fn quantise(weight: &Tensor, form: BlockForm) -> Result<Self> {
        Self::of_values(&weight.flatten_all()?.to_vec1::<f32>()?, form)
    }

    /// Blocks that were made elsewhere: whole ones, one after the other.
    pub(crate) fn of_bytes(form: BlockForm, bytes: Vec<u8>) -> Self {
        assert!(bytes.len().is_multiple_of(form.size().1), "a part of a block");
        Self { form, bytes }
    }

    /// Whether every value is a finite number: every scale and every minimum is.
    pub(crate) fn are_finite(&self) -> bool {
        let factors = if self.form == BlockForm::Q4K { 2 } else { 1 };
        let blocks = self.bytes.chunks_exact(self.form.size().1);
        blocks.flat_map(|block| block.chunks_exact(2).take(factors)).all(|factor| half(factor).is_finite())
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        let (values, bytes) = self.form.size();
        self.bytes.len() / bytes * values
    }

    /// The blocks as they are, and their form.
    pub(crate) fn raw(&self) -> (&[u8], BlockForm) {
        (&self.bytes, self.form)
    }

    /// Factor, minimum and numbers of a group of 32 values in 4 bits, of which each is factor q - minimum; none of a form
    /// of other bits.
    pub(crate) fn four_bits(&self, group: usize) -> Option<(f32, f32, [u8; GROUP])> {
        let (values, size) = self.form.size();
        let block = &self.bytes[group * GROUP / values * size..][..size];
        match self.form {
            BlockForm::Q8_0 => None,
            BlockForm::Q4_0 => {
                let (scale, halves) = (half(block), &block[2..]);
                let quants = std::array::from_fn(|i| halves[i % 16] >> (i / 16 * 4) & 15);
                Some((scale, 8.0 * scale, quants))
            }
            BlockForm::Q4K => {
                let inner = group % 8;
                let (scale, minimum) = scale_and_minimum(&block[4..16], inner);
                let halves = &block[16 + inner / 2 * GROUP..][..GROUP];
                let quants = std::array::from_fn(|i| halves[i] >> (inner % 2 * 4) & 15);
                Some((half(block) * f32::from(scale), half(&block[2..]) * f32::from(minimum), quants))
            }
        }
    }

    /// The values from `start` on. `start` must be a multiple of 32, and so must the length but for a last part.
    pub(crate) fn expand(&self, start: usize, out: &mut [bf16]) {
        assert!(start.is_multiple_of(GROUP) && start + out.len() <= self.len(), "a part that does not start a group");
        let first = start / GROUP;
        #[cfg(target_arch = "x86_64")]
        if level() == Level::Avx512 {
            let (whole, rest) = out.as_chunks_mut();
            // SAFETY: the level says that the processor has these instructions.
            unsafe { wide::expand(self, first, whole) };
            return self.expand_groups(first + whole.len(), rest);
        }
        self.expand_groups(first, out);
    }

    fn expand_groups(&self, first: usize, out: &mut [bf16]) {
        for (group, out) in out.chunks_mut(GROUP).enumerate() {
            self.expand_group(first + group, out);
        }
    }

    fn expand_group(&self, group: usize, out: &mut [bf16]) {
        let (values, size) = self.form.size();
        let block = &self.bytes[group * GROUP / values * size..][..size];
        match self.form {
            BlockForm::Q8_0 => expand_bytes(&block[2..2 + out.len()], half(block), out),
            BlockForm::Q4_0 => {
                let (scale, quants) = (half(block), &block[2..]);
                let (low, high) = out.split_at_mut(out.len().min(16));
                expand_nibbles(&quants[..low.len()], 0, scale, -8.0 * scale, low);
                expand_nibbles(&quants[..high.len()], 4, scale, -8.0 * scale, high);
            }
            BlockForm::Q4K => {
                let inner = group % 8;
                let (scale, minimum) = scale_and_minimum(&block[4..16], inner);
                let (scale, minimum) = (half(block) * f32::from(scale), half(&block[2..]) * f32::from(minimum));
                let quants = &block[16 + inner / 2 * GROUP..][..out.len()];
                expand_nibbles(quants, inner as u32 % 2 * 4, scale, -minimum, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::values;

    #[test]
    fn expanding_equals_candles_own_to_the_rounding_of_bf16() {
        let (n, k) = (6, 512);
        let weight = Tensor::from_vec(values(n * k, 1), (n, k), &Device::Cpu).unwrap();
        for form in [BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K] {
            let theirs = QTensor::quantize(&weight, form.of_candle()).unwrap().dequantize(&Device::Cpu).unwrap();
            let theirs = theirs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let ours = Blocks::quantise(&weight, form).unwrap();
            assert_eq!(ours.len(), n * k);
            for (group, theirs) in theirs.chunks(GROUP).enumerate().filter(|_| form.bits() == 4) {
                let (factor, minimum, quants) = ours.four_bits(group).unwrap();
                for (q, theirs) in quants.iter().zip(theirs) {
                    assert!((factor * f32::from(*q) - minimum - theirs).abs() <= 1e-6, "{form:?}: {q} {theirs}");
                }
            }
            let mut values = vec![bf16::ZERO; n * k];
            ours.expand(0, &mut values);
            for (i, (a, b)) in values.into_iter().map(Element::wide).zip(&theirs).enumerate() {
                assert!((a - b).abs() <= b.abs() / 128.0 + 1e-6, "{form:?} {i}: {a} {b}");
            }
        }
    }

    #[test]
    fn expanding_gives_the_same_bits_in_every_form_of_the_loop() {
        let (n, k) = (6, 512);
        let weight = Tensor::from_vec(values(n * k, 1), (n, k), &Device::Cpu).unwrap();
        for form in [BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K] {
            let blocks = Blocks::quantise(&weight, form).unwrap();
            for (start, count) in [(0, n * k), (32, 64), (7 * 32, 300), (n * k - 32, 5)] {
                let (mut here, mut plain) = (vec![bf16::ONE; count], vec![bf16::ONE; count]);
                blocks.expand(start, &mut here);
                blocks.expand_groups(start / GROUP, &mut plain);
                let bits = |values: &[bf16]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&here), bits(&plain), "{form:?} {start} {count}");
            }
        }
    }

    #[test]
    fn a_form_is_chosen_by_bits_and_width() {
        let chosen = [(8, 512), (4, 512), (4, 96), (4, 40), (8, 33)].map(|(bits, width)| BlockForm::of(bits, width));
        assert_eq!(chosen, [Some(BlockForm::Q8_0), Some(BlockForm::Q4K), Some(BlockForm::Q4_0), None, None]);
    }
}
