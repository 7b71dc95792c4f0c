"""Scrapes, lists and adds at a daemon with many targets: what they cost, and what they do to the requests meanwhile.

The reference program answers with as many bytes at the same time, and disturbs the floor in the same way.
"""

import contextlib
import itertools
import math
import statistics
import time

import daemon
import goals
import system
import wire
from daemon import LATENESS, Metrics, addresses
from figures import NONE, grown, quantile_of, quantile_of_buckets, written
from goals import Check, Goal, times
from reference import SERVER
from tools import Floor

PAGES = 50
SCRAPES = 3
ADDED = 10_000
EXTRA = addresses(ADDED, daemon.FIRST + 200_000)
# Long enough that every target shows its place on the grid.
QUIET_S = 2.2
# Addresses whose requests are looked at.
SAMPLE = 12_500
SKIPPED = "meshping_skipped_requests_total"


def say(text):
    print(text, flush=True)


class Busy:
    """What is measured of one daemon, and of the floor afterwards, with answers of the same sizes."""

    def __init__(self, count, reference):
        self.count = count
        self.reference = reference
        self.page_size = self.scrape_size = 0

    def list_pages(self):
        own, bare = [], []
        for page in itertools.islice(daemon.pages(), PAGES):
            own.append(1000 * page.took)
            bare.append(1000 * self.reference.page(page.size))
            self.page_size = max(self.page_size, page.size)
        middle, other = statistics.median(own), statistics.median(bare)
        note = f"{middle:.2f} ms to {other:.2f} ms, worst of {len(own)} {max(own):.1f} ms"
        say(f"{self.count} targets, a page of {daemon.PAGE}: {note}")
        check = times("median", middle, other, goals.LIST_PAGE[self.count])
        return [Goal(f"list page of {daemon.PAGE}, {self.count} targets", [check], note)]

    def scrapes(self, tool):
        """Size, time and memory of a scrape; compressed ones apart."""
        system.forget_peak(tool.pid)
        before = system.memory_kib(tool.pid)
        plain, bare = [], []
        for _ in range(SCRAPES):
            plain.append(scrape())
            self.scrape_size = max(self.scrape_size, plain[-1][1])
            bare.append(1000 * self.reference.scrape(self.scrape_size))
        growth = (system.memory_kib(tool.pid, "VmHWM") - before) * 1024 / 1e6
        took, size = scrape("gzip")
        # A scrape that was refused is none that was fast: the time is unknown then, and the goal missed.
        middle = statistics.median(took for took, _ in plain) if all(size for _, size in plain) else NONE
        other = statistics.median(bare)
        note = f"{written(middle, '.0f')} ms to {other:.0f} ms, {self.scrape_size / 1e6:.1f} MB"
        note += f"; with gzip {took:.0f} ms, {size / 1e6:.1f} MB"
        say(f"{self.count} targets, /metrics: {note}; {growth:.1f} MB more memory")
        checks = [
            times("median", middle, other, goals.SCRAPE),
            Check("memory grows by", growth, 30, unit="MB"),
        ]
        return [Goal(f"/metrics, {self.count} targets", checks, note)]

    def disturb_daemon(self, tool):
        """How late requests leave while something else goes on, as the wire says; and what the daemon says of itself."""
        before = Metrics()
        self.late = {name: late_during(f"meshping, {name}", disturb, self.count) for name, disturb in OWN.items()}
        time.sleep(tool.timeout_s + 0.5)
        after = Metrics()
        self.lost = after.lost()
        own = 1000 * quantile_of_buckets(grown(after.buckets(LATENESS), before.buckets(LATENESS)), 0.99)
        skipped = after.total(SKIPPED) - before.total(SKIPPED)
        self.note = f"in its own metrics p99 {own:.1f} ms, and {skipped:.0f} skipped"

    def disturb_floor(self):
        with Floor(addresses(self.count), 60) as tool:
            time.sleep(tool.warm_up)
            bare = {
                "undisturbed": nothing,
                "scrapes": lambda: [self.reference.scrape(self.scrape_size) for _ in range(SCRAPES)],
                "lists": lambda: repeat(lambda: self.reference.page(self.page_size)),
                "adds": lambda: add_many(SERVER),
            }
            self.floor_late = {
                name: late_during(f"floor, {name}", disturb, self.count) for name, disturb in bare.items()
            }
            self.floor_off_grid = off_grid(self.count)

    def lateness(self):
        """After both."""
        pairs = [(name, self.late[name], self.floor_late[name]) for name in self.late]
        checks = [
            times(f"{name} p99", own, bare, goals.LATENESS[name], of="floor")
            for name, own, bare in pairs
            if name in goals.LATENESS
        ]
        checks.append(Check("false loss", self.lost, 0, form=".0f"))
        shown = ", ".join(f"{name} {own:.2f} ms to {bare:.2f} ms" for name, own, bare in pairs)
        return Goal(f"late requests, {self.count} targets", checks, f"{shown}; {self.note}")


def scrape(encoding="identity", server=daemon.WEB):
    """Milliseconds and bytes; no bytes when it was refused."""
    status, size, took, _ = daemon.fetch("/metrics", encoding, keep=False, server=server)
    if status != 200:
        say(f"/metrics says {status} after {took:.1f} s")
    return 1000 * took, size if status == 200 else 0


def off_grid(count):
    """p99 in ms of who is not disturbed."""
    with watcher_of(count) as watcher:
        time.sleep(3.2)
        seen = wire.by_address(watcher.requests())
    return quantile_of([off for own in seen.values() for off in wire.off_grid(own)], 0.99)


def watcher_of(count):
    return wire.Watcher(30 * SAMPLE, 2 ** max(0, math.ceil(math.log2(count / SAMPLE))))


def late_during(name, disturb, count):
    """p99 in ms; infinite when more than that were not sent at all."""
    with watcher_of(count) as watcher:
        time.sleep(QUIET_S)
        since = time.time_ns()
        disturb()
        seen = wire.by_address(watcher.requests())
    # Who was added meanwhile has no place yet.
    late = [each for own in seen.values() if own[0] < since for each in wire.lateness(own, since)]
    p99 = quantile_of(late, 0.99) / 1e6
    say(f"{count} targets, {name}: p99 {p99:.2f} ms late, {sum(map(math.isinf, late))} of {len(late)} not sent")
    return p99


def nothing():
    time.sleep(2)


def repeat(act):
    until = time.monotonic() + 2
    while time.monotonic() < until:
        act()


def scrape_thrice():
    for _ in range(SCRAPES):
        scrape()


def list_everything():
    until = time.monotonic() + 2
    while time.monotonic() < until:
        # A daemon that is too busy for a list is disturbed all the same.
        with contextlib.suppress(daemon.Refused):
            for _ in daemon.pages():
                if time.monotonic() > until:
                    break


def add_many(server=daemon.CONTROL):
    daemon.add(EXTRA, server=server)
    time.sleep(1)


OWN = {"undisturbed": nothing, "scrapes": scrape_thrice, "lists": list_everything, "adds": add_many}
