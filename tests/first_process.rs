//! The program as the first process of a container, from which the kernel keeps every signal that it has not asked for.
#![cfg(target_os = "linux")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::not_run::not_run;
use crate::support::Place;

/// What makes a process the first one, where a user may.
const ALONE: [&str; 5] = ["unshare", "--user", "--map-root-user", "--pid", "--fork"];

/// How long it may take to hear of a signal.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn a_first_process_ends_by_a_signal_like_any_other() {
    if !alone("true").status().is_ok_and(|status| status.success()) {
        return not_run("`unshare` may not make a first process here");
    }
    let place = Place::new("first-process");
    let settings = place.path("never.toml");
    assert!(Command::new("mkfifo").arg(&settings).status().is_ok_and(|made| made.success()), "a pipe can be made");
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        // It waits for what nobody writes.
        let mut command = alone(env!("CARGO_BIN_EXE_lam-train"));
        command.args(["phase2", "-c"]).arg(&settings).stdin(Stdio::null());
        let waiting = command.spawn().expect("unshare starts");
        assert_eq!(code_after(waiting, signal), Some(code), "signal {signal}");
    }
}

fn alone(program: &str) -> Command {
    let mut command = Command::new(ALONE[0]);
    command.args(&ALONE[1..]).arg("--kill-child").arg(program);
    command
}

/// The exit code of the child's child once this signal is sent to it, again and again, as it may not listen yet.
fn code_after(mut parent: Child, signal: i32) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < LONGEST {
        for child in children_of(parent.id()) {
            // SAFETY: kill takes plain numbers.
            unsafe { libc::kill(child, signal) };
        }
        std::thread::sleep(Duration::from_millis(50));
        if let Some(status) = parent.try_wait().expect("a child can be asked") {
            return status.code();
        }
    }
    parent.kill().expect("a child can be killed");
    parent.wait().expect("a child ends");
    None
}

/// Processes whose parent this is: the second word behind the name in parentheses.
fn children_of(parent: u32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("there is /proc").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |number: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        behind.split_whitespace().nth(1).is_some_and(|word| word == parent.to_string())
    };
    numbers.filter(is_child).collect()
}
