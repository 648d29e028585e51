//! Uploads through memory that the device reads by itself: the caller goes on while numbers travel.
//!
//! What orders what: the copies stand in the stream, so that work which is asked for later sees them, and memory of a
//! buffer that was given back is written only behind the work that still reads it. The staging is the processor's, and no
//! stream guards it: a piece is filled again only when the event behind all that was sent from it has passed.

use std::ffi::c_void;
use std::sync::Arc;

use crate::context::Context;
use crate::error::CudaError;
use crate::event::Event;

/// The most that goes by the ring of lists; a step of training sends some, of a few bytes a token.
const LIST_BYTES: usize = 256 << 10;
/// Lists stand one behind the other in such pieces: enough for many steps, so that the oldest has long been read.
const LISTS: Pieces = Pieces { bytes: 1 << 20, count: 8 };
/// Weights come in such pieces: large enough for full speed, small enough for two of them.
const WEIGHTS: Pieces = Pieces { bytes: PIECE_BYTES, count: 2 };
/// The most that is made at a time.
pub(crate) const PIECE_BYTES: usize = 16 << 20;
/// Where a list begins: no copy is slower for it.
const ALIGNMENT: usize = 64;

/// How staging is divided.
#[derive(Clone, Copy)]
struct Pieces {
    bytes: usize,
    count: usize,
}

/// Pinned memory for lists and for weights.
pub(crate) struct Staging {
    lists: Ring,
    weights: Ring,
}

impl Staging {
    pub fn new(context: &Arc<Context>) -> Self {
        Self { lists: Ring::new(context, LISTS), weights: Ring::new(context, WEIGHTS) }
    }

    /// Sends bytes to memory of the device; they are copied when this returns, and there when later work looks.
    ///
    /// # Safety
    ///
    /// The memory at the address is as long as the bytes, and the caller's to write.
    pub unsafe fn send(&mut self, address: u64, bytes: &[u8]) -> Result<(), CudaError> {
        let ring = if bytes.len() <= LIST_BYTES { &mut self.lists } else { &mut self.weights };
        for (index, part) in bytes.chunks(ring.pieces.bytes).enumerate() {
            // SAFETY: the caller's promise, for this part.
            unsafe { ring.send(address + (index * ring.pieces.bytes) as u64, part)? };
        }
        Ok(())
    }

    /// Sends bytes that `make` writes where the device reads them from: a copy less, and while they travel the next ones
    /// can be made. What was there before is still there.
    ///
    /// # Safety
    ///
    /// The memory at the address has so many bytes, and is the caller's to write.
    ///
    /// # Panics
    ///
    /// If they are more than [`PIECE_BYTES`].
    pub unsafe fn send_made<E: From<CudaError>>(
        &mut self,
        address: u64,
        bytes: usize,
        make: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let ring = if bytes <= LIST_BYTES { &mut self.lists } else { &mut self.weights };
        // SAFETY: the caller's promise.
        unsafe { ring.send_made(address, bytes, make) }
    }
}

/// Pinned pieces, filled in turn, each from its beginning to its end.
struct Ring {
    context: Arc<Context>,
    pieces: Pieces,
    made: Vec<Piece>,
    /// The piece that is being filled, once there is one.
    current: usize,
    /// How much of it was sent from.
    filled: usize,
}

struct Piece {
    memory: *mut c_void,
    /// When all that was sent from it has arrived; none while it is being filled.
    sent: Option<Event>,
}

// SAFETY: pinned memory belongs to the process, not to a thread, and `Staging` is used under a lock.
unsafe impl Send for Piece {}

impl Ring {
    fn new(context: &Arc<Context>, pieces: Pieces) -> Self {
        Self { context: Arc::clone(context), pieces, made: Vec::new(), current: 0, filled: 0 }
    }

    /// Sends what fits into a piece.
    unsafe fn send(&mut self, address: u64, part: &[u8]) -> Result<(), CudaError> {
        let copy = |staged: &mut [u8]| {
            staged.copy_from_slice(part);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { self.send_made(address, part.len(), copy) }
    }

    /// Sends so many bytes, no more than a piece, that `make` writes where the device reads them from.
    unsafe fn send_made<E: From<CudaError>>(
        &mut self,
        address: u64,
        bytes: usize,
        make: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        assert!(bytes <= self.pieces.bytes, "more than a piece");
        let context = Arc::clone(&self.context);
        // What a graph copies, it copies again when it is replayed: staging holds something else by then.
        context.refuse_in_capture()?;
        if self.made.is_empty() || self.filled + bytes > self.pieces.bytes {
            self.turn()?;
        }
        // SAFETY: there is room behind what was sent from the piece, and nothing reads it there.
        let staged = unsafe { self.made[self.current].memory.byte_add(self.filled) };
        // SAFETY: as above; any bytes are some.
        make(unsafe { std::slice::from_raw_parts_mut(staged.cast::<u8>(), bytes) })?;
        self.filled += bytes.next_multiple_of(ALIGNMENT);
        // SAFETY: the staged bytes stay as they are until the piece's event has passed; the address is the caller's promise.
        let result = unsafe { (context.enter()?.copy_in)(address, staged, bytes, context.stream()) };
        Ok(context.check("cuMemcpyHtoDAsync", result)?)
    }

    /// Goes on to the next piece, when what was sent from it the last time has arrived.
    fn turn(&mut self) -> Result<(), CudaError> {
        if let Some(full) = self.made.get_mut(self.current) {
            full.sent = Some(Event::now(&self.context)?);
        }
        if self.made.len() < self.pieces.count {
            self.made.push(Piece { memory: self.context.pinned(self.pieces.bytes)?, sent: None });
            self.current = self.made.len() - 1;
        } else {
            self.current = (self.current + 1) % self.pieces.count;
        }
        // Where the wait fails, the piece stays full: nothing is written over what may still be read.
        self.filled = self.pieces.bytes;
        if let Some(sent) = &self.made[self.current].sent {
            sent.wait()?;
        }
        self.made[self.current].sent = None;
        self.filled = 0;
        Ok(())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // What fails here failed before: the device is lost, and reads nothing any more.
        if !self.made.is_empty() {
            let _ = self.context.synchronize();
        }
        self.made.drain(..).for_each(|piece| self.context.free_pinned(piece.memory));
    }
}
