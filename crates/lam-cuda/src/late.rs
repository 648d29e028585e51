//! Reads that are asked for now and waited for later, so that the processor goes on in between.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::buffer::View;
use crate::context::{Context, locked};
use crate::element::Element;
use crate::error::CudaError;
use crate::event::Event;

/// The least that a slot holds.
const SLOT_BYTES: usize = 256;

/// Numbers on their way to the processor.
pub struct Late<T: Element> {
    slots: Arc<Slots>,
    /// `None` while it is dropped.
    slot: Option<Slot>,
    sent: Event,
    length: usize,
    element: PhantomData<T>,
}

/// Pinned memory that the device writes to. Reads are numbered in the order in which they stand in the stream: one that
/// has arrived tells that all before it have.
pub(crate) struct Slots {
    context: Arc<Context>,
    /// Those that no read has, and how many reads there were.
    free: Mutex<(Vec<Slot>, u64)>,
    /// The last read that is known to have arrived.
    arrived: AtomicU64,
}

struct Slot {
    memory: *mut c_void,
    bytes: usize,
    /// The read that it was last used for.
    read: u64,
}

// SAFETY: pinned memory belongs to the process, not to a thread, and a slot has one owner.
unsafe impl Send for Slot {}
// SAFETY: as above; through a shared reference it is only read, when the device no longer writes to it.
unsafe impl Sync for Slot {}

impl Slots {
    pub fn new(context: &Arc<Context>) -> Arc<Self> {
        Arc::new(Self { context: Arc::clone(context), free: Mutex::new((Vec::new(), 0)), arrived: AtomicU64::new(0) })
    }

    /// Asks for the numbers of a view, as they are when all work so far is done.
    pub fn read<T: Element>(self: &Arc<Self>, from: View<'_, T>) -> Result<Late<T>, CudaError> {
        let context = &self.context;
        context.refuse_in_capture()?;
        // Held until the event is recorded: the numbers of reads are their order in the stream.
        let mut free = locked(&self.free);
        let (slots, reads) = &mut *free;
        let mut slot = self.slot(slots, from.bytes())?;
        *reads += 1;
        slot.read = *reads;
        if !from.is_empty() {
            // SAFETY: the slot is as long as the view, and its owner keeps it until the copy has arrived.
            let result =
                unsafe { (context.enter()?.copy_out)(slot.memory, from.address(), from.bytes(), context.stream()) };
            if let Err(error) = context.check("cuMemcpyDtoHAsync", result) {
                slots.push(slot);
                return Err(error);
            }
        }
        let sent = Event::now(context)?;
        let slots = Arc::clone(self);
        Ok(Late { slots, slot: Some(slot), sent, length: from.len(), element: PhantomData })
    }

    /// A slot that no copy is on its way to.
    fn slot(&self, free: &mut Vec<Slot>, bytes: usize) -> Result<Slot, CudaError> {
        let arrived = self.arrived.load(Ordering::Acquire);
        let fits = |slot: &Slot| slot.bytes >= bytes && slot.read <= arrived;
        // The smallest that fits: a few numbers leave the large ones to those who read logits.
        let fitting = (0..free.len()).filter(|&place| fits(&free[place])).min_by_key(|&place| free[place].bytes);
        if let Some(place) = fitting {
            return Ok(free.swap_remove(place));
        }
        let bytes = bytes.max(SLOT_BYTES).next_power_of_two();
        Ok(Slot { memory: self.context.pinned(bytes)?, bytes, read: 0 })
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let slots = std::mem::take(&mut locked(&self.free).0);
        if !slots.is_empty() {
            // What fails here failed before: the device is lost, and writes nothing any more.
            let _ = self.context.synchronize();
        }
        slots.into_iter().for_each(|slot| self.context.free_pinned(slot.memory));
    }
}

impl<T: Element> Late<T> {
    /// The numbers; waits until they are there. Where a read that was asked for later has been waited for, they are.
    ///
    /// # Errors
    ///
    /// If work before it failed.
    pub fn wait(&self) -> Result<Vec<T>, CudaError> {
        let slot = self.slot.as_ref().expect("there until it is dropped");
        if self.slots.arrived.load(Ordering::Acquire) < slot.read {
            self.sent.wait()?;
            self.slots.arrived.fetch_max(slot.read, Ordering::AcqRel);
        }
        let mut values = Vec::<T>::with_capacity(self.length);
        // SAFETY: so many numbers were written to the slot, and any bits are a number.
        unsafe {
            std::ptr::copy_nonoverlapping(slot.memory.cast::<T>(), values.as_mut_ptr(), self.length);
            values.set_len(self.length);
        }
        Ok(values)
    }
}

impl<T: Element> Drop for Late<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            locked(&self.slots.free).0.push(slot);
        }
    }
}

impl<T: Element> fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Late<{}>[{}]", std::any::type_name::<T>(), self.length)
    }
}
