//! Episodes from reset to verdict, with an application and policies that exist only here.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use lam_agent::{
    AgentError, ExpertPolicy, Job, Limits, Policy, ReplayPolicy, Request, Session, run_episodes, take_timings,
};
use lam_signal::{Cancel, NoProgress};
use lam_types::{Complete, Status, StepStatus, Task, Trajectory};

use crate::counter::{Counter, press, task};
use crate::script::{Script, decided, unreadable};

fn run(app: &Counter, tasks: &[Task], policy: &mut dyn Policy, limits: &Limits) -> Vec<Trajectory> {
    let session = Session { limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    run_episodes(app, &Job::for_tasks(tasks, 1), policy, &session).unwrap()
}

fn without_timings(mut trajectories: Vec<Trajectory>) -> Vec<Trajectory> {
    take_timings(&mut trajectories);
    trajectories
}

#[test]
fn an_episode_ends_with_finish_and_is_judged_by_its_state() {
    let tasks = [task("press", 2), task("press", 4)];
    let app = Counter::new(0);
    let trajectories = run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &Limits::default());
    let [done, given_up] = &trajectories[..] else { panic!("two jobs, two trajectories") };
    assert!(done.succeeded());
    assert_eq!(done.steps.len(), 2);
    assert_eq!(done.steps[1].state.previous_actions.len(), 1);
    assert_eq!(done.steps[1].state.previous_plan, ["Select Press."]);
    assert_eq!(done.steps[0].acceptable_labels, ["1", "2"]);
    assert_eq!((done.steps[0].reward, done.steps[0].reward_source.as_str()), (Some(1.0), "outcome"));
    assert_eq!(given_up.verdict.complete, Complete::No);
    assert_eq!((given_up.verdict.reason.as_str(), given_up.steps[0].reward), ("pressed 3 times", Some(-1.0)));
    assert_eq!(done.trajectory_id.len(), 64);
}

#[test]
fn an_episode_is_cut_off_after_its_steps() {
    let mut policy = Script(|_: &Request<'_>| decided(press("1", Status::Continue)));
    let limits = Limits { max_steps: 4, ..Limits::default() };
    let trajectory = run(&Counter::new(0), &[task("press", 4)], &mut policy, &limits).remove(0);
    assert_eq!(trajectory.steps.len(), 4);
    assert_eq!(trajectory.verdict.complete, Complete::No, "the state is right, but nobody said so");
    assert_eq!(trajectory.verdict.reason, "not finished after 4 steps");
}

#[test]
fn without_a_limit_on_invalid_answers_only_the_steps_end_an_episode() {
    let limits = Limits { max_invalid_in_a_row: 0, max_steps: 6, ..Limits::default() };
    let app = Counter::new(0);
    let done = run(&app, &[task("press", 2)], &mut ExpertPolicy::of(&app).unwrap(), &limits).remove(0);
    assert!(done.succeeded() && done.steps.len() == 2, "valid answers end nothing: {}", done.verdict.reason);
    let lost = run(&app, &[task("press", 2)], &mut Script(|_: &Request<'_>| unreadable("what?")), &limits).remove(0);
    assert_eq!((lost.steps.len(), lost.verdict.reason.as_str()), (6, "not finished after 6 steps"));
}

#[test]
fn three_invalid_answers_in_a_row_end_it_and_a_finish_in_one_does_not_count() {
    let answer = |request: &Request<'_>| match request.step_index {
        0 | 3 => unreadable("what?"),
        2 => decided(press("1", Status::Continue)),
        _ => decided(press("99", Status::Finish)),
    };
    let trajectory = run(&Counter::new(0), &[task("press", 1)], &mut Script(answer), &Limits::default()).remove(0);
    let statuses: Vec<_> = trajectory.steps.iter().map(|step| step.status).collect();
    let (ok, bad) = (StepStatus::Ok, StepStatus::InvalidAction);
    assert_eq!(statuses, [bad, bad, ok, bad, bad, bad]);
    assert_eq!(trajectory.verdict.reason, "3 invalid answers in a row, the last: no such label");
    assert_eq!(trajectory.steps[0].message, "not an action: what?");
    assert_eq!(trajectory.steps[1].state.previous_actions.len(), 0, "an unreadable answer leaves no trace");
    assert_eq!(trajectory.steps[2].state.previous_actions.len(), 1, "a refused action does");
}

#[test]
fn a_dead_environment_is_replaced_once_and_the_run_goes_on() {
    let tasks = [task("press", 1), task("fragile", 2), task("press", 2)];
    for (deaths, survives) in [(1, true), (2, false)] {
        let app = Counter::new(deaths);
        let trajectories = run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &Limits::default());
        let fragile = &trajectories[1];
        assert_eq!((fragile.succeeded(), fragile.environment_error.is_none()), (survives, survives));
        assert!(trajectories[0].succeeded() && trajectories[2].succeeded());
        if !survives {
            assert_eq!(fragile.environment_error.as_deref(), Some("environment `counter` failed: it fell"));
            assert_eq!((fragile.steps.len(), fragile.steps[0].reward), (1, None));
        }
    }
}

#[test]
fn one_that_does_not_answer_or_panics_is_replaced_as_one_that_dies() {
    for (family, reason) in [("silent", "no answer within 1 s"), ("panicking", "it panicked: it burst")] {
        let tasks = [task("press", 1), task(family, 2), task("press", 3)];
        let limits = Limits { environment_timeout_s: 1, ..Limits::default() };
        let app = Counter { instances: Some(2), ..Counter::new(1) };
        let trajectories = run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &limits);
        assert!(trajectories.iter().all(Trajectory::succeeded), "{family}: it was started again");
        assert_eq!(app.resets.load(Ordering::SeqCst), 4);

        let app = Counter { instances: Some(2), ..Counter::new(2) };
        let trajectories = run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &limits);
        let errors: Vec<_> = trajectories.iter().map(|trajectory| trajectory.environment_error.as_deref()).collect();
        let failed = format!("environment `counter` failed: {reason}");
        assert_eq!(errors, [None, Some(failed.as_str()), None]);
    }
}

