"""Measures our engine and its peers on one GPU, in one run, and prints figures and ratios beside the goals. Knows how to
start both, not how they work."""

import argparse
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from gpu_works import DECODE, LOAD_GOAL_SECONDS, MISTRAL_7B, TINY, TRAIN, WORKS, decoded

SCRIPTS = Path(__file__).resolve().parent
BENCH = SCRIPTS.parent.parent / "target" / "bench"
PEERS = ("compile", "liger", "peft-bf16", "peft", "bitsandbytes", "graph", "static")
NEEDS = {"liger": ("peft", "liger_kernel"), "bitsandbytes": ("peft", "bitsandbytes"), "graph": (), "static": ()}
QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONWARNINGS": "ignore"}
NOT_AVAILABLE = 3
GIB = 1 << 30

MAKE = """
import json, sys, torch
from transformers import MistralConfig, MistralForCausalLM
torch.manual_seed(42)
torch.set_default_dtype(torch.bfloat16)
with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
    model = MistralForCausalLM(MistralConfig(sliding_window=None, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, **json.loads(sys.argv[2])))
model.save_pretrained(sys.argv[1])
"""


class Clock:
    """The time that is left."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())


def lines_of(command, seconds):
    """The lines of JSON that a program prints within so many seconds, and why it gave no more."""
    run = subprocess.Popen(
        list(map(str, command)), env={**os.environ, **QUIET}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    # torch.compile has processes of its own.
    timer = threading.Timer(seconds, lambda: os.killpg(run.pid, signal.SIGKILL))
    timer.start()
    out, err = run.communicate()
    late = not timer.is_alive()
    timer.cancel()
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if run.returncode == 0:
        return lines, None
    last = [line for line in err.strip().splitlines() if line.strip()][-1:] or [f"exit code {run.returncode}"]
    return lines, f"out of time after {seconds:.0f} s" if late else last[0].removeprefix("error: ")


def missing_for(peer):
    lacking = [name for name in NEEDS.get(peer, ("peft",)) if importlib.util.find_spec(name) is None]
    return f"{lacking[0]} is not installed" if lacking else None


def model_of(options, clock):
    """The directory of the model that both sides load, made if it is not there."""
    directory = Path(options.models) / ("tiny" if options.tiny else "mistral-7b-random")
    if (directory / "config.json").exists():
        return directory
    partial = directory.with_name(f"partial-{directory.name}")
    partial.mkdir(parents=True, exist_ok=True)
    _, failed = lines_of([sys.executable, "-c", MAKE, partial, json.dumps(TINY if options.tiny else MISTRAL_7B)], clock.left())
    if failed:
        sys.exit(f"error: the model could not be made: {failed}")
    partial.rename(directory)
    return directory


def figures(line):
    """What counts of a measured line."""
    if "seconds" not in line:
        return {"failed": line.get("failed", "no figure")}
    peak = line.get("peak_bytes")
    return {
        "tokens_per_second": line["count"] / statistics.median(line["seconds"]),
        "peak_gib": peak / GIB if peak else None,
        **{key: line[key] for key in ("seconds", "prompt_seconds", "losses", "loaded_bytes") if key in line},
    }


class Bench:
    """A run, and what it has found so far."""

    def __init__(self, options, works):
        self.options, self.works, self.clock = options, works, Clock(options.seconds)
        self.model = model_of(options, self.clock)
        self.result = {"finished": time.strftime("%Y-%m-%d"), "tiny": options.tiny, "device": None, "loads": {}, "works": {}}
        for work in works:
            self.result["works"][work.key] = {"unit": work.unit, "ours": {"failed": "not reached"}, "peers": {}}

    def keep(self):
        path = Path(self.options.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self.result, indent=1) + "\n")
        partial.replace(path)

    def ours(self):
        """Our works, those over one model over one load: training, then decoding."""
        for group in (TRAIN, DECODE):
            works = {work.of(self.options.tiny): work.key for work in self.works if work in group}
            if works:
                self.ask_ours(works)
                self.keep()

    def ask_ours(self, works):
        command = [os.environ["RUNNER"], "gpu", "--model", self.model, "--device", self.options.device,
                   "--steps", self.options.steps, "--works", ",".join(works)]  # fmt: skip
        lines, failed = lines_of(command, self.clock.left())
        for line in lines:
            if "capacity_bytes" in line:
                self.result["device"] = line["device"]
            elif "loaded" in line:
                load = self.result["loads"].setdefault(line["loaded"], {"load_seconds": line["load_seconds"]})
            else:
                self.result["works"][works.pop(line["work"])]["ours"] = figures(line)
                if line.get("upload_seconds") is not None:
                    load.setdefault("upload_seconds", line["upload_seconds"])
        for key in works.values():
            self.result["works"][key]["ours"] = {"failed": failed or "no figure"}

    def peer(self, peer):
        """Everything that one peer is measured for, in a process of its own for each model state."""
        works = [work for work in self.works if peer in work.peers]
        missing = missing_for(peer)
        for work in works:
            state = f"not run: {missing}" if missing else "not run: out of time"
            self.result["works"][work.key]["peers"][peer] = {"failed": state}
        if missing or not works or self.clock.left() < 1:
            return
        if peer in ("static", "graph"):
            (prompt, tokens), batches = decoded(self.options.tiny), ",".join(str(work.batch) for work in works)
            sizes = ["--batches", batches, "--prompt", prompt, "--tokens", tokens]
            self.ask(["decode", *sizes], peer, {work.key: work.key for work in works})
        else:
            named = {work.of(self.options.tiny): work.key for work in works}
            self.ask(["train", "--steps", self.options.steps, "--works", ",".join(named)], peer, named)
        self.keep()

    def ask(self, arguments, peer, named):
        command = [sys.executable, SCRIPTS / "gpu_peer.py", *arguments, "--model", self.model, "--peer", peer]
        lines, failed = lines_of(command, min(self.clock.left(), self.options.peer_seconds))
        found = {line["work"]: figures(line) for line in lines if "work" in line}
        for work, key in named.items():
            self.result["works"][key]["peers"][peer] = found.get(work, {"failed": failed or "no figure"})


def speed(entry):
    return entry.get("tokens_per_second")


def reached(goal, work, result):
    """Ours against a goal: what was reached, and whether that is enough; none where something was not measured."""
    entry = result["works"][work.key]
    ours, peers = speed(entry["ours"]), {name: speed(found) for name, found in entry["peers"].items() if speed(found)}
    if ours is None:
        return None
    if goal.least is not None:
        return f"{ours:,.0f}", ours >= goal.least
    if goal.peer in result["works"]:
        other = speed(result["works"][goal.peer]["ours"])
    else:
        other = peers.get(goal.peer) if goal.peer else max(peers.values(), default=None)
    return other and (f"{ours / other:.2f} x", ours / other >= goal.times)


def reached_memory(goal, work, result):
    peak = result["works"][work.key]["ours"].get("peak_gib")
    return peak and (f"{peak:.1f} GiB", peak <= goal.most)


def said(entry):
    if speed(entry) is None:
        return entry["failed"] if entry["failed"].startswith("not run") else f"not run: {entry['failed']}"
    peak = f" ({entry['peak_gib']:.1f} GiB)" if entry.get("peak_gib") else ""
    first = f", first token after {entry['prompt_seconds']:.3f} s" if "prompt_seconds" in entry else ""
    return f"{speed(entry):,.{0 if speed(entry) >= 100 else 1}f}{peak}{first}"


def verdict(found):
    return "not measured" if not found else f"{found[0]}: {'reached' if found[1] else 'NOT reached'}"


def table(result):
    print(f"device: {result['device'] or 'none answered'}" + ("; tiny shapes: figures mean nothing" if result["tiny"] else ""))
    for work in (work for work in WORKS if work.key in result["works"]):
        entry = result["works"][work.key]
        print(f"{work.key}, {work.unit}\n  {'ours':14} {said(entry['ours'])}")
        for peer, found in entry["peers"].items():
            print(f"  {peer:14} {said(found)}")
        for goal in work.goals:
            print(f"  goal {goal.text(work.unit)}: {verdict(reached(goal, work, result))}")
        if work.memory:
            print(f"  goal {work.memory.text('GiB')}: {verdict(reached_memory(work.memory, work, result))}")
    for kind, load in result["loads"].items():
        seconds = load["load_seconds"] + load.get("upload_seconds", 0.0)
        print(f"load, {kind}: {seconds:.1f} s; {loading(kind, seconds)}")


def loading(kind, seconds):
    """What a load's time is held against: weights that are read as they are, not those that are quantised meanwhile."""
    if kind not in ("lora", "bf16", "full"):
        return "quantised meanwhile, no goal"
    return f"goal at most {LOAD_GOAL_SECONDS} s: {'reached' if seconds <= LOAD_GOAL_SECONDS else 'NOT reached'}"


