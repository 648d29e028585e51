"""What the checks in this folder share: Python packages of their own, programs that end with them, and counting. No
script of its own, and knows none of them."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "target" / "release" / "lam-train"

FIND = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))"
"""Prints the modules that a Python lacks."""


def home(check):
    """The folder of a check below target/."""
    return ROOT / "target" / check


def in_own_environment(check, packages, optional=None):
    """Runs the calling script again by the Python of target/<check>/venv, which is made where it is not there.

    `packages` and `optional` name for each module what pip is to install where the module is missing; of `optional`,
    whatever cannot be had stays missing.
    """
    venv = home(check) / "venv"
    if Path(sys.prefix) == venv:
        return
    python = venv / "bin" / "python"
    # pip comes last: a venv without it was broken off.
    if not (venv / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    install(python, packages, must=True)
    install(python, optional or {}, must=False)
    os.execv(str(python), [str(python), *sys.argv])


def install(python, packages, must):
    """Installs what is missing, and asks nobody where nothing is."""
    found = subprocess.run([str(python), "-c", FIND, *packages], capture_output=True, text=True, check=True)
    wanted = [packages[module] for module in found.stdout.split()]
    if wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted], check=must)


class Checks:
    """Counts what came of each check."""

    def __init__(self):
        self.passed, self.failed, self.not_run = 0, [], []

    def that(self, what, holds, found=None):
        if holds:
            self.passed += 1
        else:
            self.failed.append(what)
            print(f"FAILED  {what}" + (f": {found!r}" if found is not None else ""))

    def same(self, what, found, expected):
        self.that(what, found == expected, (found, expected))

    def skip(self, what, why):
        self.not_run.append(what)
        print(f"not run {what}: {why}")

    def refused(self, what, kind, ask, param=None, status=None):
        """That `ask` ends with an error of this kind, which names this field and has this status."""
        try:
            ask()
        except kind as error:
            self.that(f"{what}: is refused", True)
            if param is not None:
                self.same(f"{what}: names the field", error.param, param)
            if status is not None:
                self.same(f"{what}: status", error.status_code, status)
            return
        except Exception as error:  # noqa: BLE001
            self.that(f"{what}: is refused as {kind.__name__}", False, error)
            return
        self.that(f"{what}: is refused", False)

    def finish(self):
        """Prints the last line; the exit code is 1 if a check failed, 2 if none could run."""
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.not_run)} not run")
        return 1 if self.failed else (0 if self.passed else 2)


@contextlib.contextmanager
def running(command, **environment):
    """A program whose output is read here. It ends when the block is left, whatever happened in it."""
    environment = {**os.environ, **environment}
    program = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield program
    finally:
        if program.poll() is None:
            program.terminate()
            try:
                program.wait(60)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        program.stdout.close()


@contextlib.contextmanager
def served_model(binary, model, token, *options):
    """`serve model` at a free port, and its address: `http://HOST:PORT/v1`."""
    command = [binary, "serve", "model", model, "--port", "0", "--json", *options]
    with running(command, LAM_SERVE_TOKEN=token) as server:
        text = ""
        for line in server.stdout:
            text += line
            if line.startswith("}"):
                break
        else:
            sys.exit(f"{command} ended with {server.wait()}")
        yield server, json.loads(text)["url"]


@contextlib.contextmanager
def served_environment(binary, name, *options, **environment):
    """`serve env` at a free port, and its address: `ws://HOST:PORT/ws`. It asks for no token but for one that is named."""
    command = [binary, "serve", "env", "--env", name, "--port", "0", *options]
    with running(command, **{"LAM_SERVE_TOKEN": "", **environment}) as server:
        found = re.search(r"ws://\S+/ws", server.stdout.readline())
        yield found.group() if found else sys.exit(f"{command} ended with {server.wait()}")
