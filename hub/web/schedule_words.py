"""What the pages and commands of reports sent by mail say in one language."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from babel.dates import format_date

from hub.application.report_sending import FAILED, MISSED
from hub.domain.report_times import PATTERNS, Cover, Kind, Rhythm, Timing, next_due_ms
from hub.errors import UsageError
from hub.i18n import moment_text
from hub.storage.report_schedules import Mailed, Past, ScheduleRow
from hub.web.page_words import PageWords

EXPLAINED: Final = frozenset({"HUB-1800", "HUB-1865", "HUB-1866", "HUB-1867", "HUB-1868"})
"""Codes that the page tells in whole sentences; of others it gives the code."""
_A_MONDAY: Final = date(2026, 11, 23)


class ScheduleWords(PageWords):
    """Texts of reports that go out by themselves."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "schedule")

    def report(self, kind: Kind) -> str:
        """Returns the name of a report."""
        return self.any(f"reports.{kind}.title")

    def pattern(self, rhythm: Rhythm, cover: Cover) -> str:
        """Returns on which days it is sent, and which it covers."""
        return self(f"pattern.{rhythm}.{cover}")

    def patterns(self) -> list[tuple[str, str]]:
        """Returns (value, text) of each of them for a form."""
        return [(f"{one}-{cover}", self.pattern(one, cover)) for one, cover in PATTERNS]

    def weekday(self, number: int) -> str:
        """Returns the name of a weekday, 1 for Monday to 7."""
        day = _A_MONDAY + timedelta(days=number - 1)
        return format_date(day, "EEEE", locale=f"{self.language}_BE")

    def when(self, timing: Timing) -> str:
        """Returns when it is sent and what it covers, in a sentence."""
        days = ", ".join(self.weekday(one) for one in sorted(timing.weekdays))
        rhythm = self(f"when.{timing.rhythm}", at=f"{timing.at:%H:%M}", days=days)
        return self("when_and_what", when=rhythm, what=self(f"cover.{timing.cover}"))

    def about(self, row: ScheduleRow) -> str:
        """Returns of which sites and which company it is."""
        told = [", ".join(row.site_names) or self("all_sites")]
        if row.company_number:
            told.append(row.company)
        return " · ".join(told)

    def moment(self, utc_ms: int) -> str:
        """Returns a moment in Brussels, to the minute."""
        return moment_text(utc_ms, self.language, seconds=False)

    def next_due(self, row: ScheduleRow, now_ms: int) -> str:
        """Returns when it is due next."""
        if row.schedule.asked_ms is not None:
            return self("being_made")
        if not row.schedule.active:
            return self("resting")
        return self.moment(next_due_ms(row.schedule.timing, now_ms))

    def last_sent(self, row: ScheduleRow) -> str:
        """Returns when it was sent last."""
        return self("never") if row.last_sent_ms is None else self.moment(row.last_sent_ms)

    def owner(self, row: ScheduleRow) -> str:
        """Returns whose it is."""
        if row.schedule.account_id is None:
            return self("by_command")
        return self("disabled", name=row.owner) if row.disabled else row.owner

    def problem(self, row: ScheduleRow) -> tuple[str, str]:
        """Returns what is wrong with the newest due time, with its code; empty for nothing."""
        for past in row.past[:1]:
            if past.state in (FAILED, MISSED):
                return self._why(past), past.code
            for one in past.mails:
                if one.code and one.state != "sent":
                    return self._mail(one), one.code
        return "", ""

    def earlier_problem(self, row: ScheduleRow) -> str:
        """Returns the last thing that went wrong before the newest due time; empty for nothing."""
        for past in row.past[1:]:
            if past.state in (FAILED, MISSED) or any(one.state == "lost" for one in past.mails):
                return self.past(past)
        return ""

    def past(self, past: Past) -> str:
        """Returns what became of one due time."""
        key = "history_asked" if past.asked else "history"
        told = [self(f"state.{past.state}", rows=self.counted("rows", past.rows))]
        if past.code:
            told.append(past.code)
        elif past.late:
            told.append(self("sent_late"))
        told += [self._mail(one) for one in past.mails if one.state != "sent"]
        return self(key, when=self.moment(past.due_ms), what=" · ".join(told))

    def _why(self, past: Past) -> str:
        if past.code not in EXPLAINED:
            return self("problem", when=self.moment(past.due_ms))
        (told,) = self.explained([UsageError(past.code, channel="mail")])
        due = self("problem_of", when=self.moment(past.due_ms))
        return f"{due} {told.happened} {told.next}"

    def _mail(self, one: Mailed) -> str:
        if one.state == "waiting" and one.code:
            return self.counted("mail_waits", one.many, when=self.moment(one.next_try_ms))
        return self.counted(f"mail_{one.state}", one.many)
