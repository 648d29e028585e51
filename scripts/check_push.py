#!/usr/bin/env python3
"""Holds `lam-train push` against Hugging Face's own client, over one hub that this script plays.

    cargo build --release -p lam-cli
    scripts/check_push.py DIR                    # a model or an export of your own
    scripts/check_push.py DIR --run runs/quickstart   # its data set too, read by `datasets`

What lam-train sends, the official client lists and downloads, byte for byte; its own upload of the same directory asks
for the same and finds nothing to send, and the other way round. The client is installed into target/check-push/venv.
The last line counts the checks that passed, failed and could not run; exits with 1 if one failed.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from checking import BINARY, Checks, home, in_own_environment

HOME = home("check-push")
TOKEN = "hf_a_token_for_checks"
PART = 1 << 20  # larger files are sent in parts of so many bytes


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path, size):
    return path.endswith((".safetensors", ".parquet", ".gguf")) or size > 10_000_000


class Hub(ThreadingHTTPServer):
    """Repositories, and storage beside them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.repositories, self.storage, self.parts = {}, {}, {}
        self.asked = []  # (method, path, body) since the last look
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def look(self):
        asked, self.asked = self.asked, []
        return asked


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value=b"", **headers):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        for name, text in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body, path, hub = self.rfile.read(length), unquote(urlsplit(self.path).path), self.server
        hub.asked.append((self.command, path, body))
        if path.startswith("/storage/"):
            return self.store(path.split("/")[2:], body)
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('type') or 'model'}s/{asked['organization']}/{asked['name']}"
            if name in hub.repositories:
                return self.reply(409, {"error": "it is there", "url": f"{hub.endpoint}/{name}"})
            hub.repositories[name] = [{".gitattributes": b"*.safetensors filter=lfs\n"}]
            return self.reply(200, {"url": f"{hub.endpoint}/{name}"})
        if path == "/api/validate-yaml":
            return self.reply(200, {"errors": [], "warnings": []})
        if match := re.fullmatch(r"/(?:datasets/)?[^/]+/[^/]+\.git/info/lfs/objects/batch", path):
            objects = [self.object(one) for one in json.loads(body)["objects"]]
            return self.reply(200, {"transfer": "basic", "objects": objects})
        if match := re.fullmatch(r"/(verify|complete)/([0-9a-f]{64})", path):
            return self.closed(*match.groups(), json.loads(body))
        if match := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)(?:/([a-z-]+)/([^/]+))?", path):
            return self.api(*match.groups(), body)
        if match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            kind, name, _, file = match.groups()
            return self.file(hub.repositories.get(f"{'datasets' if kind else 'models'}/{name}"), file)
        self.reply(404, X_Error_Code="EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def object(self, asked):
        oid, size, hub = asked["oid"], asked["size"], self.server
        answer = {"oid": oid, "size": size}
        if oid not in hub.storage:
            place = f"{hub.endpoint}/storage/{oid}"
            upload = {"href": f"{place}?signature=x"}
            if size > PART:
                parts = {f"{n + 1:05}": f"{place}/{n + 1}?signature=x" for n in range(-(-size // PART))}
                upload = {"href": f"{hub.endpoint}/complete/{oid}", "header": {"chunk_size": str(PART), **parts}}
            answer["actions"] = {"upload": upload, "verify": {"href": f"{hub.endpoint}/verify/{oid}"}}
        return answer

    def store(self, place, body):
        if self.headers.get("Authorization"):
            return self.reply(400, {"error": "storage was shown a token"})
        self.server.parts[tuple(place)] = body
        if len(place) == 1:
            self.server.storage[place[0]] = body
        self.reply(200, b"", ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def closed(self, what, oid, asked):
        hub = self.server
        if what == "complete":
            parts = [hub.parts[(oid, str(part["partNumber"]))] for part in asked["parts"]]
            hub.storage[oid] = b"".join(parts)
        held = hub.storage.get(oid, b"")
        self.reply(200 if hashlib.sha256(held).hexdigest() == oid else 422, {})

    def api(self, name, what, revision, body):
        hub = self.server
        commits = hub.repositories.get(name)
        if commits is None:
            return self.reply(404, X_Error_Code="RepoNotFound")
        sha = f"{len(commits):040x}"
        if what == "preupload":
            files = []
            for file in json.loads(body)["files"]:
                mode = "lfs" if is_large(file["path"], file["size"]) else "regular"
                files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False})
            return self.reply(200, {"files": files})
        if what == "commit":
            lines = [json.loads(line) for line in body.splitlines()]
            if lines[0]["value"].get("parentCommit") not in (None, sha):
                return self.reply(412, {"error": "a commit has happened since"})
            files = dict(commits[-1])
            for line in lines[1:]:
                value = line["value"]
                held = hub.storage[value["oid"]] if line["key"] == "lfsFile" else base64.b64decode(value["content"])
                files[value["path"]] = held
            commits.append(files)
            url = f"{hub.endpoint}/{name}/commit/x"
            return self.reply(200, {"commitOid": f"{len(commits):040x}", "commitUrl": url})
        entries = [self.entry(path, data) for path, data in sorted(commits[-1].items())]
        if what == "tree":
            return self.reply(200, entries)
        siblings = [{"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]} for entry in entries]
        known = {"id": name.split("/", 1)[1], "sha": sha, "private": False, "siblings": siblings}
        self.reply(200, {**known, "tags": [], "downloads": 0, "likes": 0})

    def entry(self, path, data):
        entry = {"type": "file", "path": path, "size": len(data), "oid": git_hash(data)}
        if is_large(path, len(data)):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry

    def file(self, commits, file):
        if commits is None or file not in commits[-1]:
            return self.reply(404, X_Error_Code="EntryNotFound")
        data = commits[-1][file]
        oid = hashlib.sha256(data).hexdigest() if is_large(file, len(data)) else git_hash(data)
        commit, kind = f"{len(commits):040x}", "application/octet-stream"
        self.reply(200, data, ETag=f'"{oid}"', X_Repo_Commit=commit, Content_Type=kind)


LEFT_OUT = re.compile(r"(.*/)?(\.lam-train|checkpoint-\d+/.*)")
"""What `push` leaves out: the file by which lam-train knows what it may replace, and checkpoints."""


def files_of(directory):
    found = {path.relative_to(directory).as_posix(): path for path in sorted(Path(directory).rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not LEFT_OUT.fullmatch(name)}


def lines_of(asked, what):
    """The lines of commits, or the files of what is asked before, each as one comparable text."""
    bodies = [body for method, path, body in asked if f"/{what}/" in path and method == "POST"]
    if what == "commit":
        lines = [json.loads(line) for body in bodies for line in body.splitlines()]
        return sorted(json.dumps(line, sort_keys=True) for line in lines if line["key"] != "header")
    return sorted(json.dumps(one, sort_keys=True) for body in bodies for one in json.loads(body)["files"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--run", help="a run whose data set is sent and loaded")
    parser.add_argument("--binary", default=BINARY)
    args = parser.parse_args()
    packages = {"huggingface_hub": "huggingface_hub>=0.30", **({"datasets": "datasets>=3"} if args.run else {})}
    in_own_environment("check-push", packages)
    hub, checks = Hub(), Checks()
    os.environ.update(HF_ENDPOINT=hub.endpoint, HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="1", HF_HOME=str(HOME / "hf"))
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    from huggingface_hub import CommitOperationAdd, HfApi

    def push(*what):
        done = subprocess.run([args.binary, "push", *what, "--json"], capture_output=True, text=True)
        checks.that(f"push {' '.join(what)}", done.returncode == 0, done.stderr[-2000:])
        return json.loads(done.stdout)["pushed"] if done.returncode == 0 else []

    api, expected = HfApi(endpoint=hub.endpoint, token=TOKEN), files_of(args.directory)
    push(args.directory, "check/ours")
    ours = hub.look()
    for name, data in expected.items():
        checks.that(f"the hub holds {name}", hub.repositories["models/check/ours"][-1].get(name) == data)
    listed = {file.path: file for file in api.list_repo_tree("check/ours", recursive=True)}
    checks.that("the client lists the same names", set(listed) == {".gitattributes", *expected}, sorted(listed))
    shutil.rmtree(HOME / "got", ignore_errors=True)
    got = files_of(api.snapshot_download("check/ours", local_dir=str(HOME / "got"), force_download=True))
    same = [name for name, data in expected.items() if got.get(name) == data]
    checks.that("the client downloads the same bytes", len(same) == len(expected), sorted(set(expected) - set(same)))

    def upload(name):
        adds = [CommitOperationAdd(path, str(Path(args.directory) / path)) for path in expected]
        api.create_repo(name, exist_ok=True)
        hub.look()
        api.create_commit(name, adds, commit_message="check")
        return hub.look()

    theirs = upload("check/ours")
    checks.that("the client finds nothing to send", not [path for method, path, _ in theirs if method == "PUT"])
    hub.storage.clear()
    theirs = upload("check/theirs")
    for what in ["preupload", "commit"]:
        checks.that(f"both ask the same: {what}", lines_of(ours, what) == lines_of(theirs, what))

    def put(asked):
        return sorted((path, body) for method, path, body in asked if method == "PUT")

    checks.that("both put the same bytes to the same places", put(ours) == put(theirs))
    again = push(args.directory, "check/theirs")
    hows = {file["how"] for pushed in again for file in pushed["files"]}
    checks.that("we find nothing to send after the client", hows == {"unchanged"}, hows)
    checks.that("and only look", all(method == "GET" for method, _, _ in hub.look()))
    if args.run:
        check_data(hub, checks, push, args.run)
    return checks.finish()


def check_data(hub, checks, push, run):
    """Sends a run's data, and reads every configuration of it as its card says."""
    push(run, "check/data", "--dataset", "--license", "other")
    from datasets import get_dataset_config_names, load_dataset
    from huggingface_hub import snapshot_download

    place = snapshot_download("check/data", repo_type="dataset", local_dir=str(HOME / "data"), force_download=True)
    names = get_dataset_config_names(place)
    tables = [name for name in hub.repositories["datasets/check/data"][-1] if name.endswith(".parquet")]
    checks.that("every table has a configuration", len(names) == len(tables) > 0, (names, tables))
    for name in names:
        loaded = load_dataset(place, name, cache_dir=str(HOME / "cache"))
        rows = sum(split.num_rows for split in loaded.values())
        checks.that(f"`datasets` loads {name}", rows > 0, rows)


if __name__ == "__main__":
    sys.exit(main())
