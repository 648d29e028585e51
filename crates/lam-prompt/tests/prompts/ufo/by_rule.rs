//! The HostAgent and the evaluator, which no model answers.

use lam_prompt::{Message, Role, UfoQuestion, read_ufo};
use serde_json::{Value, json};

fn ask(system: &str, user: &str) -> UfoQuestion {
    let messages = [Message::new(Role::System, system), Message::new(Role::User, user)];
    read_ufo(&messages).expect("readable").expect("a prompt of UFO's")
}

fn windows() -> Value {
    json!([
        {"control_type": "Window", "control_text": "Command Prompt", "label": "1"},
        {"control_type": "Window", "control_text": "Report.docx - Word", "label": "2"},
        {"control_type": "Window", "control_text": "Prices - Excel", "label": "3"},
    ])
}

/// What the HostAgent is answered, of either kind of prompt.
fn host(is_third: bool, request: &str, subtasks: &Value, application: Option<&str>) -> Value {
    let (system, user) = if is_third {
        let named = |(place, item): (usize, &Value)| {
            let id = (place + 1).to_string();
            json!({"kind": "window", "name": item["control_text"], "id": id})
        };
        let windows = windows();
        let mut items: Vec<Value> = windows.as_array().expect("a list").iter().enumerate().map(named).collect();
        items.insert(0, json!({"kind": "third_party_agent", "name": "the Report agent of Word", "id": "9"}));
        let user = format!(
            "<Available Applications/Agents:> {}\n<Earlier Sub-tasks Assigned and Completion Status:> {subtasks}\n\
             <Future Plan Constructed in the last decision:> []\n<Current User Request:> {request}\n<Your response:>",
            Value::from(items)
        );
        ("{\"current_subtask\": <it>}", user)
    } else {
        let user = format!(
            "[Blackboard:][Step Trajectories Completed Previously:]\n [{{\"Step\": 0}}]\
             <Available Applications:> {}\n\
             <Previous Sub-tasks:> {subtasks}\n<Previous Plan:> []\n<Current User Request:> {request}\n\
             <Your response:>",
            windows()
        );
        ("{\"CurrentSubtask\": <it>}", user)
    };
    let UfoQuestion::Host(host) = ask(system, &user) else { panic!() };
    serde_json::from_str(&host.answer(application)).expect("JSON")
}

#[test]
fn a_request_is_assigned_as_it_is_to_the_window_that_it_names() {
    let request = "make the title of the report bold";
    let classic = host(false, request, &json!([]), None);
    let expected = json!({
        "Observation": "3 windows are open.",
        "Thought": "By rule: the request is one sub-task, for the window `Report.docx - Word`.",
        "CurrentSubtask": request, "Message": [], "ControlLabel": "2", "ControlText": "Report.docx - Word",
        "Status": "ASSIGN", "Plan": [], "Bash": "", "Questions": [], "Comment": "",
    });
    assert_eq!(classic, expected);
    let third = host(true, request, &json!([]), None);
    assert_eq!((&third["status"], &third["current_subtask"]), (&json!("ASSIGN"), &json!(request)));
    assert_eq!(third["function"], json!("select_application_window"));
    assert_eq!(third["arguments"], json!({"id": "2", "name": "Report.docx - Word"}));
}

#[test]
fn the_window_is_the_named_one_the_chosen_one_or_the_foremost() {
    let window = |request: &str, application| host(false, request, &json!([]), application)["ControlLabel"].clone();
    assert_eq!(window("sum the prices in excel", None), json!("3"));
    assert_eq!(window("make it bold", None), json!("1"));
    assert_eq!(window("make it bold", Some("- word")), json!("2"));
    let none = host(false, "make it bold", &json!([]), Some("PowerPoint"));
    assert_eq!((&none["Status"], &none["ControlLabel"]), (&json!("FAIL"), &json!("")));
    assert!(none["Comment"].as_str().unwrap_or_default().contains("PowerPoint"));
}

#[test]
fn an_assigned_request_is_over_once_its_sub_task_is() {
    for (is_third, key) in [(false, "Status"), (true, "status")] {
        for (outcome, status) in [("FINISH", "FINISH"), ("FAIL", "FAIL"), ("ERROR", "FAIL")] {
            let subtasks =
                json!([{"subtask": "another", "status": "FINISH"}, {"subtask": "make it bold", "status": outcome}]);
            let answer = host(is_third, "make it bold", &subtasks, None);
            assert_eq!(answer[key], json!(status), "{answer}");
        }
        let other = host(is_third, "make it bold", &json!([{"subtask": "another", "status": "FINISH"}]), None);
        assert_eq!(other[key], json!("ASSIGN"));
    }
}

#[test]
fn the_evaluator_is_told_that_nobody_judged() {
    for (form, scores) in [("\"sub_scores\": {", json!({})), ("\"sub_scores\": [", json!([]))] {
        let UfoQuestion::Evaluation(evaluation) = ask(form, "<Original Request:> x{\"Step\": 1}<Your response:>")
        else {
            panic!()
        };
        let answer: Value = serde_json::from_str(&evaluation.answer()).expect("JSON");
        assert_eq!((&answer["complete"], &answer["sub_scores"]), (&json!("unsure"), &scores));
    }
}
