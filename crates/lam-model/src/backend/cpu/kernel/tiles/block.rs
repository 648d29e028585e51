//! A block of sums, and what may be done with it. Knows nobody who does it.

/// Values of the reduction that a step covers.
pub(crate) const STEP: usize = 32;
/// Rows and columns of a block.
pub(crate) const SIDE: usize = 32;
/// Rows that are read beyond the last one, where a left side is read in whole blocks.
pub(crate) const BEYOND: usize = SIDE - 1;
/// Words of two tiles: what a block reads of one side in one step.
pub(super) const PAIR: usize = 512;

/// The sums of a block, a row after the other.
#[repr(C, align(64))]
pub(crate) struct Sums(pub(crate) [[f32; SIDE]; SIDE]);

impl Sums {
    pub(super) const ZERO: Self = Self([[0.0; SIDE]; SIDE]);

    /// Where they begin.
    pub(super) fn start(&mut self) -> *mut f32 {
        self.0.as_mut_ptr().cast()
    }

    /// See [`Tiles::resume`], of sums in memory.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(super) unsafe fn resume(&mut self, from: *const f32) {
        // SAFETY: the caller's.
        self.0 = unsafe { from.cast::<[[f32; SIDE]; SIDE]>().read_unaligned() };
    }

    /// See [`Tiles::put`], of sums in memory.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(super) unsafe fn put<const TALL: bool>(&self, to: *mut f32, stride: usize) {
        let rows = if TALL { SIDE } else { SIDE / 2 };
        for (i, sums) in self.0.iter().enumerate().take(rows) {
            // SAFETY: the caller's.
            unsafe { to.add(i * stride).cast::<[f32; SIDE]>().write_unaligned(*sums) };
        }
    }
}

/// The two tiles of one side of a block: of the left side 16 rows of 32 values each, of the right side 16 pairs of the
/// reduction by 16 columns each.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    /// First byte of the first tile.
    pub(super) at: *const u8,
    /// Bytes from row to row of a tile.
    pub(super) row: usize,
    /// Bytes from the first tile to the second.
    pub(super) tile: usize,
}

/// A block of sums, and who adds products to it.
///
/// All are unsafe: those with pointers read or write whole tiles there, 16 rows of 64 bytes each, and an implementation
/// may be used only where the processor has its instructions. What is not `TALL` has only the first 16 rows.
pub(crate) trait Tiles {
    /// Whether memory is so far behind that what comes next is asked for in good time.
    const ASKS: bool = false;
    /// Whether the left side of a strip is laid out once, by [`Tiles::lay_left`], and the steps of a block are then taken at
    /// once, by [`Tiles::steps`].
    const LAYS_LEFT: bool = false;
    /// Whether the processor has instructions that round two registers to bf16 at once, and sums hold no number too small to
    /// be normal, which those would take for zero.
    const CONVERTS: bool = false;
    /// Makes them usable on this thread until `finish`.
    unsafe fn start() -> Self;
    /// Gives their state back.
    unsafe fn finish(self);
    /// The sums become zero.
    unsafe fn clear(&mut self);
    /// The sums become what `put` wrote with a stride of 32.
    unsafe fn resume(&mut self, from: *const f32);
    /// Adds the products of one step to the first `rows` rows; what becomes of the others has no meaning.
    unsafe fn step(&mut self, left: Side, right: Side, rows: usize);
    /// Keeps the left sides of so many steps for the blocks of a strip. For who lays them alone.
    unsafe fn lay_left(&mut self, _left: impl Iterator<Item = Side>, _steps: usize, _rows: usize) {}
    /// Adds the products of the first steps that were laid to so many rows and columns; what becomes of the others has no
    /// meaning. The right sides of steps are so many bytes apart. For who lays the left side alone: others take step by
    /// step.
    unsafe fn steps(&mut self, _right: (Side, usize), _count: usize, _rows_columns: (usize, usize)) {}
    /// Writes the sums, `stride` values from row to row.
    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize);
}
