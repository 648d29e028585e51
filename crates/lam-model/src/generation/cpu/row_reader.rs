//! Rows of a decoder's weights as f32, or as the blocks of 4 bits in which they lie, with an adapter added in where asked
//! for: all that laying out needs to know of how a weight is kept. What was left in its file is read there row by row.

use super::panels::{Group, Groups, Rows};
use crate::ModelError;
use crate::backend::cpu::kernel::blocks::Blocks;
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::storage::in_file::{Form, InFile};
use crate::backend::cpu::storage::weight::Weight;
use crate::decoder::{Linear, LoraPair};

/// A linear layer to be read row by row.
pub(crate) struct RowReader<'a> {
    outputs: usize,
    read: Box<Rows<'a>>,
    /// Reads a row's blocks of 4 bits, where it lies in such.
    groups: Option<Box<Groups<'a>>>,
}

impl<'a> RowReader<'a> {
    /// A weight of any form.
    pub(crate) fn weight(weight: &'a Weight) -> Result<Self, ModelError> {
        let outputs = weight.outputs();
        if let Some(file) = weight.in_file() {
            return Ok(Self { outputs, read: Box::new(rows_of_file(file)), groups: groups_of_file(file) });
        }
        let held = weight.held()?;
        let read = move |row: usize, out: &mut [f32]| {
            held.numbers().write_f32(row * out.len(), out);
            Ok(())
        };
        let groups = weight.blocks().filter(|blocks| blocks.raw().1.bits() == 4).map(groups_of_blocks);
        Ok(Self { outputs, read: Box::new(read), groups })
    }

    /// A layer's weight; with its adapter's product, scale × B A, added if `merged`.
    pub(crate) fn linear(linear: &'a Linear, merged: bool) -> Result<Self, ModelError> {
        let Self { outputs, read, groups } = Self::weight(&linear.weight)?;
        let Some(pair) = linear.adapter.as_ref().filter(|_| merged) else { return Ok(Self { outputs, read, groups }) };
        let (a, b, rank, scale) = (pair.a.values()?, pair.b.values()?, pair.rank, pair.scale);
        let read = move |row: usize, out: &mut [f32]| {
            read(row, out)?;
            for (factor, a) in b[row * rank..(row + 1) * rank].iter().zip(a.chunks(out.len())) {
                rows::add_scaled(out, a, scale * factor);
            }
            Ok(())
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
            read(row, out)?;
            rows::scale(out, scale);
            Ok(())
        };
        Ok(Self { outputs, read: Box::new(read), groups: None })
    }

    /// Rows.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes a row.
    pub(crate) fn read(&self, row: usize, out: &mut [f32]) -> Result<(), ModelError> {
        (self.read)(row, out)
    }

    /// All rows, for laying out.
    pub(crate) fn rows(&self) -> &Rows<'a> {
        &*self.read
    }

    /// The blocks of 4 bits of all rows, if they lie in such.
    pub(crate) fn groups(&self) -> Option<&Groups<'a>> {
        self.groups.as_deref()
    }

    /// Writes a row of several sources that stand one below the other.
    pub(crate) fn stacked(sources: &[Self], row: usize, out: &mut [f32]) -> Result<(), ModelError> {
        let (source, row) = Self::of_stacked(sources, row);
        source.read(row, out)
    }

    /// As [`RowReader::stacked`], of blocks of 4 bits, in which all sources lie.
    pub(crate) fn stacked_groups(sources: &[Self], row: usize, groups: &mut [Group]) -> Result<(), ModelError> {
        let (source, row) = Self::of_stacked(sources, row);
        source.groups().expect("all sources lie in 4 bits")(row, groups)
    }

    /// The source of a row of all sources, and its row there.
    fn of_stacked(sources: &[Self], mut row: usize) -> (&Self, usize) {
        for source in sources {
            if row < source.outputs {
                return (source, row);
            }
            row -= source.outputs;
        }
        unreachable!("no row behind the last source's is asked for")
    }
}

/// Reads rows from a file.
fn rows_of_file(file: &InFile) -> impl Fn(usize, &mut [f32]) -> Result<(), ModelError> + Sync {
    |row, out| {
        file.rows(row..row + 1)?.numbers().write_f32(0, out);
        Ok(())
    }
}

/// Copies a row's blocks.
fn copy_groups(blocks: &Blocks, row: usize, groups: &mut [Group]) {
    let first = row * groups.len();
    for (i, group) in groups.iter_mut().enumerate() {
        let (factor, minimum, quants) = blocks.four_bits(first + i).expect("blocks of 4 bits");
        *group = Group { factor, minimum, quants };
    }
}

fn groups_of_blocks(blocks: &Blocks) -> Box<Groups<'_>> {
    Box::new(|row, groups| {
        copy_groups(blocks, row, groups);
        Ok(())
    })
}

/// Makes a row's blocks of what a file holds, where it is used in blocks of 4 bits.
fn groups_of_file(file: &InFile) -> Option<Box<Groups<'_>>> {
    let in_four_bits = matches!(file.form(), Form::Blocks(form) if form.bits() == 4);
    in_four_bits.then(|| -> Box<Groups<'_>> {
        Box::new(|row, groups| {
            match file.rows(row..row + 1)?.numbers() {
                Numbers::Blocks(blocks) => copy_groups(blocks, 0, groups),
                Numbers::F32(_) | Numbers::Bf16(_) => unreachable!("the form says blocks"),
            }
            Ok(())
        })
    })
}
