//! A trained run served by the binary, asked over HTTP, by our own teacher's client among others.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::{Place, trained};

/// A server, ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// Serves and says where, as HOST:PORT.
fn serve(place: &Place, args: &[&str]) -> (Served, String) {
    let all = [&["serve", "model", "--port", "0"], args].concat();
    let mut served = Served(place.command(&all).stdout(Stdio::piped()).spawn().expect("lam-train starts"));
    let mut line = String::new();
    BufReader::new(served.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    let address = url.trim_start_matches("http://").split('/').next().expect("HOST:PORT").to_owned();
    (served, address)
}

fn ask(address: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).expect("written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("UTF-8");
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = reply.split_once("\r\n\r\n").expect("a head").1;
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}")))
}

fn names(address: &str) -> Vec<String> {
    let (status, models) = ask(address, "GET", "/v1/models", "");
    assert_eq!(status, 200, "{models}");
    let models = models["data"].as_array().expect("a list").iter();
    models.map(|model| model["id"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_last_model_of_a_run_teaches_over_http() {
    let place = trained();
    let (_served, address) = serve(place, &["runs/miniature", "--executable"]);
    assert_eq!(names(&address), ["LAM4"]);
    let elsewhere = Place::new("taught");
    let endpoint = format!("base_url = \"http://{address}/v1\"\nmodel = \"LAM4\"\nkey_env = \"\"\nmax_tokens = 200\n");
    let limits = "[trajectories.limits]\nmax_steps = 3\n";
    elsewhere.write(
        "collect.toml",
        &format!("[trajectories]\ntasks = 4\n{limits}[trajectories.teacher.remote]\n{endpoint}"),
    );
    elsewhere.succeed(&["data", "collect", "-c", "collect.toml", "--output-dir", "runs/taught"]);
    let table = elsewhere.path("runs/taught/trajectories");
    let rows = ["expert_success.parquet", "expert_failure.parquet"].map(|name| table.join(name));
    let shown: String = rows
        .iter()
        .filter(|file| file.is_file())
        .map(|file| elsewhere.run(&["data", "show", file.to_str().expect("UTF-8"), "--count", "9", "--json"]).stdout)
        .collect();
    assert!(shown.contains("\"function\"") && !shown.contains("invalid_action"), "{shown}");
}

#[test]
fn several_models_are_served_under_their_names() {
    let place = trained();
    let models = ["runs/miniature/lam1", "mine=runs/miniature/lam2"];
    let (served, address) = serve(place, &models);
    assert_eq!(names(&address), ["LAM1", "mine"]);
    let body = json!({"model": "mine", "messages": [{"role": "user", "content": "x"}], "max_tokens": 3}).to_string();
    let (status, answer) = ask(&address, "POST", "/v1/chat/completions", &body);
    assert_eq!((status, &answer["model"]), (200, &json!("mine")), "{answer}");
    #[cfg(unix)]
    {
        let mut served = served;
        let id = served.0.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        assert!(served.0.wait().expect("it ends").success(), "a signal ends it in order");
    }
    #[cfg(not(unix))]
    drop(served);
}

#[test]
fn a_runs_reward_model_is_served_beside_its_last_model() {
    let place = trained();
    let (_served, address) = serve(place, &["runs/miniature", "--with-reward"]);
    assert_eq!(names(&address), ["LAM4", "reward"]);
    let messages = json!([{"role": "user", "content": "make it bold"}]);
    let answers = ["{\"plan\": [\"click Bold\"]}", "{\"plan\": [\"save the document\"]}"];
    let body = json!({"model": "reward", "prompt": messages, "answers": answers}).to_string();
    let (status, scored) = ask(&address, "POST", "/v1/rewards", &body);
    assert_eq!((status, scored["data"].as_array().map(Vec::len)), (200, Some(2)), "{scored}");
    assert_ne!(scored["data"][0]["score"], scored["data"][1]["score"]);
    let body = json!({"model": "reward", "messages": messages}).to_string();
    let (status, refused) = ask(&address, "POST", "/v1/chat/completions", &body);
    assert!(status == 400 && refused["error"]["message"].as_str().is_some_and(|text| text.contains("/v1/rewards")));
}

#[test]
fn a_port_that_is_taken_is_told_before_a_model_is_looked_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let words = ["cannot listen", &port, "hint: choose another --port"];
    Place::new("port-taken").refuse(&["serve", "model", "no/such/model", "--port", &port], 1, &words);
}

#[test]
fn what_cannot_be_served_is_told() {
    let place = Place::new("unserved");
    let refuse = |args: &[&str], code, words: &[&str]| {
        place.refuse(&[&["serve", "model", "--port", "0"], args].concat(), code, words)
    };
    refuse(&["nowhere"], 3, &["nowhere", "config.json", "hint: "]);
    refuse(&["=nowhere"], 2, &["`=nowhere` names no model", "hint: "]);
    refuse(&["nowhere", "--token", " "], 2, &["`--token` holds no token", "hint: "]);
    refuse(&["nowhere", "--token-env", "NO_SUCH_TOKEN"], 2, &["`NO_SUCH_TOKEN` holds no token"]);
    // Before any model is looked at, which may take minutes.
    refuse(&["nowhere", "--token", "two words"], 2, &["the token", "white space", "hint: "]);
    refuse(&["nowhere", "--host", "0.0.0.0"], 2, &["no token is set", "hint: set one in LAM_SERVE_TOKEN"]);
    let lam1 = trained().stage("lam1");
    refuse(&[&lam1, "--host", "0.0.0.0"], 2, &["no token is set", "hint: set one in LAM_SERVE_TOKEN"]);
    refuse(&[&lam1, "--with-reward"], 2, &["no run is named", "hint: name a run"]);
    refuse(&[&lam1, &lam1], 2, &["`LAM1`", "hint: name each of them: NAME=DIR"]);
    refuse(&[&lam1, "--host", "192.0.2.1", "--token", "some-token"], 1, &["192.0.2.1:0", "hint: "]);
}
