//! Acting from outside: labels, acceptable labels, undo, and what cannot be done.

mod support;

use lam_env::{Application, EnvError, TaskQuery};
use lam_env_sim::{Sim, family_names, reference};
use lam_types::{Action, Args, Observation, Phrasing, Split, Status, StepStatus, Task};
use support::{query, tasks};

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
            assert!(shown.controls.len() <= 40, "{}: {}", task.family, shown.controls.len());
            let labels = environment.acceptable_labels(&action);
            assert!(action.control_label.is_empty() || labels.contains(&action.control_label), "{action:?}");
            shown = environment.act(&action).expect("a live editor").observation;
        }
    }
}

#[test]
fn duplicates_are_acceptable() {
    let sim = Sim::new();
    let task =
        &sim.tasks(&TaskQuery { families: vec!["bold".to_owned()], ..query(Split::Train, None, 1) }).expect("valid")[0];
    let mut environment = sim.open().expect("sim opens");
    let mut shown = environment.reset(task).expect("a known family");
    for name in ["Home", ""] {
        let action = call_named(name, &shown, task);
        shown = environment.act(&action).expect("a live editor").observation;
    }
    let bold: Vec<String> = shown.controls_named("Bold").map(|control| control.label.clone()).collect();
    assert_eq!(bold.len(), 2);
    let action = Action { control_label: bold[1].clone(), ..click("Bold") };
    assert_eq!(environment.acceptable_labels(&action), bold);
}

fn call_named(name: &str, shown: &Observation, task: &Task) -> Action {
    if name.is_empty() {
        let text = task.request.split('\'').nth(1).expect("a quoted text").to_owned();
        let args = Args::from_iter([("text".to_owned(), text.into())]);
        return Action { function: "select_text".to_owned(), control_name: String::new(), args, ..click("") };
    }
    let label = shown.controls_named(name).next().expect("the control is shown").label.clone();
    Action { control_label: label, ..click(name) }
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
        .tasks(&TaskQuery { families: vec!["delete_text".to_owned()], ..query(Split::Train, None, 1) })
        .expect("valid")[0];
    let mut environment = sim.open().expect("sim opens");
    let before = environment.reset(task).expect("a known family");
    let mut shown = before.clone();
    for action in reference(task).expect("the family exists") {
        shown = environment.act(&action).expect("a live editor").observation;
    }
    assert_ne!(shown.document, before.document);
    let undo = call_named("Undo", &shown, task);
    assert_eq!(environment.act(&undo).expect("a live editor").observation.document, before.document);
}

#[test]
fn what_cannot_be_done_is_an_outcome() {
    let sim = Sim::new();
    let task = &tasks(Split::Train, Phrasing::Seen, 1)[0];
    let mut environment = sim.open().expect("sim opens");
    assert!(matches!(environment.act(&click("Bold")), Err(EnvError::Usage(_))));
    environment.reset(task).expect("a known family");
    let text = |text: &str| Args::from_iter([("text".to_owned(), text.into())]);
    let wrong = [
        Action { control_label: "99".to_owned(), ..click("Bold") },
        Action { function: "fly".to_owned(), ..click("Bold") },
        Action { function: "select_text".to_owned(), args: text("not there"), ..click("") },
        Action {
            function: "set_edit_text".to_owned(),
            control_label: "1".to_owned(),
            args: text("x"),
            ..click("Save")
        },
        Action { control_label: "1".to_owned(), args: text("x"), ..click("Save") },
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
    let wrong = TaskQuery { families: vec!["boldd".to_owned()], ..query(Split::Train, None, 1) };
    let message = sim.tasks(&wrong).expect_err("no such family").to_string();
    assert!(message.contains("`boldd`") && message.contains("hint: did you mean `bold`?"), "{message}");
    let unseen = query(Split::Train, Some(Phrasing::Unseen), 1);
    assert!(sim.tasks(&unseen).expect_err("kept from training").to_string().contains("hint:"));
}
