//! The processor's network as one node of candle's tape.
//!
//! candle's operations take at most three arguments, and its tape keeps and copies much. So the network runs and
//! differentiates itself, and hangs on the tape by a thread: a scalar passes through one [`Tie`] for each trained
//! weight and into [`NetworkOp`]. On the way back, the network computes all gradients and leaves them in a shared place;
//! each tie then picks up the one of its weight.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::{Kept, Network};
use crate::backend::Backend;
use crate::backend::cpu::Cpu;
use crate::backend::run::Run;
use crate::backend::storage;
use crate::backend::storage::buffer::Buffer;
use crate::backend::storage::weight::{Gradients, Weight};
use crate::threads::on_pool;

impl Network<Cpu> {
    /// Hidden states of a run. With `keep`, the tape leads back to those of `weights` that are trained. Shape: [T, D].
    pub(crate) fn hidden<'w>(
        self,
        run: Run,
        weights: impl Iterator<Item = &'w Weight>,
        (keep, width): (bool, usize),
    ) -> Result<Tensor> {
        let gradients = Arc::new(Mutex::new(Gradients::default()));
        let mut thread = storage::tensor(vec![0.0], ())?;
        let mut tied = false;
        for weight in weights.filter(|_| keep) {
            if let (Some(var), Some(index)) = (weight.variable(), weight.index()) {
                thread = thread.apply_op2(var.as_tensor(), Tie { index, gradients: gradients.clone() })?;
                tied = true;
            }
        }
        let batch = self.on.batch(run)?;
        thread.apply_op1(NetworkOp { network: self, width, batch, keep: tied, kept: Mutex::new(None), gradients })
    }
}

struct NetworkOp {
    network: Network<Cpu>,
    width: usize,
    batch: Run,
    keep: bool,
    kept: Mutex<Option<Kept<Cpu>>>,
    gradients: Arc<Mutex<Gradients>>,
}

impl CustomOp1 for NetworkOp {
    fn name(&self) -> &'static str {
        "decoder-network"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (hidden, kept) = on_pool(|| self.network.forward(&self.batch, self.keep))?;
        if self.keep {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        }
        // Candle's numbers lie in a `Vec`, a buffer's on pages of its own.
        Ok((CpuStorage::F32(hidden.to_vec()), Shape::from((self.batch.tokens.len(), self.width))))
    }

    fn bwd(&self, thread: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(kept) = kept else { bail!("the backward of the decoder can run only once") };
        let by_hidden = Buffer::of(&storage::values(&g.contiguous()?)?);
        let mut gradients = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        let gradients = &mut *gradients;
        on_pool(|| self.network.backward(&self.batch, kept, &by_hidden, gradients))?;
        Ok(Some(thread.zeros_like()?))
    }
}

/// Ties one trained weight to the thread.
struct Tie {
    index: usize,
    gradients: Arc<Mutex<Gradients>>,
}

impl CustomOp2 for Tie {
    fn name(&self) -> &'static str {
        "decoder-tie"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, weight: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = self.gradients.lock().unwrap_or_else(PoisonError::into_inner).take(self.index);
        let gradient = gradient.map(|values| storage::tensor(values, weight.shape())).transpose()?;
        Ok((Some(g.clone()), gradient))
    }
}
