//! Findings name file, row, field and value, and the test set keeps to itself.

use std::ops::ControlFlow;
use std::path::Path;

use lam_data::{CheckConfig, CheckReport, Checker, DataStats, Place, Problem, Row, visit_rows};
use lam_types::{FunctionSpec, Phrasing, Split, StepStatus, Target, Trajectory};

use crate::rows::{pair, renderer, trajectory};

fn check(trajectories: Vec<Trajectory>) -> CheckReport {
    let functions =
        [FunctionSpec { name: "click_input".into(), target: Target::Application, args: vec![], doc: String::new() }];
    let renderer = renderer();
    let config = CheckConfig { functions: &functions, renderer: Some(&renderer), ..CheckConfig::default() };
    let mut checker = Checker::new(config);
    let mut row = 0;
    for trajectory in &trajectories {
        checker.add(Place { file: Path::new("t.parquet"), row }, Row::Trajectory(trajectory));
        row += trajectory.steps.len();
    }
    checker.finish()
}

fn problems(report: &CheckReport) -> Vec<Problem> {
    report.findings.iter().map(|finding| finding.problem).collect()
}

#[test]
fn sound_rows_have_no_findings() {
    let report = check(vec![
        trajectory("a", "make 'alpha' bold", Split::Train, Phrasing::Seen),
        trajectory("b", "make 'beta' bold", Split::Test, Phrasing::Seen),
        trajectory("c", "i want bold letters for 'beta'", Split::Test, Phrasing::Unseen),
    ]);
    assert_eq!((report.rows, report.findings), (3, vec![]));
}

#[test]
fn actions_that_cannot_be_carried_out_are_found() {
    let mut rows: Vec<Trajectory> =
        ["a", "b", "c", "d", "e", "f"].iter().map(|id| trajectory(id, id, Split::Train, Phrasing::Seen)).collect();
    rows[0].steps[0].action.function = "fly".into();
    rows[1].steps[0].action.control_label = "7".into();
    rows[2].steps[0].action.control_label = "2".into();
    rows[3].steps[0].action.control_label = "7".into();
    rows[3].steps[0].status = StepStatus::InvalidAction;
    for row in &mut rows[4..] {
        row.steps[0].state.observation.controls.iter_mut().for_each(|control| control.enabled = false);
    }
    // What was tried in vain is a record of that.
    rows[5].steps[0].status = StepStatus::InvalidAction;
    let report = check(rows);
    assert_eq!(
        problems(&report),
        [Problem::UnknownFunction, Problem::UnknownLabel, Problem::WrongName, Problem::DisabledControl]
    );
    assert_eq!(report.errors(), 4);
    assert_eq!(
        report.to_string(),
        "t.parquet:0: function `fly`: no such function; there are click_input\n\
         hint: check the function's name, or collect with this application's functions\n\
         t.parquet:1: control_label `7`: not on this screen of 2 controls\n\
         hint: labels are those of the step's own screen\n\
         t.parquet:2: control_name `Bold`: label 2 is `Ruler`\n\
         hint: control_name is the control_text of the control with this label\n\
         t.parquet:4: control_label `1`: `Bold` is not enabled on this screen\n\
         hint: no prompt shows it, so no answer can name it: leave the row out, or mark it invalid\n\
         6 rows, 4 errors\n  unknown_function: 1\n  unknown_label: 1\n  disabled_control: 1\n  wrong_name: 1"
    );
}

#[test]
fn leaks_from_the_test_set_are_found() {
    let report = check(vec![
        trajectory("a", "make 'alpha' bold", Split::Train, Phrasing::Seen),
        trajectory("b", "turn on the ruler", Split::Train, Phrasing::Seen),
        trajectory("a", "make 'alpha' bold", Split::Test, Phrasing::Seen),
        trajectory("c", "make 'beta' bold", Split::Test, Phrasing::Unseen),
        trajectory("d", "Turn on the ruler!", Split::Test, Phrasing::Seen),
        trajectory("e", "the ruler turn on", Split::Test, Phrasing::Unseen),
    ]);
    assert_eq!(
        problems(&report),
        [Problem::SharedId, Problem::SharedTemplate, Problem::SameWording, Problem::SharedRequest]
    );
    assert_eq!(report.errors(), 3, "the same wording with another document is not an error");
}

#[test]
fn pairs_are_checked_and_counted() {
    let mut empty = pair("p3", "nothing to do here", Split::Train);
    empty.plan.clear();
    let pairs = [pair("p1", "make a word bold", Split::Train), pair("p2", "Make a word bold.", Split::Test), empty];
    let (renderer, mut checker) = (renderer(), Checker::new(CheckConfig::default()));
    let mut stats = DataStats::default();
    for (row, pair) in pairs.iter().enumerate() {
        checker.add(Place { file: Path::new("p.parquet"), row }, Row::Pair(pair));
        stats.add(Row::Pair(pair), Some(&renderer), &[]);
    }
    assert_eq!(problems(&checker.finish()), [Problem::NothingToTrain, Problem::SharedRequest]);
    assert_eq!((stats.pairs, stats.tokens.count, stats.without_example), (3, 2, 1));
    assert_eq!(stats.splits["train"], 2);
    assert_eq!(stats.steps.total, 4);
}

#[test]
fn rows_come_one_by_one_until_there_are_enough_and_many_findings_are_counted() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let path = root.path().join("p.parquet");
    let pairs: Vec<_> = (0..2500).map(|number| pair(&number.to_string(), "", Split::Train)).collect();
    lam_store::write_task_plans(&path, &pairs).expect("writable");
    let mut seen = 0;
    let visited = visit_rows(&path, |place, row| {
        assert!(place.row == seen && matches!(row, Row::Pair(_)));
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((visited.is_ok(), seen), (true, 3));

    let mut checker = Checker::new(CheckConfig { max_findings: 2, ..CheckConfig::default() });
    let empty: Vec<_> = pairs.into_iter().map(|pair| lam_types::TaskPlan { plan: Vec::new(), ..pair }).collect();
    for (row, pair) in empty.iter().enumerate() {
        checker.add(Place { file: &path, row }, Row::Pair(pair));
    }
    let report = checker.finish();
    assert_eq!((report.findings.len(), report.errors()), (2, 2500));
    assert!(report.to_string().ends_with("nothing_to_train: 2500, of which 2 are told"), "{report}");
    let error = visit_rows(root.path().join("none.parquet").as_path(), |_, _| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("none.parquet"), "{error}");
}