#[test]
fn an_application_whose_every_instance_dies_ends_the_run() {
    let tasks: Vec<_> = (0..30).map(|presses| task("fragile", presses + 1)).collect();
    let app = Counter { instances: Some(2), ..Counter::new(1000) };
    let limits = Limits::default();
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    let jobs = Job::for_tasks(&tasks, 1);
    let error = run_episodes(&app, &jobs, &mut ExpertPolicy::of(&app).unwrap(), &session).unwrap_err();
    assert_eq!(error.to_string(), "environment `counter` failed: it fell");
}

#[test]
fn a_run_whose_every_episode_dies_is_an_error_and_can_be_repeated() {
    let tasks = [task("fragile", 1), task("fragile", 2), task("fragile", 3)];
    let app = Counter::new(6);
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("episodes.jsonl");
    let limits = Limits::default();
    let session =
        Session { limits: &limits, journal: Some(&journal), progress: &NoProgress, cancel: &Cancel::default() };
    let jobs = Job::for_tasks(&tasks, 1);
    let run = || run_episodes(&app, &jobs, &mut ExpertPolicy::of(&app).unwrap(), &session);
    let error = run().unwrap_err();
    assert!(matches!(&error, AgentError::AllDied { trajectories, .. } if trajectories.len() == 3), "{error:?}");
    assert_eq!(error.to_string(), "3 of 3 episodes: environment `counter` failed: it fell");
    let trajectories = run().unwrap();
    assert!(trajectories.iter().all(Trajectory::succeeded), "a repeated run starts them again");
}

#[test]
fn a_task_that_the_application_ends_is_judged_as_it_stands() {
    let mut policy = Script(|_: &Request<'_>| decided(press("1", Status::Continue)));
    let trajectory = run(&Counter::new(0), &[task("short", 2)], &mut policy, &Limits::default()).remove(0);
    assert!(trajectory.succeeded());
    assert_eq!(trajectory.steps.len(), 2);
}

#[test]
fn results_do_not_depend_on_how_many_are_alive() {
    let tasks: Vec<_> = (0..7).map(|presses| task("press", presses)).collect();
    let run = |instances, parallel| {
        let app = Counter { instances, ..Counter::new(0) };
        let mut answer = |request: &Request<'_>| {
            let status = if request.seed.is_multiple_of(3) { Status::Finish } else { Status::Continue };
            decided(press("1", status))
        };
        without_timings(run(&app, &tasks, &mut Script(&mut answer), &Limits { parallel, ..Limits::default() }))
    };
    let alone = run(None, 1);
    assert_eq!(alone, run(None, 3));
    assert_eq!(alone, run(None, 100));
    assert_eq!(alone, run(Some(3), 100), "nor on whether their instances have threads");
    assert!(alone.iter().any(|trajectory| trajectory.steps.len() != alone[0].steps.len()), "seeds differ");
}

