"""What left, seen from outside: a raw socket that gets a copy of every echo request, with the kernel's time.

Nothing is read before the time is over, so that this does not compete with who sends.
"""

import socket
import struct
import time

import system

SOL_RAW = 255
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
ICMP_FILTER = 1
ECHO_REQUEST = 8
# What a queued packet may charge to a socket; it is 832 bytes where that was measured.
CHARGE = 1280
# After this long a pause it is another burst.
PAUSE_NS = 1_000_000


class Watcher:
    """Collects echo requests while it lives, at most so many."""

    def __init__(self, most):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.refuse(0xFFFFFFFF & ~(1 << ECHO_REQUEST))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, min(most * CHARGE, 2**30 - 1))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.before = system.pings()

    def refuse(self, types):
        self.socket.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", types))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def requests(self):
        """Nanoseconds and destination (4 bytes) of each, in their order. Fails rather than to leave one out."""
        self.refuse(0xFFFFFFFF)
        expected = system.pings() - self.before
        seen = []
        try:
            while True:
                packet, control, _, _ = self.socket.recvmsg(20, 64)
                seconds, nanos = struct.unpack("qq", control[0][2])
                seen.append((seconds * 1_000_000_000 + nanos, packet[16:20]))
        except BlockingIOError:
            pass
        # Some may have come between the two looks at the counter and the filter.
        if len(seen) < 0.999 * expected:
            raise OSError(f"{expected - len(seen)} of {expected} requests did not fit into the receive buffer")
        return seen


def watch(seconds, most):
    """Everything that is sent during that time."""
    with Watcher(most) as watcher:
        time.sleep(seconds)
        return watcher.requests()


def bursts(times):
    """How many requests each burst holds; the first and the last may be cut and do not count."""
    sizes = [1]
    for earlier, later in zip(times, times[1:]):
        if later - earlier > PAUSE_NS:
            sizes.append(0)
        sizes[-1] += 1
    return sizes[1:-1]


def busiest(times, window_ns):
    """The most requests that any window of that length holds."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most
