//! All weights of a decoder laid out for generation. Made once, shared by all caches over them.

use std::sync::Arc;

use rayon::prelude::*;

use super::panels::{Group, Groups, Panels, Rows, WIDTH};
use super::row_reader::RowReader;
use crate::backend::cpu::kernel::pages::{Arena, Region};
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::ops::attention::Heads;
use crate::backend::cpu::ops::head_norm;
use crate::backend::cpu::storage::buffer::give_back_freed;
use crate::backend::cpu::storage::weight::Weight;
use crate::decoder::{Block, Stack};
use crate::layout::GROUPS;
use crate::{AdapterUse, CacheOptions, Decoder, DecoderConfig, ModelError, WeightFormat};

/// The decoder, for reading only.
pub(crate) struct Model {
    pub(crate) config: DecoderConfig,
    pub(crate) heads: Heads,
    pub(crate) options: CacheOptions,
    /// Whether an adapter's product is part of the weights.
    pub(crate) has_merged: bool,
    pub(crate) embedding: Table,
    pub(crate) blocks: Vec<BlockPanels>,
    pub(crate) norm: Vec<f32>,
    pub(crate) head: Panels,
}

/// Weights of a block.
pub(crate) struct BlockPanels {
    pub(crate) input_norm: Vec<f32>,
    /// Query, key and value outputs, one below the other.
    pub(crate) qkv: Panels,
    /// Biases of query, key and value, one after the other; empty where there are none.
    biases: Vec<f32>,
    /// Norms over each head of queries, and of keys.
    head_norms: Option<[Vec<f32>; 2]>,
    pub(crate) o: Panels,
    pub(crate) post_norm: Vec<f32>,
    /// 16 gates, then their 16 ups, and so on; see [`paired`].
    pub(crate) gate_up: Panels,
    pub(crate) down: Panels,
}

/// The embedding: rows of f32, or of bf16 where the weights are not f32.
pub(crate) struct Table {
    data: Region,
    width: usize,
    is_f32: bool,
}

impl Model {
    /// Lays out the weights of a decoder, which keeps them.
    pub(crate) fn of(decoder: &Decoder, options: CacheOptions) -> Result<Self, ModelError> {
        let mut arena = Arena::default();
        let blocks = decoder.stack.blocks.iter().map(|block| BlockPanels::new(&mut arena, options, block));
        let blocks = blocks.collect::<Result<_, _>>()?;
        Self::around(decoder, blocks, &mut arena, options)
    }

    /// Lays out the weights of a decoder and gives each block's back to the system as soon as it stands, if nobody
    /// else holds them: at any time there is one block more than the decoder or the model alone.
    pub(crate) fn from(mut decoder: Decoder, options: CacheOptions) -> Result<Self, ModelError> {
        let mut arena = Arena::default();
        let stack = Arc::make_mut(&mut decoder.stack);
        let blocks = std::mem::take(&mut stack.blocks).into_iter();
        let laid_out = |block: Block| {
            let panels = BlockPanels::new(&mut arena, options, &block);
            drop(block);
            give_back_freed();
            panels
        };
        let blocks = blocks.map(laid_out).collect::<Result<_, _>>()?;
        let model = Self::around(&decoder, blocks, &mut arena, options);
        drop(decoder);
        give_back_freed();
        model
    }

    fn around(
        decoder: &Decoder,
        blocks: Vec<BlockPanels>,
        arena: &mut Arena,
        options: CacheOptions,
    ) -> Result<Self, ModelError> {
        let Stack { embedding, norm, .. } = &*decoder.stack;
        let (v, d) = (decoder.config.vocab_size, decoder.config.hidden_size);
        let head = RowReader::weight(decoder.head.as_ref().unwrap_or(embedding))?;
        Ok(Self {
            config: decoder.config.clone(),
            heads: decoder.heads(),
            options,
            has_merged: decoder.lora.is_some() && options.adapter == AdapterUse::Merged,
            embedding: Table::new(arena, options.weights, (v, d), RowReader::weight(embedding)?.rows())?,
            blocks,
            norm: norm.values()?.to_vec(),
            head: Panels::new(arena, options.weights, (v, d), head.rows())?,
        })
    }

    /// Outputs of each of a block's four groups of layers, and their inputs.
    pub(crate) fn group_sizes(&self) -> [(usize, usize); 4] {
        let (d, f, heads) = (self.config.hidden_size, self.config.intermediate_size, self.heads);
        let (wq, wk) = (heads.query * heads.dim, heads.key_value * heads.dim);
        [(wq + 2 * wk, d), (d, wq), (gated(f), d), (d, f)]
    }
}

