"""Greedy tokens of llama.cpp after a prompt, through the C functions that its Python binding exposes. Prints one line of
JSON. Knows nothing of ours but the tokens."""

import argparse
import time

import llama_cpp
from measure import report, status_mib, tokens


# Kept for as long as the process lives: the library calls it.
SILENT = llama_cpp.llama_log_callback(lambda *_: None)


def read(context, ids):
    """Reads one sequence's next tokens; the last one gets logits."""
    array = (llama_cpp.llama_token * len(ids))(*ids)
    code = llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(ids)))
    if code != 0:
        raise SystemExit(f"llama_decode returned {code}")


def has_tiles():
    """Whether the processor has AMX."""
    with open("/proc/cpuinfo") as processors:
        return "amx_tile" in processors.read()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True, help="a GGUF file")
    arguments.add_argument("--threads", type=int, required=True)
    arguments.add_argument("--precision", required=True, help="what the file holds; for the record")
    for name in ("--batch", "--prompt", "--tokens"):
        arguments.add_argument(name, type=int, required=True)
    options = arguments.parse_args()
    if options.batch != 1:
        arguments.error("only one sequence is measured")

    llama_cpp.llama_log_set(SILENT, None)
    llama_cpp.llama_backend_init()
    model_params = llama_cpp.llama_model_default_params()
    model_params.use_mmap = False
    # Its tiles end the process with SIGILL for quantised weights: there it is measured without its own layouts.
    if options.precision.startswith("q") and has_tiles():
        model_params.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(options.model.encode(), model_params)
    if not model:
        raise SystemExit(f"llama.cpp cannot load {options.model}")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = options.prompt + options.tokens + 8
    params.n_batch = params.n_ubatch = options.prompt
    params.n_threads = params.n_threads_batch = options.threads
    context = llama_cpp.llama_init_from_model(model, params)
    loaded = status_mib("VmRSS")
    greedy = llama_cpp.llama_sampler_init_greedy()
    vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    prompt = tokens(options.prompt, vocab)
    for round in range(2):
        # The first round is a warm-up.
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        start = time.perf_counter()
        read(context, prompt)
        token = llama_cpp.llama_sampler_sample(greedy, context, -1)
        first, processor = time.perf_counter(), time.process_time()
        for _ in range(options.tokens if round else 4):
            read(context, [token])
            token = llama_cpp.llama_sampler_sample(greedy, context, -1)
        seconds, processor_seconds = time.perf_counter() - first, time.process_time() - processor
    report(
        seconds=[seconds],
        processor_seconds=[processor_seconds],
        count=options.tokens,
        prompt_seconds=first - start,
        loaded_mib=loaded,
    )


if __name__ == "__main__":
    main()
