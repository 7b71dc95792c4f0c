"""Compares two builds, figure by figure, with the allowed worsening. Pure: no I/O.

Every figure is one that should be small. The verdict is by a ratio alone: that of the medians, or, where both builds ran
side by side, the median of the rounds' ratios. How far rounds differ is shown beside it, because a ratio within that may
be chance.
"""

from dataclasses import dataclass, field

from figures import NONE, known, median, ratio, row, written

# How much larger the median may be, by the least number of targets. A ping of few targets costs what waking up
# costs, and rounds differ by half.
WORSENING = {1: 0.25, 1_000: 0.05}
# The heap grows in steps of this (M_TOP_PAD of glibc), so the same build may differ by one at each of two sizes.
HEAP_STEP = 128 * 1024

TITLES = "targets, figure, old, new, new / old, rounds differ by, allowed, verdict"


@dataclass
class Figure:
    """A value of each build in each round. `more`: what may be added to the old median. `factor`: what it may be
    multiplied with; without it the figure only informs. `paired`: both ran side by side, so each round has a ratio."""

    count: int
    what: str
    form: str
    factor: float = NONE
    more: float = 0
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)
    paired: bool = False

    def medians(self):
        return median(self.old), median(self.new)

    def decides(self):
        return known(self.factor)

    def worse(self):
        """Also when it is not known."""
        if self.paired:
            return self.decides() and not self.times() <= self.factor
        old, new = self.medians()
        return self.decides() and not new <= old * self.factor + self.more

    def ratios(self):
        """That of each round in which both are known."""
        return [times for old, new in zip(self.old, self.new) if known(times := ratio(new, old))]

    def times(self):
        old, new = self.medians()
        return median(self.ratios()) if self.paired else ratio(new, old)

    def spread(self):
        """The difference between the largest and the smallest of one build, or of the ratios, in their median."""
        compared = [self.ratios()] if self.paired else [self.old, self.new]
        spreads = [ratio(max(values) - min(values), median(values)) for values in compared if values]
        return max((spread for spread in spreads if known(spread)), default=NONE)

    def within_spread(self):
        return known(self.spread()) and self.times() - 1 <= self.spread()

    def verdict(self):
        old, new = self.medians()
        if not self.decides():
            return ""
        if not known(old) or not known(new):
            return "NOT MEASURED"
        if not self.worse():
            return "✓"
        return "WORSE, within what rounds differ by" if self.within_spread() else "WORSE"

    def allowed(self):
        if not self.decides():
            return "informs"
        parts = [f"{100 * (self.factor - 1):.0f} %"] if self.factor > 1 else []
        parts += [format(self.more, self.form)] if self.more else []
        return "+" + " + ".join(parts) if parts else "nothing"

    def cells(self):
        old, new = self.medians()
        spread = 100 * self.spread()
        times = written(self.times(), ".3f")
        return [
            self.count, self.what, written(old, self.form), written(new, self.form), times,
            f"{written(spread, '.0f')} %" if known(spread) else "n/a", self.allowed(), self.verdict(),
        ]  # fmt: skip


def factor_of(count):
    """The allowed factor of the median of a build with that number of targets."""
    return 1 + WORSENING[max(least for least in WORSENING if least <= count)]


def memory_allowance(few, many):
    """Bytes of a target, where memory is compared at two sizes."""
    return 2 * HEAP_STEP / (many - few)


def show(figures):
    """Prints all of them; returns how many are worse."""
    print("\n### New against old\n")
    print("Medians of all rounds; rounds differ by: the range of one build's values, in their median, of the build with")
    print("the wider one. Lists, scrapes and adds are asked of both in turn: there, new / old is the median of the rounds'")
    print("ratios, and rounds differ by the range of these.\n")
    print(row(TITLES.split(", ")))
    print("|--:|---|--:|--:|--:|--:|--:|---|")
    for figure in figures:
        print(row(figure.cells()))
    print("\n" + last_line(figures))
    return sum(figure.worse() for figure in figures)


def last_line(figures):
    deciding = [figure for figure in figures if figure.decides()]
    worse = [figure for figure in deciding if figure.worse()]
    unclear = sum(figure.verdict() != "WORSE" for figure in worse)
    note = f" ({unclear} of them unclear: measure again, with more rounds and nothing else running)" if unclear else ""
    return f"{len(worse)} of {len(deciding)} figures worse than allowed{note}."
