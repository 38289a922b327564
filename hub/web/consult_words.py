"""What the consultation of registrations says in one language, on the page and in its files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from hub.application.consultation import GROUPS, Group, Line
from hub.domain.companies import number_text
from hub.domain.legal_day import brussels_day
from hub.domain.registration import State
from hub.i18n import catalogue, clock_text, day_text, iso_text, moment_text, weekday_text
from hub.storage.consultation import ANY
from hub.web.page_words import PageWords
from hub.web.remarks import remark_text

FILE_COLUMNS: Final = (
    "day", "site", "works", "company_number", "company", "family_name", "given_name",
    "person_number", "way", "act", "state", "number", "numbered", "remark", "reference",
)  # fmt: skip
_TONES: Final = {
    State.REGISTERED: "good",
    State.VALIDATED: "good",
    State.FLAGGED: "warn",
    State.DUE: "warn",
    State.SENDING: "warn",
    State.IN_DOUBT: "warn",
    State.HELD: "bad",
    State.REFUSED: "bad",
    State.LAPSED: "bad",
}


class ConsultWords(PageWords):
    """Texts of the consultation."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "consult")

    def weekday(self, day: date) -> str:
        """Returns a day as a table has it, with its year: a period may begin in another one."""
        sign = "" if self.language == "de" else "/"
        return f"{weekday_text(day, self.language)}{sign}{day.year}"

    def why(self, one: Line) -> list[str]:
        """Returns what is to be said of a row: why it has no number, and the remarks."""
        waits = one.state in GROUPS[Group.ACTION] or one.state in GROUPS[Group.WAITING]
        told = [self.any(f"cause.{one.cause}")] if waits else []
        return told + [self.remark(remark) for remark in one.remarks]

    def tone(self, state: str) -> str:
        """Returns the class of its colour."""
        return _TONES.get(State(state), "none")

    def state(self, state: str) -> str:
        """Returns what a state is called."""
        return self.any(f"dashboard.state.{state}")

    def act(self, one: Line) -> str:
        """Returns way and time of an act of the in/out regime; else empty."""
        if one.direction is None:
            return ""
        time = clock_text(one.act_ms, self.language, one.day)
        return f"{self.any(f'day.way.{one.direction}')} {time}"

    def remark(self, one: str) -> str:
        """Returns a remark in plain words, where these are known."""
        return remark_text(self, one)

    def status(self, word: str) -> str:
        """Returns the authority's word of a row, in plain words where these are known."""
        key = f"status.{word.casefold().replace(' ', '_')}"
        return self(key) if self.has(key) else word

    def groups(self) -> list[tuple[str, str]]:
        """Returns the states to choose from."""
        return [("", self("any_state")), *((str(one), self(f"group.{one}")) for one in Group)]

    def remarks(self) -> list[tuple[str, str]]:
        """Returns the remarks to choose from: any, and those of the day service by their words."""
        keys = sorted(key.removeprefix("remark.") for key in catalogue() if key[:7] == "remark.")
        named = sorted(((key, self.any(f"remark.{key}")) for key in keys), key=lambda one: one[1])
        return [("", self("no_matter")), (ANY, self("with_remark")), *named]

    def asked_at(self, utc_ms: int) -> str:
        """Returns when the authority was asked."""
        return self("asked_at", time=clock_text(utc_ms, self.language, brussels_day(utc_ms)))

    def columns(self) -> list[str]:
        """Returns the headings of a file."""
        return [self(f"column.{name}") for name in FILE_COLUMNS]

    def file_rows(self, lines: Iterable[Line], iso: bool) -> list[list[str]]:
        """Returns the cells of a file, one row for each registration.

        Args:
            iso: days and moments as ISO 8601 rather than in the form of the language.
        """

        def moment(utc_ms: int | None) -> str:
            if utc_ms is None:
                return ""
            return iso_text(utc_ms) if iso else moment_text(utc_ms, self.language)

        return [
            [
                one.day.isoformat() if iso else day_text(one.day, self.language),
                one.site,
                one.works_number,
                one.company_number if iso else number_text(one.company_number),
                one.company,
                one.family_name,
                one.given_name,
                one.masked,
                self.any(f"day.way.{one.direction}") if one.direction else "",
                moment(one.act_ms) if one.direction else "",
                self.state(one.state),
                str(one.number or ""),
                moment(one.numbered_ms),
                "; ".join(self.remark(remark) for remark in one.remarks),
                one.reference,
            ]
            for one in lines
        ]
