//! Findings name file, row, field and value, and the test set keeps to itself.

use std::path::PathBuf;

use lam_data::{CheckConfig, CheckReport, Problem, Table, check_rows, describe};
use lam_types::{FunctionSpec, Phrasing, Split, StepStatus, Target, Trajectory};

use crate::rows::{pair, renderer, trajectory};

fn check(trajectories: Vec<Trajectory>) -> CheckReport {
    let functions =
        [FunctionSpec { name: "click_input".into(), target: Target::Application, args: vec![], doc: String::new() }];
    let renderer = renderer();
    let config = CheckConfig { functions: &functions, renderer: Some(&renderer), ..CheckConfig::default() };
    check_rows(&[Table::Trajectories(PathBuf::from("t.parquet"), trajectories)], &config)
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
        ["a", "b", "c", "d"].iter().map(|id| trajectory(id, id, Split::Train, Phrasing::Seen)).collect();
    rows[0].steps[0].action.function = "fly".into();
    rows[1].steps[0].action.control_label = "7".into();
    rows[2].steps[0].action.control_label = "2".into();
    rows[3].steps[0].action.control_label = "7".into();
    rows[3].steps[0].status = StepStatus::InvalidAction;
    let report = check(rows);
    assert_eq!(problems(&report), [Problem::UnknownFunction, Problem::UnknownLabel, Problem::WrongName]);
    assert_eq!(report.errors(), 3);
    assert_eq!(
        report.to_string(),
        "t.parquet:0: function `fly`: no such function; there are click_input\n\
         hint: check the function's name, or collect with this application's functions\n\
         t.parquet:1: control_label `7`: not on this screen of 2 controls\n\
         hint: labels are those of the step's own screen\n\
         t.parquet:2: control_name `Bold`: label 2 is `Ruler`\n\
         hint: control_name is the control_text of the control with this label\n\
         4 rows, 3 errors\n  unknown_function: 1\n  unknown_label: 1\n  wrong_name: 1"
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
    assert_eq!(report.errors(), 3, "the same wording with another document is no error");
}

#[test]
fn pairs_are_checked_and_counted() {
    let mut empty = pair("p3", "nothing to do here", Split::Train);
    empty.plan.clear();
    let pairs = vec![pair("p1", "make a word bold", Split::Train), pair("p2", "Make a word bold.", Split::Test), empty];
    let tables = [Table::TaskPlans(PathBuf::from("p.parquet"), pairs)];
    let report = check_rows(&tables, &CheckConfig::default());
    assert_eq!(problems(&report), [Problem::NothingToTrain, Problem::SharedRequest]);
    let renderer = renderer();
    let stats = describe(&tables, Some(&renderer), &[]);
    assert_eq!((stats.pairs, stats.tokens.count, stats.without_example), (3, 2, 1));
    assert_eq!(stats.splits["train"], 2);
    assert_eq!(stats.steps.total, 4);
}
