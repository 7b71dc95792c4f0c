"""Reported against configured: a responder in a namespace of its own holds replies, and says how long it did.

examples/responder.rs answers at the other end of a veth pair. Times that meshping reports are `last` of its list, in
whole µs, taken often; bins would be too coarse. Losses are counted when all requests are settled.
"""

import ipaddress
import os
import subprocess
import time
from dataclasses import dataclass

import daemon
import goals
from figures import quantile_of, row, written
from goals import Check, Goal, times
from tools import Meshping

DELAYS_US = [200, 1_000, 5_000, 20_000, 100_000]
LOSSES = [0, 10]
INTERVAL_S = 0.2
HOSTS = 20
SECONDS = 8
TIMEOUT_S = 1
# What is seldom enough not to send another request.
NEVER_S = 86_400


@dataclass
class Behaviour:
    """Hosts that behave alike, and what became of the requests to them."""

    number: int
    family: int
    delay_us: int
    loss_percent: int
    hosts: int
    interval: float

    def addresses(self):
        form = "10.{0}.{1}.{2}" if self.family == 4 else "fd77::{0:x}:{1:x}{2:02x}"
        texts = [form.format(self.number, host >> 8, host & 255) for host in range(1, self.hosts + 1)]
        return [str(ipaddress.ip_address(text)) for text in texts]

    def compare(self, held, rtts, counts):
        """`held`: what the responder says, `rtts`: what the daemon says, in seconds, `counts`: of its list."""
        self.requests, self.lost, p50, p99 = held
        self.held_us = p50 / 1000, p99 / 1000
        self.reported_us = [1e6 * quantile_of(rtts, share) for share in (0.5, 0.99)]
        self.excess_us = [reported - self.held_us[0] for reported in self.reported_us]
        self.sent, self.reported_lost = counts

    def cells(self):
        ms = lambda value: written(value / 1000, ".3f")
        losses = [f"{count} of {of}" for count, of in ((self.lost, self.requests), (self.reported_lost, self.sent))]
        times = [self.delay_us, *self.held_us, *self.reported_us]
        excess = [written(value, ".0f") for value in self.excess_us]
        hosts = f"IPv{self.family}, {self.hosts / self.interval:.0f}/s"
        return [hosts, *map(ms, times), *excess, f"{self.loss_percent} %", *losses]


class Pinged(Meshping):
    """Knows its targets from the control socket only."""

    timeout_s = TIMEOUT_S


class Responder:
    """The program, in its own namespace, at the end of the link that this one sends into."""

    def __init__(self, behaviours):
        settings = [f"{behaviour.delay_us}:{behaviour.loss_percent}" for behaviour in behaviours]
        # It starts when its end of the link exists.
        silent = "echo 1 >/proc/sys/net/ipv6/conf/bench1/disable_ipv6"
        script = f'read -r _ && {silent} && ip link set bench1 up && exec "$@"'
        command = ["unshare", "--net", "sh", "-c", script, "sh", os.environ["RESPONDER"], "bench1", *settings]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.groups = len(behaviours)

    def __enter__(self):
        wait_for_namespace(self.process.pid)
        ip(f"link add bench0 type veth peer name bench1 address 02:00:00:00:00:02 netns {self.process.pid}")
        ip("link set bench0 addrgenmode none txqueuelen 10000 up")
        self.process.stdin.write("\n")
        self.ask()
        for own, other, behind in NETWORKS:
            ip(f"address add {own} dev bench0{' nodad' if ':' in own else ''}")
            ip(f"neighbour replace {other} lladdr 02:00:00:00:00:02 nud permanent dev bench0")
            ip(f"route add {behind} via {other} dev bench0")
        return self

    def ask(self):
        """For each behaviour requests, lost ones, p50 and p99 in ns of what was held."""
        self.process.stdin.write("\n")
        lines = [self.process.stdout.readline().split() for _ in range(self.groups + 1)]
        if len(lines[-1]) != 2 or lines[-1] != ["dropped", "0"]:
            raise OSError(f"the responder says: {lines[-1]}")
        return [list(map(int, line)) for line in lines[:-1]]

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


