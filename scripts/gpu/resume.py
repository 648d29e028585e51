"""A LoRA run on the GPU that is killed at a random instant and started again: weights, checkpoints and metrics must be the
bytes of a run that nobody stopped.

    python resume.py [--tiny]
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from lam import BINARY, folder, make_data

TRAIN = """
finetuning_type = "lora"
validation_share = 0.0
lora = { lora_r = 4, lora_alpha = 8.0, lora_dropout = 0.1 }
[train]
learning_rate = 1e-3
max_steps = %(steps)d
per_device_train_batch_size = 2
gradient_accumulation_steps = 2
bf16 = true
logging_steps = 1
save_steps = %(save)d
save_total_limit = 0
"""
KILLS = 3


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stderr


def contents(folder):
    """Every file of a result but its manifest, which has times in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def killed(command, seconds):
    """Starts a run and kills it so many seconds later, with all its processes; whether it was still at work."""
    child = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        child.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return True


def main(tiny):
    with folder() as place:
        place = Path(place)
        make_data(run, place, tiny)
        (place / "train.toml").write_text(TRAIN % ({"steps": 6, "save": 2} if tiny else {"steps": 120, "save": 20}))
        runs = place / "runs/data"

        def command(name):
            return [BINARY, "phase2", "-c", place / "train.toml", "--device", "cuda", "--model", runs / "base", "--data",
                    runs / "expert/expert_success.parquet", "--output-dir", place / name]  # fmt: skip

        # The first run compiles kernels and chooses products' algorithms, which are kept; the second is timed.
        run(*command("first"))
        start = time.monotonic()
        run(*command("whole"))
        whole = time.monotonic() - start
        right, first = contents(place / "whole/lam2"), contents(place / "first/lam2")
        same = right == first
        print(f"two runs that nobody stopped: {'the same bytes' if same else 'OTHER BYTES'}, {whole:.1f} s each", flush=True)
        instants = []
        while len(instants) < (1 if tiny else KILLS):
            instant = random.uniform(0.2, 0.95) * whole
            if not killed(command("killed"), instant):
                shutil.rmtree(place / "killed")
                continue
            said = run(*command("killed"))
            resumed = "going on from" in said
            found = contents(place / "killed/lam2")
            other = sorted(name for name in right.keys() | found.keys() if right.get(name) != found.get(name))
            same &= not other
            instants.append({"instant": instant, "resumed_from_a_checkpoint": resumed, "other_files": other})
            print(f"killed after {instant:.1f} s, {'resumed' if resumed else 'begun again'}: {other or 'the same bytes'}", flush=True)
            shutil.rmtree(place / "killed")
        print(json.dumps({"files": len(right), "kills": instants, "two_runs_alike": right == first}))
    return same


if __name__ == "__main__":
    sys.exit(0 if main("--tiny" in sys.argv) else 1)
