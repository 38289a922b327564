"""One bad item makes the authority refuse a whole call: this finds it and lets all others through.

Theory of operation. `suspects` were refused together, so one of them is to blame. Half of them are
sent: if the half passes, the blame is in the other half; if not, it is in this one, and the other
half waits `aside`, about which nothing is known. In the end one item is left. It is to blame when a
call of its own was refused; if none was made yet, that is the next call. Then all that waited aside
goes in one call, and if that is refused, it is the next group of suspects.

    suspects  aside   send                   when answered       when refused
    none      none    nothing: the end
    none      some    all aside              the end             they are the suspects
    several           the first half         suspects: the rest  suspects: the half; rest aside
    one               that one               good                bad

One bad item among 200 costs at most 10 calls: 8 halvings, one of its own, one for those aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from hub.errors import SitegateError

T = TypeVar("T")


class Isolation(Generic[T]):
    """Says what to send next until every item was answered or is known to be bad; makes no call.

    Args:
        batch: the items of the refused call, 1 or more.
        refusal: its refusal.
    """

    def __init__(self, batch: Sequence[T], refusal: SitegateError) -> None:
        self.bad: list[tuple[T, SitegateError]] = []
        """Items refused by a call of their own, each with that refusal."""
        self.passed = False
        """Some call was answered: the service does not refuse everything."""
        self._suspects: list[T] = []
        self._aside: list[T] = list(batch)
        self._part: list[T] = []
        self.next()
        self.refused(refusal)

    def next(self) -> list[T]:
        """Returns the items to send now; none when it is over. Then say `answered` or `refused`."""
        if not self._suspects:
            self._part = list(self._aside)
        elif len(self._suspects) > 1:
            self._part = self._suspects[: len(self._suspects) // 2]
        else:
            self._part = list(self._suspects)
        return self._part

    def answered(self) -> None:
        """Each item of the part has its answer."""
        self.passed = True
        if self._suspects:
            self._suspects = self._suspects[len(self._part) :]
        else:
            self._aside = []
        self._part = []

    def refused(self, refusal: SitegateError) -> None:
        """The part was refused as a whole; nothing of it was stored."""
        if self._suspects:
            self._aside = self._suspects[len(self._part) :] + self._aside
        else:
            self._aside = []
        self._suspects = self._part
        if len(self._part) == 1:
            self.bad.append((self._part[0], refusal))
            self._suspects = []
        self._part = []

    def left(self) -> list[T]:
        """Returns what was neither answered nor found bad, without the part that is under way."""
        return (self._suspects + self._aside)[len(self._part) :]
