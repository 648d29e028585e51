"""The table of engine.json. Knows no process."""

HEADS = (
    "work", "threads", "ours", "peer", "ratio", "by processor time", "MiB ours", "MiB peer", "ratio", "unit", "peer",
)  # fmt: skip
# Share of one processor from which on other programs spoil wall-clock figures.
DISTURBED = 0.1


def number(value):
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def row(key, entry):
    disturbed = " *" if entry["others_share"] > DISTURBED else ""
    ratio = "not available" if entry["ratio"] is None else f"{entry['ratio']:.2f}{disturbed}"
    return [
        key, str(entry["threads"]), number(entry["ours"]), number(entry["peer"]), ratio,
        number(entry.get("ratio_by_processor_time")), number(entry["peak_mib_ours"]), number(entry["peak_mib_peer"]),
        number(entry.get("peak_ratio")), entry["unit"], f"{entry['peer_name']}, {entry['peer_setting']}",
    ]  # fmt: skip


def rows(keys, entries):
    return [row(key, entry) for key in keys for _, entry in sorted(entries[key]["by_threads"].items())]


def scaling(keys, entries):
    """Our speed with two threads over that with one."""
    for key in keys:
        by_threads = entries[key]["by_threads"]
        one, two = (by_threads.get(count, {}).get("ours") for count in ("1", "2"))
        if one and two:
            yield key, two / one


def print_table(keys, entries):
    lines = [HEADS, ["---"] * len(HEADS), *rows(keys, entries)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
    if any(" *" in line[4] for line in lines):
        print(f"\n* other programs took more than {DISTURBED:.0%} of a processor; trust the ratio by processor time")
    gains = ", ".join(f"{key} {gain:.2f}" for key, gain in scaling(keys, entries))
    if gains:
        print(f"\ntwo threads over one, ours: {gains}")
