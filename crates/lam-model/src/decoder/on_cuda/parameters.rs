//! What is trained on a CUDA device: master weights and moments in f32, gradients where the backward adds them up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{Result, Tensor, Var, bail};
use lam_cuda::{Buffer, CudaError, Device, Late, View};
use lam_learn::AdamWStep;

use crate::backend::cuda::ops::{AdamWHyper, Clip, Ops, Segment, Segments};
use crate::backend::cuda::wrap;
use crate::backend::storage;

/// Parameters begin at multiples of so many values: one block of the optimizer's kernels.
const BLOCK: usize = 1024;

/// A trained weight: its variable in the processor's memory, and where its gradient and its copies are on the device.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) variable: Var,
    /// Without its place among the parameters.
    pub(super) segment: Segment,
}

/// All trained weights, one after the other.
#[derive(Debug)]
pub(super) struct Parameters {
    device: Device,
    all: Vec<Parameter>,
    state: Mutex<State>,
}

/// Those that are trained, and what changes at a step.
#[derive(Debug)]
struct State {
    /// Which of all they are, and where each begins.
    chosen: Vec<(usize, usize)>,
    values: Buffer<f32>,
    first: Buffer<f32>,
    second: Buffer<f32>,
    segments: Segments,
}

impl Parameters {
    /// All of these are trained, with the values of their variables.
    pub(super) fn new(device: Device, all: Vec<Parameter>, ops: &Ops) -> Result<Self> {
        let state = State::new(&device, &all, (0..all.len()).collect()).map_err(wrap)?;
        let parameters = Self { device, all, state: Mutex::new(state) };
        parameters.send(ops)?;
        Ok(parameters)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of those that are trained.
    pub(super) fn names(&self) -> Vec<String> {
        self.state().chosen.iter().map(|&(which, _)| self.all[which].name.clone()).collect()
    }

    /// From now on, these alone are trained, from no moments.
    pub(super) fn train_only(&self, names: &[String], ops: &Ops) -> Result<()> {
        let chosen: Vec<usize> = (0..self.all.len()).filter(|&which| names.contains(&self.all[which].name)).collect();
        if chosen.len() < self.state().chosen.len() {
            *self.state() = State::new(&self.device, &self.all, chosen).map_err(wrap)?;
            self.send(ops)?;
        }
        Ok(())
    }

    /// Sum of the squares of the gradients.
    pub(super) fn squared_norm(&self, ops: &Ops) -> std::result::Result<f64, CudaError> {
        let state = self.state();
        if state.segments.is_empty() {
            return Ok(0.0);
        }
        let mut sum = self.device.alloc::<f32>(1)?;
        ops.squared_norm(&state.segments, sum.all_mut())?;
        Ok(f64::from(self.device.read(&sum)?[0]))
    }

    /// One step.
    pub(super) fn step(&self, ops: &Ops, step: &AdamWStep) -> std::result::Result<(), CudaError> {
        self.state().step(ops, step, None)
    }

    /// One step whose gradients the device clips by itself; the sum of their squares, which comes later, first.
    pub(super) fn clip_and_step(
        &self,
        ops: &Ops,
        step: &AdamWStep,
        max_norm: f64,
    ) -> std::result::Result<Late<f32>, CudaError> {
        let mut state = self.state();
        let (mut squares, mut found) = (self.device.alloc::<f32>(1)?, self.device.alloc::<f32>(2)?);
        ops.squared_norm(&state.segments, squares.all_mut())?;
        ops.clip(squares.all(), Clip { scale: step.scale, most: max_norm }, found.all_mut())?;
        state.step(ops, step, Some(found.view(1..)))?;
        self.device.read_late(found.view(..1))
    }

    /// Brings the device up to date with the variables: master weights and their copies in bf16.
    pub(super) fn send(&self, ops: &Ops) -> Result<()> {
        let mut state = self.state();
        for (which, start) in state.chosen.clone() {
            let values = storage::values(self.all[which].variable.as_tensor())?;
            self.device.write(state.values.view_mut(start..start + values.len()), &values).map_err(wrap)?;
        }
        if state.segments.is_empty() {
            return Ok(());
        }
        ops.publish(&state.segments, state.values.all()).map_err(wrap)
    }

    /// Brings the variables up to date with the device.
    pub(super) fn fetch(&self) -> Result<()> {
        let state = self.state();
        for &(which, start) in &state.chosen {
            let tensor = self.tensor(&state.values, (which, start))?;
            self.all[which].variable.set(&tensor)?;
        }
        Ok(())
    }

    /// Name, first and second moment of those that are trained.
    pub(super) fn moments(&self) -> Result<Vec<(String, Tensor, Tensor)>> {
        let state = self.state();
        let moments = state.chosen.iter().map(|&place| {
            let (first, second) = (self.tensor(&state.first, place)?, self.tensor(&state.second, place)?);
            Ok((self.all[place.0].name.clone(), first, second))
        });
        moments.collect()
    }

    /// Takes over moments.
    pub(super) fn load_moments(&self, moments: Vec<(String, Tensor, Tensor)>) -> Result<()> {
        let mut state = self.state();
        for (name, first, second) in moments {
            let place = state.chosen.iter().find(|(which, _)| self.all[*which].name == name);
            let Some(&(which, start)) = place else {
                bail!("the optimizer's state is of `{name}`, which is not trained on the device")
            };
            let variable = &self.all[which].variable;
            let state = &mut *state;
            for (tensor, buffer) in [(first, &mut state.first), (second, &mut state.second)] {
                if tensor.shape() != variable.shape() {
                    bail!("a moment of `{name}` is {:?}, the variable {:?}", tensor.dims(), variable.dims());
                }
                let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                self.device.write(buffer.view_mut(start..start + values.len()), &values).map_err(wrap)?;
            }
        }
        Ok(())
    }

    fn tensor(&self, buffer: &Buffer<f32>, (which, start): (usize, usize)) -> Result<Tensor> {
        let variable = &self.all[which].variable;
        let values = self.device.read(buffer.view(start..start + variable.elem_count())).map_err(wrap)?;
        storage::tensor(values, variable.shape())
    }
}

impl State {
    /// One step; `scaled` is the scale of the gradients, where the device finds it.
    fn step(
        &mut self,
        ops: &Ops,
        step: &AdamWStep,
        scaled: Option<View<'_, f32>>,
    ) -> std::result::Result<(), CudaError> {
        let State { values, first, second, segments, .. } = self;
        if segments.is_empty() {
            return Ok(());
        }
        let hyper = AdamWHyper {
            rate: step.learning_rate as f32,
            beta1: step.config.beta1 as f32,
            beta2: step.config.beta2 as f32,
            eps: step.config.eps as f32,
            decay: step.config.weight_decay as f32,
            correction1: step.corrections.0 as f32,
            correction2: step.corrections.1 as f32,
            scale: step.scale as f32,
        };
        ops.adamw(segments, values.all_mut(), first.all_mut(), second.all_mut(), (&hyper, scaled))
    }

    /// Room for the values and moments of some parameters, whose values come with [`Parameters::send`].
    fn new(device: &Device, all: &[Parameter], which: Vec<usize>) -> std::result::Result<Self, CudaError> {
        let (mut total, mut chosen, mut segments) = (0, Vec::new(), Vec::new());
        for which in which {
            let count = all[which].variable.elem_count();
            chosen.push((which, total));
            segments.push(Segment { start: total as i64, n: count as i64, ..all[which].segment });
            total += count.next_multiple_of(BLOCK);
        }
        Ok(Self {
            chosen,
            values: device.zeros(total)?,
            first: device.zeros(total)?,
            second: device.zeros(total)?,
            segments: Segments::new(device, segments)?,
        })
    }
}
