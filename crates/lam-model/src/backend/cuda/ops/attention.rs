//! Causal attention over packed documents and shared prefixes. T tokens, H query heads, K key-value heads, E head width.

use half::bf16;
use lam_cuda::{CudaError, Launch, Scalar, View, ViewMut};

use super::{Ops, Place, PlaceMut, Seen, blocks, check_eights, check_length};
use crate::backend::cuda::sources::{Family, Road, Tiles};
use crate::backend::run::Heads;

/// The kernels' `AttnShape`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Shape {
    t: i32,
    query: i32,
    key_value: i32,
    stride: i64,
    o_stride: i64,
    scale: f32,
}

/// The kernels' `Rope`: addresses of the table and of the positions; zeros where nothing is turned back.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct TurnBack {
    table: u64,
    positions: u64,
}

// SAFETY: the kernel's structure has these fields in this order; nothing reads what is between them.
unsafe impl Scalar for Shape {}
// SAFETY: two pointers, as the kernel's structure.
unsafe impl Scalar for TurnBack {}

/// One of attention's kernels.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Forward,
    Dq,
    Dkv,
}

/// Queries, keys and values with the heads and the documents: what all three kernels read.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    qkv: Place<'a>,
    heads: Heads,
    seen: &'a Seen,
}

/// What both kernels of the backward read, and where they write.
struct Backward<'a> {
    by_o: Place<'a>,
    log_sums: View<'a, f32>,
    delta: View<'a, f32>,
    turn_back: TurnBack,
    by_qkv: PlaceMut<'a>,
}

impl Inputs<'_> {
    /// Columns of the rows of queries, keys and values.
    fn columns(&self) -> usize {
        (self.heads.query + 2 * self.heads.key_value) * self.heads.dim
    }

    /// Panics unless they are there, and are of a kind that kernels are compiled for.
    fn check(&self) {
        let Heads { query, key_value, dim, .. } = self.heads;
        assert!(dim.is_multiple_of(16) && dim <= 128, "heads of {dim} values");
        assert!(query.is_multiple_of(key_value), "{query} query heads for {key_value} key-value heads");
        check_eights(&[self.qkv.stride]);
        self.qkv.check(self.seen.t, self.columns());
    }

    fn shape(&self, o_stride: usize) -> Shape {
        Shape {
            t: self.seen.t as i32,
            query: self.heads.query as i32,
            key_value: self.heads.key_value as i32,
            stride: self.qkv.stride as i64,
            o_stride: o_stride as i64,
            scale: 1.0 / (self.heads.dim as f32).sqrt(),
        }
    }

    /// What queries see, as arguments of the forward and of the queries' gradient.
    fn sight<'l>(&self, launch: Launch<'l>) -> Launch<'l> {
        let launch = launch.read(&self.seen.lo);
        match &self.seen.prefix {
            Some((first, end)) => launch.read(first).read(end),
            None => launch,
        }
    }
}

impl Ops {
    /// o, and the base-2 logarithm of each softmax' denominator. Queries and keys come rotated. Shapes: qkv [T, (H + 2K) E];
    /// o [T, H E]; log_sums [H, T].
    pub(crate) fn attention(
        &self,
        qkv: Place<'_>,
        heads: Heads,
        seen: &Seen,
        o: PlaceMut<'_>,
        log_sums: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        let inputs = Inputs { qkv, heads, seen };
        inputs.check();
        check_eights(&[o.stride]);
        o.check(seen.t, heads.query * heads.dim);
        check_length(log_sums.as_view(), heads.query * seen.t);
        let tiles = self.tiles(heads, seen, Part::Forward);
        let kernel = self.kernel(Family::Attention(tiles), "attention_forward")?;
        let launch = self.matrix(self.device.launch(&kernel), tiles, qkv, (seen.t, inputs.columns()))?;
        let o_stride = o.stride;
        let launch = inputs.sight(launch.write(o.values).write(log_sums)).value(inputs.shape(o_stride));
        let grid = (heads.query as u32, blocks(seen.t, 128));
        // SAFETY: the arguments are the kernel's, checked above; the documents' lists are within the rows.
        unsafe { launch.run(grid, tiles.threads(), tiles.forward_bytes()) }
    }

