"""What the in/out face leaves open, or a test wants to go wrong: shapes, limits, problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, final

from simulator.authority import problems
from simulator.authority.problems import Problem

TypeCase = Literal["lower", "upper"]
ListShape = Literal["items", "list"]


@dataclass(slots=True)
class Shape:
    """How answers look where the real service is not known.

    Attributes:
        type_case: of `in` and `out` in answers; both are accepted in calls.
        refdata: a catalogue as `{"items": [...]}` or as a bare list.
        backwards: entries of a batch answer come last first.
        can_cancel: the call for cancelling exists, under its unmistakable path.
        page_size_max: most entries of a search page.
        window_days_max: longest window of a search; None is no limit.
        reference_max: most characters of customReference.
    """

    type_case: TypeCase = "lower"
    refdata: ListShape = "items"
    backwards: bool = False
    can_cancel: bool = False
    page_size_max: int = 500
    window_days_max: int | None = None
    reference_max: int = 64


@dataclass(slots=True)
class Trouble:
    """A problem the next calls get instead of an answer; `calls` None lasts until it is set again.

    Attributes:
        status: 429, 500, 502 or 503; None is no trouble.
        calls: how many calls.
        retry_after_s: for Retry-After, None leaves it out (429 always has one).
        limit: what 429 says the limit is.
    """

    status: int | None = None
    calls: int | None = 1
    retry_after_s: int | None = None
    limit: int = 100

    def take(self, now_ms: int) -> Problem | None:
        """What a call at that instant meets, and counts it."""
        status = self.status
        if status is None:
            return None
        if self.calls is not None:
            self.calls -= 1
            if self.calls <= 0:
                self.status = None
        if status == 429:
            return problems.too_many_requests(self.limit, self.retry_after_s or 1, now_ms)
        return problems.server_problem(status, self.retry_after_s, now_ms)


@final
class RestSwitches:
    """Everything that can be set for the in/out face. Belongs to one event loop."""

    def __init__(self) -> None:
        self.shape = Shape()
        self.trouble = Trouble()
        self.token_trouble = Trouble()

    def as_json(self) -> Mapping[str, object]:
        """Everything that is set."""
        return {
            **asdict(self.shape),
            "trouble": asdict(self.trouble),
            "token_trouble": asdict(self.token_trouble),
        }
