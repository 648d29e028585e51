//! Keys and values in pages, and attention of single rows over them: the operations of generation. T tokens, H query
//! heads, K key-value heads, E head width.

use lam_cuda::{Buffer, CudaError, Device, View};

use super::{Ops, Place, PlaceMut, check_eights};
use crate::backend::cuda::sources::{CachedHeads, Family, PAGE, PART};
use crate::backend::run::Heads;

/// Numbers that the parts of rows may take at once.
const PARTS: usize = 1 << 24;
/// Rows of a launch: what a grid may have.
const ROWS: usize = 1 << 15;

/// A new token of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) token: u32,
    pub(crate) position: usize,
    /// Place of its text's first page among the addresses.
    pub(crate) first: usize,
}

/// New tokens and where they stand. What the device reads of it is one list, which comes there at once.
pub(crate) struct Standing {
    /// Tokens `[T]`, positions `[T]`, first pages `[T]`, from an even place on the addresses, of two numbers each.
    list: Buffer<i32>,
    reach: Reach,
}

/// Which positions there are, as far as the processor knows when it launches.
enum Reach {
    /// Each row's.
    Known(Vec<usize>),
    /// Of so many rows, each below the end of so many pages.
    Below(usize, usize),
}

impl Standing {
    /// Rows, over the addresses of the pages of all their texts, each text's in the order of its positions.
    pub(crate) fn new(device: &Device, pages: &[u64], rows: &[At]) -> Result<Self, CudaError> {
        let inside = |at: &At| at.first + at.position / PAGE < pages.len();
        assert!(rows.iter().all(inside), "a row stands outside the {} pages", pages.len());
        let list = packed(rows, pages);
        let buffer = device.upload(&list)?;
        Ok(Self { list: buffer, reach: Reach::Known(rows.iter().map(|at| at.position).collect()) })
    }

    /// Room for so many rows, each of a text of its own with so many pages: what is launched for it serves whatever is
    /// [written](Self::write) there.
    pub(crate) fn of_shape(device: &Device, (rows, pages): (usize, usize)) -> Result<Self, CudaError> {
        let list = device.alloc(addresses_at(rows) + 2 * rows * pages)?;
        Ok(Self { list, reach: Reach::Below(rows, pages) })
    }

    /// Puts other rows there: tokens, positions, addresses of pages.
    pub(crate) fn write(&mut self, device: &Device, rows: &[(u32, usize, Vec<u64>)]) -> Result<(), CudaError> {
        let Reach::Below(count, pages) = self.reach else { panic!("rows of which each is known") };
        assert_eq!(rows.len(), count, "rows");
        let (mut all, mut addresses) = (Vec::with_capacity(count), Vec::with_capacity(count * pages));
        for (i, (token, position, own)) in rows.iter().enumerate() {
            assert!(position / PAGE < own.len() && own.len() <= pages, "{position} in {} of {pages} pages", own.len());
            all.push(At { token: *token, position: *position, first: i * pages });
            addresses.extend(own);
            addresses.resize((i + 1) * pages, 0);
        }
        device.write(&mut self.list, &packed(&all, &addresses))
    }

    /// Number of rows.
    fn count(&self) -> usize {
        match &self.reach {
            Reach::Known(positions) => positions.len(),
            Reach::Below(rows, _) => *rows,
        }
    }

    /// Shape: `[T]`.
    pub(crate) fn tokens(&self) -> View<'_, i32> {
        self.list.view(..self.count())
    }

    /// Shape: `[T]`.
    pub(crate) fn positions(&self) -> View<'_, i32> {
        self.list.view(self.count()..2 * self.count())
    }

    /// First page of each row's text. Shape: `[T]`.
    fn first(&self) -> View<'_, i32> {
        self.list.view(2 * self.count()..3 * self.count())
    }

    /// Addresses of the pages, of two numbers each.
    pub(super) fn pages(&self) -> View<'_, i32> {
        self.list.view(addresses_at(self.count())..)
    }

    /// How many rows from a row on can be attended to in one launch, and the most parts that the keys of one have.
    fn fitting(&self, from: usize, heads: Heads) -> (usize, usize) {
        match &self.reach {
            Reach::Known(positions) => fitting(&positions[from..], heads),
            Reach::Below(rows, pages) => bounded(rows - from, *pages, heads),
        }
    }
}

/// Where the addresses begin in the list of so many rows.
fn addresses_at(rows: usize) -> usize {
    (3 * rows).next_multiple_of(2)
}

