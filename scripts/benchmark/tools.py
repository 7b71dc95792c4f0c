"""The pingers that are compared: how each is started, and where it reports its results."""

import math
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

import daemon
from figures import NONE, grown, quantile_of, quantile_of_bins, quantile_of_buckets

TIMEOUT_S = 2
PROBER_WEB = "127.0.0.1:9374"
# Targets whose histograms are asked for.
SAMPLE = 500


# Of meshping: what its command line may hold here, because two builds of it are compared with the same.
OPTIONS = ["-q", "--engine", "--log-level", "--timeout", "--control", "--web.listen-address", "--targets"]


class Tool:
    """A pinger that runs. `limit`: the most targets that make sense; from `once` on it gets one round only.

    `program`: what scripts/bench calls it; its path is in the environment, in capitals.
    """

    limit = 10**6
    once = 10**6
    why_limited = "not tried"
    warm_up = 1.5

    def __init__(self, targets, seconds, options=()):
        self.targets = targets
        self.seconds = seconds
        self.options = list(options)
        self.files = tempfile.TemporaryDirectory()
        self.log = open(os.path.join(self.files.name, "log"), "w+", encoding="utf-8", errors="replace")
        command = self.command()
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid

    def path(self):
        return os.environ[self.program.upper()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.files.cleanup()

    def list_file(self):
        path = os.path.join(self.files.name, "targets")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(self.targets) + "\n")
        return path

    def begin(self):
        """Called when the tool has warmed up, before its CPU time is read."""

    def finish(self):
        """RTT p50, p99 in µs and false loss in percent, as the tool reports them; called after CPU time was read."""
        return NONE, NONE, NONE

    def last_words(self):
        self.log.seek(0)
        return self.log.read().strip().rpartition("\n")[2][:200].replace("|", "/")


class Floor(Tool):
    name = "floor"
    program = "floor"
    warm_up = 0.5

    def command(self):
        # The widths of meshping's own slots.
        count = len(self.targets)
        slot = next((width for width in (100, 50, 20, 10) if width * count <= 50_000), 5)
        return [self.path(), str(count), "600", str(slot)]


class FastFloor(Floor):
    """Without pauses: as many as one thread can."""

    def command(self):
        return [self.path(), str(len(self.targets)), "600", "0"]


class Meshping(Tool):
    name = "meshping"
    program = "meshping"
    engine = "native"
    timeout_s = TIMEOUT_S
    control, web = daemon.CONTROL, daemon.WEB

    def command(self):
        listed = ["--targets", self.list_file()] if self.targets else []
        return [
            self.path(), "-q", "--engine", self.engine, "--log-level", "warn", "--timeout", str(self.timeout_s),
            "--control", written_address(self.control), "--web.listen-address", written_address(self.web), *listed,
            *self.options,
        ]  # fmt: skip

    def begin(self):
        daemon.wait_until_it_answers()
        try:
            daemon.ask("reset")
        except daemon.Refused as error:
            raise daemon.Refused(f"too busy with {len(self.targets)} targets for this machine: {error}") from error

    def finish(self):
        # What is lost is known at its timeout only.
        time.sleep(self.timeout_s + 0.5)
        bins = {}
        for address in self.targets[:: max(1, len(self.targets) // SAMPLE)]:
            for number, count in daemon.ask("histogram", addr=address).items():
                bins[int(number)] = bins.get(int(number), 0) + count
        return quantile_of_bins(bins, 0.5), quantile_of_bins(bins, 0.99), daemon.loss_percent()


def written_address(pair):
    return ":".join(map(str, pair))


class Portable(Meshping):
    name = "meshping, portable"
    engine = "portable"
    once = 100_000


class Fping(Tool):
    name = "fping"
    program = "fping"
    limit = 10_000
    why_limited = "not tried: see 10000 targets"

    def spacing_ms(self):
        return 1000 / len(self.targets)

    def command(self):
        round_s = max(1, self.spacing_ms() * len(self.targets) / 1000)
        rounds = max(2, math.ceil(self.seconds / round_s))
        return [
            self.path(), "-q", "-C", str(rounds), "-p", "1000", "-t", str(TIMEOUT_S * 1000),
            "-i", f"{self.spacing_ms():.3f}", "-f", self.list_file(),
        ]  # fmt: skip

    def finish(self):
        # It reports when it ends, after a fixed number of rounds.
        try:
            self.process.wait(self.seconds * 3 + TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return NONE, NONE, NONE
        self.log.seek(0)
        rows = re.findall(r"^127\S+ +: (.*)$", self.log.read(), re.MULTILINE)
        words = [word for row in rows for word in row.split()]
        times = [float(word) * 1000 for word in words if word != "-"]
        if not times:
            return NONE, NONE, NONE
        return quantile_of(times, 0.5), quantile_of(times, 0.99), 100 * words.count("-") / len(words)


class FpingBursts(Fping):
    """All targets as fast as it can, then nothing until the second is over; root alone may do that."""

    name = "fping, in bursts (-i 0)"
    limit = 100_000
    once = 100_000

    def spacing_ms(self):
        return 0 if os.geteuid() == 0 else 1


class Prober(Tool):
    name = "smokeping_prober, udp"
    program = "prober"
    limit = 10_000
    # Starting this number of targets takes half a minute, so there is only one round.
    once = 10_000
    why_limited = "not tried: it needs a file descriptor per target, and minutes to start"
    mode = "--no-privileged"
    buckets = "smokeping_response_duration_seconds"

    def command(self):
        return [
            self.path(), self.mode, "--config.file=", "--log.level=error",
            "--web.listen-address=" + PROBER_WEB, *self.targets,
        ]  # fmt: skip

    def begin(self):
        # It opens its sockets one by one, and its web server after them.
        deadline = time.monotonic() + 90
        while True:
            try:
                self.before = self.scrape()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.5)

    def scrape(self):
        """Its counters by name, and the buckets of its histogram by their edge, each summed over all targets."""
        sums = {}
        with urllib.request.urlopen(f"http://{PROBER_WEB}/metrics", timeout=20) as response:
            text = response.read().decode()
        for series, edge, value in re.findall(r'(?m)^(\w+)(?:\{.*?(?:le="([^"]+)")?\})? (\S+)$', text):
            key = float(edge) if edge and series == self.buckets + "_bucket" else series
            sums[key] = sums.get(key, 0) + float(value)
        return sums

    def finish(self):
        sums = grown(self.scrape(), self.before)
        buckets = {edge: count for edge, count in sums.items() if isinstance(edge, float)}
        replies, requests = sums.get(self.buckets + "_count", 0), sums.get("smokeping_requests_total", 0)
        if not replies or not requests:
            return NONE, NONE, NONE
        # It has no timeout: what is under way counts as lost here, which is less than a second's worth when all is well.
        loss = max(0, 100 * (1 - replies / requests))
        return 1e6 * quantile_of_buckets(buckets, 0.5), 1e6 * quantile_of_buckets(buckets, 0.99), loss


class RawProber(Prober):
    """Its default mode: every socket sees the replies to all the others, so its work grows with the square."""

    name = "smokeping_prober, raw"
    mode = "--privileged"
    limit = 1_000
    once = 1_000
    why_limited = "not tried: see 1000 targets"


TOOLS = [Floor, Meshping, Portable, Fping, FpingBursts, Prober, RawProber]
