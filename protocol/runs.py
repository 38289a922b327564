"""Runs: sets of sequence numbers as sorted lists of (first, last), disjoint and not adjacent.

An outage leaves few holes in thousands of numbers, so a handful of pairs says it all; each
operation walks the list once.
"""


def add(runs: list[tuple[int, int]], first: int, last: int) -> None:
    """Adds first..last to `runs` in place; the list stays sorted, disjoint and not adjacent."""
    start = 0
    while start < len(runs) and runs[start][1] + 1 < first:
        start += 1
    end = start
    while end < len(runs) and runs[end][0] <= last + 1:
        first = min(first, runs[end][0])
        last = max(last, runs[end][1])
        end += 1
    runs[start:end] = [(first, last)]


def without(runs: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Returns `runs` less first..last."""
    kept = []
    for low, high in runs:
        if low < first:
            kept.append((low, min(high, first - 1)))
        if high > last:
            kept.append((max(low, last + 1), high))
    return kept


def holes(first: int, last: int, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the parts of first..last that are in none of `runs`, lowest first."""
    found = []
    for low, high in runs:
        if low > last:
            break
        if low > first:
            found.append((first, low - 1))
        first = max(first, high + 1)
    if first <= last:
        found.append((first, last))
    return found


def total(runs: list[tuple[int, int]]) -> int:
    """Returns how many numbers are in `runs`."""
    return sum(last - first + 1 for first, last in runs)
