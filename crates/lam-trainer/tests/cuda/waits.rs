//! How often a step waits for the device. The emulation counts: for the stream, for an event, copies from or to memory that
//! is not pinned.

use lam_signal::Cancel;

use crate::tiny::{Watched, arguments, run};

/// Waits of each step but the first (whose kernels are compiled and loaded) and the last.
fn waits_of_steps(loader: &mut Watched, steps: u64) -> Vec<u64> {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &arguments(steps), (0.1, &[]), (loader, &Cancel::default())).1.unwrap();
    let begins = |step: u64| loader.waits.iter().find(|(of, _)| *of == step).unwrap().1;
    (1..steps - 1).map(|step| begins(step + 1) - begins(step)).collect()
}

/// A step of two micro-batches, with dropout and clipping, recorded: one wait, for the figures of the step before it.
pub fn a_step_waits_once() {
    assert_eq!(waits_of_steps(&mut Watched::new(&arguments(5)), 5), [1, 1, 1]);
}

/// The value of each micro-batch is waited for; with the next step's first, the norm has come as well.
pub fn a_curriculum_waits_for_each_batch() {
    let mut loader = Watched { wants_feedback: true, ..Watched::new(&arguments(4)) };
    assert_eq!(waits_of_steps(&mut loader, 4), [2, 2]);
    assert_eq!(loader.fed_back.len(), 8);
    for metrics in &loader.fed_back {
        let accuracy = metrics.mean("mean_token_accuracy").unwrap();
        assert!((0.0..=1.0).contains(&accuracy), "{accuracy}");
    }
}