NETWORKS = [
    ("10.255.0.1/24", "10.255.0.2", "10.0.0.0/8"),
    ("fd78::1/64", "fd78::2", "fd77::/64"),
]


def ip(arguments):
    subprocess.run(["ip", *arguments.split()], check=True)


def wait_for_namespace(pid):
    """Until `unshare` has done its work."""
    deadline, own = time.monotonic() + 5, os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{pid}/ns/net") == own:
        if time.monotonic() > deadline:
            raise TimeoutError("no second namespace")
        time.sleep(0.01)


def watch(behaviours):
    """Pings all of them, and completes the behaviours with what came of it."""
    interval = behaviours[0].interval
    targets = {address: behaviour for behaviour in behaviours for address in behaviour.addresses()}
    rtts = {behaviour.number: [] for behaviour in behaviours}
    with Responder(behaviours) as responder, Pinged([], 0, ["--interval", str(interval)]):
        daemon.wait_until_it_answers()
        daemon.add(targets)
        time.sleep(2)
        answered = {address: row["recv"] for address, row in daemon.rows().items()}
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(interval)
            for address, row in daemon.rows().items():
                if row["recv"] > answered[address]:
                    answered[address] = row["recv"]
                    rtts[targets[address].number].append(row["last"])
        daemon.add(targets, NEVER_S)
        time.sleep(TIMEOUT_S + 0.3)
        rows, held = daemon.rows(), responder.ask()
    for behaviour in behaviours:
        own = [rows[address] for address in behaviour.addresses()]
        counts = [sum(row[what] for row in own) for what in ("sent", "lost")]
        behaviour.compare(held[behaviour.number], rtts[behaviour.number], counts)


class Truths:
    """Everything that was compared."""

    def __init__(self):
        self.compared = []

    def measure(self):
        """Every delay, with and without loss, in both families, at the same time; then many hosts that are alike."""
        kinds = [(family, delay, loss) for family in (4, 6) for loss in LOSSES for delay in DELAYS_US]
        print(f"{len(kinds)} behaviours, {HOSTS} hosts each, every {INTERVAL_S} s", flush=True)
        behaviours = [Behaviour(number, *kind, HOSTS, INTERVAL_S) for number, kind in enumerate(kinds)]
        watch(behaviours)
        self.compared += behaviours
        fast = Behaviour(0, 4, 20_000, 0, 10_000, 1)
        watch([fast])
        self.compared.append(fast)
        print("20 ms at 10 000/s: excess p50 and p99 {:.0f} and {:.0f} µs".format(*fast.excess_us), flush=True)
        return self.goals(fast)

    def goals(self, fast):
        wrong = [each for each in self.compared if (each.requests, each.lost) != (each.sent, each.reported_lost)]
        late, spread = fast.held_us[0] - fast.delay_us, fast.held_us[1] - fast.held_us[0]
        checks = [
            times("excess p50", fast.excess_us[0], late, goals.EXCESS_P50, of="responder's lateness"),
            times("p99", fast.excess_us[1], spread, goals.EXCESS_P99, of="responder's p99 less p50"),
        ]
        note = f"{fast.excess_us[0]:.0f} µs to {late:.0f} µs, {fast.excess_us[1]:.0f} µs to {spread:.0f} µs"
        return [
            Goal("simulated 20 ms host, 10000/s", checks, note),
            Goal("behaviours whose losses are not reported exactly", [Check("", len(wrong), 0, form=".0f")]),
        ]

    def show(self):
        print("\n### Reported against configured\n")
        print("Held: what the responder says of itself, from the kernel's time of receipt to its sending. Reported: what")
        print("meshping says. Excess: reported less the p50 of held. Lost: replies that the responder left out, and what")
        print("meshping counted.\n")
        print(row(TITLES.split(", ")))
        print("|---|" + "--:|" * TITLES.count(", "))
        for behaviour in self.compared:
            print(row(behaviour.cells()))


TITLES = (
    "hosts, configured ms, held p50 ms, held p99 ms, reported p50 ms, reported p99 ms, excess p50 µs, excess p99 µs, "
    "loss, lost, reported lost"
)
