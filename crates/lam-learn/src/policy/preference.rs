//! Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, eq. 7): of two answers to one state, the better
//! one shall gain more probability, as seen from the policy at the start, than the worse one.

use candle_core::{DType, Result, Tensor};

/// The loss and what is watched beside it, under TRL's names.
#[derive(Clone, Debug)]
pub struct Preferred {
    /// −mean log σ(margin). Shape: [].
    pub loss: Tensor,
    /// β (log π − log π_ref) of the better answers. Shape: `[P]`.
    pub rewards_chosen: Vec<f32>,
    /// The same of the worse ones. Shape: `[P]`.
    pub rewards_rejected: Vec<f32>,
}

/// −mean log σ(β [(log π(c) − log π_ref(c)) − (log π(r) − log π_ref(r))]) over pairs of a better answer c and a worse one r.
/// `policy` and `reference` hold log p of whole answers, the better ones' and the worse ones', under the policy and under
/// the model that it started from. Shapes: all `[P]`, P pairs.
///
/// Computed in f64, in which 1 + exp(−margin) is finite and keeps its last digits at every margin that answers reach.
///
/// # Errors
/// Shapes that do not agree.
pub fn preference_loss(policy: (&Tensor, &Tensor), reference: (&Tensor, &Tensor), beta: f64) -> Result<Preferred> {
    let reward = |policy_p: &Tensor, reference_p: &Tensor| {
        (policy_p.to_dtype(DType::F64)? - reference_p.to_dtype(DType::F64)?)? * beta
    };
    let (chosen_p, rejected_p) = (reward(policy.0, reference.0)?, reward(policy.1, reference.1)?);
    let losses_p = ((&rejected_p - &chosen_p)?.exp()? + 1.0)?.log()?;
    let watched = |rewards_p: &Tensor| rewards_p.detach().to_dtype(DType::F32)?.to_vec1();
    Ok(Preferred {
        loss: losses_p.mean_all()?.to_dtype(DType::F32)?,
        rewards_chosen: watched(&chosen_p)?,
        rewards_rejected: watched(&rejected_p)?,
    })
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    const REFERENCE: ([f32; 3], [f32; 3]) = ([-4.0, -2.0, -9.0], [-3.0, -7.5, -1.0]);

    fn tensor(values: [f32; 3]) -> Tensor {
        Tensor::new(&values, &Device::Cpu).unwrap()
    }

    fn loss_of(chosen: &Tensor, rejected: &Tensor, beta: f64) -> Preferred {
        preference_loss((chosen, rejected), (&tensor(REFERENCE.0), &tensor(REFERENCE.1)), beta).unwrap()
    }

    /// The Bradley-Terry form: −log of the better answer's share of exp(reward), written without a sigmoid.
    fn by_shares(chosen: [f32; 3], rejected: [f32; 3], beta: f64) -> f64 {
        let reward = |policy: f32, reference: f32| beta * (f64::from(policy) - f64::from(reference));
        let one = |pair: usize| {
            let better = reward(chosen[pair], REFERENCE.0[pair]).exp();
            let worse = reward(rejected[pair], REFERENCE.1[pair]).exp();
            -(better / (better + worse)).ln()
        };
        (0..3).map(one).sum::<f64>() / 3.0
    }

    #[test]
    fn loss_and_gradient_equal_the_bradley_terry_form() {
        let (chosen, rejected) = ([-3.5, -2.5, -12.0], [-3.25, -7.0, -1.5]);
        for beta in [0.1, 0.5, 2.0] {
            let vars = [Var::from_tensor(&tensor(chosen)).unwrap(), Var::from_tensor(&tensor(rejected)).unwrap()];
            let found = loss_of(&vars[0], &vars[1], beta);
            let loss = f64::from(found.loss.to_scalar::<f32>().unwrap());
            assert!((loss - by_shares(chosen, rejected, beta)).abs() < 1e-6, "{beta}: {loss}");
            let store = found.loss.backward().unwrap();
            for pair in 0..3 {
                let nudged = |values: [f32; 3], by: f32| {
                    let mut values = values;
                    values[pair] += by;
                    values
                };
                // Powers of two, so that a nudged value is exact.
                let step = 1.0 / 128.0;
                let slopes = [
                    by_shares(nudged(chosen, step), rejected, beta) - by_shares(nudged(chosen, -step), rejected, beta),
                    by_shares(chosen, nudged(rejected, step), beta) - by_shares(chosen, nudged(rejected, -step), beta),
                ];
                for (var, slope) in vars.iter().zip(slopes) {
                    let gradient = store.get(var).unwrap().to_vec1::<f32>().unwrap()[pair];
                    let expected = slope / f64::from(2.0 * step);
                    assert!((f64::from(gradient) - expected).abs() < 1e-5, "{beta} {pair}: {gradient} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_policy_at_its_start_prefers_neither_and_the_gradient_is_half_of_beta() {
        let (chosen, rejected) = (Var::from_tensor(&tensor(REFERENCE.0)).unwrap(), tensor(REFERENCE.1));
        let found = loss_of(&chosen, &rejected, 0.1);
        assert!((found.loss.to_scalar::<f32>().unwrap() - std::f32::consts::LN_2).abs() < 1e-7);
        let gradient = found.loss.backward().unwrap().get(&chosen).unwrap().to_vec1::<f32>().unwrap();
        assert!(gradient.iter().all(|slope| (slope + 0.1 / 2.0 / 3.0).abs() < 1e-7), "{gradient:?}");
        assert_eq!((found.rewards_chosen, found.rewards_rejected), (vec![0.0; 3], vec![0.0; 3]));
    }

    #[test]
    fn margins_far_from_zero_stay_numbers() {
        for (far, expected) in [(500.0, 0.0), (-500.0, 500.0)] {
            let chosen = Var::from_tensor(&(tensor(REFERENCE.0) + far).unwrap()).unwrap();
            let found = loss_of(&chosen, &tensor(REFERENCE.1), 1.0);
            let gradient = found.loss.backward().unwrap().get(&chosen).unwrap().to_vec1::<f32>().unwrap();
            assert!((found.loss.to_scalar::<f32>().unwrap() - expected).abs() < 1e-3);
            assert!(gradient.iter().all(|slope| slope.is_finite()), "{gradient:?}");
        }
    }
}
