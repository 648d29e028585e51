//! Imitation of answers that succeeded: the supervised loss with every answer of the same weight, however long it is. As
//! an anchor beside a preference it is that of Pang et al. 2024, "Iterative Reasoning Preference Optimization"
//! (arXiv 2404.19733, eq. 1).

use candle_core::{Result, Tensor, bail};

use super::answer_sums;

/// −mean over answers of the mean log p of their tokens, in nats. Shapes: log p `[N]` and A lengths of sum N → `[]`.
///
/// # Errors
/// No answer, an answer without a token, or lengths that are not those of the log-probabilities.
pub fn imitation_loss(logprobs_n: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    if lengths.is_empty() || lengths.contains(&0) {
        bail!("answers of {lengths:?} tokens: each needs one");
    }
    let sums_a = answer_sums(logprobs_n, lengths)?;
    let tokens: Vec<f32> = lengths.iter().map(|&length| length as f32).collect();
    let tokens_a = Tensor::from_vec(tokens, lengths.len(), sums_a.device())?;
    (sums_a / tokens_a)?.mean_all()?.neg()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// lp = torch.tensor([-1., -.5, -2., -.25], requires_grad=True)
    /// l = -torch.stack([lp[:1].mean(), lp[1:].mean()]).mean(); l.backward(); print(l, lp.grad)
    #[test]
    fn loss_and_gradient_equal_pytorch() {
        let logprobs = Var::new(&[-1.0f32, -0.5, -2.0, -0.25], &Device::Cpu).unwrap();
        let loss = imitation_loss(&logprobs, &[1, 3]).unwrap();
        assert!((loss.to_scalar::<f32>().unwrap() - 0.958_333_3).abs() < 1e-6);
        let gradient = loss.backward().unwrap().get(&logprobs).unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in gradient.iter().zip([-0.5, -0.166_666_67, -0.166_666_67, -0.166_666_67]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!(imitation_loss(&logprobs, &[4, 0]).is_err() && imitation_loss(&logprobs, &[]).is_err());
    }
}
