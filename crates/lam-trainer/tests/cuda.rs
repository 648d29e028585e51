//! Training on a CUDA device, on the emulation: who waits for it, and that what is told late is what was told at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../tests/live.rs"]
mod live;

#[path = "cuda/compared.rs"]
mod compared;
#[path = "cuda/figures.rs"]
mod figures;
#[path = "cuda/tiny.rs"]
mod tiny;
#[path = "cuda/waits.rs"]
mod waits;

use lam_cuda::emulation;

fn main() {
    let missing = emulation::missing;
    if missing().is_none() {
        tiny::use_the_emulation();
    }
    live::run(live::live_tests![
        missing() => waits::a_step_waits_once,
        missing() => waits::a_curriculum_waits_for_each_batch,
        missing() => figures::what_is_told_late_is_what_was_told_at_once,
        missing() => figures::records_stand_at_their_steps,
        missing() => figures::a_stopped_run_ends_with_the_same_bytes,
        missing() => compared::losses_are_those_of_the_processor,
        missing() => figures::a_loss_that_is_no_number_is_told_with_its_step_and_samples,
        missing() => figures::what_a_device_has_no_room_for_is_refused_by_its_plan,
        missing() => figures::a_kernel_that_breaks_down_is_told_with_its_samples,
    ])
}
