"""Exports beside transformers and PEFT: small models of each architecture are made and trained by lam-train, in full, by
LoRA and by QLoRA in 8 and 4 bits, with a reward model over each, and exported merged, as adapters and as reward models.

    scripts/parity.sh exports

Each is loaded and compared with the numbers in its export.json as `scripts/check_export.py` does it, and an adapter over
its base with the merged model besides. Prints the largest differences; exits with 1 where one is above its limit.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

from transformers.utils import logging

from losses import ARCHITECTURES, data, run

sys.path.append(str(Path(__file__).resolve().parent.parent))
from check_export import compare, largest, last_logits, load  # noqa: E402

# Absolute, of logits and scores that are a few units large.
LIMIT = 1e-5

STAGES = """
[[stage]]
name = "%(name)s"
kind = "phase2"
inputs = { model = "base", trajectories = "expert/expert_success.parquet" }
[stage.set]
validation_share = 0.0
%(settings)s
train = { learning_rate = 3e-3, max_steps = 12, max_tokens_per_batch = 1024 }

[[stage]]
name = "%(name)s-reward"
kind = "phase4.reward"
inputs = { model = "%(name)s", trajectories = ["expert/expert_success.parquet", "expert/expert_failure.parquet"] }
[stage.set]
validation_share = 0.0
%(lora)s
train = { learning_rate = 3e-3, max_steps = 12, max_tokens_per_batch = 1024 }
"""
LORA = "lora = { lora_r = 4, lora_alpha = 8.0, lora_dropout = 0.0 }"
TRAINED = {
    "full": 'finetuning_type = "full"',
    "lora": f'finetuning_type = "lora"\n{LORA}',
    "qlora-8": f'finetuning_type = "qlora"\nquantization_bit = 8\n{LORA}',
    "qlora-4": f'finetuning_type = "qlora"\nquantization_bit = 4\n{LORA}',
}


def beside_merged(merged, adapter, base):
    """Largest difference of a logit between the merged model and the adapter over its base."""
    record = json.loads((adapter / "export.json").read_text())
    one, other = load("merged", merged, None), load("adapter", adapter, base)
    rows = [probe["input_ids"] for probe in record["probes"]]
    return largest([(last_logits("merged", one, row), last_logits("adapter", other, row)) for row in rows])


def exported(binary, folder, name):
    """Exports a model in all forms that it has, and the differences of each."""
    stages, out = folder / "runs/data", folder / "exports" / name
    kinds = ["merged", "reward"] if name == "full" else ["merged", "adapter", "reward"]
    base = stages / "base"
    for kind in kinds:
        stage = stages / (f"{name}-reward" if kind == "reward" else name)
        run(binary, "export", kind, "--model", stage, "--output-dir", out / kind)
        if (out / kind / "base").is_dir():
            base = out / kind / "base"
        yield kind, compare(kind, out / kind, base)
    if "adapter" in kinds:
        yield "adapter, merged", {"logits": beside_merged(out / "merged", out / "adapter", base)}


def main(binary):
    warnings.filterwarnings("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    held = True
    with tempfile.TemporaryDirectory() as folder:
        stages = "".join(STAGES % {"name": name, "settings": settings, "lora": LORA} for name, settings in TRAINED.items())
        for architecture in ARCHITECTURES:
            own = Path(folder) / architecture
            run(binary, "run", data(own, architecture, stages), "--runs-dir", own / "runs")
            for name in TRAINED:
                for kind, apart in exported(binary, own, name):
                    # Not `>`: a difference that is no number is above every limit.
                    held &= all(worst <= LIMIT for worst in apart.values())
                    told = ", ".join(f"{what} {worst:.1e} apart" for what, worst in apart.items() if what != "tokens")
                    told += f", {apart['tokens']} tokens differ" if apart.get("tokens") else ""
                    print(f"{architecture:8} {name:8} {kind:16} {told}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
