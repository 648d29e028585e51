//! A main loader with batches of other loaders mixed in by fixed shares. Whole batches alternate, evenly spread.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DataLoader;
use crate::limits::rows_of;
use crate::{ForeignState, Metrics, Sample, TrainerError, TrainingArguments};

/// A main loader, and others that are mixed in. Its epochs are those of the main loader.
pub struct MixtureLoader<'a, S> {
    loaders: Vec<Share<'a, S>>,
    last: usize,
    share_prefixes: bool,
}

struct Share<'a, S> {
    loader: Box<dyn DataLoader<S> + 'a>,
    share: f64,
    batches: u64,
}

#[derive(Serialize, Deserialize)]
struct State {
    batches: Vec<u64>,
    last: usize,
    sources: Vec<Value>,
}

impl<'a, S> MixtureLoader<'a, S> {
    /// `main`, with each of `others` taking its share (0.2: every fifth batch) of all batches. All are made with
    /// `arguments`.
    ///
    /// # Errors
    /// When the shares are negative or leave nothing for `main`.
    pub fn new(
        main: Box<dyn DataLoader<S> + 'a>,
        others: Vec<(Box<dyn DataLoader<S> + 'a>, f64)>,
        arguments: &TrainingArguments,
    ) -> Result<Self, TrainerError> {
        let rest = 1.0 - others.iter().map(|(_, share)| share).sum::<f64>();
        if rest <= 0.0 || others.iter().any(|(_, share)| *share < 0.0) {
            let value = others.iter().map(|(_, share)| share.to_string()).collect::<Vec<_>>().join(", ");
            let reason = "shares must not be negative and must leave something for the main data".into();
            return Err(TrainerError::Arguments { key: "mixture", value, reason, hint: "" });
        }
        let others = others.into_iter().map(|(loader, share)| Share { loader, share, batches: 0 });
        let loaders = std::iter::once(Share { loader: main, share: rest, batches: 0 }).chain(others).collect();
        Ok(Self { loaders, last: 0, share_prefixes: arguments.share_prefixes })
    }

    /// The loader that lags furthest behind its share; the first of equals.
    fn due(&self) -> usize {
        let total = 1 + self.loaders.iter().map(|share| share.batches).sum::<u64>();
        let lag = |share: &Share<'_, S>| share.share * total as f64 - share.batches as f64;
        (1..self.loaders.len()).fold(
            0,
            |due, index| {
                if lag(&self.loaders[index]) > lag(&self.loaders[due]) { index } else { due }
            },
        )
    }
}

impl<S: Sample> DataLoader<S> for MixtureLoader<'_, S> {
    fn next_batch(&mut self, step: u64) -> Result<Option<Vec<S>>, TrainerError> {
        self.last = self.due();
        let due = &mut self.loaders[self.last];
        due.batches += 1;
        due.loader.next_batch(step)
    }

    fn feedback(&mut self, metrics: &Metrics) {
        self.loaders[self.last].loader.feedback(metrics);
    }

    fn wants_feedback(&self) -> bool {
        self.loaders.iter().any(|share| share.loader.wants_feedback())
    }

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        let main = &self.loaders[0];
        main.loader.batches_in(epochs).map(|batches| (batches as f64 / main.share).floor() as u64)
    }

    fn epoch(&self) -> f64 {
        self.loaders[0].loader.epoch()
    }

    fn longest_batch(&self) -> Option<Vec<S>> {
        let batches = self.loaders.iter().filter_map(|share| share.loader.longest_batch());
        batches.max_by_key(|batch| rows_of(&batch.iter().collect::<Vec<_>>(), self.share_prefixes))
    }

    fn state(&self) -> Value {
        let batches = self.loaders.iter().map(|share| share.batches).collect();
        let sources = self.loaders.iter().map(|share| share.loader.state()).collect();
        serde_json::to_value(State { batches, last: self.last, sources }).expect("integers and JSON serialise")
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        let foreign = || ForeignState::new("a mixture of sources", state);
        let read: State = serde_json::from_value(state.clone()).map_err(|_| foreign())?;
        if read.sources.len() != self.loaders.len() || read.batches.len() != self.loaders.len() {
            return Err(foreign());
        }
        for ((share, batches), state) in self.loaders.iter_mut().zip(read.batches).zip(&read.sources) {
            share.batches = batches;
            share.loader.restore(state)?;
        }
        self.last = read.last.min(self.loaders.len() - 1);
        Ok(())
    }

    fn fingerprint(&self) -> String {
        let parts: Vec<_> =
            self.loaders.iter().map(|share| format!("{} {}", share.share, share.loader.fingerprint())).collect();
        lam_store::hash_bytes(parts.join("\n").as_bytes())
    }
}
