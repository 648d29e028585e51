//! Generation of one sequence, token by token, as a card has run it (`kernels/PROVEN.md`). Its products are those of
//! `single.rs` wherever numbers are f32 and no adapter is there: gates and ups, down, the output layer. The rest, whose
//! state (the token and its position) lies on the device beside keys and values of one sequence without pages, is called by
//! tests alone, which compare it with the processor's operations: kept until a card has run what took its place. K width of a product's input, N of its output; H query heads, E head width.

use half::bf16;
use lam_cuda::{CudaError, View, ViewMut};

use super::{Ops, Place, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;
use crate::backend::run::Heads;

/// Blocks a multiprocessor, of which each reads weights until none are left.
const BLOCKS: u32 = 3;

/// A row that a product reads, with the weight of an RMSNorm before and its eps. Shapes: `[K]`.
pub(crate) type NormedRow<'a> = (View<'a, f32>, Option<(View<'a, bf16>, f32)>);

/// Keys and values of one layer, and room for the parts of their attention.
pub(crate) struct Cache<'a> {
    /// Shape: [key-value heads, positions, E].
    pub(crate) keys: ViewMut<'a, bf16>,
    /// Shape: [key-value heads, positions, E].
    pub(crate) values: ViewMut<'a, bf16>,
    /// Shape: [H, positions / part up, E + 2].
    pub(crate) partial: ViewMut<'a, f32>,
    /// Zeros between launches. Shape: `[key-value heads]`.
    pub(crate) counter: ViewMut<'a, i32>,
    pub(crate) positions: usize,
    /// Positions that one block attends to.
    pub(crate) part: usize,
}

impl Ops {
    /// x = the state's token in the table. Shapes: state `[2]`; table [V, D]; x `[D]`.
    #[cfg_attr(not(test), expect(dead_code, reason = "kept until a card has run what took its place"))]
    pub(crate) fn decode_embed(
        &self,
        state: View<'_, i32>,
        table: View<'_, bf16>,
        x: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(state, 2);
        let d = x.len();
        let kernel = self.kernel(Family::Decode, "decode_embed")?;
        let launch = self.device.launch(&kernel).read(state).read(table).write(x).value(d as i32);
        // SAFETY: the arguments are the kernel's; that the token is below V is checked where it is made.
        unsafe { launch.run(blocks(d, 256), 256, 0) }
    }

    /// y = W norm(x), or y += W x where `add`; `norm`: the weight of an RMSNorm of x before, and its eps. Shapes: w [N, K], N
    /// even; x `[K]`; y `[N]`.
    pub(crate) fn decode_product(
        &self,
        w: Place<'_>,
        (n, k): (usize, usize),
        (x, norm): NormedRow<'_>,
        y: ViewMut<'_, f32>,
        add: bool,
    ) -> Result<(), CudaError> {
        assert!(n.is_multiple_of(2), "{n} rows, two at a time");
        check_eights(&[k, w.stride]);
        w.check(n, k);
        check_length(x, k);
        check_length(y.as_view(), n);
        let kernel = self.kernel(Family::Decode, "decode_gemv")?;
        let launch = self.device.launch(&kernel).read(w.values).value(w.stride as i64).read(x);
        let launch = normed(launch, norm, k).write(y).value(n as i32).value(k as i32);
        let launch = launch.value(norm.map_or(0.0, |(_, eps)| eps)).value(i32::from(add));
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n, 16).min(self.resident()), 256, k * 4) }
    }

    /// p = silu(gate norm(x)) (up norm(x)). Shapes: w [2F, K], gate above up; x `[K]`; p `[F]`.
    pub(crate) fn decode_gate_up(
        &self,
        w: Place<'_>,
        (f, k): (usize, usize),
        (x, norm): NormedRow<'_>,
        p: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[k, w.stride]);
        w.check(2 * f, k);
        check_length(x, k);
        check_length(p.as_view(), f);
        let kernel = self.kernel(Family::Decode, "decode_gate_up")?;
        let launch = self.device.launch(&kernel).read(w.values).value(w.stride as i64).read(x);
        let launch = normed(launch, norm, k).write(p).value(f as i32).value(k as i32);
        let launch = launch.value(norm.map_or(0.0, |(_, eps)| eps));
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(f, 8).min(self.resident()), 256, k * 4) }
    }

    /// Attention of the state's token, whose rotated key and value join the cache. Shapes: qkv `[(H + 2K) E]`, not rotated;
    /// table [positions, E/2, 2]; o `[H E]`.
    #[cfg_attr(not(test), expect(dead_code, reason = "kept until a card has run what took its place"))]
    pub(crate) fn decode_attention(
        &self,
        state: View<'_, i32>,
        qkv: View<'_, f32>,
        table: View<'_, f32>,
        heads: Heads,
        cache: Cache<'_>,
        o: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        let Heads { query, key_value, dim, window } = heads;
        let (group, splits) = (query / key_value, cache.positions.div_ceil(cache.part));
        assert!(group <= 8 && dim <= 128 && dim.is_multiple_of(2), "{group} queries a key, heads of {dim} values");
        check_length(state, 2);
        check_length(qkv, (query + 2 * key_value) * dim);
        check_length(table, cache.positions * dim);
        check_length(cache.keys.as_view(), key_value * cache.positions * dim);
        check_length(cache.values.as_view(), key_value * cache.positions * dim);
        check_length(cache.partial.as_view(), query * splits * (dim + 2));
        check_length(cache.counter.as_view(), key_value);
        check_length(o.as_view(), query * dim);
        let kernel = self.kernel(Family::Decode, "decode_attention")?;
        let launch = self.device.launch(&kernel).read(state).read(qkv).read(table).write(cache.keys);
        let launch = launch.write(cache.values).write(cache.partial).write(cache.counter).write(o);
        let launch = launch.value(query as i32).value(key_value as i32).value(dim as i32);
        let launch = launch.value(cache.positions as i32).value(cache.part as i32).value(window.unwrap_or(0) as i32);
        // SAFETY: the arguments are the kernel's, checked above; that the position is in the cache is the caller's check.
        unsafe { launch.run((key_value as u32, splits as u32), 32 * group as u32, 0) }
    }

    /// out\[position\] = the token of the largest logit, the first of equal ones, which becomes the state's where `greedy`; the
    /// position goes on. Shapes: logits `[V]`; out \[positions\].
    #[cfg_attr(not(test), expect(dead_code, reason = "kept until a card has run what took its place"))]
    pub(crate) fn decode_pick(
        &self,
        logits: View<'_, f32>,
        state: ViewMut<'_, i32>,
        out: ViewMut<'_, i32>,
        greedy: bool,
    ) -> Result<(), CudaError> {
        check_length(state.as_view(), 2);
        let kernel = self.kernel(Family::Decode, "decode_pick")?;
        let launch = self.device.launch(&kernel).read(logits).write(state).write(out);
        let launch = launch.value(logits.len() as i32).value(i32::from(greedy));
        // SAFETY: the arguments are the kernel's; that the position is within `out` is the caller's check.
        unsafe { launch.run(1, 1024, 0) }
    }

    /// Blocks that the card has room for at once, about.
    fn resident(&self) -> u32 {
        BLOCKS * self.device.properties().multiprocessors
    }
}

/// The weight of a norm as an argument, or none.
fn normed<'l>(launch: lam_cuda::Launch<'l>, norm: Option<(View<'_, bf16>, f32)>, k: usize) -> lam_cuda::Launch<'l> {
    match norm {
        Some((weight, _)) => {
            check_length(weight, k);
            launch.read(weight)
        }
        None => launch.null(),
    }
}
