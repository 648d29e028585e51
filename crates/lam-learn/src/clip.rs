//! Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063).

use candle_core::{Result, Tensor};

/// Scales the gradients down to the global norm `max_norm` (0: leaves them) and returns the norm they had.
///
/// # Errors
/// When a tensor operation fails.
pub fn clip_gradients(gradients: &mut [Tensor], max_norm: f64) -> Result<f64> {
    let mut squares = 0.0;
    for gradient in gradients.iter() {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    let norm = squares.sqrt();
    if max_norm > 0.0 && norm > max_norm {
        for gradient in gradients.iter_mut() {
            *gradient = (&*gradient * (max_norm / norm))?;
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_norm_is_global_and_small_gradients_are_left_alone() {
        let of = |values: [f32; 2]| Tensor::new(&values, &Device::Cpu).unwrap();
        let mut gradients = vec![of([3.0, 0.0]), of([0.0, 4.0])];
        assert_eq!(clip_gradients(&mut gradients, 1.0).unwrap(), 5.0);
        assert!((gradients[1].to_vec1::<f32>().unwrap()[1] - 0.8).abs() < 1e-6);
        assert!((clip_gradients(&mut gradients, 2.0).unwrap() - 1.0).abs() < 1e-6);
        assert!((gradients[0].to_vec1::<f32>().unwrap()[0] - 0.6).abs() < 1e-6);
    }
}
