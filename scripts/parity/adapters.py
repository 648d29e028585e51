"""Gives lam-train PEFT adapters in many forms and compares: equal to PEFT's own logits, or refused by a name.

    scripts/parity.sh adapters
    target/parity/venv/bin/python scripts/parity/adapters.py target/release/lam-train [--keep DIR] [--only NAME ...]

For every adapter, made over a small random Mistral and trained by chance: `export merged` of it, loaded in
transformers, and the logits that the export recorded, must be PEFT's to 1e-5 (relative to the largest); or `export`,
`model inspect` and `act` must all refuse it with exit code 3 and the key's or tensor's name. Adapters that stay pairs
are exported as adapters too, and loaded in PEFT. Exits with 1 when one of them is neither.
"""

import argparse
import contextlib
import io
import json
import logging
import pathlib
import subprocess
import sys
import tempfile
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, MistralConfig, MistralForCausalLM

warnings.filterwarnings("ignore")
transformers.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)

TOLERANCE = 1e-5
EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPE = dict(vocab_size=600, hidden_size=64, intermediate_size=160, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=4096, initializer_range=0.08, sliding_window=None,
             bos_token_id=1, eos_token_id=2, pad_token_id=3)
PROMPTS = [torch.randint(8, 300, (1, n), generator=torch.Generator().manual_seed(n)) for n in (1, 7, 40)]


