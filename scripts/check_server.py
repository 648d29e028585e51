#!/usr/bin/env python3
"""Asks a served model as others do: by OpenAI's own Python client, by LangChain's, and by curl.

    cargo build --release -p lam-cli
    scripts/check_server.py runs/quickstart            # serves the run's last model, its reward model too, and asks them
    scripts/check_server.py --url http://HOST:PORT/v1  # asks a server that runs already (token in LAM_SERVE_TOKEN)

The clients are installed into target/check-server/venv. The last line counts the checks that passed, failed and could
not run; exits with 1 if one failed, with 2 if none could run.
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from check_server_calls import check_langchain_calls, check_rewards, check_tools
from checking import BINARY, Checks, in_own_environment, served_model

TOKEN = "a-token-for-checks"
SCHEMA = {
    "type": "object",
    "properties": {"function": {"enum": ["click_input", "none"]}, "label": {"type": "integer", "minimum": 1, "maximum": 40}},
    "required": ["function", "label"],
    "additionalProperties": False,
}
QUESTION = [{"role": "user", "content": "make the title bold"}]


def has_reward_model(run):
    if (Path(run) / "config.json").exists():
        return False
    return any("SequenceClassification" in path.read_text() for path in Path(run).glob("*/config.json"))


def check_answers(checks, client, model):
    ask = client.chat.completions.create
    whole = ask(model=model, messages=QUESTION, temperature=0, max_tokens=24)
    choice = whole.choices[0]
    checks.same("object", whole.object, "chat.completion")
    checks.same("model", whole.model, model)
    checks.same("role", choice.message.role, "assistant")
    checks.that("content is a text", isinstance(choice.message.content, str))
    checks.that("finish_reason", choice.finish_reason in ("stop", "length"), choice.finish_reason)
    checks.that("usage", 0 < whole.usage.completion_tokens <= 24, whole.usage)
    checks.same("usage adds up", whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
    again = ask(model=model, messages=QUESTION, temperature=0, max_tokens=24)
    checks.same("greedy answers are the same", again.choices[0].message.content, choice.message.content)
    checks.that("each answer has a name of its own", again.id != whole.id)
    seeded = [ask(model=model, messages=QUESTION, temperature=1, seed=7, n=3, max_tokens=24) for _ in range(2)]
    texts = [[choice.message.content for choice in answer.choices] for answer in seeded]
    checks.same("n", len(texts[0]), 3)
    checks.same("a seed gives the same answers", texts[0], texts[1])
    parts = [{"role": "user", "content": [{"type": "text", "text": "make the "}, {"type": "text", "text": "title bold"}]}]
    in_parts = ask(model=model, messages=parts, temperature=0, max_tokens=24)
    checks.same("content in parts", in_parts.choices[0].message.content, choice.message.content)
    long = ask(model=model, messages=QUESTION, temperature=0, max_completion_tokens=2)
    checks.that("max_completion_tokens", long.usage.completion_tokens <= 2, long.usage)
    if len(choice.message.content) > 4:
        stop = choice.message.content[2:4]
        before = choice.message.content[: choice.message.content.index(stop)]
        stopped = ask(model=model, messages=QUESTION, temperature=0, max_tokens=24, stop=[stop])
        checks.same("stop", stopped.choices[0].message.content, before)
        checks.same("stop's reason", stopped.choices[0].finish_reason, "stop")
    else:
        checks.skip("stop", "the answer is too short")
    told = ask(model=model, messages=QUESTION, temperature=0, max_tokens=8, logprobs=True, top_logprobs=3)
    entries = told.choices[0].logprobs.content
    checks.that("logprobs", entries and all(entry.logprob <= 0 for entry in entries))
    checks.that("top_logprobs", all(len(entry.top_logprobs) == 3 for entry in entries))
    texts = client.completions.create(model=model, prompt=["make", "the"], temperature=0, max_tokens=8, logprobs=2)
    checks.same("completions", [choice.index for choice in texts.choices], [0, 1])
    checks.same("completions' object", texts.object, "text_completion")
    checks.that("completions' logprobs", len(texts.choices[0].logprobs.tokens) == len(texts.choices[0].logprobs.token_logprobs))
    return choice.message.content


def check_streams(checks, client, model, content):
    asked = dict(model=model, messages=QUESTION, temperature=0, max_tokens=24, stream=True)
    chunks = list(client.chat.completions.create(**asked, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    checks.same("a stream's text", text, content)
    checks.same("a stream's first role", chunks[0].choices[0].delta.role, "assistant")
    checks.same("a stream's chunks", {chunk.object for chunk in chunks}, {"chat.completion.chunk"})
    checks.that("a stream's usage comes last", chunks[-1].usage is not None and not chunks[-1].choices)
    checks.that("and only there", all(chunk.usage is None for chunk in chunks[:-1]))
    ends = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    checks.same("a stream ends once", len(ends), 1)
    plain = list(client.chat.completions.create(**asked))
    checks.that("no usage where none is asked for", all(chunk.usage is None for chunk in plain))
    several = list(client.chat.completions.create(**{**asked, "temperature": 1, "seed": 3, "n": 2}))
    checks.same("a stream of two", {chunk.choices[0].index for chunk in several}, {0, 1})
    texts = list(client.completions.create(model=model, prompt="make", temperature=0, max_tokens=8, stream=True))
    whole = client.completions.create(model=model, prompt="make", temperature=0, max_tokens=8)
    checks.same("a stream of completions", "".join(chunk.choices[0].text for chunk in texts), whole.choices[0].text)
    stream = client.chat.completions.create(**{**asked, "max_tokens": 200})
    next(iter(stream))
    stream.close()
    checks.that("a stream can be left", client.models.list().data)


def check_forms(checks, openai, client, model):
    form = {"type": "json_schema", "json_schema": {"name": "call", "strict": True, "schema": SCHEMA}}
    for seed in range(4):
        answer = client.chat.completions.create(
            model=model, messages=QUESTION, response_format=form, temperature=1, seed=seed, max_tokens=200
        )
        try:
            call = json.loads(answer.choices[0].message.content)
            checks.that("a schema's answer", call["function"] in ("click_input", "none") and 1 <= call["label"] <= 40, call)
        except ValueError as error:
            checks.that("a schema's answer is JSON", False, error)
    from typing import Literal

    from pydantic import BaseModel

    class Call(BaseModel):
        is_bold: bool
        function: Literal["click_input", "none"]

    parsed = client.chat.completions.parse(
        model=model, messages=QUESTION, response_format=Call, temperature=0, max_tokens=200
    )
    checks.that("a pydantic model's answer", isinstance(parsed.choices[0].message.parsed, Call))
    any_object = client.chat.completions.create(
        model=model, messages=QUESTION, response_format={"type": "json_object"}, max_tokens=12
    )
    checks.that("json_object", any_object.choices[0].message.content.startswith("{"))
    bad = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "cube"}}}
    ask = lambda: client.chat.completions.create(model=model, messages=QUESTION, response_format=bad)  # noqa: E731
    checks.refused("a schema that is none", openai.BadRequestError, ask, "response_format", 400)


def check_refusals(checks, openai, client, model):
    ask = client.chat.completions.create
    for what, more, param in [
        ("a hot temperature", {"temperature": 9}, "temperature"),
        ("a wrong type", {"extra_body": {"max_tokens": "many"}}, "max_tokens"),
        ("no answer", {"n": 0}, "n"),
        ("a tool that is no function", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ("a call of no tool", {"tool_choice": "required"}, "tool_choice"),
        ("a bias", {"logit_bias": {"5": 3}}, "logit_bias"),
        ("too long an answer", {"max_tokens": 10_000_000}, "max_tokens"),
    ]:
        checks.refused(what, openai.BadRequestError, lambda more=more: ask(model=model, messages=QUESTION, **more), param, 400)
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
    checks.refused("a picture", openai.BadRequestError, lambda: ask(model=model, messages=picture), "messages[0].content[0].type")
    long = [{"role": "user", "content": "make the title bold " * 20_000}]
    checks.refused("too long a prompt", openai.BadRequestError, lambda: ask(model=model, messages=long), "messages", 400)
    checks.refused("an unknown model", openai.NotFoundError, lambda: ask(model="none", messages=QUESTION), "model", 404)
    large = [{"role": "user", "content": "x" * (5 << 20)}]
    checks.refused("too large a body", openai.APIStatusError, lambda: ask(model=model, messages=large), None, 413)
    ignored = ask(model=model, messages=QUESTION, temperature=0, max_tokens=4, extra_body={"no_such_field": 1}, user="me")
    checks.that("unknown fields change nothing", ignored.choices)


async def check_async(checks, openai, url, token, model, content):
    async with openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=4) as client:
        ask = lambda: client.chat.completions.create(model=model, messages=QUESTION, temperature=0, max_tokens=24)  # noqa: E731
        answers = await asyncio.gather(*(ask() for _ in range(16)))
        texts = {answer.choices[0].message.content for answer in answers}
        checks.same("sixteen at once say what one says", texts, {content})
        stream = await client.chat.completions.create(
            model=model, messages=QUESTION, temperature=0, max_tokens=24, stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        checks.same("an asynchronous stream", text, content)


def check_langchain(checks, url, token, model, content):
    try:
        from langchain_openai import ChatOpenAI
    except ImportError as error:
        for what in ("answer", "stream", "batch", "call", "stream of calls", "call after a result"):
            what = f"LangChain's {what}"
            checks.skip(what, error)
        return
    chat = ChatOpenAI(base_url=url, api_key=token, model=model, temperature=0, max_tokens=24)
    question = QUESTION[0]["content"]
    checks.same("LangChain's answer", chat.invoke(question).content, content)
    checks.same("LangChain's stream", "".join(chunk.content for chunk in chat.stream(question)), content)
    checks.same("LangChain's batch", [answer.content for answer in chat.batch([question] * 3)], [content] * 3)
    check_langchain_calls(checks, ChatOpenAI(base_url=url, api_key=token, model=model, temperature=0, max_tokens=400))


def check_curl(checks, url, token, model):
    if not shutil.which("curl"):
        checks.skip("curl", "it is not installed")
        return

    def curl(*args):
        return subprocess.run(["curl", "--silent", *args], capture_output=True, text=True, check=True).stdout

    bearer = ("-H", f"Authorization: Bearer {token}")
    root = url.removesuffix("/v1")
    checks.same("health", json.loads(curl(f"{root}/health")), {"status": "ok"})
    checks.that("the page", "<!doctype html>" in curl(f"{root}/"))
    checks.that("metrics", "lam_serve_requests_running" in curl(*bearer, f"{root}/metrics"))
    body = json.dumps({"model": model, "messages": QUESTION, "max_tokens": 3, "stream": True})
    checks.that("a stream ends in [DONE]", curl(*bearer, "-d", body, f"{url}/chat/completions").endswith("data: [DONE]\n\n"))
    checks.same("no token", json.loads(curl(f"{url}/models"))["error"]["code"], "invalid_api_key")
    broken = json.loads(curl(*bearer, "-d", "{", f"{url}/chat/completions"))
    checks.same("no JSON", broken["error"]["code"], "invalid_json")


def check_load(checks, openai, url, token, model):
    """More clients than fit: each gets an answer, or 429 with a time to come back."""
    client = openai.OpenAI(base_url=url, api_key=token, max_retries=0)

    def ask(number):
        try:
            answer = client.chat.completions.create(
                model=model, messages=QUESTION, temperature=1, seed=number, max_tokens=64, n=8
            )
            return "answered" if len(answer.choices) == 8 else answer
        except openai.RateLimitError as error:
            return "refused" if int(error.response.headers["retry-after"]) >= 1 else error

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        found = list(pool.map(ask, range(128)))
    checks.that("each of 64 clients is answered or refused", set(found) <= {"answered", "refused"}, set(found))
    checks.that("some are answered", "answered" in found)
    checks.that("and the server goes on", client.models.list().data)
    print(f"of 128 requests by 64 clients {found.count('answered')} were answered, {found.count('refused')} refused")


def check_soak(checks, url, token, model, server, count):
    """Many short requests by eight clients: the server's memory stays what it was after the first of them."""

    def resident():
        status = Path(f"/proc/{server.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024

    def ask(share, number):
        connection = http.client.HTTPConnection(url.removeprefix("http://").removesuffix("/v1"))
        headers = {"Authorization": f"Bearer {token}"}
        good = 0
        for own in range(share):
            question = [{"role": "user", "content": f"make the title bold {own % 97} {number}"}]
            body = {"model": model, "messages": question, "max_tokens": 3, "seed": own, "stream": own % 2 == 0}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            good += answer.status == 200
        return good

    found, memory, started = 0, [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found += sum(pool.map(ask, [count // 40] * 8, range(8)))
            memory.append(resident())
    checks.same("requests of the soak that were answered", found, count // 40 * 40)
    checks.that("memory is flat", memory[-1] < 1.1 * memory[0] + 2, memory)
    shown = ", ".join(f"{mib:.0f}" for mib in memory)
    print(f"{found} requests in {time.monotonic() - started:.0f} s; MiB after each fifth: {shown}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", nargs="?", help="a run, or a model's directory")
    arguments.add_argument("--url", help="a server that runs already, such as http://127.0.0.1:8000/v1")
    arguments.add_argument("--binary", default=BINARY)
    arguments.add_argument("--soak", type=int, default=0, metavar="N", help="send N short requests too, and watch the memory")
    given = arguments.parse_args()
    if (given.model is None) == (given.url is None):
        arguments.error("name a run or a model, or the --url of a server")
    if given.url and given.soak:
        arguments.error("--soak watches the memory of a server that is started here: name a run or a model")
    # LangChain's checks are counted as not run where it cannot be had.
    in_own_environment("check-server", {"openai": "openai>=1.60"}, {"langchain_openai": "langchain-openai"})
    import openai

    checks, server, url = Checks(), None, given.url
    token = os.environ.get("LAM_SERVE_TOKEN", TOKEN)
    with contextlib.ExitStack() as stack:
        if url is None:
            reward = ["--with-reward"] if has_reward_model(given.model) else []
            server, url = stack.enter_context(served_model(given.binary, given.model, token, *reward))
        client = openai.OpenAI(base_url=url, api_key=token, max_retries=0)
        models = client.models.list().data
        checks.that("models", models)
        model = models[0].id
        checks.same("a model", client.models.retrieve(model).id, model)
        if server:
            other = openai.OpenAI(base_url=url, api_key="another", max_retries=0)
            checks.refused("another token", openai.AuthenticationError, other.models.list, None, 401)
            check_curl(checks, url, token, model)
        else:
            checks.skip("tokens and curl", "the server is not ours")
        content = check_answers(checks, client, model)
        check_streams(checks, client, model, content)
        check_forms(checks, openai, client, model)
        check_tools(checks, openai, client, model)
        check_rewards(checks, openai, client, model, QUESTION)
        check_refusals(checks, openai, client, model)
        asyncio.run(check_async(checks, openai, url, token, model, content))
        check_langchain(checks, url, token, model, content)
        check_load(checks, openai, url, token, model)
        if given.soak:
            check_soak(checks, url, token, model, server, given.soak)
        if server:
            server.terminate()
            checks.same("the server ends in order", server.wait(60), 0)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
