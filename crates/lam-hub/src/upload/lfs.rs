//! Large files: Git LFS's batch interface, with the hub's transfer in parts.
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>

use std::collections::BTreeSet;

use lam_http::{Request, plain, unsigned};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::calls::Calls;
use super::local::Prepared;
use super::reading::Reading;
use crate::HubError;

const MIB: u64 = 1 << 20;
/// The content type of what is asked and answered.
const LFS: &str = "application/vnd.git-lfs+json";
/// Files that are asked for at once.
pub(super) const AT_ONCE: usize = 256;
/// Most parts of a file, as storage takes them.
const MOST_PARTS: u64 = 10_000;

#[derive(Deserialize)]
struct Batch {
    transfer: Option<String>,
    objects: Vec<Object>,
}

/// What to do with one object.
#[derive(Deserialize)]
struct Object {
    oid: String,
    actions: Option<Actions>,
    error: Option<ObjectError>,
}

#[derive(Deserialize)]
struct ObjectError {
    code: Option<u16>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

/// A request that the hub asks for.
#[derive(Deserialize)]
struct Action {
    href: String,
    header: Option<Map<String, Value>>,
}

impl Action {
    /// What the hub says under this name beside the address.
    fn said(&self, name: &str) -> Option<&Value> {
        self.header.as_ref()?.get(name)
    }

