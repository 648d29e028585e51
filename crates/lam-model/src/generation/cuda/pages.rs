//! Keys and values of many slots in pages on the device, which slots share where they begin alike. Knows where things
//! stand, not what is computed with them.

use std::sync::Arc;

use half::bf16;
use lam_cuda::{Buffer, CudaError, Device};

use crate::ModelError;
use crate::backend::cuda::sources::PAGE;

/// Keys and values of [`PAGE`] positions in all layers. Held by several slots, it is only read.
type Page = Arc<Buffer<bf16>>;

/// The pages of all slots. They come from the device's memory one by one, and go back when no slot holds them.
pub(crate) struct Pages {
    device: Device,
    /// Numbers of a page.
    size: usize,
    slots: Vec<Slot>,
}

/// What a slot holds.
#[derive(Clone, Default)]
struct Slot {
    length: usize,
    pages: Vec<Page>,
}

impl Pages {
    /// Empty slots, for pages of so many numbers.
    pub(crate) fn new(device: &Device, size: usize, slots: usize) -> Self {
        Self { device: device.clone(), size, slots: vec![Slot::default(); slots] }
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn length(&self, slot: usize) -> usize {
        self.slots[slot].length
    }

    /// Where the slot's pages are, in the order of its positions.
    pub(crate) fn addresses(&self, slot: usize) -> impl Iterator<Item = u64> {
        self.slots[slot].pages.iter().map(|page| page.all().address())
    }

    /// Lets a slot have `count` more positions, in pages that nobody else holds.
    ///
    /// # Errors
    /// When the device has no memory for them. The slot is then as it was.
    pub(crate) fn grow(&mut self, slot: usize, count: usize) -> Result<(), ModelError> {
        let done = self.try_grow(slot, count);
        done.map_err(|error| match error {
            CudaError::OutOfMemory { used, free, .. } => {
                let pages = self.distinct();
                ModelError::Pages { tokens: count, pages, bytes: self.size * size_of::<bf16>(), used, free }
            }
            other => other.into(),
        })
    }

    fn try_grow(&mut self, slot: usize, count: usize) -> Result<(), CudaError> {
        let Slot { length, pages } = &self.slots[slot];
        let (place, length) = (length / PAGE, length + count);
        let shared = pages.get(place).filter(|page| Arc::strong_count(page) > 1);
        let own = shared.map(|page| self.copy(page)).transpose()?;
        let missing = length.div_ceil(PAGE) - pages.len();
        let fresh = (0..missing).map(|_| self.fresh()).collect::<Result<Vec<_>, _>>()?;
        let slot = &mut self.slots[slot];
        if let Some(own) = own {
            slot.pages[place] = own;
        }
        slot.pages.extend(fresh);
        slot.length = length;
        Ok(())
    }

    fn copy(&self, page: &Page) -> Result<Page, CudaError> {
        let mut own = self.device.alloc(self.size)?;
        self.device.copy(&mut own, &**page)?;
        Ok(Arc::new(own))
    }

    fn fresh(&self) -> Result<Page, CudaError> {
        Ok(Arc::new(self.device.alloc(self.size)?))
    }

    /// Forgets what a slot holds from `length` on.
    pub(crate) fn truncate(&mut self, slot: usize, length: usize) {
        let slot = &mut self.slots[slot];
        if length < slot.length {
            slot.length = length;
            slot.pages.truncate(length.div_ceil(PAGE));
        }
    }

    /// Lets `to` hold the first `length` positions of `from`, in the same pages.
    pub(crate) fn share(&mut self, from: usize, to: usize, length: usize) {
        let length = length.min(self.slots[from].length);
        if from == to {
            return self.truncate(to, length);
        }
        let pages = self.slots[from].pages[..length.div_ceil(PAGE)].to_vec();
        self.slots[to] = Slot { length, pages };
    }

    /// Pages that slots hold, each counted once.
    pub(crate) fn distinct(&self) -> usize {
        let addresses = (0..self.slots()).flat_map(|slot| self.addresses(slot));
        addresses.collect::<std::collections::HashSet<_>>().len()
    }
}
