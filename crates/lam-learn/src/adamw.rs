//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with f32 moments and PyTorch's order of operations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, Device, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use crate::wide::wide;
use crate::{AdamWConfig, AdamWStep, Awaited, DeviceParameters};

/// One variable and its moments.
struct Slot {
    name: String,
    variable: Var,
    moments: Moments,
}

struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// The optimizer over named variables, and over parameters on a device.
pub struct AdamW {
    slots: Vec<Slot>,
    device: Option<Arc<dyn DeviceParameters>>,
    config: AdamWConfig,
    steps: u64,
}

impl AdamW {
    /// Zero moments for every variable.
    ///
    /// # Errors
    /// A variable that is not f32.
    pub fn new(variables: Vec<(String, Var)>, config: AdamWConfig) -> Result<Self> {
        let mut slots = Vec::with_capacity(variables.len());
        for (name, variable) in variables {
            if variable.dtype() != candle_core::DType::F32 {
                bail!("variable `{name}` is {:?}; AdamW trains f32", variable.dtype());
            }
            let count = variable.elem_count();
            slots.push(Slot { name, variable, moments: Moments { first: vec![0.0; count], second: vec![0.0; count] } });
        }
        Ok(Self { slots, device: None, config, steps: 0 })
    }

    /// Steps these parameters too.
    #[must_use]
    pub fn with_device(self, device: Option<Arc<dyn DeviceParameters>>) -> Self {
        Self { device, ..self }
    }

    /// One step with one gradient a variable, in their order:
    /// θ ← θ (1 − lr·λ), then θ ← θ − lr · m̂ / (√v̂ + ε).
    ///
    /// Parameters on a device have their gradients there, as sums: `device_scale` makes them the gradients of the loss.
    ///
    /// # Errors
    /// Gradients that are not those of the variables; a device that fails.
    pub fn step(&mut self, gradients: &[Tensor], learning_rate: f64, device_scale: f64) -> Result<()> {
        if gradients.len() != self.slots.len() {
            bail!("{} gradients for {} variables", gradients.len(), self.slots.len());
        }
        let corrections = self.begin_step();
        let (slots, config) = (&mut self.slots, self.config);
        let step = |(slot, gradient): (&mut Slot, &Tensor)| {
            if gradient.shape() != slot.variable.shape() {
                bail!("variable `{}` is {:?}, its gradient {:?}", slot.name, slot.variable.dims(), gradient.dims());
            }
            let decay = if slot.variable.rank() > 1 { config.weight_decay } else { 0.0 };
            let update = Update {
                config,
                learning_rate,
                decay: (1.0 - learning_rate * decay) as f32,
                corrections,
                moments: Mutex::new(&mut slot.moments),
            };
            slot.variable.inplace_op2(&gradient.contiguous()?, &update)
        };
        // On one of rayon's threads all the way: a thread that is none of them would send over each variable alone.
        rayon::scope(|_| slots.iter_mut().zip(gradients).try_for_each(step))?;
        match &self.device {
            Some(device) => {
                device.step(&AdamWStep { config: self.config, learning_rate, corrections, scale: device_scale })
            }
            None => Ok(()),
        }
    }

    /// One step where all parameters are on a device, which clips their gradients by itself (see
    /// [`DeviceParameters::clip_and_step`]): nobody waits. Returns the sum of the squares of the gradients, unscaled. Shape:
    /// `[1]`.
    ///
    /// # Errors
    /// When some parameters are not on a device, or it fails.
    pub fn step_clipped(&mut self, learning_rate: f64, device_scale: f64, max_norm: f64) -> Result<Arc<dyn Awaited>> {
        let Some(device) = self.device.clone().filter(|_| self.slots.is_empty()) else {
            bail!("{} variables have their gradients here: their norm belongs to all", self.slots.len())
        };
        let corrections = self.begin_step();
        let step = AdamWStep { config: self.config, learning_rate, corrections, scale: device_scale };
        device.clip_and_step(&step, max_norm)
    }

    /// Counts a step; 1 − β₁ᵗ and 1 − β₂ᵗ.
    fn begin_step(&mut self) -> (f64, f64) {
        self.steps += 1;
        (1.0 - self.config.beta1.powi(self.steps as i32), 1.0 - self.config.beta2.powi(self.steps as i32))
    }

    /// The moments and the number of steps, as named tensors.
    ///
    /// # Errors
    /// When a tensor cannot be made.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut state = vec![("step".to_owned(), Tensor::from_vec(vec![self.steps as i64], 1, &Device::Cpu)?)];
        for Slot { name, variable, moments } in &self.slots {
            let tensor = |values: &[f32]| Tensor::from_slice(values, variable.shape(), &Device::Cpu);
            state.push((format!("{name}.exp_avg"), tensor(&moments.first)?));
            state.push((format!("{name}.exp_avg_sq"), tensor(&moments.second)?));
        }
        let elsewhere = self.device.as_ref().map(|device| device.moments()).transpose()?;
        for (name, first, second) in elsewhere.into_iter().flatten() {
            state.push((format!("{name}.exp_avg"), first));
            state.push((format!("{name}.exp_avg_sq"), second));
        }
        Ok(state)
    }

    /// Resumes from [`AdamW::state`].
    ///
    /// # Errors
    /// A moment that is missing or of another shape.
    pub fn load_state(&mut self, state: &HashMap<String, Tensor>) -> Result<()> {
        let find = |name: &str| match state.get(name) {
            Some(tensor) => Ok(tensor),
            None => bail!("the optimizer's state has no tensor `{name}`"),
        };
        self.steps = find("step")?.to_vec1::<i64>()?[0] as u64;
        for Slot { name, variable, moments } in &mut self.slots {
            for (suffix, moment) in [("exp_avg", &mut moments.first), ("exp_avg_sq", &mut moments.second)] {
                let tensor = find(&format!("{name}.{suffix}"))?;
                if tensor.shape() != variable.shape() {
                    bail!("`{name}.{suffix}` is {:?}, the variable {:?}", tensor.dims(), variable.dims());
                }
                *moment = tensor.flatten_all()?.to_vec1()?;
            }
        }
        let Some(device) = &self.device else { return Ok(()) };
        let both = |name: String| {
            let (first, second) = (find(&format!("{name}.exp_avg"))?, find(&format!("{name}.exp_avg_sq"))?);
            Ok((name, first.clone(), second.clone()))
        };
        device.load_moments(device.names().into_iter().map(both).collect::<Result<_>>()?)
    }
}

