//! Memory that is read from end to end again and again: zeroed, and on large pages where the system has them, which
//! spares most address translations. Knows words, not what they mean.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// Alignment of a large page, and the size from which one is asked for.
const LARGE: usize = 2 << 20;
/// What mappings are a multiple of: whole pages of any size that is not large. What stands after the last large page then
/// takes small ones, and no more memory than it has.
const WHOLE: usize = 64 << 10;
/// Words that an arena asks for at once.
const CHUNK: usize = 2 << 20;

/// A block of zeroed words, aligned to large pages if it is large, to cache lines otherwise.
pub(crate) struct Pages {
    start: NonNull<u32>,
    layout: Layout,
}

// SAFETY: it owns its memory; access goes through `&self` and `&mut self`, or through what `raw` promises.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// `words` zeros.
    pub(crate) fn zeroed(words: usize) -> Self {
        let bytes = words.max(1) * size_of::<u32>();
        let align = if bytes >= LARGE { LARGE } else { 64 };
        let layout = Layout::from_size_align(bytes, align).expect("a power of two, and a size that fits in memory");
        let start = reserve(layout).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, layout }
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
    }

    /// The first word.
    pub(crate) fn raw(&self) -> *mut u32 {
        self.start.as_ptr()
    }
}

/// Fresh memory from the system, so that untouched pages cost nothing and large ones can still be had.
#[cfg(target_os = "linux")]
fn reserve(layout: Layout) -> Option<NonNull<u32>> {
    if layout.size() < LARGE {
        // SAFETY: the size is not 0.
        return NonNull::new(unsafe { alloc_zeroed(layout) }.cast());
    }
    let (bytes, slack) = (layout.size().next_multiple_of(WHOLE), LARGE);
    // SAFETY: a new private mapping; what stands before and after the aligned part is given back at once.
    unsafe {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let start = libc::mmap(std::ptr::null_mut(), bytes + slack, protection, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return None;
        }
        let before = start.cast::<u8>().align_offset(LARGE);
        let aligned = start.cast::<u8>().add(before);
        if before > 0 {
            libc::munmap(start, before);
        }
        if slack > before {
            libc::munmap(aligned.add(bytes).cast(), slack - before);
        }
        // Advice: where it is not taken, small pages serve.
        libc::madvise(aligned.cast(), bytes, libc::MADV_HUGEPAGE);
        NonNull::new(aligned.cast())
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(layout: Layout) -> Option<NonNull<u32>> {
    // SAFETY: the size is not 0.
    NonNull::new(unsafe { alloc_zeroed(layout) }.cast())
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: exactly what `reserve` gave.
        unsafe {
            #[cfg(target_os = "linux")]
            if self.layout.size() >= LARGE {
                libc::munmap(self.start.as_ptr().cast(), self.layout.size().next_multiple_of(WHOLE));
                return;
            }
            dealloc(self.start.as_ptr().cast(), self.layout);
        }
    }
}

/// Hands out parts of large blocks, one after the other.
#[derive(Default)]
pub(crate) struct Arena {
    current: Option<(Arc<Pages>, usize)>,
}

/// Words that were written once and are only read since.
#[derive(Clone)]
pub(crate) struct Region {
    pages: Arc<Pages>,
    offset: usize,
    words: usize,
}

impl Arena {
    /// A region of `words`, which `fill` writes. They are zero before.
    ///
    /// # Errors
    /// As `fill`.
    pub(crate) fn region<E>(
        &mut self,
        words: usize,
        fill: impl FnOnce(&mut [u32]) -> Result<(), E>,
    ) -> Result<Region, E> {
        // Whole cache lines, so that every region starts at one.
        let room = words.next_multiple_of(16);
        let fits = |(pages, used): &(Arc<Pages>, usize)| used + room <= pages.layout.size() / size_of::<u32>();
        let (pages, offset) = self.current.take().filter(fits).unwrap_or_else(|| {
            let words = room.max(CHUNK);
            (Arc::new(Pages::zeroed(words)), 0)
        });
        // SAFETY: inside the block, and no other region has this part.
        fill(unsafe { std::slice::from_raw_parts_mut(pages.raw().add(offset), words) })?;
        self.current = Some((pages.clone(), offset + room));
        Ok(Region { pages, offset, words })
    }
}

impl Deref for Region {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        // SAFETY: inside the block; it was written before the region existed and never since.
        unsafe { std::slice::from_raw_parts(self.pages.raw().add(self.offset), self.words) }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn regions_keep_what_was_written_and_start_at_cache_lines() {
        let mut arena = Arena::default();
        let regions: Vec<Region> = [5, 100, CHUNK, 3 * CHUNK + 1, 7]
            .into_iter()
            .enumerate()
            .map(|(i, words)| {
                let fill = |place: &mut [u32]| {
                    place.iter_mut().for_each(|word| *word += i as u32 + 1);
                    Ok::<_, Infallible>(())
                };
                arena.region(words, fill).unwrap()
            })
            .collect();
        for (i, region) in regions.iter().enumerate() {
            assert!(region.iter().all(|&word| word == i as u32 + 1), "region {i}");
            assert_eq!(region.as_ptr().align_offset(64), 0);
        }
    }
}
