//! The same run on the processor.

use lam_cuda::DeviceChoice;
use lam_trainer::TrainingArguments;

use crate::tiny::{arguments, run_all, samples};

/// Each in bf16, rounding in its own places.
pub fn losses_are_those_of_the_processor() {
    let held_out = &samples()[..5];
    let [there, here] = [DeviceChoice::Cuda(0), DeviceChoice::Cpu].map(|device| {
        let root = tempfile::tempdir().unwrap();
        let arguments = TrainingArguments { device, bf16: true, eval_steps: 3, ..arguments(7) };
        run_all(root.path(), &arguments, held_out).log_history
    });
    assert_eq!(there.len(), here.len());
    for (there, here) in there.iter().zip(&here) {
        assert_eq!((there.global_step, there.epoch, there.num_tokens), (here.global_step, here.epoch, here.num_tokens));
        // The entropy is told on the processor alone.
        let names = here.values.keys().filter(|name| !name.ends_with("entropy"));
        assert!(there.values.keys().eq(names), "{there:?} {here:?}");
        for (name, right) in here.values.iter().filter(|(name, _)| name.ends_with("loss") || *name == "grad_norm") {
            let found = there.values[name];
            assert!((found / right - 1.0).abs() < 0.05, "step {}: {name} {found} {right}", here.global_step);
        }
    }
    let rows = there.iter().map(|record| record.global_step).collect::<Vec<_>>();
    assert_eq!(rows, [1, 2, 3, 3, 4, 5, 6, 6, 7, 7]);
}
