//! PPO's clipped losses (Schulman et al. 2017, arXiv 1707.06347, eq. 7; paper §4.4.2) over the tokens of answers.

use candle_core::{Result, Tensor};

/// Where ratios and value changes are clipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PpoClip {
    /// ε of the ratio.
    pub ratio: f64,
    /// Largest change of a value.
    pub value: f64,
}

/// The policy's loss and what is watched beside it.
#[derive(Clone, Debug)]
pub struct PolicyLoss {
    /// −mean min(ρ Â, clip(ρ, 1 ± ε) Â). Shape: [].
    pub loss: Tensor,
    /// Share of tokens whose ratio is clipped.
    pub clip_fraction: f64,
    /// Mean of ½ (log ρ)².
    pub approximate_kl: f64,
    /// Mean of ρ.
    pub ratio_mean: f64,
    /// Variance of ρ.
    pub ratio_variance: f64,
    /// (Σρ)² / Σρ²: how many tokens the weighted sample is worth.
    pub effective_sample_size: f64,
}

/// The clipped policy loss. Shapes: all `[N]`, N tokens.
///
/// # Errors
/// Shapes that do not agree.
pub fn policy_loss(logprobs_n: &Tensor, old_n: &Tensor, advantages_n: &Tensor, clip: PpoClip) -> Result<PolicyLoss> {
    let log_ratio = (logprobs_n - old_n)?;
    let ratio = log_ratio.exp()?;
    let unclipped = (&ratio * advantages_n)?;
    let clipped = (ratio.clamp(1.0 - clip.ratio, 1.0 + clip.ratio)? * advantages_n)?;
    let loss = unclipped.minimum(&clipped)?.mean_all()?.neg()?;
    let ratios: Vec<f32> = ratio.detach().to_vec1()?;
    let logs: Vec<f32> = log_ratio.detach().to_vec1()?;
    let count = ratios.len() as f64;
    let mean = |term: &dyn Fn(f64) -> f64| ratios.iter().map(|&ratio| term(f64::from(ratio))).sum::<f64>() / count;
    let ratio_mean = mean(&|ratio| ratio);
    let square_mean = mean(&|ratio| ratio * ratio);
    Ok(PolicyLoss {
        loss,
        clip_fraction: mean(&|ratio| f64::from(u8::from((ratio - 1.0).abs() > clip.ratio))),
        approximate_kl: logs.iter().map(|&log| 0.5 * f64::from(log).powi(2)).sum::<f64>() / count,
        ratio_mean,
        ratio_variance: square_mean - ratio_mean * ratio_mean,
        effective_sample_size: count * ratio_mean * ratio_mean / square_mean.max(f64::MIN_POSITIVE),
    })
}

/// The value head's loss.
#[derive(Clone, Debug)]
pub struct ValueLoss {
    /// ½ mean max((V − R)², (V_clipped − R)²). Shape: [].
    pub loss: Tensor,
}

/// The clipped value loss. Shapes: all `[N]`, N tokens.
///
/// # Errors
/// Shapes that do not agree.
pub fn value_loss(values_n: &Tensor, old_n: &Tensor, returns_n: &Tensor, clip: PpoClip) -> Result<ValueLoss> {
    let clipped = (old_n + (values_n - old_n)?.clamp(-clip.value, clip.value)?)?;
    let free = (values_n - returns_n)?.sqr()?;
    let bound = (clipped - returns_n)?.sqr()?;
    Ok(ValueLoss { loss: (free.maximum(&bound)?.mean_all()? * 0.5)? })
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    const CLIP: PpoClip = PpoClip { ratio: 0.2, value: 0.2 };

    fn close(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?} {expected:?}");
    }

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap()
    }

    /// lp = torch.tensor([-1., -.5, -2., -.1], requires_grad=True); old = torch.tensor([-1.2, -.4, -2., -.5])
    /// A = torch.tensor([1., -1., .5, 2.]); r = (lp - old).exp()
    /// l = torch.max(-A * r, -A * r.clamp(.8, 1.2)).mean(); l.backward(); print(l, lp.grad)
    #[test]
    fn the_policy_loss_equals_pytorch() {
        let logprobs = Var::new(&[-1.0f32, -0.5, -2.0, -0.1], &Device::Cpu).unwrap();
        let old = tensor(&[-1.2, -0.4, -2.0, -0.5]);
        let found = policy_loss(&logprobs, &old, &tensor(&[1.0, -1.0, 0.5, 2.0]), CLIP).unwrap();
        close(&[found.loss.to_scalar().unwrap()], &[-0.798_790_7]);
        let gradient = found.loss.backward().unwrap().get(&logprobs).unwrap().to_vec1::<f32>().unwrap();
        close(&gradient, &[0.0, 0.226_209_36, -0.125, 0.0]);
        assert_eq!(found.clip_fraction, 0.5);
        close(&[found.approximate_kl as f32, found.ratio_mean as f32], &[0.026_25, 1.154_516_2]);
    }

    /// v = torch.tensor([.5, 1., -.3], requires_grad=True); ov = torch.tensor([.4, .5, -.2]); R = torch.tensor([1., 0., .1])
    /// vc = ov + (v - ov).clamp(-.2, .2); L = .5 * torch.max((v - R)**2, (vc - R)**2).mean(); L.backward(); print(L, v.grad)
    #[test]
    fn the_value_loss_equals_pytorch() {
        let values = Var::new(&[0.5f32, 1.0, -0.3], &Device::Cpu).unwrap();
        let found = value_loss(&values, &tensor(&[0.4, 0.5, -0.2]), &tensor(&[1.0, 0.0, 0.1]), CLIP).unwrap();
        close(&[found.loss.to_scalar().unwrap()], &[0.235]);
        let gradient = found.loss.backward().unwrap().get(&values).unwrap().to_vec1::<f32>().unwrap();
        close(&gradient, &[-0.166_666_67, 0.333_333_34, -0.133_333_34]);
    }
}
