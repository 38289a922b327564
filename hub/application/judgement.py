"""What the authority's word for a registration means for ours: the one place that says so.

Every answer, search and reading carries one of four words (those of the day service; the adapter of
the in/out service translates its own into them). The bare first one says no more than that there is
a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from hub.domain.causes import Cause
from hub.domain.registration import State

REGISTERED: Final = "SUCCESSFULLY REGISTERED"
VALIDATED: Final = "VALIDATED"
FAILED: Final = "FAILED"
CANCELLED: Final = "SUCCESSFULLY CANCELLED"
STATUSES: Final = (REGISTERED, VALIDATED, FAILED, CANCELLED)

JUDGED: Final = MappingProxyType(
    {
        VALIDATED: (State.VALIDATED, Cause.VALIDATION_PASSED),
        # Registered with remarks: no refusal.
        FAILED: (State.FLAGGED, Cause.VALIDATION_REMARKS),
        CANCELLED: (State.CANCELLED, Cause.CANCELLED_ELSEWHERE),
    }
)
"""State and cause of the step that a word beyond the bare registration asks for."""


def same_remarks(one: Iterable[str], other: Iterable[str]) -> bool:
    """Returns whether two judgements remark the same; their order is nothing that was promised."""
    return set(one) == set(other)
