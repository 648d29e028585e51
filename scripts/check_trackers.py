#!/usr/bin/env python3
"""Holds what a run tells Weights & Biases against its own client: read by its reader, and uploaded by `wandb sync`.

    lam-train run quickstart --report-to wandb
    scripts/check_trackers.py runs/quickstart

Each row of each run must have the figures, step and time of `trackers/figures/`, and the figures of the stage's own
`metrics.jsonl`. The upload goes to a server that this script plays on this machine; nothing leaves it. The client, the last
one with a reader in Python, is installed into target/check-trackers/venv; `--client PROGRAM` uploads by another `wandb`.
The last line counts the checks that passed, failed and could not run; exits with 1 if one failed.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
from pathlib import Path

from checking import Checks, home, in_own_environment

HOME = home("check-trackers")


class Server(ThreadingHTTPServer):
    """Answers as the hosted service does, and keeps the lines of history by run."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.history, self.runs = {}, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A client that has read enough hangs up; what matters is in the answers."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/graphql":
            answer = {"data": self.asked(**json.loads(body))}
        elif self.path.endswith("/file_stream"):
            answer = self.told(self.path.split("/")[-2], json.loads(body))
        else:
            answer = {}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = handle_any

    def asked(self, query, variables=None, **_):
        variables = variables or {}
        if "upsertBucket" in query:
            # The client names the run by its id at first, and by what was answered then.
            name = variables.get("name") or variables["id"]
            told = {key: value for key, value in variables.items() if value is not None}
            known = self.server.runs.setdefault(name, {})
            known.update(told)
            project = {"id": "p", "name": known["project"], "entity": {"id": "e", "name": "team"}}
            names = {"id": name, "name": name, "displayName": known.get("displayName"), "config": "{}"}
            bucket = {**names, "project": project, "historyLineCount": 0, "summaryMetrics": "{}", "tags": []}
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if "createRunFiles" in query:
            place = f"{self.server.address}/storage/{variables['run']}"
            files = [{"name": name, "uploadUrl": f"{place}/{name}"} for name in variables["files"]]
            return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}
        user = {"id": "u", "entity": "team", "username": "user", "flags": "{}", "teams": {"edges": []}}
        return {"viewer": user, "serverInfo": {"features": [], "cliVersionInfo": {}, "latestLocalVersionInfo": None}}

    def told(self, run, message):
        part = (message.get("files") or {}).get("wandb-history.jsonl")
        if part:
            lines = self.server.history.setdefault(run, [])
            lines[part["offset"] :] = [json.loads(line) for line in part["content"]]
        return {}


def tag(name):
    return f"eval/{name.removeprefix('eval_')}" if name.startswith("eval_") else f"train/{name}"


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows_of(records):
    """What a run is to have: a row for each step, with the time at which the last of it was told."""
    rows = {}
    for record in records:
        row = rows.setdefault(record["step"], {})
        row.update({tag(name): value for name, value in record["values"].items() if value is not None})
        row.update(_step=record["step"], _timestamp=record["at"], _runtime=record["at"] - records[0]["at"])
    return list(rows.values())


def metrics_of(run, loop):
    """The figures of a stage's own file by step, if it is there: `lam2/training`, or `lam4/reward/training`."""
    path = run / loop.replace(".", "/") / "training" / "metrics.jsonl"
    figures = {}
    for row in lines_of(path) if path.exists() else []:
        figures.setdefault(row["global_step"], {}).update({tag(name): value for name, value in row.items()})
    return figures


def records_of(log):
    """The records of a run's file, by the client's own reader."""
    from wandb.proto.wandb_internal_pb2 import Record
    from wandb.sdk.internal.datastore import DataStore

    store = DataStore()
    store.open_for_scan(str(log))
    while (data := store.scan_data()) is not None:
        record = Record()
        record.ParseFromString(data)
        yield record


def values(items):
    return {item.key: json.loads(item.value_json) for item in items}


