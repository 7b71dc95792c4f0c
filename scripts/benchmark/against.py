"""Two builds of meshping, in several rounds, for every number of targets.

In each round each of them runs alone first, one after the other: CPU time, memory, RTTs and losses are taken as in the
first part. Then both run side by side and are asked in turn.
"""

import os

import busy
import comparison
import cost
import daemon
import side_by_side
import system
from comparison import Figure, factor_of, memory_allowance
from figures import NONE
from side_by_side import Build

# Key, name, form, whether it decides, of those that are measured alone. The tail of round-trip times on loopback is the rest of the machine's work: it
# differs by half between rounds of one build.
FIGURES = [
    ("cpu_us", "CPU µs per ping", ".2f", True),
    ("p50_us", "RTT p50 µs", ".2f", True),
    ("p99_us", "RTT p99 µs", ".1f", False),
    ("memory_kib", "memory, KiB", ".0f", False),
]
# Those that are asked of both in turn; all decide.
IN_TURN = [
    ("page_ms", f"list page of {daemon.PAGE}, ms", ".2f"),
    ("scrape_ms", "scrape, ms", ".2f"),
    ("add_us", "add by address over UDP, µs", ".1f"),
]


class Builds:
    """Both, and what was measured of them by number of targets and figure."""

    def __init__(self, old, new, options):
        self.old, self.new, self.options = old, new, options
        self.values = {}

    def describe(self):
        return [f"{name}: {system.version(path, '--version')}, {os.path.getsize(path)} bytes, {path}" for name, path in self.both()]

    def both(self):
        return [("old", self.old), ("new", self.new)]

    def measure(self):
        for turn in range(self.options.rounds):
            for count in self.options.sizes:
                # Whatever drifts, or is left behind by the first of two, is for and against each in turn.
                order = self.both() if turn % 2 == 0 else self.both()[::-1]
                self.round(f"round {turn + 1}: {count} targets", order, count)

    def round(self, label, order, count):
        alone = {name: self.attempt(f"{label}, {name}", measure, path, count, self.options.seconds) for name, path in order}
        beside = self.attempt(f"{label}, side by side", side_by_side.measure, order, count)
        for name, _ in order:
            taken = alone[name] | beside.get(name, {})
            for key in [*(key for key, *_ in FIGURES + IN_TURN), "rate", "lost"]:
                self.values.setdefault((name, count, key), []).append(taken.get(key, NONE))

    def attempt(self, label, function, *arguments):
        """What it measured; nothing if it failed."""
        try:
            taken = function(*arguments)
            busy.say(f"{label}: {shown(taken)}")
        except (OSError, ValueError, KeyError) as error:
            taken = {}
            busy.say(f"{label}: failed: {error}")
        return taken

    def figures(self):
        return [figure for count in self.options.sizes for figure in self.of_size(count)] + self.of_growth()

    def of_size(self, count):
        for key, what, form, decides in FIGURES:
            yield self.figure(count, key, what, form, factor_of(count) if decides else NONE)
        for key, what, form in IN_TURN:
            figure = self.figure(count, key, what, form, factor_of(count))
            figure.paired = True
            yield figure
        # A low cost is worth nothing if requests were left out.
        yield self.left_out(count)
        lost = self.figure(count, "lost", "false loss, worst round, %", ".4f", 1)
        lost.old, lost.new = [max(lost.old)], [max(lost.new)]
        yield lost

    def figure(self, count, key, what, form, factor):
        old, new = (self.values[name, count, key] for name in ("old", "new"))
        return Figure(count, what, form, factor, old=old, new=new)

    def left_out(self, count):
        """One in a hundred may be at the edges of the time that was measured."""
        figure = self.figure(count, "rate", "requests left out, %", ".2f", 1)
        figure.more = 1
        figure.old, figure.new = ([100 * max(0, 1 - rate / count) for rate in rates] for rates in (figure.old, figure.new))
        return figure

    def of_growth(self):
        """Memory of a target: what the most of them take more than the fewest."""
        few, many = self.options.sizes[0], self.options.sizes[-1]
        if few == many:
            return []
        figure = Figure(many, "memory of a target, bytes", ".0f", 1, memory_allowance(few, many))
        figure.old, figure.new = (self.growth(name, few, many) for name in ("old", "new"))
        return [figure]

    def growth(self, name, few, many):
        pairs = zip(self.values[name, few, "memory_kib"], self.values[name, many, "memory_kib"])
        return [1024 * (large - small) / (many - few) for small, large in pairs]

    def show(self):
        return comparison.show(self.figures())


def measure(path, count, seconds):
    """Of one that runs alone."""
    with Build(path, count) as tool:
        run = cost.watch(tool, seconds)
        if isinstance(run, str):
            raise ValueError(run)
        # Of anonymous pages alone: those of the program's file come and go with the kernel's cache.
        memory = system.memory_kib(tool.pid, "RssAnon")
    measured = {"cpu_us": run.cpu_us, "p50_us": run.p50_us, "p99_us": run.p99_us, "rate": run.rate}
    return measured | {"lost": run.loss_percent, "memory_kib": memory}


def shown(taken):
    """In a line, while measurements go on."""
    if "cpu_us" in taken:
        return f"{taken['cpu_us']:.1f} µs per ping, {taken['lost']:.3f} % lost"
    return ", ".join(f"{what} {taken['old'][key]:{form}} and {taken['new'][key]:{form}}" for key, what, form in IN_TURN)
