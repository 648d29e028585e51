//! A decoder on a CUDA device computes what it computes on the processor in bf16: losses, log-probabilities, scores, every
//! gradient, steps of the optimizer. On the emulation, or, with `LAM_TEST_CUDA=device`, on the machine's first card.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../../tests/live.rs"]
mod live;

mod compared;
mod generation;
mod loading;
mod memory;
mod models;
mod trained;
mod values;

fn main() {
    let missing = models::missing;
    live::run(live::live_tests![
        missing() => values::logits_are_those_of_the_processor,
        missing() => values::an_adapter_that_is_not_trained_acts,
        missing() => values::log_probabilities_entropies_and_their_gradients,
        missing() => values::log_probabilities_of_what_may_follow_and_their_gradients,
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
        missing() => loading::a_model_from_its_files_is_the_one_by_way_of_memory,
        missing() => loading::what_is_merged_and_saved_is_read_from_the_files,
        missing() => loading::a_model_may_be_saved_over_its_own_files,
        missing() => loading::a_file_that_was_written_to_is_refused,
        missing() => loading::a_number_that_is_none_is_found_on_the_way_to_the_device,
        missing() => loading::no_copy_stays_in_memory,
        missing() => loading::values_of_f16_are_read_too,
        missing() => generation::reads::prefill_and_steps_equal_the_training_forward,
        missing() => generation::reads::every_kind_of_heads,
        missing() => generation::reads::every_architecture,
        missing() => generation::reads::long_contexts_in_several_parts,
        missing() => generation::reads::as_many_last_tokens_are_scored_as_asked_for,
        missing() => generation::reads::a_decoder_can_become_its_cache,
        missing() => generation::slots::ragged_batches_of_slots_that_come_and_go,
        missing() => generation::slots::many_slots,
        missing() => generation::slots::a_copied_or_shortened_prefix_continues_as_if_computed,
        missing() => generation::slots::a_shared_prefix_is_the_same_bits_as_one_of_its_own,
        missing() => generation::slots::rows_beside_pages_do_not_depend_on_company,
        missing() => generation::slots::what_makes_no_sense_is_refused,
        missing() => generation::adapters::an_adapter_of_its_own_takes_part,
        missing() => generation::adapters::adapters_of_requests_equal_merged_ones,
        missing() => generation::adapters::an_adapter_over_a_quantised_base,
        missing() => generation::adapters::an_adapter_that_does_not_belong_is_refused,
        missing() => generation::graphs::graphs_give_the_same_bits_as_steps_without,
        missing() => generation::graphs::graphs_follow_slots_that_change,
        missing() => generation::graphs::a_token_waits_once,
        missing() => generation::graphs::graphs_know_adapters_and_quantised_weights,
        missing() => generation::graphs::graphs_give_way_where_memory_is_short,
        missing() => generation::graphs::a_step_that_fits_needs_no_memory_for_its_graph,
        missing() => generation::graphs::what_graphs_held_is_given_back,
        missing() => generation::quantised::tokens_alone_over_blocks_equal_the_training_forward,
        missing() => generation::memory::pages_are_given_back,
        missing() => generation::memory::a_full_device_leaves_the_cache_as_it_was,
    ])
}
