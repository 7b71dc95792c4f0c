"""What left, seen from outside: a raw socket that gets a copy of every echo request, with the kernel's time.

Nothing is read before the time is over, so that this does not compete with who sends.
"""

import ctypes
import socket
import struct

import system

SOL_RAW = 255
ICMP_FILTER = 1
ECHO_REQUEST = 8
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
# What a queued packet may charge to a socket; it is 832 bytes where that was measured.
CHARGE = 1280
SECOND = 1_000_000_000
# A longer pause begins another burst.
PAUSE = 1_000_000


class Watcher:
    """Collects echo requests, at most `most`; of every `one_in` addresses (a power of two) it sees one."""

    def __init__(self, most, one_in=1):
        self.one_in = one_in
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.refuse(0xFFFFFFFF & ~(1 << ECHO_REQUEST))
        if one_in > 1:
            self.leave_out()
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, min(most * CHARGE, 2**30 - 1))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.before = system.pings()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def refuse(self, types):
        self.socket.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", types))

    def leave_out(self):
        """A filter in classic BPF: drops packets whose destination is no multiple of `one_in`."""
        load, mask, unless_zero, accept, drop = (0x20, 0, 0, 16), (0x54, 0, 0, self.one_in - 1), (0x15, 0, 1, 0), *ENDS
        program = b"".join(struct.pack("HBBI", *step) for step in (load, mask, unless_zero, accept, drop))
        buffer = ctypes.create_string_buffer(program)
        filter_program = struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_program)

    def requests(self):
        """Nanoseconds and destination (4 bytes) of each, in their order. Fails rather than to leave one out."""
        self.refuse(0xFFFFFFFF)
        expected = (system.pings() - self.before) / self.one_in
        seen = []
        try:
            while True:
                packet, control, _, _ = self.socket.recvmsg(20, 64)
                seconds, nanos = struct.unpack("qq", control[0][2])
                seen.append((seconds * SECOND + nanos, packet[16:20]))
        except BlockingIOError:
            pass
        # Some may have come between the looks at the filter and at the counter, and addresses are not spread evenly.
        if len(seen) < 0.97 * expected:
            raise OSError(f"only {len(seen)} of {expected:.0f} requests fitted into the receive buffer: be root")
        return seen


ENDS = (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)


def by_address(requests):
    """The times of each address."""
    times = {}
    for at, address in requests:
        times.setdefault(address, []).append(at)
    return times


def bursts(times):
    """How many requests each burst holds; the first and the last may be cut and do not count."""
    sizes = [1]
    for earlier, later in zip(times, times[1:]):
        if later - earlier > PAUSE:
            sizes.append(0)
        sizes[-1] += 1
    return sizes[1:-1]


def busiest(times, window):
    """The most requests that any window of that length holds."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def off_grid(times):
    """How far the time between two requests to an address is from a second, in ms. It is from the second request on
    that they lie on the grid: the first one comes soon."""
    return [abs(later - earlier - SECOND) / 1e6 for earlier, later in zip(times[1:], times[2:])]


def lateness(times, since):
    """How late the requests after `since` were, in ns, for one address that is pinged once a second.

    Its earliest request within the second is taken for its place on the grid; a point of the grid that was left
    out counts as infinitely late.
    """
    offsets = [(at - times[0] + SECOND // 2) % SECOND for at in times]
    place = min(offsets)
    late = [float(offset - place) for at, offset in zip(times, offsets) if at >= since]
    for earlier, later in zip(times, times[1:]):
        if later >= since:
            late += [float("inf")] * (round((later - earlier) / SECOND) - 1)
    return late
