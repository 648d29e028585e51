//! Uploads through memory that the device reads by itself: the caller goes on while numbers travel.

use std::ffi::c_void;
use std::sync::Arc;

use crate::context::Context;
use crate::error::CudaError;
use crate::event::Event;

/// One piece on its way: large enough for full speed, small enough for two of them.
const PIECE_BYTES: usize = 16 << 20;
const PIECES: usize = 2;

/// Pinned pieces, filled in turn.
pub(crate) struct Staging {
    context: Arc<Context>,
    pieces: Vec<Piece>,
    next: usize,
}

struct Piece {
    memory: *mut c_void,
    /// When what was sent from it has arrived.
    sent: Option<Event>,
}

// SAFETY: pinned memory belongs to the process, not to a thread, and `Staging` is used under a lock.
unsafe impl Send for Piece {}

impl Staging {
    pub fn new(context: &Arc<Context>) -> Self {
        Self { context: Arc::clone(context), pieces: Vec::new(), next: 0 }
    }

    /// Sends bytes to memory of the device; they are copied when this returns, and there when later work looks.
    ///
    /// # Safety
    ///
    /// The memory at the address is as long as the bytes, and the caller's to write.
    pub unsafe fn send(&mut self, address: u64, bytes: &[u8]) -> Result<(), CudaError> {
        for (index, part) in bytes.chunks(PIECE_BYTES).enumerate() {
            // SAFETY: the caller's promise, for this part.
            unsafe { self.send_piece(address + (index * PIECE_BYTES) as u64, part)? };
        }
        Ok(())
    }

    unsafe fn send_piece(&mut self, address: u64, part: &[u8]) -> Result<(), CudaError> {
        let context = Arc::clone(&self.context);
        let piece = self.free_piece()?;
        // SAFETY: the piece is as long as any part, and nothing reads it any more.
        unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), piece.memory.cast::<u8>(), part.len()) };
        let driver = context.enter()?;
        // SAFETY: the piece stays as it is until the event has passed; the address is the caller's promise.
        let result = unsafe { (driver.copy_in)(address, piece.memory, part.len(), context.stream) };
        context.check("cuMemcpyHtoDAsync", result)?;
        piece.sent = Some(Event::now(&context)?);
        Ok(())
    }

    /// A piece whose content has arrived.
    fn free_piece(&mut self) -> Result<&mut Piece, CudaError> {
        if self.pieces.len() < PIECES {
            self.pieces.push(Piece { memory: pinned(&self.context)?, sent: None });
            self.next = self.pieces.len() - 1;
        }
        let index = self.next;
        self.next = (self.next + 1) % PIECES;
        let piece = &mut self.pieces[index];
        if let Some(sent) = piece.sent.take() {
            sent.wait()?;
        }
        Ok(piece)
    }
}

fn pinned(context: &Context) -> Result<*mut c_void, CudaError> {
    let mut memory = std::ptr::null_mut();
    // SAFETY: writes one address.
    let result = unsafe { (context.enter()?.pinned_alloc)(&raw mut memory, PIECE_BYTES) };
    context.check("cuMemAllocHost", result).map(|()| memory)
}

impl Drop for Staging {
    fn drop(&mut self) {
        for piece in &mut self.pieces {
            // What fails here failed before: the device is lost, and reads nothing any more.
            let _ = piece.sent.take().map(|sent| sent.wait());
            if let Ok(driver) = self.context.enter() {
                // SAFETY: made once, freed once, and nothing is on its way from it.
                unsafe { (driver.pinned_free)(piece.memory) };
            }
        }
    }
}
