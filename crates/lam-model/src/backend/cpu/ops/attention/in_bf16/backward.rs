//! The backward, over transposed scores: a key a row, a query a column, because the gradients by keys and values sum over
//! queries: their left sides then lie in rows as they are made. The gradient by queries is summed transposed, and turned
//! in the end.
//!
//! A square of 256 queries by 256 keys is done at once, so that what is summed over either stays in the second cache
//! however long a document is.

use half::bf16;

use super::gradients::{Products, Rounded, products_of, turned};
use super::pack::{Head, scaled, write};
use super::{Kept, Task, exponent_factor};
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::tiles::{Blocks, Multiplier, OwnOrder, Pair, SIDE, Sums, Tiles};
use crate::backend::cpu::kernel::vector::{LANES, Vector};

/// Blocks of a square's side.
const SQUARE: usize = 8;

pub(super) struct Backward<'a> {
    pub(super) task: Task<'a>,
    pub(super) kept: Kept<'a>,
    pub(super) gradients: [Shared<'a, bf16>; 3],
}

/// What a task works in. `steps` are those of E.
struct Room<'a> {
    steps: usize,
    /// [blocks, steps]: keys and values as left sides over E.
    keys: &'a mut [Pair],
    values: &'a mut [Pair],
    /// [blocks, steps]: keys as left sides over keys.
    keys_turned: &'a mut [Pair],
    /// [SQUARE, steps]: queries and the gradient by the output as right sides, over E and over queries.
    queries: &'a mut [Pair],
    g: &'a mut [Pair],
    queries_down: &'a mut [Pair],
    g_down: &'a mut [Pair],
    /// [keys, queries], SQUARE blocks of each: probabilities and the gradient by the scores as left sides over queries.
    p: &'a mut [Pair],
    ds: &'a mut [Pair],
    /// [queries, keys]: the latter as right sides over keys.
    ds_down: &'a mut [Pair],
    /// Two blocks of scores, and of the gradient by the probabilities.
    scores: &'a mut [Sums],
    dp: &'a mut [Sums],
    /// [blocks, steps]
    dk: &'a mut [Sums],
    dv: &'a mut [Sums],
    /// [SQUARE, steps], transposed.
    dq: &'a mut [Sums],
    /// For each query of a square: logsumexp as a power of two, and the product of output and gradient.
    logsumexp: [[f32; SIDE]; SQUARE],
    means: [[f32; SIDE]; SQUARE],
}

impl<'a> Room<'a> {
    fn pairs(blocks: usize, steps: usize) -> usize {
        (3 * blocks + 4 * SQUARE) * steps + 3 * SQUARE * SQUARE + 2 * (4 + 2 * blocks * steps + SQUARE * steps)
    }

    fn new(memory: &'a mut Blocks, blocks: usize, steps: usize) -> Self {
        let mut rest = memory.rest();
        let mut of_keys = || rest.pairs(blocks * steps);
        let (keys, values, keys_turned) = (of_keys(), of_keys(), of_keys());
        let mut of_queries = || rest.pairs(SQUARE * steps);
        let (queries, g, queries_down, g_down) = (of_queries(), of_queries(), of_queries(), of_queries());
        let mut of_both = || rest.pairs(SQUARE * SQUARE);
        let (p, ds, ds_down) = (of_both(), of_both(), of_both());
        Self {
            steps,
            keys,
            values,
            keys_turned,
            queries,
            g,
            queries_down,
            g_down,
            p,
            ds,
            ds_down,
            scores: rest.sums(2),
            dp: rest.sums(2),
            dk: rest.sums(blocks * steps),
            dv: rest.sums(blocks * steps),
            dq: rest.sums(SQUARE * steps),
            logsumexp: [[0.0; SIDE]; SQUARE],
            means: [[0.0; SIDE]; SQUARE],
        }
    }
}

