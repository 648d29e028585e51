//! A hub on this machine that takes uploads: repositories, storage beside them, commits, listings; and what goes wrong
//! with all that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::server::{Answer, Request, counts_down, git_hash, listen};

/// The token that may write.
pub const TOKEN: &str = "hf_token_that_may_write";
/// The query of storage's addresses, which is nobody else's business.
const SIGNATURE: &str = "signature=of-an-hour";

/// What goes wrong; each number counts down with every answer that it spoils.
#[derive(Default)]
pub struct Faults {
    /// How many requests are answered with 429 and this header.
    pub busy: (u32, &'static str),
    /// How many uploads to storage break.
    pub broken: u32,
    /// How many uploads to storage are refused, as if their address were too old.
    pub expired: u32,
    /// How many commits are made, and the answer is lost.
    pub lost_commits: u32,
    /// Requests whose path has this in it are answered with this status and message.
    pub refused: Option<(&'static str, &'static str, &'static str)>,
    /// The listing tells another hash of this file.
    pub wrong_hash: Option<&'static str>,
    /// Files of more bytes than this are sent in parts of so many.
    pub part: usize,
    /// Files of a listing's page; 0 for all on one.
    pub page: usize,
    /// Repositories are made for everybody to read, whatever is asked.
    pub always_public: bool,
    /// The repository's `.gitignore` names this file.
    pub ignored: Option<&'static str>,
    /// Storage is asked for a way that was not offered.
    pub other_transfer: bool,
    /// How long storage takes.
    pub slow: Duration,
}

/// A repository.
#[derive(Clone, Default)]
pub struct Repository {
    pub private: bool,
    /// Each commit's files by name.
    pub commits: Vec<BTreeMap<String, Vec<u8>>>,
}

/// A running hub; it ends with the test.
pub struct Receiver {
    pub endpoint: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    endpoint: String,
    /// By `models/OWNER/NAME` or `datasets/OWNER/NAME`.
    repositories: BTreeMap<String, Repository>,
    /// What was put, by SHA-256.
    storage: BTreeMap<String, Vec<u8>>,
    /// Parts by SHA-256 of the whole and number.
    parts: BTreeMap<(String, u64), Vec<u8>>,
    faults: Faults,
    requests: Vec<Request>,
}

impl Receiver {
    /// A hub without a repository.
    pub fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let heard = Arc::clone(&shared);
        let endpoint = listen(move |request| {
            let slow = heard.lock().expect("no handler panics").faults.slow;
            if request.method == "PUT" {
                std::thread::sleep(slow);
            }
            let mut shared = heard.lock().expect("no handler panics");
            shared.requests.push(request.clone());
            shared.answer(&request)
        });
        shared.lock().expect("no handler panics").endpoint.clone_from(&endpoint);
        Self { endpoint, shared }
    }

    /// What goes wrong from now on.
    pub fn set(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// What was asked since the last call: method and path, without the signatures of storage.
    pub fn asked(&self) -> Vec<String> {
        let told = |request: Request| {
            let is_storage = request.path.starts_with("/storage/");
            assert_eq!(request.token.is_none(), is_storage, "a token is for the hub: {}", request.path);
            assert!(!is_storage || request.path.ends_with(SIGNATURE), "{}", request.path);
            format!("{} {}", request.method, request.path.split('?').next().unwrap_or_default())
        };
        std::mem::take(&mut self.lock().requests).into_iter().map(told).collect()
    }

    /// A repository by `models/OWNER/NAME` or `datasets/OWNER/NAME`.
    pub fn repository(&self, name: &str) -> Repository {
        self.lock().repositories.get(name).cloned().unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Lets somebody else change a repository.
    pub fn change(&self, name: &str, file: &str, bytes: &[u8]) {
        let mut shared = self.lock();
        let repository = shared.repositories.entry(name.to_owned()).or_default();
        let mut files = repository.commits.last().cloned().unwrap_or_default();
        files.insert(file.to_owned(), bytes.to_vec());
        repository.commits.push(files);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no handler panics")
    }
}

/// The hash of a repository's commit by its number, from 0.
pub fn commit_hash(number: usize) -> String {
    format!("{:040x}", 0xc0ffee_u64 + number as u64)
}

/// Whether the hub takes a file beside the commit.
fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".parquet")
}

fn ok(value: Value) -> Answer {
    Answer::new("200 OK", "Content-Type: application/json\r\n", value.to_string().into_bytes())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

impl Shared {
    fn answer(&mut self, request: &Request) -> Answer {
        if counts_down(&mut self.faults.busy.0) {
            return Answer::new("429 Too Many Requests", &format!("{}\r\n", self.faults.busy.1), Vec::new());
        }
        if let Some((_, status, message)) = self.faults.refused.filter(|(part, ..)| request.path.contains(part)) {
            return Answer::new(status, "", json!({ "error": message }).to_string().into_bytes());
        }
        let path = request.path.split('?').next().unwrap_or_default().to_owned();
        if let Some(place) = path.strip_prefix("/storage/") {
            return self.store(place, request);
        }
        if request.token.as_deref() != Some(TOKEN) && request.method == "POST" {
            return Answer::new("401 Unauthorized", "X-Error-Message: Invalid credentials\r\n", Vec::new());
        }
        if path == "/api/repos/create" {
            return self.create(&body(request));
        }
        if let Some(name) = path.strip_suffix(".git/info/lfs/objects/batch") {
            assert!(!name.contains("/models/"), "models stand right below the hub");
            return self.batch(&body(request));
        }
        match path.strip_prefix("/verify/").or_else(|| path.strip_prefix("/complete/")) {
            Some(hash) if path.starts_with("/verify/") => self.verify(hash, &body(request)),
            Some(hash) => self.complete(hash, &body(request)),
            None => self.of_repository(&path, request),
        }
    }

    /// `/api/models/OWNER/NAME`, and what stands below it.
    fn of_repository(&mut self, path: &str, request: &Request) -> Answer {
        let Some(below) = path.strip_prefix("/api/") else { return self.file(path) };
        let parts: Vec<&str> = below.splitn(5, '/').collect();
        let name = parts.iter().take(3).copied().collect::<Vec<_>>().join("/");
        let Some(repository) = self.repositories.get(&name) else {
            return Answer::refusal("404 Not Found", "RepoNotFound");
        };
        let last = repository.commits.len().checked_sub(1);
        let info = json!({
            "id": parts[1..3].join("/"),
            "sha": last.map(commit_hash),
            "private": repository.private,
        });
        match (parts.get(3).copied(), parts.get(4).copied()) {
            (None, _) => ok(info),
            (Some("preupload"), _) => self.modes(&body(request)),
            (Some("commit"), _) => self.commit(&name, request),
            (Some("tree"), Some(commit)) => self.tree(&name, commit, request),
            (Some("revision"), _) => self.siblings(&name),
            _ => Answer::refusal("404 Not Found", ""),
        }
    }

    fn create(&mut self, asked: &Value) -> Answer {
        let text = |key: &str| asked[key].as_str().expect("a text").to_owned();
        let name = format!("{}s/{}/{}", text("type"), text("organization"), text("name"));
        if self.repositories.contains_key(&name) {
            return Answer::refusal("409 Conflict", "");
        }
        let private = asked["private"] == true && !self.faults.always_public;
        let first = BTreeMap::from([(".gitattributes".to_owned(), b"*.safetensors filter=lfs\n".to_vec())]);
        self.repositories.insert(name.clone(), Repository { private, commits: vec![first] });
        ok(json!({ "url": format!("{}/{name}", self.endpoint) }))
    }

    fn modes(&self, asked: &Value) -> Answer {
        let files = asked["files"].as_array().expect("a list").iter().map(|file| {
            let name = file["path"].as_str().expect("a name");
            let sample = BASE64_STANDARD.decode(file["sample"].as_str().expect("a sample")).expect("Base64");
            assert_eq!(sample.len() as u64, file["size"].as_u64().expect("a size").min(512), "{name}");
            let mode = if is_large(name) { "lfs" } else { "regular" };
            json!({ "path": name, "uploadMode": mode, "shouldIgnore": self.faults.ignored == Some(name), "oid": null })
        });
        ok(json!({ "files": files.collect::<Vec<_>>() }))
    }

    fn batch(&self, asked: &Value) -> Answer {
        assert_eq!((&asked["operation"], &asked["hash_algo"]), (&json!("upload"), &json!("sha256")));
        let objects = asked["objects"].as_array().expect("a list").iter().map(|object| {
            let (hash, size) = (object["oid"].as_str().expect("a hash"), object["size"].as_u64().expect("a size"));
            let mut answer = object.clone();
            if !self.storage.contains_key(hash) {
                let verify = json!({ "href": format!("{}/verify/{hash}", self.endpoint), "header": {} });
                answer["actions"] = json!({ "upload": self.upload(hash, size as usize), "verify": verify });
            }
            answer
        });
        let transfer = if self.faults.other_transfer { "xet" } else { "basic" };
        ok(json!({ "transfer": transfer, "objects": objects.collect::<Vec<_>>() }))
    }

    fn upload(&self, hash: &str, size: usize) -> Value {
        let place = format!("{}/storage/{hash}", self.endpoint);
        let part = self.faults.part;
        if part == 0 || size <= part {
            return json!({ "href": format!("{place}?{SIGNATURE}") });
        }
        let mut header = json!({ "chunk_size": part.to_string() });
        for number in 1..=size.div_ceil(part) {
            header[format!("{number:05}")] = json!(format!("{place}/{number}?{SIGNATURE}"));
        }
        // As from the hub behind a mirror.
        json!({ "href": format!("https://huggingface.co/complete/{hash}"), "header": header })
    }

    fn store(&mut self, place: &str, request: &Request) -> Answer {
        assert_eq!(request.method, "PUT");
        if counts_down(&mut self.faults.broken) {
            return Answer { is_lost: true, ..Answer::new("200 OK", "", Vec::new()) };
        }
        if counts_down(&mut self.faults.expired) {
            return Answer::new("403 Forbidden", "Content-Type: application/xml\r\n", b"<Error/>".to_vec());
        }
        match place.split_once('/') {
            Some((hash, number)) => {
                let number = number.parse().expect("a number");
                self.parts.insert((hash.to_owned(), number), request.body.clone());
                Answer::new("200 OK", &format!("ETag: \"part-{number}\"\r\n"), Vec::new())
            }
            None if lam_store::hash_bytes(&request.body) != place => Answer::new("400 Bad Request", "", Vec::new()),
            None => {
                self.storage.insert(place.to_owned(), request.body.clone());
                Answer::new("200 OK", "ETag: \"whole\"\r\n", Vec::new())
            }
        }
    }

    fn complete(&mut self, hash: &str, asked: &Value) -> Answer {
        let parts = asked["parts"].as_array().expect("a list");
        for (index, part) in parts.iter().enumerate() {
            let expected = json!({ "partNumber": index + 1, "etag": format!("\"part-{}\"", index + 1) });
            assert_eq!(*part, expected);
        }
        let one = |index: usize| self.parts[&(hash.to_owned(), index as u64 + 1)].clone();
        let whole: Vec<u8> = (0..parts.len()).flat_map(one).collect();
        if lam_store::hash_bytes(&whole) != hash {
            return Answer::new("400 Bad Request", "", Vec::new());
        }
        self.storage.insert(hash.to_owned(), whole);
        ok(json!({}))
    }

    fn verify(&self, hash: &str, asked: &Value) -> Answer {
        let size = self.storage.get(hash).map(Vec::len);
        match asked["oid"] == hash && asked["size"].as_u64() == size.map(|size| size as u64) {
            true => ok(json!({})),
            false => Answer::new("422 Unprocessable Entity", "", Vec::new()),
        }
    }

    fn commit(&mut self, name: &str, request: &Request) -> Answer {
        let text = String::from_utf8(request.body.clone()).expect("UTF-8");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let (header, files) = lines.split_first().expect("a header");
        assert!(header["key"] == "header" && header["value"]["summary"].as_str().is_some_and(|text| !text.is_empty()));
        let repository = self.repositories.get_mut(name).expect("it was looked for");
        let last = repository.commits.len().checked_sub(1);
        let parent = header["value"]["parentCommit"].as_str();
        if parent.is_some() && parent != last.map(commit_hash).as_deref() {
            let error = json!({ "error": "A commit has happened since. Please refresh and try again." });
            return Answer::new("412 Precondition Failed", "", error.to_string().into_bytes());
        }
        let mut held = repository.commits.last().cloned().unwrap_or_default();
        for line in files {
            let (file, value) = (line["value"]["path"].as_str().expect("a name"), &line["value"]);
            let bytes = match line["key"].as_str().expect("a key") {
                "lfsFile" => self.storage[value["oid"].as_str().expect("a hash")].clone(),
                "file" => BASE64_STANDARD.decode(value["content"].as_str().expect("bytes")).expect("Base64"),
                other => panic!("`{other}` is no line of a commit"),
            };
            held.insert(file.to_owned(), bytes);
        }
        repository.commits.push(held);
        let hash = commit_hash(repository.commits.len() - 1);
        let lost = counts_down(&mut self.faults.lost_commits);
        Answer { is_lost: lost, ..ok(json!({ "commitOid": hash, "commitUrl": "", "success": true })) }
    }

    fn tree(&self, name: &str, commit: &str, request: &Request) -> Answer {
        let commits = &self.repositories[name].commits;
        let number = (0..commits.len()).find(|number| commit_hash(*number) == commit).expect("a commit");
        let entry = |(file, bytes): (&String, &Vec<u8>)| {
            let (mut sha256, mut git) = (lam_store::hash_bytes(bytes), git_hash(bytes));
            if self.faults.wrong_hash == Some(file) {
                (sha256, git) = ("0".repeat(64), "0".repeat(40));
            }
            let mut entry = json!({ "type": "file", "path": file, "size": bytes.len(), "oid": git });
            if is_large(file) {
                entry["oid"] = json!("1".repeat(40));
                entry["lfs"] = json!({ "oid": sha256, "size": bytes.len(), "pointerSize": 130 });
            }
            entry
        };
        let mut all: Vec<Value> = commits[number].iter().map(entry).collect();
        all.push(json!({ "type": "directory", "path": "base", "oid": "2".repeat(40), "size": 0 }));
        let first = request.path.split_once("cursor=").map_or(0, |(_, at)| at.parse().expect("a number"));
        let size = if self.faults.page == 0 { all.len() } else { self.faults.page };
        let rest = all.len().saturating_sub(first + size);
        let next = format!("https://huggingface.co/api/{name}/tree/{commit}?recursive=true&cursor={}", first + size);
        let link = if rest > 0 { format!("Link: <{next}>; rel=\"next\"\r\n") } else { String::new() };
        let page: Vec<Value> = all.into_iter().skip(first).take(size).collect();
        Answer::new("200 OK", &link, json!(page).to_string().into_bytes())
    }

    /// The listing that downloads begin with.
    fn siblings(&self, name: &str) -> Answer {
        let commits = &self.repositories[name].commits;
        let last = commits.last().expect("a commit");
        let of = |(file, bytes): (&String, &Vec<u8>)| {
            let mut entry = json!({ "rfilename": file, "size": bytes.len(), "blobId": git_hash(bytes) });
            if is_large(file) {
                entry["lfs"] = json!({ "sha256": lam_store::hash_bytes(bytes), "size": bytes.len() });
            }
            entry
        };
        let siblings: Vec<Value> = last.iter().map(of).collect();
        ok(json!({ "sha": commit_hash(commits.len() - 1), "siblings": siblings }))
    }

    /// `/OWNER/NAME/resolve/COMMIT/FILE` of a model.
    fn file(&self, path: &str) -> Answer {
        let found = path.trim_start_matches('/').split_once("/resolve/").and_then(|(name, rest)| {
            let file = rest.split_once('/')?.1;
            self.repositories.get(&format!("models/{name}"))?.commits.last()?.get(file)
        });
        found.map_or_else(
            || Answer::refusal("404 Not Found", "EntryNotFound"),
            |bytes| Answer::new("200 OK", "", bytes.clone()),
        )
    }
}
