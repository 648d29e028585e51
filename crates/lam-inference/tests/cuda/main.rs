//! The generation loop over a decoder on a CUDA device, on the emulation: what each request gets is what the processor's
//! decoder says of it, whoever else is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../../tests/live.rs"]
mod live;

mod answers;
mod models;
mod right;
#[path = "../generation/tiny.rs"]
#[expect(dead_code, reason = "what answers on the processor need beside it")]
mod tiny;

use lam_cuda::emulation;

fn main() {
    let missing = emulation::missing;
    live::run(live::live_tests![
        missing() => answers::best_tokens_are_the_processors,
        missing() => answers::seeds_decide_as_on_the_processor,
        missing() => answers::constraints_are_kept,
        missing() => answers::each_request_uses_its_own_adapter,
        missing() => answers::a_slot_that_is_freed_is_another_requests,
    ])
}
