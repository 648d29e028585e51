//! An episode that is watched while it is played.

use std::fs;

use lam_agent::{Job, Observer};
use lam_report::EpisodePage;
use lam_types::PolicyId;
use serde_json::Value;

use crate::web::{get, json, settings, text};
use crate::{episodes, fresh};

#[test]
fn each_step_is_seen_as_it_comes_and_the_end_stays() {
    let recorded = episodes::trajectory(1, "LAM3");
    let folder = fresh("pictures");
    let task = recorded.task.clone();
    let pictures = folder.join(&task.task_id);
    fs::create_dir_all(&pictures).unwrap();
    fs::write(pictures.join("09.png"), "of another day").unwrap();
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
    fs::File::options().write(true).open(pictures.join("09.png")).unwrap().set_modified(yesterday).unwrap();
    let mut page = EpisodePage::start(&task, Some(&folder), settings()).unwrap();
    let address = page.address();
    let document = text(address, "/");
    for needle in ["http://", "https://", "src=\"", "@import", "url("] {
        assert!(!document.contains(needle), "the page refers to the outside: {needle}");
    }
    let one = || json(address, "/episode")["one"].clone();
    assert_eq!((&one()["outcome"], one()["steps"].as_array().unwrap().len()), (&"running".into(), 0));
    assert_eq!(one()["request"], task.request);

    page.acts(&PolicyId { name: "LAM3".into(), hash: String::new() });
    let job = Job { task, attempt: 0 };
    let screen = recorded.steps[0].state.observation.clone();
    fs::write(pictures.join("00.png"), "first").unwrap();
    page.started(&job, &screen);
    page.decided(&job, &recorded.steps[0].action);
    let under_way = one()["steps"][0].clone();
    assert_eq!(under_way["action"]["function"], "select_text");
    assert_eq!(
        (under_way["status"].clone(), &under_way["note"]),
        (Value::Null, &"the application carries it out".into())
    );

    fs::write(pictures.join("01.png"), "second").unwrap();
    page.stepped(&job, &recorded.steps[0], &screen);
    page.stepped(&job, &recorded.steps[1], &screen);
    let state = json(address, "/episode");
    let steps = state["one"]["steps"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[0]["status"], &steps[2]["action"]), (3, &"ok".into(), &Value::Null));
    let shown: Vec<&str> =
        state["data"]["pictures"]["episode"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    assert_eq!(get(address, &format!("/{}", shown[0])), (200, b"first".to_vec()), "and not that of another day");
    assert_eq!(get(address, &format!("/{}", shown[1])).1, b"second");
    assert_eq!(shown[2], shown[1], "no picture was made: the screen is as it was");
    assert_eq!(get(address, "/pictures/0-0").0, 404, "of another episode");

    page.ended(&recorded);
    let state = json(address, "/episode");
    assert_eq!((&state["is_over"], &state["one"]["outcome"]), (&true.into(), &"success".into()));
    assert_eq!(state["one"]["verdict"]["reason"], "the run is bold and underlined");
    assert_eq!(get(address, &format!("/episode?seen={}", state["version"])).0, 204);
    page.close(None);
    assert_eq!(one()["outcome"], "success");
}

#[test]
fn what_ended_an_episode_before_its_end_is_told() {
    let page = EpisodePage::start(&episodes::trajectory(1, "LAM3").task, None, settings()).unwrap();
    page.close(Some("the policy is gone".into()));
    let one = json(page.address(), "/episode")["one"].clone();
    assert_eq!((&one["outcome"], &one["error"]), (&"not finished".into(), &"the policy is gone".into()));
}
