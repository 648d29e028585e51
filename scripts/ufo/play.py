#!/usr/bin/env python3
"""One version of UFO, in a process of its own: answers at recorded screens, then whole episodes. `../check_ufo.py` runs it;
the last line of its output is what came of it, as JSON."""

import argparse
import collections
import contextlib
import io
import json
import os
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai  # noqa: F401 - before absent modules are found everywhere
import pydantic  # noqa: F401
import rich.console  # noqa: F401
from websockets.sync.client import connect

import stubs
from agents import WINDOW

CLIENTS = 8
MOST_STEPS = 30
WINDOWS = ["Command Prompt", WINDOW, "Inbox - Mail"]


class Environment:
    """Our environment over OpenEnv's protocol."""

    def __init__(self, url):
        # Open as long as the process is.
        self.socket = connect(url, max_size=None).__enter__()

    def ask(self, kind, data):
        self.socket.send(json.dumps({"type": kind, "data": data}))
        answer = json.loads(self.socket.recv())
        if answer["type"] == "error":
            raise RuntimeError(answer["data"]["message"])
        return answer["data"]

    def reset(self, **which):
        return self.ask("reset", which)["observation"]

    def step(self, action):
        return self.ask("step", action)


class Bridge:
    """UFO's puppeteer with our grounding below it."""

    def __init__(self, environment):
        self.environment, self.status, self.last = environment, "CONTINUE", None
        self.control = ("", "")
        self.receiver_manager = types.SimpleNamespace(create_ui_control_receiver=self.choose)
        self.labels = {}

    def choose(self, control, window):
        self.control = ("", "") if control is None else self.labels[id(control)]

    def get_command_string(self, function, args):
        return f"{function}({args})"

    def get_command_types(self, function):
        return "ui"

    def execute_command(self, function, args):
        return self.carry_out(function, args, *self.control)

    def carry_out(self, function, args, label="", name=""):
        # With us, a text always replaces what stands in a field.
        args = {key: value for key, value in args.items() if key != "clear_current_text"}
        action = {"function": function, "args": args, "control_label": label, "control_text": name}
        self.last = self.environment.step({**action, "status": "FINISH" if self.status == "FINISH" else "CONTINUE"})
        done = self.last["observation"]["last_action"]
        if done["status"] != "ok":
            raise RuntimeError(f"{done['status']}: {done['message']}")
        return done["message"]


def quietly(work, *args):
    """UFO shows people what it does."""
    with contextlib.redirect_stdout(io.StringIO()):
        return work(*args)


def execute(ufo, step, bridge):
    known = getattr(step, "_annotation_dict", None) or {}
    bridge.labels = {id(control): (label, control.element_info.name) for label, control in known.items()}
    bridge.last = None
    return quietly(ufo.execute, step, bridge)


def at_recorded_screens(ufo, trajectories, wanted, bridge):
    """Asks at each step of what was recorded, and carries the answers out in the state that it was recorded in."""
    counts, troubles = collections.Counter(), []
    steps = [(row, place) for row in trajectories for place in range(len(row["steps"]))]
    steps = (steps * (wanted // max(len(steps), 1) + 1))[:wanted]

    def prompt(row, place):
        state = row["steps"][place]["state"]
        ufo.new_episode()
        last = []
        for number, past in enumerate(state["previous_actions"]):
            last = ufo.recall(past, state["request"], number + 1)
        return ufo.app_messages(state["request"], state["observation"]["controls"], state["previous_plan"], last)

    messages = [prompt(row, place) for row, place in steps]
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda one: answer(ufo, one), messages))
    for (row, place), text in zip(steps, answers):
        counts["asked"] += 1
        controls = row["steps"][place]["state"]["observation"]["controls"]
        try:
            if isinstance(text, Exception):
                raise text
            step = quietly(ufo.parse, text, controls)
        except Exception as error:  # noqa: BLE001 - whatever UFO meets in an answer
            troubles.append(f"{type(error).__name__}: {error} in {text!r}")
            continue
        counts["accepted"] += 1
        counts["given up"] += "FAIL" in step.statuses
        if is_carried_out(ufo, step, row, place, bridge, counts, troubles):
            counts["carried out"] += 1
    return counts, troubles


