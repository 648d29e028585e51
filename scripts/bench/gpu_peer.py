"""Steps of PyTorch + PEFT, or tokens of transformers, on a GPU (or, to try this program, on the processor). Prints a line of
JSON for each work. Knows nothing of ours but the tokens.

    python gpu_peer.py train  --model DIR --peer peft|peft-bf16|liger|compile|bitsandbytes --works lora:1x4096,… --steps N
    python gpu_peer.py decode --model DIR --peer static|graph --batches N,N… --prompt N --tokens N

A work `…:shared:TEXTSxSCREEN+REST` is texts that begin with the same screen, each read whole; its texts are counted.
"""

import argparse
import gc
import json
import time

import torch
from measure import tokens
from transformers import AutoModelForCausalLM

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WARM_UP = 3
# Tokens of an answer at the end of a text that shares its beginning: they are what is trained.
ANSWER = 20


def now():
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def peak_bytes():
    return torch.cuda.max_memory_allocated() if DEVICE == "cuda" else None


def start_again():
    gc.collect()
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def load(options):
    settings = {"dtype": torch.bfloat16, "attn_implementation": "sdpa", "device_map": {"": DEVICE}}
    if options.peer == "liger":
        from liger_kernel.transformers import apply_liger_kernel_to_mistral

        apply_liger_kernel_to_mistral()
    if options.peer == "bitsandbytes":
        from transformers import BitsAndBytesConfig

        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    return AutoModelForCausalLM.from_pretrained(options.model, **settings)


def adapted(model, peer):
    """PEFT keeps adapters in f32 over a bf16 base unless it is told not to."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")
    return get_peft_model(model, config, autocast_adapter_dtype=peer == "peft")


def batch_of(work, vocabulary):
    """Tokens, labels, and how many tokens or texts are counted."""
    _, size, *rest = work.split(":")
    if size != "shared":
        documents, length = map(int, size.split("x"))
        ids = torch.tensor(tokens(documents * length, vocabulary), device=DEVICE).view(documents, length)
        return ids, ids, ids.numel()
    texts, lengths = rest[0].split("x")
    texts, (screen, own) = int(texts), map(int, lengths.split("+"))
    all_tokens = tokens(screen + texts * own, vocabulary)
    others = [all_tokens[screen + text * own : screen + (text + 1) * own] for text in range(texts)]
    ids = torch.tensor([all_tokens[:screen] + other for other in others], device=DEVICE)
    labels = torch.full_like(ids, -100)
    answer = min(ANSWER, own - 1)
    labels[:, -answer:] = ids[:, -answer:]
    return ids, labels, texts


def steps(model, work, options):
    """Seconds of every step after the first ones, losses, and how many tokens or texts each has."""
    recompute = work.endswith(":recompute")
    model.config.use_cache = False
    if recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    else:
        model.gradient_checkpointing_disable()
    run = torch.compile(model) if options.peer == "compile" else model
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01, fused=DEVICE == "cuda")
    ids, labels, count = batch_of(work, model.config.vocab_size)
    seconds, losses = [], []
    for _ in range(WARM_UP + options.steps):
        start = now()
        loss = run(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(now() - start)
    return seconds[WARM_UP:], losses, count


def train(options):
    start = time.perf_counter()
    model = load(options)
    if options.peer == "bitsandbytes":
        from peft import prepare_model_for_kbit_training

        # Its f32 copies of embedding and norms are its default; the output layer stays in bf16.
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=True)
    model = adapted(model, options.peer).train()
    say(loaded=options.peer, load_seconds=now() - start)
    for work in options.works.split(","):
        start_again()
        try:
            seconds, losses, count = steps(model, work, options)
            say(work=work, seconds=seconds, losses=losses, count=count, peak_bytes=peak_bytes())
        except torch.cuda.OutOfMemoryError as error:
            say(work=work, failed=str(error).splitlines()[0])


@torch.no_grad()
def generate(model, ids, options):
    """Seconds of the tokens after the first, by transformers' own loop over a static cache."""
    def once(count):
        start = now()
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, min_new_tokens=count, do_sample=False,
            cache_implementation="static", pad_token_id=0,
        )  # fmt: skip
        return now() - start

    once(options.tokens + 1)
    return once(options.tokens + 1) - once(1)


@torch.no_grad()
def replay(model, ids, options):
    """Seconds of the tokens after the first, each a replay of one captured step over a static cache."""
    from transformers import StaticCache

    (batch, length), room = ids.shape, ids.shape[1] + options.tokens + 8
    cache = StaticCache(config=model.config, max_batch_size=batch, max_cache_len=room, device=DEVICE, dtype=torch.bfloat16)
    position = torch.arange(length, device=DEVICE)
    logits = model(ids, past_key_values=cache, cache_position=position, use_cache=True).logits
    token, place = logits[:, -1:].argmax(-1), torch.tensor([length], device=DEVICE)

    def step():
        logits = model(token, past_key_values=cache, cache_position=place, position_ids=place[None], use_cache=True).logits
        token.copy_(logits[:, -1:].argmax(-1))
        place.add_(1)

    if DEVICE != "cuda":
        start = now()
        for _ in range(options.tokens):
            step()
        return now() - start
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    place.fill_(length)
    start = now()
    for _ in range(options.tokens):
        graph.replay()
    return now() - start


def decode(options):
    model = load(options).eval()
    for batch in map(int, options.batches.split(",")):
        ids = torch.tensor(tokens(batch * options.prompt, model.config.vocab_size), device=DEVICE)
        start_again()
        seconds = (generate if options.peer == "static" else replay)(model, ids.view(batch, options.prompt), options)
        say(work=f"decode-{batch}", seconds=[seconds], count=batch * options.tokens, peak_bytes=peak_bytes())


def say(**figures):
    print(json.dumps(figures), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("measurement", choices=["train", "decode"])
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--peer", required=True)
    arguments.add_argument("--works", default="")
    arguments.add_argument("--steps", type=int, default=5)
    arguments.add_argument("--batches", default="1")
    arguments.add_argument("--prompt", type=int, default=256)
    arguments.add_argument("--tokens", type=int, default=64)
    options = arguments.parse_args()
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = True
    (train if options.measurement == "train" else decode)(options)


if __name__ == "__main__":
    main()