    /// The request with the headers that the hub asks for.
    fn with_headers(&self, request: Request) -> Request {
        let headers = self.header.iter().flatten();
        headers.fold(request, |request, (name, value)| match value.as_str() {
            Some(value) => request.header(name, value),
            None => request,
        })
    }
}

/// Sends what storage has not yet; returns the hashes of the files that were sent.
pub(super) fn send(calls: &Calls<'_>, files: &[&Prepared]) -> Result<BTreeSet<String>, HubError> {
    let mut wanted = BTreeSet::new();
    for some in files.chunks(AT_ONCE) {
        let asked = batch(calls, some)?;
        wanted.extend(asked.into_iter().filter(|object| object.actions.is_some()).map(|object| object.oid));
    }
    let mut missing: Vec<&Prepared> = files.iter().copied().filter(|file| wanted.contains(&file.sha256)).collect();
    // The same bytes under two names are one object.
    let mut seen = BTreeSet::new();
    missing.retain(|file| seen.insert(&file.sha256));
    let all = missing.iter().map(|file| file.size).sum::<u64>();
    calls.monitor.progress.begin(&format!("{}, MiB", calls.repository), Some(all.div_ceil(MIB)));
    let mut done = 0;
    for file in &missing {
        let heard = |bytes: u64| calls.monitor.progress.advance((done + bytes) / MIB, file.name());
        send_one(calls, file, &heard)?;
        done += file.size;
        calls.monitor.progress.advance(done / MIB, file.name());
    }
    calls.monitor.progress.end();
    Ok(missing.iter().map(|file| file.sha256.clone()).collect())
}

/// Asks what to do with these files.
fn batch(calls: &Calls<'_>, files: &[&Prepared]) -> Result<Vec<Object>, HubError> {
    let url = format!("{}.git/info/lfs/objects/batch", calls.repository.page(calls.endpoint()));
    let objects: Vec<Value> = files.iter().map(|file| json!({ "oid": file.sha256, "size": file.size })).collect();
    let body = json!({
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "ref": { "name": "main" },
        "objects": objects,
        "hash_algo": "sha256",
    });
    let request = Request::post_as(&url, LFS, body.to_string()).header("accept", LFS);
    let batch: Batch = calls.json(&request, &url)?;
    let answer = |reason: String| HubError::Answer { url: url.clone(), reason };
    if let Some(other) = batch.transfer.as_deref().filter(|transfer| !["basic", "multipart"].contains(transfer)) {
        return Err(answer(format!("the hub asks for the transfer `{other}`, which was not offered")));
    }
    for file in files {
        let Some(object) = batch.objects.iter().find(|object| object.oid == file.sha256) else {
            return Err(answer(format!("says nothing of {}", file.name())));
        };
        if let Some(error) = &object.error {
            return Err(HubError::Refused {
                model: format!("{}, {}", calls.repository, file.name()),
                status: error.code.unwrap_or(422),
                message: unsigned(&error.message.clone().unwrap_or_default()),
                hint: "see what the hub says; single files may have 50 GB".into(),
            });
        }
    }
    Ok(batch.objects)
}

/// Sends one file. The addresses of storage hold for some time only: they are asked for right before, and once more
/// where storage refuses.
fn send_one(calls: &Calls<'_>, file: &Prepared, heard: &dyn Fn(u64)) -> Result<(), HubError> {
    let mut is_second = false;
    loop {
        let asked = batch(calls, &[file])?;
        let Some(actions) = asked.into_iter().find_map(|object| object.actions) else { return Ok(()) };
        match transfer(calls, file, &actions, heard) {
            Err(HubError::Refused { .. } | HubError::NotFound { .. } | HubError::Answer { .. }) if !is_second => {
                is_second = true;
            }
            done => return done,
        }
    }
}

fn transfer(calls: &Calls<'_>, file: &Prepared, actions: &Actions, heard: &dyn Fn(u64)) -> Result<(), HubError> {
    if let Some(upload) = &actions.upload {
        match upload.said("chunk_size") {
            None => whole(calls, file, upload, heard)?,
            Some(size) => in_parts(calls, file, upload, number(size), heard)?,
        }
    }
    let Some(verify) = &actions.verify else { return Ok(()) };
    let url = calls.here(&verify.href);
    let body = json!({ "oid": file.sha256, "size": file.size });
    let request = verify.with_headers(Request::post_as(&url, LFS, body.to_string()).header("accept", LFS));
    calls.client.patiently(calls.monitor, || calls.ask(request.clone(), &url).map(|_| ()))
}

/// The whole file in one request.
fn whole(calls: &Calls<'_>, file: &Prepared, upload: &Action, heard: &dyn Fn(u64)) -> Result<(), HubError> {
    let mut reading = Reading::new(file);
    let url = calls.here(&upload.href);
    put(calls, &mut reading, (0, file.size), &url, &|request| upload.with_headers(request), heard)?;
    reading.check()
}

/// The file in parts of one size, each to an address of its own; the hub then puts them together.
fn in_parts(
    calls: &Calls<'_>,
    file: &Prepared,
    upload: &Action,
    size: Option<u64>,
    heard: &dyn Fn(u64),
) -> Result<(), HubError> {
    let url = calls.here(&upload.href);
    let answer = |reason: String| HubError::Answer { url: plain(&url).into(), reason };
    let size = size.filter(|size| *size > 0).ok_or_else(|| answer("its `chunk_size` is no number".into()))?;
    let count = file.size.div_ceil(size);
    if count > MOST_PARTS {
        return Err(answer(format!("asks for {count} parts of {}", file.name())));
    }
    let mut reading = Reading::new(file);
    let mut parts = Vec::new();
    for number in 1..=count {
        let place = addresses(upload, number).ok_or_else(|| answer(format!("gives no address for part {number}")))?;
        let first = (number - 1) * size;
        let length = size.min(file.size - first);
        let heard = |bytes: u64| heard(first + bytes);
        let etag = put(calls, &mut reading, (first, length), &calls.here(place), &|request| request, &heard)?;
        let etag = etag.ok_or_else(|| answer(format!("storage took part {number} without an `etag`")))?;
        parts.push(json!({ "partNumber": number, "etag": etag }));
    }
    reading.check()?;
    let body = json!({ "oid": file.sha256, "parts": parts });
    let request = Request::post_as(&url, LFS, body.to_string()).header("accept", LFS);
    calls.client.patiently(calls.monitor, || calls.ask(request.clone(), &url).map(|_| ()))
}

/// Where a part goes: the hub numbers them from 1, perhaps with zeros before.
fn addresses(upload: &Action, number: u64) -> Option<&str> {
    let mut named = upload.header.iter().flatten();
    named.find(|(name, _)| name.parse() == Ok(number)).and_then(|(_, place)| place.as_str())
}

/// Sends bytes from a place on until they are taken; the `etag` that storage gives them.
fn put(
    calls: &Calls<'_>,
    reading: &mut Reading<'_>,
    (first, length): (u64, u64),
    url: &str,
    made: &dyn Fn(Request) -> Request,
    heard: &dyn Fn(u64),
) -> Result<Option<String>, HubError> {
    let etag = calls.client.patiently(calls.monitor, || {
        let request = made(Request::put(url, reading.part(first, length)));
        let reply = calls.store(request, url, heard).map_err(|error| reading.fault(of_storage(url, error)))?;
        Ok(Some(reply.header("etag").to_owned()).filter(|etag| !etag.is_empty()))
    })?;
    reading.taken();
    Ok(etag)
}

/// A refusal of storage has other reasons than one of the hub.
fn of_storage(url: &str, error: HubError) -> HubError {
    match error {
        HubError::Refused { status, message, .. } => {
            let reason = format!("storage refuses with status {status} {message}").trim_end().to_owned();
            HubError::Answer { url: plain(url).into(), reason }
        }
        other => other,
    }
}

/// A number, or one in quotes.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_their_numbers_however_they_are_written() {
        let text = r#"{"href": "https://h/x", "header": {"chunk_size": "20", "00001": "a", "00002": "b", "x": 1}}"#;
        let action: Action = serde_json::from_str(text).unwrap();
        assert_eq!(action.said("chunk_size").and_then(number), Some(20));
        assert_eq!((addresses(&action, 1), addresses(&action, 2), addresses(&action, 3)), (Some("a"), Some("b"), None));
    }
}
