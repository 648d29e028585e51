//! No room for a file: exit code 4, a hint, and work from which the next run goes on. A limit on the size of files stands
//! in for the disk, since it needs no rights.

use std::process::{Command, Stdio};

use crate::support::{Place, same_bytes, trained};

/// Largest file in the shell's units of 512 or 1,024 bytes: the adapter has room, the whole model has not.
const LIMIT: &str = "2048";

#[test]
fn weights_that_do_not_fit_are_written_once_there_is_room() {
    let place = Place::new("full-disk");
    let settings = "[train]\nlearning_rate = 1e-3\nmax_tokens = 20_000\nmax_tokens_per_batch = 512\nsave_steps = 10\n";
    place.write("two.toml", settings);
    let (model, expert) = (trained().stage("lam1"), trained().stage("expert"));
    let data = format!("{expert}/expert_success.parquet");
    let phase = |output: &'static str| {
        ["phase2", "-c", "two.toml", "--model", &model, "--data", &data, "--output-dir", output].map(str::to_owned)
    };
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f \"$1\"; shift; exec \"$@\"", "sh", LIMIT, env!("CARGO_BIN_EXE_lam-train")]);
    command.args(phase("runs/full")).current_dir(place.path("")).stdin(Stdio::null());
    let finished = command.output().expect("a shell starts");
    let said = String::from_utf8_lossy(&finished.stderr);
    assert_eq!(finished.status.code(), Some(4), "{said}");
    for words in [
        "model.safetensors",
        "hint: the disk is full; free some space (`lam-train clean`",
        "its unfinished work is kept in",
    ] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    let run = |output| {
        let args = phase(output);
        place.succeed(&args.iter().map(String::as_str).collect::<Vec<_>>()).stderr
    };
    assert!(run("runs/full").contains("goes on where it stopped"));
    run("runs/roomy");
    same_bytes(&place.path("runs/full/lam2"), &place.path("runs/roomy/lam2"));
}
