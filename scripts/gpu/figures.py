"""Puts what the parts found into one file: gpu.json beside their logs.

    python figures.py FOLDER PARTS
"""

import json
import sys
import time
from pathlib import Path


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def main(folder, chosen):
    folder = Path(folder)
    result = read(folder / "gpu.json") or {}
    parts = result.setdefault("parts", {})
    for line in (folder / "parts.tsv").read_text().splitlines():
        name, said, seconds = line.split("\t")
        log = (folder / f"{name}.log").read_text(errors="replace").splitlines()
        figures = [json.loads(line) for line in log if line.startswith("{")]
        last = next((line for line in reversed(log) if line.strip() and not line.startswith("{")), "")
        parts[name] = {"result": said, "seconds": int(seconds), "finished": time.strftime("%Y-%m-%d"), "last_line": last,
                       "figures": figures}  # fmt: skip
    if "bench" in chosen.split(","):
        result.update(read(folder / "bench.json") or {})
    result["doctor"] = read(folder / "doctor.json")
    (folder / "gpu.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
