//! A decoder's weights on their way to a CUDA device, one group at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use half::bf16;
use lam_cuda::{Buffer, Device, ViewMut};

use super::parameters::{Parameter, Parameters};
use crate::ModelError;
use crate::backend::cuda::ops::{Ops, Segment};
use crate::backend::cuda::{Cuda, Group, Norm, Part, Quantised, Room, Sums, Table, stride_of};
use crate::backend::storage::in_file::{Columns, Form};
use crate::backend::storage::linear::Linear;
use crate::backend::storage::weight::Weight;
use crate::decoder::network::{self, Network};
use crate::decoder::weights::{Block, Stack};
use crate::layout::GROUPS;

/// Bytes of blocks that are made at a time.
const BLOCK_BYTES: usize = 8 << 20;

type Result<T> = std::result::Result<T, ModelError>;

/// Puts weights on a device, and notes what of them is trained.
pub(super) struct Upload<'a> {
    device: &'a Device,
    /// By the weights' numbers.
    parameters: BTreeMap<usize, Parameter>,
}

impl<'a> Upload<'a> {
    pub(super) fn new(device: &'a Device) -> Self {
        Self { device, parameters: BTreeMap::new() }
    }

    /// The stack, and the output layer where it is not the embedding.
    pub(super) fn stack(
        &mut self,
        stack: &Stack,
        head: Option<&Weight>,
        checkpointing: bool,
    ) -> Result<(Network<Cuda>, Option<Table>)> {
        let on = Cuda::new(self.device.clone(), room(stack))?;
        let embedding = self.table(&stack.embedding)?;
        let blocks = stack.blocks.iter().map(|block| self.block(block)).collect::<Result<_>>()?;
        let norm = self.norm(&stack.norm)?;
        let head = head.map(|head| self.table(head)).transpose()?;
        Ok((Network { on, embedding, blocks, norm, checkpointing }, head))
    }

