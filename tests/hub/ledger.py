"""An authority in memory for the reconcile: a list of rows that tests write by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hub.application.ports import Cancel, PresenceItem, Refused, Registered, Seen
from hub.errors import LocalProtocolError, SitegateError

DAY = date(2026, 11, 23)
WORKS = "1Y19FAKE001AZ"


def seen(
    number: int,
    status: str = "SUCCESSFULLY REGISTERED",
    reference: str = "",
    remarks: tuple[str, ...] = (),
    inss: str | None = None,
    limosa: str | None = None,
    works_number: str = WORKS,
    day: date = DAY,
    act_ms: int | None = None,
    direction: str | None = None,
) -> Seen:
    """One row as a search shows it."""
    registered = Registered(reference, number, "2026-11-23T07:00:00+01:00", status, remarks)
    return Seen(
        registered, works_number, day, inss, limosa, act_ms=act_ms, direction=direction,
        channel="WEB",
    )  # fmt: skip


class Ledger:
    """`AuthorityPort` on rows in memory; only what the reconcile uses does anything.

    Args:
        rows: what a search shows.
        hidden: what only its number leads to.
    """

    def __init__(self, rows: Sequence[Seen] = (), hidden: Sequence[Seen] = ()) -> None:
        self.rows = list(rows)
        self.hidden = list(hidden)
        self.failure: SitegateError | None = None
        self.asked: list[tuple[str, date]] = []
        self.got: list[int] = []

    def search(self, works_number: str, day: date) -> list[Seen]:
        self.asked.append((works_number, day))
        if self.failure is not None:
            raise self.failure
        return [row for row in self.rows if (row.works_number, row.day) == (works_number, day)]

    def get(self, number: int) -> Registered | None:
        self.got.append(number)
        rows = [*self.rows, *self.hidden]
        return next((row.registered for row in rows if row.registered.number == number), None)

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        raise LocalProtocolError("HUB-1317", items=len(items))

    def cancel(self, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
        raise LocalProtocolError("HUB-1317", items=len(cancels))
