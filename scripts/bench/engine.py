"""Runs ours and theirs in turn and writes what came of it. Knows works only through works.py.

Started by engine.sh, which makes the environment and builds our runner.
"""

import argparse
import os
import platform
import statistics
import sys
from pathlib import Path

from process import BENCH, MASKS, ROOT, RUNNER, NotAvailable, ours, read, theirs, write
from report import print_table
from works import WORKS, Products, Setting


def rate(runs, clock="seconds"):
    """Items a second of the median step; with `processor_seconds`, a second of one processor."""
    return runs[0]["count"] / statistics.median(second for figures in runs for second in figures[clock])


def peak(runs):
    return max(figures["peak_mib"] for figures in runs)


def place(name, mask):
    """The file of results of this name; masked processors have files of their own."""
    return BENCH / (f"{name}-{mask}.json" if mask else f"{name}.json")


def has_avx2_alone(mask):
    """Whether that is so, by a mask or because this processor has no more."""
    has_no_more = platform.machine() == "x86_64" and "avx512f" not in Path("/proc/cpuinfo").read_text().split()
    return mask == "avx2" or has_no_more


def worth_trying(work, mask):
    """With AVX2 alone, PyTorch's products in bf16 take eighteen times as long as those in f32 (29 and 530 tokens/s of `a`)."""
    f32 = [setting for setting in work.peers if setting.precision == "f32"]
    return f32 if f32 and has_avx2_alone(mask) else work.peers


def best_setting(work, threads, known, mask):
    """The peer's fastest way for works of a kind, tried once and kept in target/bench/settings.json."""
    key = f"{work.peer}, {work.kind()}, {threads} threads"
    if key not in known:
        rates, settings = {}, worth_trying(work, mask)
        for setting in settings if len(settings) > 1 else ():
            # Judged by processor time, which other programs disturb least.
            rates[str(setting)] = rate([theirs(work, setting, threads)], "processor_seconds")
            print(f"  {work.key}, {threads} threads, {work.peer} {setting}: {rates[str(setting)]:.0f} {work.unit} a processor", flush=True)
        best = max(settings, key=lambda setting: rates.get(str(setting), 0.0))
        known[key] = {"precision": best.precision, "malloc": best.malloc, "tried": rates}
        write(place("settings", mask), known)
    kept = known[key]
    return Setting(kept["precision"], kept["malloc"]), kept["tried"]


def command_line(work, threads):
    """How to run our side alone."""
    runner = RUNNER.relative_to(ROOT)
    measurement, *options = work.ours()
    mask = f"LAM_CPU={os.environ['LAM_CPU']} " if "LAM_CPU" in os.environ else ""
    return f"{mask}RAYON_NUM_THREADS={threads} {runner} {measurement} --model target/bench/models/{work.model} {' '.join(options)}"


def alternate(work, threads, rounds, setting):
    """Ours, theirs, ours, theirs…; without a setting, ours alone. The runs of both, and why ours are missing."""
    our_runs, their_runs, missing = [], [], None
    for _ in range(rounds or work.rounds):
        try:
            if missing is None:
                our_runs.append(ours(work.ours(), work.model, threads))
        except NotAvailable as reason:
            missing = str(reason)
        if setting is not None:
            their_runs.append(theirs(work, setting, threads))
    return our_runs, their_runs, missing


def measured_peer(work, threads, entries):
    """The peer's figures from the work that this one is compared with."""
    entry = entries.get(work.peer_of, {}).get("by_threads", {}).get(str(threads))
    if entry is None:
        sys.exit(f"error: {work.key} is compared with the peer of {work.peer_of}; hint: --only {work.peer_of} first")
    return entry


def measure(work, threads, rounds, known, entries, mask):
    """Both sides, side by side."""
    if work.peer_of:
        peer = measured_peer(work, threads, entries)
        our_runs, _, missing = alternate(work, threads, rounds, None)
        their_runs, setting, tried = peer["runs"]["peer"], peer["peer_setting"], peer["peer_tried"]
    else:
        setting, tried = best_setting(work, threads, known, mask)
        our_runs, their_runs, missing = alternate(work, threads, rounds, setting)
    entry = {
        "threads": threads, "unit": work.unit, "peer_name": work.peer, "peer_setting": str(setting),
        "peer_tried": tried, "ours": None, "peer": rate(their_runs), "ratio": None, "ratio_by_processor_time": None,
        "peak_mib_ours": None, "peak_mib_peer": peak(their_runs), "peak_ratio": None,
        "others_share": max(figures["others_share"] for figures in our_runs + their_runs),
        "command": command_line(work, threads), "runs": {"ours": our_runs, "peer": their_runs},
    }  # fmt: skip
    if missing is not None:
        return {**entry, "missing": missing}
    clock = "processor_seconds"
    return {
        **entry, "ours": rate(our_runs), "ratio": rate(our_runs) / entry["peer"],
        "ratio_by_processor_time": rate(our_runs, clock) / rate(their_runs, clock),
        "peak_mib_ours": peak(our_runs), "peak_ratio": peak(our_runs) / peak(their_runs),
    }  # fmt: skip


