//! The forward: for each block of queries its scores by all keys it sees, softmax, and the sum of values.

use half::bf16;

use super::pack::{Head, halves, loaded, scaled, write};
use super::{Task, exponent_factor};
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::tiles::{Blocks, Multiplier, OwnOrder, Pair, SIDE, Sums, Tiles};
use crate::backend::cpu::kernel::vector::{LANES, Rows, Vector};
use crate::backend::cpu::ops::attention::blocks::KeyBlocks;

pub(super) struct Forward<'a> {
    pub(super) task: Task<'a>,
    pub(super) o: Shared<'a, bf16>,
    pub(super) logsumexp: Shared<'a, f32>,
}

/// What a task works in.
struct Room<'a> {
    /// [blocks of keys, steps of E]: right sides.
    keys: &'a mut [Pair],
    values: &'a mut [Pair],
    /// [steps of E]: left side.
    queries: &'a mut [Pair],
    /// A block of queries by each block of keys that it sees.
    scores: &'a mut [Sums],
    p: &'a mut [Pair],
    /// Two blocks of the result.
    out: &'a mut [Sums],
    /// Sixteen for each query, to be folded: highest scores, and sums of probabilities.
    highest: [Rows; 2],
    total: [Rows; 2],
    /// For each query what is taken from its scores, and the factor of its probabilities.
    shifts: [f32; SIDE],
    inverse: [f32; SIDE],
}

impl OwnOrder for Forward<'_> {
    #[inline(always)]
    unsafe fn run<T: Tiles, V: Vector>(self, tiles: &mut Multiplier<T>) {
        let (heads, span) = (self.task.heads, self.task.sight.span);
        let (blocks, steps) = (self.task.sight.blocks(), heads.dim.div_ceil(SIDE));
        let mut memory = Blocks::of_pairs(2 * blocks * steps + steps + 3 * blocks + 4);
        let mut rest = memory.rest();
        let mut room = Room {
            keys: rest.pairs(blocks * steps),
            values: rest.pairs(blocks * steps),
            queries: rest.pairs(steps),
            p: rest.pairs(blocks),
            scores: rest.sums(blocks),
            out: rest.sums(2),
            highest: [[[0.0; LANES]; LANES]; 2],
            total: [[[0.0; LANES]; LANES]; 2],
            shifts: [0.0; SIDE],
            inverse: [0.0; SIDE],
        };
        let head = |values| Head::new(values, self.task.at_key(0), self.task.key_width(), (span.length, heads.dim));
        let (keys, values) = (head(self.task.inputs.k), head(self.task.inputs.v));
        for block in 0..blocks {
            for step in 0..steps {
                let at = block * steps + step;
                // SAFETY: the caller's, here and below: the processor has these vectors.
                unsafe {
                    keys.right::<V>(block, step, &mut room.keys[at]);
                    values.right_over_rows::<V>(block, step, &mut room.values[at]);
                }
            }
        }
        for h in self.task.group() {
            for block in 0..blocks {
                // SAFETY: as above.
                unsafe { self.block::<T, V>(tiles, &mut room, h, block) };
            }
        }
    }
}

