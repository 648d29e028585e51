#!/usr/bin/env python3
"""Shows that OpenEnv's own Python package plays in our server, and that our client plays in OpenEnv's own server.

    cargo build --release -p lam-cli -p lam-env-remote --bins --examples
    scripts/check_openenv.py [--episodes N] [--binaries target/release]

The package is installed into target/check-openenv/venv. The last line counts the checks that passed, failed and could
not run; exits with 1 if one failed.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from checking import BINARY, Checks, in_own_environment, served_environment

in_own_environment("check-openenv", {"openenv": "openenv-core==0.2.*"})

import uvicorn  # noqa: E402
from openenv.core.client_types import StepResult  # noqa: E402
from openenv.core.env_client import EnvClient  # noqa: E402
from openenv.core.env_server.http_server import create_fastapi_app  # noqa: E402
from openenv.core.env_server.interfaces import Environment  # noqa: E402
from openenv.core.env_server.types import Action, Observation, State  # noqa: E402
from openenv.core.generic_client import GenericEnvClient  # noqa: E402
from pydantic import ConfigDict  # noqa: E402
from websockets.exceptions import ConnectionClosedError  # noqa: E402

TOKEN = "a token"
CHECKS = Checks()


def check(what, found, expected=True):
    CHECKS.same(what, found, expected)


def step(function, args=None, control=None, status="CONTINUE"):
    label, text = (control["label"], control["control_text"]) if control else ("", "")
    return {"function": function, "args": args or {}, "control_label": label, "control_text": text, "status": status}


def make_bold(env, seed):
    """Plays the family `bold`: the quoted text is selected, then made bold."""
    result = env.reset(seed=seed, family="bold", split="test", phrasing="seen", episode_id=f"bold-{seed}")
    check("reward after a reset", (result.reward, result.done), (None, False))
    text = re.search(r"'(.*)'", result.observation["request"]).group(1)
    result = env.step(step("select_text", {"text": text}))
    shown = {control["control_text"]: control for control in result.observation["controls"]}
    if "Bold" not in shown:
        result = env.step(step("click_input", control=shown["Home"]))
        shown = {control["control_text"]: control for control in result.observation["controls"]}
    check("reward before the end", (result.reward, result.done), (None, False))
    return env.step(step("click_input", control=shown["Bold"], status="FINISH"))


def refusal(act):
    try:
        act()
    except (RuntimeError, ConnectionClosedError) as error:
        return str(error)
    return "nothing"


class OurAction(Action):
    """Our action as a typed client declares it."""

    control_label: str = ""
    control_text: str = ""
    function: str
    args: Dict[str, Any] = {}
    status: str = "CONTINUE"


class TypedClient(EnvClient[OurAction, Dict[str, Any], State]):
    """A client with types, which sends OpenEnv's own fields along."""

    def _step_payload(self, action):
        return action.model_dump()

    def _parse_result(self, payload):
        return StepResult(observation=payload["observation"], reward=payload["reward"], done=payload["done"])

    def _parse_state(self, payload):
        return State(**payload)


def serving(binaries, *options):
    return served_environment(binaries / "lam-train", "sim", *options, CHECK_TOKEN=TOKEN)


def address(url):
    """Host and port."""
    return url.removeprefix("ws://").removesuffix("/ws")


def openenv_plays_here(url, episodes):
    place = address(url)
    with GenericEnvClient(base_url=f"http://{place}").sync() as env:
        started = time.perf_counter()
        steps = 0
        for seed in range(episodes):
            result = make_bold(env, seed)
            check(f"episode {seed}", (result.reward, result.done, result.observation["success"]), (1.0, True, True))
            state = env.state()
            check("episode id", state["episode_id"], f"bold-{seed}")
            steps += state["step_count"]
        seconds = time.perf_counter() - started
        print(f"GenericEnvClient: {episodes} episodes, {steps} steps, every reward 1.0, {1000 * seconds / steps:.2f} ms a step")
        result = env.reset(seed=1)
        result = env.step(step("fly", status="FINISH"))
        check("a finish that is invalid", (result.done, result.observation["error"]), (False, "no function `fly`"))
        check("an unknown field", "VALIDATION_ERROR" in refusal(lambda: env.step({"function": "x", "label": "1"})))
        check("an unknown family", "VALIDATION_ERROR" in refusal(lambda: env.reset(family="no_such")))
        print("GenericEnvClient: unknown fields and families are refused with VALIDATION_ERROR")
        with TypedClient(base_url=f"ws://{place}").sync() as typed:
            typed.reset(seed=2)
            result = typed.step(OurAction(function="keyboard_input", args={"keys": "{ESC}"}))
            check("a typed step", result.observation["step"], 1)
            check("a typed state", typed.state().step_count, 1)
            with GenericEnvClient(base_url=f"ws://{place}").sync() as third:
                check("a third session", "CAPACITY_REACHED" in refusal(third.reset))
        print("EnvClient with types: accepted; a third session of two: CAPACITY_REACHED")


