"""What a ping costs: every tool in turn, on the same loopback targets, with the floor before and after meshping.

The kernel counts the pings (InEchos of the namespace), the scheduler the CPU time of every thread; what a tool
reports of itself is taken for round-trip times and loss only.
"""

import time
from dataclasses import dataclass

import daemon
import system
from daemon import addresses
from figures import NONE, counted, known, mean, median, row, written
from tools import Floor, Meshping

SETTLE_S = 0.3


@dataclass
class Run:
    """One run of a tool, and the CPU time that the floor and meshping took in the same round."""

    rate: float
    cpu_us: float
    rss_kib: float
    p50_us: float
    p99_us: float
    loss_percent: float
    floor_us: float = NONE
    meshping_us: float = NONE
    # Why RTTs and losses are unknown, if they are.
    why_unknown: str = ""

    @property
    def ratio(self):
        return self.cpu_us / self.floor_us

    @property
    def times_meshping(self):
        return self.cpu_us / self.meshping_us


class Costs:
    """All runs, and why there are none, by tool and number of targets."""

    def __init__(self, options):
        self.options = options
        self.kinds = options.kinds
        self.runs = {}
        self.failures = {}

    def measure(self):
        for turn in range(self.options.rounds):
            for count in self.options.sizes:
                self.round(turn, count)

    def round(self, turn, count):
        """Every tool once, and the floor once more after meshping: all are compared with the mean of the two."""
        kinds = [kind for kind in self.kinds if turn == 0 or count < kind.once]
        if Floor in kinds and Meshping in kinds:
            kinds.insert(kinds.index(Meshping) + 1, Floor)
        runs = [(kind, self.attempt(kind, count, turn)) for kind in kinds]
        floor_us, meshping_us = (mean([run.cpu_us for of, run in runs if of is kind and run]) for kind in (Floor, Meshping))
        for kind, run in runs:
            if run:
                run.floor_us, run.meshping_us = floor_us, meshping_us
                self.runs.setdefault((kind, count), []).append(run)

    def attempt(self, kind, count, turn):
        run = measure(kind, count, self.options.seconds)
        failed = isinstance(run, str)
        if failed:
            self.failures.setdefault((kind, count), run)
        shown = run if failed else f"{run.cpu_us:.1f} µs per ping at {run.rate:.0f}/s"
        print(f"round {turn + 1}: {count} targets, {kind.name}: {shown}", flush=True)
        return None if failed else run

    def median(self, kind, count, what):
        """Of all rounds; unknown when there was none."""
        return median([getattr(run, what) for run in self.runs.get((kind, count), [])])

    def worst(self, kind, count, what):
        """Of all rounds; unknown when one of them is."""
        values = [getattr(run, what) for run in self.runs.get((kind, count), [])]
        return max(values, default=NONE) if all(map(known, values)) else NONE

    def show(self):
        rounds = self.options.rounds
        print("\n### What a ping costs\n")
        print(f"Each value is the median of {counted(rounds, 'round')}; × floor is the median of the ratios within a round, to the")
        print("mean of the floor before and after meshping. Loopback answers within microseconds and loses nothing: a")
        print("longer RTT and any loss are the tool's own.\n")
        titles = "targets, tool, pings/s, CPU µs/ping, × floor, RSS MiB, RTT p50 µs, RTT p99 µs, false loss %"
        print(row(titles.split(", ")))
        print("|--:|---|--:|--:|--:|--:|--:|--:|--:|")
        for count in self.options.sizes:
            for kind in self.kinds:
                print(row([count, *self.cells(kind, count)]))
        self.show_memory()

    def cells(self, kind, count):
        runs = self.runs.get((kind, count), [])
        done = len(runs)
        if not done:
            return [kind.name, self.failures.get((kind, count), "–"), *[""] * 6]
        name = kind.name if done >= self.options.rounds else f"{kind.name} ({done} of {counted(self.options.rounds, 'round')})"
        name += "".join(f" (RTT and loss unknown: {each})" for each in {run.why_unknown for run in runs} - {""})
        forms = [
            ("rate", ".0f"), ("cpu_us", ".1f"), ("ratio", ".2f"), ("rss_kib", ".1f"),
            ("p50_us", ".1f"), ("p99_us", ".1f"), ("loss_percent", ".3f"),
        ]  # fmt: skip
        values = {what: self.median(kind, count, what) for what, _ in forms}
        values["rss_kib"] /= 1024
        return [name, *[written(values[what], form) for what, form in forms]]

    def show_memory(self):
        few, many = self.options.sizes[0], self.options.sizes[-1]
        if few == many:
            return
        print(f"\nMemory per target, from the growth of RSS between {few} targets and the most that the tool did:")
        parts = []
        for kind in self.kinds:
            most = max((count for of, count in self.runs if of is kind), default=few)
            grown = self.median(kind, most, "rss_kib") - self.median(kind, few, "rss_kib")
            if kind is not Floor and most > few and known(grown):
                parts.append(f"{kind.name} {1024 * grown / (most - few):.0f} bytes ({most})")
        print("; ".join(parts) + ".")


def measure(kind, count, seconds):
    """One run, or why there is none."""
    if count > kind.limit:
        return kind.why_limited
    try:
        with kind(addresses(count), kind.warm_up + seconds + 1) as tool:
            try:
                return watch(tool, seconds)
            except (OSError, ValueError) as error:
                return f"failed: {error} {tool.last_words()}".strip()
    except OSError as error:
        return f"failed: {error}"


def watch(tool, seconds):
    time.sleep(tool.warm_up)
    tool.begin()
    time.sleep(SETTLE_S)
    began, cpu, sent = time.monotonic(), system.cpu_seconds(tool.pid), system.pings()
    time.sleep(seconds)
    took, cpu, sent = time.monotonic() - began, system.cpu_seconds(tool.pid) - cpu, system.pings() - sent
    if not sent:
        why = tool.last_words() or f"too busy with {len(tool.targets)} targets for this machine"
        return f"sent nothing within {took:.0f} s: {why}"
    memory = system.memory_kib(tool.pid)
    try:
        reported, why_unknown = tool.finish(), ""
    except daemon.Refused as error:
        reported, why_unknown = (NONE, NONE, NONE), str(error)
    return Run(sent / took, 1e6 * cpu / sent, memory, *reported, why_unknown=why_unknown)
