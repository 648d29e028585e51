"""GGUF files beside transformers and sentencepiece: small random models of every architecture and every type of numbers that
lam-train reads are written with llama.cpp's `gguf`, exported by lam-train as safetensors and as GGUF files of every type
that it writes, and asked.

    scripts/parity.sh gguf
    python scripts/parity/gguf.py fixtures crates/lam-model/tests/fixtures/gguf     # what the crates' tests read

transformers reads the same files. Of quantised matrices lam-train computes with the values rounded to bf16, so theirs are
rounded too. Tokens are compared with the tokenizers that the files were made of. Prints the largest differences of logits;
exits with 1 where one is above its limit or a token differs.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

# This file has the library's name.
sys.path.pop(0)

import gguf  # noqa: E402
import numpy
import sentencepiece
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

# Absolute, of logits that are a few units large.
LIMIT = 1e-5
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token }}{% else %}{{ m['content'] }}{% endif %}{% endfor %}"
)
ROPE3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
             original_max_position_embeddings=8192)
ARCHITECTURES = {
    "llama": dict(num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5),
    "llama3": dict(num_attention_heads=4, num_key_value_heads=1, rms_norm_eps=1e-5, rope_parameters=ROPE3,
                   tie_word_embeddings=True),
    "qwen2": dict(num_attention_heads=4, num_key_value_heads=2, rope_parameters=dict(rope_type="default", rope_theta=1e6)),
    "qwen3": dict(num_attention_heads=2, num_key_value_heads=1, head_dim=128, tie_word_embeddings=True,
                  rope_parameters=dict(rope_type="default", rope_theta=1e6)),
}
# The type of a file's matrices; as llama-quantize does it, Q4_K_M has some in six bits.
TYPES = {name: getattr(Type, name) for name in ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K")} | {"Q4_K_M": Type.Q4_K}
WORDS = ("Make the heading bold and insert a table of 3 rows, 4 columns into cell O'Brien's 12345 it's I'LL don't "
         "{\"text\": \"a b\"} [x] = y_z; Größe > 12 “quoted”").split(" ")


def texts(count, seed=1):
    draw = random.Random(seed)
    odd = ["  ", "\t", "漢字", "\U0001F600", "é", "1,000", "<s>", "▁"]
    return [" ".join(draw.choice(WORDS + odd) for _ in range(draw.randint(1, 12))) for _ in range(count)]


def byte_level(pattern, normalizer, vocab_size):
    """A byte-level tokenizer and what a file says of it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts(200, 2), trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in ("<|begin|>", "<|im_start|>", "<|im_end|>")])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    return tokenizer