def measure_products(work, threads):
    """All operations of a layer over the time they take, and the share of the measured peak."""
    best = ours(["peak", "--threads", str(threads)], work.model, threads)
    entry = {
        "threads": threads, "unit": work.unit, "peer_name": work.peer, "peer_setting": work.precision,
        "ours": None, "peer": best[work.precision], "ratio": None, "peak_mib_ours": None, "peak_mib_peer": None,
        "others_share": best["others_share"], "command": command_line(work, threads),
    }  # fmt: skip
    if entry["peer"] is None:
        return {**entry, "missing": f"the processor has no {work.precision}"}
    run = ours(work.ours(), work.model, threads)
    sizes = [(product["m"] * product["n"] * product["k"], product["gflops"]) for product in run["products"]]
    overall = sum(size for size, _ in sizes) / sum(size / gflops for size, gflops in sizes)
    others = max(run["others_share"], entry["others_share"])
    return {**entry, "ours": overall, "ratio": overall / entry["peer"], "others_share": others, "products": run["products"]}


def chosen(only, mask):
    """Works whose key is one of the words or begins with it and a dash. On a masked processor those whose peer can be masked."""
    words = [word for word in only.split(",") if word]
    named = {word: [work for work in WORKS if work.key == word or work.key.startswith(word + "-")] for word in words}
    unknown = [word for word, works in named.items() if not works]
    if unknown:
        sys.exit(f"error: --only {','.join(unknown)}: no such work; hint: {', '.join(work.key for work in WORKS)}")
    works = [work for work in WORKS if not words or any(work in works for works in named.values())]
    left_out = [work.key for work in works if mask and (isinstance(work, Products) or work.peer == "llama.cpp")]
    if left_out:
        print(f"left out: {', '.join(left_out)}: llama.cpp is built for this processor, and the peak is its own", file=sys.stderr)
    return [work for work in works if work.key not in left_out]


def missing_models(works):
    """Directories and GGUF files that are not there."""
    names = sorted({model for work in works for model in work.models()})
    return [name for name in names if not (BENCH / "models" / (f"{name}.gguf" if "." in name else name)).exists()]


def parsed():
    arguments = argparse.ArgumentParser(prog="engine.sh", description=__doc__)
    arguments.add_argument("--only", default="", help="works, by key or its beginning: a,c,d-small")
    arguments.add_argument("--threads", default="1,2", help="numbers of threads, one after the other")
    arguments.add_argument("--repeats", type=int, default=0, help="processes on each side; each work has its own default")
    arguments.add_argument("--cpu", default="", choices=MASKS, help="leave out what such a processor does not have, on both sides")
    arguments.add_argument("--missing-models", action="store_true", help="name the models that are yet to be made, and stop")
    arguments.add_argument("--table", action="store_true", help="print the table of what is measured, and stop")
    return arguments.parse_args()


def main():
    options = parsed()
    mask = options.cpu
    works = chosen(options.only, mask)
    os.environ.update(MASKS.get(mask, {}))
    result, known = read(place("engine", mask)), read(place("settings", mask))
    entries = result.setdefault("works", {})
    if options.missing_models:
        print("\n".join(missing_models(works)))
        return
    for threads in map(int, options.threads.split(",") if not options.table else ()):
        for work in works:
            products = isinstance(work, Products)
            if products:
                entry = measure_products(work, threads)
            else:
                entry = measure(work, threads, options.repeats, known, entries, mask)
            by_threads = {**entries.get(work.key, {}).get("by_threads", {}), str(threads): entry}
            # A work's own figures are those of the most threads.
            entries[work.key] = {**by_threads[max(by_threads, key=int)], "by_threads": by_threads}
            write(place("engine", mask), result)
    print_table([work.key for work in works if work.key in entries], entries)


if __name__ == "__main__":
    main()