def openenv_shows_a_token(url):
    place = address(url)
    try:
        GenericEnvClient(base_url=f"ws://{place}").sync().connect()
        check("a client without the token is let in", True, False)
    except ConnectionError as error:
        check("no token", "401" in str(error))
    with GenericEnvClient(base_url=f"ws://lam:{TOKEN.replace(' ', '%20')}@{place}").sync() as env:
        check("with the token", make_bold(env, 0).reward, 1.0)
    print("token: HTTP 401 without, played with ws://user:TOKEN@host")


FUNCTIONS = [
    {
        "name": "press",
        "target": "application",
        "args": [{"name": "times", "kind": {"integer": {"min": 1, "max": 9}}, "required": True, "doc": "How often."}],
        "doc": "Press the button.",
    }
]


class LamAction(Action):
    """Our action as a server in Python declares it, with the version and the functions beside its schema."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"x-lam": {"version": 1, "functions": FUNCTIONS}})
    control_label: str = ""
    control_text: str = ""
    function: str = ""
    args: Dict[str, Any] = {}
    status: str = "CONTINUE"
    thought: str = ""
    plan: List[str] = []


class LamObservation(Observation):
    """Our observation as a server in Python declares it."""

    request: str = ""
    application: str = "button"
    controls: List[Dict[str, Any]] = []
    step: int = 0
    success: Optional[bool] = None


class Button(Environment):
    """A button that is to be pressed as often as the seed says."""

    def __init__(self):
        super().__init__()
        self.wanted = self.pressed = self.steps = 0

    def reset(self, seed=None, episode_id=None, **kwargs):
        self.wanted, self.pressed, self.steps = (seed or 0) % 5 + 2, 0, 0
        return self.seen()

    def step(self, action, timeout_s=None, **kwargs):
        self.steps += 1
        self.pressed += action.args.get("times", 0) if action.function == "press" else 0
        return self.seen(action.status == "FINISH")

    def seen(self, done=False):
        success = self.pressed == self.wanted if done else None
        return LamObservation(
            request=f"Press the button {self.wanted} times",
            controls=[{"label": "1", "control_text": f"Pressed {self.pressed} times", "control_type": "Text"}],
            step=self.steps,
            success=success,
            reward=None if success is None else float(success),
            done=done,
        )

    @property
    def state(self):
        return State(step_count=self.steps)


def we_play_in_openenv(binaries):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = create_fastapi_app(Button, LamAction, LamObservation)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"

    def drive(seed, *times):
        actions = [
            {"thought": "", "control_label": "", "control_name": "", "function": "press", "args": {"times": count}, "status": status, "plan": []}
            for count, status in zip(times, ["CONTINUE"] * (len(times) - 1) + ["FINISH"])
        ]
        lines = "".join(json.dumps(action) + "\n" for action in actions)
        run = subprocess.run([binaries / "examples/drive", url, str(seed)], input=lines, capture_output=True, text=True)
        check("drive", (run.returncode, run.stderr), (0, ""))
        return [json.loads(line) for line in run.stdout.splitlines()]

    said = drive(3)
    wanted = int(re.search(r"\d+", said[1]["task"]["request"]).group())
    check("version", said[0]["version"].endswith("/openenv"))
    check("nothing pressed", said[-1]["verdict"]["complete"], "no")
    said = drive(3, 1, wanted - 1)
    check("screen", said[2]["screen"]["controls"][0]["control_text"], "Pressed 1 times")
    check("all pressed", said[-1]["verdict"]["complete"], "yes")
    print(f"OpenEnv's server, our client: task `{said[1]['task']['request']}` played, verdict yes; without presses no")
    server.should_exit = True


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--episodes", type=int, default=50)
    arguments.add_argument("--binaries", type=Path, default=BINARY.parent)
    options = arguments.parse_args()
    with serving(options.binaries, "--max-sessions", "2") as url:
        openenv_plays_here(url, options.episodes)
    with serving(options.binaries, "--token-env", "CHECK_TOKEN") as url:
        openenv_shows_a_token(url)
    we_play_in_openenv(options.binaries)
    return CHECKS.finish()


if __name__ == "__main__":
    sys.exit(main())
