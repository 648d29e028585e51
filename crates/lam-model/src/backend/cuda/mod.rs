//! The decoder's arithmetic on a CUDA device: activations and products in bf16 with sums in f32, the residual stream,
//! gradients of weights and master weights in f32. What a step needs is launched in order on one stream; nothing of it
//! waits for the processor.

mod group;
pub(crate) mod ops;
mod panels;
mod quantised;
mod rows;
pub(crate) mod sources;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Error, Result};
use half::bf16;
use lam_cuda::{Buffer, CudaError, Device};

pub(crate) use group::{Group, OutputGradient, Part, Sums};
pub use ops::PANEL_BYTES;
use ops::{Ops, Seen};
pub(crate) use quantised::Quantised;
pub(crate) use rows::{Rows, Wide, stride_of};

use super::run::Run;
use super::{Backend, Input};

/// An error of the device as one of candle's tape.
pub(crate) fn wrap(error: CudaError) -> Error {
    Error::wrap(error)
}

/// A device with its operations.
#[derive(Clone, Debug)]
pub(crate) struct Cuda {
    pub(crate) ops: Ops,
    /// Ranks for which there must be room behind what groups read and give.
    room: Room,
    rope: Arc<Mutex<RopeTable>>,
}

/// The largest ranks of the groups of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    pub(crate) qkv: usize,
    pub(crate) o: usize,
    pub(crate) gate_up: usize,
    pub(crate) down: usize,
}

/// Cosines and sines up to a position. Shape: [positions, E/2, 2].
#[derive(Debug, Default)]
struct RopeTable {
    positions: usize,
    pairs: Option<Arc<Buffer<f32>>>,
}

/// A run where the device reads it.
pub(crate) struct Batch {
    run: Run,
    tokens: Buffer<i32>,
    positions: Buffer<i32>,
    rope: Arc<Buffer<f32>>,
    seen: Seen,
}

/// The weight of a norm. Shape: `[D]`.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) weight: Buffer<bf16>,
    /// Sum of the gradients by it, where it is trained.
    pub(crate) sum: Option<Mutex<Buffer<f32>>>,
}

/// The embedding, or the output layer. Shape: [V, D].
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) weight: Buffer<bf16>,
    pub(crate) size: (usize, usize),
    /// Sum of the gradients by it, where it is trained.
    pub(crate) sum: Option<Mutex<Buffer<f32>>>,
}

impl Batch {
    /// Number of tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.run.tokens.len()
    }
}

impl Cuda {
    /// On this device, for adapters of these ranks.
    pub(crate) fn new(device: Device, room: Room) -> std::result::Result<Self, CudaError> {
        Ok(Self { ops: Ops::new(device)?, room, rope: Arc::default() })
    }

    pub(crate) fn device(&self) -> &Device {
        self.ops.device()
    }

    /// The rotations of a run's positions.
    fn rope(&self, run: &Run) -> std::result::Result<Arc<Buffer<f32>>, CudaError> {
        let mut table = self.rope.lock().unwrap_or_else(PoisonError::into_inner);
        match &table.pairs {
            Some(pairs) if table.positions >= run.rope.length() => Ok(pairs.clone()),
            _ => {
                let pairs = Arc::new(self.device().upload(&run.rope.pairs())?);
                *table = RopeTable { positions: run.rope.length(), pairs: Some(pairs.clone()) };
                Ok(pairs)
            }
        }
    }

    fn normed(
        &self,
        batch: &Batch,
        (x, norm): (&Wide, &Norm),
        room: usize,
    ) -> std::result::Result<(Rows, Buffer<f32>), CudaError> {
        let (t, d) = (batch.tokens(), norm.weight.len());
        let mut y = Rows::new(self.device(), t, d, room)?;
        let mut roots = self.device().alloc::<f32>(t)?;
        let (x, w) = (x.values.all(), norm.weight.all());
        self.ops.rms_norm(x, w, (t, d), batch.run.eps, y.place_mut(), roots.all_mut())?;
        Ok((y, roots))
    }

