"""What is wanted of one daemon beside the cost of a ping: sleeping, starting, sending evenly, memory, capacity."""

import statistics
import tempfile
import time

import busy
import daemon
import system
import wire
from busy import ADDED, EXTRA, SKIPPED, say
from daemon import Metrics, addresses
from figures import NONE, quantile_of
from goals import Check, Goal
from tools import Meshping

IDLE_S = 10
UNDER_WAY = 64


class Daemon(Meshping):
    """As it is by default."""

    timeout_s = 5


def start(count, *options):
    return Daemon(addresses(count), 0, options)


def measure():
    measured = [
        attempt("few targets", few_targets),
        attempt("state", kept),
        attempt("10000 targets", some_targets, 10_000),
        attempt("100000 targets", many_targets, 100_000),
        attempt("capacity", capacity, 100_000, 0.39),
    ]
    return [goal for goals in measured for goal in goals]


def attempt(name, function, *arguments):
    """Its goals; if it fails, one that is missed."""
    try:
        return function(*arguments)
    except (OSError, ValueError, KeyError) as error:
        say(f"{name} failed: {error!r}")
        return [Goal(name, [], f"failed: {error}")]


def few_targets():
    """Sleeping without targets, and adding many."""
    with start(0) as tool:
        daemon.wait_until_it_answers()
        time.sleep(2)
        before = system.voluntary_switches(tool.pid)
        time.sleep(IDLE_S)
        switches = system.voluntary_switches(tool.pid) - before
        say(f"no targets: {switches} wake-ups in {IDLE_S} s")
        took = daemon.add(EXTRA)
        say(f"{ADDED} adds: {took:.2f} s")
    return [
        Goal(f"wake-ups without targets in {IDLE_S} s, there being no watchdog", [Check("", switches, 0, form=".0f")]),
        Goal(f"{ADDED} adds by address over UDP", [Check("", took, 1.5, form=".2f", unit="s")]),
    ]


def kept():
    """Adding many, each answered when it is on disk; ending, when all statistics are saved once more."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, start(0, "--state-dir", directory) as tool:
        daemon.wait_until_it_answers()
        added = daemon.add_at_once(EXTRA, UNDER_WAY)
        began = time.perf_counter()
        tool.process.terminate()
        tool.process.wait(10)
        ended = time.perf_counter() - began
    say(f"{ADDED} adds that are saved: {added:.2f} s; ending with them: {ended:.2f} s")
    return [
        Goal(f"{ADDED} adds on disk, {UNDER_WAY} under way", [Check("", added, 3, form=".2f", unit="s")]),
        Goal(f"ending with {ADDED} targets' statistics saved", [Check("", ended, 1, form=".2f", unit="s")]),
    ]


def memory_of_none():
    with start(0) as tool:
        daemon.wait_until_it_answers()
        time.sleep(1)
        return system.memory_kib(tool.pid)


def some_targets(count):
    with start(count) as tool:
        daemon.wait_until_it_answers()
        time.sleep(2)
        return [slots(count), *busy.measure(tool, count)]


def slots(count):
    """How many requests leave together."""
    with wire.Watcher(2 * count) as watcher:
        time.sleep(1.5)
        times = [at for at, _ in watcher.requests()]
    sizes = wire.bursts(times) or [0]
    note = f"median {statistics.median(sizes):.0f}; at most {wire.busiest(times, 1_000_000)} within any 1 ms"
    say(f"{count} targets, one slot: at most {max(sizes)}, {note}")
    return Goal(f"requests in one slot, {count} targets", [Check("", max(sizes), 64, form=".0f")], note)


def many_targets(count):
    memory_before = memory_of_none()
    with wire.Watcher(4 * count) as watcher:
        with start(count) as tool:
            goals = [begin(tool, watcher, count)]
            time.sleep(tool.timeout_s + 2)
            each = 1024 * (system.memory_kib(tool.pid) - memory_before) / count
            say(f"{count} targets: {each:.0f} bytes each")
            goals.append(Goal(f"memory per target, {count} targets", [Check("", each, 2048, form=".0f", unit="bytes")]))
            return goals + busy.measure(tool, count)


def begin(tool, watcher, count):
    """From exec to the first request, and until all targets have theirs: a second and one interval; their grid."""
    nothing, deadline = watcher.before, tool.began + 30
    while system.pings() == nothing and time.monotonic() < deadline:
        time.sleep(0.001)
    first = time.monotonic() - tool.began
    time.sleep(3.2)
    requests = watcher.requests()
    watcher.socket.close()
    times = wire.by_address(requests).values()
    last = first + max((own[0] - requests[0][0]) / wire.SECOND for own in times)
    # A first request comes soon; it is from the second one on that they lie on the grid.
    off = [abs(b - a - wire.SECOND) / 1e6 for own in times for a, b in zip(own[1:], own[2:])]
    note = f"at most {max(off, default=NONE):.0f} ms off"
    say(f"start with {count}: first request after {first:.2f} s, {len(times)} targets begun after {last:.2f} s; {note}")
    checks = [
        Check("first request after", first, 1, form=".2f", unit="s"),
        Check("targets begun", len(times), least=count, form=".0f"),
        Check("the last one after", last, 2, form=".2f", unit="s"),
        Check("p99 off the grid", quantile_of(off, 0.99), 10, unit="ms"),
    ]
    return Goal(f"start with {count} targets from a file", checks, note)


def capacity(count, interval):
    """Two threads by themselves, and a little more than is wanted."""
    with start(count, "--interval", str(interval)) as tool:
        daemon.wait_until_it_answers()
        time.sleep(3)
        began, sent, cpu = time.monotonic(), system.pings(), system.cpu_seconds(tool.pid)
        time.sleep(4)
        took, sent, cpu = time.monotonic() - began, system.pings() - sent, system.cpu_seconds(tool.pid) - cpu
        time.sleep(tool.timeout_s + 0.5)
        metrics = Metrics()
    rate, asked = sent / took, count / interval
    note = f"{asked:.0f}/s asked for, {metrics.total(SKIPPED):.0f} skipped, {100 * cpu / took:.0f} % of a core"
    say(f"capacity: {rate:.0f}/s, {note}")
    checks = [
        Check("", rate, least=250_000, form=".0f", unit="requests/s"),
        Check("false loss", metrics.lost(), 0, form=".0f"),
    ]
    return [Goal("capacity, two shards", checks, note)]
