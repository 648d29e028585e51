#!/usr/bin/env python3
"""Goes the way of a newcomer: from 20 recorded trajectories to an answer over HTTP, by the four commands of the README.

    cargo build --release -p lam-cli
    scripts/check_own_data.py [--binary target/release/lam-train] [--keep DIR]

The trajectories are of an invented program for invoices, a file of JSON lines each, as a recorder of one's own would
write them. The commands are read from the README and run in an empty folder, as they stand there; the answer must be
the action that was recorded at that screen. Then the server is asked at every screen of the recordings, and for
requests that differ in a number or a name from what was recorded, which is told and not judged. The last line counts
the checks that passed, failed and could not run; exits with 1 if one failed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from checking import BINARY, ROOT, Checks, running

SERVER = "http://127.0.0.1:8000"
CUSTOMERS = ["Miller", "Okafor", "Tanaka", "Silva", "Novak"]
CONTROLS = [
    ("New invoice", "Button"),
    ("Customer", "Edit"),
    ("Amount", "Edit"),
    ("Due date", "Edit"),
    ("Paid", "CheckBox"),
    ("Send", "Button"),
    ("Delete", "Button"),
]
"""The only window of the program, in the order of its labels."""


def click(name):
    return {"function": "click_input", "control": name, "args": {}}


def write(name, text):
    return {"function": "set_edit_text", "control": name, "args": {"text": text}}


def kinds(customer, amount):
    """What is asked of the program, and what a person does then."""
    return [
        (f"Create an invoice for {customer}", [click("New invoice"), write("Customer", customer)]),
        (f"Set the amount to {amount}", [write("Amount", amount)]),
        (
            f"Send an invoice of {amount} to {customer}",
            [write("Customer", customer), write("Amount", amount), click("Send")],
        ),
        (f"Mark the invoice of {customer} as paid", [write("Customer", customer), click("Paid")]),
    ]


def recordings():
    """20 requests with their actions: four kinds, each for five customers."""
    return [one for number, customer in enumerate(CUSTOMERS) for one in kinds(customer, str(120 + 35 * number))]


def screen():
    numbered = enumerate(CONTROLS, 1)
    return [{"label": str(place), "control_text": name, "control_type": kind} for place, (name, kind) in numbered]


def label(name):
    return next(control["label"] for control in screen() if control["control_text"] == name)


def step_lines(number, request, actions):
    """The lines of a recording's file, one for each step."""
    lines = []
    for step, action in enumerate(actions, 1):
        done = {"function": action["function"], "args": action["args"], "control_label": label(action["control"])}
        status = "OVERALL_FINISH" if step == len(actions) else "CONTINUE"
        at = {"control_infos": {"uia_controls_info": screen()}, "action": done, "status": status}
        named = {"execution_id": f"invoice-{number}", "app_domain": "invoices", "request": request}
        lines.append({**named, "step_id": step, "evaluation": {"complete": "yes"}, "step": at})
    return lines


