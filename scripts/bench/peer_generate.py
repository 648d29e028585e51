"""Greedy tokens of transformers' `generate` after a prompt. Prints one line of JSON. Knows nothing of ours but the tokens."""

import argparse
import time

import torch
from measure import report, status_mib, tokens
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList


class Times(StoppingCriteria):
    """Notes when each token was there; never stops."""

    def __init__(self):
        self.at, self.processor_at = [], []

    def __call__(self, input_ids, scores, **_):
        self.at.append(time.perf_counter())
        self.processor_at.append(time.process_time())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--precision", choices=["f32", "bf16"], required=True)
    for name in ("--batch", "--prompt", "--tokens"):
        arguments.add_argument(name, type=int, required=True)
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype, attn_implementation="sdpa").eval()
    loaded = status_mib("VmRSS")
    ids = torch.tensor(tokens(options.batch * options.prompt, model.config.vocab_size)).view(options.batch, -1)
    plain = dict(do_sample=False, eos_token_id=None, pad_token_id=0)
    with torch.inference_mode():
        # A warm-up: few tokens, all rows.
        model.generate(ids[:, :8], max_new_tokens=3, **plain, attention_mask=torch.ones_like(ids[:, :8]))
        times, whole = Times(), torch.ones_like(ids)
        start = time.perf_counter()
        criteria = StoppingCriteriaList([times])
        output = model.generate(ids, max_new_tokens=options.tokens + 1, stopping_criteria=criteria, **plain, attention_mask=whole)
    if output.shape[1] != options.prompt + options.tokens + 1:
        raise SystemExit(f"generate stopped after {output.shape[1] - options.prompt} tokens")
    # The first token belongs to the prompt.
    report(
        seconds=[times.at[-1] - times.at[0]],
        processor_seconds=[times.processor_at[-1] - times.processor_at[0]],
        count=options.batch * options.tokens,
        prompt_seconds=times.at[0] - start,
        loaded_mib=loaded,
    )


if __name__ == "__main__":
    main()