    fn norm_gradient(
        &self,
        batch: &Batch,
        (x, norm, roots): (&Wide, &Norm, &Buffer<f32>),
        by_norm: &Rows,
        (g, first): (&mut Wide, bool),
    ) -> std::result::Result<(), CudaError> {
        let (t, d) = (batch.tokens(), norm.weight.len());
        let (x, w, roots) = (x.values.all(), norm.weight.all(), roots.all());
        if let Some(sum) = &norm.sum {
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            self.ops.rms_norm_weight_backward(x, roots, by_norm.place(), (t, d), sum.all_mut())?;
        }
        let narrow = g.narrow.as_mut().expect("a gradient has both forms");
        let by_y = by_norm.place();
        self.ops.rms_norm_backward(x, roots, w, (t, d), by_y, first, g.values.all_mut(), narrow.place_mut())
    }

    /// Rotates queries and keys to their positions.
    fn rotate(&self, batch: &Batch, qkv: &mut Rows) -> std::result::Result<(), CudaError> {
        let heads = batch.run.heads;
        let (rotated, positions) = (heads.query + heads.key_value, batch.positions.all());
        self.ops.rope(qkv.place_mut(), batch.tokens(), rotated, heads.dim, positions, batch.rope.all(), 1.0)
    }

    /// Queries and keys, each head normed, rotated; and the values.
    fn normed_heads(
        &self,
        batch: &Batch,
        qkv: &Rows,
        [query, key]: &[Norm; 2],
    ) -> std::result::Result<Rows, CudaError> {
        let (t, heads, eps) = (batch.tokens(), batch.run.heads, batch.run.eps);
        let mut normed = Rows::new(self.device(), t, qkv.columns, 0)?;
        assert_eq!(normed.stride, qkv.stride, "outputs have no room behind them");
        self.device().copy(normed.values_mut(), qkv.values())?;
        for (norm, first, count) in [(query, 0, heads.query), (key, heads.query * heads.dim, heads.key_value)] {
            let shape = (t, count, heads.dim);
            self.ops.head_norm(
                qkv.columns_from(first),
                norm.weight.all(),
                shape,
                eps,
                normed.columns_from_mut(first),
            )?;
        }
        self.rotate(batch, &mut normed)?;
        Ok(normed)
    }

    /// Turns the gradient by normed heads, of the columns from `first` on, into the one by the heads.
    fn head_norm_gradient(
        &self,
        batch: &Batch,
        (x, norm, first): (&Rows, &Norm, usize),
        count: usize,
        g: &mut Rows,
    ) -> std::result::Result<(), CudaError> {
        let (shape, eps) = ((batch.tokens(), count, batch.run.heads.dim), batch.run.eps);
        let mut sum = norm.sum.as_ref().map(|sum| sum.lock().unwrap_or_else(PoisonError::into_inner));
        let by_w = sum.as_mut().map(|sum| sum.all_mut());
        self.ops.head_norm_backward(
            x.columns_from(first),
            norm.weight.all(),
            shape,
            eps,
            g.columns_from_mut(first),
            by_w,
        )
    }

    /// Rows of the residual stream's gradient, which nobody has written yet.
    fn new_gradient(&self, t: usize, d: usize) -> std::result::Result<Wide, CudaError> {
        let room = self.room.o.max(self.room.down);
        let narrow = Some(Rows::new(self.device(), t, d, room)?);
        Ok(Wide { values: self.device().alloc(t * d)?, narrow })
    }
}

impl Backend for Cuda {
    type Batch = Batch;
    type Wide = Wide;
    type Rows = Rows;
    type Outputs = Rows;
    /// What the group read, with the adapters' inner values behind it; none where the block keeps it, or makes it again.
    type Kept = Option<Rows>;
    type LogSums = Buffer<f32>;
    type Roots = Buffer<f32>;
    type Hidden = Rows;
    type OutputGradient<'a> = OutputGradient<'a>;
    type Table = Table;
    type Norm = Norm;
    type Group = Group;
    type Gradients = ();

    fn batch(&self, run: Run) -> Result<Batch> {
        let integers = |values: Vec<i32>| self.device().upload(&values).map_err(wrap);
        let tokens = integers(run.tokens.iter().map(|&token| token as i32).collect())?;
        let positions = integers(run.positions.iter().map(|&position| position as i32).collect())?;
        let rope = self.rope(&run).map_err(wrap)?;
        let seen = self.ops.seen(&run.spans, run.heads, run.tokens.len()).map_err(wrap)?;
        Ok(Batch { run, tokens, positions, rope, seen })
    }

