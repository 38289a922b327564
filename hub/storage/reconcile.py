"""The runs of the reconcile in SQL (`ReconcilePort`): what we hold, what was found, what it did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from hub.application.differences import Comparison, Effect, Ours, There, compare
from hub.application.ports import Seen
from hub.application.reconcile import (
    LOOK_BACK_DAYS,
    RETRY_MS,
    RunReport,
    Subject,
    Todo,
)
from hub.domain.legal_day import brussels_day
from hub.domain.registration import NUMBERED, State
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.history import RegistrationEvent, steps
from hub.storage.incidents import add_incident
from hub.storage.schema import (
    person,
    presence,
    reconcile_difference,
    reconcile_run,
    registration,
    works,
)
from hub.storage.secrets import Vault
from hub.storage.works import regime_on
from hub.storage.writer import Writer

ACTOR = "reconcile"
"""Who takes the steps that follow from a run."""

UNEXPLAINED = "HUB-1362"
NOT_MADE = "HUB-1363"

_Key = tuple[str, str, str]
"""Works number, ISO day and regime."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Newest runs of one subject: the last good one, and the last one that failed after it."""

    good_ms: int | None
    failed_ms: int | None


class Reconciliations:
    """`ReconcilePort` on the database; any thread may use it.

    Args:
        engine: of the house; only read here.
        writer: carries out what is written.
        vault: finds people by their numbers.
    """

    def __init__(self, engine: Engine, writer: Writer, vault: Vault) -> None:
        self._engine = engine
        self._writer = writer
        self._vault = vault

    def todo(self, begin_ms: int, now_ms: int, regimes: Sequence[str]) -> Todo:
        """See `ReconcilePort`."""
        with reading(self._engine) as connection:
            wanted = _wanted(connection, begin_ms)
            made = _made(connection)
        wake_ms: int | None = None
        resting = _resting(made, begin_ms)
        for key, changed_ms in sorted(wanted.items(), key=_newest_first):
            number, day, regime = key
            if regime not in regimes or not _open(key, changed_ms, made.get(key), begin_ms):
                continue
            rest_ms = resting.get(regime, 0) + RETRY_MS
            if rest_ms > now_ms and regime in resting:
                wake_ms = rest_ms if wake_ms is None else min(wake_ms, rest_ms)
                continue
            return Todo(Subject(number, date.fromisoformat(day), regime))
        return Todo(None, wake_ms)

    def missing(self, subject: Subject, seen: Sequence[Seen]) -> list[int]:
        """See `ReconcilePort`."""
        shown = {row.registered.number for row in seen}
        with reading(self._engine) as connection:
            ours = _ours(connection, subject)
        return sorted(
            one.number
            for one in ours
            if one.number is not None and one.state in NUMBERED and one.number not in shown
        )

    def settle(
        self,
        subject: Subject,
        seen: Sequence[Seen],
        got: Sequence[Seen],
        actor: str,
        now_ms: int,
        write: bool,
    ) -> RunReport:
        """See `ReconcilePort`."""
        if not write:
            with reading(self._engine) as connection:
                return _report(subject, seen, self._compare(connection, subject, seen, got))

        def job(connection: Connection) -> RunReport:
            # Compared again with what we hold now: the forwarder went on during the search.
            comparison = self._compare(connection, subject, seen, got)
            report = _report(subject, seen, comparison)
            before = _standing(connection, subject)
            known = _answers(connection, comparison.effects)
            steps(connection, [_event(effect, known, now_ms) for effect in comparison.effects])
            _keep(connection, report, actor, now_ms)
            standing = _standing(connection, subject)
            if standing - before:
                detail = f"{subject.works_number} {subject.day} {len(report.unexplained)}"
                add_incident(connection, now_ms, UNEXPLAINED, None, detail)
            return report

        return self._writer.call(job).result()

    def failed(self, subject: Subject, actor: str, now_ms: int, code: str) -> None:
        """See `ReconcilePort`; the first failure after a good run is an incident."""

        def job(connection: Connection) -> None:
            newest = connection.execute(
                select(reconcile_run.c.failed)
                .where(reconcile_run.c.regime == subject.regime)
                .order_by(reconcile_run.c.id.desc())
                .limit(1)
            ).scalar()
            _keep(connection, RunReport(subject, failed=code), actor, now_ms)
            if not newest:
                add_incident(connection, now_ms, NOT_MADE, None, code)

        self._writer.call(job).result()

    def _compare(
        self,
        connection: Connection,
        subject: Subject,
        seen: Sequence[Seen],
        got: Sequence[Seen],
    ) -> Comparison:
        ours = _ours(connection, subject)
        known = {one.number for one in ours} | {one.reference for one in ours}
        rows = [(row, True) for row in seen] + [(row, False) for row in got]
        people = self._people(connection, [row for row, _ in rows])
        there = [
            self._there(row, listed, people)
            for row, listed in rows
            # A row of another day or works number is of interest only when we call it ours.
            if (row.works_number, row.day) == (subject.works_number, subject.day)
            or row.registered.number in known
            or row.registered.reference in known
        ]
        return compare(ours, there)

    def _people(self, connection: Connection, rows: Sequence[Seen]) -> dict[bytes, int]:
        """Returns person by blind index, for those of the rows who are in the register."""
        wanted = {index for row in rows for index in self._indices(row)}
        found: dict[bytes, int] = {}
        for column in (person.c.inss_index, person.c.limosa_index):
            query = select(column, person.c.id).where(column.is_not(None))
            found.update({row[0]: row[1] for row in connection.execute(query) if row[0] in wanted})
        return found

    def _indices(self, row: Seen) -> list[bytes]:
        numbers = (("inss", row.inss), ("limosa", row.limosa))
        return [self._vault.index(kind, number) for kind, number in numbers if number]

    def _there(self, row: Seen, listed: bool, people: dict[bytes, int]) -> There:
        indices = self._indices(row)
        registered = row.registered
        return There(
            reference=registered.reference,
            number=registered.number,
            status=registered.status,
            created=registered.created,
            remarks=registered.remarks,
            named=bool(indices),
            person_id=next((people[one] for one in indices if one in people), None),
            listed=listed,
            act_ms=row.act_ms,
            direction=row.direction,
            channel=row.channel,
        )


