"""Measures what a ping costs: meshping, its rivals and the floor, on the same loopback targets, one after the other.

scripts/bench runs this in a network namespace of its own. The kernel counts the pings (InEchos of the namespace),
the scheduler the CPU time of every thread; what a tool reports of itself is taken for round-trip times and loss only.
"""

import argparse
import ipaddress
import json
import math
import os
import platform
import re
import resource
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

CONTROL = ("127.0.0.1", 55432)
MESHPING_WEB = "http://127.0.0.1:9922/metrics"
PROBER_WEB = "http://127.0.0.1:9374/metrics"
TIMEOUT_S = 5
NONE = float("nan")


def addresses(count):
    first = ipaddress.IPv4Address("127.1.0.1")
    return [str(first + index) for index in range(count)]


class Tool:
    """A pinger that runs. `limit`: the most targets that make sense; from `once` on it gets one round only."""

    limit = 10**6
    once = 10**6

    def __init__(self, targets, seconds):
        self.targets = targets
        self.seconds = seconds
        self.files = tempfile.TemporaryDirectory()
        self.log = open(os.path.join(self.files.name, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def list_file(self):
        path = os.path.join(self.files.name, "targets")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(self.targets) + "\n")
        return path

    def begin(self):
        """Called when the tool has warmed up, before its CPU time is read."""

    def finish(self):
        """RTT p50, p99 in µs and false loss in percent, as the tool tells them; called after CPU time was read."""
        return NONE, NONE, NONE

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.files.cleanup()

    def output(self):
        self.log.seek(0)
        return self.log.read()


class Meshping(Tool):
    name = "meshping"
    engine = "native"

    def command(self):
        return [
            os.environ["MESHPING"], "-q", "--engine", self.engine, "--targets", self.list_file(), "--log-level", "warn",
            "--timeout", str(TIMEOUT_S), "--web.listen-address", MESHPING_WEB.split("/")[2],
        ]  # fmt: skip

    def begin(self):
        ask({"cmd": "reset"})

    def finish(self):
        histogram = {}
        for address in self.targets[:: max(1, len(self.targets) // 500)]:
            for edge, count in ask({"cmd": "histogram", "addr": address}).items():
                histogram[int(edge)] = histogram.get(int(edge), 0) + count
        metrics = scrape(MESHPING_WEB)
        bad = sum(metrics.get(f"meshping_{what}_total", 0) for what in ("lost", "void_requests", "errors"))
        settled = bad + metrics.get("meshping_replies_total", 0)
        loss = 100 * bad / settled if settled else NONE
        return quantile(histogram, 0.5), quantile(histogram, 0.99), loss


class Portable(Meshping):
    name = "meshping, portable"
    engine = "portable"


class Fping(Tool):
    name = "fping"
    limit = 10_000

    def command(self):
        spread = max(1000 / len(self.targets), 0.16)
        rounds = math.ceil(self.seconds / max(1, spread * len(self.targets) / 1000))
        return [
            os.environ["FPING"], "-q", "-C", str(max(2, rounds)), "-p", "1000", "-t", str(TIMEOUT_S * 1000),
            "-i", f"{spread:.3f}", "-f", self.list_file(),
        ]  # fmt: skip

    def finish(self):
        # It tells at its end, and it has that many rounds to run.
        try:
            self.process.wait(self.seconds * 3 + TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return NONE, NONE, NONE
        rows = re.findall(r"^127\S+ +: (.*)$", self.output(), re.MULTILINE)
        words = [word for row in rows for word in row.split()]
        times = sorted(float(word) * 1000 for word in words if word != "-")
        if not times:
            return NONE, NONE, NONE
        pick = lambda share: times[min(len(times) - 1, int(share * len(times)))]
        return pick(0.5), pick(0.99), 100 * words.count("-") / len(words)


class Prober(Tool):
    name = "smokeping_prober"
    limit = 10_000
    # It takes half a minute to start so many, hence one round of them only.
    once = 10_000

    def command(self):
        return [
            os.environ["PROBER"], "--no-privileged", "--config.file=", "--log.level=error",
            "--web.listen-address=" + PROBER_WEB.split("/")[2], *self.targets,
        ]  # fmt: skip

    def begin(self):
        # It opens its sockets one by one, and its web server after them.
        deadline = time.monotonic() + 90
        while True:
            try:
                self.before = scrape(PROBER_WEB, buckets="smokeping_response_duration_seconds")
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.5)

    def finish(self):
        after = scrape(PROBER_WEB, buckets="smokeping_response_duration_seconds")
        grown = {edge: count - self.before.get(edge, 0) for edge, count in after.items()}
        edges = sorted(edge for edge in grown if isinstance(edge, float))
        replies = grown.get("smokeping_response_duration_seconds_count", 0)
        requests = grown.get("smokeping_requests_total", 0)
        pick = lambda share: 1e6 * interpolate(edges, [grown[edge] for edge in edges], share * replies)
        if not replies:
            return NONE, NONE, NONE
        # It has no timeout: what is under way counts as lost here, which is less than a second's worth when all is well.
        return pick(0.5), pick(0.99), max(0, 100 * (1 - replies / requests)) if requests else NONE


class Floor(Tool):
    name = "floor"

    def command(self):
        # The widths of meshping's own slots.
        count = len(self.targets)
        slot = 50 if count <= 100 else 20 if count <= 1000 else 10 if count <= 10_000 else 5
        return [os.environ["FLOOR"], str(count), "600", str(slot)]


TOOLS = [Floor, Meshping, Portable, Fping, Prober]


def ask(request):
    """One request to meshping's control socket; the answer is JSON."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(json.dumps(request).encode(), CONTROL)
        return json.loads(client.recv(65536))


def scrape(address, buckets=None):
    """Sums of all series by name; with `buckets`, also the sums of that histogram's buckets by their edge."""
    sums = {}
    with urllib.request.urlopen(address, timeout=20) as response:
        for line in response.read().decode().splitlines():
            if not line or line.startswith("#"):
                continue
            series, value = line.rsplit(" ", 1)
            name = series.split("{", 1)[0]
            if buckets and name == buckets + "_bucket":
                name = float(re.search(r'le="([^"]+)"', series).group(1))
            sums[name] = sums.get(name, 0) + float(value)
    return sums


def quantile(histogram, share):
    """µs, from bins of eight per octave of seconds; the middle of the bin, so within 5 %."""
    left = share * sum(histogram.values())
    for edge, count in sorted(histogram.items()):
        left -= count
        if left <= 0:
            return 1e6 * 2 ** ((edge + 0.5) / 8)
    return NONE


def interpolate(edges, counts, rank):
    """The usual reading of cumulative buckets; open at the top, where the last edge is all one can say."""
    low, below = 0.0, 0
    for edge, count in zip(edges, counts):
        if count >= rank and count > below:
            return low if edge == float("inf") else low + (edge - low) * (rank - below) / (count - below)
        low, below = edge, count
    return NONE


def cpu_seconds(pid):
    """Of all threads, as the scheduler counts it, in nanoseconds underneath."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def pings():
    """Echo requests that this namespace's kernel has received so far, all of them sent here."""
    with open("/proc/self/net/snmp", encoding="ascii") as file:
        names, values = [line.split() for line in file if line.startswith("Icmp:")]
    return int(values[names.index("InEchos")])


def measure(kind, count, options):
    """One run: (rate, CPU µs per ping, KiB, p50, p99, false loss), or why not."""
    if count > kind.limit:
        return "–"
    seconds = options.warm_up + options.seconds + 1
    tool = kind(addresses(count), seconds)
    try:
        time.sleep(options.warm_up)
        tool.begin()
        time.sleep(0.3)
        began, cpu, sent = time.monotonic(), cpu_seconds(tool.process.pid), pings()
        time.sleep(options.seconds)
        took, cpu, sent = time.monotonic() - began, cpu_seconds(tool.process.pid) - cpu, pings() - sent
        if not sent:
            return "sent nothing: " + tool.output().strip()[-200:]
        memory = memory_kib(tool.process.pid)
        return (sent / took, 1e6 * cpu / sent, memory, *tool.finish())
    except (OSError, ValueError) as error:
        return f"failed: {error!r} {tool.output().strip()[-200:]}"
    finally:
        tool.stop()


def version(command, *arguments):
    result = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().partition("\n")[0] or "unknown"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
        rmem_max = file.read().strip()
    cpu = model.group(1) if model else platform.machine()
    print(f"machine   {os.cpu_count()} × {cpu}, Linux {platform.release()}, net.core.rmem_max {rmem_max}")
    print(f"meshping  {version(os.environ['MESHPING'], '--version')}, release build")
    print(f"fping     {version(os.environ['FPING'], '--version')}")
    print(f"prober    {version(os.environ['PROBER'], '--version')}, --no-privileged, its faster mode")


def number(value, form):
    return format(value, form) if value == value else "n/a"


def table(results, sizes, kinds, rounds):
    print(f"\nEach value is the median of {rounds} rounds; × floor is the median of the ratios within a round.")
    print("Loopback answers within microseconds and loses nothing: a longer RTT and any loss are the tool's own.\n")
    print("| targets | tool | pings/s | CPU µs/ping | × floor | RSS MiB | RTT p50 µs | RTT p99 µs | false loss % |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|")
    for count in sizes:
        for kind in kinds:
            runs = results[kind, count]
            good = [run for run in runs if not isinstance(run, str)]
            if not good:
                print(f"| {count} | {kind.name} | {runs[0]} | | | | | | |")
                continue
            rate, cpu, memory, p50, p99, loss = (statistics.median(column) for column in zip(*good))
            pairs = zip(runs, results.get((Floor, count), []))
            ratios = [run[1] / floor[1] for run, floor in pairs if not isinstance(run, str) and not isinstance(floor, str)]
            ratio = statistics.median(ratios) if ratios else NONE
            failed = f" ({len(good)} of {rounds} rounds)" if len(good) < rounds else ""
            cells = [
                number(rate, ".0f"), number(cpu, ".1f"), number(ratio, ".1f"), number(memory / 1024, ".1f"),
                number(p50, ".0f"), number(p99, ".0f"), number(loss, ".2f"),
            ]  # fmt: skip
            print(f"| {count} | {kind.name}{failed} | " + " | ".join(cells) + " |")


def memory_per_target(results, sizes, kinds):
    few, many = sizes[0], sizes[-1]
    if few == many:
        return
    print(f"\nMemory per target, from the growth of RSS between {few} and {many} targets:")
    for kind in kinds:
        ends = [[run[2] for run in results[kind, count] if not isinstance(run, str)] for count in (few, many)]
        if all(ends) and kind is not Floor:
            grown = statistics.median(ends[1]) - statistics.median(ends[0])
            print(f"  {kind.name:20} {1024 * grown / (many - few):8.0f} bytes")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compares the cost and the truth of pinging.")
    parser.add_argument("--sizes", default="100,1000,10000", help="numbers of targets (default %(default)s)")
    parser.add_argument("--huge", action="store_true", help="also 100000 targets")
    parser.add_argument("--rounds", type=int, default=3, help="runs of everything (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="measured time of a run (default %(default)s)")
    parser.add_argument("--warm-up", type=int, default=2, help="seconds before it (default %(default)s)")
    parser.add_argument("--tools", default="", help="only tools whose name contains one of these words, by comma")
    return parser.parse_args()


def main():
    options = arguments()
    sizes = sorted({int(size) for size in options.sizes.split(",")} | ({100_000} if options.huge else set()))
    words = options.tools.split(",")
    kinds = [kind for kind in TOOLS if any(word in kind.name for word in words)]
    # One file descriptor per target is what smokeping_prober needs; datagram sockets need the group range.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(hard, 20_000) if os.geteuid() == 0 else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("0 0")
    machine()
    results = {}
    for turn in range(options.rounds):
        for count in sizes:
            for kind in kinds:
                if turn > 0 and count >= kind.once:
                    continue
                run = measure(kind, count, options)
                results.setdefault((kind, count), []).append(run)
                shown = run if isinstance(run, str) else f"{run[1]:.1f} µs per ping at {run[0]:.0f}/s"
                print(f"round {turn + 1}: {count} targets, {kind.name}: {shown}", flush=True)
    table(results, sizes, kinds, options.rounds)
    memory_per_target(results, sizes, kinds)


if __name__ == "__main__":
    main()
