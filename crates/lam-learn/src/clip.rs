//! Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063).

use candle_core::{CpuStorage, Error, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use crate::wide::wide;

/// What clipping found and did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clipped {
    /// The global norm before.
    pub norm: f64,
    /// What every gradient was, or is to be, multiplied by.
    pub factor: f64,
}

/// Scales the gradients down to the global norm `max_norm` (0: leaves them). `others` is the sum of the squares of
/// gradients that are not among them but belong to the norm.
///
/// # Errors
/// When a tensor operation fails.
pub fn clip_gradients(gradients: &mut [Tensor], others: f64, max_norm: f64) -> Result<Clipped> {
    // On one of rayon's threads all the way: a thread that is none of them would send over each tensor alone.
    let own = &*gradients;
    let squares =
        rayon::scope(|_| own.iter().try_fold(others, |sum, gradient| Ok::<_, Error>(sum + squared_norm(gradient)?)))?;
    let norm = squares.sqrt();
    if max_norm <= 0.0 || norm.is_nan() || norm <= max_norm {
        return Ok(Clipped { norm, factor: 1.0 });
    }
    let factor = max_norm / norm;
    for gradient in gradients.iter_mut() {
        *gradient = (&*gradient * factor)?;
    }
    Ok(Clipped { norm, factor })
}

/// Numbers that are summed in f32 before they are added to an f64, in lanes.
const CHUNK: usize = 1 << 12;
const LANES: usize = 32;

/// Sum of the squares of a tensor in f32, in the same order for any number of threads.
fn squared_norm(gradient: &Tensor) -> Result<f64> {
    let gradient = gradient.contiguous()?;
    let (storage, layout) = gradient.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
        bail!("a gradient is {:?} on {:?}; f32 on the CPU is clipped", gradient.dtype(), gradient.device())
    };
    let parts: Vec<f64> =
        values[start..end].par_chunks(1 << 16).map(|part| part.chunks(CHUNK).map(squares).sum()).collect();
    Ok(parts.iter().sum())
}

wide! {
    /// Sum of the squares of a few numbers.
    fn squares(values: &[f32]) -> f64 {
        let (whole, rest) = values.as_chunks::<LANES>();
        let mut lanes = [0.0_f32; LANES];
        for values in whole {
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane += value * value;
            }
        }
        lanes.iter().chain(&[rest.iter().map(|value| value * value).sum::<f32>()]).map(|lane| f64::from(*lane)).sum()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_norm_is_global_and_small_gradients_are_left_alone() {
        let of = |values: [f32; 2]| Tensor::new(&values, &Device::Cpu).unwrap();
        let mut gradients = vec![of([3.0, 0.0]), of([0.0, 4.0])];
        assert_eq!(clip_gradients(&mut gradients, 0.0, 1.0).unwrap(), Clipped { norm: 5.0, factor: 0.2 });
        assert!((gradients[1].to_vec1::<f32>().unwrap()[1] - 0.8).abs() < 1e-6);
        assert!((clip_gradients(&mut gradients, 0.0, 2.0).unwrap().norm - 1.0).abs() < 1e-6);
        assert!((gradients[0].to_vec1::<f32>().unwrap()[0] - 0.6).abs() < 1e-6);
        let with_others = clip_gradients(&mut gradients, 8.0, 1.0).unwrap();
        assert!((with_others.norm - 3.0).abs() < 1e-6 && (with_others.factor - 1.0 / 3.0).abs() < 1e-6);
        assert!((gradients[0].to_vec1::<f32>().unwrap()[0] - 0.2).abs() < 1e-6);
    }

    #[test]
    fn the_norm_of_many_numbers_is_exact_to_f32() {
        for count in [1, 31, 32, 5000, 200_001] {
            let values: Vec<f32> = (0..count).map(|i| (i * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
            let right: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
            let found = squared_norm(&Tensor::from_vec(values, count, &Device::Cpu).unwrap()).unwrap();
            assert!((found / right - 1.0).abs() < 1e-6, "{count}: {found} {right}");
        }
    }
}
