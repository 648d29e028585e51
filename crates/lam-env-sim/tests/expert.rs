//! The expert, the plans' language and the documentation, from outside.

use std::collections::{BTreeMap, BTreeSet};

use lam_env::{Application, Expert, TaskQuery};
use lam_env_sim::{Sim, SimExpert, phrasings, reference, reference_plan};
use lam_tasks::{check_language, parse_step, step_text};
use lam_types::{Call, Complete, PastAction, Phrasing, PlanSource, Split, State, Status, StepStatus, Task};

fn tasks(split: Split, phrasing: Phrasing, count: usize) -> Vec<Task> {
    let query = TaskQuery { split, phrasing: Some(phrasing), families: Vec::new(), count, seed: 3 };
    Sim::new().tasks(&query).expect("a valid query")
}

/// Whether the expert solves a task, and how many of its actions had no effect.
fn attempt(task: &Task) -> (bool, usize) {
    let mut environment = Sim::new().open().expect("sim opens");
    let observation = environment.reset(task).expect("a known family");
    let mut state =
        State { request: task.request.clone(), observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    let mut failed = 0;
    for _ in 0..30 {
        let action = SimExpert.decide(&state).expect("it is here");
        assert!(action.thought.split_whitespace().count() <= 6, "{}", action.thought);
        let outcome = environment.act(&action).expect("a live editor");
        assert_ne!(outcome.status, StepStatus::InvalidAction, "{}: {action:?} {}", task.request, outcome.message);
        failed += usize::from(outcome.status != StepStatus::Ok);
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.previous_plan = action.plan.clone();
        state.observation = outcome.observation;
        if action.status == Status::Finish {
            let verdict = environment.verify().expect("a live editor");
            return (verdict.complete == Complete::Yes, failed);
        }
    }
    panic!("the expert did not end: {}", task.request);
}

#[test]
fn the_expert_succeeds_on_about_half() {
    let mut families: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for task in tasks(Split::Train, Phrasing::Seen, 1400) {
        families.entry(task.family.clone()).or_default().push(attempt(&task).0);
    }
    let all: Vec<bool> = families.values().flatten().copied().collect();
    let rate = |solved: &[bool]| solved.iter().filter(|success| **success).count() as f64 / solved.len() as f64;
    assert!((0.40..=0.62).contains(&rate(&all)), "{}", rate(&all));
    assert!(families.values().any(|solved| rate(solved) == 0.0));
    assert!(families.values().any(|solved| rate(solved) >= 0.9));
}

#[test]
fn the_expert_survives_what_it_does_not_expect() {
    for request in ["", "'", "'''", "and then and then", "make '' bold", "font", "set the font of 'x' to 12"] {
        for task in tasks(Split::Test, Phrasing::Unseen, 3) {
            attempt(&Task { request: request.to_owned(), ..task });
        }
    }
}

#[test]
fn steps_and_calls_translate_into_each_other() {
    for task in tasks(Split::Train, Phrasing::Seen, 700) {
        for action in reference(&task).expect("the family exists") {
            let step = step_text(&Call::of(&action));
            let call = parse_step(&step).unwrap_or_else(|| panic!("no step: {step}"));
            assert_eq!((call.function, call.args), (action.function.clone(), action.args.clone()), "{step}");
            assert_eq!(call.control_name, action.control_name, "{step}");
        }
        for step in reference_plan(&task).expect("the family exists") {
            assert!(parse_step(&step).is_some(), "{step}");
        }
    }
    assert_eq!(parse_step("jump over Bold"), None);
}

#[test]
fn whatever_the_screen_shows_its_steps_read_back() {
    let sim = Sim::new();
    let mut names = BTreeSet::new();
    for task in tasks(Split::Train, Phrasing::Seen, 210) {
        let mut environment = sim.open().expect("sim opens");
        let mut shown = environment.reset(&task).expect("a known family");
        for action in reference(&task).expect("the family exists") {
            names.extend(shown.controls.into_iter().map(|control| control.control_text));
            shown = environment.act(&action).expect("a live editor").observation;
        }
    }
    assert!(names.len() > 100, "{names:?}");
    assert_eq!(check_language(&sim, names.iter().map(String::as_str)), Ok(()));
}

#[test]
fn documents_cover_every_family_and_keep_test_words_out() {
    let sim = Sim::new();
    let documents = sim.documents(700, 5);
    assert_eq!(documents, sim.documents(700, 5));
    for source in [PlanSource::Documentation, PlanSource::Wikihow, PlanSource::SearchQuery] {
        let text: String =
            documents.iter().filter(|document| document.source == source).map(|d| d.text.as_str()).collect();
        for family in lam_env_sim::family_names() {
            assert!(text.contains(&format!("<!-- family: {family} -->")), "{family} in {source:?}");
        }
    }
    let text: String = documents.iter().map(|document| document.text.as_str()).collect();
    let words: std::collections::BTreeSet<&str> = text.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    for word in lam_env::words::of(lam_types::Split::Test) {
        assert!(!words.contains(word), "test word {word}");
    }
}

#[test]
fn documents_use_no_unseen_wording() {
    let text: String = Sim::new().documents(1400, 5).iter().map(|document| format!("{}\n", document.text)).collect();
    let headings: std::collections::BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|line| pattern(line.trim_start_matches("How to ")))
        .collect();
    let mut unseen = 0;
    for task in tasks(Split::Train, Phrasing::Seen, 700) {
        for split in [Split::Validation, Split::Test] {
            for request in phrasings(&Task { split, ..task.clone() }, Phrasing::Unseen) {
                unseen += 1;
                assert!(!headings.contains(&pattern(&request)), "{request}");
            }
        }
    }
    assert!(unseen > 1400);
    for joint in [" ; and ", " ; also ", " , after that ", " , next "] {
        assert!(!text.contains(joint), "{joint}");
    }
}

/// A request without its quoted texts and numbers.
fn pattern(request: &str) -> String {
    let outside: Vec<&str> = request.split('\'').step_by(2).collect();
    outside.join("''").chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

#[test]
fn the_vocabulary_has_every_word_of_tasks_and_screens() {
    let texts = Sim::new().vocabulary().join(" ");
    let known: std::collections::BTreeSet<&str> = texts.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let held_out = [Split::Validation, Split::Test].map(|split| tasks(split, Phrasing::Unseen, 280));
    for task in held_out.into_iter().flatten() {
        let mut environment = Sim::new().open().expect("sim opens");
        let shown = environment.reset(&task).expect("a known family");
        let names = shown.controls.iter().map(|control| control.control_text.as_str());
        for text in names.chain([task.request.as_str(), shown.document.as_str()]) {
            for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
                assert!(known.contains(word), "{word}");
            }
        }
    }
}
