//! The words as JSON: the names and the order that files and prompts rely on, and nothing lost on the way back.

use serde_json::{from_str, json, to_string, to_value};

use crate::*;

fn action() -> Action {
    from_str(
        r#"{"thought":"t","control_label":"3","control_name":"Bold","function":"set_edit_text",
            "args":{"text":"a","count":2,"on":true},"status":"FINISH","plan":["one"]}"#,
    )
    .unwrap()
}

fn control() -> Control {
    Control {
        label: "1".to_string(),
        control_text: "Bold".to_string(),
        control_type: ControlType::CheckBox,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    }
}

#[test]
fn an_action_has_the_papers_seven_keys_in_order() {
    let text = to_string(&action()).unwrap();
    assert_eq!(
        text,
        r#"{"thought":"t","control_label":"3","control_name":"Bold","function":"set_edit_text","args":{"text":"a","count":2,"on":true},"status":"FINISH","plan":["one"]}"#
    );
    assert_eq!(from_str::<Action>(&text).unwrap(), action());
}

#[test]
fn an_action_with_another_key_or_status_is_refused() {
    let with = |key: &str, value: serde_json::Value| {
        let mut json = to_value(action()).unwrap();
        json[key] = value;
        serde_json::from_value::<Action>(json).unwrap_err().to_string()
    };
    assert!(with("comment", json!("")).contains("unknown field `comment`"));
    assert!(with("status", json!("DONE")).contains("unknown variant `DONE`"));
}

#[test]
fn a_control_leaves_out_what_is_usual() {
    let plain = control();
    assert_eq!(to_value(&plain).unwrap(), json!({"label": "1", "control_text": "Bold", "control_type": "CheckBox"}));
    let rectangle = Some(Rect { left: 1, top: 2, right: 3, bottom: 4 });
    let full =
        Control { enabled: false, selected: Some(true), value: Some("x".to_string()), rectangle, ..plain.clone() };
    for control in [plain, full] {
        assert_eq!(from_str::<Control>(&to_string(&control).unwrap()).unwrap(), control);
    }
}

#[test]
fn words_in_files_are_those_of_as_str() {
    fn same<T: serde::Serialize>(value: T, word: &str) {
        assert_eq!(to_value(value).unwrap(), json!(word));
    }
    for kind in ControlType::ALL {
        same(kind, kind.as_str());
    }
    for split in [Split::Train, Split::Validation, Split::Test] {
        same(split, split.as_str());
    }
    for status in [Status::Continue, Status::Finish] {
        same(status, status.as_str());
    }
    for phrasing in [Phrasing::Seen, Phrasing::Unseen] {
        same(phrasing, phrasing.as_str());
    }
    for complete in [Complete::Yes, Complete::No, Complete::Unsure] {
        same(complete, complete.as_str());
    }
    let sources = [
        PlanSource::Documentation,
        PlanSource::Wikihow,
        PlanSource::SearchQuery,
        PlanSource::Evolved,
        PlanSource::Other,
    ];
    for source in sources {
        same(source, source.as_str());
    }
    let statuses =
        [StepStatus::Ok, StepStatus::InvalidAction, StepStatus::AppError, StepStatus::Timeout, StepStatus::JudgeError];
    for status in statuses {
        same(status, status.as_str());
    }
}

