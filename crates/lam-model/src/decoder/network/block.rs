//! One block: x + attention(norm(x)), then + feed-forward(norm(·)). Forward and backward, on any device.

use candle_core::Result;

use crate::backend::{Backend, Input};

/// The weights of a block on its device.
#[derive(Debug)]
pub(crate) struct Block<B: Backend> {
    pub(crate) input_norm: B::Norm,
    pub(crate) qkv: B::Group,
    /// Over each head of queries, and of keys.
    pub(crate) head_norms: Option<[B::Norm; 2]>,
    pub(crate) o: B::Group,
    pub(crate) post_norm: B::Norm,
    pub(crate) gate_up: B::Group,
    pub(crate) down: B::Group,
}

/// What a block's forward keeps for its backward.
pub(crate) struct BlockTape<B: Backend> {
    /// Queries and keys as attention left them.
    qkv: B::Outputs,
    o: B::Rows,
    log_sums: B::LogSums,
    /// The residual stream between attention and feed-forward.
    middle: B::Wide,
    gate_up: B::Outputs,
    kept: Kept<B>,
    roots: [B::Roots; 2],
}

/// What its groups keep.
struct Kept<B: Backend> {
    qkv: B::Kept,
    o: B::Kept,
    gate_up: B::Kept,
    down: B::Kept,
}

/// Where a block is in the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) block: usize,
    /// Whether nothing before the block is trained, so that nobody asks for the gradient by its input.
    pub(crate) first_trained: bool,
}

impl<B: Backend> Block<B> {
    /// The block's output for `x`, and what the backward will want.
    pub(crate) fn forward(
        &self,
        on: &B,
        block: usize,
        batch: &B::Batch,
        x: &B::Wide,
    ) -> Result<(B::Wide, BlockTape<B>)> {
        let (h, input_roots) = on.norm(batch, x, &self.input_norm)?;
        let (mut qkv, kept_qkv) = on.apply(batch, (block, &self.qkv), h)?;
        let (mut o, log_sums) = on.attention(batch, &mut qkv, self.head_norms.as_ref())?;
        let (middle, kept_o) = on.apply_onto(batch, (block, &self.o), &mut o, x)?;

        let (h, post_roots) = on.norm(batch, &middle, &self.post_norm)?;
        let (gate_up, kept_gate_up) = on.apply(batch, (block, &self.gate_up), h)?;
        let mut product = on.swiglu(batch, &gate_up)?;
        let (y, kept_down) = on.apply_onto(batch, (block, &self.down), &mut product, &middle)?;
        let kept = Kept { qkv: kept_qkv, o: kept_o, gate_up: kept_gate_up, down: kept_down };
        Ok((y, BlockTape { qkv, o, log_sums, middle, gate_up, kept, roots: [input_roots, post_roots] }))
    }

    /// Turns the gradient by the output, `g`, into the gradient by the input `x`. Where nothing before the block is
    /// trained, `g` is left without meaning.
    pub(crate) fn backward(
        &self,
        on: &B,
        At { block, first_trained }: At,
        batch: &B::Batch,
        (x, tape): (&B::Wide, BlockTape<B>),
        g: &mut B::Wide,
        gradients: &mut B::Gradients,
    ) -> Result<()> {
        let BlockTape { qkv, o, log_sums, middle, gate_up, kept, roots } = tape;
        self.feed_forward_backward(on, block, batch, (&middle, &roots[1], gate_up, &kept), g, gradients)?;
        drop(middle);
        let by_sum = on.gradient_of_sum(batch, (block, &self.o), g)?;
        let by_o = on.by_input(batch, &by_sum)?;
        on.by_weights(batch, &by_sum, (Input::Rows(&o), &kept.o), gradients)?;
        drop(by_sum);

        let read = (qkv, self.head_norms.as_ref());
        let mut by_qkv = on.attention_backward(batch, read, (o, log_sums), by_o, gradients)?;
        let by_outputs = on.gradient_of_outputs(batch, (block, &self.qkv), &mut by_qkv)?;
        on.by_weights(batch, &by_outputs, (Input::Normed(x, &self.input_norm), &kept.qkv), gradients)?;
        if first_trained && !on.trains_norm(&self.input_norm) {
            return Ok(());
        }
        let by_norm = on.by_norm(batch, &by_outputs)?;
        on.norm_backward(batch, (x, &self.input_norm, &roots[0]), by_norm, g, gradients)
    }

    fn feed_forward_backward(
        &self,
        on: &B,
        block: usize,
        batch: &B::Batch,
        (middle, roots, mut gate_up, kept): (&B::Wide, &B::Roots, B::Outputs, &Kept<B>),
        g: &mut B::Wide,
        gradients: &mut B::Gradients,
    ) -> Result<()> {
        let by_sum = on.gradient_of_sum(batch, (block, &self.down), g)?;
        let mut product = on.by_input(batch, &by_sum)?;
        on.swiglu_backward(batch, &mut gate_up, &mut product)?;
        on.by_weights(batch, &by_sum, (Input::Again(&product), &kept.down), gradients)?;
        drop((by_sum, product));
        let by_outputs = on.gradient_of_outputs(batch, (block, &self.gate_up), &mut gate_up)?;
        on.by_weights(batch, &by_outputs, (Input::Normed(middle, &self.post_norm), &kept.gate_up), gradients)?;
        let by_norm = on.by_norm(batch, &by_outputs)?;
        on.norm_backward(batch, (middle, &self.post_norm, roots), by_norm, g, gradients)
    }
}
