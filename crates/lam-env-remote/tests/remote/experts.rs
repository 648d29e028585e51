//! Experts over the network: ours asked on our server, and none where there is none.

use std::sync::Arc;

use lam_env::Application;
use lam_env_remote::{ClientSettings, OpenEnvServer, Remote};
use lam_env_sim::{Sim, SimExpert};
use lam_types::State;
use serde_json::{Value, json};

use crate::applications::{Failing, query, served, settings, url};
use crate::client::episodes;
use crate::socket::{get, http};
use lam_agent::Limits;
use lam_env::Expert;

fn state() -> State {
    let task = Sim::new().tasks(&query(1)).unwrap().remove(0);
    let observation = Sim::new().open().unwrap().reset(&task).unwrap();
    State { request: task.request, observation, previous_actions: Vec::new(), previous_plan: Vec::new() }
}

#[test]
fn our_experts_teach_over_the_network() {
    let server = served(settings());
    let remote = Remote::connect(&url(&server), ClientSettings::default()).unwrap();
    let expert = remote.expert().expect("the editor has one");
    assert_eq!(expert.version(), format!("{}/openenv", SimExpert.version()));
    assert_eq!(expert.decide(&state()).unwrap(), SimExpert.decide(&state()).unwrap());
    let told = |app: &dyn Application| -> Vec<_> {
        let played = episodes(app, 12, &Limits { parallel: 4, ..Limits::default() });
        played.into_iter().map(|one| (one.task.task_id, one.steps, one.verdict)).collect()
    };
    assert_eq!(told(&remote), told(&Sim::new()), "the whole of it, without the application being known here");
}

#[test]
fn a_server_without_an_expert_says_so() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let remote = Remote::connect(&url(&server), ClientSettings::default()).unwrap();
    assert!(remote.expert().is_none());
    assert_eq!(get(server.address(), "/schema").1["action"]["x-lam"].get("expert"), None);
    let (status, body) = post(&server, &json!(state()));
    assert!(status == 422 && body["detail"].as_str().unwrap().contains("has no expert"), "{body}");
}

#[test]
fn what_is_no_state_is_refused() {
    let server = served(settings());
    let (status, body) = post(&server, &json!({"request": 7}));
    assert!(status == 422 && body["detail"].as_str().unwrap().contains("`7`"), "{body}");
    let (status, _) = http(server.address(), "POST /expert HTTP/1.1\r\nHost: x", "{");
    assert_eq!(status, 400);
    assert_eq!(get(server.address(), "/expert").0, 405);
}

fn post(server: &OpenEnvServer, body: &Value) -> (u16, Value) {
    http(server.address(), "POST /expert HTTP/1.1\r\nHost: x", &body.to_string())
}
