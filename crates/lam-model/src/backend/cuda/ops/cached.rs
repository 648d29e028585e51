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

/// Where rows stand: each one's pages and its position.
pub(crate) struct Standing {
    /// Addresses of the pages of all texts, in the order of their positions.
    pages: Buffer<u64>,
    /// First page of each row's text. Shape: `[T]`.
    first: Buffer<i32>,
    /// Shape: `[T]`.
    position: Buffer<i32>,
    /// The same in the processor's memory.
    positions: Vec<usize>,
}

impl Standing {
    /// Rows, each with the place of its text's first page among `pages`, and its position.
    pub(crate) fn new(device: &Device, pages: &[u64], rows: &[(usize, usize)]) -> Result<Self, CudaError> {
        let inside = |&(first, position): &(usize, usize)| first + position / PAGE < pages.len();
        assert!(rows.iter().all(inside), "a row stands outside the {} pages", pages.len());
        let integers = |values: Vec<i32>| {
            let mut buffer = device.alloc(values.len())?;
            device.stream_in(&mut buffer, &values).map(|()| buffer)
        };
        let mut addresses = device.alloc(pages.len())?;
        device.stream_in(&mut addresses, pages)?;
        Ok(Self {
            pages: addresses,
            first: integers(rows.iter().map(|(first, _)| *first as i32).collect())?,
            position: integers(rows.iter().map(|(_, position)| *position as i32).collect())?,
            positions: rows.iter().map(|(_, position)| *position).collect(),
        })
    }

    /// Shape: `[T]`.
    pub(crate) fn positions(&self) -> View<'_, i32> {
        self.position.all()
    }
}

/// Numbers of a page, of so many layers.
pub(crate) fn page_numbers(heads: Heads, layers: usize) -> usize {
    layers * layer_numbers(heads)
}

/// Numbers of one layer in a page: keys, then values.
fn layer_numbers(heads: Heads) -> usize {
    2 * heads.key_value * PAGE * heads.dim
}

/// Columns of a row of queries, keys and values.
fn columns(heads: Heads) -> usize {
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
        let t = rows.positions.len();
        qkv.check(t, columns(heads));
        check_eights(&[qkv.stride]);
        let kernel = self.kernel(cached(heads), "append_to_pages")?;
        let launch = self.device.launch(&kernel).read(qkv.values).value(qkv.stride as i64);
        let launch = launch.read(&rows.pages).read(&rows.first).read(&rows.position);
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
        let t = rows.positions.len() - from;
        qkv.check(t, columns(heads));
        o.check(t, heads.query * heads.dim);
        check_eights(&[qkv.stride]);
        let mut done = 0;
        while done < t {
            let (count, parts) = fitting(&rows.positions[from + done..], heads);
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
        let launch = self.device.launch(&kernel).read(qkv.values).value(qkv.stride as i64).read(&rows.pages);
        let launch = launch.read(rows.first.view(place.clone())).read(rows.position.view(place.clone()));
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
        let launch = self.device.launch(&kernel).read(&part).read(rows.position.view(place)).write(o.values);
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
    }
}