def record(folder):
    """A file for each recording."""
    folder.mkdir()
    for number, (request, actions) in enumerate(recordings(), 1):
        lines = step_lines(number, request, actions)
        (folder / f"{number:02}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def blocks(kind):
    """What stands in the README's section in blocks of this kind."""
    section = (ROOT / "README.md").read_text().split("\n## Your own recordings\n")[1].split("\n## ")[0]
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return [text for found, text in fenced if found == kind]


def commands():
    """The four commands of the README."""
    (block,) = blocks("")
    return [line.split("  #")[0].strip() for line in block.splitlines()]


def question(request, before):
    """What is asked at the program's window after these actions."""
    past = [{"control_name": one["control"], "function": one["function"], "args": one["args"]} for one in before]
    text = f"<Available Control Item:> {json.dumps(screen())}\n<User Request:> {request}\n"
    text += f"<Previous Actions:> {json.dumps(past)}\n<Previous Plans:> []"
    tools = [tool("click_input"), tool("set_edit_text", "text")]
    asked = {"model": "LAM2", "messages": [{"role": "user", "content": text}], "tools": tools}
    return {**asked, "tool_choice": "required", "temperature": 0}


def tool(name, *arguments):
    texts = {argument: {"type": "string"} for argument in ("control_label", *arguments)}
    parameters = {"type": "object", "properties": texts, "required": list(texts)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def ask(request, before):
    body = json.dumps(question(request, before)).encode()
    with urllib.request.urlopen(f"{SERVER}/v1/chat/completions", body) as answer:
        return action_of(json.load(answer))


def action_of(answer):
    """The call, and whether it is the last one, which stands in the content."""
    message = answer["choices"][0]["message"]
    call = message["tool_calls"][0]["function"]
    arguments = json.loads(call["arguments"])
    label = arguments.pop("control_label", None)
    status = json.loads(message["content"])["status"]
    return {"function": call["name"], "args": arguments, "control_label": label, "status": status}


def is_action(found, action, is_last):
    status = "FINISH" if is_last else "CONTINUE"
    same = found["function"] == action["function"] and found["args"] == action["args"]
    return same and found["control_label"] == label(action["control"]) and found["status"] == status


def answered(requests):
    """How many of all steps are answered with the action that belongs there, and how many there are."""
    steps = [(request, actions, place) for request, actions in requests for place in range(len(actions))]
    good = [
        is_action(ask(request, actions[:place]), actions[place], place + 1 == len(actions))
        for request, actions, place in steps
    ]
    return sum(good), len(good)


def in_folder(command, folder, binary):
    """A command as a shell in that folder understands it; `lam-train` is the binary that is checked."""
    own = folder / ".bin"
    if not own.exists():
        own.mkdir()
        (own / "lam-train").symlink_to(binary)
    return ["env", "-C", folder, f"PATH={own}:{os.environ['PATH']}", "bash", "-c", f"exec {command}"]


def check(checks, folder, binary):
    record(folder / "recordings")
    (folder / "question.json").write_text(json.dumps(question(recordings()[0][0], [])))
    *made, serve, curl = commands()
    checks.same("commands in the README", len(made) + 2, 4)
    line, asked = (json.loads(block) for block in blocks("json"))
    checks.same("the README's line has the fields of a recording", set(line), set(step_lines(1, *recordings()[0])[0]))
    checks.same("the README's question has those that are asked", set(asked), set(question("", [])))
    for command in made:
        started = time.monotonic()
        done = subprocess.run(in_folder(command, folder, binary))
        checks.that(command, done.returncode == 0, done.returncode)
        print(f"{time.monotonic() - started:.0f} s: {command}")
        if done.returncode:
            return
    with running(in_folder(serve, folder, binary)) as server:
        wait_for(server)
        shown = subprocess.run(in_folder(curl, folder, binary), capture_output=True, text=True)
        print(f"{curl}\n{shown.stdout}{shown.stderr}")
        request, actions = recordings()[0]
        answer = action_of(json.loads(shown.stdout))
        checks.that("curl's answer is the recorded action", is_action(answer, actions[0], False), answer)
        good, steps = answered(recordings())
        checks.that("nine of ten recorded screens get their recorded action", good >= 0.9 * steps, (good, steps))
        print(f"{good} of {steps} recorded screens are answered with the recorded action")
        good, steps = answered(kinds("Larsen", "417"))
        print(f"{good} of {steps} screens with a customer and an amount that were never recorded")


def wait_for(server):
    """Until the server answers, for a minute at most."""
    for _ in range(600):
        try:
            return urllib.request.urlopen(f"{SERVER}/health").read()
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    sys.exit("the server does not answer")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", type=Path, default=BINARY)
    arguments.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder to work in, which stays")
    given = arguments.parse_args()
    checks = Checks()
    if not shutil.which("curl"):
        checks.skip("the four commands", "curl is not installed")
        return checks.finish()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        check(checks, folder, given.binary.resolve())
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