def add_byte_level(writer, tokenizer, pre):
    described = json.loads(tokenizer.to_str())
    ids, added = tokenizer.get_vocab(), {token["id"]: token["special"] for token in described["added_tokens"]}
    kinds = {True: gguf.TokenType.CONTROL, False: gguf.TokenType.USER_DEFINED, None: gguf.TokenType.NORMAL}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(sorted(ids, key=ids.get))
    writer.add_token_types([kinds[added.get(id)] for id in range(len(ids))])
    writer.add_token_merges([" ".join(merge) for merge in described["model"]["merges"]])
    writer.add_bos_token_id(ids["<|begin|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    return len(ids), lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def pieces(place, vocab_size):
    """A SentencePiece model of pairs."""
    (place / "texts").write_text("\n".join(text for text in texts(300, 2) if text.isascii()))
    sentencepiece.SentencePieceTrainer.train(
        input=str(place / "texts"), model_prefix=str(place / "pieces"), model_type="bpe", vocab_size=vocab_size,
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_file=str(place / "pieces.model"))


def add_pieces(writer, model):
    kind = lambda id: (gguf.TokenType.UNKNOWN if model.IsUnknown(id) else gguf.TokenType.CONTROL if model.IsControl(id)  # noqa: E731
                       else gguf.TokenType.BYTE if model.IsByte(id) else gguf.TokenType.NORMAL)
    size = model.GetPieceSize()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([model.IdToPiece(id) for id in range(size)])
    writer.add_token_scores([model.GetScore(id) for id in range(size)])
    writer.add_token_types([kind(id) for id in range(size)])
    writer.add_bos_token_id(model.bos_id())
    writer.add_eos_token_id(model.eos_id())
    writer.add_unk_token_id(model.unk_id())
    writer.add_chat_template(INST)
    return size, model.EncodeAsIds


def blocks(shape, kind, draw):
    """Random blocks of the kinds that `gguf` does not make, of values around 0 and some hundredths large."""
    count, half = shape[0] * shape[1] // 256, lambda values: values.astype(numpy.float16).view(numpy.uint8).reshape(-1, 2)  # noqa: E731
    scales = draw.uniform(0.5, 1.5, (count, 1))
    if kind == Type.Q4_K:
        # A minimum is about as large as half a range.
        parts = [half(scales * 1e-4), half(scales * 7.5e-4), draw.integers(0, 256, (count, 140), dtype=numpy.uint8)]
    else:
        parts = [draw.integers(0, 256, (count, 208), dtype=numpy.uint8), half(scales * 4e-5)]
    return numpy.concatenate(parts, axis=1).reshape(shape[0], -1)


def stored(name, values, kind, six, draw):
    """A tensor as it is put into the file, and its type."""
    if values.ndim == 1:
        return values, Type.F32
    kind = Type.Q6_K if six and any(part in name for part in ("token_embd", "output.", "attn_v", "ffn_down")) else kind
    if kind in (Type.Q4_K, Type.Q6_K):
        return (blocks(values.shape, kind, draw), kind) if values.shape[1] % 256 == 0 else (
            gguf.quants.quantize(values, Type.Q8_0), Type.Q8_0)
    return gguf.quants.quantize(values, kind), kind


def permuted(values, heads):
    """Rows of queries or keys as convert_hf_to_gguf.py lays them."""
    return values.reshape(heads, 2, values.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(values.shape)


def write(path, architecture, sizes, types, add_tokenizer):
    """A file of random weights; returns the config and how texts are tokenised."""
    name = architecture.removesuffix("3") if architecture == "llama3" else architecture
    writer = gguf.GGUFWriter(path, name)
    vocab_size, encode = add_tokenizer(writer)
    config = AutoConfig.for_model(name, **sizes, **ARCHITECTURES[architecture], vocab_size=vocab_size)
    config.head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).float()
    for weight, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.data.uniform_(0.5, 1.5) if "norm" in weight else parameter.data.normal_(0, 0.3)
    theta = config.rope_parameters["rope_theta"]
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(theta)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_vocab_size(vocab_size)
    if name == "llama":
        writer.add_rope_dimension_count(config.head_dim)
    if architecture == "llama3":
        plain = 1 / theta ** (torch.arange(0, config.head_dim, 2).float() / config.head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq).numpy())
    kind, six, draw = TYPES[types], types == "Q4_K_M", numpy.random.default_rng(5)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[name.upper()], config.num_hidden_layers)
    for weight, values in model.state_dict().items():
        if weight == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = values.numpy()
        heads = {"q_proj.weight": config.num_attention_heads, "k_proj.weight": config.num_key_value_heads}
        heads = heads.get(".".join(weight.split(".")[-2:]))
        if heads and name == "llama":
            values = permuted(values, heads)
        theirs = names.get_name(weight, (".weight", ".bias"))
        data, of = stored(theirs, values, kind, six, draw)
        writer.add_tensor(theirs, data, raw_dtype=of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return config, encode


def reference(path, config, rounded):
    """transformers' model of a file; with `rounded`, its quantised matrices in bf16."""
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    # transformers does not read the factors of Llama 3.1's frequencies.
    own = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
    own.load_state_dict(model.state_dict())
    kinds = {tensor.tensor_type for tensor in gguf.GGUFReader(path).tensors}
    if rounded and kinds - {Type.F32, Type.F16, Type.BF16}:
        for parameter in own.parameters():
            if parameter.ndim > 1:
                parameter.data = parameter.data.bfloat16().float()
    return own.eval()


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]


def sizes(width):
    return dict(hidden_size=width, intermediate_size=width, num_hidden_layers=2, max_position_embeddings=16384,
                initializer_range=0.04)


def tokenizer_for(architecture, place, vocab_size=450):
    if architecture == "llama":
        return lambda writer: add_pieces(writer, pieces(place, vocab_size))
    pre = "llama-bpe" if architecture == "llama3" else "qwen2"
    made = byte_level(LLAMA3 if architecture == "llama3" else QWEN2,
                      None if architecture == "llama3" else normalizers.NFC(), vocab_size)
    return lambda writer: add_byte_level(writer, made, pre)


