//! Steps of generation that recur, captured once and replayed with one call: a token for each of some slots. A device that
//! is given hundreds of small kernels one by one waits for the processor; given a graph, it does not.
//!
//! A graph is for a number of rows, a number of pages that each may have (a power of two), and the rows' adapters. It reads
//! tokens, positions and pages from a list of its own, and writes to logits of its own; what it needs in between is in
//! memory that all graphs of a cache share. It gives the same bits as the step without a graph.
//!
//! `LAM_CUDA_GRAPHS=0` leaves them out.

use std::ops::Range;

use lam_cuda::{Buffer, Device, Graph, Scratch};

use super::plan::{Pass, at_once};
use crate::backend::cuda::ops::cached::Standing;
use crate::backend::cuda::sources::{PAGE, PART};
use crate::generation::read::AdapterId;

/// Graphs that a cache keeps; the one that was not used for longest goes first.
const KEPT: usize = 16;
/// Shapes that are remembered from steps without a graph.
const REMEMBERED: usize = 64;
/// Rows beyond which a step is long enough for the processor to keep ahead of it.
const MOST_ROWS: usize = 256;

/// What a graph is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    /// Pages that a row may have.
    pub(crate) pages: usize,
    /// Which rows have an adapter.
    adapted: Vec<(AdapterId, Range<usize>)>,
}

/// A step with the memory that it reads and writes.
pub(crate) struct Captured {
    pub(crate) shape: Shape,
    pub(crate) standing: Standing,
    /// Shape: [rows, V].
    pub(crate) logits: Buffer<f32>,
    pub(crate) graph: Graph<()>,
}

/// The graphs of a cache.
pub(crate) struct Graphs {
    device: Device,
    on: bool,
    memory: Scratch,
    /// Shapes that came without a graph: the first step of a shape compiles kernels and chooses algorithms.
    met: Vec<Shape>,
    /// The last one used comes last.
    captured: Vec<Captured>,
}

impl Graphs {
    /// None so far.
    pub(crate) fn new(device: &Device) -> Self {
        let off = std::env::var_os("LAM_CUDA_GRAPHS").is_some_and(|value| value == "0");
        Self { device: device.clone(), on: !off, memory: device.scratch(), met: Vec::new(), captured: Vec::new() }
    }

    /// Whether steps are captured.
    pub(crate) fn are_on(&self) -> bool {
        self.on
    }

    /// Whether steps are captured from here on.
    pub(crate) fn set(&mut self, on: bool) {
        self.on = on;
        if !on {
            self.clear();
            // What they shared goes back to the device with its last holder.
            self.memory = self.device.scratch();
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.captured.len()
    }

    /// Forgets all: what they read has moved.
    pub(crate) fn clear(&mut self) {
        self.captured.clear();
        self.met.clear();
    }

    /// Gives their memory back, for good. Whether there was any.
    pub(crate) fn give_up(&mut self) -> bool {
        let some = !self.captured.is_empty();
        self.set(self.on && !some);
        some
    }

    /// Memory that all of them share.
    pub(crate) fn memory(&self) -> &Scratch {
        &self.memory
    }

    /// The graph of a shape, if there is one.
    pub(crate) fn find(&mut self, shape: &Shape) -> Option<&mut Captured> {
        let index = self.captured.iter().position(|captured| captured.shape == *shape)?;
        self.captured[index..].rotate_left(1);
        self.captured.last_mut()
    }

    /// Keeps a graph, in the place of the one that was not used for longest.
    pub(crate) fn keep(&mut self, captured: Captured) {
        if self.captured.len() == KEPT {
            self.captured.remove(0);
        }
        self.captured.push(captured);
    }

    /// Whether the shape was met before; it is from here on.
    pub(crate) fn meet(&mut self, shape: &Shape) -> bool {
        let met = self.met.contains(shape);
        if !met {
            if self.met.len() == REMEMBERED {
                self.met.remove(0);
            }
            self.met.push(shape.clone());
        }
        met
    }
}

impl Shape {
    /// Of a pass that recurs: a token for each of its slots, all scored.
    pub(crate) fn of(pass: &Pass, vocabulary: usize) -> Option<Self> {
        let rows = &pass.rows;
        let recurs = pass.tiled() == 0 && rows.len() <= MOST_ROWS.min(at_once(vocabulary));
        let alone = rows.windows(2).all(|pair| pair[0].slot != pair[1].slot);
        if !recurs || !alone || rows.iter().any(|row| row.logits.is_none()) {
            return None;
        }
        let longest = rows.iter().map(|row| row.position / PAGE + 1).max()?;
        let pages = longest.next_power_of_two().max(PART / PAGE);
        Some(Self { rows: rows.len(), pages, adapted: pass.adapted.clone() })
    }
}