def lora(base="base", save=None, **settings):
    return {"base": base, "save": save or {}, "config": lambda: LoraConfig(**{
        "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8, "target_modules": EVERY, **settings})}


def other(kind, **settings):
    return {"base": "base", "save": {}, "config": lambda: getattr(peft, kind)(**{"task_type": "CAUSAL_LM", **settings})}


# What PEFT writes as it is. The second part of a tuple is the name that a refusal must hold.
CASES = {
    "plain": lora(),
    "all-linear": lora(target_modules="all-linear"),
    "rank-1": lora(r=1, lora_alpha=1),
    "attention-only": lora(target_modules=["q_proj", "v_proj"]),
    "dropout": lora(lora_dropout=0.3),
    "rslora": lora(use_rslora=True),
    "bias-all": lora(bias="all"),
    "bias-lora-only": lora(bias="lora_only"),
    "fan-in-fan-out": lora(fan_in_fan_out=True),
    "rank-pattern": lora(rank_pattern={"q_proj": 8, "down_proj": 1}),
    "rank-pattern-rslora": lora(rank_pattern={"q_proj": 8}, use_rslora=True),
    "rank-pattern-expression": lora(rank_pattern={r"layers\.(0|2)\.self_attn\..*": 2, "q_proj": 7}),
    "alpha-pattern": lora(alpha_pattern={"up_proj": 32, "model.layers.1.self_attn.q_proj": 3}),
    "both-patterns": lora(rank_pattern={"k_proj": 2}, alpha_pattern={"k_proj": 5, "mlp.*": 1}),
    "expression": lora(target_modules=r".*\.(q|v)_proj"),
    "expression-look-ahead": lora(target_modules=r"model\.layers\.\d+\.(?!mlp)[a-z_]+\.(q|o)_proj"),
    "whole-names": lora(target_modules=["model.layers.0.self_attn.q_proj", "model.layers.2.mlp.up_proj"]),
    "layers": lora(layers_to_transform=[0, 2]),
    "layers-one": lora(layers_to_transform=1, layers_pattern="layers"),
    "exclude": lora(exclude_modules=["model.layers.1.mlp.up_proj", "k_proj"]),
    "exclude-expression": lora(exclude_modules=r".*layers\.0\..*"),
    "gaussian": lora(init_lora_weights="gaussian"),
    "not-initialised": lora(init_lora_weights=False),
    "orthogonal": lora(init_lora_weights="orthogonal"),
    "mica": lora(init_lora_weights="mica"),
    "dora": lora(use_dora=True),
    "dora-rslora": lora(use_dora=True, use_rslora=True, rank_pattern={"v_proj": 2}),
    "dora-on-head": lora(use_dora=True, target_modules=["q_proj", "lm_head"]),
    "save-head": lora(modules_to_save=["lm_head"]),
    "save-tables": lora(modules_to_save=["embed_tokens", "lm_head"]),
    "save-norms": lora(modules_to_save=["norm"]),
    "save-block-part": lora(target_modules=["q_proj"], modules_to_save=["mlp"]),
    "save-embedding-layers": lora(save={"save_embedding_layers": True}),
    "token-indices": lora(trainable_token_indices=[5, 6, 300]),
    "token-indices-both": lora(trainable_token_indices={"embed_tokens": [5, 6], "lm_head": [7, 8, 9]}),
    "lora-on-head": lora(target_modules=[*EVERY, "lm_head"]),
    "lora-on-embedding": lora(target_modules=["embed_tokens", "q_proj"]),
    "lora-on-both": lora(target_modules=["embed_tokens", "lm_head"]),
    "tied-plain": lora("tied"),
    "tied-save-embedding": lora("tied", modules_to_save=["embed_tokens"]),
    "tied-save-head": lora("tied", modules_to_save=["lm_head"]),
    "tied-save-embedding-layers": lora("tied", save={"save_embedding_layers": True}),
    "tied-token-indices": lora("tied", trainable_token_indices=[5, 6, 300]),
    "tied-token-indices-both": lora("tied", trainable_token_indices={"embed_tokens": [5, 6], "lm_head": [5, 6]}),
    "tied-lora-on-embedding": lora("tied", target_modules=["embed_tokens"]),
    "tied-lora-on-head": lora("tied", target_modules=["lm_head", "v_proj"]),
    "ensure-tying": (lora("tied", modules_to_save=["embed_tokens"], ensure_weight_tying=True), "ensure_weight_tying"),
    "lora-bias": (lora(lora_bias=True), "lora_bias"),
    "olora": (lora(init_lora_weights="olora"), "init_lora_weights"),
    "pissa": (lora(init_lora_weights="pissa"), "init_lora_weights"),
    "pissa-niter": (lora(init_lora_weights="pissa_niter_4"), "init_lora_weights"),
    "alora": (lora(alora_invocation_tokens=[5, 6]), "alora_invocation_tokens"),
    "layer-replication": (lora(layer_replication=[[0, 2], [1, 3]]), "layer_replication"),
    "dora-on-embedding": (lora(use_dora=True, target_modules=["embed_tokens"]), "lora_magnitude_vector"),
    "adalora": (other("AdaLoraConfig", target_modules=EVERY, total_step=10), "peft_type"),
    "ia3": (other("IA3Config", target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]), "peft_type"),
    "loha": (other("LoHaConfig", target_modules=["q_proj"]), "peft_type"),
    "lokr": (other("LoKrConfig", target_modules=["q_proj"]), "peft_type"),
    "oft": (other("OFTConfig", target_modules=["q_proj"], oft_block_size=16), "peft_type"),
    "boft": (other("BOFTConfig", target_modules=["q_proj"]), "peft_type"),
    "vera": (other("VeraConfig", target_modules=["q_proj"], r=4), "peft_type"),
    "fourier": (other("FourierFTConfig", target_modules=["q_proj"], n_frequency=20), "peft_type"),
    "hra": (other("HRAConfig", target_modules=["q_proj"]), "peft_type"),
    "miss": (other("MissConfig", target_modules=["q_proj"], r=4), "peft_type"),
    "shira": (other("ShiraConfig", target_modules=["q_proj"], r=4), "peft_type"),
    "ln-tuning": (other("LNTuningConfig", target_modules=["input_layernorm"]), "peft_type"),
    "prompt-tuning": (other("PromptTuningConfig", num_virtual_tokens=4), "peft_type"),
    "prefix-tuning": (other("PrefixTuningConfig", num_virtual_tokens=4), "peft_type"),
    "trainable-tokens": (other("TrainableTokensConfig", token_indices=[5, 6]), "peft_type"),
}


def set_keys(**keys):
    def change(directory):
        path = directory / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys, indent=1))
    return change


