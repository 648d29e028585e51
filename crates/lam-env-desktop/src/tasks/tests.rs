//! The tables: what is asked can be read back, what is wrong is judged wrong.

use std::collections::BTreeSet;

use lam_tasks::{calls, parse_step, step_text};
use lam_types::{Phrasing, Split};

use super::goal::{compare, expected};
use super::request::parse;
use super::*;

const APPLICATIONS: [&str; 3] = ["writer", "mousepad", "galculator"];
const SEEDS: u64 = 12;

/// Instances of every family, in each split and wording.
fn instances(application: &str) -> Vec<Instance> {
    let drawn = |family: &'static Family, seed| {
        let kinds = [
            (Split::Train, Phrasing::Seen),
            (Split::Validation, Phrasing::Unseen),
            (Split::Test, Phrasing::Seen),
            (Split::Test, Phrasing::Unseen),
        ];
        kinds.map(|(split, phrasing)| instance(family, seed, split, phrasing))
    };
    let families = catalog(application).families;
    families.into_iter().flat_map(|family| (0..SEEDS).flat_map(move |seed| drawn(family, seed))).collect()
}

/// Whether a family is judged by its document alone.
fn by_document(instance: &Instance) -> bool {
    !instance.family.own.iter().any(|goal| matches!(goal, Goal::File | Goal::Screen(_)))
}

#[test]
fn writer_has_at_least_sixty_families_with_names_of_their_own() {
    let names: BTreeSet<&str> = catalog("writer").families.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), catalog("writer").families.len(), "no name twice");
    assert!(names.len() >= 60, "{} families", names.len());
}

#[test]
fn no_sentence_belongs_to_two_sets() {
    for application in APPLICATIONS {
        let families = catalog(application).families;
        assert_eq!(lam_tasks::check_sets(families.iter().map(|family| family.wording)), Ok(()), "{application}");
    }
}

#[test]
fn no_task_belongs_to_two_sets() {
    for application in APPLICATIONS {
        let mut seen = BTreeSet::new();
        for split in [Split::Train, Split::Validation, Split::Test] {
            let query = lam_env::TaskQuery { split, phrasing: None, families: Vec::new(), count: 500, seed: 42 };
            let tasks = draw(application, &query).expect("tasks");
            assert!(tasks.iter().all(|task| task.split == split && seen.insert((task.family.clone(), task.seed))));
        }
    }
}

#[test]
fn what_is_read_of_an_application_shows_no_sentence_that_is_kept_from_training() {
    for application in APPLICATIONS {
        let file = crate::ApplicationFile::load(application).expect("shipped");
        let texts = crate::documentation::vocabulary(&file, &crate::functions::specs(&file));
        for family in catalog(application).families {
            for sentence in family.wording.held_out() {
                let shown = sentence.replace(['{', '}'], " ");
                assert!(!texts.iter().any(|text| text.contains(&shown)), "{application}: {shown}");
            }
        }
    }
}

/// `select_text` takes the first occurrence: inside another word it would leave the caret outside the table.
#[test]
fn the_quoted_cell_stands_nowhere_else() {
    let quotes_cell = |family: &&Family| family.setup == Setup::Table && family.quote == Quote::Word;
    for family in catalog("writer").families.into_iter().filter(quotes_cell) {
        for (seed, split) in (0..1500).flat_map(|seed| [(seed, Split::Train), (seed, Split::Test)]) {
            let one = instance(family, seed, split, Phrasing::Seen);
            let paragraphs = one.start.paragraphs.iter().map(|paragraph| &paragraph.text);
            let texts = paragraphs.chain(one.start.tables.iter().flat_map(|table| table.rows.iter().flatten()));
            let count: usize = texts.map(|text| text.matches(one.parameters.text.as_str()).count()).sum();
            assert_eq!(count, 1, "{} {seed}: {}", family.name, one.request);
        }
    }
}

#[test]
fn the_start_is_never_the_goal() {
    for one in APPLICATIONS.iter().flat_map(|name| instances(name)).filter(by_document) {
        let judged = compare(one.family.own, &one.parameters, &one.start, &one.start.facts());
        assert!(judged.wrong.is_some(), "{}: {}", one.family.name, one.request);
        assert!(judged.change.is_empty());
    }
}

#[test]
fn the_goal_is_judged_right() {
    for one in APPLICATIONS.iter().flat_map(|name| instances(name)).filter(by_document) {
        let reached = expected(one.family.own, &one.parameters, &one.start).facts();
        let judged = compare(one.family.own, &one.parameters, &one.start, &reached);
        assert_eq!(judged.wrong, None, "{}: {}", one.family.name, one.request);
        assert!(!judged.change.is_empty(), "{}: the change is told", one.family.name);
    }
}

#[test]
fn half_a_goal_is_judged_wrong() {
    for one in APPLICATIONS.iter().flat_map(|name| instances(name)).filter(by_document) {
        for dropped in 0..one.family.own.len() {
            let mut goals = one.family.own.to_vec();
            goals.remove(dropped);
            let reached = expected(&goals, &one.parameters, &one.start).facts();
            let judged = compare(one.family.own, &one.parameters, &one.start, &reached);
            assert!(judged.wrong.is_some(), "{} without goal {dropped}: {}", one.family.name, one.request);
        }
    }
}

