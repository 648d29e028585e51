//! The decoder's arithmetic on the processor: numbers as they are stored, loops over slices, operations.

mod group;
pub(crate) mod kernel;
pub(crate) mod ops;
pub(crate) mod storage;

use candle_core::{Error, Result};

pub(crate) use group::Group;
use group::GroupGradient;
use ops::attention::{self, Inputs};
use ops::linear::To;
use ops::{embedding, head_norm, rms_norm, swiglu};
use storage::activation::Activation;
use storage::buffer::Buffer;
use storage::stream::Stream;
use storage::weight::{Gradients, Weight};

use super::run::Run;
use super::{Backend, Input};

/// The processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu;

impl Cpu {
    fn normed(run: &Run, x: &[f32], norm: &Weight) -> Result<Activation> {
        let mut y = Activation::room(run.precision, x.len());
        match &mut y {
            Activation::F32(y) => rms_norm::forward(x, &norm.values()?, run.eps, y),
            Activation::Bf16(y) => rms_norm::forward(x, &norm.values()?, run.eps, y),
        }
        Ok(y)
    }

    /// Adds to `g` the gradient by x, from the one by the norm of x.
    fn add_norm_backward(
        run: &Run,
        (x, norm): (&[f32], &Weight),
        by_norm: &[f32],
        g: &mut Stream,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let (g, rounded) = g.parts(run.precision);
        let gradients = rms_norm::Gradients { x: g, rounded, w: gradients.of(norm) };
        rms_norm::backward(x, &norm.values()?, run.eps, by_norm, gradients);
        Ok(())
    }

    /// Rotates queries and keys to their positions; `sign` -1 rotates them back.
    fn rotate(run: &Run, [q, k]: [&mut Activation; 2], sign: f32) {
        let heads = run.heads;
        run.rope.rotate(q, heads.query * heads.dim, &run.positions, sign);
        run.rope.rotate(k, heads.key_value * heads.dim, &run.positions, sign);
    }

    /// Queries and keys normed head by head, and rotated.
    fn normed_heads(run: &Run, qk: [&Activation; 2], norms: &[Weight; 2]) -> Result<[Activation; 2]> {
        let normed = |at: usize| Ok::<_, Error>(head_norm::forward(qk[at], &norms[at].values()?, run.eps));
        let [mut q, mut k] = [normed(0)?, normed(1)?];
        Self::rotate(run, [&mut q, &mut k], 1.0);
        Ok([q, k])
    }

    /// Attention's output, and the logarithms of its denominators.
    fn attend(run: &Run, [q, k, v]: [&Activation; 3]) -> (Activation, Vec<f32>) {
        let mut o = Activation::room(run.precision, q.len());
        let mut log_sums = vec![0.0; run.tokens.len() * run.heads.query];
        attention::forward(run.heads, Inputs { q, k, v, spans: &run.spans }, &mut o, &mut log_sums);
        (o, log_sums)
    }
}

impl Backend for Cpu {
    type Batch = Run;
    type Wide = Stream;
    type Rows = Activation;
    type Outputs = Vec<Activation>;
    type Kept = Vec<group::Inner>;
    type LogSums = Vec<f32>;
    type Roots = ();
    type Hidden = Buffer<f32>;
    type OutputGradient<'a> = GroupGradient<'a>;
    type Table = Weight;
    type Norm = Weight;
    type Group = Group;
    type Gradients = Gradients;

    fn batch(&self, run: Run) -> Result<Run> {
        Ok(run)
    }

    fn embed(&self, run: &Run, table: &Weight) -> Result<Stream> {
        let d = table.shape()[1];
        let mut y = Buffer::room(run.tokens.len() * d);
        table.gather(&run.tokens, &mut y)?;
        Ok(Stream::new(y))
    }

    fn embed_backward(&self, run: &Run, table: &Weight, g: &Stream, gradients: &mut Gradients) -> Result<()> {
        if let Some(gradient) = gradients.of(table) {
            embedding::backward(&run.tokens, g, gradient, table.shape()[1]);
        }
        Ok(())
    }

    fn trains_table(&self, table: &Weight) -> bool {
        table.variable().is_some()
    }

    fn norm(&self, run: &Run, x: &Stream, norm: &Weight) -> Result<(Activation, ())> {
        Ok((Self::normed(run, x, norm)?, ()))
    }

    fn final_norm(&self, run: &Run, x: &Stream, norm: &Weight) -> Result<(Buffer<f32>, ())> {
        let mut hidden = Buffer::room(x.len());
        rms_norm::forward(x, &norm.values()?, run.eps, &mut hidden);
        Ok((hidden, ()))
    }

    fn final_norm_backward(
        &self,
        run: &Run,
        (x, norm, ()): (&Stream, &Weight, &()),
        by_hidden: &Buffer<f32>,
        gradients: &mut Gradients,
    ) -> Result<Stream> {
        let mut g = Stream::new(Buffer::zeros(x.len()));
        Self::add_norm_backward(run, (x, norm), by_hidden, &mut g, gradients)?;
        Ok(g)
    }

