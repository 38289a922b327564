"""How figures are printed: the median of several runs, never one run alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def row(label: str, values: Sequence[float], unit: str, digits: int = 0) -> float:
    """Prints median, minimum, maximum and number of runs; returns the median."""
    middle = statistics.median(values)
    print(
        f"  {label:56s} {middle:14,.{digits}f} {unit:8s}"
        f" [{min(values):,.{digits}f} .. {max(values):,.{digits}f}] n={len(values)}",
        flush=True,
    )
    return middle


def ratio(label: str, ours: Sequence[float], other: Sequence[float], aim: str) -> float:
    """Prints the median of the ratios pair by pair, since each pair ran in the same minute."""
    pairs = [mine / theirs for mine, theirs in zip(ours, other, strict=True)]
    middle = statistics.median(pairs)
    print(
        f"  {label:56s} {middle:14,.2f} x        [{min(pairs):,.2f} .. {max(pairs):,.2f}]"
        f" n={len(pairs)}   aim {aim}",
        flush=True,
    )
    return middle


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the value that `percent` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def title(text: str) -> None:
    """Prints a heading."""
    print(f"\n{text}", flush=True)
