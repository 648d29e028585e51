//! The reward model's loss (paper §4.4.1: MSE against labels of ±1; §5.1.2: scores through a sigmoid).
//!
//! Reading taken: the prediction is r = 2·sigmoid(score) − 1, in (−1, 1), so that labels and normalisation agree.

use candle_core::{Result, Tensor, bail};

/// r = 2·sigmoid(score) − 1. Shapes: `[B]` → `[B]`.
///
/// # Errors
/// When a tensor operation fails.
pub fn predicted_rewards(scores_b: &Tensor) -> Result<Tensor> {
    // 2·sigmoid(x) − 1 = tanh(x / 2)
    (scores_b * 0.5)?.tanh()
}

/// Mean of (r − label)². Shapes: scores `[B]`, one label each → `[]`.
///
/// # Errors
/// As many labels as scores are needed.
pub fn reward_loss(scores_b: &Tensor, labels: &[f32]) -> Result<Tensor> {
    if scores_b.dims1()? != labels.len() {
        bail!("{} scores for {} labels", scores_b.dims1()?, labels.len());
    }
    let labels_b = Tensor::new(labels, scores_b.device())?;
    (predicted_rewards(scores_b)? - labels_b)?.sqr()?.mean_all()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// s = torch.tensor([.3, -1.2, 2.], requires_grad=True); y = torch.tensor([1., -1., -1.])
    /// q = ((2 * torch.sigmoid(s) - 1 - y) ** 2).mean(); q.backward(); print(q, s.grad)
    #[test]
    fn loss_and_gradient_equal_pytorch() {
        let scores = Var::new(&[0.3f32, -1.2, 2.0], &Device::Cpu).unwrap();
        let loss = reward_loss(&scores, &[1.0, -1.0, -1.0]).unwrap();
        assert!((loss.to_scalar::<f32>().unwrap() - 1.347_311).abs() < 1e-5);
        let gradient = loss.backward().unwrap().get(&scores).unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in gradient.iter().zip([-0.277_416, 0.109_808, 0.246_608]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
