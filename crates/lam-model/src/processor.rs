//! The processor, as a person is told of it.

use lam_cuda::Numerics;

use crate::ModelError;
use crate::backend::cpu::kernel::features::{Features, Most, VARIABLE};
use crate::backend::cpu::kernel::numerics;

/// The instruction sets of this processor that loops are compiled for.
///
/// The environment variable `LAM_CPU` leaves some unused, to measure or to test what others have: `baseline`, `avx2`,
/// `avx512`, `avx512-bf16`, `amx`, `neon`, `neon-bf16`, each with what stands before it; `tiles-model` computes products
/// of tiles in plain Rust, slowly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Those that are used.
    pub used: Vec<&'static str>,
    /// Those that are not, each with the reason.
    pub unused: Vec<String>,
}

impl Processor {
    /// Of this process. Where `LAM_CPU` is not a name, all that is there is used.
    pub fn here() -> Self {
        let features = Features::here();
        let unused = features.unused.iter().map(|(name, why)| format!("{name}: {why}"));
        Self { used: features.used.clone(), unused: unused.collect() }
    }

    /// Chooses in which order this process sums products of bf16, before anything computes. The first choice stays; without
    /// one it is the fast order.
    pub fn choose(numerics: Numerics) {
        numerics::choose(numerics);
    }

    /// What the bits of this process's results depend on, in words: `portable`, or `fast` and whose order it is.
    pub fn arithmetic() -> String {
        match numerics::numerics() {
            Numerics::Portable => Numerics::Portable.to_string(),
            Numerics::Fast => format!("fast ({})", Features::here().order()),
        }
    }

    /// Refuses a `LAM_CPU` that is no name. Asks the processor for nothing.
    ///
    /// # Errors
    /// Says what stands there and which names there are.
    pub fn check() -> Result<(), ModelError> {
        match std::env::var_os(VARIABLE) {
            None => Ok(()),
            Some(value) if value.to_str().is_some_and(|name| Most::named(name).is_some()) => Ok(()),
            Some(value) => Err(ModelError::Environment {
                variable: VARIABLE,
                value: value.to_string_lossy().into_owned(),
                reason: "is not a level of processors that is known".into(),
                hint: format!("write one of {}, or nothing", Most::NAMES.map(|(name, _)| name).join(", ")),
            }),
        }
    }
}
