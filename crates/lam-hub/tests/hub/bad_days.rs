//! Hubs on bad days: waits, other files than announced, pages in their place, storage elsewhere, two at once, and caches
//! that cannot be written.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use lam_hub::{Hub, HubError, HubSettings};
use lam_signal::{Cancel, Fault, FaultKind, Monitor, Progress, Secret};

use crate::server::{COMMIT, Faults};
use crate::{fetch, settings, start, weights};

/// Hears the notes.
#[derive(Default)]
pub struct Notes(Mutex<Vec<String>>);

impl Notes {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Progress for Notes {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
    fn end(&self) {}
}

fn fetch_noting(settings: HubSettings, notes: &Notes, cancel: &Cancel) -> Result<lam_hub::Snapshot, HubError> {
    Hub::new(settings).fetch(&"acme/tiny".parse().unwrap(), None, Monitor { progress: notes, cancel })
}

fn is_whole(directory: &Path) -> bool {
    std::fs::read(directory.join("model.safetensors")).is_ok_and(|bytes| bytes == weights())
}

#[test]
fn a_busy_hub_is_waited_for_as_it_asks_and_says_so() {
    for header in ["Retry-After: 1", "RateLimit: \"api\";r=0;t=1", "RateLimit-Reset: 1"] {
        let (server, home, notes) = (start(), tempfile::tempdir().unwrap(), Notes::default());
        server.set(Faults { busy: (2, header), ..Faults::default() });
        let begun = Instant::now();
        let snapshot = fetch_noting(settings(&server, home.path()), &notes, &Cancel::default()).unwrap();
        assert!(is_whole(&snapshot.directory) && begun.elapsed() >= Duration::from_secs(2), "{header}");
        assert!(notes.text().contains("the hub asks to wait 1 s"), "{}", notes.text());
    }
}

#[test]
fn a_wait_beyond_the_budget_is_refused_with_the_time_unless_the_cache_does() {
    let (server, home, notes) = (start(), tempfile::tempdir().unwrap(), Notes::default());
    server.set(Faults { busy: (99, "Retry-After: 86400"), ..Faults::default() });
    let error = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap_err().to_string();
    for part in ["status 429", "86400 s (24.0 h)", "until ", "GMT", "60 s are waited at most", "hint: come back then"] {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    server.set(Faults::default());
    fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    server.set(Faults { busy: (99, "Retry-After: 86400"), ..Faults::default() });
    let snapshot = fetch_noting(settings(&server, home.path()), &notes, &Cancel::default()).unwrap();
    assert!(is_whole(&snapshot.directory));
    assert!(notes.text().contains("86400 s") && notes.text().contains("taken from the cache"), "{}", notes.text());
}

#[test]
fn a_request_to_stop_ends_a_wait_at_once() {
    let stopped = |faults: Faults| {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        server.set(faults);
        let (cancel, begun) = (Cancel::default(), Instant::now());
        let asked = cancel.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            asked.cancel();
        });
        let error = fetch_noting(settings(&server, home.path()), &Notes::default(), &cancel).unwrap_err();
        assert!(matches!(error, HubError::Cancelled), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(3));
    };
    stopped(Faults { busy: (9, "Retry-After: 50"), ..Faults::default() });
    stopped(Faults { slow: Duration::from_secs(20), ..Faults::default() });
}

#[test]
fn a_file_that_is_not_as_large_as_announced_is_given_up_with_both_sizes() {
    let len = weights().len() as i64;
    for (announced, without_length) in [(5, false), (-5, false), (5, true), (-5, true), (len, true), (1 - len, true)] {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        server.set(Faults { announced, without_length, ..Faults::default() });
        let error = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("{}", len + announced)), "{announced}: {text}");
        assert!(text.contains(&format!("{len}")) || announced < 0 && without_length, "{announced}: {text}");
        assert!(text.contains("hint:"), "{text}");
        assert!(server.requests().len() < 20, "after some tries");
        server.set(Faults::default());
        assert!(is_whole(&fetch(settings(&server, home.path()), "acme/tiny", None).unwrap().directory));
    }
}

#[test]
fn a_page_in_a_files_place_is_given_up_with_its_content_type() {
    for (page, without_length) in [(160_000, false), (160_000, true), (900_000, true), (10, false)] {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
        std::fs::remove_dir_all(home.path().join("hub/models--acme--tiny/snapshots")).unwrap();
        let blob = home.path().join("hub/models--acme--tiny/blobs").join(lam_store::hash_bytes(&weights()));
        std::fs::remove_file(blob).unwrap();
        server.requests();
        server.set(Faults { page, without_length, ..Faults::default() });
        let error = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("text/html") && text.contains(&format!("{}", weights().len())), "{page}: {text}");
        assert!(without_length || text.contains(&format!("{}", page + 6)), "{page}: {text}");
        assert!(server.requests().len() < 12 && error.kind() == FaultKind::Data, "{page}");
    }
}

#[test]
fn a_connection_that_always_breaks_at_the_same_place_is_given_up() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    server.set(Faults { cut_after: 50_000, cuts: 99, ignores_ranges: true, ..Faults::default() });
    let error = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap_err().to_string();
    assert!(error.contains("hint:") && server.requests().len() < 12, "{error}");
    server.set(Faults { cut_after: 9_000, cuts: 99, ..Faults::default() });
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert!(is_whole(&snapshot.directory), "but as long as it goes on, it goes on");
}

