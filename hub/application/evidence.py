"""What went to the authority and what it answered, as it was on the wire: the proof of a receipt.

An adapter gives each exchange that left to whoever keeps evidence (`hub.storage.evidence`), once,
whatever came back. Both bodies hold person numbers, so an exchange is never logged and its `repr`
shows neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answered", "refused", "no_answer"]


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """One request and its answer.

    Args:
        at_ms: when it left, UTC milliseconds.
        regime: `day` or `in_out`.
        operation: `register`, `cancel`, `search` or `get`.
        outcome: whether an answer came that could be used, one that refused the call, or none.
        request: the body that was sent.
        answer: the body that came; None when no whole one did.
        items: client reference of each item, with the authority's number when the answer gave one.
    """

    at_ms: int
    regime: str
    operation: str
    outcome: Outcome
    request: bytes
    answer: bytes | None
    items: tuple[tuple[str, int | None], ...]

    def __repr__(self) -> str:
        return f"Exchange({self.operation}, {self.outcome}, {len(self.items)} items)"


Keep = Callable[[Exchange], None]
"""Keeps one exchange; returns when it is safe to act on the answer."""


def keep_nothing(exchange: Exchange) -> None:
    """Keeps no evidence: for a probe of the connection and for tests."""
    del exchange
