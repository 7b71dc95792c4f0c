"""The goals, and whether the measured figures meet them. Pure: no I/O.

Times depend on the machine, so goals of time are multiples of what the same machine takes, in the same run, for
something else: the floor, a rival, or the reference program. Counts and bytes do not depend on it and stay as they are.
"""

from dataclasses import dataclass

from figures import known, ratio, row, written

# CPU of a ping as a multiple of the floor, by number of targets.
CPU = {100: 1.9, 1_000: 1.6, 10_000: 1.5, 100_000: 1.5}
# CPU of a ping of smokeping_prober and of fping as a multiple of meshping.
PROBER = {1_000: 20, 10_000: 10}
FPING = {100: 2, 1_000: 2, 10_000: 2}
# Reported round-trip times as a multiple of those of fping.
RTT_P50 = 1
RTT_P99 = 2
# Multiples of the time that the reference program or the disk needs for the same. Each is 1.5 times the largest of four
# runs on a busy machine; the range of those runs is beside it.
LIST_PAGE = {10_000: 15, 100_000: 25}  # 8.1 to 10.3; 9.2 to 10.2 at a tenth of the usual rate of requests
SCRAPE = 4  # 2.1 to 2.6
ADDS = 8  # 2.8 to 5.4
ADDS_ON_DISK = 5  # 0.7 to 2.9, the less the slower the disk
ENDING = 4  # 2.3 to 2.8
STARTING = 12  # 5.9 to 7.6
# Multiples of the floor that is disturbed in the same way. The floor sends no requests to added targets.
LATENESS = {"scrapes": 7, "lists": 5, "adds": 20}  # 0.7 to 4.5, 0.2 to 2.1, 0.7 to 12.9
OFF_GRID = 5
# Share of the maximum of one thread of the floor; the requested rate is a little higher.
CAPACITY = 0.6
ASKED = 0.615
# Reported RTT minus the time that the responder held the reply: multiples of how late the responder is, and of the spread
# of its own times.
EXCESS_P50 = 1  # 0.03 to 0.2
EXCESS_P99 = 2  # 0.7 to 1.6


@dataclass
class Check:
    """A figure that must not be above `most` (or not below `least`); unknown figures miss their goal."""

    what: str
    value: float
    most: float = float("inf")
    least: float = float("-inf")
    form: str = ".1f"
    unit: str = ""

    def met(self):
        return known(self.value) and self.least <= self.value <= self.most

    def wanted(self):
        sign, bound = ("≤", self.most) if self.least == float("-inf") else ("≥", self.least)
        return f"{self.what} {sign} {format(bound, self.form)} {self.unit}".strip()

    def measured(self):
        return f"{self.what} {written(self.value, self.form)} {self.unit}".strip()


def times(what, value, reference, most, of="reference"):
    """The check that a figure is at most a multiple of a reference."""
    return Check(what, ratio(value, reference), most, form=".2f", unit=f"× {of}")


@dataclass
class Goal:
    """A line of the table; `note`: further observations. Without checks the result is unknown."""

    name: str
    checks: list
    note: str = ""

    def met(self):
        return bool(self.checks) and all(check.met() for check in self.checks)

    def row(self):
        measured = ", ".join(check.measured() for check in self.checks) or "not measured"
        shown = f"{measured} ({self.note})" if self.note else measured
        wanted = ", ".join(dict.fromkeys(check.wanted() for check in self.checks))
        return row([self.name, wanted, shown, "✓" if self.met() else "MISSED"])


def show(goals):
    """Prints all of them; returns how many are missed."""
    print("\n### Goals\n")
    print("| goal | wanted | measured | |")
    print("|---|---|---|---|")
    for goal in goals:
        print(goal.row())
    missed = sum(not goal.met() for goal in goals)
    print(f"\n{missed} of {len(goals)} goals missed.")
    return missed


def of_costs(costs, kind, floor, fping, prober):
    """Goals from the runs of the first part; a tool that was not measured has no goals."""
    sizes = [count for count in costs.options.sizes if (kind, count) in costs.runs or (kind, count) in costs.failures]
    goals = [Goal(f"CPU per ping, {count} targets", *cpu_checks(costs, kind, floor, count)) for count in sizes]
    for rival, multiples in ((fping, FPING), (prober, PROBER)):
        goals += [against_rival(costs, rival, count, multiples[count]) for count in sizes if count in multiples]
    losses = [Check(f"{count}:", costs.worst(kind, count, "loss_percent"), 0, form=".4f", unit="%") for count in sizes]
    if sizes:
        goals.append(Goal("false loss, every round", losses))
    if 10_000 in sizes:
        goals.append(reported(costs, kind, fping, 10_000))
    return [goal for goal in goals if goal]


def cpu_checks(costs, kind, floor, count):
    """A low cost does not count if requests were skipped, except where the machine is too slow for the floor too.
    For sizes without a goal the ratio is noted."""
    possible = min(count, costs.median(floor, count, "rate"))
    rate = Check("at", costs.median(kind, count, "rate"), least=0.99 * possible, form=".0f", unit="/s")
    taken, floors = costs.median(kind, count, "ratio"), costs.median(kind, count, "floor_us")
    note = f"{written(costs.median(kind, count, 'cpu_us'), '.1f')} µs to {written(floors, '.1f')} µs"
    if not known(floors):
        return [rate], "without the floor there is no ratio"
    if count not in CPU:
        return [rate], f"{note}, {written(taken, '.2f')} × floor"
    return [Check("", taken, CPU[count], form=".2f", unit="× floor"), rate], note


def against_rival(costs, rival, count, least):
    if rival not in costs.kinds:
        return None
    taken = Check("", costs.median(rival, count, "times_meshping"), least=least, unit="× meshping")
    note = f"{written(costs.median(rival, count, 'cpu_us'), '.1f')} µs"
    return Goal(f"CPU per ping of {rival.name}, {count} targets", [taken], note)


def reported(costs, kind, fping, count):
    """On loopback each µs comes from the tool."""
    if fping not in costs.kinds:
        return None
    own, other = ([costs.median(each, count, which) for which in ("p50_us", "p99_us")] for each in (kind, fping))
    checks = [
        times("p50", own[0], other[0], RTT_P50, of=fping.name),
        times("p99", own[1], other[1], RTT_P99, of=fping.name),
    ]
    note = "{} µs and {} µs to {} µs and {} µs".format(*(written(value, ".1f") for value in own + other))
    return Goal(f"reported RTT at {count}/s", checks, note)
