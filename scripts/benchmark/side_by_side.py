"""Two builds side by side, with the same targets, asked for the same in turn: lists, scrapes, adds.

One after the other, the same binary differs by a quarter between runs. An answer on loopback takes as long as the kernel
needs to wake who waits for it, and that changes from one second to the next; in turn, it changes for both.
"""

import contextlib
import itertools
import statistics
import time

import busy
import daemon
from daemon import addresses
from figures import NONE, known
from tools import Meshping

PAGES = 200
SCRAPES = {1: 40, 1_000: 20, 10_000: 10}
ADDED = 2_000


class Build(Meshping):
    """meshping from a given path; two run at the same time when they have different numbers."""

    def __init__(self, path, count, number=0):
        self.binary = path
        self.control, self.web = ((host, port + number) for host, port in (daemon.CONTROL, daemon.WEB))
        super().__init__(addresses(count), 0)

    def path(self):
        return self.binary


def measure(paths, count):
    """Milliseconds and microseconds by name and figure. `paths`: by name, in the order in which they are started."""
    with contextlib.ExitStack() as stack:
        builds = {name: stack.enter_context(Build(path, count, number)) for number, (name, path) in enumerate(paths)}
        for build in builds.values():
            daemon.wait_until_it_answers(server=build.web)
        # Until every target has had a reply.
        time.sleep(Meshping.warm_up)
        scrape_count = SCRAPES[max(least for least in SCRAPES if least <= count)]
        asked = {
            "page_ms": (pages, PAGES, 1e3),
            "scrape_ms": (scrapes, scrape_count, 1e3),
            "add_us": (adds, ADDED, 1e6),
        }
        taken = {name: {} for name in builds}
        for figure, (ask, turns, unit) in asked.items():
            for name, seconds in in_turn({name: ask(build) for name, build in builds.items()}, turns).items():
                taken[name][figure] = unit * seconds
        return taken


def in_turn(askers, turns):
    """The median of the seconds that each iterator of `askers` yields, unknown if any is or fails to come. Who is asked second finds the
    caches as the first one left them, so the order changes from turn to turn."""
    taken = {name: [] for name in askers}
    for turn in range(turns):
        for name in askers if turn % 2 == 0 else reversed(askers):
            taken[name].append(next(askers[name], NONE))
    return {name: statistics.median(own) if all(map(known, own)) else NONE for name, own in taken.items()}


def pages(build):
    """From the beginning again where there are few."""
    for page in itertools.chain.from_iterable(daemon.pages(server=build.control) for _ in range(PAGES)):
        yield page.took


def scrapes(build):
    while True:
        took, size = busy.scrape(server=build.web)
        yield took / 1000 if size else NONE


def adds(build):
    """Of targets that are pinged so seldom that nothing of it is seen here."""
    with daemon.client(build.control) as control:
        for target in busy.EXTRA[:ADDED]:
            text = daemon.request("add", addr=target, itv=60)
            began = time.perf_counter()
            reply = control(text)
            took = time.perf_counter() - began
            daemon.answer("add", reply)
            yield took
