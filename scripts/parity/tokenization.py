"""Tokenizers beside tokenizers and transformers: texts and conversations over the kinds of tokenizers that models have.

    scripts/parity.sh tokenization

The compact tokenizer is made by lam-train, the others by Python's tokenizers: byte-level pairs, pairs after SentencePiece's
manner with bytes for what is unknown, and a unigram model. Ids are compared one by one, and what they decode to with
the text. Prints the first difference of each tokenizer; exits with 1 where there is one.
"""

import json
import random
import string
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LINES = 250
PIECES = [
    "Make the heading bold", "insert a table of 3 rows & 4 columns", "type “Größe > 12” in O'Brien's cell", "it's",
    "I'LL", "  ", "   ", "\t", " \t ", "\u00a0", "\u3000", "\u200b", "\u00ad", "漢字", "かな", "한국어", "שלום", "مرحبا",
    "नमस्ते", "ไทย", "\U0001F600", "\U0001F469\u200d\U0001F4BB", "\U0001F1E9\U0001F1EA", "e\u0301", "é", "ﬁ", "²", "½",
    "İ", "ß", "\u2028", "12345678901", "3.14", "1,000", "-5%", "0x1F", "__init__", "a_b", "CamelCase",
    "http://x.org/a?b=c#d", "a@b.de", "{\"text\": \"a\\nb\"}", "\\", "\"", "'", "```", "<b>", "</", "< s >", "[", "]]",
    "|", "▁", "Ġ", "…", "—", "\x01", "\x7f", "\ufffd",
]
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + m['content'] + ' [/INST]' }}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)


def lines():
    """Texts of words, spaces and everything that a tokenizer may read otherwise, no two alike."""
    draw = random.Random(1)
    texts = {}
    while len(texts) < LINES:
        texts["".join(draw.choice(PIECES) + draw.choice(["", " "]) for _ in range(draw.randint(1, 12)))] = None
    return list(texts)


def byte_level(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, show_progress=False, special_tokens=["<s>", "<|im_start|>", "<|im_end|>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer, CHATML, "<s>", "<|im_end|>"


def sentence_pieces(texts):
    """Llama 2's and Mistral's: a space before everything, `▁` for spaces, bytes for what is unknown."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, show_progress=False, special_tokens=special)
    # Only Latin text is learnt, so that the rest goes by bytes.
    tokenizer.train_from_iterator([text for text in texts if text.isascii()], trainer)
    # The bytes are entries of the vocabulary, no tokens that may be spelt.
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = described["added_tokens"][:3]
    return Tokenizer.from_str(json.dumps(described)), INST, "<s>", "</s>"


def unigram(texts):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=500, show_progress=False, unk_token="<unk>",
                                      special_tokens=["<unk>", "<s>", "</s>"], initial_alphabet=list(string.printable[:95]))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer, INST, "<s>", "</s>"


def write(directory, tokenizer, template, begin, end):
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (begin, end)])
    directory.mkdir()
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end,
        "clean_up_tokenization_spaces": False, "chat_template": template}))


def records(tokenize, directory, texts, *train):
    done = subprocess.run([tokenize, directory, *train], input="\n".join(texts), text=True, capture_output=True)
    if done.returncode:
        sys.exit(done.stderr)
    # Not `splitlines`, which also splits at U+2028.
    return [json.loads(line) for line in done.stdout.strip("\n").split("\n")]


def prompted(tokenizer, messages):
    """The prompt as text, and the messages; where the template refuses the system text, it goes into the first request."""
    try:
        return tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False), messages
    except Exception:
        system, user, *rest = messages
        messages = [{"role": "user", "content": system["content"] + "\n\n" + user["content"]}, *rest]
        return tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False), messages


def text_differences(record, plain, ours_and_theirs):
    text, ids = record["text"], record["ids"]
    found = plain.encode(text, add_special_tokens=False).ids
    if found != ids:
        yield f"tokenizers: {text!r}: {ids}, not {found}"
    for tokenizer in ours_and_theirs:
        found = tokenizer(text, add_special_tokens=False)["input_ids"]
        if found != ids:
            yield f"transformers: {text!r}: {ids}, not {found}"
        # A tokenizer that writes `▁` for spaces takes one in the text for a space.
        if tokenizer.decode(ids).replace("▁", " ").strip() != text.replace("▁", " ").strip():
            yield f"decoded: {text!r}, not {tokenizer.decode(ids)!r}"


def conversation_differences(record, auto):
    ids, answer = record["ids"], record["answer_ids"]
    prompt, messages = prompted(auto, record["messages"])
    found = auto(prompt, add_special_tokens=False)["input_ids"]
    if found != ids:
        yield f"prompt: {auto.decode(ids)!r}, not {auto.decode(found)!r}"
    whole = auto.apply_chat_template(messages + [{"role": "assistant", "content": record["answer"]}], tokenize=False)
    found = auto(whole, add_special_tokens=False)["input_ids"]
    # An end that the template does not write is ours.
    written = len(ids + answer) - (auto.eos_token_id not in found[len(ids):])
    if found[:written] != (ids + answer)[:written]:
        yield f"answer: {auto.decode(answer)!r}, not {auto.decode(found[len(ids):])!r}"


def compare(directory, found):
    plain = Tokenizer.from_file(str(directory / "tokenizer.json"))
    auto = transformers.AutoTokenizer.from_pretrained(directory)
    fast = transformers.PreTrainedTokenizerFast.from_pretrained(directory)
    if auto.pad_token_id is not None and auto.pad_token_id == auto.eos_token_id:
        return ["pad is the end of sequence"]
    different = []
    for record in found:
        each = text_differences(record, plain, (auto, fast)) if "text" in record else conversation_differences(record, auto)
        different += list(each)[:1]
    return different


def main(binary):
    tokenize = Path(binary).parent / "examples/tokenize"
    texts, held = lines(), True
    with tempfile.TemporaryDirectory() as place:
        for kind in ("compact", byte_level, sentence_pieces, unigram):
            name = kind if isinstance(kind, str) else kind.__name__
            directory = Path(place) / name
            if name != "compact":
                write(directory, *kind(texts))
            found = records(tokenize, directory, texts, *(["train"] if name == "compact" else []))
            different = compare(directory, found)
            held &= not different and len(found) == 2 * LINES
            print(f"{name:15} {len(found) - len(different)} of {len(found)} texts and conversations: the same ids")
            if different:
                print(f"  the first that differs: {different[0]}")
    print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}")
    return held


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
