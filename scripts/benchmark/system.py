"""Values from the kernel: CPU time, memory, context switches, pings; and a description of this machine."""

import os
import platform
import re
import resource
import subprocess

# For 10 000 targets of smokeping_prober.
MOST_FILES = 20_000


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def threads(pid):
    """The directories of the threads of a process; a thread may have ended meanwhile."""
    return [f"/proc/{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]


def cpu_seconds(pid):
    """CPU time of all threads, from the scheduler, which counts in nanoseconds."""
    return sum(int(read(thread + "/schedstat").split()[0]) for thread in threads(pid)) / 1e9


def voluntary_switches(pid):
    """How often the threads have gone to sleep, which is how often they were woken."""
    statuses = [read(thread + "/status") for thread in threads(pid)]
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE).group(1)) for text in statuses)


def memory_kib(pid, which="VmRSS"):
    return int(re.search(which + r":\s+(\d+)", read(f"/proc/{pid}/status")).group(1))


def forget_peak(pid):
    """Resets VmHWM to the present memory."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def pings():
    """Echo requests received by the kernel of this namespace; all are sent here."""
    names, values = [line.split() for line in read("/proc/self/net/snmp").splitlines() if line.startswith("Icmp:")]
    return int(values[names.index("InEchos")])


def prepare():
    """Raises limits for smokeping_prober: a file descriptor for each target, and datagram sockets for all users."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(hard, MOST_FILES) if os.geteuid() == 0 else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("0 0")


def version(command, *arguments):
    result = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().partition("\n")[0] or "unknown"


def describe(programs):
    """The machine and the versions of the programs, a line each."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    cpu = model.group(1) if model else platform.machine()
    rmem_max = read("/proc/sys/net/core/rmem_max").strip()
    load = read("/proc/loadavg").split()[0]
    lines = [f"machine: {os.cpu_count()} × {cpu}, Linux {platform.release()}, net.core.rmem_max {rmem_max}, load {load}"]
    names = {"meshping": "meshping", "fping": "fping", "prober": "smokeping_prober"}
    for program, name in names.items():
        if program in programs:
            lines.append(f"{name}: {version(os.environ[program.upper()], '--version')}")
    return lines
