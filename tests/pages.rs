//! Pages that the binary serves until it is interrupted: a run that is watched, an episode that is played.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Place;

/// A command that serves, ended with the test.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// HOST:PORT
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn serve(place: &Place, args: &[&str]) -> Served {
    let mut command = place.command(args);
    let mut child = command.env_remove("LAM_SERVE_TOKEN").stdout(Stdio::piped()).spawn().expect("lam-train starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap_or_else(|| panic!("{line}"));
    let address = url.split('/').next().expect("HOST:PORT").to_owned();
    Served { child, stdout, address }
}

impl Served {
    /// Status and body of a path.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).expect("written");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("UTF-8");
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, reply.split_once("\r\n\r\n").expect("a head").1.to_owned())
    }

    /// Interrupts it, and says how it ended and what else it printed.
    #[cfg(unix)]
    fn interrupt(mut self) -> (bool, String) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let is_fine = self.child.wait().expect("it ends").success();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("UTF-8");
        (is_fine, rest)
    }
}

#[test]
fn a_run_is_watched_until_it_is_interrupted() {
    let place = Place::new("watched");
    place.write("collect.toml", "[trajectories]\ntasks = 20\n");
    place.succeed(&["data", "collect", "-c", "collect.toml", "--output-dir", "runs/small"]);
    let before = crate::support::contents(&place.path("runs/small"));
    let served = serve(&place, &["watch", "runs/small", "--port", "0"]);
    let (status, page) = served.get("/");
    assert!(status == 200 && page.contains("<h1>small</h1>") && page.contains("id=\"live\""), "{page}");
    let state: Value = serde_json::from_str(&served.get("/state").1).expect("JSON");
    assert!(state["live"].as_str().expect("markup").contains("No stage is under way"), "{state}");
    assert_eq!(before, crate::support::contents(&place.path("runs/small")), "it only reads");
    #[cfg(unix)]
    assert!(served.interrupt().0, "it ends in order");
}

#[test]
fn an_episode_is_shown_and_stays() {
    let place = Place::new("shown");
    let served = serve(&place, &["act", "--web", "--port", "0", "--family", "italic"]);
    let until = Instant::now() + Duration::from_secs(60);
    let episode = loop {
        let episode: Value = serde_json::from_str(&served.get("/episode").1).expect("JSON");
        if episode["is_over"] == true {
            break episode;
        }
        assert!(Instant::now() < until, "{episode}");
    };
    let one = &episode["one"];
    assert_eq!(
        (&one["model"], &one["family"], &one["outcome"]),
        (&"expert".into(), &"italic".into(), &"success".into())
    );
    assert!(one["steps"].as_array().expect("steps").len() > 1, "{one}");
    assert!(served.get("/").1.contains("id=\"episode\""));
    #[cfg(unix)]
    {
        let (is_fine, said) = served.interrupt();
        assert!(is_fine && said.contains("complete: yes") && said.contains("stays in the browser"), "{said}");
    }
}

#[test]
fn what_cannot_be_shown_is_told() {
    let place = Place::new("unshown");
    place.refuse(&["watch", "runs/none"], 3, &["runs/none holds no run", "hint: "]);
    std::fs::create_dir_all(place.path("runs/empty")).expect("writable");
    place.refuse(&["watch", "runs/empty"], 3, &["runs/empty holds no run", "hint: "]);
    place.refuse(&["act", "--port", "0"], 2, &["`--port`", "hint: add --web"]);
    let open = ["act", "--web", "--port", "0", "--host", "0.0.0.0"];
    place.refuse(&open, 2, &["no token is set", "hint: set one in LAM_SERVE_TOKEN"]);
    place.refuse(&["act", "--web", "--token", " "], 2, &["`--token` holds no token"]);
}
