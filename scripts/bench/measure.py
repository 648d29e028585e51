"""Clocks, memory, tokens and the line of JSON that every measured process ends with. Knows no library that is measured."""

import json
import time


def status_mib(field):
    """A field of this process's status, in MiB: VmHWM is its peak, VmRSS what it holds now."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return round(int(line.split()[1]) / 1024, 1)
    raise SystemExit(f"/proc/self/status has no {field}")


class Laps:
    """Wall and processor seconds of one piece of work after the other."""

    def __init__(self):
        self.seconds, self.processor_seconds = [], []

    def __enter__(self):
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds.append(time.perf_counter() - self._start[0])
        self.processor_seconds.append(time.process_time() - self._start[1])


def tokens(count, vocab):
    """The same tokens as our runner's."""
    return [(i * 7919 + i * i % 131) % vocab for i in range(count)]


def report(**figures):
    print(json.dumps({**figures, "peak_mib": status_mib("VmHWM")}), flush=True)
