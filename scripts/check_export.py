#!/usr/bin/env python3
"""Loads an export of lam-train in transformers, PEFT and llama.cpp and compares it with the numbers in its export.json.

    scripts/check_export.py merged  DIR
    scripts/check_export.py adapter DIR [--base BASE_DIR]    (the base is DIR/base where the export has one)
    scripts/check_export.py reward  DIR
    scripts/check_export.py gguf    DIR

Where the Python that runs it lacks one of these libraries, they are installed into target/check-export/venv: torch's
wheels are 5 GB, and llama.cpp is built from its sources (needs g++). The environments of scripts/parity.sh and
scripts/bench/engine.sh have them: `target/parity/venv/bin/python scripts/check_export.py …`.

An adapter beside its base is also loaded as AutoPeftModelForCausalLM does it, from its own directory. A reward model is
also asked for all its probes at once, padded by its tokenizer on either side: a batch must score as its texts do alone.
A GGUF file in F16 must give llama.cpp our logits within 1e-2; quantised ones, whose inputs llama.cpp rounds to 8 bits,
within a twentieth of their size. Exits with 1 when a logit, a score or a token differs.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path

from checking import in_own_environment

PACKAGES = {"torch": "torch", "transformers": "transformers>=5", "peft": "peft"}
LLAMA_CPP = {"llama_cpp": "llama-cpp-python"}


def load(kind, directory, base):
    """An export as Python's libraries load it; an adapter over `base`, or over the one that its config names."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    if kind == "reward":
        return AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    if kind == "merged":
        return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    from peft import AutoPeftModelForCausalLM, PeftModel

    if base is None:
        # adapter_config.json names its base from here.
        with contextlib.chdir(directory):
            return AutoPeftModelForCausalLM.from_pretrained(".", dtype=torch.float32).eval()
    under = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(under, directory).eval()


def tokenizer_of(directory):
    """The tokenizer as its files describe it. AutoTokenizer puts Qwen2's own in the place of any tokenizer of a qwen2."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    path = directory / "tokenizer_config.json"
    named = json.loads(path.read_text()).get("tokenizer_class") if path.is_file() else None
    plain = named in ("PreTrainedTokenizerFast", "TokenizersBackend")
    return (PreTrainedTokenizerFast if plain else AutoTokenizer).from_pretrained(directory)


def last_logits(kind, model, ids):
    """Logits of the last position, or a reward model's one score."""
    import torch

    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits
    return logits[0] if kind == "reward" else logits[0, -1]


def largest(pairs):
    """Largest difference between two tensors of a pair; not a number where one of them is none."""
    import torch

    return torch.stack([(one - other).abs().max() for one, other in pairs]).max().item()


