"""What went to the authority and what it answered, as it was on the wire: the proof of a receipt.

An adapter gives each exchange that left to whoever keeps evidence (`hub.storage.evidence`), once,
whatever came back. Both bodies hold person numbers, so an exchange is never logged and its `repr`
shows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

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


Pairs = tuple[tuple[str, str], ...]
"""(name of the element or field, its value), in the order of the message."""


class ReadItems(Protocol):
    """Finds one registration in both bodies of an exchange."""

    def __call__(
        self,
        request: bytes,
        answer: bytes | None,
        regime: str,
        references: Collection[str],
        numbers: Collection[int],
        *,
        clear: bool = False,
    ) -> tuple[list[Pairs], list[Pairs]]:
        """Returns (sent, answered): its items, masked; empty where there are none to read.

        Args:
            clear: show the person's own number as it was sent; whoever asks for that notes it.
        """
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Carried:
    """One exchange that carried a registration, and this item of it.

    Args:
        row: number in the chain of the evidence.
        at_ms: when it left, UTC milliseconds.
        operation, outcome: see `Exchange`.
        digest: hex, of the row; the one after it holds it too.
        sound: the row is as it was written.
        sent, answered: this item; empty when the bodies hold none, or were not opened.
    """

    row: int
    at_ms: int
    operation: str
    outcome: str
    digest: str
    sound: bool
    sent: tuple[Pairs, ...] = ()
    answered: tuple[Pairs, ...] = ()

    def __repr__(self) -> str:
        return f"Carried({self.row}, {self.operation}, {self.outcome})"


def read_nothing(
    request: bytes,
    answer: bytes | None,
    regime: str,
    references: Collection[str],
    numbers: Collection[int],
    *,
    clear: bool = False,
) -> tuple[list[Pairs], list[Pairs]]:
    """Reads no body: where no adapter of a service is at hand."""
    del request, answer, regime, references, numbers, clear
    return [], []
