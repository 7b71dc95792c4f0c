"""What scripts/bench runs, in a network namespace of its own: parts, one after the other, then their tables."""

import argparse
import time

import cost
import goals
import service
import system
import truth
from tools import TOOLS, Floor, Fping, Meshping, Prober

PARTS = ["cpu", "goals", "truth"]

DESCRIPTION = """
Measures what a ping costs, what meshping promises, and whether what it reports is true. Prints Markdown at the end.

parts:
  cpu    CPU, memory, RTT and false loss of meshping, its rivals and the floor, for each number of targets
  goals  one daemon each: sleeping, adding, slots, starting with 100000 targets, lists, scrapes, lateness, capacity
  truth  reported RTT and loss against those of a responder that knows what it did

Every part adds its lines to the table of goals; what was not measured is not in it. Goals of time are ratios to the
floor, to a rival or to a reference program that does the same work without meshping, measured in the same run. Goals that are missed do not
change the exit status: the last line says how many there are.
"""


def arguments():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="scripts/bench", description=DESCRIPTION, formatter_class=raw)
    parser.add_argument("--parts", default=",".join(PARTS), help="which, by comma (default %(default)s)")
    parser.add_argument("--truth", action="store_true", help="only that part, as --parts truth")
    sizes = "100,1000,10000,100000"
    parser.add_argument("--sizes", default=sizes, help="cpu: numbers of targets (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="cpu: runs of everything (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="cpu: measured time of a run (default %(default)s)")
    parser.add_argument("--tools", default="", help="cpu: only tools whose name contains one of these words, by comma")
    options = parser.parse_args()
    options.sizes = sorted({int(size) for size in options.sizes.split(",")})
    options.kinds = [kind for kind in TOOLS if any(word in kind.name for word in options.tools.split(","))]
    options.parts = ["truth"] if options.truth else options.parts.split(",")
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    return options


def main():
    options = arguments()
    system.prepare()
    began, tables, checked = time.monotonic(), [], []
    if "cpu" in options.parts:
        costs = cost.Costs(options)
        costs.measure()
        tables.append(costs.show)
        checked += goals.of_costs(costs, Meshping, Floor, Fping, Prober)
    if "goals" in options.parts:
        checked += service.measure()
    if "truth" in options.parts:
        truths = truth.Truths()
        checked += service.attempt("truth", truths.measure)
        tables.append(truths.show)
    print("\n" + "\n".join(f"- {line}" for line in system.describe(["meshping", "fping", "prober"])))
    print(f"- measured in {time.monotonic() - began:.0f} s")
    for show in tables:
        show()
    goals.show(checked)


if __name__ == "__main__":
    main()
