"""All of a running hub that sends reports by itself. Thread: *reports*, which makes them.

That thread reads the database and writes files; what it keeps goes through the writer, in one short
transaction for each report. It may take minutes over a large workbook: neither alerts nor messages
wait for it, which have threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hub.application.posting import StepThread
from hub.application.report_sending import ReportSending
from hub.clock import Clock
from hub.reports.day_list import day_list_pdf
from hub.reports.report_table import report_pdf
from hub.settings import Settings, link_base
from hub.storage.house import House
from hub.storage.notices import Write
from hub.storage.report_sendings import ReportSendings
from hub.web.scheduled_report import Making

STOP_S: Final = 5.0
"""A report that takes longer is made anew at the next start: nothing of it was kept."""


def report_sending(
    settings: Settings,
    house: House,
    write: Write,
    clock: Clock,
    queued: Callable[[], None] = lambda: None,
    changed: Callable[[], None] = lambda: None,
) -> ReportSending:
    """Returns what sends reports, of a hub or of a command beside it.

    Args:
        settings: see `docs/settings.md`.
        house: read from; its keys open addresses and seal files.
        write: carries out a change.
        clock: UTC milliseconds.
        queued: called after mails were queued.
        changed: called after something a page shows has changed.
    """
    return ReportSending(
        ReportSendings(house.engine, write, house.vault),
        Making(house.engine, house.vault, settings, report_pdf, day_list_pdf),
        bool(settings.mail.host),
        clock,
        link_base(settings),
        queued,
        changed,
    )


class Scheduling:
    """Sends reports while the hub runs; `start` and `stop` once each.

    Args:
        settings, house, write, clock, queued, changed: see `report_sending`.
    """

    def __init__(
        self,
        settings: Settings,
        house: House,
        write: Write,
        clock: Clock,
        queued: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        sending = report_sending(settings, house, write, clock, queued, changed)
        self._thread = StepThread("reports", sending, clock)

    def start(self) -> None:
        """Starts sending what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the report that is being made, or leaves it when it takes long."""
        self._thread.stop(STOP_S)

    def wake(self) -> None:
        """Somebody wants a report now, or changed a schedule; returns at once."""
        self._thread.wake()
