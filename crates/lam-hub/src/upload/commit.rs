//! One commit with all files: how each is taken, the commit itself, and what the hub lists after it.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use lam_http::Request;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::{Calls, parse};
use super::lfs::AT_ONCE;
use super::local::Prepared;
use crate::HubError;
use crate::listing::RemoteFile;

/// Longest answer to a commit, in bytes.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Most bytes of small files in one commit, as the hub takes them.
const MOST_SMALL: u64 = 1 << 30;

/// How the hub takes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Its bytes in the commit.
    Regular,
    /// Its hash in the commit, its bytes beside it.
    Lfs,
}

#[derive(Deserialize)]
struct Modes {
    files: Vec<ModeOf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModeOf {
    path: String,
    upload_mode: Mode,
    #[serde(default)]
    should_ignore: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Committed {
    commit_oid: String,
}

/// Files by the way they are sent.
pub(super) struct Divided<'a> {
    /// In the commit.
    pub(super) small: Vec<&'a Prepared>,
    /// Beside it.
    pub(super) large: Vec<&'a Prepared>,
}

/// Asks how the files are taken.
pub(super) fn divide<'a>(calls: &Calls<'_>, files: &[&'a Prepared]) -> Result<Divided<'a>, HubError> {
    let url = calls.api("preupload/main");
    let mut modes = BTreeMap::new();
    for some in files.chunks(AT_ONCE) {
        let told = |file: &&Prepared| {
            let sample = BASE64_STANDARD.encode(&file.sample);
            json!({ "path": file.name(), "sample": sample, "size": file.size })
        };
        let body = json!({ "files": some.iter().map(told).collect::<Vec<Value>>() });
        let answer: Modes = calls.json(&Request::post(&url, body.to_string()), &url)?;
        modes.extend(answer.files.into_iter().map(|of| (of.path, (of.upload_mode, of.should_ignore))));
    }
    let (mut divided, mut ignored) = (Divided { small: Vec::new(), large: Vec::new() }, Vec::new());
    for &file in files {
        match modes.get(file.name()) {
            None => return Err(HubError::Answer { url, reason: format!("says nothing of {}", file.name()) }),
            Some((_, true)) => ignored.push(format!("{}: the repository's .gitignore names it", file.name())),
            // Storage takes nothing that is empty.
            Some((Mode::Lfs, _)) if file.size > 0 => divided.large.push(file),
            Some(_) => divided.small.push(file),
        }
    }
    if !ignored.is_empty() {
        let hint = "change the .gitignore on the hub, or send a copy without these files";
        return Err(HubError::Unsendable { files: ignored, hint });
    }
    let bytes: u64 = divided.small.iter().map(|file| file.size).sum();
    if bytes > MOST_SMALL {
        let reason = format!("it would take {bytes} bytes of small files into one commit, more than {MOST_SMALL}");
        return Err(HubError::Answer { url, reason });
    }
    Ok(divided)
}

/// Makes the commit over `parent`, and returns its hash.
///
/// A connection that breaks may have broken before or after the hub did it: then the repository itself tells. A parent
/// is named, so that the same commit is never made twice, nor over another's.
pub(super) fn commit(
    calls: &Calls<'_>,
    message: &str,
    parent: Option<&str>,
    divided: &Divided<'_>,
) -> Result<String, HubError> {
    let url = calls.api("commit/main");
    let request = Request::post_as(&url, "application/x-ndjson", lines(message, parent, divided)?);
    let mut tries = calls.client.tries();
    let mut may_be_there = false;
    loop {
        let error = match calls.ask(request.clone(), &url).and_then(|reply| Ok(reply.text(LONGEST_ANSWER)?)) {
            Ok(text) => return Ok(parse::<Committed>(&text, &url)?.commit_oid),
            Err(error) => error,
        };
        may_be_there |= error.is_network();
        if may_be_there && let Some(commit) = arrived(calls, parent, divided) {
            return Ok(commit);
        }
        if !error.is_network() {
            return Err(error);
        }
        tries.again(error, calls.monitor)?;
    }
}

/// The commit that holds all of these files, if one has come since `parent`.
fn arrived(calls: &Calls<'_>, parent: Option<&str>, divided: &Divided<'_>) -> Option<String> {
    let commit = calls.info().ok()??.sha.filter(|commit| Some(commit.as_str()) != parent)?;
    let listed = calls.tree(&commit).ok()?;
    let all = divided.small.iter().chain(&divided.large).copied();
    differences(all, &listed).is_empty().then_some(commit)
}

/// The lines of the commit, each JSON.
fn lines(message: &str, parent: Option<&str>, divided: &Divided<'_>) -> Result<String, HubError> {
    let mut header = json!({ "summary": message, "description": "" });
    if let Some(parent) = parent {
        header["parentCommit"] = Value::from(parent);
    }
    let line = |key: &str, value: Value| format!("{}\n", json!({ "key": key, "value": value }));
    let mut text = line("header", header);
    for file in &divided.large {
        let value = json!({ "path": file.name(), "algo": "sha256", "oid": file.sha256, "size": file.size });
        text.push_str(&line("lfsFile", value));
    }
    for file in &divided.small {
        let content = BASE64_STANDARD.encode(file.whole()?);
        text.push_str(&line("file", json!({ "content": content, "path": file.name(), "encoding": "base64" })));
    }
    Ok(text)
}

/// Each file that the hub lists otherwise than it is here, or not at all, and in what.
pub(super) fn differences<'a>(
    files: impl IntoIterator<Item = &'a Prepared>,
    listed: &[RemoteFile],
) -> Vec<(&'a Prepared, String)> {
    let listed: BTreeMap<&str, &RemoteFile> = listed.iter().map(|file| (file.name.as_str(), file)).collect();
    let of = |file: &'a Prepared| Some((file, file.difference(listed.get(file.name()).copied())?));
    files.into_iter().filter_map(of).collect()
}
