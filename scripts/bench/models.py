"""Makes the models that both sides load: Hugging Face directories with random weights, and GGUF files of the same
weights. Knows shapes, not what is measured.

    python models.py DIRECTORY NAME...

A model that is there is kept.
"""

import shutil
import sys
from pathlib import Path

import gguf
import numpy
import torch
from safetensors import safe_open
from transformers import MistralConfig, MistralForCausalLM
from works import HEAD_DIM, MODELS

GGUF_TYPES = {
    "f16": (gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16),
    "bf16": (gguf.LlamaFileType.MOSTLY_BF16, gguf.GGMLQuantizationType.BF16),
    "q8_0": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
}
# Types that llama.cpp makes of a file in f16, of every matrix.
QUANTISED = {"q4_0": gguf.LlamaFileType.MOSTLY_Q4_0, "q4_k": gguf.LlamaFileType.MOSTLY_Q4_K_S}
# Ours and llama.cpp's names for the tensors of a block.
BLOCK = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def config_of(name):
    shape = MODELS[name]
    return MistralConfig(
        hidden_size=shape["hidden"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["key_values"],
        head_dim=HEAD_DIM[name],
        intermediate_size=shape["feed_forward"],
        vocab_size=shape["vocab"],
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        sliding_window=None,
        bos_token_id=None,
        eos_token_id=None,
        dtype=shape["dtype"],
    )


def make_directory(path, name):
    torch.manual_seed(42)
    dtype = getattr(torch, MODELS[name]["dtype"])
    model = MistralForCausalLM(config_of(name)).to(dtype)
    model.save_pretrained(path)


def gguf_name(name):
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    _, _, layer, *module, _ = name.split(".")
    return f"blk.{layer}.{BLOCK['.'.join(module)]}.weight"


def turned(weight, heads):
    """llama.cpp turns neighbouring pairs, Hugging Face the two halves of a head."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def describe(writer, name, file_type):
    shape = MODELS[name]
    writer.add_context_length(2048)
    writer.add_embedding_length(shape["hidden"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["key_values"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HEAD_DIM[name])
    writer.add_vocab_size(shape["vocab"])
    writer.add_file_type(file_type)
    # The benchmark speaks in tokens; there are no words.
    writer.add_tokenizer_model("none")


def make_gguf(path, directory, name, kind):
    file_type, tensor_type = GGUF_TYPES[kind]
    shape = MODELS[name]
    writer = gguf.GGUFWriter(path, "llama")
    describe(writer, name, file_type)
    with safe_open(directory / "model.safetensors", framework="pt") as tensors:
        for key in tensors.keys():
            weight = tensors.get_tensor(key).float().numpy()
            heads = {"q_proj": shape["heads"], "k_proj": shape["key_values"]}.get(key.split(".")[-2])
            weight = turned(weight, heads) if heads else weight
            kept = gguf.GGMLQuantizationType.F32 if weight.ndim == 1 else tensor_type
            writer.add_tensor(gguf_name(key), gguf.quants.quantize(numpy.ascontiguousarray(weight), kept), raw_dtype=kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantise(path, source, kind):
    import llama_cpp

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.pure = int(QUANTISED[kind]), True
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(path).encode(), params)
    if code != 0:
        raise SystemExit(f"llama_model_quantize returned {code}")


def make_once(path, make):
    """Makes a file or directory beside its place and moves it there when it is whole."""
    if path.exists():
        return
    print(f"making {path.name}", flush=True)
    partial = path.with_name(f"partial-{path.name}")
    shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)
    make(partial)
    partial.rename(path)


def main():
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        name, _, kind = name.partition(".")
        directory = root / name
        make_once(directory, lambda path: make_directory(path, name))
        if kind in QUANTISED:
            source = root / f"{name}.f16.gguf"
            make_once(source, lambda path: make_gguf(path, directory, name, "f16"))
            make_once(root / f"{name}.{kind}.gguf", lambda path: quantise(path, source, kind))
        elif kind:
            make_once(root / f"{name}.{kind}.gguf", lambda path: make_gguf(path, directory, name, kind))


if __name__ == "__main__":
    main()
