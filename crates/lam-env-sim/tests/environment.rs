//! The environment from outside: families, wordings, verdicts, splits, labels, undo, bad input.

mod support;

use std::collections::BTreeSet;

use lam_env::{Application, EnvError, TaskQuery};
use lam_env_sim::{Sim, family_names, phrasings, reference, reference_plan};
use lam_types::{Action, Args, Complete, Phrasing, Split, Status, StepStatus, Task};
use support::{play, query, tasks};

/// Families worded by their parts, whose wordings are tested one by one.
const SEVERAL_PARTS: [&str; 4] = [
    "two_formats",
    "format_and_setting",
    "setting_and_text",
    "three_parts",
];

fn with_seed(task: &Task, seed: u64) -> Task {
    Task {
        seed,
        ..task.clone()
    }
}

#[test]
fn there_are_families_enough_and_each_has_its_wordings() {
    assert!(family_names().len() >= 60);
    for task in tasks(Split::Train, Phrasing::Seen, family_names().len()) {
        let seen = phrasings(&task, Phrasing::Seen);
        let unseen = phrasings(&task, Phrasing::Unseen);
        if SEVERAL_PARTS.contains(&task.family.as_str()) {
            continue;
        }
        assert!(!seen.is_empty() && unseen.len() >= 2, "{}", task.family);
        assert!(
            seen.contains(&task.request),
            "{}: {}",
            task.family,
            task.request
        );
        assert!(
            unseen.iter().all(|request| !seen.contains(request)),
            "{}",
            task.family
        );
    }
}

#[test]
fn the_reference_solves_every_family() {
    for (split, phrasing) in [
        (Split::Train, Phrasing::Seen),
        (Split::Test, Phrasing::Unseen),
    ] {
        for task in tasks(split, phrasing, 20 * family_names().len()) {
            let actions = reference(&task).expect("the family exists");
            assert_eq!(
                play(&task, &actions),
                Complete::Yes,
                "{}: {}",
                task.task_id,
                task.request
            );
            assert!(actions.len() <= 16, "{}", task.task_id);
        }
    }
}

#[test]
fn unfinished_and_wrong_solutions_fail() {
    for task in tasks(Split::Train, Phrasing::Seen, 5 * family_names().len()) {
        let actions = reference(&task).expect("the family exists");
        for done in 0..actions.len() {
            assert_eq!(
                play(&task, &actions[..done]),
                Complete::No,
                "{} after {done}",
                task.task_id
            );
        }
        let mut damaged = actions.clone();
        damaged.push(Action {
            function: "insert_table".to_owned(),
            args: size(),
            ..click("")
        });
        assert_eq!(
            play(&task, &damaged),
            Complete::No,
            "{} with damage",
            task.task_id
        );
    }
}

fn size() -> Args {
    Args::from_iter([
        ("rows".to_owned(), 13.into()),
        ("columns".to_owned(), 13.into()),
    ])
}

#[test]
fn a_solution_to_other_parameters_fails() {
    let fixed = [
        "undo",
        "page_break",
        "track_changes",
        "spelling",
        "word_count",
        "ruler",
        "split",
    ];
    for task in tasks(Split::Train, Phrasing::Seen, 2 * family_names().len()) {
        if fixed.contains(&task.family.as_str()) {
            continue;
        }
        let wanted = reference_plan(&task).expect("the family exists");
        let other = (0..50).map(|seed| with_seed(&task, seed)).find(|other| {
            reference_plan(other).is_some_and(|plan| plan != wanted)
                && play_elsewhere(&task, other).is_some()
        });
        let other = other.unwrap_or_else(|| panic!("{} has parameters", task.family));
        assert_eq!(
            play_elsewhere(&task, &other),
            Some(Complete::No),
            "{} by {}",
            task.task_id,
            other.seed
        );
    }
}

/// The verdict on `task` when the steps of `other` are taken by name, `None` when they change nothing here.
fn play_elsewhere(task: &Task, other: &Task) -> Option<Complete> {
    let sim = Sim::new();
    let mut environment = sim.open().ok()?;
    let mut observation = environment.reset(task).ok()?;
    for mut action in reference(other)? {
        let label = observation
            .controls_named(&action.control_name)
            .next()
            .map(|control| control.label.clone());
        action.control_label = label.unwrap_or_default();
        observation = environment.act(&action).ok()?.observation;
    }
    environment.verify().ok().map(|verdict| verdict.complete)
}

#[test]
fn queries_are_deterministic_and_take_turns() {
    let sim = Sim::new();
    let mixed = query(Split::Test, None, 280);
    let drawn = sim.tasks(&mixed).expect("a valid query");
    assert_eq!(drawn, sim.tasks(&mixed).expect("a valid query"));
    let ids: BTreeSet<&str> = drawn.iter().map(|task| task.task_id.as_str()).collect();
    assert_eq!(ids.len(), drawn.len());
    let unseen = drawn
        .iter()
        .filter(|task| task.phrasing == Phrasing::Unseen)
        .count();
    assert_eq!(unseen * 2, drawn.len());
    let one = TaskQuery {
        families: vec!["bold".to_owned()],
        count: 3,
        ..mixed
    };
    assert!(
        sim.tasks(&one)
            .expect("a valid query")
            .iter()
            .all(|task| task.family == "bold")
    );
}

