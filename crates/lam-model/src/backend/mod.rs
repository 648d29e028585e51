//! Where the decoder computes. [`Backend`] is the waist: the stack of blocks is written once over its operations
//! (`decoder/network/`), and each device has a folder of its own.
//!
//! A device keeps numbers in a form of its own: weights, activations, gradients and what a forward keeps for its backward
//! are the backend's types, and stay where they are computed. The processor's (`cpu/`) are slices in memory (`storage/`),
//! loops over them (`kernel/`) and the decoder's operations (`ops/`).
//!
//! T tokens, D width, H query heads, E head width, K inputs and N outputs of a linear layer, F feed-forward width, V vocabulary.

use std::fmt::Debug;

use candle_core::Result;

pub(crate) mod cpu;
pub(crate) mod cuda;
pub(crate) mod heads;
pub(crate) mod run;

/// The processor's numbers are those that files are read into and written from.
pub(crate) use cpu::storage::TAPE;
pub(crate) use cpu::{ops, storage};
use run::Run;

/// The input of a group of linear layers, for the gradients by their weights: as rows, or to be made again.
pub(crate) enum Input<'a, B: Backend> {
    /// The rows that the group read.
    Rows(&'a B::Rows),
    /// The same, made once more.
    Again(&'a B::Rows),
    /// Norm of these.
    Normed(&'a B::Wide, &'a B::Norm),
}

/// The operations of a decoder on a device, with their backwards.
///
/// A *group* is the linear layers of a block that read the same rows (query, key and value; gate and up; output and down
/// alone), with the adapters beside them: a device may make one product of them.
pub(crate) trait Backend: Clone + Debug + Send + Sync + 'static {
    /// The run's tokens, positions and documents where they are read.
    type Batch: Send + Sync;
    /// Rows of f32: the residual stream and the gradient by it. Shape: [T, D].
    type Wide: Send;
    /// Rows that a group reads, in the run's precision. Shape: [T, K].
    type Rows: Send;
    /// What a group gives, in the run's precision. Shape of each layer's: [T, N].
    type Outputs: Send;
    /// What the backward of a group wants from its forward.
    type Kept: Send;
    /// Logarithms of the denominators of attention. Shape: [T, H].
    type LogSums: Send;
    /// What the backward of a norm wants from its forward. Shape: `[T]`, or nothing.
    type Roots: Send;
    /// Rows after the final norm, and the gradient by them; also the gradient by what a norm gave. Shape: [T, D].
    type Hidden: Send;
    /// The gradient by a group's outputs, ready for those by its input and its weights.
    type OutputGradient<'a>;
    /// A matrix that rows are taken from: the embedding. Shape: [V, D].
    type Table: Debug + Send + Sync;
    /// The weight of a norm. Shape: `[D]`; over a head, `[E]`.
    type Norm: Debug + Send + Sync;
    /// The weights of a group, its biases and its adapters.
    type Group: Debug + Send + Sync;
    /// Sums of the gradients by what is trained.
    type Gradients: Default + Send;

    /// Brings a run's description to the device.
    fn batch(&self, run: Run) -> Result<Self::Batch>;

    /// Rows of the table.
    fn embed(&self, batch: &Self::Batch, table: &Self::Table) -> Result<Self::Wide>;
    /// Adds the rows of `g` to the gradient by the table, if it is trained.
    fn embed_backward(
        &self,
        batch: &Self::Batch,
        table: &Self::Table,
        g: &Self::Wide,
        gradients: &mut Self::Gradients,
    ) -> Result<()>;
    /// Whether the table is trained.
    fn trains_table(&self, table: &Self::Table) -> bool;

    /// RMSNorm, for a group to read.
    fn norm(&self, batch: &Self::Batch, x: &Self::Wide, norm: &Self::Norm) -> Result<(Self::Rows, Self::Roots)>;
    /// RMSNorm at the stack's end.
    fn final_norm(&self, batch: &Self::Batch, x: &Self::Wide, norm: &Self::Norm)
    -> Result<(Self::Hidden, Self::Roots)>;
    /// The gradient by the last block's output, from the one by the hidden states.
    fn final_norm_backward(
        &self,
        batch: &Self::Batch,
        of: (&Self::Wide, &Self::Norm, &Self::Roots),
        by_hidden: &Self::Hidden,
        gradients: &mut Self::Gradients,
    ) -> Result<Self::Wide>;
    /// Adds to `g` the gradient by x, from the one by the norm of x.
    fn norm_backward(
        &self,
        batch: &Self::Batch,
        of: (&Self::Wide, &Self::Norm, &Self::Roots),
        by_norm: Self::Hidden,
        g: &mut Self::Wide,
        gradients: &mut Self::Gradients,
    ) -> Result<()>;
    /// Whether the norm's weight is trained.
    fn trains_norm(&self, norm: &Self::Norm) -> bool;

    /// The outputs of a group, which is in the block of the number beside it.
    fn apply(
        &self,
        batch: &Self::Batch,
        place: (usize, &Self::Group),
        x: Self::Rows,
    ) -> Result<(Self::Outputs, Self::Kept)>;
    /// The output of a group of one layer, added to `onto`.
    fn apply_onto(
        &self,
        batch: &Self::Batch,
        place: (usize, &Self::Group),
        x: &mut Self::Rows,
        onto: &Self::Wide,
    ) -> Result<(Self::Wide, Self::Kept)>;
    /// The gradient by the output of a group of one layer: the residual stream's.
    fn gradient_of_sum<'a>(
        &self,
        batch: &Self::Batch,
        place: (usize, &'a Self::Group),
        g: &'a mut Self::Wide,
    ) -> Result<Self::OutputGradient<'a>>;
    /// The gradient by the outputs of a group.
    fn gradient_of_outputs<'a>(
        &self,
        batch: &Self::Batch,
        place: (usize, &'a Self::Group),
        g: &'a mut Self::Outputs,
    ) -> Result<Self::OutputGradient<'a>>;
    /// The gradient by a group's input, in the run's precision.
    fn by_input(&self, batch: &Self::Batch, g: &Self::OutputGradient<'_>) -> Result<Self::Rows>;
    /// The gradient by a group's input that is a norm.
    fn by_norm(&self, batch: &Self::Batch, g: &Self::OutputGradient<'_>) -> Result<Self::Hidden>;
    /// Adds the gradients by whatever is trained in a group.
    fn by_weights(
        &self,
        batch: &Self::Batch,
        g: &Self::OutputGradient<'_>,
        input: (Input<'_, Self>, &Self::Kept),
        gradients: &mut Self::Gradients,
    ) -> Result<()>;

    /// Norms each head of queries and keys, where there are norms for them, rotates them to their positions, and attends.
    /// Leaves in `qkv` what the backward wants to read.
    fn attention(
        &self,
        batch: &Self::Batch,
        qkv: &mut Self::Outputs,
        norms: Option<&[Self::Norm; 2]>,
    ) -> Result<(Self::Rows, Self::LogSums)>;
    /// The gradient by queries, keys and values as the group gave them, from the one by attention's output `o`. `read` is
    /// what the forward left, and its norms.
    fn attention_backward(
        &self,
        batch: &Self::Batch,
        read: (Self::Outputs, Option<&[Self::Norm; 2]>),
        o_and_log_sums: (Self::Rows, Self::LogSums),
        by_o: Self::Rows,
        gradients: &mut Self::Gradients,
    ) -> Result<Self::Outputs>;

    /// silu(gate) up.
    fn swiglu(&self, batch: &Self::Batch, gate_up: &Self::Outputs) -> Result<Self::Rows>;
    /// Replaces gate and up by the gradients by them, where `g` is the one by silu(gate) up, and `g` by that product.
    fn swiglu_backward(&self, batch: &Self::Batch, gate_up: &mut Self::Outputs, g: &mut Self::Rows) -> Result<()>;
}