/// Blocks of queries and of keys, and which pairs of them are seen.
struct Square {
    queries: usize,
    keys: usize,
    /// For each block of keys, the blocks of queries that see it, a bit each, counted from the first of the square.
    seen: [u8; SQUARE],
}

impl Square {
    fn sees(&self, query: usize, key: usize) -> bool {
        self.seen[key] >> query & 1 == 1
    }
}

/// The places of a byte's bits that are set, ascending.
struct Bits(u8);

impl Iterator for Bits {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros() as usize;
        let any = self.0 != 0;
        self.0 &= self.0.wrapping_sub(1);
        any.then_some(place)
    }
}

impl OwnOrder for Backward<'_> {
    #[inline(always)]
    unsafe fn run<T: Tiles, V: Vector>(self, tiles: &mut Multiplier<T>) {
        let (blocks, steps) = (self.task.sight.blocks(), self.task.heads.dim.div_ceil(SIDE));
        let mut memory = Blocks::of_pairs(Room::pairs(blocks, steps));
        let mut room = Room::new(&mut memory, blocks, steps);
        // SAFETY: the caller's, here and below: the processor has these vectors.
        unsafe { self.pack_keys::<V>(&mut room) };
        for h in self.task.group() {
            for queries in (0..blocks).step_by(SQUARE) {
                // SAFETY: as above.
                unsafe { self.queries::<T, V>(tiles, &mut room, h, queries) };
            }
        }
        let [_, dk, dv] = self.gradients;
        // SAFETY: as above.
        unsafe {
            self.write_by_key::<V>(room.dk, dk, self.task.heads.factor());
            self.write_by_key::<V>(room.dv, dv, 1.0);
        }
    }
}