#[test]
fn a_recording_repeats_itself() {
    let tasks = [task("press", 2), task("press", 3)];
    let app = Counter::new(0);
    let recorded = run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &Limits::default());
    let mut replay = ReplayPolicy::new("recording", "h", recorded.clone());
    let repeated = run(&app, &tasks, &mut replay, &Limits::default());
    assert!(repeated.iter().all(Trajectory::succeeded));
    assert_eq!(repeated[1].steps[2].action, recorded[1].steps[2].action);
    let unknown = run(&app, &[task("press", 5)], &mut replay, &Limits::default()).remove(0);
    assert_eq!(unknown.steps[0].message, "no recording of task press-5: ");
}

/// Runs with a journal, stopping after `answers` answers if given.
fn journalled(
    app: &Counter,
    tasks: &[Task],
    journal: &Path,
    answers: Option<usize>,
) -> Result<Vec<Trajectory>, AgentError> {
    let (cancel, mut given) = (Cancel::default(), 0);
    let stop = cancel.clone();
    let mut policy = Script(move |request: &Request<'_>| {
        given += 1;
        if Some(given) == answers {
            stop.cancel();
        }
        let last = request.step_index + 1 >= request.state.request.trim_start_matches("press ").parse().unwrap();
        decided(press("1", if last { Status::Finish } else { Status::Continue }))
    });
    let limits = Limits { parallel: 2, ..Limits::default() };
    let session = Session { limits: &limits, journal: Some(journal), progress: &NoProgress, cancel: &cancel };
    run_episodes(app, &Job::for_tasks(tasks, 2), &mut policy, &session)
}

#[test]
fn a_stopped_run_goes_on_and_gives_the_same_records() {
    let root = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (1..6).map(|presses| task("press", presses)).collect();
    let whole = without_timings(journalled(&Counter::new(0), &tasks, &root.path().join("whole"), None).unwrap());

    let journal = root.path().join("stopped");
    let stopped = journalled(&Counter::new(0), &tasks, &journal, Some(12)).unwrap_err();
    assert!(matches!(stopped, AgentError::Cancelled { finished, total: 10 } if finished > 0), "{stopped}");
    // A line that a crash tore.
    let torn = [fs::read(&journal).unwrap(), b"{\"repeated\":false,\"traj".to_vec()].concat();
    fs::write(&journal, torn).unwrap();
    let finished = fs::read_to_string(&journal).unwrap().matches("\"repeated\":false,\"trajectory\"").count();

    let app = Counter::new(0);
    let continued = without_timings(journalled(&app, &tasks, &journal, None).unwrap());
    assert_eq!(continued, whole);
    assert_eq!(app.resets.load(Ordering::SeqCst), 10 - finished, "finished episodes are not run again");
    let again = without_timings(journalled(&app, &tasks, &journal, None).unwrap());
    assert_eq!(again, whole, "a complete journal is read, not run");
    assert_eq!(app.resets.load(Ordering::SeqCst), 10 - finished);
}

#[test]
fn a_journal_of_another_run_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (journal, tasks) = (root.path().join("journal"), [task("press", 1)]);
    journalled(&Counter::new(0), &tasks, &journal, None).unwrap();
    let app = Counter::new(0);
    let (progress, cancel) = (NoProgress, Cancel::default());
    let refusal = |limits: Limits| {
        let session = Session { limits: &limits, journal: Some(&journal), progress: &progress, cancel: &cancel };
        let mut policy = Script(|_: &Request<'_>| unreadable(""));
        run_episodes(&app, &Job::for_tasks(&tasks, 1), &mut policy, &session).unwrap_err().to_string()
    };
    let refused = refusal(Limits { max_steps: 9, ..Limits::default() });
    assert!(refused.contains("limits was") && refused.contains("hint: remove the file"), "{refused}");
    let refused = refusal(Limits { seed: 9, ..Limits::default() });
    assert!(refused.contains("seed was 0, is now 9"), "{refused}");

    fs::write(&journal, "{\"format\":1}\n").unwrap();
    let damaged = journalled(&app, &tasks, &journal, None).unwrap_err().to_string();
    assert!(damaged.contains("line 1"), "{damaged}");
}

#[test]
fn an_application_hears_what_comes_next_and_when_nothing_does() {
    let app = Counter { instances: Some(1), ..Counter::new(0) };
    let tasks: Vec<_> = (1..4).map(|presses| task("press", presses)).collect();
    run(&app, &tasks, &mut ExpertPolicy::of(&app).unwrap(), &Limits::default());
    let announced = app.announced.lock().unwrap().clone();
    let expected: [&[&str]; 4] = [&["press-2"], &["press-3"], &[], &[]];
    assert_eq!(announced, expected, "with each start, and at the end");
}
