//! The paper's tables on plans, trajectories and episodes made by hand.

#[path = "../../lam-agent/tests/agent/counter.rs"]
mod counter;

use std::collections::BTreeMap;

use counter::{Counter, press, task};
use lam_agent::{Decision, ExpertPolicy, Limits, Planner, Policy, PolicyError, Request, Unreadable};
use lam_eval::{
    Bootstrap, DecisionEntry, EvalError, MatcherJudge, Tables, evaluate_online, evaluate_plans, evaluate_steps,
    score_online, score_step,
};
use lam_signal::{Cancel, Monitor, NoProgress};
use lam_types::{
    Action, ArgKind, ArgSpec, Args, Complete, FunctionSpec, PlanSource, PolicyId, Split, State, Status, Step, Target,
    Task, TaskPlan, Trajectory, Verdict,
};
use serde_json::json;

fn monitor<T>(work: impl FnOnce(&Monitor<'_>) -> T) -> T {
    work(&Monitor { progress: &NoProgress, cancel: &Cancel::default() })
}

fn typed(label: &str, text: &str, status: Status) -> Action {
    let mut args = Args::new();
    args.insert("text".into(), json!(text));
    Action { function: "set_edit_text".into(), args, ..press(label, status) }
}

fn selected(text: &str) -> Action {
    let unnamed =
        Action { control_label: String::new(), control_name: String::new(), ..typed("", text, Status::Continue) };
    Action { function: "select_text".into(), ..unnamed }
}

fn functions() -> Vec<FunctionSpec> {
    let text = |kind| vec![ArgSpec { name: "text".into(), kind, required: true, doc: String::new() }];
    let function =
        |name: &str, args| FunctionSpec { name: name.into(), target: Target::Application, args, doc: String::new() };
    vec![
        function("click_input", Vec::new()),
        function("set_edit_text", text(ArgKind::Text)),
        function("select_text", text(ArgKind::DocumentText)),
    ]
}

fn step(index: u32, action: Action, acceptable: &[&str]) -> Step {
    let state = State {
        request: "do it".into(),
        observation: Default::default(),
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    };
    let acceptable_labels = acceptable.iter().map(|label| (*label).to_owned()).collect();
    Step { acceptable_labels, ..Step::new(index, state, action) }
}

fn trajectory(task: Task, actions: Vec<Action>) -> Trajectory {
    let steps = actions.into_iter().enumerate().map(|(index, action)| step(index as u32, action, &["1", "2"]));
    Trajectory {
        trajectory_id: format!("t-{}", task.task_id),
        task,
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "expert".into(), hash: "1".into() },
        steps: steps.collect(),
        verdict: Verdict {
            complete: Complete::Yes,
            reason: String::new(),
            judge: "state".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    }
}

/// Answers by task and step; unreadable where nothing is said.
struct Answers(BTreeMap<(String, u32), Action>);

impl Policy for Answers {
    fn id(&self) -> PolicyId {
        PolicyId { name: "answers".into(), hash: "0".into() }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let answer = |request: &Request<'_>| {
            let action = self.0.get(&(request.task_id.to_owned(), request.step_index)).cloned();
            let answer = action.ok_or(Unreadable { text: "um".into(), reason: "no action".into() });
            Decision { answer, tokens: None, seconds: 0.25 }
        };
        Ok(requests.iter().map(answer).collect())
    }
}

#[test]
fn one_step_is_scored_by_its_parts() {
    let expected = step(0, typed("1", "kilo", Status::Finish), &["1", "2"]);
    let score = |action: &Action| {
        let score = score_step(&expected, Some(action), &functions());
        (score.object, score.operation, score.status, score.argument, score.text_argument, score.is_success())
    };
    let right = typed("1", "kilo", Status::Finish);
    assert_eq!(score(&right), (true, true, true, true, Some(true), true));
    assert!(score(&Action { control_label: "2".into(), ..right.clone() }).0, "also acceptable");
    let wrong_label = Action { control_label: "3".into(), ..right.clone() };
    assert_eq!(
        score(&wrong_label),
        (false, true, true, true, Some(true), false),
        "the right operation on a wrong label"
    );
    assert_eq!(score(&typed("1", "lima", Status::Finish)), (true, true, true, false, Some(false), true));
    assert_eq!(score(&typed("1", "kilo", Status::Continue)), (true, true, false, true, Some(true), false));
    assert_eq!(score(&press("1", Status::Finish)), (true, false, true, false, Some(false), false));
    let unreadable = score_step(&expected, None, &functions());
    assert!(unreadable.unreadable && !unreadable.is_success() && unreadable.text_argument == Some(false));
}

