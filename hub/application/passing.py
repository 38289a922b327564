"""What a guard sees: who stands at the gate, whether it opened, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hub.application.overview import SiteName


@dataclass(frozen=True, slots=True, repr=False)
class Passing:
    """One tap as a guard is told of it: a name, never a number.

    Args:
        direction: `DIRECTION_*` of `protocol.record`.
        granted: the gate opened.
        reason: `REASON_*` of `protocol.record`, why it did not.
        given_name: with `family_name`, whose badge it is; both empty for an unknown badge.
        company: empty for a person without one.
        kind: a word of `hub.domain.people.Kind`; empty for an unknown badge.
        at_ms: moment of the tap, or of its arrival while nothing dates it, UTC milliseconds.
    """

    gate: str
    direction: int
    granted: bool
    reason: int
    given_name: str
    family_name: str
    company: str
    kind: str
    at_ms: int

    def __repr__(self) -> str:
        return f"Passing({self.gate}, granted {self.granted}, reason {self.reason})"


class PassingPort(Protocol):
    """Where taps come from; called in worker threads."""

    def sites(self) -> tuple[SiteName, ...]:
        """Returns every site by name."""
        ...

    def latest(self, site_id: int, since_ms: int, limit: int) -> tuple[Passing, ...]:
        """Returns the newest taps of a site since that moment, the newest first."""
        ...
