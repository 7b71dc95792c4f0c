"""Scrapes, lists and adds at a daemon with many targets: what they cost, and what they do to the requests meanwhile."""

import math
import statistics
import time

import daemon
import system
import wire
from daemon import LATENESS, Metrics, addresses
from figures import NONE, grown, quantile_of, quantile_of_buckets, written
from goals import Check, Goal

PAGES = 50
ADDED = 10_000
EXTRA = addresses(ADDED, daemon.FIRST + 200_000)
SCRAPE_MS = {10_000: 80, 100_000: 900}
# Long enough that every target shows its place on the grid.
QUIET_S = 2.2
# Addresses whose requests are looked at.
SAMPLE = 12_500


def say(text):
    print(text, flush=True)


def measure(tool, count):
    return [list_pages(count), scrapes(tool, count), disturbances(tool, count)]


def list_pages(count):
    times = [1000 * took for (took, _), _ in zip(daemon.pages(), range(PAGES))]
    worst, middle = max(times), statistics.median(times)
    say(f"{count} targets, a page of {daemon.PAGE}: median {middle:.1f} ms, worst {worst:.1f} ms")
    check = Check("median", middle, 5, unit="ms")
    return Goal(f"list page of {daemon.PAGE}, {count} targets", [check], f"worst of {len(times)} {worst:.1f} ms")


def scrapes(tool, count):
    """Size, time and memory of a scrape; compressed ones apart."""
    system.forget_peak(tool.pid)
    before = system.memory_kib(tool.pid)
    plain = [scrape() for _ in range(3)]
    growth = (system.memory_kib(tool.pid, "VmHWM") - before) * 1024 / 1e6
    took, size = scrape("gzip")
    # A scrape that was refused is none that was fast: the time is unknown then, and the goal missed.
    middle = statistics.median(took for took, _ in plain) if all(size for _, size in plain) else NONE
    note = f"{plain[0][1] / 1e6:.1f} MB; with gzip {took:.0f} ms, {size / 1e6:.1f} MB"
    say(f"{count} targets, /metrics: {written(middle, '.0f')} ms, {growth:.1f} MB more memory, {note}")
    checks = [
        Check("median", middle, SCRAPE_MS[count], form=".0f", unit="ms"),
        Check("memory grows by", growth, 30, unit="MB"),
    ]
    return Goal(f"/metrics, {count} targets", checks, note)


def scrape(encoding="identity"):
    """Milliseconds and bytes; no bytes when it was refused."""
    status, size, took, _ = daemon.fetch("/metrics", encoding, keep=False)
    if status != 200:
        say(f"/metrics says {status} after {took:.1f} s")
    return 1000 * took, size if status == 200 else 0


def disturbances(tool, count):
    """How late requests leave while something else goes on, as the wire says; and what the daemon says of itself."""
    undisturbed = late_during("undisturbed", nothing, count)
    before = Metrics()
    checks = [late_during(name, disturb, count) for name, disturb in DISTURBANCES.items()]
    time.sleep(tool.timeout_s + 0.5)
    after = Metrics()
    checks.append(Check("false loss", after.lost(), 0, form=".0f"))
    own = 1000 * quantile_of_buckets(grown(after.buckets(LATENESS), before.buckets(LATENESS)), 0.99)
    skipped = after.total(SKIPPED) - before.total(SKIPPED)
    note = f"undisturbed {undisturbed.measured().partition(' ')[2]}; in its own metrics p99 {own:.1f} ms, and {skipped:.0f} skipped"
    return Goal(f"late requests, {count} targets", checks, note)


SKIPPED = "meshping_skipped_requests_total"


def late_during(name, disturb, count):
    one_in = 2 ** max(0, math.ceil(math.log2(count / SAMPLE)))
    with wire.Watcher(30 * SAMPLE, one_in) as watcher:
        time.sleep(QUIET_S)
        since = time.time_ns()
        disturb()
        times = wire.by_address(watcher.requests())
    # Who was added meanwhile has no place yet.
    late = [each for own in times.values() if own[0] < since for each in wire.lateness(own, since)]
    # Infinite when more than that were not sent at all.
    p99 = quantile_of(late, 0.99) / 1e6
    skipped = sum(map(math.isinf, late))
    say(f"{count} targets, {name}: p99 {p99:.2f} ms late, {skipped} of {len(late)} not sent")
    return Check(f"{name} p99", p99, 5, form=".2f", unit="ms")


def nothing():
    time.sleep(2)


def scrape_thrice():
    for _ in range(3):
        scrape()


def list_everything():
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for _ in daemon.pages():
            if time.monotonic() > until:
                break


def add_many():
    daemon.add(EXTRA)
    time.sleep(1)


DISTURBANCES = {"scrapes": scrape_thrice, "lists": list_everything, "adds": add_many}
