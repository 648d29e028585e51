//! What training will need in memory, told before the first step. Knows sizes, not models.

use candle_core::Var;
use lam_model::Device;

use crate::TrainerError;

const MIB: u64 = 1 << 20;

/// Bytes by what they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Weights that are not trained.
    pub frozen: u64,
    /// Weights that are: the adapter, or the whole model. On a GPU with their copy in bf16.
    pub trained: u64,
    /// Gradients of the trained weights; twice where the processor adds micro-batches up.
    pub gradients: u64,
    /// AdamW's two moments.
    pub moments: u64,
    /// Activations of the longest batch, kept for its backward pass or in use during it; an estimate.
    pub activations: u64,
    /// The chunk of logits that exists at a time, with its probabilities' gradient.
    pub logits: u64,
    /// Tokens of the longest batch.
    pub longest_batch_tokens: u64,
    /// Tokens of the longest sample in it.
    pub longest_sample_tokens: u64,
    /// What other settings would need, the mildest first.
    pub alternatives: Vec<Alternative>,
}

/// Settings that were not chosen, and what training would need with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The settings, as one would write them.
    pub settings: String,
    /// What the plan would add up to, in bytes.
    pub total: u64,
}

impl MemoryPlan {
    /// The part that follows from the variables alone.
    pub fn of_variables(variables: &[(String, Var)]) -> Self {
        let trained = variables.iter().map(|(_, var)| (var.elem_count() * var.dtype().size_in_bytes()) as u64).sum();
        let elements: u64 = variables.iter().map(|(_, var)| var.elem_count() as u64).sum();
        Self { trained, gradients: trained, moments: 8 * elements, ..Self::default() }
    }

    /// The same where a step has so many micro-batches: the processor's tape gives the gradients of each apart from the sum
    /// of those before, a GPU adds to the sum.
    #[must_use]
    pub fn with_micro_batches(mut self, count: usize, on_gpu: bool) -> Self {
        if count > 1 && !on_gpu {
            self.gradients *= 2;
        }
        self
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.lasting() + self.gradients + self.activations + self.logits
    }

    /// What is there from the first step to the last.
    fn lasting(&self) -> u64 {
        self.frozen + self.trained + self.moments
    }

    /// The plan for a person, one line an item.
    pub fn describe(&self) -> String {
        let mib = |bytes: u64| bytes.div_ceil(MIB);
        format!(
            "memory plan: {} MiB\n  frozen weights {} MiB\n  trained weights {} MiB\n  gradients {} MiB\n  \
             moments {} MiB\n  activations {} MiB (longest batch: {} tokens)\n  logits {} MiB",
            mib(self.total()),
            mib(self.frozen),
            mib(self.trained),
            mib(self.gradients),
            mib(self.moments),
            mib(self.activations),
            self.longest_batch_tokens,
            mib(self.logits),
        )
    }

    /// Refuses a plan above the limit and says what would make it fit.
    pub(crate) fn check(&self, limit: Limit) -> Result<(), TrainerError> {
        self.refuse_above(limit, self.total())
    }

    /// As [`MemoryPlan::check`], once the longest batch has run and made the process `growth` bytes larger.
    pub(crate) fn check_measured(&self, limit: Limit, growth: u64) -> Result<(), TrainerError> {
        self.refuse_above(limit, self.lasting() + growth)
    }

    fn refuse_above(&self, limit: Limit, needed: u64) -> Result<(), TrainerError> {
        if needed <= limit.bytes {
            return Ok(());
        }
        let (plan, hint) = (self.describe(), self.hint(limit.bytes));
        Err(TrainerError::Memory { needed_mib: mib(needed), limit_mib: mib(limit.bytes), limit: limit.of, plan, hint })
    }

    /// The mildest changes that would fit, or what would come nearest.
    fn hint(&self, limit: u64) -> String {
        let with = |other: &Alternative| format!("{} ({} MiB)", other.settings, other.total.div_ceil(MIB));
        let mut fitting: Vec<String> = self.shorter_batches(limit).into_iter().collect();
        fitting.extend(self.alternatives.iter().filter(|other| other.total <= limit).take(3).map(with));
        if !fitting.is_empty() {
            return format!("any of these would fit: {}", fitting.join("; "));
        }
        match self.alternatives.iter().min_by_key(|other| other.total) {
            Some(least) => format!("not even {} would fit: take a smaller model or more memory", with(least)),
            None => "nothing smaller is known: take a smaller model or more memory".into(),
        }
    }

