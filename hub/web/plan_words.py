"""What the plan board says in one language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from hub.application.plan_board import BoardRow, Counts, Members, Standing, standing_of
from hub.application.planning import PlannedDay
from hub.domain.companies import number_text
from hub.domain.plan import Finding
from hub.domain.registration import CANCEL_REASONS
from hub.i18n import clock_text, day_text, error_text
from hub.storage.plan_sent import HUB, OTHERS, Sent
from hub.web.page_words import PageWords

TONES: Final = {
    Standing.PROBLEM: "bad",
    Standing.REFUSED: "bad",
    Standing.PLANNED: "none",
    Standing.WAITING: "warn",
    Standing.REGISTERED: "good",
    Standing.REMARKS: "warn",
    Standing.ENDED: "none",
    Standing.EXPECTED: "none",
}
SHAPES: Final = {
    Standing.PROBLEM: "held",
    Standing.REFUSED: "refused",
    Standing.PLANNED: "blank",
    Standing.WAITING: "due",
    Standing.REGISTERED: "registered",
    Standing.REMARKS: "flagged",
    Standing.ENDED: "cancelled",
    Standing.EXPECTED: "blank",
}
_COUNTS: Final = ("planned", "submitted", "registered", "refused", "problems")


@dataclass(frozen=True, slots=True)
class Reason:
    """What stands in the way of somebody, and what is to be done."""

    happened: str
    next: str


class PlanWords(PageWords):
    """Texts of the plan board."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "planboard")

    def day(self, day: date) -> str:
        """Returns the day in words."""
        return day_text(day, self.language)

    def company(self, company: Members) -> str:
        """Returns what a company is called."""
        return company.name or self("no_company")

    def place(self, company: Members) -> str:
        """Returns its number, and its level in the chain where that is known."""
        parts = [number_text(company.number)] if company.number else []
        if company.level is not None:
            level = company.level
            parts.append(self.any("day.level", level=level) if level else self.any("day.level_0"))
        return " · ".join(parts)

    def counts(self, counts: Counts) -> Iterator[tuple[str, str, int]]:
        """Yields word for the style sheet, label and count."""
        for name in _COUNTS:
            yield name, self(f"count.{name}"), getattr(counts, name)

    def standing(self, one: PlannedDay) -> str:
        """Returns how an entry stands."""
        if one.state is not None and standing_of(one) is not Standing.EXPECTED:
            return self.any(f"dashboard.state.{one.state}")
        return self(f"standing.{standing_of(one)}")

    def reasons(self, one: PlannedDay) -> list[Reason]:
        """Returns what stands in the way of an entry, or looks odd in it."""
        found = [self.finding(finding) for finding in (*one.findings, *one.warnings)]
        standing = standing_of(one)
        if standing is Standing.REFUSED or (standing is Standing.PROBLEM and one.state):
            happened = self.any(f"cause.{one.cause}")
            found.insert(0, Reason(happened, self("next_refused")))
        return found

    def finding(self, finding: Finding) -> Reason:
        """Returns one thing that stands in the way."""
        told = error_text(finding.code, self.language, **dict(finding.values))
        has_own = self.has(f"next.{finding.code}")
        following = self(f"next.{finding.code}") if has_own else told.next
        return Reason(self.board.typeset(told.happened), self.board.typeset(following))

    def choices(self, row: BoardRow) -> list[tuple[str, str, list[Reason]]]:
        """Returns number, label and what is in the way of each way to plan somebody."""
        return [
            (number, number, [self.finding(one) for one in found]) for number, found in row.choices
        ]

    def cancel_reasons(self) -> list[tuple[str, str]]:
        """Returns why a day may be withdrawn, the most common first."""
        listed = sorted(CANCEL_REASONS, key=lambda one: one != "PLANNING")
        return [(one, self(f"cancel.{one}")) for one in listed]

    def told(self, told: Mapping[str, int]) -> list[str]:
        """Returns what an act came to, a sentence for each count."""
        return [self.counted(f"told.{word}", count) for word, count in told.items()]

    def sent(self, one: Sent) -> str:
        """Returns one line of the time line without its moment."""
        return self.counted(f"sent.{one.what}", one.count)

    def by(self, one: Sent) -> str:
        """Returns by whom."""
        return self(f"by.{one.by}") if one.by in (HUB, OTHERS) else one.by

    def moment(self, utc_ms: int, today: date) -> str:
        """Returns the time, with the date before it when it is not of today."""
        return clock_text(utc_ms, self.language, today)