    /// What of the weights is trained, in the order of `weights`.
    pub(super) fn parameters<'w>(mut self, ops: &Ops, weights: impl Iterator<Item = &'w Weight>) -> Result<Parameters> {
        let mut found: BTreeMap<usize, Parameter> = std::mem::take(&mut self.parameters);
        let ordered = weights.filter_map(|weight| found.remove(&weight.index()?)).collect();
        Ok(Parameters::new(self.device.clone(), ordered, ops)?)
    }

    fn block(&mut self, block: &Block) -> Result<network::Block<Cuda>> {
        let [qkv, o, gate_up, down] = GROUPS;
        Ok(network::Block {
            input_norm: self.norm(&block.input_norm)?,
            qkv: self.group(&block.linears, qkv)?,
            head_norms: self.head_norms(block)?,
            o: self.group(&block.linears, o)?,
            post_norm: self.norm(&block.post_norm)?,
            gate_up: self.group(&block.linears, gate_up)?,
            down: self.group(&block.linears, down)?,
        })
    }

    fn head_norms(&mut self, block: &Block) -> Result<Option<[Norm; 2]>> {
        let norms = block.head_norms.as_ref().map(|[query, key]| Ok([self.norm(query)?, self.norm(key)?]));
        norms.transpose()
    }

    /// What is added to the outputs of a group; zero for layers without a bias.
    fn bias(&self, linears: &[Linear], parts: &[Part], n: usize) -> Result<Option<Buffer<bf16>>> {
        if linears.iter().all(|linear| linear.bias.is_none()) {
            return Ok(None);
        }
        let mut bias = self.device.zeros::<bf16>(n)?;
        for (linear, part) in linears.iter().zip(parts) {
            if let Some(weight) = &linear.bias {
                let (first, count) = part.rows;
                self.fill(&[(weight, 0, 1.0)], bias.view_mut(first..first + count), (1, count))?;
            }
        }
        Ok(Some(bias))
    }

    fn norm(&mut self, weight: &Weight) -> Result<Norm> {
        let d = weight.len();
        let norm = Norm { weight: self.rows(weight, 1, d)?, sum: self.sum(weight)? };
        self.train(weight, &norm.sum, (d, 0), norm.weight.all().address(), d);
        Ok(norm)
    }

    fn table(&mut self, weight: &Weight) -> Result<Table> {
        let (v, d) = (weight.shape()[0], weight.shape()[1]);
        let table = Table { weight: self.rows(weight, v, d)?, size: (v, d), sum: self.sum(weight)? };
        self.train(weight, &table.sum, (d, 1), table.weight.all().address(), d);
        Ok(table)
    }

    /// A sum of gradients for a trained weight.
    fn sum(&self, weight: &Weight) -> Result<Option<Mutex<Buffer<f32>>>> {
        let sum = weight.index().map(|_| self.device.zeros::<f32>(weight.len()).map(Mutex::new));
        Ok(sum.transpose()?)
    }

    /// Notes a trained weight whose sum of gradients is a whole buffer.
    fn train(
        &mut self,
        weight: &Weight,
        sum: &Option<Mutex<Buffer<f32>>>,
        (columns, decay): (usize, i32),
        copy: u64,
        stride: usize,
    ) {
        let (Some(sum), Some(index)) = (sum, weight.index()) else { return };
        let sum = sum.lock().expect("nobody else has it yet").all().address();
        self.note(
            weight,
            index,
            Segment {
                cols: columns as i32,
                gld: columns as i32,
                grad: sum,
                dst: copy,
                dld: stride as i64,
                scale: 1.0,
                decay,
                ..Segment::default()
            },
        );
    }

    fn note(&mut self, weight: &Weight, index: usize, segment: Segment) {
        let variable = weight.variable().expect("it has a number").clone();
        self.parameters.insert(index, Parameter { name: weight.name.clone(), variable, segment });
    }

    fn group(&mut self, linears: &[Linear; 7], modules: Range<usize>) -> Result<Group> {
        let (parts, size) = parts(linears, modules.clone());
        let (n, k, r) = size;
        let linears = &linears[modules];
        let stride = stride_of(k, r);
        let mut quantised = self.blocks(linears, (n, k))?;
        let dense = if quantised.is_some() { 0 } else { n };
        let mut matrix = self.device.zeros::<bf16>((dense + r) * stride)?;
        let mut apart = self.apart(quantised.is_some() && r > 0, (n, r))?;
        for (linear, part) in linears.iter().zip(&parts) {
            let (rows, pair) = (part.rows.0..part.rows.0 + part.rows.1, linear.adapter.as_ref());
            let b = |column: usize| pair.map(|pair| (&pair.b, column + part.ranks.0, part.scale));
            match &mut quantised {
                Some(quantised) => {
                    self.fill_blocks(&linear.weight, quantised, rows.start)?;
                    if let (Some(to), Some(b)) = (&mut apart, b(0)) {
                        let stride = stride_of(0, r);
                        self.fill(&[b], to.view_mut(rows.start * stride..rows.end * stride), (rows.len(), stride))?;
                    }
                }
                _ => {
                    let sources: Vec<_> = std::iter::once((&linear.weight, 0, 1.0)).chain(b(k)).collect();
                    let to = matrix.view_mut(rows.start * stride..rows.end * stride);
                    self.fill(&sources, to, (rows.len(), stride))?;
                }
            }
            if let Some(pair) = pair {
                let a = dense + part.ranks.0;
                let to = matrix.view_mut(a * stride..(a + part.ranks.1) * stride);
                self.fill(&[(&pair.a, 0, 1.0)], to, (part.ranks.1, stride))?;
            }
        }
        let adapted = linears.iter().filter_map(|linear| linear.adapter.as_ref());
        let trains_adapters = adapted.clone().any(|pair| pair.a.index().is_some());
        let trains_weights = linears.iter().any(|linear| linear.weight.index().is_some());
        let zeros = |wanted: bool, len: usize| wanted.then(|| self.device.zeros(len)).transpose();
        let sums = Sums {
            a: zeros(trains_adapters, r * k)?,
            b: zeros(trains_adapters, n * r)?,
            w: zeros(trains_weights, n * k)?,
            bias: zeros(linears.iter().any(|linear| linear.bias.as_ref().is_some_and(|b| b.index().is_some())), n)?,
        };
        let bias = self.bias(linears, &parts, n)?;
        let group = Group { parts, size, matrix, apart, bias, quantised, sums: Mutex::new(sums) };
        self.note_group(linears, &group);
        Ok(group)
    }

    /// Notes what of a group is trained; frozen adapters are copied into its matrix.
    fn note_group(&mut self, linears: &[Linear], group: &Group) {
        let Group { parts, size: (n, k, r), matrix, apart, bias, .. } = group;
        let (k, r, stride, sums) = (*k, *r, group.stride(), group.sums());
        let dense = if group.quantised.is_none() { *n } else { 0 };
        for (linear, part) in linears.iter().zip(parts) {
            let (rows, ranks) = (part.rows, part.ranks);
            if let (Some(index), Some(w)) = (linear.weight.index(), &sums.w) {
                self.note(
                    &linear.weight,
                    index,
                    Segment {
                        cols: k as i32,
                        gld: k as i32,
                        grad: w.view(rows.0 * k..).address(),
                        dst: matrix.view(rows.0 * stride..).address(),
                        dld: stride as i64,
                        scale: 1.0,
                        decay: 1,
                        ..Segment::default()
                    },
                );
            }
            let own = linear.bias.as_ref().and_then(|own| Some((own, own.index()?)));
            if let (Some((own, index)), Some(bias), Some(sum)) = (own, bias, &sums.bias) {
                self.note(
                    own,
                    index,
                    Segment {
                        cols: rows.1 as i32,
                        gld: rows.1 as i32,
                        grad: sum.view(rows.0..).address(),
                        dst: bias.view(rows.0..).address(),
                        dld: rows.1 as i64,
                        scale: 1.0,
                        decay: 0,
                        ..Segment::default()
                    },
                );
            }
            let (Some(pair), Some(a), Some(b)) = (&linear.adapter, &sums.a, &sums.b) else { continue };
            if let Some(index) = pair.a.index() {
                self.note(
                    &pair.a,
                    index,
                    Segment {
                        cols: k as i32,
                        gld: k as i32,
                        grad: a.view(ranks.0 * k..).address(),
                        dst: matrix.view((dense + ranks.0) * stride..).address(),
                        dld: stride as i64,
                        scale: 1.0,
                        decay: 1,
                        ..Segment::default()
                    },
                );
            }
            if let Some(index) = pair.b.index() {
                let own = stride_of(0, r);
                let (dst, dld) = match apart {
                    Some(b) => (b.view(rows.0 * own + ranks.0..).address(), own as i64),
                    None => (matrix.view(rows.0 * stride + k + ranks.0..).address(), stride as i64),
                };
                self.note(
                    &pair.b,
                    index,
                    Segment {
                        cols: ranks.1 as i32,
                        gld: r as i32,
                        grad: b.view(rows.0 * r + ranks.0..).address(),
                        dst,
                        dld,
                        scale: part.scale,
                        decay: 1,
                        ..Segment::default()
                    },
                );
            }
        }
    }

    /// A weight as rows of bf16.
    fn rows(&self, weight: &Weight, rows: usize, stride: usize) -> Result<Buffer<bf16>> {
        let mut buffer = self.device.alloc::<bf16>(rows * stride)?;
        self.fill(&[(weight, 0, 1.0)], buffer.all_mut(), (rows, stride))?;
        Ok(buffer)
    }

    /// Room for B apart from E, where W is in blocks.
    fn apart(&self, wanted: bool, (n, r): (usize, usize)) -> Result<Option<Buffer<bf16>>> {
        Ok(wanted.then(|| self.device.zeros(n * stride_of(0, r))).transpose()?)
    }

    /// Room for W in blocks, where all layers of a group are.
    fn blocks(&self, linears: &[Linear], size: (usize, usize)) -> Result<Option<Quantised>> {
        let forms = linears.iter().map(|linear| match linear.weight.form() {
            Form::Blocks(form) => Some(form),
            Form::F32 | Form::Bf16 => None,
        });
        // Rows of the same width in the same number of bits: the layers have one form.
        let Some(Some(form)) = forms.reduce(|one, other| one.filter(|_| one == other)) else { return Ok(None) };
        Ok(Some(Quantised::new(self.device, form, size)?))
    }

    /// Writes a weight's blocks from a row on; some rows at a time are read, or quantised, while others travel.
    fn fill_blocks(&self, weight: &Weight, to: &mut Quantised, start: usize) -> Result<()> {
        let rows = weight.outputs();
        let row = weight.bytes() / rows;
        let per_piece = (BLOCK_BYTES / row).max(1);
        let mut piece = vec![0; per_piece.min(rows) * row];
        for first in (0..rows).step_by(per_piece) {
            let last = (first + per_piece).min(rows);
            let piece = &mut piece[..(last - first) * row];
            weight.fill_blocks(first..last, piece)?;
            to.write(self.device, start + first, piece)?;
        }
        Ok(())
    }

    /// Copies weights of so many rows, each scaled, to their columns in rows of `stride`, some rows at a time: while some
    /// travel, the next ones are read and rounded. Zeros elsewhere.
    fn fill(
        &self,
        sources: &[(&Weight, usize, f32)],
        to: ViewMut<'_, bf16>,
        (rows, stride): (usize, usize),
    ) -> Result<()> {
        let filled: usize = sources.iter().map(|(weight, ..)| weight.len() / rows).sum();
        self.device.stream_made(to, stride, |first, piece: &mut [bf16]| {
            if filled < stride {
                piece.fill(bf16::ZERO);
            }
            let range = first / stride..(first + piece.len()) / stride;
            for &(weight, column, scale) in sources {
                let columns = Columns { values: &mut *piece, stride, first: column };
                weight.fill((range.clone(), weight.len() / rows), scale, columns)?;
            }
            Ok(())
        })
    }
}

/// The layers of a group one below the other: their rows and ranks.
fn parts(linears: &[Linear; 7], modules: Range<usize>) -> (Vec<Part>, (usize, usize, usize)) {
    let (mut n, mut r) = (0, 0);
    let k = linears[modules.start].size.1;
    let part = |module: usize| {
        let linear = &linears[module];
        let (rank, scale, dropout) =
            linear.adapter.as_ref().map_or((0, 1.0, 0.0), |pair| (pair.rank, pair.scale, pair.dropout));
        let part = Part { rows: (n, linear.size.0), ranks: (r, rank), scale, dropout, module };
        n += linear.size.0;
        r += rank;
        part
    };
    let parts = modules.map(part).collect();
    (parts, (n, k, r))
}

/// The largest ranks of each kind of group.
fn room(stack: &Stack) -> Room {
    let most = |group: usize| {
        let ranks = stack.blocks.iter().map(|block| parts(&block.linears, GROUPS[group].clone()).1.2);
        ranks.max().unwrap_or(0)
    };
    Room { qkv: most(0), o: most(1), gate_up: most(2), down: most(3) }
}
