//! Sending to a hub on this machine: new repositories, what is there already, stops, parts, private ones, data sets.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lam_hub::{Folder, Hub, HubError, HubSettings, Push, Pushed, Repository, RepositoryKind, Sent};
use lam_signal::{Cancel, Monitor, NoProgress, Progress, Secret};
use tempfile::TempDir;

use crate::receiver::{Faults, Receiver, TOKEN, commit_hash};

/// A directory with a model in two shards, and a folder below it.
pub fn model() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("README.md", b"---\nlicense: apache-2.0\n---\n# Tiny\n");
    write("config.json", br#"{"model_type":"mistral"}"#);
    write("empty.txt", b"");
    write("base/config.json", br#"{"model_type":"mistral"}"#);
    write("model-00001-of-00002.safetensors", &shard(1));
    write("model-00002-of-00002.safetensors", &shard(2));
    directory
}

const FILES: usize = 6;
pub const FIRST: &str = "model-00001-of-00002.safetensors";
const SECOND: &str = "model-00002-of-00002.safetensors";

pub fn shard(number: u32) -> Vec<u8> {
    (0..200_000_u32).map(|at| (at * 7 % 251 + number) as u8).collect()
}

pub fn settings(hub: &Receiver) -> HubSettings {
    HubSettings {
        endpoint: hub.endpoint.clone(),
        token: Secret::new(TOKEN),
        cache: PathBuf::from("/no/such/cache"),
        offline: false,
        timeout: Duration::from_secs(5),
        retries: 3,
        pause: Duration::from_millis(1),
        max_wait: Duration::from_secs(60),
    }
}

pub fn push_of(directory: &Path, name: &str) -> Push {
    Push {
        repository: Repository::new(RepositoryKind::Model, name).unwrap(),
        files: Folder::read(directory, false).unwrap().files,
        private: false,
        message: "Upload a model".into(),
        dry_run: false,
    }
}

pub fn send(hub: &Receiver, push: &Push) -> Result<Pushed, HubError> {
    Hub::new(settings(hub)).push(push, Monitor { progress: &NoProgress, cancel: &Cancel::default() })
}

fn how(pushed: &Pushed, how: Sent) -> Vec<&str> {
    pushed.files.iter().filter(|file| file.how == how).map(|file| file.name.as_str()).collect()
}

/// Whether the repository's last commit has every file of the directory.
pub fn has_all(hub: &Receiver, name: &str, directory: &Path) -> bool {
    let held = hub.repository(name).commits.pop().unwrap();
    let files = Folder::read(directory, false).unwrap().files;
    files.iter().all(|file| held.get(&file.name) == Some(&fs::read(directory.join(&file.name)).unwrap()))
}

#[test]
fn a_new_repository_gets_everything_in_one_commit_and_a_second_push_sends_nothing() {
    let (hub, model) = (Receiver::start(), model());
    let push = push_of(model.path(), "acme/tiny");
    let pushed = send(&hub, &push).unwrap();
    assert!(pushed.is_new == Some(true) && !pushed.private && pushed.only_there.is_empty());
    assert_eq!((pushed.files.len(), how(&pushed, Sent::Sent).len()), (FILES, FILES));
    assert_eq!(pushed.commit.as_deref(), Some(commit_hash(1).as_str()));
    assert_eq!(pushed.url, format!("{}/acme/tiny", hub.endpoint));
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
    assert_eq!(hub.repository("models/acme/tiny").commits.len(), 2, "the hub's first one, and ours");
    let asked = hub.asked();
    assert_eq!(asked[0], "GET /api/models/acme/tiny");
    assert_eq!(asked[1], "POST /api/repos/create");
    assert_eq!(asked.iter().filter(|line| line.starts_with("PUT /storage/")).count(), 2);
    assert_eq!(asked.iter().filter(|line| line.starts_with("POST /verify/")).count(), 2);
    assert_eq!(asked.iter().filter(|line| line.contains("/commit/main")).count(), 1);
    assert!(asked.last().unwrap().starts_with("GET /api/models/acme/tiny/tree/"), "what came of it is looked at");

    let again = send(&hub, &push).unwrap();
    assert_eq!((how(&again, Sent::Unchanged).len(), again.sent_bytes()), (FILES, 0));
    assert!(again.is_new == Some(false) && again.commit == pushed.commit);
    let first = format!("GET /api/models/acme/tiny/tree/{}", commit_hash(1));
    assert_eq!(hub.asked(), ["GET /api/models/acme/tiny", &first], "it is only looked at");

    fs::write(model.path().join("config.json"), "{}").unwrap();
    let changed = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert_eq!(how(&changed, Sent::Sent), ["config.json"]);
    assert!(!hub.asked().iter().any(|line| line.contains("/storage/")));
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
}

#[test]
fn what_is_sent_can_be_fetched() {
    let (hub, model, home) = (Receiver::start(), model(), tempfile::tempdir().unwrap());
    fs::write(model.path().join("tokenizer.json"), "{}").unwrap();
    fs::rename(model.path().join(FIRST), model.path().join("model.safetensors")).unwrap();
    fs::remove_file(model.path().join(SECOND)).unwrap();
    send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    let settings = HubSettings { cache: home.path().join("hub"), ..settings(&hub) };
    let monitor = Monitor { progress: &NoProgress, cancel: &Cancel::default() };
    let fetched = Hub::new(settings).fetch(&"acme/tiny".parse().unwrap(), None, monitor).unwrap();
    assert_eq!(fetched.commit, commit_hash(1));
    assert_eq!(fs::read(fetched.directory.join("model.safetensors")).unwrap(), shard(1));
}

#[test]
fn others_files_stay_and_are_told() {
    let (hub, model) = (Receiver::start(), model());
    hub.change("models/acme/tiny", "notes.txt", b"theirs");
    let pushed = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert_eq!((pushed.is_new, pushed.only_there.as_slice()), (Some(false), &["notes.txt".to_owned()][..]));
    assert_eq!(hub.repository("models/acme/tiny").commits[1]["notes.txt"], b"theirs");
}

/// Stops the work when the file comes.
struct StoppingAt(&'static str, Cancel);

impl Progress for StoppingAt {
    fn begin(&self, what: &str, _total: Option<u64>) {
        if what == self.0 {
            self.1.cancel();
        }
    }
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, _line: &str) {}
    fn end(&self) {}
}

#[test]
fn an_upload_that_was_stopped_publishes_nothing_and_goes_on_where_it_was() {
    let (hub, model) = (Receiver::start(), model());
    let push = push_of(model.path(), "acme/tiny");
    hub.set(Faults { refused: Some(("/commit/main", "503 Service Unavailable", "")), ..Faults::default() });
    let error = send(&hub, &push).unwrap_err();
    assert!(matches!(error, HubError::Network { .. }), "{error}");
    assert!(error.to_string().contains("status 503") && error.to_string().contains("is kept and the next try"));
    hub.set(Faults::default());
    assert_eq!(hub.repository("models/acme/tiny").commits.len(), 1, "nothing was published");
    hub.asked();
    let pushed = send(&hub, &push).unwrap();
    assert_eq!(how(&pushed, Sent::Stored), [FIRST, SECOND]);
    assert!(!hub.asked().iter().any(|line| line.starts_with("PUT ")), "storage has the large files");
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
}

#[test]
fn a_request_to_stop_ends_an_upload_at_once() {
    let (hub, model) = (Receiver::start(), model());
    hub.set(Faults { slow: Duration::from_secs(20), ..Faults::default() });
    let (cancel, begun) = (Cancel::default(), Instant::now());
    let asked = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        asked.cancel();
    });
    let monitor = Monitor { progress: &NoProgress, cancel: &cancel };
    let error = Hub::new(settings(&hub)).push(&push_of(model.path(), "acme/tiny"), monitor).unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let reading = StoppingAt("reading, MiB", Cancel::default());
    let monitor = Monitor { progress: &reading, cancel: &reading.1 };
    let error = Hub::new(settings(&hub)).push(&push_of(model.path(), "acme/other"), monitor).unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    assert!(!hub.asked().iter().any(|line| line.contains("acme/other")));
}

