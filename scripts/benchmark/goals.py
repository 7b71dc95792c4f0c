"""The goals: what each wants, and whether what was measured meets it."""

from dataclasses import dataclass

from figures import known, row, written


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


@dataclass
class Goal:
    """A line of the table; `note`: what else was seen. Without checks there was no way to tell."""

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
    print("\n### Goals\n")
    print("| goal | wanted | measured | |")
    print("|---|---|---|---|")
    for goal in goals:
        print(goal.row())
    missed = sum(not goal.met() for goal in goals)
    print(f"\n{missed} of {len(goals)} goals missed.")


CPU_US = {100: 45, 1_000: 16, 10_000: 10}


def of_costs(costs, kind):
    """What follows from the runs of the first part."""
    sizes = [count for count in costs.options.sizes if (kind, count) in costs.runs or (kind, count) in costs.failures]
    goals = [Goal(f"CPU per ping, {count} targets", cpu_checks(costs, kind, count)) for count in sizes]
    losses = [Check(f"{count}:", costs.worst(kind, count, "loss_percent"), 0, form=".4f", unit="%") for count in sizes]
    goals.append(Goal("false loss, every round", losses))
    if 10_000 in sizes:
        p50, p99 = (costs.median(kind, 10_000, which) for which in ("p50_us", "p99_us"))
        checks = [Check("p50", p50, 5, unit="µs"), Check("p99", p99, 15, unit="µs")]
        goals.append(Goal("reported RTT at 10000/s", checks))
    return goals


def cpu_checks(costs, kind, count):
    """A low cost is worth nothing if requests were left out."""
    checks = [Check("at", costs.median(kind, count, "rate"), least=0.99 * count, form=".0f", unit="/s")]
    if count in CPU_US:
        checks.insert(0, Check("", costs.median(kind, count, "cpu_us"), CPU_US[count], unit="µs"))
    if count == 100_000:
        checks.insert(0, Check("", costs.median(kind, count, "ratio"), 1.2, form=".2f", unit="× floor"))
    return checks
