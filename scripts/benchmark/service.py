"""What is wanted of one daemon beside the cost of a ping: answering, starting, sleeping, its capacity."""

import statistics
import time

import daemon
import system
import wire
from daemon import LATENESS, Metrics, addresses
from figures import NONE, grown, quantile_of, quantile_of_buckets
from goals import Check, Goal
from tools import Meshping

IDLE_S = 10
TIMEOUT_S = 5
PAGES = 50
ADDED = 10_000
EXTRA = addresses(ADDED, daemon.FIRST + 200_000)


class Daemon(Meshping):
    """As it is by default."""

    timeout_s = TIMEOUT_S


def start(count, *options):
    return Daemon(addresses(count), 0, options)


def say(text):
    print(text, flush=True)


def few_targets():
    """Sleeping without targets, and adding many."""
    with start(0) as tool:
        daemon.wait_until_it_answers()
        time.sleep(2)
        before = system.voluntary_switches(tool.pid)
        time.sleep(IDLE_S)
        switches = system.voluntary_switches(tool.pid) - before
        say(f"no targets: {switches} wake-ups in {IDLE_S} s")
        memory = system.memory_kib(tool.pid)
        took = daemon.add(EXTRA)
        say(f"{ADDED} adds: {took:.2f} s")
    goals = [
        Goal(f"wake-ups without targets, {IDLE_S} s, no watchdog", [Check("", switches, 0, form=".0f")]),
        Goal(f"{ADDED} adds by address over UDP", [Check("", took, 1.5, form=".2f", unit="s")]),
    ]
    return goals, memory


def slots():
    """How many requests leave together at 10 000/s."""
    with start(10_000) as tool:
        daemon.wait_until_it_answers()
        time.sleep(2)
        times = [at for at, _ in wire.watch(1.5, 20_000)]
        sizes = wire.bursts(times) or [0]
        note = f"median {statistics.median(sizes):.0f}; at most {wire.busiest(times, 1_000_000)} within any 1 ms"
        say(f"slots at 10 000/s: at most {max(sizes)}, {note}")
        busy = busy_times(tool, 10_000)
    return [Goal("requests in one slot, 10000 targets", [Check("", max(sizes), 64, form=".0f")], note)] + busy


def many_targets(memory_before):
    """A start with 100 000 targets, their memory, and what a daemon that has them can do meanwhile."""
    count = 100_000
    with wire.Watcher(4 * count) as watcher:
        with start(count) as tool:
            goals = [begin(tool, watcher, count)]
            time.sleep(TIMEOUT_S + 2)
            bytes_each = 1024 * (system.memory_kib(tool.pid) - memory_before) / count
            goals.append(Goal(f"memory per target, {count} targets", [Check("", bytes_each, 2048, form=".0f", unit="bytes")]))
            goals.append(list_pages())
            return goals + busy_times(tool, count)


def begin(tool, watcher, count):
    """From exec to the first request, then whether everybody keeps to a grid."""
    nothing, deadline = system.pings(), tool.began + 30
    while system.pings() == nothing and time.monotonic() < deadline:
        time.sleep(0.001)
    first = time.monotonic() - tool.began
    time.sleep(3.2)
    starts = {}
    requests = watcher.requests()
    watcher.socket.close()
    begun = requests[0][0]
    for at, address in requests:
        starts.setdefault(address, []).append((at - begun) / 1e9)
    within = sum(times[0] <= 1 for times in starts.values())
    # The first comes early so that it comes soon; what follows it lies on the grid.
    off = [1000 * abs(b - a - 1) for times in starts.values() for a, b in zip(times[1:], times[2:])]
    say(f"start with {count}: first request after {first:.2f} s, {within} targets within 1 s of it")
    checks = [
        Check("first request after", first, 1, form=".2f", unit="s"),
        Check("targets begun within 1 s of it", within, least=count, form=".0f"),
        Check("off its grid by, p99", quantile_of(off, 0.99), 10, unit="ms"),
    ]
    return Goal(f"start with {count} targets from a file", checks, f"at most {max(off, default=NONE):.1f} ms off")


