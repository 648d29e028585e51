//! Rows of a decoder's weights as f32, with an adapter added in where asked for: all that laying out needs to know of
//! how a weight is kept.

use super::panels::{Group, Rows};
use crate::ModelError;
use crate::backend::cpu::kernel::blocks::{Blocks, GROUP};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::storage::weight::Weight;
use crate::decoder::{Linear, LoraPair};

/// A linear layer to be read row by row.
pub(crate) struct RowReader<'a> {
    outputs: usize,
    read: Box<Rows<'a>>,
    /// Its blocks of 4 bits, where it lies in such.
    groups: Option<&'a Blocks>,
}

impl<'a> RowReader<'a> {
    /// A weight of any form.
    pub(crate) fn weight(weight: &'a Weight) -> Result<Self, ModelError> {
        let held = weight.held()?;
        let read = move |row: usize, out: &mut [f32]| {
            let place = row * out.len()..(row + 1) * out.len();
            match held.numbers() {
                Numbers::F32(values) => out.copy_from_slice(&values[place]),
                narrower => out.copy_from_slice(&narrower.to_f32(place)),
            }
        };
        let groups = weight.blocks().filter(|blocks| blocks.raw().1.bits() == 4);
        Ok(Self { outputs: weight.outputs(), read: Box::new(read), groups })
    }

    /// A block of 32 inputs of an output of `width` inputs, where it lies in 4 bits.
    pub(crate) fn group(&self, row: usize, group: usize, width: usize) -> Option<Group> {
        let (factor, minimum, quants) = self.groups?.four_bits(row * (width / GROUP) + group)?;
        Some(Group { factor, minimum, quants })
    }

    /// As [`RowReader::stacked`], of blocks.
    pub(crate) fn stacked_group(sources: &[Self], mut row: usize, group: usize, width: usize) -> Option<Group> {
        for source in sources {
            if row < source.outputs {
                return source.group(row, group, width);
            }
            row -= source.outputs;
        }
        None
    }

    /// A layer's weight; with its adapter's product, scale × B A, added if `merged`.
    pub(crate) fn linear(linear: &'a Linear, merged: bool) -> Result<Self, ModelError> {
        let Self { outputs, read, groups } = Self::weight(&linear.weight)?;
        let Some(pair) = linear.adapter.as_ref().filter(|_| merged) else { return Ok(Self { outputs, read, groups }) };
        let (a, b, rank, scale) = (pair.a.values()?, pair.b.values()?, pair.rank, pair.scale);
        let read = move |row: usize, out: &mut [f32]| {
            read(row, out);
            for (factor, a) in b[row * rank..(row + 1) * rank].iter().zip(a.chunks(out.len())) {
                rows::add_scaled(out, a, scale * factor);
            }
        };
        Ok(Self { outputs, read: Box::new(read), groups: None })
    }

    /// The first factor of an adapter. Shape: [rank, K].
    pub(crate) fn adapter_inner(pair: &'a LoraPair) -> Result<Self, ModelError> {
        Self::weight(&pair.a)
    }

    /// The second factor of an adapter, times its scale. Shape: [N, rank].
    pub(crate) fn adapter_outer(pair: &'a LoraPair) -> Result<Self, ModelError> {
        let Self { outputs, read, .. } = Self::weight(&pair.b)?;
        let scale = pair.scale;
        let read = move |row: usize, out: &mut [f32]| {
            read(row, out);
            rows::scale(out, scale);
        };
        Ok(Self { outputs, read: Box::new(read), groups: None })
    }

    /// Rows.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes a row.
    pub(crate) fn read(&self, row: usize, out: &mut [f32]) {
        (self.read)(row, out);
    }

    /// All rows, for laying out.
    pub(crate) fn rows(&self) -> &Rows<'a> {
        &*self.read
    }

    /// Writes a row of several sources that stand one below the other.
    pub(crate) fn stacked(sources: &[Self], mut row: usize, out: &mut [f32]) {
        for source in sources {
            if row < source.outputs {
                return source.read(row, out);
            }
            row -= source.outputs;
        }
    }
}
