"""What the pages, the paper and the files of reminders say in one language."""

from __future__ import annotations

from datetime import date
from typing import Final

from hub.application.reminders import ReminderRow, period_text
from hub.application.reports import Period
from hub.domain.companies import number_text
from hub.domain.legal_day import brussels_day
from hub.i18n import clock_text, day_text, iso_text, moment_text, weekday_text
from hub.storage.notices import LOST, WAITING
from hub.web.drawing import LANGUAGE_NAMES
from hub.web.page_words import PageWords

COLUMNS: Final = ("sent", "company_number", "company", "first", "last", "sites", "rows", "address",
                  "language", "by", "state", "ended", "code", "reference", "message",
                  "text_digest", "list_digest")  # fmt: skip
"""Of workbook and CSV."""


class ReminderWords(PageWords):
    """Texts of reminders."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "reminders")

    def moment(self, at_ms: int) -> str:
        """Returns day and time."""
        return moment_text(at_ms, self.language)

    def time(self, at_ms: int) -> str:
        """Returns the time of day."""
        return clock_text(at_ms, self.language, brussels_day(at_ms))

    def period(self, period: Period) -> str:
        """Returns a period in words, as a sentence goes on with it."""
        return period_text(period, self.language)

    def day(self, day: date) -> str:
        """Returns a day in words."""
        return day_text(day, self.language)

    def weekday(self, day: date) -> str:
        """Returns a day as a table has it."""
        return weekday_text(day, self.language)

    def spoken(self, language: str) -> str:
        """Returns the name of a language in itself."""
        return LANGUAGE_NAMES.get(language, language)

    def by(self, row: ReminderRow) -> str:
        """Returns who sent it: the company or the management of the sites, and who for it, where
        that may be known."""
        sender = row.sender or self("by_site", sites=", ".join(row.sites))
        return self("by_person", sender=sender, name=row.by) if row.by else sender

    def became(self, row: ReminderRow, paper: bool = False) -> str:
        """Returns what became of the mail.

        Args:
            paper: for a proof, which gives no advice.
        """
        moment = "" if row.ended_ms is None else self.moment(row.ended_ms)
        key = row.state
        if row.state == WAITING and row.code:
            key = "waiting_code"
        elif row.state == LOST and paper:
            key = "lost_paper"
        return self(f"became.{key}", moment=moment, code=row.code)

    def columns(self) -> list[str]:
        """Returns the headings of `COLUMNS`."""
        return [self(f"column.{name}") for name in COLUMNS]

    def cells(self, row: ReminderRow, iso: bool) -> list[str]:
        """Returns a row of workbook or CSV.

        Args:
            iso: days and moments as ISO 8601 instead of in the form of the language.
        """
        said = {
            "sent": iso_text(row.at_ms) if iso else self.moment(row.at_ms),
            "company_number": row.company_number if iso else number_text(row.company_number),
            "company": row.company,
            "first": self._day(row.period.first, iso),
            "last": self._day(row.period.last, iso),
            "sites": ", ".join(row.sites),
            "rows": str(row.rows),
            "address": row.masked,
            "language": row.language,
            "by": self.by(row),
            "state": row.state if iso else self(f"state.{row.state}"),
            "ended": self._moment(row.ended_ms, iso),
            "code": row.code,
            "reference": row.handle,
            "message": row.message,
            "text_digest": row.text_digest,
            "list_digest": row.list_digest,
        }
        return [said[name] for name in COLUMNS]

    def _day(self, day: date, iso: bool) -> str:
        return day.isoformat() if iso else self.day(day)

    def _moment(self, at_ms: int | None, iso: bool) -> str:
        if at_ms is None:
            return ""
        return iso_text(at_ms) if iso else self.moment(at_ms)


def reminder_json(row: ReminderRow) -> dict[str, object]:
    """Returns a reminder for programs: no text of a language, moments as ISO 8601."""
    return {
        "reference": row.handle,
        "sent": iso_text(row.at_ms),
        "company_number": row.company_number,
        "company": row.company,
        "first": row.period.first.isoformat(),
        "last": row.period.last.isoformat(),
        "presences": row.rows,
        "counts": [
            {"day": day.isoformat(), "site": site, "presences": rows}
            for day, site, rows in row.counts
        ],
        "address": row.masked,
        "language": row.language,
        "sender": row.sender or None,
        "by": row.by or None,
        "state": row.state,
        "ended": None if row.ended_ms is None else iso_text(row.ended_ms),
        "code": row.code or None,
        "message": row.message,
        "text_digest": row.text_digest,
        "list_digest": row.list_digest,
        "list_kept": row.list_kept,
    }
