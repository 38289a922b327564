"""Both interpreters take the same steps and make the same bytes."""

from __future__ import annotations

import secrets

import pytest

from tests.protocol.interpreters import on_both

pytestmark = pytest.mark.micropython

FIXED = [str(seed) for seed in range(1, 25)]


def new_seeds() -> list[str]:
    """Returns seeds that no run had before; a failure names them, and they can be played again."""
    return [str(secrets.randbits(32)) for _ in range(4)]


def same(script: str, seeds: list[str]) -> list[str]:
    """Returns the common output; at the first difference fails with the seed and both lines."""
    ours, board = on_both(script, seeds)
    seed = ""
    for number, (one, other) in enumerate(zip(ours, board, strict=False)):
        seed = one if one.startswith("seed") else seed
        assert one == other, f"{script}: {seed}, line {number}, seeds {seeds}"
    assert len(ours) == len(board)
    return ours


@pytest.mark.parametrize("seeds", [FIXED[:12], FIXED[12:], new_seeds()], ids=["a", "b", "new"])
def test_the_same_schedule_takes_the_same_steps(seeds: list[str]) -> None:
    trace = same("schedules.py", seeds)
    assert sum(1 for line in trace if line.startswith("rest ")) == len(seeds)
    assert len(trace) > 300 * len(seeds)


def test_the_fixed_schedules_meet_every_kind_of_message_and_fault() -> None:
    trace = "\n".join(same("schedules.py", FIXED[:12]))
    for what in ("('hello'", "('lost'", "('batch'", "want [(", "'gap'", "'record'", "rest 2"):
        assert what in trace


@pytest.mark.parametrize("seeds", [FIXED[:8], new_seeds()], ids=["fixed", "new"])
def test_the_same_values_become_the_same_bytes_and_refusals(seeds: list[str]) -> None:
    lines = same("codecs.py", seeds)
    assert len(lines) > 50 * len(seeds)


def test_the_vectors_are_the_same() -> None:
    assert len(same("vectors.py", [])) > 20
