//! Advantages: GAE (Schulman et al. 2016, arXiv 1506.02438) and whitening. The paper names neither; its "Â_t derived
//! from RM-generated rewards" (§4.4.2) is read as GAE over a value head.

/// Parameters of GAE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gae {
    /// Discount γ.
    pub gamma: f64,
    /// λ between one-step (0) and Monte-Carlo (1) advantages.
    pub lambda: f64,
}

/// Advantages and returns of one answer, whose value after its last token is 0:
/// δ_t = r_t + γ V_{t+1} − V_t, Â_t = δ_t + γλ Â_{t+1}, return_t = Â_t + V_t. Shapes: `[T]`, `[T]` → `[T]`, `[T]`.
pub fn generalized_advantages(rewards: &[f32], values: &[f32], gae: Gae) -> (Vec<f32>, Vec<f32>) {
    assert_eq!(rewards.len(), values.len(), "one value a reward");
    let mut advantages = vec![0.0f32; rewards.len()];
    let (mut next_value, mut next_advantage) = (0.0f64, 0.0f64);
    for t in (0..rewards.len()).rev() {
        let delta = f64::from(rewards[t]) + gae.gamma * next_value - f64::from(values[t]);
        next_advantage = delta + gae.gamma * gae.lambda * next_advantage;
        next_value = f64::from(values[t]);
        advantages[t] = next_advantage as f32;
    }
    let returns = advantages.iter().zip(values).map(|(advantage, value)| advantage + value).collect();
    (advantages, returns)
}

/// The advantages of a batch shifted and scaled to mean 0 and variance 1 over all its tokens.
pub fn whiten(advantages: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let count = advantages.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let all = || advantages.iter().flatten().map(|&advantage| f64::from(advantage));
    let mean = all().sum::<f64>() / count;
    let variance = all().map(|advantage| (advantage - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + 1e-8).sqrt();
    let whitened = |advantage: &f32| ((f64::from(*advantage) - mean) * scale) as f32;
    advantages.iter().map(|answer| answer.iter().map(whitened).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursion in Python over rew = [.1, 0, -.2, 1], val = [.5, .4, .3, .6], γ .99, λ .95.
    #[test]
    fn advantages_equal_the_recursion() {
        let gae = Gae { gamma: 0.99, lambda: 0.95 };
        let (advantages, returns) = generalized_advantages(&[0.1, 0.0, -0.2, 1.0], &[0.5, 0.4, 0.3, 0.6], gae);
        for (found, expected) in advantages.iter().zip([0.315_039_33, 0.339_223_1, 0.470_2, 0.4]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!((returns[3] - 1.0).abs() < 1e-6, "the last return is the last reward");
    }

    #[test]
    fn whitened_advantages_have_mean_0_and_variance_1() {
        let whitened = whiten(&[vec![1.0, 2.0, 3.0], vec![6.0]]);
        let all: Vec<f32> = whitened.into_iter().flatten().collect();
        let mean = all.iter().sum::<f32>() / 4.0;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 4.0;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5);
    }
}
