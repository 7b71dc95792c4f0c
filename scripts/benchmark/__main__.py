"""What scripts/bench runs, in a network namespace of its own: parts, one after the other, then their tables.

Before that, with --needs and outside of it, it names the programs that the run will use.
"""

import os
import sys
import time

import against
import cost
import goals
import options
import service
import system
import truth
from tools import Floor, Fping, Meshping, Prober

# Where --needs writes to.
NEEDS = 3


def main():
    chosen = options.parse(sys.argv[1:])
    if chosen.needs:
        os.write(NEEDS, " ".join(options.needs(chosen)).encode())
        return 0
    system.prepare()
    began = time.monotonic()
    bad = compare(chosen, began) if chosen.against is not None else measure(chosen, began)
    return 1 if bad and chosen.fail else 0


def measure(chosen, began):
    """All the parts; returns how many goals are missed."""
    tables, checked = [], []
    if "cpu" in chosen.parts:
        costs = cost.Costs(chosen)
        costs.measure()
        tables.append(costs.show)
        checked += goals.of_costs(costs, Meshping, Floor, Fping, Prober)
    if "goals" in chosen.parts:
        checked += service.measure()
    if "truth" in chosen.parts:
        truths = truth.Truths()
        checked += service.attempt("truth", truths.measure)
        tables.append(truths.show)
    describe(system.describe(options.needs(chosen)), began)
    for show in tables:
        show()
    return goals.show(checked)


def compare(chosen, began):
    """Two builds; returns how many figures are worse."""
    fault = options.fault_of(os.environ["MESHPING"])
    if fault:
        sys.exit(f"{os.environ['MESHPING']}: {fault}")
    builds = against.Builds(os.path.abspath(chosen.against), os.environ["MESHPING"], chosen)
    builds.measure()
    describe(system.describe(["meshping"]) + builds.describe(), began)
    return builds.show()


def describe(lines, began):
    print("\n" + "\n".join(f"- {line}" for line in lines))
    print(f"- measured in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
