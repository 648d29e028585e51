//! Adapters beside the weights on the device: y = x wᵀ + s (x Aᵀ) Bᵀ, for the rows of the requests that have one.

use std::ops::Range;

use half::bf16;
use lam_cuda::{Addend, Buffer, CudaError, Device, Matrix, Output, Product, ViewMut};

use super::model::Model;
use crate::backend::cuda::{Rows, stride_of};
use crate::backend::storage;
use crate::backend::storage::weight::Weight;
use crate::decoder::Block;
use crate::generation::adapter::{check_decoder, check_layers};
use crate::layout::GROUPS;
use crate::{Decoder, ModelError};

/// An adapter on the device.
pub(crate) struct Adapter {
    /// [layer][group of layers with the same inputs], see [`GROUPS`].
    groups: Vec<[Option<Factors>; 4]>,
}

/// The factors of all adapted layers of a group as one pair: A of one layer below that of the other; s B of each in its
/// own rows and ranks, zero elsewhere.
pub(crate) struct Factors {
    /// Shape: [R, K].
    inner: Factor,
    /// Shape: [N, R].
    outer: Factor,
}

/// One of a pair, row by row.
struct Factor {
    values: Buffer<bf16>,
    rows: usize,
    columns: usize,
}

impl Adapter {
    /// Brings the adapter of a decoder over the same weights to the device.
    pub(crate) fn of(decoder: &Decoder, model: &Model) -> Result<Self, ModelError> {
        check_decoder(decoder, model.has_merged, model.blocks().len())?;
        decoder.fetch_variables()?;
        let groups = decoder.stack.blocks.iter().enumerate().map(|(layer, block)| {
            let group = |number: usize| Factors::of(model, (layer, number), block);
            let [qkv, o, gate_up, down] = [0, 1, 2, 3].map(group);
            Ok([qkv?, o?, gate_up?, down?])
        });
        Ok(Self { groups: groups.collect::<Result<_, ModelError>>()? })
    }

    /// The factors of a group, if any of its layers is adapted.
    pub(crate) fn factors(&self, (layer, group): (usize, usize)) -> Option<&Factors> {
        self.groups[layer][group].as_ref()
    }
}

impl Factors {
    fn of(model: &Model, place: (usize, usize), block: &Block) -> Result<Option<Self>, ModelError> {
        let linears = &block.linears[GROUPS[place.1].clone()];
        let (n, k, _) = model.group(place).size;
        check_layers(linears, linears.iter().map(|linear| linear.size.0).sum(), (n, k))?;
        let rank: usize = linears.iter().filter_map(|linear| linear.adapter.as_ref()).map(|pair| pair.rank).sum();
        if rank == 0 {
            return Ok(None);
        }
        let (mut inner, mut outer) =
            (vec![bf16::ZERO; rank * stride_of(k, 0)], vec![bf16::ZERO; n * stride_of(rank, 0)]);
        let (mut row, mut first) = (0, 0);
        for linear in linears {
            if let Some(pair) = &linear.adapter {
                put(&pair.a, 1.0, (first, 0), k, &mut inner)?;
                put(&pair.b, pair.scale, (row, first), rank, &mut outer)?;
                first += pair.rank;
            }
            row += linear.size.0;
        }
        let matrix = |values: &[bf16], rows, columns| {
            let values = model.device().upload(values)?;
            Ok::<_, CudaError>(Factor { values, rows, columns })
        };
        Ok(Some(Self { inner: matrix(&inner, rank, k)?, outer: matrix(&outer, n, rank)? }))
    }

    /// Adds the adapter's part to some rows of what a group gave for `x`; `y` begins with the first of them.
    pub(crate) fn add<O: Output>(
        &self,
        device: &Device,
        (x, rows): (&Rows, Range<usize>),
        (y, stride): (ViewMut<'_, O>, usize),
    ) -> Result<(), CudaError> {
        let (m, rank) = (rows.len(), self.inner.rows);
        let mut between = Rows::new(device, m, rank, 0)?;
        let to = between.stride;
        let x = Matrix::new(x.columns_from(rows.start * x.stride).values, x.stride);
        let product = Product { m, n: rank, k: self.inner.columns, a: x, b: self.inner.lying(), alpha: 1.0 };
        device.product(&product, Addend::Nothing, between.place_mut().values, to)?;
        let (n, b) = (self.outer.rows, self.outer.lying());
        let product = Product { m, n, k: rank, a: between.matrix(), b, alpha: 1.0 };
        device.product(&product, Addend::Output(1.0), y, stride)
    }
}

impl Factor {
    fn lying(&self) -> Matrix<'_> {
        Matrix::new(&self.values, stride_of(self.columns, 0)).transposed()
    }
}

/// Writes a weight, times a scale, into rows of a matrix of so many columns, from a row and a column on.
fn put(
    weight: &Weight,
    scale: f32,
    (row, column): (usize, usize),
    columns: usize,
    to: &mut [bf16],
) -> Result<(), ModelError> {
    let (tensor, stride) = (weight.to_tensor()?, stride_of(columns, 0));
    let values = storage::values(&tensor)?;
    for (i, from) in values.chunks_exact(weight.shape()[1]).enumerate() {
        let start = (row + i) * stride + column;
        let to = &mut to[start..start + from.len()];
        to.iter_mut().zip(from).for_each(|(to, from)| *to = bf16::from_f32(scale * from));
    }
    Ok(())
}