    fn norm_backward(
        &self,
        run: &Run,
        (x, norm, ()): (&Stream, &Weight, &()),
        by_norm: Buffer<f32>,
        g: &mut Stream,
        gradients: &mut Gradients,
    ) -> Result<()> {
        Self::add_norm_backward(run, (x, norm), &by_norm, g, gradients)
    }

    fn trains_norm(&self, norm: &Weight) -> bool {
        norm.variable().is_some()
    }

    fn apply(&self, run: &Run, place: (usize, &Group), x: Activation) -> Result<(Vec<Activation>, Self::Kept)> {
        place.1.forward(run, place.0, x.view())
    }

    fn apply_onto(
        &self,
        run: &Run,
        (block, group): (usize, &Group),
        x: &mut Activation,
        onto: &Stream,
    ) -> Result<(Stream, Self::Kept)> {
        let mut y = Buffer::room(onto.len());
        let inner = group.add(run, block, x.view(), (onto, &mut y))?;
        Ok((Stream::new(y), vec![inner]))
    }

    fn gradient_of_sum<'a>(
        &self,
        run: &Run,
        (block, group): (usize, &'a Group),
        g: &'a mut Stream,
    ) -> Result<GroupGradient<'a>> {
        GroupGradient::of_sum(run, block, group, g)
    }

    fn gradient_of_outputs<'a>(
        &self,
        run: &Run,
        (block, group): (usize, &'a Group),
        g: &'a mut Vec<Activation>,
    ) -> Result<GroupGradient<'a>> {
        GroupGradient::of_outputs(run, block, group, g)
    }

    fn by_input(&self, run: &Run, g: &GroupGradient<'_>) -> Result<Activation> {
        let mut by_input = Activation::room(run.precision, run.tokens.len() * g.inputs());
        g.write(To::Activation(&mut by_input))?;
        Ok(by_input)
    }

    fn by_norm(&self, run: &Run, g: &GroupGradient<'_>) -> Result<Buffer<f32>> {
        let mut by_norm = Buffer::room(run.tokens.len() * g.inputs());
        g.write(To::F32(&mut by_norm))?;
        Ok(by_norm)
    }

    fn by_weights(
        &self,
        run: &Run,
        g: &GroupGradient<'_>,
        (input, inner): (Input<'_, Self>, &Self::Kept),
        gradients: &mut Gradients,
    ) -> Result<()> {
        match input {
            Input::Rows(x) | Input::Again(x) => g.weights(x.view(), inner, gradients),
            Input::Normed(x, norm) => g.weights(Self::normed(run, x, norm)?.view(), inner, gradients),
        }
    }

    fn attention(
        &self,
        run: &Run,
        qkv: &mut Vec<Activation>,
        norms: Option<&[Weight; 2]>,
    ) -> Result<(Activation, Vec<f32>)> {
        let [q, k, v] = qkv.as_mut_slice() else { unreachable!("queries, keys and values") };
        let Some(norms) = norms else {
            Self::rotate(run, [q, k], 1.0);
            return Ok(Self::attend(run, [q, k, v]));
        };
        // Queries and keys stay as they are: the backward of their norm reads them, and makes the rotated ones again.
        let [q, k] = Self::normed_heads(run, [q, k], norms)?;
        Ok(Self::attend(run, [&q, &k, v]))
    }

    fn attention_backward(
        &self,
        run: &Run,
        (qkv, norms): (Vec<Activation>, Option<&[Weight; 2]>),
        (o, log_sums): (Activation, Vec<f32>),
        by_o: Activation,
        gradients: &mut Gradients,
    ) -> Result<Vec<Activation>> {
        let [q, k, v] = qkv.as_slice() else { unreachable!("queries, keys and values") };
        let normed = norms.map(|norms| Self::normed_heads(run, [q, k], norms)).transpose()?;
        let [rotated_q, rotated_k] = normed.as_ref().map_or([q, k], |[q, k]| [q, k]);
        let like = |x: &Activation| Activation::room(run.precision, x.len());
        let (mut dq, mut dk, mut dv) = (like(q), like(k), like(v));
        attention::backward(
            run.heads,
            Inputs { q: rotated_q, k: rotated_k, v, spans: &run.spans },
            attention::Kept { o: &o, logsumexp: &log_sums, g: &by_o },
            [&mut dq, &mut dk, &mut dv],
        );
        drop((normed, o, by_o));
        Self::rotate(run, [&mut dq, &mut dk], -1.0);
        if let Some([query, key]) = norms {
            head_norm::backward(q, &query.values()?, run.eps, &mut dq, gradients.of(query));
            head_norm::backward(k, &key.values()?, run.eps, &mut dk, gradients.of(key));
        }
        Ok(vec![dq, dk, dv])
    }

    fn swiglu(&self, _: &Run, gate_up: &Vec<Activation>) -> Result<Activation> {
        Ok(swiglu::forward(&gate_up[0], &gate_up[1]))
    }

    fn swiglu_backward(&self, _: &Run, gate_up: &mut Vec<Activation>, g: &mut Activation) -> Result<()> {
        let [gate, up] = gate_up.as_mut_slice() else { unreachable!("gate and up") };
        swiglu::backward(gate, up, g);
        Ok(())
    }
}
