"""The command line of scripts/bench: what is measured, and which programs that needs."""

import argparse
import math
import os
import re
import subprocess

from tools import OPTIONS, TOOLS

PARTS = ["cpu", "goals", "truth"]
SIZES = "100,1000,10000,100000"
SIZES_AGAINST = "100,1000,10000"
# The addresses after these are those of added targets.
MOST_TARGETS = 200_000
LEAST_ROUNDS_AGAINST = 5

DESCRIPTION = """
Measures what a ping costs, what meshping promises, and whether what it reports is true. Prints Markdown at the end.

parts:
  cpu    CPU, memory, RTT and false loss of meshping, its rivals and the floor, for each number of targets
  goals  one daemon each: sleeping, adding, slots, starting with 100000 targets, lists, scrapes, lateness, capacity
  truth  reported RTT and loss against those of a responder that reports what it did

Every part adds its lines to the table of goals; what was not measured is not in it. Goals of time are ratios to the
floor, to a rival or to a reference program that does the same work without meshping, measured in the same run.
Missed goals do not change the exit status, except with --fail: the last line counts them.

With --micro, the parsers, the statistics and the exposition are measured by themselves: scripts/bench --micro [FILTER].

With --against, the meshping of this source tree is compared with another binary of it: both run with the
same command line, one after the other and side by side, and the table at the end has ratios and the allowed worsening.
"""

ENVIRONMENT = """
Programs are built or unpacked as far as the chosen parts need them. One that is named in the environment is used as it
is: MESHPING, FLOOR, REFERENCE, RESPONDER, FPING, PROBER.
"""


def parse(arguments):
    """Ends with a message where the arguments make no sense."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    against = options.against is not None
    if against and (options.parts or options.truth or options.tools):
        parser.error("--against measures meshping only: it goes with --sizes, --rounds and --seconds")
    options.sizes = options.sizes or sizes(SIZES_AGAINST if against else SIZES)
    options.rounds = options.rounds or (LEAST_ROUNDS_AGAINST if against else 3)
    if against and options.rounds < LEAST_ROUNDS_AGAINST:
        parser.error(f"--against needs at least {LEAST_ROUNDS_AGAINST} rounds: medians of fewer decide nothing")
    if against and (fault := fault_of(options.against)):
        parser.error(f"--against {options.against}: {fault}")
    options.parts = ["truth"] if options.truth else options.parts or PARTS
    options.kinds = [kind for kind in TOOLS if any(word in kind.name for word in options.tools or [""])]
    return options


def make_parser():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=DESCRIPTION, epilog=ENVIRONMENT, formatter_class=raw, allow_abbrev=False
    )
    add = parser.add_argument
    add("--parts", type=parts, help="which, by comma (default all)")
    add("--truth", action="store_true", help="only that part, as --parts truth")
    add("--sizes", type=sizes, help=f"cpu: numbers of targets (default {SIZES}; with --against {SIZES_AGAINST})")
    add("--rounds", type=rounds, help=f"cpu: runs of everything (default 3; with --against {LEAST_ROUNDS_AGAINST})")
    add("--seconds", type=seconds, default=3, help="cpu: measured time of a run (default %(default)s)")
    add("--tools", type=tools, help="cpu: only tools whose name contains one of these words, by comma")
    add("--against", metavar="BINARY", help="compare with this build of meshping instead")
    add("--fail", action="store_true", help="exit status 1 when a goal is missed or a figure is worse")
    add("--needs", action="store_true", help=argparse.SUPPRESS)
    return parser


def parts(text):
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"no such part: {name!r}, there are {', '.join(PARTS)}")
    return names


def sizes(text):
    return sorted({number(word, MOST_TARGETS) for word in text.split(",")})


def rounds(text):
    return number(text, 1000)


def number(text, most):
    if not re.fullmatch("[0-9]+", text) or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.1 to 600")
    return value


def tools(text):
    words = text.split(",")
    for word in words:
        if not any(word in kind.name for kind in TOOLS):
            names = ", ".join(repr(kind.name) for kind in TOOLS)
            raise argparse.ArgumentTypeError(f"no tool has {word!r} in its name, there are {names}")
    return words


def fault_of(binary):
    """Why this is no meshping that can be compared, or nothing."""
    if not os.path.isfile(binary) or not os.access(binary, os.X_OK):
        return "no such program"
    path = os.path.abspath(binary)
    try:
        version, usage = (output_of(path, option) for option in ("--version", "--help"))
    except (OSError, subprocess.SubprocessError) as error:
        return f"does not run: {error}"
    if not re.match(r"meshping \d", version):
        return f"is not meshping: --version prints {version.strip()[:80]!r}"
    missing = [option for option in OPTIONS if not re.search(rf"{option}\b", usage)]
    return f"lacks options that are used for both: {', '.join(missing)}" if missing else None


def output_of(path, option):
    return subprocess.run([path, option], capture_output=True, text=True, check=True, timeout=10).stdout


def needs(options):
    """The programs that a run uses."""
    if options.against is not None:
        return ["meshping"]
    needed = set()
    if "cpu" in options.parts:
        needed |= {kind.program for kind in options.kinds}
    if "goals" in options.parts:
        needed |= {"meshping", "floor", "reference"}
    if "truth" in options.parts:
        needed |= {"meshping", "responder"}
    return sorted(needed)