def same_rows(checks, what, found, expected):
    """That the rows are the same; says where they differ first."""
    pairs = zip_longest(found or [], expected)
    differ = next(((index, pair) for index, pair in enumerate(pairs) if pair[0] != pair[1]), None)
    checks.that(what, differ is None, differ)


def check_log(checks, run, log):
    """Reads a run's file, and returns its id and rows."""
    records = list(records_of(log))
    told = records[0].run
    loop = told.display_name
    checks.same(f"{loop}: numbers of records", [record.num for record in records], list(range(1, len(records) + 1)))
    names = (log.stem.removeprefix("run-"), log.parent.name.split("-")[-1])
    checks.same(f"{loop}: its id is in its names", names, (told.run_id, told.run_id))
    expected = rows_of(lines_of(run / "trackers" / "figures" / f"{loop}.jsonl"))
    history = [record.history for record in records if record.HasField("history")]
    rows = [values(row.item) for row in history]
    # While a run is under way, its last row may still get figures.
    is_over = records[-1].HasField("exit")
    checks.that(f"{loop}: its last record says how it ended", is_over)
    same_rows(checks, f"{loop}: rows", rows, expected if is_over else expected[: len(rows)])
    checks.same(f"{loop}: steps", [row.step.num for row in history], [row["_step"] for row in rows])
    summaries = [values(record.summary.update) for record in records if record.HasField("summary")]
    same_rows(checks, f"{loop}: the summary is the last row", summaries, rows)
    checks.that(f"{loop}: settings", {"train", "seed"} <= values(told.config.update).keys())
    start = told.start_time.seconds + told.start_time.nanos / 1e9
    checks.that(f"{loop}: it starts with its first row", abs(start - rows[0]["_timestamp"]) < 1e-3, start)
    figures = metrics_of(run, loop)
    if figures:
        own = [{name: value for name, value in row.items() if name[0] != "_"} for row in rows]
        theirs = [{name: figures.get(row["_step"], {}).get(name) for name in one} for row, one in zip(rows, own)]
        same_rows(checks, f"{loop}: figures of metrics.jsonl", own, theirs)
    else:
        checks.skip(f"{loop}: figures of metrics.jsonl", "the stage has none yet")
    return told.run_id, loop, rows


def check_upload(checks, client, how, folder, told):
    """Uploads copies of the runs, and compares what has arrived."""
    place, server = HOME / "upload", Server()
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place / "wandb")
    runs = sorted(str(path) for path in (place / "wandb").glob("offline-run-*"))
    own = {"HOME": str(place), "WANDB_BASE_URL": server.address, "WANDB_API_KEY": "a" * 40}
    environment = {**os.environ, **own, "WANDB_ERROR_REPORTING": "false"}
    done = subprocess.run([client, *how, *runs], cwd=place, env=environment, capture_output=True, text=True)
    what = " ".join(how)
    checks.that(f"{what} ends well", done.returncode == 0, (done.stdout + done.stderr)[-2000:])
    for run, loop, rows in told:
        same_rows(checks, f"{what}: {loop}: lines of history", server.history.get(run), rows)
        checks.same(f"{what}: {loop}: its name", server.runs.get(run, {}).get("displayName"), loop)
    marks = list((place / "wandb").glob("*/*.synced"))
    checks.same(f"{what}: marks of what is uploaded", len(marks), len(runs))
    server.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--client", help="the `wandb` that uploads, instead of the one that is installed")
    args = parser.parse_args()
    in_own_environment("check-trackers", {"wandb": "wandb==0.29.0"})
    folder, checks = args.run / "trackers" / "wandb", Checks()
    logs = sorted(folder.glob("offline-run-*/*.wandb"))
    checks.that(f"{folder} has runs", bool(logs))
    told = [check_log(checks, args.run, log) for log in logs]
    if args.client:
        check_upload(checks, args.client, ["sync"], folder, told)
    else:
        for how in [["beta", "sync"], ["sync", "--legacy"]]:
            check_upload(checks, str(HOME / "venv" / "bin" / "wandb"), how, folder, told)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