/// Rows and addresses as one list.
fn packed(rows: &[At], pages: &[u64]) -> Vec<i32> {
    let mut list = Vec::with_capacity(addresses_at(rows.len()) + 2 * pages.len());
    list.extend(rows.iter().map(|at| at.token as i32));
    list.extend(rows.iter().map(|at| at.position as i32));
    list.extend(rows.iter().map(|at| at.first as i32));
    list.resize(addresses_at(rows.len()), 0);
    // The low half first, as devices and processors have it.
    list.extend(pages.iter().flat_map(|&page| [page as i32, (page >> 32) as i32]));
    list
}

/// Numbers of a page, of so many layers.
pub(crate) fn page_numbers(heads: Heads, layers: usize) -> usize {
    layers * layer_numbers(heads)
}

/// Numbers of one layer in a page: keys, then values.
pub(super) fn layer_numbers(heads: Heads) -> usize {
    2 * heads.key_value * PAGE * heads.dim
}

/// Columns of a row of queries, keys and values.
pub(super) fn columns(heads: Heads) -> usize {
    (heads.query + 2 * heads.key_value) * heads.dim
}

/// Query heads for one key-value head.
fn group(heads: Heads) -> usize {
    heads.query / heads.key_value
}

/// Some rows of an attention, for one launch.
struct Launch<'a> {
    heads: Heads,
    layer: usize,
    rows: &'a Standing,
    /// First of them, and their number.
    first: usize,
    count: usize,
    /// The most parts that the keys of one of them have.
    parts: usize,
}

impl Ops {
    /// Writes the keys and values of all rows to their pages, in a layer. Keys come rotated. Shape: [T, (H + 2K) E].
    ///
    /// # Safety
    /// The pages are there, have this layer, and no two rows stand at the same place of one.
    pub(crate) unsafe fn append(
        &self,
        qkv: Place<'_>,
        (heads, layer): (Heads, usize),
        rows: &Standing,
    ) -> Result<(), CudaError> {
        let t = rows.count();
        qkv.check(t, columns(heads));
        check_eights(&[qkv.stride]);
        let kernel = self.kernel(cached(heads), "append_to_pages")?;
        let launch = self.device.launch(&kernel).read(qkv.values).value(qkv.stride as i64);
        let launch = launch.read(rows.pages()).read(rows.first()).read(rows.positions());
        let launch = launch.value((layer * layer_numbers(heads)) as i64);
        let launch = launch.value(heads.query as i32).value(heads.key_value as i32);
        // SAFETY: the arguments are the kernel's; the rows were checked above, the pages are the caller's promise.
        unsafe { launch.run(t as u32, 128, 0) }
    }

    /// Attention of the rows from `from` on over what their pages hold, up to each one's position, in a layer. `qkv` and
    /// `o` begin with the first of these rows. Queries come rotated. A row's numbers depend on no other row. Shapes: qkv
    /// [T - from, (H + 2K) E]; o [T - from, H E].
    ///
    /// # Safety
    /// The pages are there, have this layer, and are written up to each row's position.
    pub(crate) unsafe fn cached_attention(
        &self,
        qkv: Place<'_>,
        (heads, layer): (Heads, usize),
        (rows, from): (&Standing, usize),
        mut o: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        let t = rows.count() - from;
        qkv.check(t, columns(heads));
        o.check(t, heads.query * heads.dim);
        check_eights(&[qkv.stride]);
        let mut done = 0;
        while done < t {
            let (count, parts) = rows.fitting(from + done, heads);
            let launch = Launch { heads, layer, rows, first: from + done, count, parts };
            let qkv = Place { values: qkv.values.part(done * qkv.stride..), stride: qkv.stride };
            let o = PlaceMut { values: o.values.again().part(done * o.stride..), stride: o.stride };
            // SAFETY: the caller's promise.
            unsafe { self.attend(qkv, &launch, o)? };
            done += count;
        }
        Ok(())
    }