#[test]
fn a_token_is_not_shown_to_the_storage_that_the_hub_redirects_to() {
    let (hub, storage, home) = (start(), start(), tempfile::tempdir().unwrap());
    hub.set(Faults {
        token: Some(("hf_token_of_the_hub", "")),
        storage: Some(storage.endpoint.clone()),
        ..Faults::default()
    });
    let settings = HubSettings { token: Secret::new("hf_token_of_the_hub"), ..settings(&hub, home.path()) };
    let snapshot = fetch(settings, "acme/tiny", None).unwrap();
    assert!(is_whole(&snapshot.directory));
    let taken = storage.requests();
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|request| request.token.is_none()), "{taken:?}");
    assert!(hub.requests().iter().all(|request| request.token.is_some()));
}

#[test]
fn what_signs_an_address_of_storage_is_told_nowhere() {
    let (hub, home, notes) = (start(), tempfile::tempdir().unwrap(), Notes::default());
    let nobody = "http://127.0.0.1:1/tiny?X-Amz-Signature=abc&path=".to_owned();
    hub.set(Faults { storage: Some(nobody), ..Faults::default() });
    let error = fetch_noting(settings(&hub, home.path()), &notes, &Cancel::default()).unwrap_err();
    let text = format!("{error} {error:?} {}", notes.text());
    assert!(text.contains("http://127.0.0.1:1/tiny") && !text.contains("Signature"), "{text}");
}

#[test]
fn two_fetches_of_one_model_download_it_once() {
    for directory in [false, true] {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        server.set(Faults { slow: Duration::from_millis(400), ..Faults::default() });
        let place = directory.then(|| home.path().join("tiny"));
        let (one, other) = (Notes::default(), Notes::default());
        let cancel = Cancel::default();
        let fetch = |notes: &Notes| {
            let monitor = Monitor { progress: notes, cancel: &cancel };
            Hub::new(settings(&server, home.path())).fetch(&"acme/tiny".parse().unwrap(), place.as_deref(), monitor)
        };
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| fetch(&one));
            let second = fetch(&other);
            (first.join().unwrap().unwrap(), second.unwrap())
        });
        assert!(is_whole(&first.directory) && first.directory == second.directory);
        let weights = server.requests().into_iter().filter(|request| request.path.ends_with("model.safetensors"));
        assert_eq!(weights.count(), 1, "the second waits for the first");
        let notes = format!("{}{}", one.text(), other.text());
        assert!(notes.contains("is being downloaded already; waiting for that"), "{notes}");
        let left =
            std::fs::read_dir(place.unwrap_or_else(|| home.path().join("hub/models--acme--tiny/blobs"))).unwrap();
        assert_eq!(left.count(), 3, "nothing unfinished stays");
    }
}

/// Every file and folder below, with its size and when it was written.
fn state(place: &Path) -> Vec<(String, u64, SystemTime)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.metadata().unwrap());
        found.push((path.display().to_string(), kind.len(), kind.modified().unwrap()));
        if kind.is_dir() {
            found.extend(state(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn a_cache_that_has_what_is_needed_is_not_written() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    let before = state(home.path());
    for id in ["acme/tiny", &format!("acme/tiny@{COMMIT}")] {
        assert!(is_whole(&fetch(settings(&server, home.path()), id, None).unwrap().directory));
    }
    assert_eq!(state(home.path()), before);
    // A copy without the blobs, as archives unpack it where there are no links.
    let snapshot = home.path().join(format!("hub/models--acme--tiny/snapshots/{COMMIT}"));
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let bytes = std::fs::read(snapshot.join(name)).unwrap();
        std::fs::remove_file(snapshot.join(name)).unwrap();
        std::fs::write(snapshot.join(name), bytes).unwrap();
    }
    std::fs::remove_dir_all(home.path().join("hub/models--acme--tiny/blobs")).unwrap();
    let before = state(home.path());
    server.requests();
    assert_eq!(fetch(settings(&server, home.path()), "acme/tiny", None).unwrap().downloaded_bytes, 0);
    assert_eq!((state(home.path()), server.requests().len()), (before, 1));
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_written_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let (server, home, notes) = (start(), tempfile::tempdir().unwrap(), Notes::default());
    fetch(settings(&server, home.path()), &format!("acme/tiny@{COMMIT}"), None).unwrap();
    let root = home.path().join("hub/models--acme--tiny");
    let allow = |mode| std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let is_root = std::fs::create_dir(root.join("probe")).is_ok();
    if !is_root {
        let snapshot = fetch_noting(settings(&server, home.path()), &notes, &Cancel::default()).unwrap();
        assert!(is_whole(&snapshot.directory) && notes.text().contains("cannot be written"), "{}", notes.text());
    }
    allow(0o755);
}

/// An address where every question is answered with this page.
fn behind_page(status: &'static str, page: &'static str) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
        }
    });
    endpoint
}

#[test]
fn an_answer_that_is_no_listing_is_told_with_its_content_type() {
    let page = "<html>Please \u{1b}[31mlog in</html>";
    for (status, told) in [
        ("200 OK", "Please \\u001b[31mlog in"),
        ("401 Unauthorized", "status 401 with a page"),
        ("403 Forbidden", "status 403 with a page"),
        ("404 Not Found", "status 404 with a page"),
    ] {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        let behind_page = HubSettings { endpoint: behind_page(status, page), ..settings(&server, home.path()) };
        let text = fetch(behind_page.clone(), "acme/tiny", None).unwrap_err().to_string();
        assert!(text.contains("`text/html`") && text.contains(told), "{text}");
        fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
        let notes = Notes::default();
        fetch_noting(behind_page, &notes, &Cancel::default()).unwrap();
        assert!(notes.text().contains("taken from the cache"), "{}", notes.text());
    }
}
