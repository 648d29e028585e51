//! Uploads on bad days: waits, refusals, lost answers, others who commit, files that change, listings that lie.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use lam_hub::{Hub, HubError, HubSettings};
use lam_signal::{Cancel, Fault, FaultKind, Monitor, NoProgress, Progress, Secret};

use crate::bad_days::Notes;
use crate::receiver::{Faults, Receiver, commit_hash};
use crate::upload::{FIRST, has_all, model, push_of, send, settings, shard};

#[test]
fn an_address_that_is_too_old_is_asked_for_again_once() {
    let (hub, model) = (Receiver::start(), model());
    hub.set(Faults { expired: 1, ..Faults::default() });
    send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
    hub.set(Faults { expired: 99, ..Faults::default() });
    fs::write(model.path().join(FIRST), shard(3)).unwrap();
    let error = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap_err().to_string();
    assert!(error.contains("status 403") && !error.contains("signature"), "{error}");
}

#[test]
fn a_busy_hub_is_waited_for_within_limits() {
    let (hub, model, notes) = (Receiver::start(), model(), Notes::default());
    hub.set(Faults { busy: (2, "Retry-After: 1"), ..Faults::default() });
    let (cancel, begun) = (Cancel::default(), Instant::now());
    let monitor = Monitor { progress: &notes, cancel: &cancel };
    Hub::new(settings(&hub)).push(&push_of(model.path(), "acme/tiny"), monitor).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2) && notes.text().contains("the hub asks to wait 1 s"));
    hub.set(Faults { busy: (99, "Retry-After: 86400"), ..Faults::default() });
    let error = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap_err().to_string();
    assert!(error.contains("status 429") && error.contains("hint: come back then"), "{error}");
}

#[test]
fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    let (hub, model) = (Receiver::start(), model());
    hub.set(Faults { lost_commits: 1, ..Faults::default() });
    let pushed = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert_eq!(pushed.commit, Some(commit_hash(1)));
    assert_eq!(hub.repository("models/acme/tiny").commits.len(), 2);
}

#[test]
fn refusals_say_what_to_do_and_never_the_token() {
    let (hub, model) = (Receiver::start(), model());
    let push = push_of(model.path(), "acme/tiny");
    let refused = |settings: HubSettings, words: &[&str]| {
        let monitor = Monitor { progress: &NoProgress, cancel: &Cancel::default() };
        let error = Hub::new(settings).push(&push, monitor).unwrap_err();
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
        assert!(!text.contains("another-token"), "{text}");
        error.kind()
    };
    let nobody = HubSettings { token: None, ..settings(&hub) };
    assert_eq!(refused(nobody, &["needs a token", "/settings/tokens", "hf auth login"]), FaultKind::Config);
    let wrong = HubSettings { token: Secret::new("hf_another-token"), ..settings(&hub) };
    assert_eq!(refused(wrong, &["status 401", "Invalid credentials", "hint: the token"]), FaultKind::Data);
    let offline = HubSettings { offline: true, ..settings(&hub) };
    assert_eq!(refused(offline, &["HF_HUB_OFFLINE", "--dry-run"]), FaultKind::Config);
    assert!(hub.asked().iter().all(|line| !line.starts_with("PUT")));
    for (part, status, message, hint) in [
        ("/api/repos/create", "403 Forbidden", "no rights to acme", "you to write for `acme`"),
        ("/api/repos/create", "402 Payment Required", "storage is used up", "plan has no room"),
        ("/preupload/", "403 Forbidden", "read-only token", "the token must be allowed to write"),
        ("/commit/", "413 Payload Too Large", "too large", "larger shards"),
        ("/commit/", "409 Conflict", "busy", "send again"),
        ("/commit/", "400 Bad Request", "invalid front matter", "valid YAML"),
    ] {
        hub.set(Faults { refused: Some((part, status, message)), ..Faults::default() });
        refused(settings(&hub), &[&status[..3], message, hint]);
    }
    hub.set(Faults { other_transfer: true, ..Faults::default() });
    refused(settings(&hub), &["`xet`"]);
    hub.set(Faults { ignored: Some("config.json"), ..Faults::default() });
    refused(settings(&hub), &["config.json: the repository's .gitignore names it"]);
}

#[test]
fn somebody_who_commits_meanwhile_is_not_overwritten() {
    struct Meanwhile<'a>(&'a Receiver);
    impl Progress for Meanwhile<'_> {
        fn begin(&self, what: &str, _total: Option<u64>) {
            if what.starts_with("acme/") {
                self.0.change("models/acme/tiny", "notes.txt", b"theirs");
            }
        }
        fn advance(&self, _done: u64, _message: &str) {}
        fn note(&self, _line: &str) {}
        fn end(&self) {}
    }
    let (hub, model) = (Receiver::start(), model());
    let (meanwhile, cancel) = (Meanwhile(&hub), Cancel::default());
    let monitor = Monitor { progress: &meanwhile, cancel: &cancel };
    let error = Hub::new(settings(&hub)).push(&push_of(model.path(), "acme/tiny"), monitor).unwrap_err().to_string();
    assert!(error.contains("status 412") && error.contains("hint: somebody changed the repository"), "{error}");
    send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
}

/// Changes a file when the upload begins.
struct Writing(PathBuf, Mutex<Vec<u8>>);

impl Progress for Writing {
    fn begin(&self, what: &str, _total: Option<u64>) {
        if what.starts_with("acme/") {
            fs::write(&self.0, &*self.1.lock().unwrap()).unwrap();
            // Clocks of file systems are coarse.
            let later = SystemTime::now() + Duration::from_secs(10);
            fs::File::options().write(true).open(&self.0).unwrap().set_modified(later).unwrap();
        }
    }
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, _line: &str) {}
    fn end(&self) {}
}

#[test]
fn a_file_that_changes_meanwhile_is_not_published() {
    for (name, bytes) in [(FIRST, shard(9)), (FIRST, b"short".to_vec()), ("config.json", b"{}".to_vec())] {
        for part in [0, 90_000] {
            let (hub, model) = (Receiver::start(), model());
            hub.set(Faults { part, ..Faults::default() });
            let writing = Writing(model.path().join(name), Mutex::new(bytes.clone()));
            let cancel = Cancel::default();
            let monitor = Monitor { progress: &writing, cancel: &cancel };
            let error = Hub::new(settings(&hub)).push(&push_of(model.path(), "acme/tiny"), monitor).unwrap_err();
            assert!(matches!(error, HubError::Changed { .. }), "{name}, parts of {part}: {error}");
            assert!(error.to_string().contains(name) && error.to_string().contains("nothing was published"));
            assert_eq!(hub.repository("models/acme/tiny").commits.len(), 1);
        }
    }
}

#[test]
fn a_listing_that_tells_something_else_is_an_error() {
    for name in [FIRST, "config.json"] {
        let (hub, model) = (Receiver::start(), model());
        hub.set(Faults { wrong_hash: Some(name), ..Faults::default() });
        let error = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("the hub has not what was sent") && text.contains(name), "{text}");
        assert!(text.contains("0000") && error.kind() == FaultKind::Runtime, "{text}");
    }
}
