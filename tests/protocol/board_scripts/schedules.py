"""Plays schedules of faults on a `Line` and prints every step: `schedules.py SEED...`."""

import sys

from draw import Numbers
from line import Line, step

STEPS = 160


def play(seed, trace):
    """Plays one schedule; the wire heals at its end and everything must have arrived."""
    numbers = Numbers(seed)
    line = Line(trace)
    line.connect()
    for _ in range(STEPS):
        kind = numbers.below(20)
        argument = numbers.below(1000)
        trace(f"{line.now_ms} step {kind} {argument}")
        step(line, kind, argument)
    rounds = line.heal(numbers.below(2) == 0)
    line.check_rest()
    trace(f"rest {rounds} {line.terminal.head} {len(line.hub.rows)}")


if __name__ == "__main__":
    for seed in sys.argv[1:]:
        print("seed", seed)
        play(int(seed), print)
