"""Quantiles and how figures are written. Pure: no I/O."""

import math
import statistics

NONE = float("nan")


def known(value):
    return not math.isnan(value)


def written(value, form):
    return format(value, form) if known(value) else "n/a"


def median(values):
    """Of those that are known."""
    values = [value for value in values if known(value)]
    return statistics.median(values) if values else NONE


def mean(values):
    return statistics.fmean(values) if values else NONE


def ratio(value, reference):
    """Unknown where either is, or where there is nothing to divide by."""
    return value / reference if reference else NONE


def quantile_of(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else NONE


def quantile_of_bins(bins, share):
    """µs, from meshping's bins, of eight per octave of seconds: interpolated within its bin on the same scale."""
    left = share * sum(bins.values())
    for number, count in sorted(bins.items()):
        if count and count >= left:
            return 1e6 * 2 ** ((number + left / count) / 8)
        left -= count
    return NONE


def quantile_of_buckets(buckets, share):
    """From cumulative counts by upper edge, as Prometheus reads them; the last edge if it lies above that."""
    edges = sorted(buckets)
    rank = share * buckets[edges[-1]] if edges else 0
    low, below = 0.0, 0
    for edge in edges:
        count = buckets[edge]
        if count >= rank and count > below:
            return low if math.isinf(edge) else low + (edge - low) * (rank - below) / (count - below)
        low, below = edge, count
    return NONE


def grown(after, before):
    return {key: count - before.get(key, 0) for key, count in after.items()}


def counted(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
