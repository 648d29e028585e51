#!/usr/bin/env python3
"""Asks a served model as Microsoft's UFO does: by UFO's own prompts, clients and parsers, of v1.2.1, v2.0.0 and v3.0.0.

    cargo build --release -p lam-cli
    scripts/check_ufo.py runs/quickstart               # fetches UFO from GitHub
    scripts/check_ufo.py runs/quickstart --ufo CLONE   # or takes it from a clone

The run's last model is served with --executable. For each version, and each form of answer that its prompts ask for, UFO
asks at recorded screens of the run's expert, reads the answers, and carries them out in the embedded editor; then it
plays whole requests there, from the HostAgent's first answer to its last. What Windows alone has is absent. Python
packages go into target/check-ufo/venv, UFO's files into target/check-ufo. The last line counts answers; exits with 1 if
UFO refused one, with 2 if no version could be had.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from checking import BINARY, ROOT, home, in_own_environment, served_environment, served_model

HOME = home("check-ufo")
TOKEN = "a-token-for-checks"
VERSIONS = ["v1.2.1", "v2.0.0", "v3.0.0"]
GITHUB = "https://github.com/microsoft/UFO"
PACKAGES = {
    "openai": "openai>=1.60",
    "pydantic": "pydantic>=2",
    "yaml": "PyYAML",
    "rich": "rich",
    "websockets": "websockets",
    "colorama": "colorama",
}
PARTS = ["ufo", "config", "aip"]


def fetch(version, clone):
    """UFO's files of a version, as they are; nothing where they cannot be had."""
    tree = HOME / version
    if not (tree / "ufo" / "__main__.py").exists():
        if clone is None:
            clone = HOME / f"{version}.git"
            get = ["git", "clone", "--quiet", "--bare", "--depth", "1", "--branch", version, GITHUB, str(clone)]
            if not clone.exists() and subprocess.run(get).returncode:
                return None
        # A bare clone, or one with a work tree.
        listed = subprocess.run(["git", "-C", clone, "ls-tree", "--name-only", version], capture_output=True, text=True)
        parts = [part for part in PARTS if part in listed.stdout.split()]
        tree.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["git", "-C", clone, "archive", version, *parts], capture_output=True)
        if packed.returncode or not parts:
            print((listed.stderr + packed.stderr.decode()).strip(), file=sys.stderr)
            return None
        subprocess.run(["tar", "-x", "-C", str(tree)], input=packed.stdout, check=True)
    return tree


def configure(tree, version, url, model):
    """UFO's template of its configuration, with the block of ours that users paste."""
    import yaml

    is_third = version.startswith("v3")
    template = tree / ("config/ufo/agents.yaml.template" if is_third else "ufo/config/config.yaml.template")
    own = (ROOT / "configs" / "ufo" / ("agents.yaml" if is_third else "config.yaml")).read_text()
    own = own.replace("http://127.0.0.1:8000/v1", url).replace('"LAM4"', json.dumps(model)).replace("no-token", TOKEN)
    settings = {**yaml.safe_load(template.read_text()), **yaml.safe_load(own)}
    template.with_suffix("").write_text(yaml.safe_dump(settings))


def recorded(binary, run, count):
    """Trajectories of the run's expert, with the state before each step."""
    path = sorted(Path(run).glob("*/expert_success.parquet"))
    if not path:
        sys.exit(f"{run} has no stage with an expert_success.parquet: name one by --trajectories")
    return shown(binary, path[0], count)


def shown(binary, path, count):
    command = [binary, "data", "show", str(path), "--count", str(count), "--json"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("run", help="a run whose last model is asked, or a model's directory")
    arguments.add_argument("--ufo", type=Path, metavar="DIR", help="a clone of UFO with the tags of the versions")
    arguments.add_argument("--version", action="append", choices=VERSIONS, help="only this one; may be given again")
    arguments.add_argument("--answers", type=int, default=500, metavar="N", help="answers in each form (default: 500)")
    arguments.add_argument("--episodes", type=int, default=20, metavar="N", help="episodes in each form (default: 20)")
    arguments.add_argument("--env", default="sim", help="the environment that answers are carried out in (default: sim)")
    arguments.add_argument("--trajectories", type=Path, help="recorded screens (default: the run's expert's)")
    arguments.add_argument("--binary", default=BINARY)
    given = arguments.parse_args()
    in_own_environment("check-ufo", PACKAGES)
    screens = HOME / "screens.json"
    rows = shown(given.binary, given.trajectories, 200) if given.trajectories else recorded(given.binary, given.run, 200)
    screens.write_bytes(rows)
    totals = {"asked": 0, "accepted": 0, "carried out": 0, "broken": 0, "not run": 0}
    model_server = served_model(given.binary, given.run, TOKEN, "--executable", "--application=- word")
    with model_server as (_, url), served_environment(given.binary, given.env) as place:
        model = list_models(url)[0]
        for version in given.version or VERSIONS:
            tree = fetch(version, given.ufo)
            if tree is None:
                print(f"{version} could not be had")
                totals["not run"] += 1
                continue
            configure(tree, version, url, model)
            play = [sys.executable, str(ROOT / "scripts" / "ufo" / "play.py"), version, str(tree), str(screens), place]
            counted = ["--answers", str(given.answers), "--episodes", str(given.episodes)]
            done = subprocess.run([*play, *counted], stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"{version}: ended with {done.returncode}")
            tell(json.loads(done.stdout.splitlines()[-1]), totals)
    print(", ".join(f"{count} {what}" for what, count in totals.items()))
    if totals["accepted"] < totals["asked"] or totals["broken"]:
        return 1
    return 0 if totals["asked"] else 2


def list_models(url):
    import openai

    return [model.id for model in openai.OpenAI(base_url=url, api_key=TOKEN).models.list().data]


def tell(found, totals):
    for mode, counts in found["modes"].items():
        for what in totals:
            totals[what] += counts.get(what, 0)
        shown = ", ".join(f"{count} {what}" for what, count in counts.items())
        print(f"{found['version']} {mode}: {shown}")
    for trouble in found["troubles"]:
        print(f"  {trouble}")


if __name__ == "__main__":
    sys.exit(main())