def padded(model, tokenizer, rows):
    """Largest difference of a score in a padded batch from the same text's alone, over both sides of padding."""
    import torch

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
    import torch

    record = json.loads((directory / "export.json").read_text())
    tokenizer = tokenizer_of(directory)
    ids, expected = tokenizer(record["text"], add_special_tokens=False)["input_ids"], record["text_ids"]
    apart = {"tokens": different(ids, expected)}
    model = load(kind, directory, base)
    pairs = [(last_logits(kind, model, each["input_ids"]), torch.tensor(each["logits"])) for each in record["probes"]]
    apart["scores" if kind == "reward" else "logits"] = largest(pairs)
    if kind == "adapter" and (directory / "base").is_dir():
        own = load(kind, directory.resolve(), None)
        pairs = [(last_logits(kind, own, each["input_ids"]), torch.tensor(each["logits"])) for each in record["probes"]]
        apart["logits as AutoPeftModelForCausalLM loads it"] = largest(pairs)
    if kind == "reward":
        rows = [probe["input_ids"] for probe in record["probes"]]
        rows = [row[: max(1, len(row) * part // 4)] for row in rows for part in (1, 4)]
        apart[f"scores of {len(rows)} in a batch padded left or right"] = padded(model, tokenizer, rows)
    return apart


def different(ids, expected):
    """How many tokens differ."""
    return abs(len(ids) - len(expected)) + sum(one != other for one, other in zip(ids, expected))


class LlamaCpp:
    """A GGUF file in llama.cpp, through the C functions that its Python binding exposes."""

    def __init__(self, path, positions):
        import llama_cpp

        self.lib = llama_cpp
        # Kept for as long as the model: the library calls it.
        self.silent = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.silent, None)
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.use_mmap = False
        # Its AMX tiles end the process with SIGILL for quantised weights.
        params.use_extra_bufts = False
        self.model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = positions
        # Keys and values in f32: what is compared is the file.
        params.type_k = params.type_v = 0
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)

    def logits(self, ids):
        """Logits of the last position."""
        lib = self.lib
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)
        # Kept by a name: the batch only points to them.
        tokens = (lib.llama_token * len(ids))(*ids)
        code = lib.llama_decode(self.context, lib.llama_batch_get_one(tokens, len(ids)))
        if code != 0:
            sys.exit(f"llama_decode returned {code}")
        return lib.llama_get_logits_ith(self.context, -1)[: lib.llama_vocab_n_tokens(self.vocabulary)]

    def tokens(self, text):
        """The tokens of a text in which nothing is special."""
        room = (self.lib.llama_token * (len(text) * 4 + 8))()
        data = text.encode()
        count = self.lib.llama_tokenize(self.vocabulary, data, len(data), room, len(room), False, False)
        return list(room[:count])


def compare_gguf(directory):
    """Largest differences of llama.cpp from what is recorded, absolute and over the logits' size, and of tokens."""
    record = json.loads((directory / "export.json").read_text())
    (path,) = directory.glob("*.gguf")
    model = LlamaCpp(path, max(len(probe["input_ids"]) for probe in record["probes"]) + 8)
    worst, squares, size = 0.0, 0.0, 0.0
    for probe in record["probes"]:
        found = model.logits(probe["input_ids"])
        if len(found) != len(probe["logits"]):
            sys.exit(f"llama.cpp gives {len(found)} logits, the record has {len(probe['logits'])}")
        for one, other in zip(found, probe["logits"]):
            # Not `max`: what is no number stays.
            worst = abs(one - other) if not abs(one - other) <= worst else worst
            squares, size = squares + (one - other) ** 2, size + other**2
    # What the record notes of the tokenizer is known.
    tokens = 0 if record.get("notes") else different(model.tokens(record["text"]), record["text_ids"])
    exact = path.stem.endswith("-F16")
    apart = {"logits in llama.cpp": worst} if exact else {"logits in llama.cpp, over their size": (squares / size) ** 0.5}
    return {"tokens": tokens} | apart, 1e-2 if exact else 0.05


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=["merged", "adapter", "reward", "gguf"])
    arguments.add_argument("directory", type=Path)
    arguments.add_argument("--base", type=Path, help="the model under the adapter")
    arguments.add_argument("--tolerance", type=float)
    options = arguments.parse_args()
    if options.base is None and (options.directory / "base").is_dir():
        options.base = options.directory / "base"
    if options.kind == "adapter" and options.base is None:
        arguments.error("an adapter needs --base")
    packages = LLAMA_CPP if options.kind == "gguf" else PACKAGES
    if any(importlib.util.find_spec(module) is None for module in packages):
        in_own_environment("check-export", packages)

    if options.kind == "gguf":
        apart, tolerance = compare_gguf(options.directory)
    else:
        apart, tolerance = compare(options.kind, options.directory, options.base), 1e-3
    tolerance = tolerance if options.tolerance is None else options.tolerance
    tokens = apart.pop("tokens")
    print(f"tokenizer: {f'{tokens} tokens DIFFER' if tokens else 'equal'}")
    for what, worst in apart.items():
        print(f"{options.kind}: {what}: largest difference {worst:.3e}")
    # Not `>`: a difference that is no number is above every tolerance.
    if tokens or not all(worst <= tolerance for worst in apart.values()):
        print(f"not equal (tolerance {tolerance:g})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
