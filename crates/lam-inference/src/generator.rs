//! Continuous batching: requests wait for a slot, all live answers move on together, finished ones make room. What a
//! request gets does not depend on who else is there.

use std::collections::VecDeque;

use lam_model::{AdapterId, Decoder, Read};
use rayon::prelude::*;

use crate::live::Live;
use crate::slots::{Slots, WORTH_SHARING, shared_prefix};
use crate::{
    CachedDecoder, CachedModel, Completion, GenerationRequest, InferenceError, PartialAnswer, Scores, StopReason,
};

/// Answers that one thread moves on, at least.
const TAKEN_AT_ONCE: usize = 4;

/// Names a request within its generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// A request with its whole answer, or with the reason why there is none.
pub type Finished = (RequestId, Result<Completion, InferenceError>);

/// Generates answers to many requests at once.
pub struct Generator<'a> {
    model: Box<dyn CachedModel + 'a>,
    slots: Slots,
    waiting: VecDeque<Waiting>,
    live: Vec<(RequestId, Live)>,
    next_id: u64,
}

struct Waiting {
    id: RequestId,
    request: GenerationRequest,
    /// Whether it already waited for a prompt with the same prefix.
    held_back: bool,
}

impl<'a> Generator<'a> {
    /// Requests answered at a time where nothing asks for another number.
    pub const SLOTS: usize = 64;

