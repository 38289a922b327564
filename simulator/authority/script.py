"""A script of disturbances: what goes wrong at which time or call, decided by a seed.

Theory of operation. Each entry is awake from an instant of the world's time, or from its n-th call
on, for some seconds or calls or for good. While it is awake, each call of its operations draws from
the entry's own dice whether it is met. The same seed and the same calls in the same order therefore
meet the same disturbances, whatever the other entries do. Of several entries that meet one call,
the first one that says something about a thing decides it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, final

ScriptedMode = Literal[
    "down",
    "refuse",
    "unavailable",
    "drop-after-commit",
    "maintenance",
    "reset",
    "reset-after-commit",
    "half",
    "truncate",
    "garbage",
    "missing-entry",
    "twice-entry",
    "expired-token",
]
# Calls remembered for GET /sim/script.
REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call meets; the fields are those of `availability.Treatment`.

    `chance` seeds what is decided inside the call, None when no entry met it.
    """

    mode: ScriptedMode | None = None
    status: int = 503
    retry_after_s: int | None = None
    fault: str | None = None
    element: str = "SystemError"
    latency_ms: int = 0
    drip_ms: int = 0
    answers: Literal["asked", "backwards", "shuffled"] = "asked"
    shut_s: float = 0
    skew_ms: int = 0
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a script.

    Attributes:
        effect: what a call that is met gets; its latency is the shortest one.
        latency_to_ms: longest latency, 0 when it is not drawn.
        at_ms: from when on, by the world's time; None from the start of the script.
        from_call: from its n-th call on, counted from 1.
        until_ms: until when, by the world's time; None is no end.
        calls: for how many of its calls, met or not; None is no end.
        probability: of being met, 0..1.
        operations: which calls are its own; empty is all.
    """

    effect: Effect
    latency_to_ms: int = 0
    at_ms: int | None = None
    from_call: int = 1
    until_ms: int | None = None
    calls: int | None = None
    probability: float = 1.0
    operations: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Progress:
    entry: Entry
    dice: random.Random
    # Calls of its operations while its time had come, those it was awake for, those it met.
    seen: int = 0
    awake: int = 0
    met: int = 0

    def state(self, now_ms: int) -> str:
        entry = self.entry
        over = entry.until_ms is not None and now_ms >= entry.until_ms
        if over or (entry.calls is not None and self.awake >= entry.calls):
            return "over"
        early = entry.at_ms is not None and now_ms < entry.at_ms
        return "waiting" if early or self.seen + 1 < entry.from_call else "awake"


@dataclass(slots=True)
class _Fired:
    call: int
    entry: int
    operation: str | None
    at_ms: int


@final
@dataclass(slots=True)
class Script:
    """The entries with how far each has come. Belongs to one event loop.

    Args:
        seed: decides every draw, together with the position of the entry.
        entries: in order; the first one that says something about a thing decides it.
    """

    seed: int
    entries: Sequence[Entry]
    _progress: list[_Progress] = field(init=False, repr=False)
    _calls: int = field(init=False, default=0)
    _fired: deque[_Fired] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._progress = [
            _Progress(entry, random.Random(f"{self.seed}:{position}"))
            for position, entry in enumerate(self.entries)
        ]
        self._fired = deque(maxlen=REMEMBERED)

    def meet(self, operation: str | None, now_ms: int) -> Effect:
        """What this call meets, and counts it.

        Args:
            operation: which one, None if it cannot be told; such a call meets entries for all.
            now_ms: the world's time.
        """
        self._calls += 1
        values: dict[str, object] = {}
        skew_ms = 0
        for position, progress in enumerate(self._progress):
            entry = progress.entry
            state = progress.state(now_ms)
            if state == "awake" and entry.effect.skew_ms:
                # A clock is wrong for everybody and all the time, not for single calls.
                skew_ms = skew_ms or entry.effect.skew_ms
            if entry.operations and operation not in entry.operations:
                continue
            if entry.at_ms is None or now_ms >= entry.at_ms:
                progress.seen += 1
            if state != "awake":
                continue
            progress.awake += 1
            # Drawn always, so that one draw more or less never shifts the rest.
            chance, delay = progress.dice.random(), progress.dice.random()
            if chance >= entry.probability:
                continue
            progress.met += 1
            self._fired.append(_Fired(self._calls, position, operation, now_ms))
            for name, value in _said(entry, delay).items():
                values.setdefault(name, value)
            values.setdefault("chance", delay)
        return Effect(**(values | {"skew_ms": skew_ms}))  # pyright: ignore[reportArgumentType]

    def as_json(self, now_ms: int) -> dict[str, object]:
        """What is left of it, and what fired."""
        return {
            "seed": self.seed,
            "calls": self._calls,
            "entries": [
                {
                    "state": progress.state(now_ms),
                    "left": None
                    if progress.entry.calls is None
                    else max(0, progress.entry.calls - progress.awake),
                    "seen": progress.seen,
                    "met": progress.met,
                }
                for progress in self._progress
            ],
            "fired": [
                {
                    "call": one.call,
                    "entry": one.entry,
                    "operation": one.operation,
                    "at_ms": one.at_ms,
                }
                for one in self._fired
            ],
        }


def _said(entry: Entry, delay: float) -> dict[str, object]:
    """The fields of an effect that the entry says something about."""
    effect, said = entry.effect, {}
    if effect.mode is not None:
        said |= {
            "mode": effect.mode,
            "status": effect.status,
            "retry_after_s": effect.retry_after_s,
        }
    if effect.fault is not None:
        said |= {"fault": effect.fault, "element": effect.element}
    longest = max(effect.latency_ms, entry.latency_to_ms)
    if longest:
        said["latency_ms"] = effect.latency_ms + round(delay * (longest - effect.latency_ms))
    if effect.drip_ms:
        said["drip_ms"] = effect.drip_ms
    if effect.answers != "asked":
        said["answers"] = effect.answers
    if effect.shut_s:
        said["shut_s"] = effect.shut_s
    return said