def answer(ufo, messages):
    try:
        return ufo.ask(messages)
    except Exception as error:  # noqa: BLE001 - told with the counts
        return error


def is_carried_out(ufo, step, row, place, bridge, counts, troubles):
    seen = bridge.environment.reset(task=row["task"])
    for past in row["steps"][:place]:
        action = dict(past["action"])
        action["control_text"] = action.pop("control_name")
        seen = bridge.environment.step({**action, "status": "CONTINUE"})["observation"]
    shown = lambda controls: [(c["label"], c["control_text"]) for c in controls]  # noqa: E731
    if shown(seen["controls"]) != shown(row["steps"][place]["state"]["observation"]["controls"]):
        counts["other screen"] += 1
        return False
    execute(ufo, step, bridge)
    if bridge.last is None:
        return step.statuses != ["FAIL"]
    done = bridge.last["observation"]["last_action"]
    if done["status"] != "ok":
        troubles.append(f"{done['status']}: {done['message']}")
    return done["status"] == "ok"


def episode(ufo, seed, bridge, counts):
    """One request from the HostAgent's first answer to its last."""
    seen = bridge.environment.reset(seed=seed, split="test")
    request = seen["request"]
    ufo.new_episode()
    assigned = quietly(ufo.assign, request, WINDOWS, [])
    if assigned != ("ASSIGN", request, WINDOW):
        raise AssertionError(f"the HostAgent assigned {assigned}")
    plan, last, status, number = [], [], "CONTINUE", 0
    while status == "CONTINUE" and number < MOST_STEPS:
        number += 1
        text = ufo.ask(ufo.app_messages(request, seen["controls"], plan, last))
        step = quietly(ufo.parse, text, seen["controls"])
        counts["steps"] += 1
        status = execute(ufo, step, bridge)
        if bridge.last is None:
            bridge.last = bridge.environment.step({"function": "", "status": "FINISH"})
            status = status if status == "FAIL" else "FINISH"
        plan, last = step.plan, ufo.remember(step, request, number)
        seen = bridge.last["observation"]
        if bridge.last["done"]:
            break
    counts["episodes"] += 1
    counts["fulfilled"] += bool(seen.get("success"))
    over = quietly(ufo.assign, request, WINDOWS, [{"subtask": request, "status": status}])
    expected = "FINISH" if status == "FINISH" else "FAIL"
    if status != "CONTINUE" and over[0] != expected:
        raise AssertionError(f"the HostAgent ended with {over}, the sub-task with {status}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("version")
    arguments.add_argument("tree", type=Path)
    arguments.add_argument("trajectories", type=Path)
    arguments.add_argument("environment")
    arguments.add_argument("--answers", type=int, required=True)
    arguments.add_argument("--episodes", type=int, required=True)
    options = arguments.parse_args()
    trajectories = json.loads(options.trajectories.read_text())
    os.chdir(options.tree)
    sys.path.insert(0, str(options.tree))
    import classic
    import third

    kind = third if options.version.startswith("v3") else classic
    if kind is third:
        third.prepare()
    finder = stubs.install(kind.PACKAGES)
    found = {"version": options.version, "modes": {}, "troubles": []}
    for mode in kind.MODES:
        with contextlib.redirect_stdout(io.StringIO()):
            ufo = kind.Ufo(mode)
        bridge = Bridge(Environment(options.environment))
        counts, troubles = at_recorded_screens(ufo, trajectories, options.answers, bridge)
        try:
            for seed in range(options.episodes):
                episode(ufo, seed, bridge, counts)
            counts["unsure"] = quietly(ufo.evaluate, "make it bold") == "unsure"
        except Exception as error:  # noqa: BLE001 - told with the counts
            counts["broken"] += 1
            troubles.append(f"{type(error).__name__}: {error}")
        bridge.environment.socket.close()
        found["modes"][mode] = counts
        found["troubles"] += [f"{mode}: {trouble}" for trouble in troubles[:5]]
    found["absent"] = sorted(finder.absent)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