    /// # Safety
    /// As [`Self::cached_attention`]; the rows of `qkv` and `o` are there.
    unsafe fn attend(&self, qkv: Place<'_>, what: &Launch<'_>, mut o: PlaceMut<'_>) -> Result<(), CudaError> {
        let Launch { heads, layer, rows, first, count, parts } = *what;
        let window = heads.window.map_or(0, |window| window.min(i32::MAX as usize) as i32);
        let (kernel, place) = (self.kernel(cached(heads), "cached_attention")?, first..first + count);
        let mut part = self.device.alloc::<f32>(if parts > 1 { count * parts * result(heads) } else { 1 })?;
        let launch = self.device.launch(&kernel).read(qkv.values).value(qkv.stride as i64).read(rows.pages());
        let launch = launch.read(rows.first().part(place.clone())).read(rows.positions().part(place.clone()));
        let launch = launch.value((layer * layer_numbers(heads)) as i64);
        let launch = launch.write(&mut o.values).value(o.stride as i64).write(&mut part);
        let launch = launch.value(heads.query as i32).value(heads.key_value as i32).value(window);
        let launch = launch.value(std::f32::consts::LOG2_E / (heads.dim as f32).sqrt());
        let blocks = heads.key_value * group(heads).div_ceil(at_once(heads));
        // SAFETY: the arguments are the kernel's; rows and pages are the caller's promise, and there is room for all
        // parts of all rows.
        unsafe { launch.run((blocks as u32, count as u32, parts as u32), 128, 0)? };
        if parts == 1 {
            return Ok(());
        }
        let kernel = self.kernel(cached(heads), "join_parts")?;
        let launch = self.device.launch(&kernel).read(&part).read(rows.positions().part(place)).write(o.values);
        let launch = launch.value(o.stride as i64).value(parts as i32).value(window);
        // SAFETY: as above.
        unsafe { launch.run((heads.query as u32, count as u32), 64, 0) }
    }
}

/// The kernels for these heads.
fn cached(heads: Heads) -> Family {
    assert!(heads.dim.is_multiple_of(8) && heads.dim <= 256, "heads of {} values", heads.dim);
    Family::Cached(CachedHeads { dim: heads.dim, at_once: at_once(heads) })
}

/// Query heads that a block takes at once.
fn at_once(heads: Heads) -> usize {
    match group(heads) {
        1 => 1,
        2 => 2,
        _ => 4,
    }
}

/// Numbers of the results of one part of a row's keys.
fn result(heads: Heads) -> usize {
    heads.query * (heads.dim + 2)
}

/// How many of the first rows can be attended to in one launch, and the most parts that the keys of one have.
fn fitting(positions: &[usize], heads: Heads) -> (usize, usize) {
    let room = PARTS / result(heads);
    let parts = |position: usize| {
        let oldest = heads.window.map_or(0, |window| (position + 1).saturating_sub(window));
        position / PART - oldest / PART + 1
    };
    let (mut count, mut most) = (0, 1);
    for &position in positions.iter().take(ROWS) {
        let with = most.max(parts(position));
        if count > 0 && with > 1 && (count + 1) * with > room {
            break;
        }
        (count, most) = (count + 1, with);
    }
    (count, most)
}

/// The same for rows of which only that is known that each has at most so many pages: what its parts may be.
fn bounded(rows: usize, pages: usize, heads: Heads) -> (usize, usize) {
    let all = (pages * PAGE).div_ceil(PART).max(1);
    // A window begins and ends anywhere in a part.
    let parts = heads.window.map_or(all, |window| all.min(window.div_ceil(PART) + 1));
    let room = PARTS / result(heads);
    (rows.min(ROWS).min(if parts > 1 { (room / parts).max(1) } else { ROWS }), parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_has_room_for_the_parts_of_all_its_rows() {
        let heads = Heads { query: 1 << 10, key_value: 1, dim: 254, window: None };
        // 64 results.
        assert_eq!(fitting(&[0; 100], heads), (100, 1));
        assert_eq!(fitting(&[2 * PART; 100], heads), (21, 3));
        assert_eq!(fitting(&[0, 0, 40 * PART], heads), (2, 1));
        assert_eq!(fitting(&[100 * PART, 0], heads), (1, 101));
        assert_eq!(fitting(&[100 * PART, 0], Heads { window: Some(PART), ..heads }), (2, 2));
        assert_eq!(fitting(&[0; ROWS + 1], heads), (ROWS, 1));
        // Of rows whose positions are not known, all that they may have.
        assert_eq!(bounded(100, 1, heads), (100, 1));
        assert_eq!(bounded(100, 3 * PART / PAGE, heads), (21, 3));
        assert_eq!(bounded(100, 100 * PART / PAGE, heads), (1, 100));
        assert_eq!(bounded(100, 100 * PART / PAGE, Heads { window: Some(PART), ..heads }), (32, 2));
    }
}