    fn embed(&self, batch: &Batch, table: &Table) -> Result<Wide> {
        let (t, d) = (batch.tokens(), table.size.1);
        let mut values = self.device().alloc::<f32>(t * d).map_err(wrap)?;
        self.ops.embed(batch.tokens.all(), table.weight.all(), d, values.all_mut()).map_err(wrap)?;
        Ok(Wide { values, narrow: None })
    }

    fn embed_backward(&self, batch: &Batch, table: &Table, g: &Wide, (): &mut ()) -> Result<()> {
        let Some(sum) = &table.sum else { return Ok(()) };
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        self.ops.embed_backward(&batch.run.tokens, g.values.all(), table.size.1, sum.all_mut()).map_err(wrap)
    }

    fn trains_table(&self, table: &Table) -> bool {
        table.sum.is_some()
    }

    fn norm(&self, batch: &Batch, x: &Wide, norm: &Norm) -> Result<(Rows, Buffer<f32>)> {
        self.normed(batch, (x, norm), self.room.qkv.max(self.room.gate_up)).map_err(wrap)
    }

    fn final_norm(&self, batch: &Batch, x: &Wide, norm: &Norm) -> Result<(Rows, Buffer<f32>)> {
        self.normed(batch, (x, norm), 0).map_err(wrap)
    }

    fn final_norm_backward(
        &self,
        batch: &Batch,
        of: (&Wide, &Norm, &Buffer<f32>),
        by_hidden: &Rows,
        (): &mut (),
    ) -> Result<Wide> {
        let mut g = self.new_gradient(batch.tokens(), of.1.weight.len()).map_err(wrap)?;
        self.norm_gradient(batch, of, by_hidden, (&mut g, true)).map_err(wrap)?;
        Ok(g)
    }

    fn norm_backward(
        &self,
        batch: &Batch,
        of: (&Wide, &Norm, &Buffer<f32>),
        by_norm: Rows,
        g: &mut Wide,
        (): &mut (),
    ) -> Result<()> {
        self.norm_gradient(batch, of, &by_norm, (g, false)).map_err(wrap)
    }

    fn trains_norm(&self, norm: &Norm) -> bool {
        norm.sum.is_some()
    }

    fn apply(&self, batch: &Batch, (block, group): (usize, &Group), x: Rows) -> Result<(Rows, Option<Rows>)> {
        let y = group.forward(&self.ops, (&batch.run, block), &x).map_err(wrap)?;
        Ok((y, Some(x)))
    }

    fn apply_onto(
        &self,
        batch: &Batch,
        (block, group): (usize, &Group),
        x: &mut Rows,
        onto: &Wide,
    ) -> Result<(Wide, Option<Rows>)> {
        let y = group.forward_onto(&self.ops, (&batch.run, block), x, onto).map_err(wrap)?;
        Ok((y, None))
    }