impl BlockPanels {
    fn new(arena: &mut Arena, options: CacheOptions, block: &Block) -> Result<Self, ModelError> {
        let merged = options.adapter == AdapterUse::Merged;
        let sources =
            block.linears.iter().map(|linear| RowReader::linear(linear, merged)).collect::<Result<Vec<_>, _>>()?;
        let stacked = |sources: &[RowReader<'_>]| sources.iter().map(RowReader::outputs).sum::<usize>();
        let lie_in_groups = |sources: &[RowReader<'_>]| sources.iter().all(|source| source.groups().is_some());
        let mut panels = |n, module: usize, rows: &Rows<'_>, groups: Option<&Groups<'_>>| {
            Panels::of_blocks(arena, options.weights, (n, block.linears[module].size.1), rows, groups)
        };
        let feed_forward = sources[4].outputs();
        let stacked_groups: &Groups<'_> = &|row, groups| RowReader::stacked_groups(&sources[0..3], row, groups);
        let paired_groups: &Groups<'_> = &|output, groups| match paired(output, feed_forward) {
            Some((up, row)) => RowReader::stacked_groups(&sources[4 + up..=4 + up], row, groups),
            // What fills a panel up weighs nothing.
            None => {
                groups.fill(Group::NOTHING);
                Ok::<_, ModelError>(())
            }
        };
        let mut biases = Vec::new();
        for bias in block.linears[GROUPS[0].clone()].iter().filter_map(|linear| linear.bias.as_ref()) {
            biases.extend_from_slice(&bias.values()?);
        }
        let norm = |norm: &Weight| Ok::<_, ModelError>(norm.values()?.to_vec());
        let head_norms = block.head_norms.as_ref().map(|[query, key]| Ok::<_, ModelError>([norm(query)?, norm(key)?]));
        Ok(Self {
            input_norm: block.input_norm.values()?.to_vec(),
            qkv: panels(
                stacked(&sources[0..3]),
                0,
                &|row, values| RowReader::stacked(&sources[0..3], row, values),
                lie_in_groups(&sources[0..3]).then_some(stacked_groups),
            )?,
            biases,
            head_norms: head_norms.transpose()?,
            o: panels(sources[3].outputs(), 3, sources[3].rows(), sources[3].groups())?,
            post_norm: block.post_norm.values()?.to_vec(),
            gate_up: panels(
                gated(feed_forward),
                4,
                &|output, values| match paired(output, feed_forward) {
                    Some((up, row)) => sources[4 + up].read(row, values),
                    None => Ok(()),
                },
                lie_in_groups(&sources[4..6]).then_some(paired_groups),
            )?,
            down: panels(sources[6].outputs(), 6, sources[6].rows(), sources[6].groups())?,
        })
    }
}

impl BlockPanels {
    /// Makes queries and keys, as attention wants them but for their rotation, and values of a row of products.
    pub(crate) fn finish(&self, qkv: &mut [f32], heads: Heads, eps: f32) {
        if !self.biases.is_empty() {
            rows::add(qkv, &self.biases);
        }
        if let Some([query, key]) = &self.head_norms {
            let (queries, rest) = qkv.split_at_mut(heads.query * heads.dim);
            head_norm::norm_row(queries, query, eps);
            head_norm::norm_row(&mut rest[..heads.key_value * heads.dim], key, eps);
        }
    }
}

/// Outputs of gates and ups, each filled up to whole halves of a panel.
pub(crate) fn gated(feed_forward: usize) -> usize {
    2 * feed_forward.next_multiple_of(WIDTH / 2)
}

/// 0 (gate) or 1 (up), and the row of it that stands at an output of the gated panels, if one does.
pub(crate) fn paired(output: usize, feed_forward: usize) -> Option<(usize, usize)> {
    let half = WIDTH / 2;
    let row = output / WIDTH * half + output % half;
    (row < feed_forward).then_some((output % WIDTH / half, row))
}

impl Table {
    fn new(
        arena: &mut Arena,
        format: WeightFormat,
        (rows, width): (usize, usize),
        read: &Rows<'_>,
    ) -> Result<Self, ModelError> {
        let is_f32 = format == WeightFormat::F32;
        let words = if is_f32 { width } else { width.div_ceil(2) };
        let data = arena.region(rows * words, |data| {
            data.par_chunks_exact_mut(words).enumerate().try_for_each(|(row, words)| {
                let mut values = vec![0.0; width];
                read(row, &mut values)?;
                if is_f32 {
                    words.iter_mut().zip(values).for_each(|(word, value)| *word = value.to_bits());
                } else {
                    rows::bf16_pairs(&values, words);
                }
                Ok::<_, ModelError>(())
            })
        })?;
        Ok(Self { data, width, is_f32 })
    }

    /// Writes a row.
    pub(crate) fn read(&self, row: usize, values: &mut [f32]) {
        let words = if self.is_f32 { self.width } else { self.width.div_ceil(2) };
        let data = &self.data[row * words..(row + 1) * words];
        for (i, value) in values.iter_mut().enumerate() {
            *value = f32::from_bits(if self.is_f32 { data[i] } else { data[i / 2] >> (16 * (i % 2)) << 16 });
        }
    }
}
