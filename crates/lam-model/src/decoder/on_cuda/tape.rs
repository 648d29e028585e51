//! Nodes of candle's tape whose work is done on a CUDA device: the network, and what is made of its hidden states.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use lam_cuda::{Buffer, CudaError};

use super::{CudaHidden, Gradient, OnCuda};
use crate::backend::cuda::{Batch, Cuda, Rows, wrap};
use crate::decoder::network::Kept;

/// The network: the gradient by its hidden states is found beside them.
pub(super) struct NetworkOp {
    on: Arc<OnCuda>,
    kept: Mutex<Option<(Batch, Kept<Cuda>)>>,
    gradient: Gradient,
}

impl NetworkOp {
    pub(super) fn new(on: Arc<OnCuda>, kept: (Batch, Kept<Cuda>), gradient: Gradient) -> Self {
        Self { on, kept: Mutex::new(Some(kept)), gradient }
    }
}

impl CustomOp1 for NetworkOp {
    fn name(&self) -> &'static str {
        "decoder-network-on-cuda"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, anchor: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((batch, kept)) = kept else { bail!("the backward of the decoder can run only once") };
        let gradient = self.gradient.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(gradient) = gradient {
            let by_hidden = self.on.narrowed(&batch, &gradient).map_err(wrap)?;
            drop(gradient);
            self.on.network.backward(&batch, kept, &by_hidden, &mut ())?;
        }
        Ok(Some(anchor.zeros_like()?))
    }
}

impl OnCuda {
    fn narrowed(&self, batch: &Batch, gradient: &Buffer<f32>) -> std::result::Result<Rows, CudaError> {
        let t = batch.tokens();
        let d = gradient.len() / t;
        let mut rows = Rows::new(self.device(), t, d, 0)?;
        self.ops().cast(gradient.all(), (t, d), rows.place_mut())?;
        Ok(rows)
    }
}

/// What a loss does on the way back, given the gradient by its values: tells the gradient by the hidden states, and returns
/// that by the weights of a scalar head, where there is one.
pub(super) type Back = Box<dyn FnOnce(&[f32]) -> Result<Option<Vec<f32>>> + Send>;

/// Values that were computed on the device.
struct ValuesOp {
    values: Vec<f32>,
    shape: Shape,
    back: Mutex<Option<Back>>,
}

impl ValuesOp {
    fn forward(&self) -> (CpuStorage, Shape) {
        (CpuStorage::F32(self.values.clone()), self.shape.clone())
    }

    fn backward(&self, g: &Tensor) -> Result<Option<Vec<f32>>> {
        let back = self.back.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(back) = back else { bail!("the backward of a loss can run only once") };
        back(&g.flatten_all()?.to_vec1::<f32>()?)
    }
}

impl CustomOp1 for ValuesOp {
    fn name(&self) -> &'static str {
        "of-hidden-states-on-cuda"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward())
    }

    fn bwd(&self, thread: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        self.backward(g)?;
        Ok(Some(thread.zeros_like()?))
    }
}

/// The same, with the weights of a scalar head.
struct ScoresOp(ValuesOp);

impl CustomOp2 for ScoresOp {
    fn name(&self) -> &'static str {
        "scores-on-cuda"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(self.0.forward())
    }

    fn bwd(
        &self,
        thread: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let by_weight = self.0.backward(g)?;
        let by_weight =
            by_weight.map(|values| Tensor::from_vec(values, weight.shape(), weight.device())).transpose()?;
        Ok((Some(thread.zeros_like()?), by_weight))
    }
}

impl CudaHidden {
    /// Values on the tape; `back` is called on the way back.
    pub(super) fn values(&self, values: Vec<f32>, shape: impl Into<Shape>, back: Back) -> Result<Tensor> {
        self.thread.apply_op1(ValuesOp { values, shape: shape.into(), back: Mutex::new(Some(back)) })
    }

    /// Values of a scalar head on the tape.
    pub(super) fn scored(&self, values: Vec<f32>, weight: &Tensor, back: Back) -> Result<Tensor> {
        let shape = Shape::from(values.len());
        self.thread.apply_op2(weight, ScoresOp(ValuesOp { values, shape, back: Mutex::new(Some(back)) }))
    }

    /// Adds to the gradient by the hidden states.
    pub(super) fn tell(&self, gradient: Buffer<f32>, factor: f32) -> std::result::Result<(), CudaError> {
        let mut place = self.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() && factor == 1.0 {
            *place = Some(gradient);
            return Ok(());
        }
        let mut sum = match place.take() {
            Some(sum) => sum,
            None => self.on.device().zeros(gradient.len())?,
        };
        self.on.ops().add_scaled(gradient.all(), factor, sum.all_mut())?;
        *place = Some(sum);
        Ok(())
    }
}
