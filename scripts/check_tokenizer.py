#!/usr/bin/env python3
"""Shows that Python's tokenizers and transformers read our tokenizer and give the same ids.

    cargo run --release -p lam-prompt --example tokenize -- DIR train < LINES > IDS    # or without `train`
    python scripts/check_tokenizer.py DIR IDS

Needs `transformers` and `jinja2`. Exit status 1 names the first difference.
"""

import json
import sys
from pathlib import Path

import tokenizers
import transformers


def fail(what, expected, found):
    sys.exit(f"{what}\n  lam-prompt: {expected}\n  python:     {found}")


def main(directory, ids_file):
    plain = tokenizers.Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
    auto = transformers.AutoTokenizer.from_pretrained(directory)
    fast = transformers.PreTrainedTokenizerFast.from_pretrained(directory)
    if auto.pad_token_id is not None and auto.pad_token_id == auto.eos_token_id:
        sys.exit("pad is the end of sequence")
    texts = conversations = 0
    for line in Path(ids_file).read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if "text" in record:
            texts += 1
            text, ids = record["text"], record["ids"]
            found = plain.encode(text, add_special_tokens=False).ids
            if found != ids:
                fail(f"tokenizers: {text!r}", ids, found)
            for tokenizer in (auto, fast):
                found = tokenizer(text, add_special_tokens=False)["input_ids"]
                if found != ids:
                    fail(f"transformers: {text!r}", ids, found)
                decoded = tokenizer.decode(ids)
                if decoded.strip() != text.strip():
                    fail("decode", text, decoded)
        else:
            conversations += 1
            messages = record["messages"]
            try:
                prompt = auto.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            except Exception:  # a template without a system role gets the text with the first request
                system, user, *rest = messages
                merged = system["content"] + "\n\n" + user["content"]
                messages = [{"role": "user", "content": merged}, *rest]
                prompt = auto.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            whole = auto.apply_chat_template(
                messages + [{"role": "assistant", "content": record["answer"]}], tokenize=False
            )
            found = auto(prompt, add_special_tokens=False)["input_ids"]
            if found != record["ids"]:
                fail("prompt", record["ids"], found)
            found = auto(whole, add_special_tokens=False)["input_ids"]
            expected = record["ids"] + record["answer_ids"]
            # An end that the template does not write is ours.
            written = len(expected) - (auto.eos_token_id not in found[len(record["ids"]) :])
            if found[:written] != expected[:written]:
                fail("answer", expected, found)
    print(f"{texts} texts and {conversations} conversations: the same ids in tokenizers {tokenizers.__version__} "
          f"and transformers {transformers.__version__}; {len(auto)} entries")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
