//! Steps of generation that recur, captured once and replayed with one call: a token for each of some slots. A device that
//! is given hundreds of small kernels one by one waits for the processor; given a graph, it does not.
//!
//! A graph is for a number of rows, a number of pages that each may have (a power of two), and the rows' adapters. It reads
//! tokens, positions and pages from a list of its own, and writes to logits of its own; what it needs in between is in
//! memory that all graphs of a cache share. It gives the same bits as the step without a graph.
//!
//! `LAM_CUDA_GRAPHS=0` leaves them out.

use std::ops::Range;

use lam_cuda::{Buffer, CudaError, Device, Graph, Scratch};

use super::cache::Cache;
use super::model::fetched;
use super::plan::Pass;
use super::step::{Logits, Step, at_once};
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
struct Shape {
    rows: usize,
    /// Pages that a row may have.
    pages: usize,
    /// Which rows have an adapter.
    adapted: Vec<(AdapterId, Range<usize>)>,
}

/// A step with the memory that it reads and writes.
struct Captured {
    shape: Shape,
    standing: Standing,
    /// Shape: [rows, V].
    logits: Buffer<f32>,
    graph: Graph<()>,
}

/// The graphs of a cache.
pub(crate) struct Graphs {
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
        Self { on: !off, memory: device.scratch(), met: Vec::new(), captured: Vec::new() }
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

    /// Puts the graph of a shape last, if there is one.
    fn find(&mut self, shape: &Shape) -> bool {
        let Some(index) = self.captured.iter().position(|captured| captured.shape == *shape) else { return false };
        self.captured[index..].rotate_left(1);
        true
    }

    /// Whether the shape was met before; it is from here on.
    fn meet(&mut self, shape: &Shape) -> bool {
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
    fn of(pass: &Pass, vocabulary: usize) -> Option<Self> {
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

impl Cache {
    /// The logits of a pass by a graph, if it has one or should have one by now.
    pub(crate) fn replay(&mut self, pass: &Pass) -> Result<Option<Logits>, CudaError> {
        if !self.graphs.on {
            return Ok(None);
        }
        let Some(shape) = Shape::of(pass, self.vocabulary()) else { return Ok(None) };
        if !self.graphs.find(&shape) {
            if !self.graphs.meet(&shape) {
                return Ok(None);
            }
            let captured = self.capture(pass, shape)?;
            if self.graphs.captured.len() == KEPT {
                self.graphs.captured.remove(0);
            }
            self.graphs.captured.push(captured);
        }
        let rows = pass.rows.iter().map(|row| (row.token, row.position, self.pages.addresses(row.slot).collect()));
        let rows: Vec<(u32, usize, Vec<u64>)> = rows.collect();
        let device = self.model.device();
        let Some(Captured { standing, logits, graph, .. }) = self.graphs.captured.last_mut() else { return Ok(None) };
        standing.write(device, &rows)?;
        // SAFETY: weights, adapters and rotations are the cache's, which forgets its graphs before it moves any; the pages
        // are those that were just written down; list and logits stand beside the graph.
        unsafe { graph.replay()? };
        let places = pass.rows.iter().filter_map(|row| row.logits).collect();
        Ok(Some(Logits { places, values: fetched(device, logits)? }))
    }

    fn capture(&self, pass: &Pass, shape: Shape) -> Result<Captured, CudaError> {
        let device = self.model.device();
        let standing = Standing::of_shape(device, (shape.rows, shape.pages))?;
        let mut logits = device.alloc(shape.rows * self.vocabulary())?;
        let step = Step::over(self, pass, standing);
        let graph = device.capture_in(&self.graphs.memory, || step.run_into(logits.all_mut()))?;
        Ok(Captured { shape, standing: step.standing, logits, graph })
    }
}