    fn gradient_of_sum<'a>(
        &self,
        _: &Batch,
        (block, group): (usize, &'a Group),
        g: &'a mut Wide,
    ) -> Result<OutputGradient<'a>> {
        let narrow = g.narrow.as_ref().expect("a gradient has both forms");
        group.gradient(&self.ops, block, narrow).map_err(wrap)
    }

    fn gradient_of_outputs<'a>(
        &self,
        _: &Batch,
        (block, group): (usize, &'a Group),
        g: &'a mut Rows,
    ) -> Result<OutputGradient<'a>> {
        group.gradient(&self.ops, block, g).map_err(wrap)
    }

    fn by_input(&self, batch: &Batch, g: &OutputGradient<'_>) -> Result<Rows> {
        // Of the output or the down layer, whose own adapter wants room again behind what they read.
        g.by_input(&self.ops, &batch.run, self.room.o.max(self.room.down)).map_err(wrap)
    }

    fn by_norm(&self, batch: &Batch, g: &OutputGradient<'_>) -> Result<Rows> {
        g.by_input(&self.ops, &batch.run, 0).map_err(wrap)
    }

    fn by_weights(
        &self,
        batch: &Batch,
        g: &OutputGradient<'_>,
        (input, kept): (Input<'_, Self>, &Option<Rows>),
        (): &mut (),
    ) -> Result<()> {
        let (x, has_inner) = match (input, kept) {
            (Input::Rows(x), _) => (x, true),
            (Input::Again(x), _) => (x, false),
            (Input::Normed(..), Some(kept)) => (kept, true),
            (Input::Normed(..), None) => unreachable!("a group that reads a norm keeps it"),
        };
        g.by_weights(&self.ops, &batch.run, x, has_inner).map_err(wrap)
    }

    fn attention(&self, batch: &Batch, qkv: &mut Rows, norms: Option<&[Norm; 2]>) -> Result<(Rows, Buffer<f32>)> {
        let (t, heads) = (batch.tokens(), batch.run.heads);
        let mut run = || {
            // Where heads are normed, the backward reads queries and keys as they are, and makes the rotated ones again.
            let normed = norms.map(|norms| self.normed_heads(batch, qkv, norms)).transpose()?;
            if normed.is_none() {
                self.rotate(batch, qkv)?;
            }
            let qkv = normed.as_ref().unwrap_or(qkv);
            let mut o = Rows::new(self.device(), t, heads.query * heads.dim, self.room.o)?;
            let mut log_sums = self.device().alloc::<f32>(heads.query * t)?;
            self.ops.attention(qkv.place(), heads, &batch.seen, o.place_mut(), log_sums.all_mut())?;
            Ok((o, log_sums))
        };
        run().map_err(wrap)
    }

    fn attention_backward(
        &self,
        batch: &Batch,
        (qkv, norms): (Rows, Option<&[Norm; 2]>),
        (o, log_sums): (Rows, Buffer<f32>),
        by_o: Rows,
        (): &mut (),
    ) -> Result<Rows> {
        let (t, heads) = (batch.tokens(), batch.run.heads);
        let run = || {
            let mut delta = self.device().alloc::<f32>(heads.query * t)?;
            self.ops.attention_delta(o.place(), by_o.place(), heads, t, delta.all_mut())?;
            let mut by_qkv = Rows::new(self.device(), t, qkv.columns, self.room.qkv)?;
            let rope = Some((batch.rope.all(), batch.positions.all()));
            let (log_sums, delta) = (log_sums.all(), delta.all());
            let normed = norms.map(|norms| self.normed_heads(batch, &qkv, norms)).transpose()?;
            let (read, by_o) = (normed.as_ref().unwrap_or(&qkv).place(), by_o.place());
            self.ops.attention_backward(read, by_o, log_sums, delta, heads, &batch.seen, rope, by_qkv.place_mut())?;
            if let Some([query, key]) = norms {
                self.head_norm_gradient(batch, (&qkv, query, 0), heads.query, &mut by_qkv)?;
                self.head_norm_gradient(batch, (&qkv, key, heads.query * heads.dim), heads.key_value, &mut by_qkv)?;
            }
            Ok(by_qkv)
        };
        run().map_err(wrap)
    }

    fn swiglu(&self, batch: &Batch, gate_up: &Rows) -> Result<Rows> {
        let (t, f) = (batch.tokens(), gate_up.columns / 2);
        let mut y = Rows::new(self.device(), t, f, self.room.down).map_err(wrap)?;
        self.ops.swiglu(gate_up.place(), (t, f), y.place_mut()).map_err(wrap)?;
        Ok(y)
    }

    fn swiglu_backward(&self, batch: &Batch, gate_up: &mut Rows, g: &mut Rows) -> Result<()> {
        let (t, f) = (batch.tokens(), gate_up.columns / 2);
        let mut by_gate_up = Rows::new(self.device(), t, 2 * f, self.room.gate_up).map_err(wrap)?;
        let places = (by_gate_up.place_mut(), g.place_mut());
        self.ops.swiglu_backward(gate_up.place(), (t, f), places.0, places.1).map_err(wrap)?;
        *gate_up = by_gate_up;
        Ok(())
    }
}
