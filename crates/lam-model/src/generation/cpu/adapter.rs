//! Adapters beside the weights: y = x wᵀ + scale (x Aᵀ) Bᵀ, for the rows of the requests that have one.

use super::model::{Model, gated, paired};
use super::panels::{Output, PackedInputs, Panels};
use super::row_reader::RowReader;
use crate::backend::cpu::kernel::pages::Arena;
use crate::backend::cpu::kernel::spin_pool::SpinPool;
use crate::decoder::Block;
use crate::generation::adapter::{check_decoder, check_layers};
use crate::layout::GROUPS;
use crate::{Decoder, ModelError};

/// An adapter laid out for generation.
pub(crate) struct Adapter {
    /// [layer][group of layers with the same inputs], see [`GROUPS`].
    groups: Vec<[Option<Factors>; 4]>,
}

/// The factors of all adapted layers of a group as one pair: A of one layer below that of the other, B beside it in
/// the rows of its own layer and zero in the others.
pub(crate) struct Factors {
    inner: Panels,
    outer: Panels,
}

impl Adapter {
    /// Lays out the adapter of a decoder over the same weights.
    pub(crate) fn of(decoder: &Decoder, model: &Model) -> Result<Self, ModelError> {
        check_decoder(decoder, model.has_merged, model.blocks.len())?;
        let mut arena = Arena::default();
        let groups = decoder.stack.blocks.iter().map(|block| {
            let group = |number: usize| Factors::new(&mut arena, model, block, number);
            let [qkv, o, gate_up, down] = [0, 1, 2, 3].map(group);
            Ok([qkv?, o?, gate_up?, down?])
        });
        Ok(Self { groups: groups.collect::<Result<_, ModelError>>()? })
    }

    /// The factors of a group, if any of its layers is adapted.
    pub(crate) fn factors(&self, layer: usize, group: usize) -> Option<&Factors> {
        self.groups[layer][group].as_ref()
    }
}

impl Factors {
    fn new(arena: &mut Arena, model: &Model, block: &Block, group: usize) -> Result<Option<Self>, ModelError> {
        let linears = &block.linears[GROUPS[group].clone()];
        let (n, k) = model.group_sizes()[group];
        let outputs = linears.iter().map(|linear| linear.size.0).sum();
        let outputs = if group == 2 { gated(outputs / 2) } else { outputs };
        check_layers(linears, outputs, (n, k))?;
        let pairs: Vec<_> = linears.iter().filter_map(|linear| linear.adapter.as_ref()).collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let rank = pairs.iter().map(|pair| pair.rank).sum();
        let inner = pairs.iter().map(|pair| RowReader::adapter_inner(pair)).collect::<Result<Vec<_>, _>>()?;
        let mut outer = Vec::new();
        let mut start = 0;
        for linear in linears {
            let source = linear.adapter.as_ref().map(RowReader::adapter_outer).transpose()?;
            let rank = linear.adapter.as_ref().map_or(0, |pair| pair.rank);
            outer.push((linear.size.0, source, start..start + rank));
            start += rank;
        }
        let put = |layer: usize, row: usize, values: &mut [f32]| {
            let (_, source, columns) = &outer[layer];
            source.as_ref().map_or(Ok(()), |source| source.read(row, &mut values[columns.clone()]))
        };
        let rows = |output: usize, values: &mut [f32]| {
            values.fill(0.0);
            if group == 2 {
                let place = paired(output, model.config.intermediate_size);
                return place.map_or(Ok(()), |(up, row)| put(up, row, values));
            }
            let mut row = output;
            for (layer, (outputs, ..)) in outer.iter().enumerate() {
                if row < *outputs {
                    return put(layer, row, values);
                }
                row -= outputs;
            }
            Ok(())
        };
        let format = model.options.weights;
        Ok(Some(Self {
            inner: Panels::new(arena, format, (rank, k), &|row, values| RowReader::stacked(&inner, row, values))?,
            outer: Panels::new(arena, format, (n, rank), &rows)?,
        }))
    }

    /// Adds the adapter's part to some rows of `y`.
    pub(crate) fn add(&self, pool: &SpinPool, x: &PackedInputs, rows: std::ops::Range<usize>, y: &mut [f32]) {
        let rank = self.inner.outputs();
        let mut inner = vec![0.0; rows.end * rank];
        self.inner.apply(pool, x, rows.clone(), &mut inner, Output::Replace);
        let mut packed = PackedInputs::new(x.format());
        let place = packed.reset(rows.end, rank);
        for row in rows.clone() {
            // SAFETY: one row after the other.
            unsafe { place.put(row, &inner[row * rank..(row + 1) * rank]) };
        }
        self.outer.apply(pool, &packed, rows, y, Output::Add);
    }
}