def compare(binary, place, architecture, types):
    path = place / architecture / types / "model.gguf"
    path.parent.mkdir(parents=True)
    config, encode = write(path, architecture, sizes(256), types, tokenizer_for(architecture, place))
    out = path.parent / "out"
    done = subprocess.run([binary, "export", "merged", "--model", path, "--output-dir", out], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    # In f64: float32 is as far from it as lam-train is.
    model = reference(path, config, True).double()
    probes = json.loads((out / "export.json").read_text())["probes"]
    pairs = [(logits(model, probe["input_ids"])[-1], torch.tensor(probe["logits"], dtype=torch.float64)) for probe in probes]
    worst = max((one - other).abs().max().item() for one, other in pairs)
    lines = texts(200)
    tokenize = Path(binary).parent / "examples/tokenize"
    done = subprocess.run([tokenize, path], input="\n".join(lines), text=True, capture_output=True)
    if done.returncode:
        sys.exit(done.stderr)
    found = [json.loads(line) for line in done.stdout.strip("\n").split("\n")]
    different = [each for each in found if "text" in each and each["ids"] != encode(each["text"])]
    told = f"{architecture:7} {types:7} {worst:.1e} apart, {len(different)} of {len(lines)} texts in other tokens"
    print(told + (f": {different[0]}, not {encode(different[0]['text'])}" if different else ""), flush=True)
    return worst <= LIMIT and not different


def written(binary, place, architecture):
    """Exports a model as GGUF, in every type, and compares what transformers reads of the files with lam-train's logits."""
    folder = place / architecture / "F32"
    config = AutoConfig.from_pretrained(folder / "out")
    worst = 0.0
    for kind in ("f16", "q8_0", "q4_k"):
        out = folder / kind
        command = [binary, "export", "gguf", "--type", kind, "--model", folder / "out", "--output-dir", out]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        (path,) = out.glob("*.gguf")
        model = reference(path, config, True).double()
        probes = json.loads((out / "export.json").read_text())["probes"]
        pairs = [(logits(model, probe["input_ids"])[-1], torch.tensor(probe["logits"], dtype=torch.float64)) for probe in probes]
        apart = max((one - other).abs().max().item() for one, other in pairs)
        print(f"{architecture:7} {kind:7} {apart:.1e} apart, as lam-train writes it", flush=True)
        worst = max(worst, apart)
    return worst <= LIMIT


def fixtures(directory):
    """Two small files, and the logits that transformers computes of them in f32."""
    directory.mkdir(parents=True, exist_ok=True)
    small = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, max_position_embeddings=64,
                 initializer_range=0.3)
    wide = dict(hidden_size=256, intermediate_size=32, num_hidden_layers=1, max_position_embeddings=64,
                initializer_range=0.1)
    ARCHITECTURES["qwen3"] |= dict(num_attention_heads=1, num_key_value_heads=1)
    with tempfile.TemporaryDirectory() as place:
        for architecture, width, types in [("llama", small, "Q8_0"), ("qwen3", wide, "Q4_K_M")]:
            path = directory / f"{architecture}.gguf"
            size = 330 if architecture == "llama" else 262
            config, encode = write(path, architecture, width, types, tokenizer_for(architecture, Path(place), size))
            ids = encode("Make the heading bold")
            values = logits(reference(path, config, False).double(), ids).float()
            save_file({"ids": torch.tensor(ids).float(), "logits": values.contiguous()}, directory / f"{architecture}.safetensors")
            (directory / f"{architecture}.json").write_text(json.dumps([[text, encode(text)] for text in texts(12)]) + "\n")


def main(binary):
    torch.set_num_threads(2)
    held = True
    with tempfile.TemporaryDirectory() as place:
        for architecture in ARCHITECTURES:
            for types in TYPES:
                held &= compare(binary, Path(place), architecture, types)
            held &= written(binary, Path(place), architecture)
    return held


if __name__ == "__main__":
    if sys.argv[1] == "fixtures":
        fixtures(Path(sys.argv[2]))
    else:
        sys.exit(0 if main(sys.argv[1]) else 1)
