//! Environments served by the binary and driven by it, in two processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::Place;

/// A served environment, ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// Serves and says where.
fn serve(place: &Place, args: &[&str]) -> (Served, String) {
    let all = [&["serve", "env", "--port", "0"], args].concat();
    let mut command = place.command(&all);
    let command = command.env("TOKEN", "s3cret").env_remove("LAM_SERVE_TOKEN");
    started(command)
}

/// Starts what serves and says where.
fn started(command: &mut Command) -> (Served, String) {
    let mut served = Served(command.stdout(Stdio::piped()).spawn().expect("lam-train starts"));
    let mut line = String::new();
    BufReader::new(served.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address").trim_end_matches(',');
    (served, url.to_owned())
}

#[test]
fn a_served_environment_is_an_environment_of_commands_and_configurations() {
    let place = Place::new("served");
    let (served, url) = serve(&place, &[]);
    let environment = format!("remote:{url}");
    let act = |environment: &str| place.succeed(&["act", "--env", environment, "--family", "italic"]).stdout;
    let told = |text: &str| text.lines().filter(|line| !line.contains(" ms)")).map(str::to_owned).collect::<Vec<_>>();
    let (there, here) = (act(&environment), act("sim"));
    assert_eq!(told(&there), told(&here));
    assert!(there.contains("\ncomplete: yes"), "{there}");
    place.write("collect.toml", &format!("environment = \"{environment}\"\n[trajectories]\ntasks = 20\n"));
    place.succeed(&["data", "collect", "-c", "collect.toml", "--output-dir", "runs/there"]);
    place.succeed(&["data", "check", "runs/there/trajectories/expert_success.parquet"]);
    drop(served);
    place.refuse(&["act", "--model", "expert", "--env", &environment], 1, &["no environment answers at ", "hint: "]);
}

#[test]
fn a_token_is_named_by_its_variable_and_asked_for() {
    let place = Place::new("token");
    let (_served, url) = serve(&place, &["--token-env", "TOKEN"]);
    let environment = format!("remote:{url}");
    let act = ["act", "--model", "expert", "--env", &environment];
    place.refuse(&act, 1, &["no or another token"]);
    let status = place.command(&act).env("LAM_REMOTE_TOKEN", "s3cret").output().expect("lam-train starts").status;
    assert!(status.success());
    let serve = ["serve", "env", "--port", "0", "--token-env", "NO_SUCH_TOKEN"];
    place.refuse(&serve, 2, &["`NO_SUCH_TOKEN` holds no token", "hint: "]);
    place.refuse(
        &["serve", "env", "--port", "0", "--host", "0.0.0.0"],
        2,
        &["no token is set", "hint: give one by --token-env"],
    );
}

#[test]
fn without_a_name_the_token_is_that_of_every_server() {
    let place = Place::new("usual-token");
    let serve = ["serve", "env", "--port", "0"];
    for (more, variable) in [(&[][..], "s3cret"), (&["--token", "s3cret"][..], "another")] {
        let all = [&serve[..], more].concat();
        let (_served, url) = started(place.command(&all).env("LAM_SERVE_TOKEN", variable));
        let environment = format!("remote:{url}");
        let act = ["act", "--model", "expert", "--env", &environment];
        place.refuse(&act, 1, &["no or another token"]);
        let acted = place.command(&act).env("LAM_REMOTE_TOKEN", "s3cret").output().expect("lam-train starts");
        assert!(acted.status.success(), "{}", String::from_utf8_lossy(&acted.stderr));
    }
    place.refuse(&[&serve[..], &["--token", " "]].concat(), 2, &["`--token` holds no token", "hint: "]);
}

#[test]
fn addresses_that_cannot_be_meant_are_told() {
    let place = Place::new("addresses");
    let act =
        |environment: &str, words: &[&str]| place.refuse(&["act", "--model", "expert", "--env", environment], 2, words);
    act("remote:localhost:8000", &["neither ws:// nor http://", "hint: an environment's address is ws://HOST:PORT/ws"]);
    act("remote:wss://host/ws", &["TLS is not spoken here", "hint: "]);
    act("ufo-aip:host", &["no port", "hint: ufo-aip:HOST:PORT"]);
    act("ufo-aip:127.0.0.1:0?tasks=none.toml", &["none.toml", "hint: "]);
    act("ufo-aip:127.0.0.1:0", &["has no task of its own", "hint: give --task"]);
    act("serve", &["unknown environment `serve`", "remote:ws://HOST:PORT/ws", "ufo-aip:HOST:PORT"]);
    place.write("collect.toml", "environment = \"remote:nowhere\"\n");
    let collect = ["data", "collect", "-c", "collect.toml"];
    place.refuse(&collect, 2, &["collect.toml", "environment", "remote:nowhere", "hint: registered are sim"]);
}
