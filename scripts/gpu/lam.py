"""What the parts share: the binary, data and a base model to train from. Knows no part."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity"))

BINARY = os.environ.get("LAM_TRAIN", "target/release/lam-train")
NOT_RUN = 77
# A decoder that even the emulation computes in seconds.
TINY = """{"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 2,
"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "intermediate_size": 96, "vocab_size": 2816,
"max_position_embeddings": 2048, "rope_theta": 10000.0, "rms_norm_eps": 1e-05, "hidden_act": "silu",
"initializer_range": 0.05, "sliding_window": null, "tie_word_embeddings": false}"""
DATA = """
name = "data"
seed = 3
[[stage]]
name = "expert"
kind = "trajectories"
set.trajectories.tasks = %(tasks)d
[[stage]]
name = "base"
kind = "base"
[stage.set]
model_config = "%(model)s"
%(more)s
documentation_entries = 40
tokenizer = { vocab_size = 2816 }
replay_examples = 20
train = { max_tokens = 4096, max_tokens_per_batch = 1024 }
"""


def not_run(reason):
    print(f"not run: {reason}")
    sys.exit(NOT_RUN)


def needs(*modules):
    for module in modules:
        if importlib.util.find_spec(module) is None:
            not_run(f"python3 has no {module}")


def folder():
    return tempfile.TemporaryDirectory(prefix="lam-gpu-")


def make_data(run, folder, tiny):
    """Trajectories and a base model in runs/data, made on the processor."""
    (folder / "tiny.json").write_text(TINY)
    model = folder / "tiny.json" if tiny else "nano-2m"
    more = 'initialization = { kind = "normal" }' if tiny else ""
    (folder / "data.toml").write_text(DATA % {"tasks": 2 if tiny else 12, "model": model, "more": more})
    run(BINARY, "run", folder / "data.toml", "--device", "cpu", "--runs-dir", folder / "runs")
