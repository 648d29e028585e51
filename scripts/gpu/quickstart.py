"""The quickstart's stages on the GPU, small: from nothing through LAM4 and its evaluation. With --whole, all of it.

    python quickstart.py [--tiny] [--whole]
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from lam import BINARY, folder

SMALL = [
    "plans.plans.entries=300", "expert.trajectories.tasks=400", "expert-test.trajectories.tasks=20",
    "base.train.max_tokens=60000", "lam1.train.max_tokens=20000", "lam2.train.max_tokens=100000",
    "explore.max_tasks=60", "explore.attempts=1", "lam3.train.max_tokens=20000", "practice.skip_tasks=60",
    "practice.max_tasks=40", "practice.attempts=2", "reward.train.max_tokens=20000", "lam4.max_states=24",
    "lam4.samples_per_state=4", "eval-plan.max_pairs=3", "eval-step.max_trajectories=3", "eval-online.seen=3",
    "eval-online.unseen=2",
]  # fmt: skip


def main(tiny, whole):
    sets = [part for setting in ([] if whole else SMALL) for part in ("--set", setting)]
    # The emulation is for what the stages share; generation alone would take it hours.
    until = ["--until", "lam2", "--set", "base.train.max_tokens=4000", "--set", "lam1.train.max_tokens=2000", "--set",
             "lam2.train.max_tokens=2000"] if tiny else []  # fmt: skip
    with folder() as place:
        start = time.monotonic()
        command = [BINARY, "run", "quickstart", "--device", "cuda", "--runs-dir", place, *sets, *until]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(done.stdout[-6000:])
        stages = sorted(path.parent.name for path in Path(place).glob("quickstart/*/manifest.json"))
        success = {}
        for path in Path(place).glob("quickstart/eval-online/*.json"):
            if path.name != "manifest.json":
                success[path.name] = json.loads(path.read_text())
        figures = {"whole": whole, "seconds": time.monotonic() - start, "stages": stages, "eval_online": success}
        print(json.dumps(figures)[:100_000])
        print(f"{len(stages)} stages in {time.monotonic() - start:.0f} s: {' '.join(stages)}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(0 if main("--tiny" in sys.argv, "--whole" in sys.argv) else 1)
