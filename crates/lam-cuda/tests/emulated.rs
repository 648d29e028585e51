//! A device from opening to failing, on the emulation: the same libraries' functions, the same kernels' texts, run by the
//! CPU. `tests/live.rs` of the workspace says what becomes of a test where there is no C++ compiler.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../tests/live.rs"]
mod live;

#[path = "emulated/graphs.rs"]
mod graphs;
#[path = "emulated/kernels.rs"]
mod kernels;
#[path = "emulated/memory.rs"]
mod memory;
#[path = "emulated/products.rs"]
mod products;
#[path = "emulated/refused.rs"]
mod refused;

use std::path::PathBuf;

use lam_cuda::{Device, Libraries, Settings, emulation};

fn main() {
    let missing = emulation::missing;
    live::run(live::live_tests![
        missing() => memory::numbers_come_back_as_they_went,
        missing() => memory::views_are_parts,
        missing() => memory::fresh_memory_is_not_a_number,
        missing() => memory::large_uploads_arrive_behind_the_callers_back,
        missing() => memory::lists_wait_for_nobody_and_stay_what_they_were,
        missing() => memory::late_reads_are_of_their_time,
        missing() => memory::numbers_are_made_where_the_device_reads_them,
        missing() => memory::dropped_memory_is_had_again,
        missing() => memory::a_full_device_says_its_figures,
        missing() => memory::any_thread_may_use_a_device,
        missing() => kernels::a_kernel_gets_its_arguments_in_order,
        missing() => kernels::threads_of_a_block_wait_for_one_another,
        missing() => kernels::a_source_is_compiled_once_and_kept_on_disk,
        missing() => kernels::what_the_compiler_refuses_is_told_in_its_words,
        missing() => kernels::a_kernel_that_is_not_there_is_named,
        missing() => kernels::a_launch_that_no_card_takes_is_refused,
        missing() => kernels::a_kernel_that_breaks_down_is_named,
        missing() => kernels::mistakes_in_kernels_are_failures,
        missing() => kernels::an_address_that_is_nobodys_is_a_failure,
        missing() => kernels::modules_do_not_mix_what_has_the_same_name,
        missing() => kernels::boxes_are_fetched_with_zeros_outside,
        missing() => products::every_orientation_and_odd_size,
        missing() => products::what_is_added_and_what_is_not,
        missing() => products::rows_beyond_the_product_stay,
        missing() => products::the_fastest_algorithm_is_kept_for_later_processes,
        missing() => products::an_operand_that_is_too_short_panics,
        missing() => graphs::captured_work_is_done_again,
        missing() => graphs::memory_of_a_graph_is_its_own,
        missing() => graphs::a_graph_has_its_memory_again_within_itself,
        missing() => graphs::graphs_share_what_they_need_between_launches,
        missing() => graphs::what_shared_memory_cannot_keep_is_refused,
        missing() => graphs::what_other_threads_want_meanwhile_is_done,
        missing() => graphs::work_that_waits_cannot_be_captured,
        missing() => graphs::work_is_timed,
        missing() => graphs::the_time_of_work_is_shared_out,
        missing() => refused::a_folder_that_is_named_is_taken,
        missing() => refused::a_device_that_is_too_old,
        missing() => refused::a_driver_that_is_too_old,
        missing() => refused::a_number_that_no_device_has,
        missing() => refused::more_memory_than_there_is,
        missing() => refused::all_that_is_free_is_had,
        missing() => refused::memory_that_somebody_else_holds,
        missing() => refused::nothing_is_free_for_it,
        missing() => refused::a_folder_without_a_library,
        missing() => refused::a_library_of_another_kind,
    ])
}

const MIB: usize = 1 << 20;

/// Where the emulation is built, and kept for the next run of the tests.
fn folder() -> PathBuf {
    emulation::build(&PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn libraries() -> Libraries {
    Libraries::in_folder(&folder()).unwrap()
}

/// Calls so far that waited for the device.
fn waits() -> u64 {
    emulation::waits(&folder()).unwrap()
}

fn settings() -> Settings {
    let cache = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    Settings { ordinal: 0, memory_bytes: 32 * MIB, cache, poison: true, synchronous: false }
}

fn device() -> Device {
    Device::open_with(&libraries(), &settings()).unwrap()
}

/// Runs with variables of the environment set, and unsets them, whatever happens.
fn with<R>(variables: &[(&str, &str)], run: impl FnOnce() -> R) -> R {
    struct Unset<'a>(&'a [(&'a str, &'a str)]);
    impl Drop for Unset<'_> {
        fn drop(&mut self) {
            for (name, _) in self.0 {
                // SAFETY: tests run one after the other, and no other thread reads the environment then.
                unsafe { std::env::remove_var(name) };
            }
        }
    }
    let _unset = Unset(variables);
    for (name, value) in variables {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
    run()
}

/// Numbers between -1 and 1 that are drawn anew for each seed.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| draw()).collect()
}
