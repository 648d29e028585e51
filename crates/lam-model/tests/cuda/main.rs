//! A decoder on a CUDA device computes what it computes on the processor in bf16: losses, log-probabilities, scores, every
//! gradient, steps of the optimizer. On the emulation, or, with `LAM_TEST_CUDA=device`, on the machine's first card.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../../tests/live.rs"]
mod live;

mod compared;
mod models;
mod trained;
mod values;

fn main() {
    let missing = models::missing;
    live::run(live::live_tests![
        missing() => values::logits_are_those_of_the_processor,
        missing() => values::log_probabilities_entropies_and_their_gradients,
        missing() => values::scores_and_their_gradients,
        missing() => values::positions_that_are_read_twice_count_twice,
        missing() => compared::an_adapter_gets_its_gradients,
        missing() => compared::an_adapter_on_some_layers_gets_its_gradients,
        missing() => compared::all_weights_get_their_gradients,
        missing() => compared::biases_and_norms_of_heads_get_their_gradients,
        missing() => compared::tied_weights_get_their_gradients,
        missing() => compared::quantised_weights_let_gradients_through,
        missing() => compared::dropout_drops_the_same,
        missing() => compared::recomputed_tapes_give_the_same_gradients,
        missing() => compared::windows_and_heads_of_every_width,
        missing() => compared::texts_that_begin_alike_share_rows,
        missing() => trained::steps_are_those_of_the_processor,
        missing() => trained::micro_batches_add_up,
        missing() => trained::moments_and_variables_come_and_go,
        missing() => trained::what_is_not_chosen_stays,
        missing() => trained::a_model_that_does_not_fit_says_so,
        missing() => trained::a_shape_that_no_kernel_has_is_refused,
    ])
}
