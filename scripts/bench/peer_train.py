"""Steps of PyTorch + PEFT: forward, backward, AdamW. Prints one line of JSON. Knows nothing of ours but the tokens."""

import argparse
import contextlib

import torch
from measure import Laps, report, status_mib, tokens
from transformers import AutoModelForCausalLM


def load(options):
    dtype = torch.bfloat16 if options.precision.startswith("bf16") else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype, attn_implementation="sdpa")
    model.config.use_cache = False
    if options.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    if options.finetuning == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear"))
    return model.train()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--finetuning", choices=["lora", "full"], required=True)
    arguments.add_argument("--precision", choices=["f32", "autocast", "bf16 base, autocast"], required=True)
    arguments.add_argument("--documents", type=int, required=True)
    arguments.add_argument("--length", type=int, required=True)
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--checkpointing", action="store_true")
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = load(options)
    loaded = status_mib("VmRSS")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    ids = torch.tensor(tokens(options.documents * options.length, model.config.vocab_size))
    ids = ids.view(options.documents, options.length)
    amp = options.precision != "f32"
    laps, losses = Laps(), []
    for _ in range(options.steps + 1):
        with laps:
            with torch.autocast("cpu", torch.bfloat16) if amp else contextlib.nullcontext():
                loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    # The first step is a warm-up.
    report(
        seconds=laps.seconds[1:],
        processor_seconds=laps.processor_seconds[1:],
        count=ids.numel(),
        losses=losses,
        loaded_mib=loaded,
        trained=sum(parameter.numel() for parameter in trained),
    )


if __name__ == "__main__":
    main()
