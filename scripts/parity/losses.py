"""Training beside PyTorch: the same weights, rows and settings in lam-train, in transformers + PEFT (a loop written out)
and in TRL's SFTTrainer. Compares the loss of every step and the weights of every checkpoint, for each architecture.

    scripts/parity.sh losses

Every step sees all rows, so that nobody's order of rows matters. What TRL and schedules do is compared once, for Mistral.
Prints the largest differences; exits with 1 where one is above its limit.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, get_scheduler
from transformers.utils import logging

STEPS = 20
# Of the loss. Two sums in f32 in different orders differ by as much.
LIMIT_LOSS = 1e-6
# Of the weights' norm. AdamW divides a gradient by its own size: where that is all rounding, so is the step, and single
# weights differ by more.
LIMIT_WEIGHTS = 1e-4
# Of the first batch: entropies in nats, shares of tokens.
STATISTICS = {"entropy": 1e-5, "mean_token_accuracy": 1e-6}

DATA = """
name = "data"
seed = 3
[[stage]]
name = "expert"
kind = "trajectories"
set.trajectories.tasks = 12
[[stage]]
name = "base"
kind = "base"
[stage.set]
documentation_entries = 40
tokenizer = { vocab_size = 2816 }
replay_examples = 20
train = { max_tokens = 4096, max_tokens_per_batch = 1024 }
"""
# A model in Hugging Face's keys instead of the default one.
SHAPED = """
model_config = "%s"
initialization = { kind = "normal" }
"""
SIZES = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             vocab_size=2816, max_position_embeddings=4096)
ARCHITECTURES = {
    "mistral": None,
    "llama": dict(model_type="llama", rope_theta=5e5, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=256)),
    "qwen2": dict(model_type="qwen2", tie_word_embeddings=True, rope_theta=1e6, use_sliding_window=False),
    "qwen3": dict(model_type="qwen3", head_dim=24, rope_theta=1e6),
}
TRAIN = """
finetuning_type = "%(kind)s"
validation_share = 0.0
lora = { lora_r = 4, lora_alpha = 8.0 }
[train]
learning_rate = %(rate)s
lr_scheduler_type = "%(schedule)s"
warmup_steps = %(warmup)d
warmup_ratio = 0.0
max_steps = %(steps)d
per_device_train_batch_size = 64
weight_decay = 0.01
logging_steps = 1
save_steps = %(save)d
save_total_limit = 0
"""


class Case:
    """One training run of ours, and what it left behind."""

    def __init__(self, binary, folder, kind, schedule, device="cpu", more=""):
        self.binary, self.kind, self.schedule = binary, kind, schedule
        self.device, self.more = device, more
        self.folder = folder / f"{kind}-{schedule}"
        self.base = folder / "runs/data/base"
        self.rows = folder / "runs/data/expert/expert_success.parquet"
        self.warmup = 0 if schedule == "constant" else 4
        self.rate = 3e-3 if kind == "lora" else 1e-3
        self.folder.mkdir()
        self.train("ours", self.rate, STEPS, 2)
        # The adapter's beginning: one step too small to change a float.
        if kind == "lora":
            self.train("start", 1e-30, 1, 1)

    def train(self, name, rate, steps, save):
        config = self.folder / f"{name}.toml"
        values = {"kind": self.kind, "schedule": self.schedule, "rate": rate, "steps": steps, "save": save}
        config.write_text(TRAIN % (values | {"warmup": self.warmup}) + self.more)
        run(self.binary, "phase2", "-c", config, "--device", self.device, "--model", self.base, "--data", self.rows,
            "--output-dir", self.folder / name)

    def records(self):
        lines = (self.folder / "ours/lam2/training/metrics.jsonl").read_text().splitlines()
        return [record for record in map(json.loads, lines) if "loss" in record]

    def losses(self):
        return [record["loss"] for record in self.records()]

    def checkpoints(self):
        for step in range(2, STEPS + 1, 2):
            folder = self.folder / f"ours/lam2/training/checkpoint-{step}"
            yield step, load_file(next(folder.glob("*model.safetensors")))

    def model(self):
        base = AutoModelForCausalLM.from_pretrained(self.base, torch_dtype=torch.float32, attn_implementation="eager")
        if self.kind == "full":
            return base
        return PeftModel.from_pretrained(
            base, self.folder / "start/lam2/training/checkpoint-1", is_trainable=True, autocast_adapter_dtype=False
        )

    def weights(self, model):
        """The trained weights under the names of a checkpoint."""
        trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
        return {name.replace(".default", ""): value.detach().cpu() for name, value in trained.items()}


def data(folder, architecture, stages=""):
    """A pipeline up to the base of an architecture and on through `stages`, in a folder of its own."""
    folder.mkdir()
    shape = ARCHITECTURES[architecture]
    (folder / "config.json").write_text(json.dumps(SIZES | (shape or {})))
    (folder / "data.toml").write_text(DATA + (SHAPED % (folder / "config.json") if shape else "") + stages)
    return folder / "data.toml"


def run(*command):
    finished = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if finished.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{finished.stderr}")
    return finished.stdout


def examples(case):
    shown = run(case.binary, "data", "preview", "--json", "--count", "1000", "--model", case.base, case.rows)
    return json.loads(shown)["shown"]


def padded(rows, key, value):
    longest = max(len(row["input_ids"]) for row in rows)
    return torch.tensor([row[key] + [value] * (longest - len(row[key])) for row in rows])


def without_decay(model):
    """Norms and biases are never decayed."""
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    return [
        {"params": [value for _, value in named if value.ndim > 1], "weight_decay": 0.01},
        {"params": [value for _, value in named if value.ndim == 1], "weight_decay": 0.0},
    ]


def beside_loop(case, rows, device="cpu"):
    """transformers + PEFT, the training loop written out."""
    model = case.model().to(device)
    inputs, labels = padded(rows, "input_ids", 0).to(device), padded(rows, "labels", -100).to(device)
    lengths = torch.tensor([[len(row["input_ids"])] for row in rows], device=device)
    mask = (torch.arange(inputs.shape[1], device=device)[None] < lengths).long()
    optimizer = torch.optim.AdamW(without_decay(model), lr=case.rate)
    schedule = get_scheduler(case.schedule, optimizer, case.warmup, STEPS)
    reached, losses, worst = dict(case.checkpoints()), [], 0.0
    for step in range(1, STEPS + 1):
        loss = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step in reached:
            worst = max(worst, difference(reached[step], case.weights(model)))
    return losses, worst, len(reached)


def beside_trl(case, rows):
    """TRL's SFTTrainer over the same tokens."""
    from datasets import Dataset
    from transformers import AutoTokenizer, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    columns = {
        "input_ids": [row["input_ids"] for row in rows],
        "completion_mask": [[int(label != -100) for label in row["labels"]] for row in rows],
    }
    arguments = SFTConfig(
        output_dir=str(case.folder / "trl"), max_steps=STEPS, per_device_train_batch_size=len(rows),
        learning_rate=case.rate, lr_scheduler_type=case.schedule, warmup_steps=case.warmup, weight_decay=0.01,
        logging_steps=1, logging_strategy="steps", save_strategy="no", report_to=[], use_cpu=True, bf16=False,
        fp16=False, gradient_checkpointing=False, completion_only_loss=True, max_length=None, disable_tqdm=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(case.base)
    trainer = SFTTrainer(case.model(), args=arguments, train_dataset=Dataset.from_dict(columns),
                         processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    records = [record for record in trainer.state.log_history if "loss" in record]
    losses = [record["loss"] for record in records]
    last = dict(case.checkpoints())[STEPS]
    # Of the first batch, which both see with the same weights.
    for name, limit in STATISTICS.items():
        ours, theirs = case.records()[0][name], records[0][name]
        print(f"{'':8} {case.kind:5} {case.schedule:8} TRL's {name}: {ours:.6f}, {theirs:.6f}")
        if not abs(ours - theirs) <= limit:
            sys.exit(f"{name}: {ours}, TRL's is {theirs}")
    return losses, difference(last, case.weights(trainer.model)), 1


def difference(ours, theirs):
    if ours.keys() != theirs.keys():
        sys.exit(f"other tensors: {sorted(ours.keys() ^ theirs.keys())[:4]}")
    squares = lambda of: sum(of(name).double().square().sum().item() for name in ours)
    return (squares(lambda name: ours[name].float() - theirs[name].float()) / squares(theirs.get)) ** 0.5


PEERS = [("transformers + PEFT", beside_loop), ("TRL", beside_trl)]
RUNS = [("lora", "constant"), ("full", "linear"), ("lora", "cosine")]


def compared(binary, folder, architecture, kind, schedule):
    """Whether a run is beside its peers' within the limits."""
    case, held = Case(binary, folder, kind, schedule), True
    rows = examples(case)
    for peer, beside in PEERS if architecture == "mistral" else PEERS[:1]:
        losses, weights, checkpoints = beside(case, rows)
        ours = case.losses()
        assert len(ours) == len(losses) == STEPS, (len(ours), len(losses))
        loss = max(abs(a - b) / b for a, b in zip(ours, losses))
        held &= loss <= LIMIT_LOSS and weights <= LIMIT_WEIGHTS
        print(f"{architecture:8} {kind:5} {schedule:8} {peer:19} {STEPS} steps of {len(rows)} rows: "
              f"loss {loss:.1e} of itself apart; weights of {checkpoints} checkpoints {weights:.1e} of their norm apart; "
              f"loss {ours[0]:.3f} to {ours[-1]:.3f}", flush=True)
    return held


def main(binary):
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    held = True
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            own = Path(folder) / architecture
            run(binary, "run", data(own, architecture), "--device", "cpu", "--runs-dir", own / "runs")
            for kind, schedule in RUNS if architecture == "mistral" else RUNS[:2]:
                held &= compared(binary, own, architecture, kind, schedule)
    return held


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
