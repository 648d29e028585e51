"""Runs a pipeline in a folder of its own, tells its time by stage, and keeps it in target/bench/quickstart.json.

Knows of a run what its journal (events.jsonl), its stages' manifests and its report.json say.
"""

import argparse
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process import BENCH, ROOT, busy_seconds, children_seconds, write
from report import number

HISTORY = BENCH / "quickstart.json"


def fail(text, hint):
    sys.exit(f"error: {text}\nhint: {hint}")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench/quickstart.sh", description=__doc__)
    parser.add_argument("pipeline", nargs="?", default="quickstart", help="a shipped name or a file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for `lam-train run`")
    parser.add_argument("--until", metavar="STAGE", help="the last stage to run")
    parser.add_argument("--threads", type=int, metavar="N", help="worker threads (default: one a core)")
    parser.add_argument("--keep", action="store_true", help="leave the run where it is, and say where")
    parser.add_argument("--note", default="", help="a word that the history keeps with the run")
    parser.add_argument("--history", action="store_true", help="print what was measured so far, and run nothing")
    return parser.parse_args()


def command(wanted, runner, runs):
    line = [runner, "run", wanted.pipeline, "--runs-dir", str(runs), "--device", "cpu"]
    line += [word for setting in wanted.set for word in ("--set", setting)]
    if wanted.until:
        line += ["--until", wanted.until]
    return line + (["--threads", str(wanted.threads)] if wanted.threads else [])


def journal(run):
    """The events of a run, in order."""
    lines = (run / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def stages(run):
    """What each finished stage took, and the hash of what it made: equal hashes, equal bytes."""
    for event in journal(run):
        if event["event"] == "finished":
            manifest = json.loads((run / event["stage"] / "manifest.json").read_text())
            wall, used = event["duration_s"], event.get("processor_s")
            yield {
                "stage": event["stage"],
                "wall_s": round(wall, 3),
                "processor_s": None if used is None else round(used, 3),
                "output_hash": manifest["output_hash"],
            }


def results(run):
    """Online task success of each model in percent, with its interval: LAM2, LAM3, LAM4 of the quickstart."""
    path = run / "report.json"
    rows = json.loads(path.read_text()).get("tables", {}).get("online", {}) if path.exists() else {}
    return {name: {key: row["tsr"].get(key) for key in ("value", "ci95", "n")} for name, row in rows.items()}


def commit():
    """The checkout's commit; with a plus where files differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout.strip()
    return (head or "unknown") + ("+" if changed else "")


def processor(runner):
    """Model, cores and the instructions that the binary uses here."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    doctor = json.loads(subprocess.run([runner, "doctor", "--json"], capture_output=True, text=True).stdout or "{}")
    instructions = doctor.get("instructions", [])
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "instructions": instructions}


def refuse_unfinished(code, runs):
    """What a stage left is kept; an empty folder is not."""
    if any(runs.iterdir()):
        fail(f"the run ended with exit code {code}", f"what it made is in {runs}")
    runs.rmdir()
    sys.exit(code)


def measure(wanted):
    """One run, from start to end, in a new folder."""
    runner = os.environ["RUNNER"]
    if shutil.which(runner) is None:
        fail(f"RUNNER: {runner} cannot be run", "name a binary, or leave it out and it is built")
    BENCH.mkdir(parents=True, exist_ok=True)
    runs = Path(tempfile.mkdtemp(prefix="quickstart-", dir=BENCH))
    busy, own, start = busy_seconds(), children_seconds(), time.perf_counter()
    done = subprocess.run(command(wanted, runner, runs), stdout=subprocess.DEVNULL)
    wall, own = time.perf_counter() - start, children_seconds() - own
    others = max(busy_seconds() - busy - own, 0.0) / wall
    if done.returncode != 0:
        refuse_unfinished(done.returncode, runs)
    (events,) = runs.rglob("events.jsonl")
    entry = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "binary": hashlib.sha256(Path(shutil.which(runner)).read_bytes()).hexdigest()[:12],
        "note": wanted.note,
        **processor(runner),
        "pipeline": wanted.pipeline,
        "settings": wanted.set,
        "until": wanted.until,
        "threads": wanted.threads or len(os.sched_getaffinity(0)),
        "wall_s": round(wall, 3),
        "processor_s": round(own, 3),
        "others_share": round(others, 3),
        "stages": list(stages(events.parent)),
        "results": results(events.parent),
    }
    if wanted.keep:
        print(f"the run is in {events.parent}")
    else:
        shutil.rmtree(runs)
    return entry


def history():
    return json.loads(HISTORY.read_text()) if HISTORY.exists() else []


def is_same_work(one, other):
    return all(one[key] == other[key] for key in ("pipeline", "settings", "until"))


def hashes(entry):
    return {stage["stage"]: stage["output_hash"] for stage in entry["stages"]}


def share(used, wall, threads):
    return "–" if used is None or wall == 0 else f"{used / wall / threads:.0%}"


def minutes(seconds):
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


def print_rows(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def online(entry):
    told = {name: row["value"] for name, row in entry["results"].items() if row["value"] is not None}
    return ", ".join(f"{name} {value:.1f} %" for name, value in told.items())


def print_stages(entry, before):
    """Stage by stage; `before` is the last run of the same work, if there is one."""
    then = hashes(before) if before else {}
    rows = [["stage", "wall s", "processor s", "share of threads", "bytes"]]
    for stage in entry["stages"]:
        known = then.get(stage["stage"])
        same = "–" if known is None else "as before" if known == stage["output_hash"] else "changed"
        wall, used = stage["wall_s"], stage["processor_s"]
        rows.append([stage["stage"], number(wall), number(used), share(used, wall, entry["threads"]), same])
    wall, used = entry["wall_s"], entry["processor_s"]
    rows.append(["all", number(wall), number(used), share(used, wall, entry["threads"]), ""])
    print_rows(rows)
    print(f"others took {entry['others_share']:.2f} of a processor meanwhile; online: {online(entry) or '–'}")


def print_history(entries):
    if not entries:
        fail(f"{HISTORY} has no run yet", "run `scripts/bench/quickstart.sh`")
    rows = [["date", "commit", "note", "processor", "pipeline", "wall", "processor s", "others", "online"]]
    for entry in entries:
        work = " ".join([entry["pipeline"], *entry["settings"], *(["until " + entry["until"]] if entry["until"] else [])])
        level = f"{entry['threads']} × {entry['processor']} ({' '.join(entry['instructions'][-2:])})"
        used, others = number(entry["processor_s"]), f"{entry['others_share']:.2f}"
        rows.append([
            entry["date"], entry["commit"], entry["note"], level, work, minutes(entry["wall_s"]), used, others,
            online(entry),
        ])  # fmt: skip
    print_rows(rows)


def main():
    wanted, known = arguments(), history()
    if wanted.history:
        return print_history(known)
    entry = measure(wanted)
    before = next((earlier for earlier in reversed(known) if is_same_work(earlier, entry)), None)
    write(HISTORY, [*history(), entry])
    print_stages(entry, before)


main()
