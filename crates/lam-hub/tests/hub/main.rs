//! Fetching from a hub on this machine: interruptions, refusals, damage, the cache that other tools share. And sending.

mod bad_days;
mod from_cache;
mod receiver;
mod server;
mod upload;
mod upload_trouble;

use std::path::Path;
use std::time::Duration;

use lam_hub::{Hub, HubError, HubSettings, ModelId, Snapshot};
use lam_signal::{Cancel, Monitor, NoProgress, Progress, Secret};
use lam_weights::WeightFiles;
use server::{COMMIT, Faults, Server};

const HEADER: &str = r#"{"a":{"dtype":"BF16","shape":[100,1000],"data_offsets":[0,200000]}}"#;

fn weights() -> Vec<u8> {
    let mut bytes = (HEADER.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(HEADER.as_bytes());
    bytes.extend((0..200_000u32).map(|number| (number * 7 % 251) as u8));
    bytes
}

fn start() -> Server {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    Server::start(vec![
        file("README.md", "# Tiny"),
        file("config.json", r#"{"model_type":"mistral"}"#),
        file("tokenizer.json", "{}"),
        ("model.safetensors".to_owned(), weights()),
        ("consolidated.safetensors".to_owned(), weights()),
    ])
}

fn settings(server: &Server, home: &Path) -> HubSettings {
    HubSettings {
        endpoint: server.endpoint.clone(),
        token: None,
        cache: home.join("hub"),
        offline: false,
        timeout: Duration::from_secs(5),
        retries: 3,
        pause: Duration::from_millis(1),
        max_wait: Duration::from_secs(60),
    }
}

fn fetch(settings: HubSettings, id: &str, directory: Option<&Path>) -> Result<Snapshot, HubError> {
    let monitor = Monitor { progress: &NoProgress, cancel: &Cancel::default() };
    Hub::new(settings).fetch(&id.parse::<ModelId>()?, directory, monitor)
}

#[test]
fn further_templates_lie_in_their_folder() {
    let (home, name) = (tempfile::tempdir().unwrap(), "additional_chat_templates/tool_use.jinja");
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let files = vec![file("config.json", "{}"), file(name, "{{ x }}"), ("model.safetensors".to_owned(), weights())];
    let server = Server::start(files);
    let plain = home.path().join("plain");
    for directory in [None, Some(plain.as_path())] {
        let snapshot = fetch(settings(&server, home.path()), "acme/tiny", directory).unwrap();
        assert_eq!(std::fs::read_to_string(snapshot.directory.join(name)).unwrap(), "{{ x }}");
    }
    let again = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!(again.downloaded_bytes, 0);
}

#[test]
fn a_model_is_fetched_once_into_the_cache_that_other_tools_read() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!(snapshot.directory, home.path().join(format!("hub/models--acme--tiny/snapshots/{COMMIT}")));
    let names: Vec<_> = snapshot.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["config.json", "tokenizer.json", "model.safetensors"]);
    assert_eq!(std::fs::read(snapshot.directory.join("model.safetensors")).unwrap(), weights());
    let main = std::fs::read_to_string(home.path().join("hub/models--acme--tiny/refs/main")).unwrap();
    assert_eq!(main, COMMIT);
    assert_eq!(server.requests().len(), 4);

    let again = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!((again.directory, again.downloaded_bytes), (snapshot.directory.clone(), 0));
    assert_eq!(server.requests().len(), 1, "only the listing is asked for again");

    let offline = HubSettings { offline: true, ..settings(&server, home.path()) };
    assert_eq!(fetch(offline.clone(), "acme/tiny", None).unwrap().directory, snapshot.directory);
    assert_eq!(fetch(offline.clone(), &format!("acme/tiny@{COMMIT}"), None).unwrap().directory, snapshot.directory);
    let error = fetch(offline, "acme/other", None).unwrap_err().to_string();
    assert!(error.contains("HF_HUB_OFFLINE") && error.contains("hint:"), "{error}");
    assert!(server.requests().is_empty(), "offline is offline");

    let gone = HubSettings { endpoint: "http://127.0.0.1:1".into(), ..settings(&server, home.path()) };
    assert_eq!(fetch(gone.clone(), "acme/tiny", None).unwrap().commit, COMMIT);
    let error = fetch(gone, "acme/other", None).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("hint: check the network"), "{error}");
}

#[test]
fn a_broken_connection_goes_on_where_it_broke() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    server.set(Faults { cut_after: 50_000, cuts: 3, ..Faults::default() });
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!(std::fs::read(snapshot.directory.join("model.safetensors")).unwrap(), weights());
    let ranges: Vec<_> = server.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges, ["bytes=50000-", "bytes=100000-", "bytes=150000-"]);
}

/// Stops the work as soon as weights arrive.
struct Stopping(Cancel);

impl Progress for Stopping {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, message: &str) {
        if message == "model.safetensors" {
            self.0.cancel();
        }
    }
    fn note(&self, _line: &str) {}
    fn end(&self) {}
}