#[test]
fn large_files_go_in_parts_and_a_broken_part_is_sent_again() {
    let (hub, model) = (Receiver::start(), model());
    hub.set(Faults { part: 90_000, broken: 2, ..Faults::default() });
    send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert!(has_all(&hub, "models/acme/tiny", model.path()));
    let asked = hub.asked();
    let parts = asked.iter().filter(|line| line.starts_with("PUT /storage/"));
    assert_eq!(parts.count(), 2 * 3 + 2, "two files of three parts, and two that broke");
    assert_eq!(asked.iter().filter(|line| line.starts_with("POST /complete/")).count(), 2);
}

#[test]
fn long_listings_come_in_pages() {
    let (hub, model) = (Receiver::start(), model());
    hub.set(Faults { page: 2, ..Faults::default() });
    send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    hub.asked();
    let again = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap();
    assert_eq!(how(&again, Sent::Unchanged).len(), FILES);
    assert_eq!(hub.asked().len(), 1 + 4, "seven files and a folder, two a page");
}

#[test]
fn a_private_repository_is_private_before_anything_is_sent() {
    let (hub, model) = (Receiver::start(), model());
    let private = |name: &str| Push { private: true, ..push_of(model.path(), name) };
    assert!(send(&hub, &private("acme/tiny")).unwrap().private);
    assert!(hub.repository("models/acme/tiny").private);
    assert!(send(&hub, &push_of(model.path(), "acme/tiny")).unwrap().private, "it stays private");
    hub.set(Faults { always_public: true, ..Faults::default() });
    hub.asked();
    for _ in 0..2 {
        let error = send(&hub, &private("acme/open")).unwrap_err();
        assert!(
            matches!(error, HubError::Public { .. }) && error.to_string().contains("/acme/open/settings"),
            "{error}"
        );
    }
    assert!(hub.asked().iter().all(|line| !line.contains("/storage/") && !line.contains("/commit/")));
}

