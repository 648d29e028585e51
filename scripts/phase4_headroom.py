#!/usr/bin/env python3
"""What offline PPO could win in a finished run: usage phase4_headroom.py RUN_DIR (needs pyarrow).

Reads the tries of the stage `practice` (LAM3 sampling, judged by the environment) and the answers that the stage
`lam4` sampled at their states, scored by the reward model. Prints how many tasks the tries solved how often, and, for
states at which the answers do different things, how the call that the reward model prefers stands to the call that
LAM3 gives most often, and how often a sampled call did better than that one in the environment.
"""

import collections
import json
import pathlib
import sys

import pyarrow.parquet


def call_of(row):
    return f"{row['function']}({row['control_name']} {row['control_label']}){row['args']} {row['status']}"


def outcomes(rows):
    """Success rate by state and call."""
    tried = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        tried[tuple(row["prompt_ids"] or ())][call_of(row)].append(row["complete"] == "yes")
    mean = lambda results: sum(results) / len(results)
    return {state: {call: mean(results) for call, results in calls.items()} for state, calls in tried.items()}


def answers(file):
    """Calls with their rewards by state."""
    sampled = collections.defaultdict(list)
    for line in file.open():
        chunk = json.loads(line)
        for rollout in chunk if isinstance(chunk, list) else [chunk]:
            state = tuple(rollout["input_ids"][: rollout["prompt_length"]])
            sampled[state].append((rollout["call"], rollout["reward"]))
    return sampled


def main():
    run = pathlib.Path(sys.argv[1])
    rows = pyarrow.parquet.read_table(run / "practice/attempts.parquet").to_pylist()
    tasks = collections.defaultdict(dict)
    for row in rows:
        tasks[row["task_id"]][row["attempt"]] = row["complete"] == "yes"
    solved = collections.Counter(sum(tries.values()) for tries in tasks.values())
    print("tasks by successful tries:", dict(sorted(solved.items())))
    rates, counts = outcomes(rows), collections.Counter()
    for state, sampled in answers(run / "lam4/rollouts.jsonl").items():
        counts["states"] += 1
        often = collections.Counter(call for call, _ in sampled)
        if len(often) < 2:
            continue
        counts["answers differ"] += 1
        usual = often.most_common(1)[0][0]
        mean = {call: sum(r for c, r in sampled if c == call) / often[call] for call in often}
        preferred, known = max(mean, key=mean.get), rates.get(state, {})
        counts["the usual call is preferred"] += usual == preferred
        counts["usual call tried in the environment"] += usual in known
        counts["a sampled call did better there than the usual one"] += usual in known and any(
            known.get(call, -1) > known[usual] for call in often
        )
    for what, count in counts.items():
        print(f"{count:6} {what}")


if __name__ == "__main__":
    main()
