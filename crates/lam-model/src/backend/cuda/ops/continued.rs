//! Attention of texts that go on behind what their pages hold, many new rows of each: keys and values of the pages are
//! gathered into rows as those of packed documents, which the kernels of these then attend to in tiles. H query heads, K
//! key-value heads, E head width.

use half::bf16;
use lam_cuda::{Buffer, CudaError, View};

use super::cached::{Standing, columns, layer_numbers};
use super::{Ops, Place, PlaceMut, Seen, check_eights};
use crate::backend::cuda::sources::Family;
use crate::backend::run::Heads;

/// Rows of queries that a block of attention takes. Keys of two texts may meet in one, but what its first query sees of
/// its own text must reach as far back as what the others see: new rows begin with a block.
const BLOCK: usize = 128;
/// Gathered rows begin at multiples of so many values, as other activations do.
const ALIGNMENT: usize = 64;

/// New rows of a text, behind keys and values that its pages hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    /// Place of the text's first page among the addresses.
    pub(crate) page: usize,
    /// Positions before the new rows.
    pub(crate) start: usize,
    /// First of the new rows, among all, and their number.
    pub(crate) row: usize,
    pub(crate) count: usize,
}

impl Behind {
    /// Positions before the new rows that any of them sees.
    fn seen(&self, window: Option<usize>) -> usize {
        window.map_or(self.start, |window| self.start.min(window.saturating_sub(1)))
    }
}

/// Texts that go on, on the device.
pub(crate) struct Continued {
    /// First pages, positions and rows of queries, of all gathered rows. Shape: [3, R].
    list: Buffer<i32>,
    seen: Seen,
    new: Vec<New>,
}

/// Where new rows are among the gathered ones, and among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct New {
    gathered: usize,
    row: usize,
    count: usize,
}

/// By gathered row: first page, position, row of queries (or -1), and the first row that it sees.
#[derive(Debug, Default)]
struct Lists {
    page: Vec<i32>,
    position: Vec<i32>,
    from: Vec<i32>,
    lo: Vec<i32>,
    new: Vec<New>,
}

impl Lists {
    fn of(texts: &[Behind], window: Option<usize>) -> Self {
        let mut lists = Self::default();
        for text in texts {
            lists.push(text, window);
        }
        lists
    }

    fn push(&mut self, text: &Behind, window: Option<usize>) {
        let seen = text.seen(window);
        while !(self.lo.len() + seen).is_multiple_of(BLOCK) {
            self.row(0, None, None, 0);
        }
        let (begin, oldest) = (self.lo.len(), text.start - seen);
        for position in oldest..text.start {
            self.row(text.page, Some(position), None, 0);
        }
        self.new.push(New { gathered: self.lo.len(), row: text.row, count: text.count });
        for i in 0..text.count {
            let position = text.start + i;
            let first = window.map_or(0, |window| (position + 1).saturating_sub(window)).max(oldest);
            // How many rows before itself it sees.
            self.row(text.page, Some(position), Some(text.row + i), position - first);
        }
        debug_assert_eq!(self.lo.len(), begin + seen + text.count);
    }

    /// A row that sees itself and so many before it.
    fn row(&mut self, page: usize, position: Option<usize>, from: Option<usize>, before: usize) {
        self.lo.push((self.lo.len() - before) as i32);
        self.page.push(page as i32);
        self.position.push(position.map_or(-1, |position| position as i32));
        self.from.push(from.map_or(-1, |row| row as i32));
    }
}

/// Rows that are gathered for a text, about.
pub(crate) fn gathered(text: &Behind, heads: Heads) -> usize {
    text.seen(heads.window) + text.count + BLOCK
}

impl Ops {
    /// What is to be gathered for these texts, and what their new rows see.
    pub(crate) fn continued(&self, texts: &[Behind], heads: Heads) -> Result<Continued, CudaError> {
        let lists = Lists::of(texts, heads.window);
        let list = self.device.upload(&[lists.page, lists.position, lists.from].concat())?;
        Ok(Continued { list, seen: self.seen_before(&lists.lo)?, new: lists.new })
    }

