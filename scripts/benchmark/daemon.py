"""Talks to a running meshping: control socket, lists in pages, metrics."""

import contextlib
import http.client
import ipaddress
import json
import re
import selectors
import socket
import time
from typing import NamedTuple

CONTROL = ("127.0.0.1", 55432)
WEB = ("127.0.0.1", 9922)
LATENESS = "meshping_send_lateness_seconds"
PAGE = 300
TRIES = 5
FIRST = int(ipaddress.IPv4Address("127.1.0.1"))


class Refused(ValueError):
    """The daemon answered with an error, or not at all."""


def addresses(count, first=FIRST):
    return [str(ipaddress.IPv4Address(first + index)) for index in range(count)]


@contextlib.contextmanager
def client(server=CONTROL):
    """A function that sends a request and returns the reply, both as bytes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.settimeout(2)
        control.connect(server)

        def ask(request):
            try:
                control.send(request)
                return control.recv(65536)
            except TimeoutError:
                raise Refused(f"no reply within {control.gettimeout():.0f} s to {request[:80].decode()}") from None

        yield ask


def request(command, **members):
    return json.dumps({"cmd": command, **members}).encode()


def ask(command, **members):
    with client() as control:
        return answer(command, control(request(command, **members)))


def answer(command, reply):
    """The parsed reply; raises an exception for an error."""
    meant = json.loads(reply)
    if meant.get("status") == "error":
        raise Refused(f"the daemon answers to {command}: {meant['errmessage']}")
    return meant


class Page(NamedTuple):
    """`took`: seconds until it was there, `size`: bytes, `rows`: what is listed, by address."""

    took: float
    size: int
    rows: dict


def pages(limit=PAGE, server=CONTROL):
    """All targets, page by page."""
    after = {}
    with client(server) as control:
        while True:
            text = request("list", limit=limit, **after)
            began = time.perf_counter()
            reply = control(text)
            took = time.perf_counter() - began
            rows = answer("list", reply)
            if not rows:
                return
            yield Page(took, len(reply), rows)
            after = {"after": list(rows)[-1]}


def rows():
    """Every target's member of the list, by address."""
    return {address: row for page in pages() for address, row in page.rows.items()}


def loss_percent():
    """Since the reset; on loopback each loss is our own fault."""
    bad = settled = 0
    for page in pages():
        for row in page.rows.values():
            failed = row["lost"] + row["errs"] + row.get("void", 0)
            bad, settled = bad + failed, settled + failed + row["recv"]
    return 100 * bad / settled if settled else float("nan")


def add(targets, interval=None, server=CONTROL):
    """Adds them one after the other; returns the seconds."""
    extra = {} if interval is None else {"itv": interval}
    requests = [request("add", addr=target, **extra) for target in targets]
    with client(server) as control:
        began = time.perf_counter()
        replies = {control(text) for text in requests}
        took = time.perf_counter() - began
    if replies != {b'{"status": "ok"}'}:
        raise ValueError(f"not everything was added: {replies}")
    return took


def add_at_once(targets, under_way, server=CONTROL):
    """Adds them with that number of requests under way; returns the seconds until the last answer."""
    waiting = [request("add", addr=target, itv=60) for target in reversed(targets)]
    replies, open_requests = set(), 0
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for _ in range(under_way):
            control = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            control.connect(server)
            selector.register(control, selectors.EVENT_READ)
            control.send(waiting.pop())
            open_requests += 1
        while open_requests:
            ready = selector.select(2)
            if not ready:
                raise TimeoutError(f"{open_requests} adds were not answered")
            for key, _ in ready:
                replies.add(key.fileobj.recv(65536))
                open_requests -= 1
                if waiting:
                    key.fileobj.send(waiting.pop())
                    open_requests += 1
        took = time.perf_counter() - began
    if replies != {b'{"status": "ok"}'}:
        raise ValueError(f"not everything was added: {replies}")
    return took


def wait_until_it_answers(deadline=30, server=WEB):
    """Until the daemon is there, with all its targets."""
    until = time.monotonic() + deadline
    while True:
        with contextlib.suppress(OSError):
            if fetch("/-/ready", server=server)[0] == 200:
                return
        if time.monotonic() > until:
            raise TimeoutError("meshping does not answer")
        time.sleep(0.02)


def fetch(path, encoding="identity", keep=True, server=WEB):
    """Status, size of the body, seconds, and the body unless it is not to be kept."""
    connection = http.client.HTTPConnection(*server, timeout=60)
    began = time.perf_counter()
    try:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        response = connection.getresponse()
        size, body, buffer = 0, bytearray(), bytearray(1 << 18)
        while count := response.readinto(buffer):
            size += count
            if keep:
                body += memoryview(buffer)[:count]
        return response.status, size, time.perf_counter() - began, bytes(body)
    except http.client.HTTPException as error:
        raise OSError(f"{path} is answered with what is no HTTP: {error!r}") from error
    finally:
        connection.close()


class Metrics:
    """A scrape. Only the requested lines are parsed: there are millions."""

    def __init__(self):
        for _ in range(TRIES):
            status, _, _, self.text = fetch("/metrics")
            if status == 200:
                return
            print(f"/metrics says {status}, trying again", flush=True)
            time.sleep(1)
        raise ValueError(f"/metrics says {status}")

    def values(self, name):
        return [float(value) for value in re.findall(rb"(?m)^%s(?:\{.*\})? (\S+)$" % name.encode(), self.text)]

    def total(self, *names):
        return sum(sum(self.values(name)) for name in names)

    def buckets(self, family):
        """Cumulative counts by upper edge, of all its series together."""
        sums = {}
        for edge, count in re.findall(rb'(?m)^%s_bucket\{.*le="([^"]+)".*\} (\S+)$' % family.encode(), self.text):
            sums[float(edge)] = sums.get(float(edge), 0) + float(count)
        return sums

    def lost(self):
        """Requests without a reply so far."""
        return self.total("meshping_lost_total", "meshping_void_requests_total", "meshping_errors_total")
