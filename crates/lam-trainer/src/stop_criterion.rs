//! When training ends, and where it stands on the way there.

use crate::{TrainerError, TrainingArguments};

/// Where training ends: after so many steps, or once so many tokens are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopCriterion {
    /// Optimizer steps; `None` where tokens decide.
    pub(crate) steps: Option<u64>,
    /// Micro-batches, where epochs decide: the last step may have fewer than the others.
    pub(crate) batches: Option<u64>,
    /// Input tokens.
    pub(crate) tokens: Option<u64>,
}

impl StopCriterion {
    /// The end that the arguments ask for; `batches_in` tells the micro-batches in so many epochs.
    pub(crate) fn of(
        arguments: &TrainingArguments,
        batches_in: impl FnOnce(f64) -> Option<u64>,
    ) -> Result<Self, TrainerError> {
        let tokens = (arguments.max_tokens > 0).then_some(arguments.max_tokens);
        if arguments.max_steps > 0 {
            return Ok(Self { steps: Some(arguments.max_steps), batches: None, tokens });
        }
        if tokens.is_some() {
            return Ok(Self { steps: None, batches: None, tokens });
        }
        let batches = batches_in(arguments.num_train_epochs).ok_or_else(|| TrainerError::Arguments {
            key: "num_train_epochs",
            value: arguments.num_train_epochs.to_string(),
            reason: "the data has no end, so it has no epochs".into(),
            hint: "set `max_steps` or `max_tokens`",
        })?;
        let steps = batches.div_ceil(arguments.gradient_accumulation_steps as u64);
        Ok(Self { steps: Some(steps), batches: Some(batches), tokens: None })
    }

    /// Whether nothing is left to do.
    pub(crate) fn reached(&self, step: u64, tokens: u64) -> bool {
        self.steps.is_some_and(|steps| step >= steps) || self.tokens.is_some_and(|limit| tokens >= limit)
    }

    /// Steps in all, for the learning rate: where tokens decide, as many as the tokens per step so far suggest.
    pub(crate) fn total_steps(&self, step: u64, tokens: u64) -> u64 {
        match (self.steps, self.tokens) {
            (Some(steps), _) => steps,
            (None, Some(limit)) if tokens > 0 => (step as f64 * limit as f64 / tokens as f64).ceil() as u64,
            _ => u64::from(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_of_the_epochs_may_be_partial() {
        let arguments =
            TrainingArguments { gradient_accumulation_steps: 4, num_train_epochs: 2.0, ..Default::default() };
        let stop = StopCriterion::of(&arguments, |epochs| Some((5.0 * epochs) as u64)).unwrap();
        assert_eq!((stop.steps, stop.batches), (Some(3), Some(10)));
        assert!(!stop.reached(2, 1 << 40) && stop.reached(3, 0));
        assert!(StopCriterion::of(&arguments, |_| None).unwrap_err().to_string().contains("max_steps"));
    }

    #[test]
    fn tokens_can_decide() {
        let arguments = TrainingArguments { max_tokens: 1000, ..Default::default() };
        let stop = StopCriterion::of(&arguments, |_| None).unwrap();
        assert!(!stop.reached(50, 999) && stop.reached(50, 1000));
        assert_eq!(stop.total_steps(10, 250), 40);
    }
}
