"""Loads an export of lam-train in transformers and PEFT and compares it with the numbers in its export.json.

    pip install torch transformers peft
    python scripts/check_export.py merged  DIR
    python scripts/check_export.py adapter DIR --base BASE_DIR
    python scripts/check_export.py reward  DIR

Exits with 1 when a logit or a token differs.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer


def load(kind, directory, base):
    if kind == "reward":
        return AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32)
    if kind == "merged":
        return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    from peft import PeftModel

    under = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(under, directory)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=["merged", "adapter", "reward"])
    arguments.add_argument("directory", type=Path)
    arguments.add_argument("--base", type=Path, help="the model under the adapter")
    arguments.add_argument("--tolerance", type=float, default=1e-3)
    options = arguments.parse_args()
    if options.kind == "adapter" and options.base is None:
        arguments.error("an adapter needs --base")

    record = json.loads((options.directory / "export.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(options.directory)
    ids = tokenizer(record["text"], add_special_tokens=False)["input_ids"]
    same_tokens = ids == record["text_ids"]
    print(f"tokenizer: {len(ids)} tokens, {'equal' if same_tokens else 'DIFFERENT'}")

    model = load(options.kind, options.directory, options.base).eval()
    worst = 0.0
    for probe in record["probes"]:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([probe["input_ids"]])).logits
        last = logits[0] if options.kind == "reward" else logits[0, -1]
        worst = max(worst, (last - torch.tensor(probe["logits"])).abs().max().item())
    print(f"{options.kind}: largest difference of a logit over {len(record['probes'])} inputs: {worst:.3e}")
    if worst > options.tolerance or not same_tokens:
        print(f"not equal (tolerance {options.tolerance:g})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
