//! Keys and values of many slots, in blocks of 64 positions that slots share where they begin alike. Knows where
//! things stand, not what is computed with them.
//!
//! What one head reads of a block stands in the order of its reading: memory is read fastest in long runs.

use crate::KeyValueFormat;
use crate::backend::cpu::kernel::pages::Pages;
use crate::backend::cpu::kernel::rows::bf16;
use crate::backend::cpu::kernel::tiles;

/// Positions of a block: their keys stand side by side.
pub(crate) const BLOCK: usize = tiles::BLOCK;
/// Columns of values that stand together.
pub(crate) const COLUMNS: usize = 64;
/// Words that are asked of the system at once.
const SLAB: usize = 1 << 20;

/// All blocks. A block has, for each layer and each key-value head, keys and values of 64 positions. f32: keys [E, 64],
/// then for each 64 columns of the values [64, columns]; bf16: keys [E / 2, 64] pairs of inputs, filled up to 16 pairs,
/// then for each 64 columns [32, columns] pairs of positions. Values are filled up to E', a multiple of 32.
pub(crate) struct KeyValues {
    pub(crate) shape: Shape,
    slabs: Vec<Pages>,
    /// How many slots hold each block.
    holders: Vec<u32>,
    free: Vec<u32>,
    slots: Vec<Slot>,
}

/// Sizes of a block.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) format: KeyValueFormat,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) dim: usize,
}

/// What a slot holds.
#[derive(Clone, Default)]
struct Slot {
    length: usize,
    blocks: Vec<u32>,
}

impl Shape {
    /// E', the width of a value.
    pub(crate) fn value_width(&self) -> usize {
        self.dim.next_multiple_of(32)
    }

    /// Words of a block's keys in one head.
    pub(crate) fn key_words(&self) -> usize {
        match self.format {
            KeyValueFormat::F32 => self.dim * BLOCK,
            KeyValueFormat::Bf16 => (self.dim / 2).next_multiple_of(16) * BLOCK,
        }
    }

    /// Where the word of a column stands, in the `step`-th of so many rows of a block's values.
    fn value_place(&self, column: usize, step: usize, steps: usize) -> usize {
        let first = column / COLUMNS * COLUMNS;
        first * steps + step * COLUMNS.min(self.value_width() - first) + column % COLUMNS
    }

    fn head_words(&self) -> usize {
        let values = BLOCK * self.value_width();
        self.key_words() + if self.format == KeyValueFormat::F32 { values } else { values / 2 }
    }

    fn block_words(&self) -> usize {
        self.layers * self.heads * self.head_words()
    }

    fn blocks_per_slab(&self) -> usize {
        (SLAB / self.block_words()).max(1)
    }
}