#[test]
fn a_trajectory_reads_back_as_written() {
    let task = Task {
        task_id: "sim-bold-1".to_string(),
        family: "bold".to_string(),
        request: "make it bold".to_string(),
        environment: "sim".to_string(),
        application: "word".to_string(),
        seed: u64::MAX,
        phrasing: Phrasing::Unseen,
        split: Split::Test,
    };
    let observation =
        Observation { controls: vec![control()], document: "a\nb".to_string(), selection: "a".to_string() };
    let step = Step {
        step_index: 0,
        state: State {
            request: task.request.clone(),
            observation,
            previous_actions: vec![PastAction::of(&action(), StepStatus::AppError)],
            previous_plan: vec!["one".to_string()],
        },
        action: action(),
        acceptable_labels: vec!["3".to_string()],
        status: StepStatus::Ok,
        message: String::new(),
        reward: Some(-0.5),
        reward_source: "outcome".to_string(),
        tokens: Some(Tokens {
            prompt_ids: vec![1],
            action_ids: vec![2],
            logprobs: vec![-0.1],
            tokenizer_hash: "h".into(),
        }),
        policy_seconds: 0.25,
        environment_seconds: 0.125,
    };
    let trajectory = Trajectory {
        trajectory_id: "id".to_string(),
        task,
        environment_version: "1".to_string(),
        attempt: 2,
        policy: PolicyId { name: "LAM2".to_string(), hash: "h".to_string() },
        steps: vec![step],
        verdict: Verdict {
            complete: Complete::Unsure,
            reason: "r".to_string(),
            judge: "state".to_string(),
            sub_scores: vec![("bold".to_string(), Complete::No)],
        },
        environment_error: Some("lost".to_string()),
    };
    assert_eq!(from_str::<Trajectory>(&to_string(&trajectory).unwrap()).unwrap(), trajectory);
    assert_eq!(trajectory.calls(), [Call::of(&action())]);
    let mut seen = SeenCalls::default();
    let other = Trajectory { steps: Vec::new(), ..trajectory.clone() };
    assert_eq!([&trajectory, &trajectory, &other, &other].map(|one| seen.is_new(one)), [true, false, true, false]);
    assert!(!trajectory.succeeded());
}

#[test]
fn a_success_with_a_step_that_went_wrong_is_no_example() {
    let state = State {
        request: String::new(),
        observation: Observation::default(),
        previous_actions: vec![],
        previous_plan: vec![],
    };
    let task = json!({"task_id": "t", "family": "bold", "request": "make it bold", "environment": "sim",
        "application": "word", "seed": 1, "phrasing": "seen", "split": "train"});
    let empty = json!({"trajectory_id": "id", "task": task, "environment_version": "1", "attempt": 0, "steps": [],
        "policy": {"name": "expert", "hash": ""}, "verdict": {"complete": "yes", "reason": "", "judge": "state"}});
    let mut trajectory: Trajectory = serde_json::from_value(empty).unwrap();
    trajectory.steps = vec![Step::new(0, state.clone(), action()), Step::new(1, state, action())];
    assert!(trajectory.is_exemplary());
    trajectory.steps[0].status = StepStatus::AppError;
    assert!(trajectory.succeeded() && !trajectory.is_exemplary());
}

#[test]
fn a_function_reads_back_as_written() {
    let function = FunctionSpec {
        name: "select_text".to_string(),
        target: Target::Control(vec![ControlType::Edit]),
        args: vec![
            ArgSpec { name: "text".to_string(), kind: ArgKind::DocumentText, required: true, doc: String::new() },
            ArgSpec {
                name: "n".to_string(),
                kind: ArgKind::Integer { min: 1, max: 9 },
                required: false,
                doc: String::new(),
            },
            ArgSpec {
                name: "b".to_string(),
                kind: ArgKind::OneOf(vec!["left".into()]),
                required: false,
                doc: String::new(),
            },
        ],
        doc: "selects".to_string(),
    };
    assert_eq!(from_str::<FunctionSpec>(&to_string(&function).unwrap()).unwrap(), function);
}

#[test]
fn a_choice_of_no_words_has_no_value() {
    let observation = Observation::default();
    for words in [vec![], vec!["left".to_string()]] {
        let kind = ArgKind::OneOf(words.clone());
        assert_eq!(kind.is_possible(&observation), !words.is_empty());
        for required in [true, false] {
            let args = vec![ArgSpec { name: "b".to_string(), kind: kind.clone(), required, doc: String::new() }];
            let function =
                FunctionSpec { name: "f".to_string(), target: Target::Application, args, doc: String::new() };
            assert_eq!(function.is_callable(&observation), !required || !words.is_empty());
        }
    }
}
