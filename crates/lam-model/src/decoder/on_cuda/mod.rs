//! A decoder on a CUDA device: its network there, what is trained of it, and its hidden states on candle's tape.
//!
//! Candle's tape carries scalars and one value a target. The network hangs on it by an anchor: a variable that nobody
//! trains, from which the hidden states follow. What a loss finds by the hidden states is put into a place beside them on
//! the way back, and the network takes it from there; gradients of weights stay on the device.
//!
//! A step of training waits for nothing: lists go through staging, cross-entropies and the gradient's norm are read late
//! ([`lam_cuda::Late`]), and the device clips by itself. All work stands on one stream, which is what orders it: a step's
//! launches, the copies to and from it, and the next owner of memory that was given back. What is made on candle's tape of
//! values of the device needs them, and waits once for each: log-probabilities and scores of a batch (PPO's ratios, a value
//! head, a reward model), the gradient by a scalar head's weight, whose variable is the processor's, and with it the norm.

mod losses;
mod parameters;
mod tape;
mod upload;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor, Var};
use lam_cuda::{Buffer, Device, Late};
use lam_learn::{AdamWStep, Awaited, DeviceParameters};

use super::network::Network;
use super::weights::Stack;
use crate::ModelError;
use crate::backend::cuda::ops::Ops;
use crate::backend::cuda::{Cuda, Rows, Table, wrap};
use crate::backend::run::Run;
use crate::backend::storage::weight::Weight;
use crate::backend::{Backend, TAPE};
use parameters::Parameters;
use tape::NetworkOp;
use upload::Upload;

/// A decoder's network on a CUDA device.
#[derive(Debug)]
pub(crate) struct OnCuda {
    pub(crate) network: Network<Cuda>,
    /// The output layer, where it is not the embedding.
    head: Option<Table>,
    parameters: Parameters,
    anchor: Var,
}

/// Hidden states on the device. Shape: [T, D].
#[derive(Clone, Debug)]
pub(crate) struct CudaHidden {
    on: Arc<OnCuda>,
    /// Leads back to the network on candle's tape. Shape: [].
    thread: Tensor,
    rows: Arc<Rows>,
    /// The gradient by them, as far as losses have told theirs. Shape: [T, D].
    gradient: Gradient,
}

/// Numbers that the device may still be computing.
#[derive(Debug)]
struct Numbers(Late<f32>);

impl Awaited for Numbers {
    fn wait(&self) -> Result<Vec<f32>> {
        self.0.wait().map_err(wrap)
    }
}

/// A place for the gradient by hidden states.
type Gradient = Arc<Mutex<Option<Buffer<f32>>>>;

impl OnCuda {
    /// Brings weights to a device.
    pub(crate) fn new(
        device: &Device,
        stack: &Stack,
        head: Option<&Weight>,
        checkpointing: bool,
    ) -> std::result::Result<Self, ModelError> {
        let mut upload = Upload::new(device);
        let (network, own_head) = upload.stack(stack, head, checkpointing)?;
        let parameters = upload.parameters(&network.on.ops, stack.weights().chain(head))?;
        let anchor = Var::zeros((), candle_core::DType::F32, &TAPE)?;
        Ok(Self { network, head: own_head, parameters, anchor })
    }

    /// Hidden states of a run; with `keep`, on candle's tape.
    pub(crate) fn hidden(self: Arc<Self>, run: Run, keep: bool) -> Result<CudaHidden> {
        let batch = self.network.on.batch(run)?;
        let (rows, kept) = self.network.forward(&batch, keep)?;
        let gradient = Gradient::default();
        let thread = if keep {
            let op = NetworkOp::new(self.clone(), (batch, kept), gradient.clone());
            self.anchor.as_tensor().apply_op1(op)?
        } else {
            Tensor::new(0.0_f32, &TAPE)?
        };
        Ok(CudaHidden { on: self, thread, rows: Arc::new(rows), gradient })
    }

    /// Brings the variables up to date.
    pub(crate) fn fetch(&self) -> Result<()> {
        self.parameters.fetch()
    }

    /// Brings the device up to date with the variables.
    pub(crate) fn send(&self) -> Result<()> {
        self.parameters.send(self.ops())
    }

    fn ops(&self) -> &Ops {
        &self.network.on.ops
    }

    /// Where it is.
    pub(crate) fn device(&self) -> &Device {
        self.network.on.device()
    }

    pub(crate) fn output(&self) -> &Table {
        self.head.as_ref().unwrap_or(&self.network.embedding)
    }

    /// Every sum of gradients on the device.
    fn for_each_sum(&self, mut each: impl FnMut(&mut Buffer<f32>) -> Result<()>) -> Result<()> {
        let mut of = |sum: &Option<Mutex<Buffer<f32>>>| match sum {
            Some(sum) => each(&mut sum.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Ok(()),
        };
        of(&self.network.embedding.sum)?;
        of(&self.network.norm.sum)?;
        if let Some(head) = &self.head {
            of(&head.sum)?;
        }
        for block in &self.network.blocks {
            of(&block.input_norm.sum)?;
            of(&block.post_norm.sum)?;
            block.head_norms.iter().flatten().try_for_each(|norm| of(&norm.sum))?;
        }
        for group in self.network.blocks.iter().flat_map(|block| [&block.qkv, &block.o, &block.gate_up, &block.down]) {
            let mut sums = group.sums();
            let sums = &mut *sums;
            [&mut sums.a, &mut sums.b, &mut sums.w, &mut sums.bias].into_iter().flatten().try_for_each(&mut each)?;
        }
        Ok(())
    }
}

impl DeviceParameters for OnCuda {
    fn names(&self) -> Vec<String> {
        self.parameters.names()
    }

    fn train_only(&self, names: &[String]) -> Result<()> {
        self.parameters.train_only(names, self.ops())
    }

    fn clear_gradients(&self) -> Result<()> {
        self.for_each_sum(|sum| self.device().fill_zero(sum.all_mut()).map_err(wrap))
    }

    fn squared_norm(&self) -> Result<f64> {
        self.parameters.squared_norm(self.ops()).map_err(wrap)
    }

    fn step(&self, step: &AdamWStep) -> Result<()> {
        self.parameters.step(self.ops(), step).map_err(wrap)
    }

    fn clip_and_step(&self, step: &AdamWStep, max_norm: f64) -> Result<Arc<dyn Awaited>> {
        let squares = self.parameters.clip_and_step(self.ops(), step, max_norm).map_err(wrap)?;
        Ok(Arc::new(Numbers(squares)))
    }

    fn moments(&self) -> Result<Vec<(String, Tensor, Tensor)>> {
        self.parameters.moments()
    }

    fn load_moments(&self, moments: Vec<(String, Tensor, Tensor)>) -> Result<()> {
        self.parameters.load_moments(moments)
    }
}

impl CudaHidden {
    /// Number of tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.rows.count
    }

    /// The values, off the tape. Shape: [T, D].
    pub(crate) fn to_tensor(&self) -> Result<Tensor> {
        let (t, d) = (self.rows.count, self.rows.columns);
        let fetch = || {
            let mut wide = self.on.device().alloc::<f32>(t * d)?;
            self.on.ops().widen(self.rows.place(), (t, d), wide.all_mut())?;
            self.on.device().read(&wide)
        };
        Tensor::from_vec(fetch().map_err(wrap)?, (t, d), &TAPE)
    }
}
