//! The environment from outside: families, wordings, verdicts, splits, labels, undo, bad input.

mod support;

use std::collections::BTreeSet;

use lam_env::{Application, TaskQuery};
use lam_env_sim::{Sim, family_names, phrasings, reference, reference_plan};
use lam_types::{Action, Args, Complete, Phrasing, Split, Status, Task};
use support::{query, tasks};

/// Families worded by their parts, whose wordings are tested one by one.
const SEVERAL_PARTS: [&str; 4] = ["two_formats", "format_and_setting", "setting_and_text", "three_parts"];

fn with_seed(task: &Task, seed: u64) -> Task {
    Task { seed, ..task.clone() }
}

#[test]
fn there_are_families_enough_and_each_has_its_wordings() {
    assert!(family_names().len() >= 60);
    for task in tasks(Split::Train, Phrasing::Seen, family_names().len()) {
        let seen = phrasings(&task, Phrasing::Seen);
        if SEVERAL_PARTS.contains(&task.family.as_str()) {
            continue;
        }
        assert!(seen.iter().any(|request| holds(&task.request, request)), "{}: {}", task.family, task.request);
        for split in [Split::Validation, Split::Test] {
            let own = phrasings(&Task { split, ..task.clone() }, Phrasing::Unseen);
            assert!(own.len() >= 2, "{} in the {} set", task.family, split.as_str());
        }
    }
}

#[test]
fn no_task_belongs_to_two_sets() {
    let mut seen = BTreeSet::new();
    for split in [Split::Train, Split::Validation, Split::Test] {
        let query = TaskQuery { split, phrasing: None, families: Vec::new(), count: 1000, seed: 42 };
        for task in Sim::new().tasks(&query).expect("tasks") {
            assert!(task.split == split && seen.insert((task.family.clone(), task.seed)), "{}", task.task_id);
        }
    }
}

/// Whether all words of `wording` stand in `request`, in their order: training requests have others in between.
fn holds(request: &str, wording: &str) -> bool {
    let mut words = request.split(' ');
    wording.split(' ').all(|wanted| words.any(|word| word == wanted))
}

#[test]
fn the_reference_solves_every_family() {
    for (split, phrasing) in
        [(Split::Train, Phrasing::Seen), (Split::Validation, Phrasing::Unseen), (Split::Test, Phrasing::Unseen)]
    {
        for task in tasks(split, phrasing, 20 * family_names().len()) {
            let actions = reference(&task).expect("the family exists");
            assert_eq!(play(&task, &actions), Complete::Yes, "{}: {}", task.task_id, task.request);
            assert!(actions.len() <= 16, "{}", task.task_id);
        }
    }
}

#[test]
fn unfinished_and_wrong_solutions_fail() {
    for task in tasks(Split::Train, Phrasing::Seen, 5 * family_names().len()) {
        let actions = reference(&task).expect("the family exists");
        for done in 0..actions.len() {
            assert_eq!(play(&task, &actions[..done]), Complete::No, "{} after {done}", task.task_id);
        }
        let mut damaged = actions.clone();
        damaged.push(Action {
            function: "insert_table".to_owned(),
            args: size(),
            thought: String::new(),
            control_label: String::new(),
            control_name: String::new(),
            status: Status::Finish,
            plan: Vec::new(),
        });
        assert_eq!(play(&task, &damaged), Complete::No, "{} with damage", task.task_id);
    }
}

fn size() -> Args {
    Args::from_iter([("rows".to_owned(), 13.into()), ("columns".to_owned(), 13.into())])
}

#[test]
fn a_solution_to_other_parameters_fails() {
    let fixed = ["undo", "page_break", "track_changes", "spelling", "word_count", "ruler", "split"];
    for task in tasks(Split::Train, Phrasing::Seen, 2 * family_names().len()) {
        if fixed.contains(&task.family.as_str()) {
            continue;
        }
        let wanted = reference_plan(&task).expect("the family exists");
        let other = (0..50).map(|seed| with_seed(&task, seed)).find(|other| {
            reference_plan(other).is_some_and(|plan| plan != wanted) && play_elsewhere(&task, other).is_some()
        });
        let other = other.unwrap_or_else(|| panic!("{} has parameters", task.family));
        assert_eq!(play_elsewhere(&task, &other), Some(Complete::No), "{} by {}", task.task_id, other.seed);
    }
}

/// The verdict on `task` when the steps of `other` are taken by name, `None` when they change nothing here.
fn play_elsewhere(task: &Task, other: &Task) -> Option<Complete> {
    let sim = Sim::new();
    let mut environment = sim.open().ok()?;
    let mut observation = environment.reset(task).ok()?;
    for mut action in reference(other)? {
        let label = observation.controls_named(&action.control_name).next().map(|control| control.label.clone());
        action.control_label = label.unwrap_or_default();
        observation = environment.act(&action).ok()?.observation;
    }
    environment.verify().ok().map(|verdict| verdict.complete)
}

#[test]
fn a_verdict_is_a_sentence() {
    let mut reasons = BTreeSet::new();
    for task in tasks(Split::Test, Phrasing::Seen, family_names().len()) {
        let mut environment = Sim::new().open().expect("sim opens");
        environment.reset(&task).expect("a known family");
        let reason = environment.verify().expect("a live editor").reason;
        let (sentence, compared) = reason.split_once("; expected: ").expect("what was expected");
        assert!(compared.contains("; found: "), "{reason}");
        reasons.insert(sentence.to_owned());
    }
    for part in ["text is", "formatting is", "tables are", "settings are", "saved file is"] {
        assert!(reasons.remove(&format!("the {part} not as asked for")), "{part}: {reasons:?}");
    }
    let others = ["the objects are not as asked for", "the notes are not as asked for"];
    assert!(reasons.iter().all(|reason| others.contains(&reason.as_str())), "{reasons:?}");
}

#[test]
fn queries_are_deterministic_and_take_turns() {
    let sim = Sim::new();
    let mixed = query(Split::Test, None, 280);
    let drawn = sim.tasks(&mixed).expect("a valid query");
    assert_eq!(drawn, sim.tasks(&mixed).expect("a valid query"));
    let ids: BTreeSet<&str> = drawn.iter().map(|task| task.task_id.as_str()).collect();
    assert_eq!(ids.len(), drawn.len());
    let unseen = drawn.iter().filter(|task| task.phrasing == Phrasing::Unseen).count();
    assert_eq!(unseen * 2, drawn.len());
    let one = TaskQuery { families: vec!["bold".to_owned()], count: 3, ..mixed };
    assert!(sim.tasks(&one).expect("a valid query").iter().all(|task| task.family == "bold"));
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
            found
                .extend(task.request.split('\'').skip(1).step_by(2).flat_map(str::split_whitespace).map(str::to_owned));
        }
        found
    };
    let train = texts(Split::Train, Phrasing::Seen);
    let test = texts(Split::Test, Phrasing::Unseen);
    assert_eq!(train.intersection(&test).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(train.len() > 1000 && test.len() > 250);
}

/// The verdict after some actions.
fn play(task: &Task, actions: &[Action]) -> Complete {
    let mut environment = Sim::new().open().expect("sim opens");
    environment.reset(task).expect("a known family");
    for action in actions {
        environment.act(action).expect("a live editor");
    }
    environment.verify().expect("a live editor").complete
}