#[test]
fn a_step_without_a_control_wants_none() {
    let expected = step(0, selected("kilo"), &[]);
    let object = |action: &Action| score_step(&expected, Some(action), &functions()).object;
    assert!(object(&selected("lima")));
    assert!(!object(&Action { control_label: "1".into(), ..selected("kilo") }));
    let clicked = step(0, press("4", Status::Continue), &[]);
    let score = |label: &str| score_step(&clicked, Some(&press(label, Status::Continue)), &functions());
    assert!(score("4").object && !score("").object, "without a known set the expert's own label is right");
    assert_eq!(score("4").text_argument, None);
}

#[test]
fn table_3_adds_up() {
    let (go, stop) = (Status::Continue, Status::Finish);
    let trajectories = [
        trajectory(task("a", 2), vec![selected("kilo"), press("1", stop)]),
        trajectory(task("b", 3), vec![press("1", go), typed("1", "kilo", stop)]),
    ];
    let answers = [(("a-2", 0), selected("kilo")), (("a-2", 1), press("2", stop)), (("b-3", 0), press("9", go))];
    let answers = answers.into_iter().map(|((task, step), action)| ((task.to_owned(), step), action)).collect();
    let report = monitor(|monitor| {
        evaluate_steps(&trajectories, &functions(), &mut Answers(answers), &Bootstrap::default(), monitor).unwrap()
    });
    let all = &report.row.all;
    let values = [all.operation_acc, all.status_acc, all.argument_acc, all.text_argument_acc, all.unreadable_rate];
    assert_eq!(values.map(|figure| figure.value), [75.0, 75.0, 75.0, 50.0, 25.0]);
    assert_eq!((all.object_acc.value, all.ssr.value, all.tsr.value), (50.0, 50.0, 50.0));
    assert_eq!(
        (all.tasks, all.steps, all.tsr.n, all.ssr.n, all.text_argument_acc.n),
        (2, 4, Some(2), Some(4), Some(2))
    );
    assert_eq!(report.row.seen.as_ref().unwrap().ssr.value, 100.0);
    assert_eq!(report.row.unseen.as_ref().unwrap().ssr.value, 0.0);
    assert_eq!(report.items[3].unreadable.as_deref(), Some("no action: um"));

    let mut tables = Tables::default();
    let entry = DecisionEntry { row: report.row.clone(), unconstrained: Some(report.row) };
    tables.decision_making.insert("LAM2".into(), entry);
    let written = serde_json::to_value(&tables).unwrap();
    let row = &written["decision_making"]["LAM2"];
    assert_eq!((&row["ssr"]["value"], &row["tasks"], &row["steps"]), (&json!(50.0), &json!(2), &json!(4)));
    // One task of one: Wilson's lower end is 1 / (1 + 1.96²).
    let ends = row["unconstrained"]["seen"]["tsr"]["ci95"].as_array().unwrap();
    assert!((ends[0].as_f64().unwrap() - 20.654).abs() < 1e-3 && ends[1] == json!(100.0), "{ends:?}");
    assert_eq!(serde_json::from_value::<Tables>(written).unwrap(), tables);
}

struct Parrot(Vec<Vec<String>>);

impl Planner for Parrot {
    fn name(&self) -> String {
        "parrot".into()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        Ok(self.0.drain(..tasks.len()).collect())
    }
}

fn pair(task: &str, plan: &[&str]) -> TaskPlan {
    TaskPlan {
        task_id: task.into(),
        application: "word".into(),
        source: PlanSource::Documentation,
        task: task.into(),
        plan: owned(plan),
        parent_id: None,
        document: "page".into(),
        document_hash: String::new(),
        producer: String::new(),
        family: String::new(),
        split: Split::Test,
    }
}

