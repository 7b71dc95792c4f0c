"""Stops one thread of a process, and no other, for as long as that lives: hold.py PID THREAD-NAME

As a tracer does (ptrace(2)): SIGSTOP would stop all of its threads.
"""

import ctypes
import os
import sys

PTRACE_INTERRUPT, PTRACE_SEIZE = 0x4207, 0x4206
WALL = 0x40000000


def thread(pid, name):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as comm:
            if comm.read().strip() == name:
                return int(tid)
    sys.exit(f"no thread {name}")


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, tid, None, None) != 0:
        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")


def main():
    tid = thread(int(sys.argv[1]), sys.argv[2])
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    print("held", flush=True)
    # A traced thread that ends stays until its tracer has seen it.
    while True:
        _, status = os.waitpid(tid, WALL)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            return


main()