    /// delta = rowsum(by_o o) of each head, which [`Self::attention_backward`] reads. Shape: [H, T].
    pub(crate) fn attention_delta(
        &self,
        o: Place<'_>,
        by_o: Place<'_>,
        heads: Heads,
        t: usize,
        delta: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        let Heads { query, dim, .. } = heads;
        check_eights(&[o.stride, by_o.stride, dim]);
        o.check(t, query * dim);
        by_o.check(t, query * dim);
        check_length(delta.as_view(), query * t);
        let whole = dim == 64 || dim == 128;
        let name = if whole { "attention_delta" } else { "attention_delta_padded" };
        let kernel = self.kernel(Family::AttentionDelta, name)?;
        let launch = self.device.launch(&kernel).read(o.values).value(o.stride as i64);
        let launch = launch.read(by_o.values).value(by_o.stride as i64).write(delta);
        let launch = launch.value(t as i32).value(query as i32).value(dim as i32);
        let lanes = if whole { dim / 8 } else { 16 };
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t * query * lanes, 256), 256, 0) }
    }

    /// The gradient by queries, keys and values, from the one by o; turned back to before their rotation where `rope`, its
    /// table and the positions, is given. Always the same numbers. Shapes: by_o [T, H E]; by_qkv [T, (H + 2K) E].
    #[expect(clippy::too_many_arguments, reason = "operands of a kernel, each of its own kind")]
    pub(crate) fn attention_backward(
        &self,
        qkv: Place<'_>,
        by_o: Place<'_>,
        log_sums: View<'_, f32>,
        delta: View<'_, f32>,
        heads: Heads,
        seen: &Seen,
        rope: Option<(View<'_, f32>, View<'_, i32>)>,
        by_qkv: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        let inputs = Inputs { qkv, heads, seen };
        inputs.check();
        check_eights(&[by_o.stride, by_qkv.stride]);
        by_o.check(seen.t, heads.query * heads.dim);
        by_qkv.check(seen.t, inputs.columns());
        check_length(log_sums, heads.query * seen.t);
        check_length(delta, heads.query * seen.t);
        check_length(&seen.hi, seen.t);
        let turn_back = rope.map_or(TurnBack::default(), |(table, positions)| {
            check_length(positions, seen.t);
            TurnBack { table: table.address(), positions: positions.address() }
        });
        let mut backward = Backward { by_o, log_sums, delta, turn_back, by_qkv };
        self.by_queries(inputs, &mut backward)?;
        self.by_keys_and_values(inputs, &mut backward)
    }

    fn by_queries(&self, inputs: Inputs<'_>, backward: &mut Backward<'_>) -> Result<(), CudaError> {
        let Inputs { qkv, heads, seen } = inputs;
        let tiles = self.tiles(heads, seen, Part::Dq);
        let kernel = self.kernel(Family::Attention(tiles), "attention_dq")?;
        let launch = self.matrix(self.device.launch(&kernel), tiles, qkv, (seen.t, inputs.columns()))?;
        let launch = self.matrix(launch, tiles, backward.by_o, (seen.t, heads.query * heads.dim))?;
        let launch = inputs.sight(launch.read(backward.log_sums).read(backward.delta));
        let launch = launch.write(&mut backward.by_qkv.values).value(backward.by_qkv.stride as i64);
        let launch = launch.value(inputs.shape(backward.by_o.stride)).value(backward.turn_back);
        let grid = (heads.query as u32, blocks(seen.t, 128));
        // SAFETY: the arguments are the kernel's, checked by the caller; the documents' lists are within the rows.
        unsafe { launch.run(grid, tiles.threads(), tiles.dq_bytes()) }
    }

    fn by_keys_and_values(&self, inputs: Inputs<'_>, backward: &mut Backward<'_>) -> Result<(), CudaError> {
        let Inputs { qkv, heads, seen } = inputs;
        let tiles = self.tiles(heads, seen, Part::Dkv);
        let kernel = self.kernel(Family::Attention(tiles), "attention_dkv")?;
        let launch = self.matrix(self.device.launch(&kernel), tiles, qkv, (seen.t, inputs.columns()))?;
        let launch = self.matrix(launch, tiles, backward.by_o, (seen.t, heads.query * heads.dim))?;
        let launch = launch.read(backward.log_sums).read(backward.delta).read(&seen.lo).read(&seen.hi);
        let launch = launch.write(&mut backward.by_qkv.values).value(backward.by_qkv.stride as i64);
        let launch = launch.value(inputs.shape(backward.by_o.stride)).value(backward.turn_back);
        let grid = (heads.key_value as u32, blocks(seen.t, 128));
        // SAFETY: the arguments are the kernel's, checked by the caller; the documents' lists are within the rows.
        unsafe { launch.run(grid, tiles.threads(), tiles.dkv_bytes()) }
    }

    /// A matrix as the kernels of a road take it: by its address, or as a map for TMA.
    fn matrix<'l>(
        &self,
        launch: Launch<'l>,
        tiles: Tiles,
        matrix: Place<'_>,
        sides: (usize, usize),
    ) -> Result<Launch<'l>, CudaError> {
        let values: View<'_, bf16> = matrix.values;
        match tiles.road {
            Road::Roles => Ok(launch.value(self.device.tensor_map(values, sides, matrix.stride)?)),
            Road::Mma | Road::Wgmma => Ok(launch.read(values)),
        }
    }

    /// The kernels for a batch: the fastest that there are on this card for heads of this width.
    fn tiles(&self, heads: Heads, seen: &Seen, part: Part) -> Tiles {
        let shared = seen.prefix.is_some();
        let road = match self.widest {
            _ if heads.dim != 64 && heads.dim != 128 => Road::Mma,
            Road::Roles if part == Part::Dq && (shared || seen.mean < self.short) => Road::Wgmma,
            road => road,
        };
        Tiles { road, dim: heads.dim, shared, narrow: self.narrow }
    }
}
