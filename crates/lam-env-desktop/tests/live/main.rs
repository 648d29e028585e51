//! Real applications on private desktops. `tests/live.rs` of the workspace says what becomes of a test whose programs
//! are not installed.

#[cfg(target_os = "linux")]
mod applications;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
#[path = "../../../../tests/live.rs"]
mod live;
#[cfg(target_os = "linux")]
mod red_team;
#[cfg(target_os = "linux")]
mod support;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    if std::env::var_os(faults::WAITS).is_some() {
        return faults::a_desktop_that_waits();
    }
    let missing = |name: &str| support::application(name).check_installed().err().map(|error| error.to_string());
    live::run(live::live_tests![
        missing("writer") => applications::writer_formats_a_real_document,
        missing("writer") => applications::items_of_closed_menus_can_be_chosen,
        missing("writer") => applications::an_item_that_is_greyed_out_refuses,
        missing("writer") => applications::nothing_done_is_judged_wrong,
        missing("mousepad").or(missing("galculator")) => applications::a_text_editor_and_a_calculator_need_no_code,
        missing("mousepad") => applications::an_application_s_file_alone_can_be_acted_in,
        missing("galculator") => applications::a_calculator_s_keys_count_each_time,
        missing("writer") => applications::the_same_actions_give_the_same_screens,
        missing("writer") => applications::the_same_actions_give_the_same_text_dialogs_and_menus,
        missing("writer") => applications::a_spare_starts_like_a_cold_desktop_and_goes_with_the_run,
        missing("galculator") => applications::each_step_has_a_picture_before_and_after,
        missing("writer") => red_team::attempts_to_get_out_of_writer_are_held,
        missing("galculator") => faults::killed_processes_end_the_episode_and_leave_nothing,
        missing("galculator") => faults::killed_processes_end_a_start_and_leave_nothing,
        missing("galculator") => faults::a_killed_owner_leaves_no_process,
        None => faults::a_program_that_is_missing_names_the_script,
        missing("galculator") => faults::an_application_that_never_gets_ready_is_an_error_in_time,
    ])
}