def change_tensors(change):
    def changed(directory):
        path = directory / "adapter_model.safetensors"
        save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return changed


Q = "base_model.model.model.layers.0.self_attn.q_proj"


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


# A plain adapter, changed afterwards. None as name: equal to what PEFT makes of the changed one.
CHANGED = {
    "in-bf16": (change_tensors(lambda t: {k: v.to(torch.bfloat16) for k, v in t.items()}), None),
    "in-f16": (change_tensors(lambda t: {k: v.to(torch.float16) for k, v in t.items()}), None),
    "without-optional-keys": (lambda d: (d / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "target_modules": EVERY, "r": 4, "lora_alpha": 8})), None),
    "eva": (set_keys(init_lora_weights="eva"), None),
    "stray-magnitude": (change_tensors(lambda t: t | {f"{Q}.lora_magnitude_vector": torch.ones(64)}), f"{Q}.lora_magnitude_vector"),
    "stray-module": (change_tensors(lambda t: t | {f"{Q}2.lora_A.weight": torch.ones(4, 64)}), f"{Q}2.lora_A.weight"),
    "stray-norm": (change_tensors(lambda t: t | {"base_model.model.model.norm.weight": torch.ones(64)}), "norm.weight"),
    "stray-bias": (change_tensors(lambda t: t | {f"{Q}.lora_B.bias": torch.ones(64)}), f"{Q}.lora_B.bias"),
    "missing-tensor": (change_tensors(lambda t: without(t, f"{Q}.lora_B.weight")), f"{Q}.lora_B.weight"),
    "another-rank": (set_keys(r=8), "lora_A.weight"),
    "fewer-targets": (set_keys(target_modules=["q_proj"]), "lora_A.weight"),
    "one-layer-excluded": (set_keys(exclude_modules=["model.layers.0.self_attn.q_proj"]), f"{Q}.lora_A.weight"),
    "not-finite": (change_tensors(lambda t: t | {f"{Q}.lora_B.weight": torch.full((64, 4), float("nan"))}), f"{Q}.lora_B.weight"),
    "another-task": (set_keys(task_type="SEQ_CLS"), "task_type"),
    "loftq": (set_keys(init_lora_weights="loftq", loftq_config={"loftq_bits": 4}), "init_lora_weights"),
    "corda": (set_keys(corda_config={"corda_method": "kpm"}), "corda_config"),
    "qalora": (set_keys(use_qalora=True), "use_qalora"),
    "target-parameters": (set_keys(target_parameters=["mlp.experts"]), "target_parameters"),
    "megatron": (set_keys(megatron_config={"tp": 2}), "megatron_config"),
    "rank-of-a-half": (set_keys(rank_pattern={"q_proj": 4.5}), "rank_pattern"),
    "rows-of-a-norm": (set_keys(trainable_token_indices={"norm": [1]}), "trainable_token_indices"),
    "no-type": (set_keys(peft_type=None), "peft_type"),
    "key-of-tomorrow": (set_keys(phase_shift=0.25), "phase_shift"),
    "bad-expression": (set_keys(target_modules="(q_proj"), "target_modules"),
    "bytes-appended": (lambda d: (d / "adapter_model.safetensors").open("ab").write(b"more"), "after its last tensor"),
    "another-base": (set_keys(base_model_name_or_path="../other"), "whose weights are not those"),
}


def make_base(directory, seed, **settings):
    torch.manual_seed(seed)
    MistralForCausalLM(MistralConfig(**(SHAPE | settings))).save_pretrained(directory)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>", "[INST]", "[/INST]"]
    trainer = trainers.BpeTrainer(vocab_size=590, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(["make the heading bold and insert a table with 3 rows"] * 3, trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}))


def load(directory):
    with contextlib.redirect_stderr(io.StringIO()):
        return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


def make_adapter(root, directory, case):
    torch.manual_seed(2)
    base = load(root / case["base"])
    if case["save"]:
        base.get_input_embeddings().weight.data += 0.3 * torch.randn_like(base.get_input_embeddings().weight)
    model = get_peft_model(base, case["config"]())
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(directory, **({"save_embedding_layers": False} | case["save"]))
    set_keys(base_model_name_or_path=f"../{case['base']}")(directory)


