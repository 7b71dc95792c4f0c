"""References for the work beside pinging: the same work without meshping, measured in the same run.

examples/reference.rs answers and reads; for what is on disk, Python writes.
"""

import contextlib
import os
import sqlite3
import subprocess
import tempfile
import time

import daemon

SERVER = ("127.0.0.1", 55433)


class Reference:
    """Runs the program that answers with text of any size over UDP and TCP."""

    def __enter__(self):
        command = [os.environ["REFERENCE"], "serve", str(SERVER[1])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            self.wait_until_it_answers()
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait_until_it_answers(self):
        deadline = time.monotonic() + 5
        while True:
            with contextlib.suppress(ConnectionError):
                daemon.fetch("/0", server=SERVER)
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError("the reference program does not answer")
            time.sleep(0.02)

    def page(self, size):
        """Seconds for an answer of that size over UDP."""
        with daemon.client(SERVER) as control:
            began = time.perf_counter()
            reply = control(str(size).encode())
            took = time.perf_counter() - began
        if len(reply) != size:
            raise ValueError(f"the reference program sent {len(reply)} of {size} bytes")
        return took

    def scrape(self, size):
        """Seconds for a response of that size over HTTP."""
        _, received, took, _ = daemon.fetch(f"/{size}", keep=False, server=SERVER)
        if received != size:
            raise ValueError(f"the reference program sent {received} of {size} bytes")
        return took

    def add(self, targets):
        return daemon.add(targets, server=SERVER)

    def add_at_once(self, targets, under_way):
        return daemon.add_at_once(targets, under_way, server=SERVER)


def read_targets(targets):
    """Seconds of a program that starts, reads the addresses of a file, and ends."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write("\n".join(targets) + "\n")
        file.flush()
        began = time.perf_counter()
        result = subprocess.run([os.environ["REFERENCE"], "read", file.name], stdout=subprocess.PIPE, check=False)
        took = time.perf_counter() - began
    if result.stdout.split() != [str(len(targets)).encode()]:
        raise ValueError(f"the reference program read {result.stdout!r} of {len(targets)} addresses")
    return took


def append(directory, records, size):
    """Seconds for that number of records of that size, each on disk before the next one."""
    with open(os.path.join(directory, "appended"), "wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(records):
            file.write(b"\n" * size)
            os.fdatasync(file.fileno())
        return time.perf_counter() - began


def insert(directory, rows, size):
    """Seconds for one SQLite transaction that puts that number of rows of that size, each with its own key, on disk."""
    with contextlib.closing(sqlite3.connect(os.path.join(directory, "inserted"))) as database:
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;")
        values = [(f"key {number}", b"\n" * size) for number in range(rows)]
        began = time.perf_counter()
        with database:
            database.executemany("INSERT INTO t VALUES (?, ?)", values)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return time.perf_counter() - began