# ---------------------------------------------------------------- what is to be done


def _wanted(connection: Connection, begin_ms: int) -> dict[_Key, int]:
    """Returns what a night looks at, with the moment of its last change (UTC milliseconds)."""
    today = brussels_day(begin_ms)
    first = today - timedelta(days=LOOK_BACK_DAYS)
    columns = registration.c
    query = (
        select(columns.works_number, columns.day, columns.regime, func.max(columns.changed_ms))
        .where(
            columns.works_number != "",
            columns.day >= first.isoformat(),
            columns.day <= today.isoformat(),
            # What came up later is looked at in the next night, not in the morning rush.
            columns.tap_ms < begin_ms,
        )
        .group_by(columns.works_number, columns.day, columns.regime)
    )
    wanted = {(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(query)}
    present = (
        select(works.c.number, presence.c.day)
        .join(works, works.c.site_id == presence.c.site_id)
        .where(
            presence.c.day.in_([str(today - timedelta(days=1)), str(today)]),
            presence.c.received_ms < begin_ms,
        )
        .distinct()
    )
    for number, day in connection.execute(present):
        regime = regime_on(connection, number, date.fromisoformat(day))
        wanted.setdefault((number, day, regime), 0)
    return wanted


def _made(connection: Connection) -> dict[_Key, _Made]:
    columns = reconcile_run.c
    query = select(
        columns.works_number,
        columns.day,
        columns.regime,
        (columns.failed != "").label("failed"),
        func.max(columns.at_ms),
    ).group_by(columns.works_number, columns.day, columns.regime, columns.failed != "")
    made: dict[_Key, _Made] = {}
    for number, day, regime, failed, at_ms in connection.execute(query):
        before = made.get((number, day, regime), _Made(None, None))
        made[number, day, regime] = (
            _Made(before.good_ms, at_ms) if failed else _Made(at_ms, before.failed_ms)
        )
    return made


def _resting(made: dict[_Key, _Made], begin_ms: int) -> dict[str, int]:
    """Returns the last failure of this night by regime, unless a good run followed it."""
    failures: dict[str, int] = {}
    good: dict[str, int] = {}
    for (_, _, regime), one in made.items():
        if one.failed_ms is not None and one.failed_ms >= begin_ms:
            failures[regime] = max(one.failed_ms, failures.get(regime, 0))
        good[regime] = max(one.good_ms or 0, good.get(regime, 0))
    return {regime: at_ms for regime, at_ms in failures.items() if at_ms >= good[regime]}


def _open(key: _Key, changed_ms: int, made: _Made | None, begin_ms: int) -> bool:
    last_ms = made.good_ms if made is not None else None
    if last_ms is None:
        return True
    if last_ms >= begin_ms:
        return False
    yesterday = brussels_day(begin_ms) - timedelta(days=1)
    return key[1] >= yesterday.isoformat() or changed_ms > last_ms


def _newest_first(one: tuple[_Key, int]) -> tuple[int, str, str]:
    (number, day, regime), _ = one
    return -date.fromisoformat(day).toordinal(), number, regime


# ---------------------------------------------------------------- what we hold


def _ours(connection: Connection, subject: Subject) -> list[Ours]:
    columns = registration.c
    query = (
        select(
            columns.reference,
            columns.person_id,
            columns.state,
            columns.cause,
            columns.number,
            columns.tap_ms,
            columns.direction,
            columns.answer,
        )
        .where(
            columns.works_number == subject.works_number,
            columns.day == subject.day.isoformat(),
            columns.regime == subject.regime,
        )
        .order_by(columns.tap_ms, columns.reference)
    )
    return [
        Ours(
            row.reference,
            row.person_id,
            State(row.state),
            row.cause,
            row.number,
            row.tap_ms,
            row.direction,
            tuple(_answer(row.answer).get("remarks", ())),
        )
        for row in connection.execute(query)
    ]


def _answer(stored: str | None) -> dict[str, Any]:
    value = json.loads(stored) if stored else {}
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- what is written


def _answers(connection: Connection, effects: Sequence[Effect]) -> dict[str, dict[str, Any]]:
    columns = registration.c
    query = select(columns.reference, columns.answer).where(
        columns.reference.in_([effect.reference for effect in effects])
    )
    return {row.reference: _answer(row.answer) for row in connection.execute(query)}


def _event(effect: Effect, known: dict[str, dict[str, Any]], now_ms: int) -> RegistrationEvent:
    row = effect.row
    number: int | None = None
    answer: str | None = None
    if row is not None:
        number = row.number
        news = {"status": row.status, "remarks": list(row.remarks)}
        created = {"created": row.created} if row.created else {}
        answer = json.dumps({**known.get(effect.reference, {}), **news, **created})
    return RegistrationEvent(
        effect.reference,
        now_ms,
        effect.state,
        effect.cause,
        number=number,
        answer=answer,
        due_ms=now_ms if effect.state is State.DUE else None,
        actor=ACTOR,
    )


def _report(subject: Subject, seen: Sequence[Seen], comparison: Comparison) -> RunReport:
    return RunReport(
        subject,
        rows=len(seen),
        agreeing=comparison.agreeing,
        steps=len(comparison.effects),
        differences=comparison.differences,
    )


def _keep(connection: Connection, report: RunReport, actor: str, now_ms: int) -> None:
    subject = report.subject
    made = connection.execute(
        insert(reconcile_run).values(
            at_ms=now_ms,
            works_number=subject.works_number,
            day=subject.day.isoformat(),
            regime=subject.regime,
            actor=actor,
            rows=report.rows,
            failed=report.failed,
        )
    )
    run_id = made.inserted_primary_key[0]  # pyright: ignore[reportOptionalSubscript]
    rows = [
        {
            "run_id": run_id,
            "kind": str(one.kind),
            "explained": int(one.explained),
            "reference": one.reference,
            "number": one.number,
            "person_id": one.person_id,
            "detail": one.detail,
        }
        for one in report.differences
    ]
    if rows:
        connection.execute(insert(reconcile_difference), rows)


def _standing(connection: Connection, subject: Subject) -> set[tuple[str, int | None]]:
    """Returns (kind, number) of the unexplained differences of the newest good run."""
    columns = reconcile_run.c
    newest = (
        select(func.max(columns.id))
        .where(
            columns.works_number == subject.works_number,
            columns.day == subject.day.isoformat(),
            columns.regime == subject.regime,
            columns.failed == "",
        )
        .scalar_subquery()
    )
    difference = reconcile_difference.c
    query = select(difference.kind, difference.number).where(
        difference.run_id == newest, difference.explained == 0
    )
    return {(row[0], row[1]) for row in connection.execute(query)}


def subjects_of_day(
    connection: Connection, day: date, works_number: str | None = None
) -> list[Subject]:
    """Returns what there is to ask for on a day, by works number.

    Args:
        works_number: only this one, also when nothing of it is known on that day; None: all that
            had a registration, or whose site had a presence.

    Raises:
        UsageError: HUB-1364, no such works declaration is known.
    """
    number, text = registration.c.works_number, day.isoformat()
    known = select(number, registration.c.regime).where(registration.c.day == text, number != "")
    found = {(row[0], row[1]) for row in connection.execute(known)}
    if works_number is None:
        present = (
            select(works.c.number)
            .join(presence, presence.c.site_id == works.c.site_id)
            .where(presence.c.day == text)
        )
        numbers = set(connection.execute(present).scalars())
    else:
        one = select(works.c.number).where(works.c.number == works_number)
        if connection.execute(one).first() is None:
            raise UsageError("HUB-1364", number=works_number[:40])
        numbers = {works_number}
        found = {subject for subject in found if subject[0] == works_number}
    found |= {(one, regime_on(connection, one, day)) for one in numbers}
    return [Subject(one, day, regime) for one, regime in sorted(found)]