    /// A generator over `decoder` that answers at most `slots` requests at a time.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new(decoder: &'a Decoder, slots: usize) -> Result<Self, InferenceError> {
        Ok(Self::over(Box::new(CachedDecoder::new(decoder, slots.max(1))?)))
    }

    /// A generator over any model.
    pub fn over(model: Box<dyn CachedModel + 'a>) -> Self {
        let slots = Slots::new(model.slots());
        Self { model, slots, waiting: VecDeque::new(), live: Vec::new(), next_id: 0 }
    }

    /// Queues a request.
    ///
    /// # Errors
    /// Names a field that makes no sense.
    pub fn submit(&mut self, request: GenerationRequest) -> Result<RequestId, InferenceError> {
        request.check()?;
        if let Some(adapter) = request.adapter.filter(|&adapter| !self.model.knows(adapter)) {
            return Err(InferenceError::Request {
                field: "adapter",
                reason: format!("{adapter:?} is not the model's"),
            });
        }
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.waiting.push_back(Waiting { id, request, held_back: false });
        Ok(id)
    }

    /// Whether no request waits or is being answered.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.live.is_empty()
    }

    /// Requests that wait for a slot.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The answers in the making, each as far as it came.
    pub fn answering(&self) -> impl Iterator<Item = (RequestId, PartialAnswer<'_>)> {
        self.live.iter().map(|(id, live)| (*id, live.partial()))
    }

    /// Moves every live answer on by one reading and returns those that are finished.
    ///
    /// # Errors
    /// When the model fails, its scores are not finite, or an answer cannot go on; of several the earliest request's.
    pub fn step(&mut self) -> Result<Vec<(RequestId, Completion)>, InferenceError> {
        let finished = self.step_each()?;
        finished.into_iter().map(|(id, completion)| completion.map(|completion| (id, completion))).collect()
    }

    /// As [`Generator::step`], where an answer that cannot go on ends by itself and no other one with it.
    ///
    /// # Errors
    /// When the model fails. No live answer can go on after that: [`Generator::cancel`] them.
    pub fn step_each(&mut self) -> Result<Vec<Finished>, InferenceError> {
        self.admit()?;
        let mut reading: Vec<&mut Live> =
            self.live.iter_mut().map(|(_, live)| live).filter(|live| !live.is_done()).collect();
        if !reading.is_empty() {
            let unread: Vec<Vec<u32>> = reading.iter_mut().map(|live| live.take_unread()).collect();
            let reads: Vec<_> = reading.iter().zip(&unread).map(|(live, tokens)| live.read(tokens)).collect();
            let scores = read_while_preparing(self.model.as_mut(), &reads, &mut reading)?;
            for read in &reads {
                self.slots.read(read.slot, read.tokens);
            }
            let mut rows = scores.rows();
            let scores: Vec<Vec<&[f32]>> = reads.iter().map(|read| rows.by_ref().take(read.scored).collect()).collect();
            take_all(reading, &scores);
        }
        Ok(self.collect_finished())
    }

    /// Drops a request; what was written so far comes back.
    pub fn cancel(&mut self, id: RequestId) -> Option<Completion> {
        self.waiting.retain(|waiting| waiting.id != id);
        let index = self.live.iter().position(|(live, _)| *live == id)?;
        let (_, live) = self.live.remove(index);
        self.slots.release(live.slot);
        Some(live.stopped(StopReason::Cancelled))
    }

    /// Answers all requests, in their order.
    ///
    /// # Errors
    /// On a bad request, and as [`Generator::step`].
    pub fn run(&mut self, requests: Vec<GenerationRequest>) -> Result<Vec<Completion>, InferenceError> {
        requests.iter().try_for_each(GenerationRequest::check)?;
        let ids = requests.into_iter().map(|request| self.submit(request)).collect::<Result<Vec<_>, _>>()?;
        let mut done = Vec::with_capacity(ids.len());
        while !self.is_idle() {
            done.extend(self.step()?);
        }
        done.sort_by_key(|(id, _)| *id);
        Ok(done.into_iter().filter(|(id, _)| ids.binary_search(id).is_ok()).map(|(_, completion)| completion).collect())
    }

    /// Gives waiting requests a slot. One that begins like another which is about to be read waits a turn, and then
    /// shares what that one read.
    fn admit(&mut self) -> Result<(), InferenceError> {
        let mut about_to_read: Vec<(Vec<u32>, Option<AdapterId>)> = Vec::new();
        let mut held_back = VecDeque::new();
        while let Some(mut waiting) = self.waiting.pop_front() {
            let (prompt, adapter) = (&waiting.request.prompt, waiting.request.adapter);
            if !waiting.held_back && self.is_worth_waiting(prompt, adapter, &about_to_read) {
                waiting.held_back = true;
                held_back.push_back(waiting);
                continue;
            }
            let Some((slot, held)) = self.slots.take(self.model.as_mut(), prompt, adapter)? else {
                held_back.push_back(waiting);
                break;
            };
            about_to_read.push((prompt.clone(), adapter));
            self.live.push((waiting.id, Live::start(waiting.request, slot, held)));
        }
        held_back.append(&mut self.waiting);
        self.waiting = held_back;
        Ok(())
    }

    fn is_worth_waiting(
        &self,
        prompt: &[u32],
        adapter: Option<AdapterId>,
        about_to_read: &[(Vec<u32>, Option<AdapterId>)],
    ) -> bool {
        let (_, known) = self.slots.best_prefix(prompt, adapter);
        let alike = about_to_read.iter().filter(|(_, other)| *other == adapter);
        let soon = alike.map(|(other, _)| shared_prefix(other, prompt)).max().unwrap_or(0);
        soon >= known + 2 * WORTH_SHARING
    }

    fn collect_finished(&mut self) -> Vec<Finished> {
        // As at most steps: then nothing is moved.
        if !self.live.iter().any(|(_, live)| live.is_done()) {
            return Vec::new();
        }
        let (done, live): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.live).into_iter().partition(|(_, live)| live.is_done());
        self.live = live;
        let finish = |(id, live): (RequestId, Live)| {
            self.slots.release(live.slot);
            (id, live.finish())
        };
        done.into_iter().map(finish).collect()
    }
}

/// Lets the model read, and meanwhile computes on other threads what costly constraints allow next.
fn read_while_preparing(
    model: &mut dyn CachedModel,
    reads: &[Read<'_>],
    reading: &mut [&mut Live],
) -> Result<Scores, InferenceError> {
    let costly: Vec<_> = reading.iter_mut().filter(|live| live.is_worth_preparing()).collect();
    if costly.is_empty() {
        return model.read(reads);
    }
    rayon::in_place_scope(|scope| {
        for live in costly {
            scope.spawn(move |_| live.prepare());
        }
        model.read(reads)
    })
}

/// Moves every answer on by its scores, on several threads where there are many.
fn take_all(reading: Vec<&mut Live>, scores: &[Vec<&[f32]>]) {
    if reading.len() < 2 * TAKEN_AT_ONCE {
        return reading.into_iter().zip(scores).for_each(|(live, scores)| live.take(scores));
    }
    reading.into_par_iter().with_min_len(TAKEN_AT_ONCE).zip(scores).for_each(|(live, scores)| live.take(scores));
}
