//! What training will need in memory, told before the first step. Knows sizes, not models.

use candle_core::Var;

use crate::TrainerError;

const MIB: u64 = 1 << 20;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Weights that are not trained.
    pub frozen: u64,
    /// Weights that are: the adapter, or the whole model.
    pub trained: u64,
    /// Gradients of the trained weights, one set being added to another.
    pub gradients: u64,
    /// AdamW's two moments.
    pub moments: u64,
    /// Activations kept for the backward pass of the longest batch, an estimate.
    pub activations: u64,
    /// Tokens of that batch.
    pub longest_batch_tokens: u64,
}

impl MemoryPlan {
    /// The part that follows from the variables alone.
    pub fn of_variables(variables: &[(String, Var)]) -> Self {
        let trained = variables.iter().map(|(_, var)| (var.elem_count() * var.dtype().size_in_bytes()) as u64).sum();
        let elements: u64 = variables.iter().map(|(_, var)| var.elem_count() as u64).sum();
        Self { trained, gradients: 2 * trained, moments: 8 * elements, ..Self::default() }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.frozen + self.trained + self.gradients + self.moments + self.activations
    }

    /// The plan for a person, one line an item.
    pub fn describe(&self) -> String {
        let mib = |bytes: u64| bytes.div_ceil(MIB);
        format!(
            "memory plan: {} MiB\n  frozen weights {} MiB\n  trained weights {} MiB\n  gradients {} MiB\n  \
             moments {} MiB\n  activations {} MiB (longest batch: {} tokens)",
            mib(self.total()),
            mib(self.frozen),
            mib(self.trained),
            mib(self.gradients),
            mib(self.moments),
            mib(self.activations),
            self.longest_batch_tokens,
        )
    }

    /// Refuses a plan above `max_memory_mib` (0: no limit) and says what would make it fit.
    pub(crate) fn check(&self, max_memory_mib: u64) -> Result<(), TrainerError> {
        let needed_mib = self.total().div_ceil(MIB);
        if max_memory_mib == 0 || needed_mib <= max_memory_mib {
            return Ok(());
        }
        let plan = self.describe();
        Err(TrainerError::Memory { needed_mib, limit_mib: max_memory_mib, plan, hint: self.hint(max_memory_mib) })
    }

    fn hint(&self, max_memory_mib: u64) -> String {
        let fixed = self.total() - self.activations;
        let room = (max_memory_mib * MIB).saturating_sub(fixed);
        if room == 0 {
            return "the weights alone do not fit: use `finetuning_type = \"lora\"` or a smaller model".into();
        }
        let per_token = (self.activations / self.longest_batch_tokens.max(1)).max(1);
        format!(
            "batches of at most {} tokens would fit: lower `per_device_train_batch_size` or `max_tokens_per_batch`, \
             and raise `gradient_accumulation_steps`",
            room / per_token
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_is_too_large_says_what_would_fit() {
        let plan = MemoryPlan { trained: 10 * MIB, activations: 100 * MIB, longest_batch_tokens: 100, ..Default::default() };
        plan.check(110).unwrap();
        plan.check(0).unwrap();
        let error = plan.check(60).unwrap_err().to_string();
        assert!(error.contains("about 110 MiB, allowed are 60 MiB") && error.contains("at most 50 tokens"), "{error}");
        assert!(plan.check(5).unwrap_err().to_string().contains("lora"));
    }
}
