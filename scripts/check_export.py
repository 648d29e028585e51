"""Loads an export of lam-train in transformers and PEFT and compares it with the numbers in its export.json.

    pip install torch transformers peft
    python scripts/check_export.py merged  DIR
    python scripts/check_export.py adapter DIR [--base BASE_DIR]    (the base is DIR/base where the export has one)
    python scripts/check_export.py reward  DIR

A reward model is also asked for all its probes at once, padded by its tokenizer on either side: a batch must score as
its texts do alone. Exits with 1 when a logit, a score or a token differs.
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


def padded(model, tokenizer, rows):
    """Largest difference of a score in a padded batch from the same text's alone, over both sides of padding."""
    if tokenizer.pad_token_id != model.config.pad_token_id:
        sys.exit(f"the tokenizer pads with {tokenizer.pad_token_id}, the model takes {model.config.pad_token_id} for padding")
    worst = 0.0
    with torch.no_grad():
        alone = torch.cat([model(input_ids=torch.tensor([row])).logits for row in rows])
        for side in ("left", "right"):
            tokenizer.padding_side = side
            together = model(**tokenizer.pad({"input_ids": rows}, return_tensors="pt")).logits
            worst = max(worst, (alone - together).abs().max().item())
    return worst


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=["merged", "adapter", "reward"])
    arguments.add_argument("directory", type=Path)
    arguments.add_argument("--base", type=Path, help="the model under the adapter")
    arguments.add_argument("--tolerance", type=float, default=1e-3)
    options = arguments.parse_args()
    if options.base is None and (options.directory / "base").is_dir():
        options.base = options.directory / "base"
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
    if options.kind == "reward":
        rows = [probe["input_ids"] for probe in record["probes"]]
        rows = [row[: max(1, len(row) * part // 4)] for row in rows for part in (1, 4)]
        batched = padded(model, tokenizer, rows)
        print(f"reward: largest difference of a score in a padded batch of {len(rows)}, left or right: {batched:.3e}")
        worst = max(worst, batched)
    if worst > options.tolerance or not same_tokens:
        print(f"not equal (tolerance {options.tolerance:g})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
