"""One bad item makes the authority refuse a whole call: this finds it and lets all others through.

Theory of operation. `suspects` were refused together, so one of them is to blame. Half of them are
sent: if the half passes, the blame is in the other half; if not, it is in this one, and the other
half waits `aside`, about which nothing is known. In the end one item is left. It is `bad` when a
call of its own was refused. When all others of a refused call have passed it is only `suspected`:
the fault may have gone away meanwhile, and nobody is refused on suspicion; let it travel alone.
Then all that waited aside goes in one call, and if that is refused, it is the next group of
suspects.

    suspects  aside   send                   when answered       when refused
    none      none    nothing: the end
    none      some    all aside              the end             they are the suspects
    several           the first half         suspects: the rest  suspects: the half; rest aside

One bad item among 200 is found with at most 8 calls, the binary logarithm of 200 rounded up.
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
        self.suspected: list[T] = []
        """Items without which a refused call passed; they have had no call of their own."""
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
        else:
            self._part = self._suspects[: len(self._suspects) // 2]
        return self._part

    @property
    def done(self) -> bool:
        """One was found and the service works: what waits aside may go with the next batch."""
        return self.passed and bool(self.bad or self.suspected)

    def answered(self) -> None:
        """Each item of the part has its answer."""
        self.passed = True
        if self._suspects:
            self._suspects = self._suspects[len(self._part) :]
            if len(self._suspects) == 1:
                self.suspected += self._suspects
                self._suspects = []
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
        """Returns what was neither answered, found bad nor suspected; without the part."""
        return (self._suspects + self._aside)[len(self._part) :]