def chosen(only):
    words = [word for word in only.split(",") if word]
    works = [work for work in WORKS if not words or any(work.key.startswith(word) for word in words)]
    if not works:
        sys.exit(f"error: --only {only}: no such work; hint: {', '.join(work.key for work in WORKS)}")
    return works


def parsed():
    arguments = argparse.ArgumentParser(prog="gpu.sh", description=__doc__)
    arguments.add_argument("--only", default="", help="works, by key or its beginning")
    arguments.add_argument("--peers", default=",".join(PEERS), help="peers, in the order in which they are asked")
    arguments.add_argument("--steps", type=int, default=5, help="measured steps")
    arguments.add_argument("--seconds", type=float, default=900, help="for everything; what is left then is not run")
    arguments.add_argument("--peer-seconds", type=float, default=180, help="for one peer at most")
    arguments.add_argument("--device", default="cuda", help="where ours runs")
    arguments.add_argument("--models", default=str(BENCH / "models"), help="where the random model lies, or is made")
    arguments.add_argument("--out", default=str(Path(os.environ.get("OUT") or BENCH) / "gpu.json"))
    arguments.add_argument("--tiny", action="store_true", help="small shapes, to try these programs")
    arguments.add_argument("--table", action="store_true", help="print what is measured so far, and stop")
    return arguments.parse_args()


def main():
    options = parsed()
    if not options.table:
        bench = Bench(options, chosen(options.only))
        bench.ours()
        for peer in options.peers.split(","):
            bench.peer(peer)
        bench.keep()
    table(json.loads(Path(options.out).read_text()))


if __name__ == "__main__":
    main()
