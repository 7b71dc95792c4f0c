"""What is wanted of one daemon beside the cost of a ping: sleeping, starting, sending evenly, memory, capacity."""

import math
import os
import statistics
import tempfile
import time

import daemon
import goals
import reference
import system
import wire
from busy import ADDED, EXTRA, SKIPPED, Busy, say
from daemon import Metrics, addresses
from figures import NONE, median, quantile_of
from goals import Check, Goal, times
from reference import Reference
from tools import FastFloor, Meshping

IDLE_S = 10
MANY = 100_000
# Seconds between the requests to each of them where the machine is too slow for every second.
SLOW_INTERVAL = 10
UNDER_WAY = 64
# An added target, in the form of a record of its own.
RECORD_BYTES = 100


class Daemon(Meshping):
    """As it is by default."""

    timeout_s = 5


def start(count, *options):
    return Daemon(addresses(count), 0, options)


def measure():
    try:
        most = floor_capacity(MANY)
    except (OSError, ValueError) as error:
        say(f"floor failed: {error!r}")
        return [Goal("floor", [], f"failed: {error}")]
    measured = [
        attempt("few targets", few_targets),
        attempt("state", kept),
        attempt("10000 targets", some_targets, 10_000),
        attempt(f"{MANY} targets", many_targets, MANY, most),
        attempt("capacity", capacity, MANY, most),
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
    with start(0) as tool, Reference() as bare:
        daemon.wait_until_it_answers()
        time.sleep(2)
        before = system.voluntary_switches(tool.pid)
        time.sleep(IDLE_S)
        switches = system.voluntary_switches(tool.pid) - before
        say(f"no targets: {switches} wake-ups in {IDLE_S} s")
        other = bare.add(EXTRA)
        took = daemon.add(EXTRA)
    note = f"{took:.2f} s to {other:.2f} s"
    say(f"{ADDED} adds: {note}")
    return [
        Goal(f"wake-ups without targets in {IDLE_S} s, there being no watchdog", [Check("", switches, 0, form=".0f")]),
        Goal(f"{ADDED} adds by address over UDP", [times("", took, other, goals.ADDS)], note),
    ]


def kept():
    """Adding many, each answered when it is on disk; ending, when all statistics are saved once more.

    The reference answers as many adds at once, and puts a record for each group of them on the same disk; then it
    puts as many bytes into SQLite as the daemon leaves behind.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, start(0, "--state-dir", directory) as tool:
        daemon.wait_until_it_answers()
        with Reference() as bare:
            answers = bare.add_at_once(EXTRA, UNDER_WAY)
        writes = reference.append(directory, math.ceil(ADDED / UNDER_WAY), UNDER_WAY * RECORD_BYTES)
        added = daemon.add_at_once(EXTRA, UNDER_WAY)
        began = time.perf_counter()
        tool.process.terminate()
        tool.process.wait(10)
        ended = time.perf_counter() - began
        left = sum(file.stat().st_size for file in os.scandir(directory) if file.name.endswith(".db"))
        inserted = reference.insert(directory, ADDED, left // ADDED)
    notes = [
        f"{added:.2f} s to {answers:.2f} s for answers and {writes:.2f} s for writing",
        f"{1000 * ended:.0f} ms to {1000 * inserted:.0f} ms for {left / 1e6:.1f} MB",
    ]
    say(f"{ADDED} adds that are saved: {notes[0]}; ending with them: {notes[1]}")
    on_disk, ending = times("", added, answers + writes, goals.ADDS_ON_DISK), times("", ended, inserted, goals.ENDING)
    return [
        Goal(f"{ADDED} adds on disk, {UNDER_WAY} under way", [on_disk], notes[0]),
        Goal(f"ending with {ADDED} targets' statistics saved", [ending], notes[1]),
    ]


def memory_of_none():
    with start(0) as tool:
        daemon.wait_until_it_answers()
        time.sleep(1)
        return system.memory_kib(tool.pid)


def some_targets(count):
    with Reference() as bare:
        busy = Busy(count, bare)
        with start(count) as tool:
            daemon.wait_until_it_answers()
            time.sleep(2)
            measured = [slots(count), *answers(busy, tool)]
            busy.disturb_daemon(tool)
        busy.disturb_floor()
        return [*measured, busy.lateness()]


def answers(busy, tool):
    """One that is refused takes no other goals with it."""
    name = f"{busy.count} targets"
    return attempt(f"lists, {name}", busy.list_pages) + attempt(f"/metrics, {name}", busy.scrapes, tool)


def slots(count):
    """How many requests leave together."""
    with wire.Watcher(2 * count) as watcher:
        time.sleep(1.5)
        times = [at for at, _ in watcher.requests()]
    sizes = wire.bursts(times) or [0]
    note = f"median {statistics.median(sizes):.0f}; at most {wire.busiest(times, 1_000_000)} within any 1 ms"
    say(f"{count} targets, one slot: at most {max(sizes)}, {note}")
    return Goal(f"requests in one slot, {count} targets", [Check("", max(sizes), 64, form=".0f")], note)


def many_targets(count, most):
    """Where the machine can't send to all of them every second, the goals that are about that are left out."""
    fast = count <= goals.CAPACITY * most
    if not fast:
        say(f"{count} targets: one thread of the floor sends {most:.0f}/s at most: every {SLOW_INTERVAL} s, nothing on lateness")
    memory_before = memory_of_none()
    with Reference() as bare:
        busy = Busy(count, bare)
        options = [] if fast else ["--interval", str(SLOW_INTERVAL)]
        with wire.Watcher(4 * count) as watcher, start(count, *options) as tool:
            begun = Begun(tool, watcher)
            time.sleep(tool.timeout_s + 2)
            each = 1024 * (system.memory_kib(tool.pid) - memory_before) / count
            say(f"{count} targets: {each:.0f} bytes each")
            memory = Goal(f"memory per target, {count} targets", [Check("", each, 2048, form=".0f", unit="bytes")])
            measured = [memory, *answers(busy, tool)]
            if not fast:
                return [begun.first_goal(count, f"{most:.0f}/s is the most of one thread of the floor"), *measured]
            busy.disturb_daemon(tool)
        busy.disturb_floor()
        return [begun.goal(count, busy.floor_off_grid), *measured, busy.lateness()]


class Begun:
    """From exec to the first request, and until all targets have theirs: a second and one interval; their grid."""

    def __init__(self, tool, watcher):
        nothing, deadline = watcher.before, tool.began + 30
        while system.pings() == nothing and time.monotonic() < deadline:
            time.sleep(0.001)
        self.first = time.monotonic() - tool.began
        time.sleep(3.2)
        requests = watcher.requests()
        watcher.socket.close()
        seen = wire.by_address(requests).values()
        self.targets = len(seen)
        self.last = max(((own[0] - requests[0][0]) / wire.SECOND for own in seen), default=NONE)
        self.off = [off for own in seen for off in wire.off_grid(own)]
        say(f"first request after {self.first:.2f} s, {self.targets} targets begun {self.last:.2f} s later")

    def first_goal(self, count, why):
        """Where requests every second are too many for the machine."""
        check, note = self.check_first(count)
        name = f"start with {count} targets from a file, every {SLOW_INTERVAL} s"
        return Goal(name, [check], f"{note}; nothing on the grid and on lateness, as {why}")

    def check_first(self, count):
        reading = median([reference.read_targets(addresses(count)) for _ in range(READS)])
        note = f"{self.first:.2f} s to {reading:.3f} s for reading the file"
        say(f"start with {count}: {note}")
        return times("first request after", self.first, reading, goals.STARTING), note

    def goal(self, count, floor_off):
        check, note = self.check_first(count)
        off = quantile_of(self.off, 0.99)
        note += f"; {off:.1f} ms to {floor_off:.1f} ms off, at most {max(self.off, default=NONE):.0f} ms"
        checks = [
            check,
            Check("targets begun", self.targets, least=count, form=".0f"),
            # The daemon spreads the first requests over an interval of a second; this is no time of the machine's.
            Check("the last one later by", self.last, 2, form=".2f", unit="intervals"),
            times("p99 off the grid", off, floor_off, goals.OFF_GRID, of="floor"),
        ]
        return Goal(f"start with {count} targets from a file", checks, note)


READS = 5


def capacity(count, most):
    """As many threads as the daemon takes for it by itself, and a little more than is wanted."""
    with start(count, "--interval", f"{count / (goals.ASKED * most):.4f}") as tool:
        daemon.wait_until_it_answers()
        time.sleep(3)
        rate, cores = rate_of(tool, 4)
        time.sleep(tool.timeout_s + 0.5)
        metrics = Metrics()
    note = f"{rate:.0f}/s to {most:.0f}/s, {goals.ASKED * most:.0f}/s asked for, {metrics.total(SKIPPED):.0f} skipped, "
    note += f"{100 * cores:.0f} % of a core"
    say(f"capacity: {note}")
    checks = [
        Check("", rate / most, least=goals.CAPACITY, form=".2f", unit="× floor"),
        Check("false loss", metrics.lost(), 0, form=".0f"),
    ]
    return [Goal("capacity, requests/s", checks, note)]


def floor_capacity(count):
    """Requests per second that one thread can send when it does nothing else."""
    with FastFloor(addresses(count), 0) as tool:
        time.sleep(tool.warm_up)
        return rate_of(tool, 3)[0]


def rate_of(tool, seconds):
    """Requests per second, and cores that it keeps busy."""
    began, sent, cpu = time.monotonic(), system.pings(), system.cpu_seconds(tool.pid)
    time.sleep(seconds)
    took, sent, cpu = time.monotonic() - began, system.pings() - sent, system.cpu_seconds(tool.pid) - cpu
    return sent / took, cpu / took