#[test]
fn a_download_that_was_stopped_is_resumed_by_the_next_one() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let cancel = Cancel::default();
    let stopping = Stopping(cancel.clone());
    let monitor = Monitor { progress: &stopping, cancel: &cancel };
    let hub = Hub::new(settings(&server, home.path()));
    let error = hub.fetch(&"acme/tiny".parse().unwrap(), None, monitor).unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    server.requests();
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!(std::fs::read(snapshot.directory.join("model.safetensors")).unwrap(), weights());
    let [_, resumed] = &server.requests()[..] else { panic!("the listing and the rest of one file") };
    assert!(resumed.range.as_ref().is_some_and(|range| range != "bytes=0-"), "{resumed:?}");
    assert!(snapshot.downloaded_bytes < weights().len() as u64);
}

#[test]
fn a_server_without_ranges_and_an_unfit_remainder_begin_anew() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    server.set(Faults { cut_after: 50_000, cuts: 1, ignores_ranges: true, ..Faults::default() });
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    assert_eq!(std::fs::read(snapshot.directory.join("model.safetensors")).unwrap(), weights());

    // What an earlier try left is too long, or has other bytes.
    server.set(Faults::default());
    for left in [vec![7; 300_000], vec![7; 1000], vec![7; weights().len()]] {
        let home = tempfile::tempdir().unwrap();
        let blobs = home.path().join("hub/models--acme--tiny/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join(format!("{}.incomplete", lam_store::hash_bytes(&weights()))), left).unwrap();
        let snapshot = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
        assert_eq!(std::fs::read(snapshot.directory.join("model.safetensors")).unwrap(), weights());
    }
}

#[test]
fn bytes_that_are_not_those_announced_are_never_kept() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    server.set(Faults { changed: 9, ..Faults::default() });
    let error = fetch(settings(&server, home.path()), "acme/tiny", None).unwrap_err().to_string();
    assert!(error.contains("announced was") && error.contains("hint:"), "{error}");
    let blobs = home.path().join("hub/models--acme--tiny/blobs");
    assert_eq!(std::fs::read_dir(blobs).unwrap().count(), 2, "the two small files");
    server.set(Faults::default());
    fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
}

#[test]
fn a_busy_hub_is_asked_again_and_given_up_at_last() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    server.set(Faults { unavailable: 2, ..Faults::default() });
    fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    server.set(Faults { unavailable: 99, ..Faults::default() });
    let error = fetch(settings(&server, home.path()), "acme/tiny@other", None).unwrap_err().to_string();
    assert!(error.contains("status 503"), "{error}");
}

#[test]
fn refusals_say_what_to_do() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let refused = |id: &str, token: Option<&str>, words: &[&str]| {
        let settings = HubSettings { token: token.and_then(Secret::new), ..settings(&server, home.path()) };
        let error = fetch(settings, id, None).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        assert!(!error.contains("sesame"), "{error}");
    };
    refused("acme/none", None, &["acme/none", "no such model", "hint: check owner and name"]);
    refused("acme/tiny@v9", None, &["no revision `v9`", "hint: name a branch"]);
    server.set(Faults { token: Some(("sesame", "GatedRepo")), ..Faults::default() });
    refused("acme/tiny", None, &["401", "hint: its owner asks for consent", "HF_TOKEN"]);
    server.set(Faults { token: Some(("sesame", "")), ..Faults::default() });
    refused("acme/tiny", None, &["401", "set HF_TOKEN"]);
    refused("acme/tiny", Some("wrong"), &["401", "the token in HF_TOKEN may read"]);
    let known = HubSettings { token: Secret::new("sesame"), ..settings(&server, home.path()) };
    fetch(known, "acme/tiny", None).unwrap();
}

#[test]
fn a_directory_that_is_named_holds_the_files_and_is_never_overwritten() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let directory = home.path().join("tiny");
    let snapshot = fetch(settings(&server, home.path()), "acme/tiny", Some(&directory)).unwrap();
    assert_eq!(snapshot.directory, directory);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 3);
    assert!(!home.path().join("hub").exists());
    let again = fetch(settings(&server, home.path()), "acme/tiny", Some(&directory)).unwrap();
    assert_eq!(again.downloaded_bytes, 0);
    std::fs::write(directory.join("config.json"), "{}").unwrap();
    let error = fetch(settings(&server, home.path()), "acme/tiny", Some(&directory)).unwrap_err().to_string();
    assert!(error.contains("tiny/config.json") && error.contains("hint: choose another"), "{error}");
    assert_eq!(std::fs::read_to_string(directory.join("config.json")).unwrap(), "{}");
}

#[test]
fn an_outline_needs_no_weights() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let monitor = Monitor { progress: &NoProgress, cancel: &Cancel::default() };
    let id = "acme/tiny".parse().unwrap();
    let hub = Hub::new(settings(&server, home.path()));
    let (snapshot, shards) = hub.headers(&id, monitor).unwrap();
    assert!(snapshot.directory.join("config.json").exists() && !snapshot.directory.join("model.safetensors").exists());
    assert_eq!((shards.len(), shards[0].parameters(), shards[0].header.end), (1, 100_000, weights().len() as u64));
    fetch(settings(&server, home.path()), "acme/tiny", None).unwrap();
    let directory = hub.headers(&id, monitor).unwrap().0.directory;
    let fetched = WeightFiles::open(&directory, "model").unwrap();
    assert_eq!(
        fetched.shards[0].header.tensors.keys().collect::<Vec<_>>(),
        shards[0].header.tensors.keys().collect::<Vec<_>>()
    );
}