impl Forward<'_> {
    /// One block of queries of a head.
    #[inline(always)]
    unsafe fn block<T: Tiles, V: Vector>(
        &self,
        tiles: &mut Multiplier<T>,
        room: &mut Room<'_>,
        h: usize,
        block: usize,
    ) {
        let (sight, heads) = (self.task.sight, self.task.heads);
        let (rows, steps) = (sight.rows(block), room.queries.len());
        let size = (sight.span.length, heads.dim);
        let queries = Head::new(self.task.inputs.q, self.task.at_query(0, h), self.task.query_width(), size);
        let seen = sight.key_blocks(block);
        // SAFETY: the caller's, here and below.
        unsafe {
            for step in 0..steps {
                queries.left::<V>(block, step, &mut room.queries[step]);
            }
            self.scores::<T, V>(tiles, room, block, &seen);
            room.shift::<V>(exponent_factor(heads));
            room.total = [[[0.0; LANES]; LANES]; 2];
            for place in 0..seen.count() {
                room.exponentials::<V>(place, (rows, seen.at(place) == block), exponent_factor(heads));
            }
            self.logsumexp::<V>(room, h, block);
            self.output::<T, V>(tiles, room, (h, block), &seen);
        }
    }

    /// Scores by all keys that are seen, -∞ where one is not, and the highest of each query.
    #[inline(always)]
    unsafe fn scores<T: Tiles, V: Vector>(
        &self,
        tiles: &mut Multiplier<T>,
        room: &mut Room<'_>,
        block: usize,
        seen: &KeyBlocks,
    ) {
        let (rows, steps, count) = (self.task.sight.rows(block), room.queries.len(), seen.count());
        room.highest = [[[f32::NEG_INFINITY; LANES]; LANES]; 2];
        for place in 0..=count {
            if place < count {
                let keys = &room.keys[seen.at(place) * steps..][..steps];
                tiles.sum(room.queries.iter().zip(keys), rows, false, &mut room.scores[place]);
            }
            // The vectors look at a block while the tiles make the next.
            if place > 0 {
                let keys = seen.at(place - 1);
                let bits = (!self.task.sight.is_full(block, keys)).then(|| self.task.sight.of_queries(block, keys));
                // SAFETY: the caller's.
                unsafe { room.highest::<V>(place - 1, rows, bits) };
            }
        }
    }

    /// What the softmax of each query divides by: its logarithm is kept.
    #[inline(always)]
    unsafe fn logsumexp<V: Vector>(&self, room: &mut Room<'_>, h: usize, block: usize) {
        let (sight, heads) = (self.task.sight, self.task.heads);
        let mut totals = [[0.0; LANES]; 2];
        for half in 0..2 {
            // SAFETY: the caller's.
            unsafe {
                let total = V::sums(&room.total[half]);
                V::store(&mut totals[half], total);
                let (inverse, _) = room.inverse.as_chunks_mut::<LANES>();
                V::store(&mut inverse[half], V::div(V::splat(1.0), total));
            }
        }
        for (row, total) in totals.as_flattened().iter().enumerate().take(sight.rows(block)) {
            let at = (sight.span.start + block * SIDE + row) * heads.query + h;
            // SAFETY: only this task has this row and head.
            unsafe { self.logsumexp.part(at, 1)[0] = room.shifts[row] * std::f32::consts::LN_2 + total.ln() };
        }
    }

    /// The sum of values, divided and rounded.
    #[inline(always)]
    unsafe fn output<T: Tiles, V: Vector>(
        &self,
        tiles: &mut Multiplier<T>,
        room: &mut Room<'_>,
        (h, block): (usize, usize),
        seen: &KeyBlocks,
    ) {
        let (rows, steps) = (self.task.sight.rows(block), room.queries.len());
        for step in 0..=steps {
            if step < steps {
                let values = (0..seen.count()).map(|place| &room.values[seen.at(place) * steps + step]);
                tiles.sum(room.p.iter().zip(values), rows, false, &mut room.out[step % 2]);
            }
            if step > 0 {
                let column = (step - 1) * SIDE;
                let width = SIDE.min(self.task.heads.dim - column);
                for (row, sums) in room.out[(step - 1) % 2].0.iter().enumerate().take(rows) {
                    let at = self.task.at_query(block * SIDE + row, h) + column;
                    // SAFETY: only this task has this row and head; the rest is the caller's.
                    unsafe {
                        let values = scaled::<V>(sums, V::splat(room.inverse[row]));
                        write::<V>(self.o.part(at, width), values);
                    }
                }
            }
        }
    }
}

impl Room<'_> {
    /// The highest scores so far, after one more block; -∞ where a query does not see a key.
    #[inline(always)]
    unsafe fn highest<V: Vector>(&mut self, place: usize, rows: usize, bits: Option<[u32; SIDE]>) {
        let highest = self.highest.as_flattened_mut();
        let scores = &mut self.scores[place].0;
        // SAFETY: the caller's.
        unsafe {
            for row in 0..rows {
                let (scores, highest) = (scores[row].as_chunks_mut::<LANES>().0, &mut highest[row]);
                let [mut first, mut second] = [V::load(&scores[0]), V::load(&scores[1])];
                if let Some(bits) = &bits {
                    let unseen = V::splat(f32::NEG_INFINITY);
                    first = V::select(bits[row] as u16, first, unseen);
                    second = V::select((bits[row] >> LANES) as u16, second, unseen);
                    V::store(&mut scores[0], first);
                    V::store(&mut scores[1], second);
                }
                V::store(highest, V::max(V::load(highest), V::max(first, second)));
            }
        }
    }

    /// What is taken from the scores of each query before they are raised.
    #[inline(always)]
    unsafe fn shift<V: Vector>(&mut self, factor: f32) {
        for (shifts, rows) in self.shifts.as_chunks_mut::<LANES>().0.iter_mut().zip(&self.highest) {
            // SAFETY: the caller's.
            unsafe { V::store(shifts, V::mul(V::highest(rows), V::splat(factor))) };
        }
    }

    /// Probabilities but for their denominator, rounded, and their sums. On the diagonal, the first half of the rows
    /// sees no key of the second half.
    #[inline(always)]
    unsafe fn exponentials<V: Vector>(&mut self, place: usize, (rows, diagonal): (usize, bool), factor: f32) {
        let total = self.total.as_flattened_mut();
        let (scores, p) = (&self.scores[place].0, &mut self.p[place].0);
        // SAFETY: the caller's.
        unsafe {
            let factor = V::splat(factor);
            let half = if diagonal { rows.min(LANES) } else { 0 };
            for row in 0..half {
                let shift = V::splat(-self.shifts[row]);
                let first = V::exp2(V::fma(V::load(halves(&scores[row])[0]), factor, shift));
                V::store_narrow(&mut p[row], V::narrow(first, V::splat(0.0)));
                let total = &mut total[row];
                V::store(total, V::add(V::load(total), first));
            }
            for row in half..rows {
                let shift = V::splat(-self.shifts[row]);
                let [first, second] = loaded::<V>(&scores[row]);
                let (first, second) = (V::exp2(V::fma(first, factor, shift)), V::exp2(V::fma(second, factor, shift)));
                V::store_narrow(&mut p[row], V::narrow(first, second));
                let total = &mut total[row];
                V::store(total, V::add(V::load(total), V::add(first, second)));
            }
        }
    }
}