    /// Batches that fit as everything else is, if any do.
    fn shorter_batches(&self, limit: u64) -> Option<String> {
        let per_token = (self.activations / self.longest_batch_tokens.max(1)).max(1);
        let tokens = limit.saturating_sub(self.total() - self.activations) / per_token;
        if tokens >= self.longest_sample_tokens && tokens < self.longest_batch_tokens {
            return Some(format!(
                "`max_tokens_per_batch = {tokens}` (or a lower `per_device_train_batch_size`) with a higher \
                 `gradient_accumulation_steps`"
            ));
        }
        let worth_saying = tokens >= 16 && tokens < self.longest_batch_tokens;
        worth_saying.then(|| format!("`max_length = {tokens}` with `per_device_train_batch_size = 1`"))
    }
}

/// How much memory training may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    bytes: u64,
    /// Whose limit it is.
    of: &'static str,
}

impl Limit {
    /// The one that was given, in MiB, or, where it is 0, the device's, or what the machine has left and what this process
    /// holds already.
    pub(crate) fn of(max_memory_mib: u64, device: &Device) -> Self {
        match (max_memory_mib, device.memory()) {
            (0, Some((bytes, _))) => Self { bytes, of: "what was free on the device" },
            (0, None) => Self { bytes: machine_bytes().unwrap_or(u64::MAX), of: "what the machine has left" },
            (mib, _) => Self { bytes: mib.saturating_mul(MIB), of: "`max_memory_mib`" },
        }
    }
}

/// What can still be had, by the system and by its control group, and what this process holds.
fn machine_bytes() -> Option<u64> {
    let held = resident_bytes()?;
    let left = status_bytes("/proc/meminfo", "MemAvailable:")?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some((held + left).min(group.unwrap_or(u64::MAX)))
}

/// Bytes that this process holds in memory, where the system tells.
pub(crate) fn resident_bytes() -> Option<u64> {
    status_bytes("/proc/self/status", "VmRSS:")
}

/// A line such as `VmRSS:  1234 kB`.
fn status_bytes(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Whole MiB for a person.
pub(crate) fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> MemoryPlan {
        MemoryPlan {
            trained: 10 * MIB,
            activations: 100 * MIB,
            longest_batch_tokens: 100,
            longest_sample_tokens: 20,
            alternatives: vec![
                Alternative { settings: "`gradient_checkpointing = true`".into(), total: 40 * MIB },
                Alternative { settings: "`finetuning_type = \"lora\"`".into(), total: 8 * MIB },
            ],
            ..Default::default()
        }
    }

    #[test]
    fn a_plan_that_is_too_large_says_what_would_fit() {
        plan().check(Limit::of(110, &Device::Cpu)).unwrap();
        plan().check(Limit::of(0, &Device::Cpu)).unwrap();
        let refused = |limit| plan().check(Limit::of(limit, &Device::Cpu)).unwrap_err().to_string();
        let error = refused(60);
        assert!(error.contains("about 110 MiB, allowed are 60 MiB"), "{error}");
        assert!(
            error.contains("`max_tokens_per_batch = 50`") && error.contains("checkpointing = true` (40 MiB)"),
            "{error}"
        );
        assert!(refused(28).contains("`max_length = 18`"), "{}", refused(28));
        assert!(refused(9).contains("any of these would fit: `finetuning_type"), "{}", refused(9));
        assert!(refused(5).contains("not even `finetuning_type"), "{}", refused(5));
    }

    #[test]
    fn what_the_longest_batch_took_counts_too() {
        plan().check_measured(Limit::of(110, &Device::Cpu), 90 * MIB).unwrap();
        assert!(
            plan()
                .check_measured(Limit::of(110, &Device::Cpu), 101 * MIB)
                .unwrap_err()
                .to_string()
                .contains("about 111 MiB")
        );
    }

    #[test]
    fn more_than_the_machine_has_is_refused() {
        let Some(machine) = machine_bytes() else { return };
        assert!(resident_bytes().is_some_and(|bytes| MIB < bytes && bytes < machine));
        let plan = MemoryPlan { frozen: 2 * machine, ..MemoryPlan::default() };
        let error = plan.check(Limit::of(0, &Device::Cpu)).unwrap_err().to_string();
        assert!(error.contains("(what the machine has left)"), "{error}");
    }
}