impl KeyValues {
    pub(crate) fn new(shape: Shape, slots: usize) -> Self {
        let slots = vec![Slot::default(); slots];
        Self { shape, slabs: Vec::new(), holders: Vec::new(), free: Vec::new(), slots }
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn length(&self, slot: usize) -> usize {
        self.slots[slot].length
    }

    /// The slot's blocks, in the order of its positions.
    pub(crate) fn blocks(&self, slot: usize) -> &[u32] {
        &self.slots[slot].blocks
    }

    /// The keys of a block in one layer and head; its values stand behind them.
    pub(crate) fn head(&self, block: u32, layer: usize, head: usize) -> *mut u32 {
        let (shape, block) = (self.shape, block as usize);
        let slab = &self.slabs[block / shape.blocks_per_slab()];
        let place = (block % shape.blocks_per_slab() * shape.layers + layer) * shape.heads + head;
        // SAFETY: inside the slab, which has room for so many blocks.
        unsafe { slab.raw().add(place * shape.head_words()) }
    }

    /// Lets a slot have `count` more positions, in blocks that nobody else holds.
    pub(crate) fn grow(&mut self, slot: usize, count: usize) {
        let (first, length) = (self.slots[slot].length, self.slots[slot].length + count);
        if let Some(&shared) =
            self.slots[slot].blocks.get(first / BLOCK).filter(|&&block| self.holders[block as usize] > 1)
        {
            let own = self.fresh();
            // SAFETY: two different blocks.
            unsafe { self.head(shared, 0, 0).copy_to_nonoverlapping(self.head(own, 0, 0), self.shape.block_words()) };
            self.holders[shared as usize] -= 1;
            self.slots[slot].blocks[first / BLOCK] = own;
        }
        while self.slots[slot].blocks.len() * BLOCK < length {
            let block = self.fresh();
            self.slots[slot].blocks.push(block);
        }
        self.slots[slot].length = length;
    }

    /// Forgets what a slot holds from `length` on.
    pub(crate) fn truncate(&mut self, slot: usize, length: usize) {
        if length < self.slots[slot].length {
            self.slots[slot].length = length;
            for block in self.slots[slot].blocks.split_off(length.div_ceil(BLOCK)) {
                self.release(block);
            }
        }
    }

    /// Lets `to` hold the first `length` positions of `from`, in the same blocks.
    pub(crate) fn share(&mut self, from: usize, to: usize, length: usize) {
        let length = length.min(self.slots[from].length);
        if from == to {
            return self.truncate(to, length);
        }
        let blocks = self.slots[from].blocks[..length.div_ceil(BLOCK)].to_vec();
        blocks.iter().for_each(|&block| self.holders[block as usize] += 1);
        self.truncate(to, 0);
        self.slots[to] = Slot { length, blocks };
    }

    fn release(&mut self, block: u32) {
        self.holders[block as usize] -= 1;
        if self.holders[block as usize] == 0 {
            self.free.push(block);
        }
    }

    /// A block of zeros: what nobody wrote must not be NaN.
    fn fresh(&mut self) -> u32 {
        if let Some(block) = self.free.pop() {
            // SAFETY: nobody holds it, and it is this long.
            unsafe { self.head(block, 0, 0).write_bytes(0, self.shape.block_words()) };
            self.holders[block as usize] = 1;
            return block;
        }
        let count = self.shape.blocks_per_slab();
        let first = self.holders.len();
        self.slabs.push(Pages::zeroed(count * self.shape.block_words()));
        self.holders.resize(first + count, 0);
        self.free.extend((first as u32 + 1..(first + count) as u32).rev());
        self.holders[first] = 1;
        first as u32
    }

    /// Writes key and value of one head at a position.
    ///
    /// # Safety
    /// No other task may write this position of this head, or read it.
    pub(crate) unsafe fn put(
        &self,
        (slot, position): (usize, usize),
        (layer, head): (usize, usize),
        key: &[f32],
        value: &[f32],
    ) {
        let (shape, place) = (self.shape, position % BLOCK);
        let keys = self.head(self.slots[slot].blocks[position / BLOCK], layer, head);
        // SAFETY: places inside the head's part of the block, apart from those of other positions.
        unsafe {
            let values = keys.add(shape.key_words());
            match shape.format {
                KeyValueFormat::F32 => {
                    for (i, key) in key.iter().enumerate() {
                        keys.add(i * BLOCK + place).write(key.to_bits());
                    }
                    for (i, value) in value.iter().enumerate() {
                        values.add(shape.value_place(i, place, BLOCK)).write(value.to_bits());
                    }
                }
                KeyValueFormat::Bf16 => {
                    let (keys, values) = (keys.cast::<[u16; 2]>(), values.cast::<u16>());
                    for (i, pair) in key.chunks_exact(2).enumerate() {
                        keys.add(i * BLOCK + place).write([bf16(pair[0]) as u16, bf16(pair[1]) as u16]);
                    }
                    for (i, value) in value.iter().enumerate() {
                        let word = shape.value_place(i, place / 2, BLOCK / 2);
                        values.add(2 * word + place % 2).write(bf16(*value) as u16);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_values(slots: usize) -> KeyValues {
        KeyValues::new(Shape { format: KeyValueFormat::F32, layers: 2, heads: 1, dim: 4 }, slots)
    }

    fn put(key_values: &mut KeyValues, slot: usize, value: f32) {
        let position = key_values.length(slot);
        key_values.grow(slot, 1);
        // SAFETY: one position after the other.
        unsafe { key_values.put((slot, position), (1, 0), &[value; 4], &[value; 4]) };
    }

    fn value(key_values: &KeyValues, slot: usize, position: usize) -> f32 {
        let block = key_values.blocks(slot)[position / BLOCK];
        // SAFETY: inside the block.
        unsafe { key_values.head(block, 1, 0).add(4 * BLOCK + position % BLOCK * 32).cast::<f32>().read() }
    }

    #[test]
    fn a_shared_prefix_is_the_same_blocks_until_one_grows() {
        let mut cache = key_values(2);
        (0..160).for_each(|i| put(&mut cache, 0, i as f32));
        cache.share(0, 1, 135);
        assert_eq!(cache.blocks(1), cache.blocks(0));
        put(&mut cache, 1, 1000.0);
        assert_eq!(cache.blocks(1)[..2], cache.blocks(0)[..2]);
        assert_ne!(cache.blocks(1)[2], cache.blocks(0)[2]);
        assert_eq!((value(&cache, 0, 135), value(&cache, 1, 135), value(&cache, 1, 134)), (135.0, 1000.0, 134.0));
    }

    #[test]
    fn blocks_that_nobody_holds_are_used_again_and_are_zero() {
        let mut cache = key_values(2);
        (0..160).for_each(|_| put(&mut cache, 0, 1.0));
        cache.share(0, 1, 80);
        let (mut held, mut again) = (cache.blocks(0).to_vec(), Vec::new());
        cache.truncate(0, 0);
        cache.truncate(1, 0);
        (0..129).for_each(|_| cache.grow(0, 1));
        assert!((0..129).all(|position| value(&cache, 0, position) == 0.0));
        again.extend_from_slice(cache.blocks(0));
        held.sort_unstable();
        again.sort_unstable();
        assert_eq!(held, again);
    }
}
