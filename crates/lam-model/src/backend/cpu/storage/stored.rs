//! Numbers as GGUF files store them.

use half::f16;
use half::slice::HalfFloatSliceExt;
use lam_gguf::Format;

use crate::backend::cpu::kernel::quantise;

/// The bytes of finite numbers, whole blocks of them; or why they cannot be stored so.
pub(crate) fn stored(values: &[f32], format: Format) -> Result<Vec<u8>, &'static str> {
    let (numbers, width) = format.block();
    let mut bytes = vec![0; values.len() / numbers * width];
    match format {
        Format::F16 => {
            let mut halves = vec![f16::ZERO; values.len()];
            halves.convert_from_f32_slice(values);
            if halves.iter().any(|half| !half.is_finite()) {
                return Err("a number is larger than F16's largest, 65504");
            }
            bytes.chunks_exact_mut(2).zip(halves).for_each(|(bytes, half)| bytes.copy_from_slice(&half.to_le_bytes()));
        }
        Format::Q8_0 => quantise::q8_0(values, &mut bytes),
        Format::Q4K => quantise::q4_k_fitted(values, &mut bytes),
        Format::F32 => {
            bytes
                .chunks_exact_mut(4)
                .zip(values)
                .for_each(|(bytes, value)| bytes.copy_from_slice(&value.to_le_bytes()));
        }
        Format::BF16 | Format::Q4_0 | Format::Q6K => unreachable!("no type of files is made of these"),
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_too_large_are_refused() {
        assert_eq!(stored(&[65504.0, -1.0], Format::F16).unwrap(), [0xff, 0x7b, 0x00, 0xbc]);
        assert!(stored(&[65536.0], Format::F16).unwrap_err().contains("65504"));
        assert_eq!(stored(&[1.5], Format::F32).unwrap(), 1.5_f32.to_le_bytes());
    }
}