#[test]
fn train_and_test_share_no_text() {
    let texts = |split, phrasing| -> BTreeSet<String> {
        let sim = Sim::new();
        let mut found = BTreeSet::new();
        for task in tasks(split, phrasing, 700) {
            let mut environment = sim.open().expect("sim opens");
            let shown = environment.reset(&task).expect("a known family");
            found.extend(shown.document.split_whitespace().map(str::to_owned));
            found.extend(
                task.request
                    .split('\'')
                    .skip(1)
                    .step_by(2)
                    .flat_map(str::split_whitespace)
                    .map(str::to_owned),
            );
        }
        found
    };
    let train = texts(Split::Train, Phrasing::Seen);
    let test = texts(Split::Test, Phrasing::Unseen);
    assert_eq!(
        train.intersection(&test).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    assert!(train.len() > 1000 && test.len() > 250);
}

#[test]
fn labels_count_from_one_in_list_order() {
    let sim = Sim::new();
    for task in tasks(Split::Train, Phrasing::Seen, family_names().len()) {
        let mut environment = sim.open().expect("sim opens");
        let mut shown = environment.reset(&task).expect("a known family");
        for action in reference(&task).expect("the family exists") {
            for (index, control) in shown.controls.iter().enumerate() {
                assert_eq!(control.label, (index + 1).to_string());
            }
            assert!(
                shown.controls.len() <= 40,
                "{}: {}",
                task.family,
                shown.controls.len()
            );
            let labels = environment.acceptable_labels(&action);
            assert!(
                action.control_label.is_empty() || labels.contains(&action.control_label),
                "{action:?}"
            );
            shown = environment.act(&action).expect("a live editor").observation;
        }
    }
}

#[test]
fn duplicates_are_acceptable() {
    let sim = Sim::new();
    let task = &sim
        .tasks(&TaskQuery {
            families: vec!["bold".to_owned()],
            ..query(Split::Train, None, 1)
        })
        .expect("valid")[0];
    let mut environment = sim.open().expect("sim opens");
    let mut shown = environment.reset(task).expect("a known family");
    for name in ["Home", ""] {
        let action = call_named(name, &shown, task);
        shown = environment.act(&action).expect("a live editor").observation;
    }
    let bold: Vec<String> = shown
        .controls_named("Bold")
        .map(|control| control.label.clone())
        .collect();
    assert_eq!(bold.len(), 2);
    let action = Action {
        control_label: bold[1].clone(),
        ..click("Bold")
    };
    assert_eq!(environment.acceptable_labels(&action), bold);
}

fn call_named(name: &str, shown: &lam_types::Observation, task: &Task) -> Action {
    if name.is_empty() {
        let text = task
            .request
            .split('\'')
            .nth(1)
            .expect("a quoted text")
            .to_owned();
        let args = Args::from_iter([("text".to_owned(), text.into())]);
        return Action {
            function: "select_text".to_owned(),
            control_name: String::new(),
            args,
            ..click("")
        };
    }
    let label = shown
        .controls_named(name)
        .next()
        .expect("the control is shown")
        .label
        .clone();
    Action {
        control_label: label,
        ..click(name)
    }
}

fn click(name: &str) -> Action {
    Action {
        thought: String::new(),
        control_label: String::new(),
        control_name: name.to_owned(),
        function: "click_input".to_owned(),
        args: Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    }
}

#[test]
fn undo_takes_back_a_change() {
    let sim = Sim::new();
    let task = &sim
        .tasks(&TaskQuery {
            families: vec!["delete_text".to_owned()],
            ..query(Split::Train, None, 1)
        })
        .expect("valid")[0];
    let mut environment = sim.open().expect("sim opens");
    let before = environment.reset(task).expect("a known family");
    let mut shown = before.clone();
    for action in reference(task).expect("the family exists") {
        shown = environment.act(&action).expect("a live editor").observation;
    }
    assert_ne!(shown.document, before.document);
    let undo = call_named("Undo", &shown, task);
    assert_eq!(
        environment
            .act(&undo)
            .expect("a live editor")
            .observation
            .document,
        before.document
    );
}

#[test]
fn what_cannot_be_done_is_an_outcome() {
    let sim = Sim::new();
    let task = &tasks(Split::Train, Phrasing::Seen, 1)[0];
    let mut environment = sim.open().expect("sim opens");
    assert!(matches!(
        environment.act(&click("Bold")),
        Err(EnvError::Usage(_))
    ));
    environment.reset(task).expect("a known family");
    let text = |text: &str| Args::from_iter([("text".to_owned(), text.into())]);
    let wrong = [
        Action {
            control_label: "99".to_owned(),
            ..click("Bold")
        },
        Action {
            function: "fly".to_owned(),
            ..click("Bold")
        },
        Action {
            function: "select_text".to_owned(),
            args: text("not there"),
            ..click("")
        },
        Action {
            function: "set_edit_text".to_owned(),
            control_label: "1".to_owned(),
            args: text("x"),
            ..click("Save")
        },
        Action {
            control_label: "1".to_owned(),
            args: text("x"),
            ..click("Save")
        },
    ];
    for action in wrong {
        let outcome = environment.act(&action).expect("a live editor");
        assert_eq!(outcome.status, StepStatus::InvalidAction, "{action:?}");
        assert!(!outcome.message.is_empty());
    }
}

#[test]
fn an_unknown_family_is_named_with_the_nearest() {
    let sim = Sim::new();
    let wrong = TaskQuery {
        families: vec!["boldd".to_owned()],
        ..query(Split::Train, None, 1)
    };
    let message = sim.tasks(&wrong).expect_err("no such family").to_string();
    assert!(
        message.contains("`boldd`") && message.contains("hint: did you mean `bold`?"),
        "{message}"
    );
    let unseen = query(Split::Train, Some(Phrasing::Unseen), 1);
    assert!(
        sim.tasks(&unseen)
            .expect_err("kept for the test set")
            .to_string()
            .contains("hint:")
    );
}
