//! Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063).

use candle_core::{Result, Tensor};

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
    let mut squares = others;
    for gradient in gradients.iter() {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
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
}
