//! Checks a backward against central differences of the forward. For tests only.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Values in -1..1, the same for the same seed.
pub(crate) fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Compares `gradient` with the slopes of `loss` at up to 40 places of `x`.
pub(crate) fn check(name: &str, x: &[f32], gradient: &[f32], loss: impl Fn(&[f32]) -> f64) {
    assert_eq!(x.len(), gradient.len(), "{name}");
    let scale = gradient.iter().fold(0f32, |a, g| a.max(g.abs())).max(1e-3);
    let step = 1e-2f32;
    for i in (0..x.len()).step_by(x.len().div_ceil(40).max(1)) {
        let mut moved = x.to_vec();
        moved[i] = x[i] + step;
        let above = loss(&moved);
        moved[i] = x[i] - step;
        let slope = ((above - loss(&moved)) / f64::from(2.0 * step)) as f32;
        assert!((slope - gradient[i]).abs() < 1e-2 * scale, "{name}[{i}]: slope {slope}, gradient {}", gradient[i]);
    }
}

/// Sum of y w: a loss whose gradient by y is w.
pub(crate) fn weighted(y: &[f32], w: &[f32]) -> f64 {
    y.iter().zip(w).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
}