/// One variable's step, in place.
struct Update<'a> {
    config: AdamWConfig,
    learning_rate: f64,
    decay: f32,
    corrections: (f64, f64),
    moments: Mutex<&'a mut Moments>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, theta: &mut CpuStorage, layout: &Layout, gradient: &CpuStorage, other: &Layout) -> Result<()> {
        let (CpuStorage::F32(theta), CpuStorage::F32(gradient)) = (theta, gradient) else { bail!("AdamW trains f32") };
        let (Some((start, end)), Some((first, last))) = (layout.contiguous_offsets(), other.contiguous_offsets())
        else {
            bail!("AdamW trains contiguous variables")
        };
        let (theta, gradient) = (&mut theta[start..end], &gradient[first..last]);
        let mut moments = self.moments.lock().expect("a step does not panic");
        let Moments { first, second } = &mut **moments;
        const CHUNK: usize = 1 << 14;
        let parts = theta.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        let parts = parts.zip(first.par_chunks_mut(CHUNK)).zip(second.par_chunks_mut(CHUNK));
        let factors = self.factors();
        parts.for_each(|(((theta, gradient), first), second)| update(factors, theta, gradient, first, second));
        Ok(())
    }
}

impl Update<'_> {
    fn factors(&self) -> Factors {
        Factors {
            beta1: self.config.beta1 as f32,
            beta2: self.config.beta2 as f32,
            rest1: (1.0 - self.config.beta1) as f32,
            rest2: (1.0 - self.config.beta2) as f32,
            rate: (self.learning_rate / self.corrections.0) as f32,
            root: (1.0 / self.corrections.1.sqrt()) as f32,
            eps: self.config.eps as f32,
            decay: self.decay,
        }
    }
}

/// What a step multiplies by, the same for all numbers of a variable.
#[derive(Clone, Copy)]
struct Factors {
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    rate: f32,
    root: f32,
    eps: f32,
    decay: f32,
}

wide! {
    /// The step of some numbers.
    fn update(by: Factors, theta: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        for (((theta, &g), m), v) in theta.iter_mut().zip(gradient).zip(first).zip(second) {
            *m = by.beta1 * *m + by.rest1 * g;
            *v = by.beta2 * *v + by.rest2 * g * g;
            *theta = *theta * by.decay - by.rate * *m / (v.sqrt() * by.root + by.eps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(weight_decay: f64) -> AdamWConfig {
        AdamWConfig { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay }
    }

    /// import torch
    /// w = torch.tensor([[1., -2.], [.5, 3.]], requires_grad=True)
    /// o = torch.optim.AdamW([w], lr=.1, betas=(.9, .98), weight_decay=.01)
    /// for i in range(3):
    ///     w.grad = torch.tensor([[.1, -.2], [.3, .4]]) * (i + 1); o.step()
    /// print(w)
    #[test]
    fn three_steps_equal_pytorch() {
        let w = Var::from_slice(&[1.0f32, -2.0, 0.5, 3.0], (2, 2), &Device::Cpu).unwrap();
        let mut optimizer = AdamW::new(vec![("w".into(), w.clone())], config(0.01)).unwrap();
        for i in 0..3 {
            let g = Tensor::new(&[[0.1f32, -0.2], [0.3, 0.4]], &Device::Cpu).unwrap();
            optimizer.step(&[(g * f64::from(i + 1)).unwrap()], 0.1, 1.0).unwrap();
        }
        let found = w.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in found.iter().zip(TORCH) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    const TORCH: [f32; 4] = [0.705_778_96, -1.702_783, 0.207_277_49, 2.699_785];

    #[test]
    fn vectors_do_not_decay_and_a_restored_optimizer_goes_on_with_the_same_bits() {
        let fresh = || Var::from_slice(&[1.0f32, 2.0], 2, &Device::Cpu).unwrap();
        let g = Tensor::new(&[0.5f32, 0.25], &Device::Cpu).unwrap();
        let (plain, decayed) = (fresh(), fresh());
        let mut one = AdamW::new(vec![("n".into(), plain.clone())], config(0.0)).unwrap();
        let mut two = AdamW::new(vec![("n".into(), decayed.clone())], config(0.5)).unwrap();
        for _ in 0..2 {
            one.step(std::slice::from_ref(&g), 0.1, 1.0).unwrap();
            two.step(std::slice::from_ref(&g), 0.1, 1.0).unwrap();
        }
        let bits = |var: &Var| var.to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&plain), bits(&decayed));
        let mut resumed = AdamW::new(vec![("n".into(), decayed.clone())], config(0.5)).unwrap();
        resumed.load_state(&two.state().unwrap().into_iter().collect()).unwrap();
        resumed.step(std::slice::from_ref(&g), 0.1, 1.0).unwrap();
        one.step(std::slice::from_ref(&g), 0.1, 1.0).unwrap();
        assert_eq!(bits(&plain), bits(&decayed));
    }
}
