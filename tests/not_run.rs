//! A test of a library's own that finds out that it cannot run: the standard harness would count it as passed. It is said,
//! with what is missing, and put on the list in the file that `LAM_NOT_RUN` names, which `scripts/test.sh` takes off those
//! that passed; with `LAM_REQUIRE_ENVIRONMENTS` set it fails. Crates include this among their tests; tests that have a
//! target of their own use `live.rs` instead.

use std::io::Write;
use std::panic::Location;

/// Called where the test is left, by functions that are `track_caller` up to the test: where it stands tells tests apart
/// that all run on the main thread.
#[track_caller]
pub fn not_run(missing: &str) {
    let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    assert!(is_set("LAM_REQUIRE_ENVIRONMENTS").is_none(), "{missing}");
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main").unwrap_or("test");
    let missing = missing.lines().collect::<Vec<_>>().join("; ");
    let line = format!("{} {name}, {} ({missing})\n", env!("CARGO_PKG_NAME"), Location::caller());
    eprint!("not run: {line}");
    if let Some(list) = is_set("LAM_NOT_RUN") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&list);
        // At once: other tests write to the same file.
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of LAM_NOT_RUN can be written");
    }
}