def list_pages():
    times = [1000 * took for (took, _), _ in zip(daemon.pages(), range(PAGES))]
    worst, middle = max(times), statistics.median(times)
    say(f"a page of {daemon.PAGE}: median {middle:.1f} ms, worst {worst:.1f} ms")
    check = Check("median", middle, 5, unit="ms")
    return Goal(f"list page of {daemon.PAGE} at 100000 targets", [check], f"worst of {len(times)} {worst:.1f} ms")


SCRAPE_MS = {10_000: 80, 100_000: 900}


def busy_times(tool, count):
    """Scrapes, lists and adds: what they cost, and what they do to the requests meanwhile."""
    goals = [scrapes(tool, count)]
    lateness = {}
    before = Metrics()
    for name, disturb in (("scrapes", scrape_thrice), ("lists", list_everything), ("adds", add_many)):
        disturb()
        after = Metrics()
        late = quantile_of_buckets(grown(after.buckets(LATENESS), before.buckets(LATENESS)), 0.99)
        lateness[name] = 1000 * late
        say(f"{count} targets, during {name}: p99 {lateness[name]:.2f} ms late")
        before = after
    time.sleep(TIMEOUT_S + 0.5)
    after = Metrics()
    checks = [Check(f"{name}: p99", late, 5, form=".2f", unit="ms") for name, late in lateness.items()]
    checks.append(Check("false loss", after.lost(), 0, form=".0f"))
    skipped = after.total("meshping_skipped_requests_total")
    checks.append(Check("skipped", skipped, 0, form=".0f"))
    return goals + [Goal(f"late by, {count} targets", checks)]


def scrape_thrice():
    for _ in range(3):
        daemon.fetch("/metrics", keep=False)


def list_everything():
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for _ in daemon.pages():
            if time.monotonic() > until:
                break


def add_many():
    daemon.add(EXTRA)


def scrapes(tool, count):
    """Size, time and memory of a scrape; compressed ones apart."""
    system.forget_peak(tool.pid)
    before = system.memory_kib(tool.pid)
    plain = [daemon.fetch("/metrics", keep=False) for _ in range(3)]
    growth = (system.memory_kib(tool.pid, "VmHWM") - before) / 1024
    _, size, took, _ = daemon.fetch("/metrics", encoding="gzip", keep=False)
    middle = 1000 * statistics.median(took for _, _, took, _ in plain)
    note = f"{plain[0][1] / 1e6:.1f} MB; gzip {1000 * took:.0f} ms, {size / 1e6:.1f} MB"
    say(f"/metrics with {count}: {middle:.0f} ms, {growth:.1f} MB more memory, {note}")
    checks = [
        Check("median", middle, SCRAPE_MS[count], form=".0f", unit="ms"),
        Check("memory grows", growth, 30, unit="MiB"),
    ]
    return Goal(f"/metrics, {count} targets", checks, note)


def capacity():
    """Two threads, a quarter of a million requests a second and a little more."""
    interval, count, seconds = 0.39, 100_000, 4
    with start(count, "--interval", str(interval)) as tool:
        daemon.wait_until_it_answers()
        time.sleep(3)
        began, sent, cpu = time.monotonic(), system.pings(), system.cpu_seconds(tool.pid)
        time.sleep(seconds)
        took, sent, cpu = time.monotonic() - began, system.pings() - sent, system.cpu_seconds(tool.pid) - cpu
        time.sleep(TIMEOUT_S + 0.5)
        metrics = Metrics()
    rate, note = sent / took, f"{100 * cpu / took:.0f} % of a core, {count / interval:.0f}/s asked for"
    say(f"capacity: {rate:.0f}/s, {note}")
    checks = [
        Check("", rate, least=250_000, form=".0f", unit="requests/s"),
        Check("false loss", metrics.lost(), 0, form=".0f"),
    ]
    skipped = metrics.total("meshping_skipped_requests_total")
    return [Goal("capacity, two shards", checks, f"{note}, {skipped:.0f} skipped")]


def measure():
    goals, memory = few_targets()
    return goals + slots() + many_targets(memory) + capacity()
