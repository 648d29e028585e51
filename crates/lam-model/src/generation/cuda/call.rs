//! One call of the decoder in generation: any number of new tokens for any slots, as few passes over the layers, those
//! that recur by graphs.

use lam_cuda::CudaError;

use super::cache::Cache;
use super::graphs::{Captured, Shape};
use super::model::fetched;
use super::plan::{Pass, passes};
use super::step::{Logits, Step};
use crate::ModelError;
use crate::backend::cuda::ops::cached::Standing;
use crate::generation::read::Read;

impl Cache {
    /// Appends tokens, which were checked, to slots and returns the logits after each scored token, in the order of the
    /// reads. Shape: [Σ scored, V].
    pub(crate) fn read(&mut self, reads: &[Read<'_>]) -> Result<Vec<f32>, ModelError> {
        let done = self.read_or_not(reads);
        // What graphs hold may be what is missing.
        if matches!(&done, Err(ModelError::Pages { .. } | ModelError::Cuda(CudaError::OutOfMemory { .. })))
            && self.graphs.give_up()
        {
            return self.read_or_not(reads);
        }
        done
    }

    /// The same; the slots are as they were if it fails.
    fn read_or_not(&mut self, reads: &[Read<'_>]) -> Result<Vec<f32>, ModelError> {
        let lengths: Vec<usize> = reads.iter().map(|read| self.length(read.slot)).collect();
        let done = self.try_read(reads);
        if done.is_err() {
            reads.iter().zip(lengths).for_each(|(read, length)| self.truncate(read.slot, length));
        }
        done
    }

    fn try_read(&mut self, reads: &[Read<'_>]) -> Result<Vec<f32>, ModelError> {
        let passes = passes(reads, |slot| (self.length(slot), self.adapter_of_slot[slot]));
        for read in reads {
            self.pages.grow(read.slot, read.tokens.len())?;
        }
        let longest = reads.iter().map(|read| self.length(read.slot)).max().unwrap_or(0);
        if self.rotations.extend(self.model.device(), longest)? {
            self.graphs.clear();
        }
        let mut logits = Vec::new();
        for pass in &passes {
            match self.replay(pass)? {
                Some(values) => logits.push(values),
                None => Step::new(self, pass)?.run(&mut logits)?,
            }
        }
        Ok(in_order(logits, reads.iter().map(|read| read.scored).sum(), self.vocabulary()))
    }

    /// The logits of a pass by a graph, if it has one or should have one by now.
    fn replay(&mut self, pass: &Pass) -> Result<Option<Logits>, CudaError> {
        let Some(shape) = Shape::of(pass, self.vocabulary()).filter(|_| self.graphs.are_on()) else { return Ok(None) };
        if self.graphs.find(&shape).is_none() {
            if !self.graphs.meet(&shape) {
                return Ok(None);
            }
            match self.capture(pass, &shape) {
                Ok(captured) => self.graphs.keep(captured),
                // The step itself wants less: what a graph holds, it gives back as it goes.
                Err(CudaError::OutOfMemory { .. }) => {
                    self.graphs.set(false);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        let rows = pass.rows.iter().map(|row| (row.token, row.position, self.pages.addresses(row.slot).collect()));
        let rows: Vec<(u32, usize, Vec<u64>)> = rows.collect();
        let device = self.model.device();
        let Some(Captured { standing, logits, graph, .. }) = self.graphs.find(&shape) else { return Ok(None) };
        standing.write(device, &rows)?;
        // SAFETY: weights, adapters and rotations are the cache's, which forgets its graphs before it moves any; the pages
        // are those that were just written down; list and logits stand beside the graph.
        unsafe { graph.replay()? };
        let places = pass.rows.iter().filter_map(|row| row.logits).collect();
        Ok(Some(Logits { places, values: fetched(device, logits)? }))
    }

    fn capture(&self, pass: &Pass, shape: &Shape) -> Result<Captured, CudaError> {
        let device = self.model.device();
        let standing = Standing::of_shape(device, (shape.rows, shape.pages))?;
        let mut logits = device.alloc(shape.rows * self.vocabulary())?;
        let step = Step::over(self, pass, standing);
        let graph = device.capture_in(self.graphs.memory(), || step.run_into(logits.all_mut()))?;
        Ok(Captured { shape: shape.clone(), standing: step.standing, logits, graph })
    }
}

/// All logits in the order in which they were asked for. Shape: [scored, V].
fn in_order(mut parts: Vec<Logits>, scored: usize, v: usize) -> Vec<f32> {
    let whole = |part: &Logits| part.places.len() == scored && part.places.is_sorted();
    if let Some(place) = parts.iter().position(whole) {
        return parts.swap_remove(place).values;
    }
    let mut logits = vec![0.0; scored * v];
    for Logits { places, values } in parts {
        for (place, values) in places.into_iter().zip(values.chunks_exact(v)) {
            logits[place * v..(place + 1) * v].copy_from_slice(values);
        }
    }
    logits
}