#[test]
fn a_data_set_has_addresses_of_its_own() {
    let (hub, model) = (Receiver::start(), model());
    let repository = Repository::new(RepositoryKind::Dataset, "acme/rows").unwrap();
    let pushed = send(&hub, &Push { repository, ..push_of(model.path(), "acme/rows") }).unwrap();
    assert_eq!(pushed.url, format!("{}/datasets/acme/rows", hub.endpoint));
    assert!(has_all(&hub, "datasets/acme/rows", model.path()));
    assert!(hub.asked().contains(&"POST /datasets/acme/rows.git/info/lfs/objects/batch".to_owned()));
}

#[test]
fn a_dry_run_reads_files_and_asks_nobody() {
    let (hub, model) = (Receiver::start(), model());
    let dry = Push { dry_run: true, ..push_of(model.path(), "acme/tiny") };
    let planned = send(&hub, &dry).unwrap();
    assert_eq!((planned.is_new, planned.commit.clone(), how(&planned, Sent::Sent).len()), (None, None, FILES));
    assert_eq!(planned.url, format!("{}/acme/tiny", hub.endpoint));
    let size = |name: &str| fs::metadata(model.path().join(name)).unwrap().len();
    assert!(planned.files.iter().all(|file| file.bytes == size(&file.name)));
    for offline in [true, false] {
        let nobody = HubSettings { offline, token: None, ..settings(&hub) };
        let monitor = Monitor { progress: &NoProgress, cancel: &Cancel::default() };
        assert_eq!(Hub::new(nobody).push(&dry, monitor).unwrap(), planned);
    }
    assert!(hub.asked().is_empty());
}

#[test]
fn a_file_with_a_key_is_never_sent() {
    let (hub, model) = (Receiver::start(), model());
    let key = format!("hf_{}", "a1B2c3D4e5".repeat(4));
    fs::write(model.path().join("notes.md"), format!("first\nmy token is {key}\n")).unwrap();
    fs::write(model.path().join("config.json"), format!("{{\"token\": \"{TOKEN}\"}}")).unwrap();
    let error = send(&hub, &push_of(model.path(), "acme/tiny")).unwrap_err().to_string();
    assert!(error.contains("notes.md:2: holds what looks like a token of Hugging Face"), "{error}");
    assert!(error.contains("config.json:1: ") && !error.contains(&key) && !error.contains(TOKEN), "{error}");
    assert!(hub.asked().is_empty());
}