def logits(model, rows=PROMPTS):
    with torch.no_grad():
        return [model(input_ids=row).logits[0, -1] for row in rows]


def apart(ours, theirs):
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(ours, theirs))


def run(binary, root, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], cwd=root, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr.strip()


def exported(binary, root, kind, directory, base):
    out = directory.parent / "out" / kind / directory.name
    code, message = run(binary, root, "export", kind, "--model", base, "--adapter", directory, "--output-dir", out)
    return code, message, out


def verdict(binary, root, name, base, refusal):
    """One word and what stands behind it."""
    directory = root / name
    code, message, out = exported(binary, root, "merged", directory, root / base)
    commands = [("model", "inspect", root / base, "--adapter", directory)]
    if code != 0:
        commands.append(("act", "--model", root / base, "--adapter", directory))
        others = [run(binary, root, *command) for command in commands]
        same = all((c, m.split(": ")[-1]) == (code, message.split(": ")[-1]) for c, m in others[1:])
        # Values are read by no inspection.
        seen = name == "not-finite" or others[0][0] == code
        if code == 3 and same and seen and refusal and refusal in message:
            return "refused", message.splitlines()[0]
        return "FAILED", f"exit code {code}, others {[c for c, _ in others]}, expected `{refusal}`: {message}"
    if refusal:
        return "ACCEPTED", f"expected a refusal that names `{refusal}`"
    inspected, message = run(binary, root, *commands[0])
    if inspected != 0:
        return "FAILED", f"inspect: {message}"
    theirs = PeftModel.from_pretrained(load(root / base), directory).eval()
    worst = apart(logits(load(out)), logits(theirs))
    record = json.loads((out / "export.json").read_text())["probes"]
    rows = [torch.tensor([probe["input_ids"]]) for probe in record]
    worst = max(worst, apart([torch.tensor(probe["logits"]) for probe in record], logits(theirs, rows)))
    code, message, out = exported(binary, root, "adapter", directory, root / base)
    kind = "folded"
    if code == 0:
        kind = "pairs"
        worst = max(worst, apart(logits(PeftModel.from_pretrained(load(root / base), out).eval()), logits(theirs)))
    elif "was folded into the weights" not in message:
        return "FAILED", f"export adapter: {message}"
    return ("equal" if worst <= TOLERANCE else "DIFFERENT"), f"{worst:.1e}, {kind}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=pathlib.Path)
    arguments.add_argument("--keep", type=pathlib.Path, help="work in this folder and leave it")
    arguments.add_argument("--only", nargs="*", help="names of adapters")
    options = arguments.parse_args()
    folder = tempfile.TemporaryDirectory()
    root = (options.keep or pathlib.Path(folder.name)).resolve()
    root.mkdir(parents=True, exist_ok=True)
    make_base(root / "base", 1)
    make_base(root / "other", 5)
    make_base(root / "tied", 3, tie_word_embeddings=True)
    cases = {name: case if isinstance(case, tuple) else (case, None) for name, case in CASES.items()}
    cases = {name: (case, refusal, None) for name, (case, refusal) in cases.items()}
    cases |= {name: (lora(), refusal, change) for name, (change, refusal) in CHANGED.items()}
    counts = {}
    for name, (case, refusal, change) in cases.items():
        if options.only and name not in options.only:
            continue
        try:
            make_adapter(root, root / name, case)
        except Exception as error:
            word, why = "skipped", f"PEFT cannot make it: {str(error).splitlines()[0]}"
        else:
            if change:
                change(root / name)
            word, why = verdict(options.binary.resolve(), root, name, case["base"], refusal)
        counts[word] = counts.get(word, 0) + 1
        print(f"{name:28}{word:11}{why}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    return 1 if set(counts) - {"equal", "refused", "skipped"} else 0


if __name__ == "__main__":
    sys.exit(main())
