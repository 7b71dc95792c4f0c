"""Two builds of meshping, one after the other in every round and for every number of targets, in alternating order.

Each run is a daemon of its own. Its CPU time, memory, RTTs and losses are taken as in the first part; then it is asked
for lists and scrapes, and to add targets.
"""

import itertools
import os
import statistics
import time

import busy
import comparison
import cost
import daemon
import system
from comparison import Figure, factor_of, memory_allowance
from daemon import addresses
from figures import NONE
from tools import Meshping

# What is asked of each daemon. Few targets have one short page, and their scrape is short too.
PAGES = 50
SCRAPES = {1: 20, 1_000: 10, 10_000: 5}
ADDED = 2_000

# Key, name, form, whether it decides. The tail of round-trip times on loopback is the rest of the machine's work: it
# differs by half between rounds of one build.
FIGURES = [
    ("cpu_us", "CPU µs per ping", ".2f", True),
    ("p50_us", "RTT p50 µs", ".2f", True),
    ("p99_us", "RTT p99 µs", ".1f", False),
    ("page_ms", f"list page of {daemon.PAGE}, ms", ".2f", True),
    ("scrape_ms", "scrape, ms", ".2f", True),
    ("add_us", "add by address over UDP, µs", ".1f", True),
    ("memory_kib", "memory, KiB", ".0f", False),
]


class Build(Meshping):
    """meshping from a given path."""

    def __init__(self, binary, targets):
        self.binary = binary
        super().__init__(targets, 0)

    def path(self):
        return self.binary


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
                for name, path in self.both() if turn % 2 == 0 else reversed(self.both()):
                    self.keep(name, count, self.attempt(f"round {turn + 1}: {count} targets, {name}", path, count))

    def attempt(self, label, path, count):
        try:
            taken = measure(path, count, self.options.seconds)
            shown = f"{taken['cpu_us']:.1f} µs per ping, {taken['lost']:.3f} % lost"
        except (OSError, ValueError, KeyError) as error:
            taken, shown = {}, f"failed: {error}"
        busy.say(f"{label}: {shown}")
        return taken

    def keep(self, name, count, taken):
        for key in [*(key for key, *_ in FIGURES), "rate", "lost"]:
            self.values.setdefault((name, count, key), []).append(taken.get(key, NONE))

    def figures(self):
        return [figure for count in self.options.sizes for figure in self.of_size(count)] + self.of_growth()

    def of_size(self, count):
        for key, what, form, decides in FIGURES:
            yield self.figure(count, key, what, form, factor_of(count) if decides else NONE)
        # A low cost is worth nothing if requests were left out.
        yield self.left_out(count)
        lost = self.figure(count, "lost", "false loss, worst round, %", ".4f", 1)
        lost.old, lost.new = [max(lost.old)], [max(lost.new)]
        yield lost

    def figure(self, count, key, what, form, factor):
        return Figure(count, what, form, factor, 0, self.values["old", count, key], self.values["new", count, key])

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
    with Build(path, addresses(count)) as tool:
        run = cost.watch(tool, seconds)
        if isinstance(run, str):
            raise ValueError(run)
        # Of anonymous pages alone: those of the program's file come and go with the kernel's cache.
        memory = system.memory_kib(tool.pid, "RssAnon")
        times = {"page_ms": page_ms(), "scrape_ms": scrape_ms(count), "add_us": add_us()}
    measured = {"cpu_us": run.cpu_us, "p50_us": run.p50_us, "p99_us": run.p99_us, "rate": run.rate}
    return measured | times | {"lost": run.loss_percent, "memory_kib": memory}


def page_ms():
    """From the beginning again where there are few pages."""
    all_pages = itertools.chain.from_iterable(daemon.pages() for _ in range(PAGES))
    return statistics.median(1000 * page.took for page in itertools.islice(all_pages, PAGES))


def scrape_ms(count):
    times = []
    for _ in range(SCRAPES[max(least for least in SCRAPES if least <= count)]):
        took, size = busy.scrape()
        if not size:
            return NONE
        times.append(took)
    return statistics.median(times)


def add_us():
    """Of targets that are pinged so seldom that nothing of it is seen here."""
    began = time.perf_counter()
    daemon.add(busy.EXTRA[:ADDED], 60)
    return 1e6 * (time.perf_counter() - began) / ADDED