#[test]
fn another_value_is_judged_wrong() {
    let has_paragraphs = |one: &Instance| one.family.numbers == Numbers::Paragraphs;
    for one in instances("writer").into_iter().filter(|one| by_document(one) && !has_paragraphs(one)) {
        let mut other = one.parameters.clone();
        other.numbers = other.numbers.map(|number| number + 1);
        other.new_text.push_str(" more");
        other.choice = one.family.choices.iter().find(|choice| Some(*choice) != other.choice).or(other.choice);
        let reached = expected(one.family.own, &other, &one.start).facts();
        let same = reached == expected(one.family.own, &one.parameters, &one.start).facts();
        let judged = compare(one.family.own, &one.parameters, &one.start, &reached);
        assert_eq!(judged.wrong.is_none(), same, "{}: {}", one.family.name, one.request);
    }
}

#[test]
fn what_was_not_asked_for_is_judged_wrong() {
    for one in APPLICATIONS.iter().flat_map(|name| instances(name)).filter(by_document) {
        let reached = expected(one.family.own, &one.parameters, &one.start);
        let mut typed = reached.clone();
        typed.paragraphs[0].text.push_str(" extra");
        let mut formatted = reached.clone();
        let last = formatted.paragraphs.last_mut().expect("documents have paragraphs");
        last.format_characters((0, 2), "color", "ff0000");
        let mut longer = reached.clone();
        longer.paragraphs.push(crate::document::Paragraph::plain("extra"));
        let mut turned = reached;
        turned.facts.insert("page orientation".into(), "upside down".into());
        for wrong in [typed, formatted, longer, turned] {
            let judged = compare(one.family.own, &one.parameters, &one.start, &wrong.facts());
            assert!(judged.wrong.is_some(), "{}: {}", one.family.name, one.request);
        }
    }
}

#[test]
fn every_request_reads_back_to_its_own_family_and_parameters() {
    for application in APPLICATIONS {
        let families = catalog(application).families;
        for one in instances(application) {
            let (family, parameters) = parse(&families, &one.request, &|_, _| true)
                .unwrap_or_else(|| panic!("{application}: nothing reads `{}`", one.request));
            let found = calls(family.steps, &parameters.slots(""));
            assert_eq!(
                found,
                one.calls(),
                "`{}` was drawn for {}, read as {}",
                one.request,
                one.family.name,
                family.name
            );
        }
    }
}

#[test]
fn steps_and_calls_translate_into_each_other() {
    for call in APPLICATIONS.iter().flat_map(|name| instances(name)).flat_map(|one| one.calls()) {
        assert_eq!(parse_step(&step_text(&call)).as_ref(), Some(&call), "{}", step_text(&call));
    }
}

#[test]
fn steps_on_what_an_application_is_called_by_read_back() {
    for name in APPLICATIONS {
        let desktop = crate::Desktop::load(name).expect("a shipped application");
        let of_calls = instances(name).into_iter().flat_map(|one| one.calls()).map(|call| call.control_name);
        let items = desktop.file.menus.iter().flat_map(|path| path.split(" > ").map(str::to_owned));
        let names: BTreeSet<String> = of_calls.chain(items).chain(desktop.file.vocabulary.iter().cloned()).collect();
        assert_eq!(lam_tasks::check_language(&desktop, names.iter().map(String::as_str)), Ok(()), "{name}");
    }
}

#[test]
fn an_application_without_families_has_a_task_that_waits_for_a_request() {
    let query = lam_env::TaskQuery { split: Split::Test, phrasing: None, families: vec![], count: 5, seed: 3 };
    let drawn = draw("own", &query).expect("a task");
    let [task] = &drawn[..] else { panic!("one task: {drawn:?}") };
    assert_eq!((task.family.as_str(), task.request.as_str(), task.application.as_str()), ("", "", "own"));
    let named = lam_env::TaskQuery { families: vec!["bold".into()], ..query };
    assert!(draw("own", &named).expect_err("there is no family").to_string().contains("unknown family `bold`"));
}

#[test]
fn tasks_of_a_query_are_the_same_each_time() {
    let query = lam_env::TaskQuery { split: Split::Test, phrasing: None, families: vec![], count: 200, seed: 3 };
    let drawn = draw("writer", &query).expect("tasks");
    assert_eq!(drawn, draw("writer", &query).expect("tasks"));
    let ids: BTreeSet<&str> = drawn.iter().map(|task| task.task_id.as_str()).collect();
    assert_eq!(ids.len(), drawn.len());
    let unknown = lam_env::TaskQuery { families: vec!["bolt".into()], ..query };
    let error = draw("writer", &unknown).expect_err("there is no such family").to_string();
    assert!(error.ends_with("hint: did you mean `bold`?"), "{error}");
}