fn owned(plan: &[&str]) -> Vec<String> {
    plan.iter().map(|step| (*step).to_owned()).collect()
}

#[test]
fn table_2_sums_steps_before_it_divides() {
    let pairs = [
        pair("a", &["select kilo", "click Bold"]),
        pair("b", &["click Insert", "click Table", "click OK"]),
        pair("c", &["click Save"]),
    ];
    let plans = vec![
        owned(&["1. Select kilo.", "2. Click the Bold button."]),
        owned(&["click Table", "click Insert", "click Cancel", "click Help", "click OK"]),
        owned(&[]),
    ];
    let report = monitor(|monitor| {
        evaluate_plans(&pairs, &mut Parrot(plans), &mut MatcherJudge, &Bootstrap::default(), monitor).unwrap()
    });
    let row = &report.row;
    assert!((row.tsr.value - 100.0 / 3.0).abs() < 1e-9, "only the first plan is right as a whole");
    assert!((row.step_precision.value - 500.0 / 7.0).abs() < 1e-9, "5 of 7 predicted steps");
    assert!((row.step_recall.value - 500.0 / 6.0).abs() < 1e-9, "5 of 6 expected steps");
    assert_eq!((row.step_precision.n, row.tasks, row.judge.as_str()), (Some(7), 3, "matcher"));
    let nothing = monitor(|monitor| {
        evaluate_plans(&[], &mut Parrot(Vec::new()), &mut MatcherJudge, &Bootstrap::default(), monitor).unwrap_err()
    });
    assert!(matches!(nothing, EvalError::Nothing(_)));
}

#[test]
fn table_4_counts_environment_errors_apart() {
    let app = Counter::new(2);
    let tasks = [task("press", 1), task("press", 2), task("press", 4), task("fragile", 2)];
    let limits = Limits::default();
    let mut expert = ExpertPolicy::of(&app).unwrap();
    let report = monitor(|monitor| {
        evaluate_online(&app, &tasks, &mut expert, (&limits, &Bootstrap::default(), None), monitor).unwrap()
    });
    let all = &report.row.all;
    assert_eq!((all.tasks, all.environment_errors, all.tsr.n), (4, 1, Some(3)));
    assert!((all.tsr.value - 200.0 / 3.0).abs() < 1e-9, "the expert gives up above three");
    assert_eq!((all.completion_steps.value, all.invalid_action_rate.value), (2.0, 0.0));
    assert_eq!(all.step_latency_s.n, Some(6));
    let (seen, unseen) = (report.row.seen.unwrap(), report.row.unseen.unwrap());
    assert_eq!((seen.tasks, seen.tsr.value, unseen.tasks, unseen.tsr.value), (3, 50.0, 1, 100.0));
}

#[test]
fn sampled_tries_stand_beside_the_greedy_one() {
    let greedy = [trajectory(task("a", 2), Vec::new()), trajectory(task("b", 3), Vec::new())];
    let mut row = score_online(&greedy, &Bootstrap::default());
    assert!(row.all.sampled_tsr.is_none() && !serde_json::to_string(&row).unwrap().contains("sampled"));
    let mut failed = trajectory(task("a", 2), Vec::new());
    failed.verdict.complete = Complete::No;
    let dead = Trajectory { environment_error: Some("it died".into()), ..failed.clone() };
    let mut tries = vec![failed.clone(), failed.clone(), failed, dead];
    tries.extend(vec![trajectory(task("b", 3), Vec::new()); 3]);
    row.set_sampled(&tries, &Bootstrap::default());
    let rate = |part: &lam_eval::Online| part.sampled_tsr.unwrap();
    let all = rate(&row.all);
    // Two tasks, one all right and one all wrong: six tries that say as little as two.
    assert_eq!((all.value, all.n, all.ci95), (50.0, Some(6), Some([0.0, 100.0])));
    let greedy = row.all.tsr;
    let parts: Vec<f64> = [row.seen.unwrap(), row.unseen.unwrap()].iter().map(|part| rate(part).value).collect();
    assert_eq!((parts, greedy.value), (vec![0.0, 100.0], 100.0));
}
