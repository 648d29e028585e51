"""One measured process at a time, alone, and the figures it prints. Knows no work."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent.parent
BENCH = ROOT / "target" / "bench"
RUNNER = ROOT / "target" / "release" / "examples" / "engine"
SILENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONWARNINGS": "ignore",
}
NOT_AVAILABLE = 3


# What leaves instructions out, in our engine and in the libraries that PyTorch computes with.
MASKS = {
    "avx2": {"LAM_CPU": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"LAM_CPU": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
    "avx512-bf16": {"LAM_CPU": "avx512-bf16", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},
}  # fmt: skip


class NotAvailable(Exception):
    """Our engine does not have what a work asks for."""


def busy_seconds():
    """Processor time of the whole machine so far."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command, threads, environment):
    """The figures of a process, and how much of a processor other programs took meanwhile."""
    counts = {name: str(threads) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **SILENT, **counts, **environment}
    busy, own, start = busy_seconds(), children_seconds(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    others = busy_seconds() - busy - (children_seconds() - own)
    if done.returncode == NOT_AVAILABLE:
        raise NotAvailable(done.stderr.strip().removeprefix("error: "))
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr.strip()}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    return {**figures, "others_share": round(max(others, 0.0) / (time.perf_counter() - start), 3)}


def ours(arguments, model, threads):
    measurement, *options = arguments
    return run([RUNNER, measurement, "--model", BENCH / "models" / model, *options], threads, {})


def theirs(work, setting, threads):
    program, *options = work.theirs(setting)
    model = BENCH / "models" / work.peer_model(setting)
    command = [sys.executable, SCRIPTS / program, "--model", model, "--threads", str(threads), *options]
    return run(command, threads, setting.environment())


def read(path):
    return json.loads(path.read_text()) if path.exists() else {}


def write(path, value):
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n")
    partial.replace(path)
