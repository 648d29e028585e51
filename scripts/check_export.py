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
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast


def load(kind, directory, base):
    """An export as Python's libraries load it; an adapter over `base`."""
    if kind == "reward":
        return AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    if kind == "merged":
        return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    from peft import PeftModel

    under = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(under, directory).eval()


def tokenizer_of(directory):
    """The tokenizer as its files describe it. AutoTokenizer puts Qwen2's own in the place of any tokenizer of a qwen2."""
    path = directory / "tokenizer_config.json"
    named = json.loads(path.read_text()).get("tokenizer_class") if path.is_file() else None
    plain = named in ("PreTrainedTokenizerFast", "TokenizersBackend")
    return (PreTrainedTokenizerFast if plain else AutoTokenizer).from_pretrained(directory)


def last_logits(kind, model, ids):
    """Logits of the last position, or a reward model's one score."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits
    return logits[0] if kind == "reward" else logits[0, -1]


def largest(pairs):
    """Largest difference between two tensors of a pair; not a number where one of them is none."""
    return torch.stack([(one - other).abs().max() for one, other in pairs]).max().item()


def padded(model, tokenizer, rows):
    """Largest difference of a score in a padded batch from the same text's alone, over both sides of padding."""
    if tokenizer.pad_token_id != model.config.pad_token_id:
        sys.exit(f"the tokenizer pads with {tokenizer.pad_token_id}, the model with {model.config.pad_token_id}")
    pairs = []
    with torch.no_grad():
        alone = torch.cat([model(input_ids=torch.tensor([row])).logits for row in rows])
        for side in ("left", "right"):
            tokenizer.padding_side = side
            together = model(**tokenizer.pad({"input_ids": rows}, return_tensors="pt")).logits
            pairs.append((alone, together))
    return largest(pairs)


def compare(kind, directory, base=None):
    """Largest differences by what was compared, and how many tokens of the recorded text differ."""
    record = json.loads((directory / "export.json").read_text())
    tokenizer = tokenizer_of(directory)
    ids, expected = tokenizer(record["text"], add_special_tokens=False)["input_ids"], record["text_ids"]
    apart = {"tokens": abs(len(ids) - len(expected)) + sum(one != other for one, other in zip(ids, expected))}
    model = load(kind, directory, base)
    pairs = [(last_logits(kind, model, each["input_ids"]), torch.tensor(each["logits"])) for each in record["probes"]]
    apart["scores" if kind == "reward" else "logits"] = largest(pairs)
    if kind == "reward":
        rows = [probe["input_ids"] for probe in record["probes"]]
        rows = [row[: max(1, len(row) * part // 4)] for row in rows for part in (1, 4)]
        apart[f"scores of {len(rows)} in a batch padded left or right"] = padded(model, tokenizer, rows)
    return apart


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

    apart = compare(options.kind, options.directory, options.base)
    tokens = apart.pop("tokens")
    print(f"tokenizer: {f'{tokens} tokens DIFFER' if tokens else 'equal'}")
    for what, worst in apart.items():
        print(f"{options.kind}: {what}: largest difference {worst:.3e}")
    # Not `>`: a difference that is no number is above every tolerance.
    if tokens or not all(worst <= options.tolerance for worst in apart.values()):
        print(f"not equal (tolerance {options.tolerance:g})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