impl Backward<'_> {
    fn blocks(&self, queries: usize) -> usize {
        SQUARE.min(self.task.sight.blocks() - queries)
    }

    #[inline(always)]
    unsafe fn pack_keys<V: Vector>(&self, room: &mut Room<'_>) {
        let size = (self.task.sight.span.length, self.task.heads.dim);
        let head = |values| Head::new(values, self.task.at_key(0), self.task.key_width(), size);
        let (keys, values) = (head(self.task.inputs.k), head(self.task.inputs.v));
        for block in 0..self.task.sight.blocks() {
            for step in 0..room.steps {
                let at = block * room.steps + step;
                // SAFETY: the caller's: the processor has these vectors.
                unsafe {
                    keys.left::<V>(block, step, &mut room.keys[at]);
                    values.left::<V>(block, step, &mut room.values[at]);
                    keys.left_over_rows::<V>(block, step, &mut room.keys_turned[at]);
                }
            }
        }
    }

    /// All squares of some queries of a head.
    #[inline(always)]
    unsafe fn queries<T: Tiles, V: Vector>(
        &self,
        tiles: &mut Multiplier<T>,
        room: &mut Room<'_>,
        h: usize,
        queries: usize,
    ) {
        let (sight, blocks) = (self.task.sight, self.blocks(queries));
        let seen: [_; SQUARE] = std::array::from_fn(|at| (at < blocks).then(|| sight.key_blocks(queries + at)));
        // SAFETY: the caller's, here and below.
        unsafe { self.pack_queries::<V>(room, h, queries) };
        let mut started = false;
        for keys in (0..queries + blocks).step_by(SQUARE) {
            let sees = |key: usize, at: usize| seen[at].as_ref().is_some_and(|seen| seen.contains(keys + key));
            let bits = |key: usize| (0..SQUARE).fold(0, |bits, at| bits | u8::from(sees(key, at)) << at);
            let square = Square { queries, keys, seen: std::array::from_fn(bits) };
            if square.seen == [0; SQUARE] {
                continue;
            }
            // SAFETY: as above.
            unsafe { self.scores::<T, V>(tiles, room, &square) };
            let first = h == self.task.group().start;
            self.sum_by_key(tiles, room, &square, first);
            self.sum_by_query(tiles, room, &square, &mut started);
        }
        // SAFETY: as above.
        unsafe { self.write_by_query::<V>(room, h, queries) };
    }

    #[inline(always)]
    unsafe fn pack_queries<V: Vector>(&self, room: &mut Room<'_>, h: usize, queries: usize) {
        let (sight, heads) = (self.task.sight, self.task.heads);
        let width = self.task.query_width();
        let size = (sight.span.length, heads.dim);
        let head = |values| Head::new(values, self.task.at_query(0, h), width, size);
        let (q, g) = (head(self.task.inputs.q), head(self.kept.g));
        for at in 0..self.blocks(queries) {
            let block = queries + at;
            for step in 0..room.steps {
                let place = at * room.steps + step;
                // SAFETY: the caller's, here and below.
                unsafe {
                    q.right::<V>(block, step, &mut room.queries[place]);
                    g.right::<V>(block, step, &mut room.g[place]);
                    q.right_over_rows::<V>(block, step, &mut room.queries_down[place]);
                    g.right_over_rows::<V>(block, step, &mut room.g_down[place]);
                }
            }
            let (logsumexp, mut products) = (&mut room.logsumexp[at], [[[0.0; LANES]; LANES]; 2]);
            for (row, products) in products.as_flattened_mut().iter_mut().enumerate().take(sight.rows(block)) {
                let row_at = sight.span.start + block * SIDE + row;
                logsumexp[row] = self.kept.logsumexp[row_at * heads.query + h] * std::f32::consts::LOG2_E;
                let own = row_at * width + h * heads.dim..row_at * width + (h + 1) * heads.dim;
                // SAFETY: as above.
                unsafe { products_of::<V>(&self.kept.o[own.clone()], &self.kept.g[own], products) };
            }
            for (means, products) in room.means[at].as_chunks_mut::<LANES>().0.iter_mut().zip(&products) {
                // SAFETY: as above.
                unsafe { V::store(means, V::sums(products)) };
            }
        }
    }

    /// Probabilities and the gradient by the scores, in all blocks of a square that are seen.
    #[inline(always)]
    unsafe fn scores<T: Tiles, V: Vector>(&self, tiles: &mut Multiplier<T>, room: &mut Room<'_>, square: &Square) {
        let (sight, steps) = (self.task.sight, room.steps);
        let factor = exponent_factor(self.task.heads);
        let mut turn = 0;
        let mut before: Option<(usize, usize)> = None;
        for at in 0..=SQUARE * SQUARE {
            let (query, key) = (at / SQUARE, at % SQUARE);
            let next = (at < SQUARE * SQUARE && square.sees(query, key)).then_some((query, key));
            if next.is_none() && at < SQUARE * SQUARE {
                continue;
            }
            if next.is_some() {
                let rows = sight.rows(square.keys + key);
                let of_key = (square.keys + key) * steps..(square.keys + key + 1) * steps;
                let of_query = query * steps..(query + 1) * steps;
                let left = room.keys[of_key.clone()].iter();
                tiles.sum(left.zip(&room.queries[of_query.clone()]), rows, false, &mut room.scores[turn]);
                tiles.sum(room.values[of_key].iter().zip(&room.g[of_query]), rows, false, &mut room.dp[turn]);
            }
            // The vectors look at a block while the tiles make the next.
            if let Some((query, key)) = before {
                let blocks = (square.queries + query, square.keys + key);
                let bits = (!sight.is_full(blocks.0, blocks.1)).then(|| sight.of_keys(blocks.0, blocks.1));
                let products = Products {
                    scores: &room.scores[1 - turn].0,
                    dp: &room.dp[1 - turn].0,
                    factor,
                    logsumexp: &room.logsumexp[query],
                    means: &room.means[query],
                };
                let to = Rounded {
                    p: &mut room.p[key * SQUARE + query].0,
                    ds: &mut room.ds[key * SQUARE + query].0,
                    ds_down: &mut room.ds_down[query * SQUARE + key].0,
                };
                // SAFETY: the caller's.
                unsafe {
                    match bits {
                        None => products.seen_whole::<V>(to),
                        Some(bits) => products.seen_where::<V>(&bits, to),
                    }
                }
            }
            before = next;
            turn = 1 - turn;
        }
    }

    /// dv += pᵀ g; dk += dsᵀ q.
    #[inline(always)]
    fn sum_by_key<T: Tiles>(&self, tiles: &mut Multiplier<T>, room: &mut Room<'_>, square: &Square, first: bool) {
        let steps = room.steps;
        for (key, seen) in square.seen.iter().enumerate().filter(|(_, seen)| **seen != 0) {
            let rows = self.task.sight.rows(square.keys + key);
            // A block of keys meets its own queries first, of the group's first head.
            let started = !first || square.keys + key < square.queries + seen.trailing_zeros() as usize;
            for step in 0..steps {
                let at = (square.keys + key) * steps + step;
                let both = key * SQUARE;
                let by_value = Bits(*seen).map(|query| (&room.p[both + query], &room.g_down[query * steps + step]));
                tiles.sum(by_value, rows, started, &mut room.dv[at]);
                let by_key =
                    Bits(*seen).map(|query| (&room.ds[both + query], &room.queries_down[query * steps + step]));
                tiles.sum(by_key, rows, started, &mut room.dk[at]);
            }
        }
    }

    /// dqᵀ += kᵀ dsᵀ.
    #[inline(always)]
    fn sum_by_query<T: Tiles>(
        &self,
        tiles: &mut Multiplier<T>,
        room: &mut Room<'_>,
        square: &Square,
        started: &mut bool,
    ) {
        let steps = room.steps;
        for query in 0..self.blocks(square.queries) {
            let seen = (0..SQUARE).fold(0, |bits, key| bits | u8::from(square.sees(query, key)) << key);
            for step in 0..steps {
                let rows = SIDE.min(self.task.heads.dim - step * SIDE);
                let by_query = Bits(seen).map(|key| {
                    (&room.keys_turned[(square.keys + key) * steps + step], &room.ds_down[query * SQUARE + key])
                });
                tiles.sum(by_query, rows, *started, &mut room.dq[query * steps + step]);
            }
        }
        *started = true;
    }

    /// Turns, scales and rounds the gradient by queries.
    #[inline(always)]
    unsafe fn write_by_query<V: Vector>(&self, room: &Room<'_>, h: usize, queries: usize) {
        let [dq, ..] = self.gradients;
        let dim = self.task.heads.dim;
        for at in 0..self.blocks(queries) {
            let block = queries + at;
            let rows = self.task.sight.rows(block);
            for step in 0..room.steps {
                let width = SIDE.min(dim - step * SIDE);
                // SAFETY: the caller's; only this task has these rows of this head.
                unsafe {
                    let turned = turned::<V>(&room.dq[at * room.steps + step], self.task.heads.factor());
                    for (row, values) in turned.as_flattened().iter().enumerate().take(rows) {
                        let to = self.task.at_query(block * SIDE + row, h) + step * SIDE;
                        write::<V>(dq.part(to, width), *values);
                    }
                }
            }
        }
    }

    /// Scales and rounds a gradient by keys or values.
    #[inline(always)]
    unsafe fn write_by_key<V: Vector>(&self, sums: &[Sums], to: Shared<'_, bf16>, factor: f32) {
        let (dim, steps) = (self.task.heads.dim, self.task.heads.dim.div_ceil(SIDE));
        for (at, sums) in sums.iter().enumerate() {
            let (block, column) = (at / steps, at % steps * SIDE);
            let width = SIDE.min(dim - column);
            for (row, sums) in sums.0.iter().enumerate().take(self.task.sight.rows(block)) {
                // SAFETY: the caller's; only this task has these rows of this head.
                unsafe {
                    let to = to.part(self.task.at_key(block * SIDE + row) + column, width);
                    write::<V>(to, scaled::<V>(sums, V::splat(factor)));
                }
            }
        }
    }
}
