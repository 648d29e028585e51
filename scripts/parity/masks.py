"""Which tokens are trained, beside TRL: the same conversations through TRL's SFTTrainer with `assistant_only_loss`, by
templates that mark the answer with `{% generation %}`.

    scripts/parity.sh masks

Per template: the ids and the trained tokens of every row and, where TRL trains nothing after the answer's end, the loss of
the first step. Exits with 1 where ids or trained tokens differ, or the loss by more than its limit.
"""

import json
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from transformers.utils import logging
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from losses import DATA, LIMIT_LOSS, TRAIN, run

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}{% if m['role'] == 'assistant' %}{% generation %}"
    "{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}{{ m['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# name: (template, special tokens, begin, end, what TRL trains besides); a template by name is TRL's own for training. Ours
# is the answer up to its first special token.
TEMPLATES = {
    "chatml": (CHATML, ["<|im_start|>", "<|im_end|>"], "<s>", "<|im_end|>", ""),
    "llama3": ("llama3_training", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
               "<|begin_of_text|>", "<|eot_id|>", ""),
    "cohere": ("cohere_training", ["<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>",
               "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"], "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", ""),
    "phi3": ("phi3_training", ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"], "<s>", "<|endoftext|>",
             "\n<|endoftext|>"),
    "gemma": ("gemma_training", ["<start_of_turn>", "<end_of_turn>"], "<bos>", "<eos>", "\n"),
    "qwen3 instruct": ("qwen3_instruct_2507_training", ["<|im_start|>", "<|im_end|>"], None, "<|im_end|>", "\n"),
}


def template_text(template):
    import trl

    shipped = Path(trl.__file__).parent / "chat_templates" / f"{template}.jinja"
    return template if "{" in template else shipped.read_text()


def make_model(base, directory, texts, template, special, begin, end):
    """The base with another tokenizer of at most as many entries, and this template."""
    shutil.copytree(base, directory)
    for written in ["chat_template.jinja", "special_tokens_map.json", "manifest.json"]:
        (directory / written).unlink(missing_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    named = [token for token in dict.fromkeys([begin, end, *special]) if token]
    trainer = trainers.BpeTrainer(vocab_size=2000, show_progress=False, special_tokens=named,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end, "pad_token": end,
        "clean_up_tokenization_spaces": False, "chat_template": template_text(template)}))
    config = json.loads((directory / "config.json").read_text())
    ids = {"bos_token_id": begin and tokenizer.token_to_id(begin), "eos_token_id": tokenizer.token_to_id(end)}
    config |= ids | {"pad_token_id": None, "max_position_embeddings": 8192}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "generation_config.json").write_text(json.dumps(ids))


def preview(binary, model, rows):
    return json.loads(run(binary, "data", "preview", "--json", "--count", "1000", "--model", model, rows))["shown"]


def conversations(tokenizer, rows):
    """What the rows say, read back from ChatML."""
    for row in rows:
        turns = re.findall(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", tokenizer.decode(row["input_ids"]), re.DOTALL)
        yield [{"role": role, "content": content} for role, content in turns]


def accepted(tokenizer, messages):
    """The conversation; where the template refuses the system text, it goes into the first request."""
    try:
        tokenizer.apply_chat_template(messages, tokenize=False)
        return messages
    except Exception:
        system, user, *rest = messages
        return [{"role": "user", "content": system["content"] + "\n\n" + user["content"]}, *rest]


def first_loss(binary, folder, model, rows):
    config = folder / "train.toml"
    values = {"kind": "full", "schedule": "constant", "rate": 1e-4, "steps": 1, "save": 1, "warmup": 0}
    config.write_text(TRAIN % values + "max_length = 8192\n")
    run(binary, "phase2", "-c", config, "--model", model, "--data", rows, "--output-dir", folder / "ours")
    lines = (folder / "ours/lam2/training/metrics.jsonl").read_text().splitlines()
    return next(record["loss"] for record in map(json.loads, lines) if "loss" in record)


def beside_trl(folder, model, messages):
    """TRL's ids and labels of every conversation, and the loss of its first step."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(folder / "trl"), max_steps=1, per_device_train_batch_size=len(messages), learning_rate=1e-4,
        lr_scheduler_type="constant", logging_steps=1, logging_strategy="steps", save_strategy="no", report_to=[],
        use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False, assistant_only_loss=True, max_length=None,
        disable_tqdm=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(model)
    messages = [accepted(tokenizer, conversation) for conversation in messages]
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    trainer = SFTTrainer(network, args=arguments, train_dataset=Dataset.from_dict({"messages": messages}),
                         processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    rows = [{"input_ids": list(row["input_ids"]), "labels": list(row["labels"])} for row in trainer.train_dataset]
    return rows, trainer


def their_first_loss(trainer):
    trainer.train()
    return next(record["loss"] for record in trainer.state.log_history if "loss" in record)


def is_same(tokenizer, ours, theirs, further):
    """The same ids and trained tokens; after them TRL may train what its template writes further."""
    length = len(ours["input_ids"])
    rest = [label for label in theirs["labels"][length:] if label != -100]
    return all(theirs[key][:length] == ours[key] for key in ours) and tokenizer.decode(rest) == further


def count_trained(rows):
    return sum(label != -100 for row in rows for label in row["labels"])


def main(binary):
    warnings.filterwarnings("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    from datasets import disable_progress_bars

    disable_progress_bars()
    held, messages = True, None
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # Prompts in words are long: a few tasks are enough.
        (folder / "data.toml").write_text(DATA.replace("tasks = 12", "tasks = 3"))
        run(binary, "run", folder / "data.toml", "--runs-dir", folder / "runs")
        base, data = folder / "runs/data/base", folder / "runs/data/expert/expert_success.parquet"
        texts = [json.dumps(row) for row in json.loads(run(binary, "data", "show", "--json", "--count", "1000", data))]
        for name, (*parts, further) in TEMPLATES.items():
            place = folder / name
            place.mkdir()
            make_model(base, place / "model", texts, *parts)
            ours = [{key: row[key] for key in ("input_ids", "labels")} for row in preview(binary, place / "model", data)]
            tokenizer = AutoTokenizer.from_pretrained(place / "model")
            messages = messages or list(conversations(tokenizer, ours))
            theirs, trainer = beside_trl(place, place / "model", messages)
            same = sum(is_same(tokenizer, one, other, further) for one, other in zip(ours, theirs))
            held &= same == len(ours) == len(theirs)
            told = f"{same} of {len(ours)} rows with the same ids and trained tokens; {count_trained(ours)} trained, "
            told += f"{count_trained(theirs)} by TRL"
            if further:
                told += f", which trains {further!r} after each as well"
            else:
                our_loss, their_loss = first_loss(binary, place, place / "model", data), their_first_loss(trainer)
                apart = abs(our_loss - their_loss) / their_loss
                held &= apart <= LIMIT_LOSS
                told += f"; loss {our_loss:.4f}, {apart:.1e} of itself apart"
            print(f"{name:15} {told}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