    /// Attention of the texts' new rows over their pages and themselves, in a layer. Queries come rotated; other rows of
    /// `o` stay as they are. Shapes: qkv [T, (H + 2K) E]; o [T, H E], with the room behind its rows.
    ///
    /// # Safety
    /// The pages are there, have this layer, and are written up to the last of the new rows.
    pub(crate) unsafe fn attention_behind(
        &self,
        qkv: Place<'_>,
        (heads, layer): (Heads, usize),
        (rows, texts): (&Standing, &Continued),
        mut o: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        let (r, width) = (texts.seen.t, columns(heads));
        let stride = width.next_multiple_of(ALIGNMENT);
        let mut gathered = self.device.alloc::<bf16>(r * stride)?;
        let to = PlaceMut { values: gathered.all_mut(), stride };
        // SAFETY: the caller's promise.
        unsafe { self.gather_texts(qkv, (heads, layer), (rows, texts), to)? };
        let gathered = Place { values: gathered.all(), stride };
        let mut all = self.device.alloc::<bf16>(r * o.stride)?;
        let mut log_sums = self.device.alloc::<f32>(heads.query * r)?;
        let to = PlaceMut { values: all.all_mut(), stride: o.stride };
        self.attention(gathered, heads, &texts.seen, to, log_sums.all_mut())?;
        for New { gathered, row, count } in &texts.new {
            let to = o.values.again().part(row * o.stride..(row + count) * o.stride);
            self.device.copy(to, all.view(gathered * o.stride..(gathered + count) * o.stride))?;
        }
        Ok(())
    }

    /// # Safety
    /// As [`Self::attention_behind`].
    unsafe fn gather_texts(
        &self,
        qkv: Place<'_>,
        (heads, layer): (Heads, usize),
        (rows, texts): (&Standing, &Continued),
        to: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        let r = texts.seen.t;
        qkv.check(texts.new.iter().map(|new| new.row + new.count).max().unwrap_or(0), columns(heads));
        to.check(r, columns(heads));
        check_eights(&[qkv.stride, to.stride, heads.dim]);
        let list = |number: usize| -> View<'_, i32> { texts.list.view(number * r..(number + 1) * r) };
        let kernel = self.kernel(Family::Gather, "gather_texts")?;
        let launch = self.device.launch(&kernel).read(qkv.values).value(qkv.stride as i64).read(rows.pages());
        let launch = launch.read(list(0)).read(list(1)).read(list(2)).value((layer * layer_numbers(heads)) as i64);
        let launch = launch.write(to.values).value(to.stride as i64);
        let launch = launch.value(heads.query as i32).value(heads.key_value as i32).value(heads.dim as i32);
        // SAFETY: the arguments are the kernel's, checked above; the pages are the caller's promise.
        unsafe { launch.run(r as u32, 128, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rows_begin_with_a_block_and_see_their_own_text() {
        let texts =
            [Behind { page: 0, start: 3, row: 0, count: 2 }, Behind { page: 5, start: 200, row: 2, count: 130 }];
        let lists = Lists::of(&texts, None);
        let [one, two] = <[New; 2]>::try_from(lists.new.clone()).unwrap();
        assert_eq!(one, New { gathered: 128, row: 0, count: 2 });
        assert_eq!((two.gathered % BLOCK, two.row, two.count), (0, 2, 130));
        assert_eq!(lists.lo.len(), two.gathered + 130);
        // 125 rows of nothing, three of the text, its new ones.
        assert_eq!((lists.position[124], lists.lo[124]), (-1, 124));
        assert_eq!(lists.position[125..130], [0, 1, 2, 3, 4]);
        assert_eq!(lists.from[125..130], [-1, -1, -1, 0, 1]);
        assert_eq!(lists.lo[125..130], [125, 126, 127, 125, 125]);
        let begin = two.gathered - 200;
        assert_eq!((lists.position[begin - 1], lists.position[begin], lists.page[begin]), (-1, 0, 5));
        assert!(lists.lo[two.gathered..].iter().all(|&lo| lo as usize == begin));
        assert_eq!(lists.from[two.gathered + 129], 131);
    }

    #[test]
    fn what_no_window_reaches_is_not_gathered() {
        let lists = Lists::of(&[Behind { page: 0, start: 1000, row: 7, count: 4 }], Some(3));
        assert_eq!(lists.new, [New { gathered: 128, row: 7, count: 4 }]);
        assert_eq!(lists.position[126..], [998, 999, 1000, 1001, 1002, 1003]);
        assert_eq!(lists.lo[126..], [126, 127, 126, 127, 128, 129]);
        let all = Lists::of(&[Behind { page: 0, start: 2, row: 0, count: 2 }], Some(300));
        assert_eq!(all.lo[126..], [126, 127, 126, 126]);
    }
}
