"""`SchedulePort` on the database: what is due, with whose rights, and what became of it.

A due time is settled by moving the mark of its schedule on. That, the row that tells of it, and
that its mails may leave the outbox are one transaction; the mails were put there before, as drafts,
which nothing sends. Two hubs, or a hub and a command, that make the same report at once settle it
once: the second finds the mark moved.
"""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, insert, or_, select, update

from hub.application.access import COMMAND, Actor
from hub.application.report_sending import Due, Outcome, ReportMail, Schedule
from hub.domain.audit import Noted
from hub.domain.report_times import Verdict
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.notices import Write, discard, mailing, release, sealed_files
from hub.storage.report_schedules import schedule_of
from hub.storage.schema import report_schedule, report_sending
from hub.storage.secrets import Vault
from hub.storage.sessions import actor_of

DRAFT_MS: Final = 3_600_000
"""A draft that is older was left by somebody who ended before he released it."""


class ReportSendings:
    """See `SchedulePort`.

    Args:
        engine: to read.
        write: carries out each change.
        vault: opens addresses, seals files.
    """

    def __init__(self, engine: Engine, write: Write, vault: Vault) -> None:
        self._engine = engine
        self._write = write
        self._vault = vault

    def waiting(self) -> list[Schedule]:
        """See `SchedulePort`."""
        columns = report_schedule.c
        wanted = or_(columns.active == 1, columns.asked_ms.is_not(None))
        query = select(report_schedule).where(wanted).order_by(columns.id)
        with reading(self._engine) as connection:
            return [schedule_of(row, self._vault) for row in connection.execute(query)]

    def owner(self, schedule: Schedule, /) -> Actor | None:
        """See `SchedulePort`."""
        with reading(self._engine) as connection:
            return _owner(connection, schedule)

    def settle(
        self,
        schedule: Schedule,
        due: Due,
        outcome: Outcome,
        mail: ReportMail | None,
        owner: Actor | None,
        now_ms: int,
        /,
    ) -> bool:
        """See `SchedulePort`."""
        handles = [] if mail is None else self._drafts(schedule, mail, now_ms)

        def keep(connection: Connection) -> bool:
            kept = mail is None or _owner(connection, schedule) == owner
            kept = kept and _moved(connection, schedule, due)
            if kept:
                release(connection, handles)
                self._keep(connection, schedule, due, outcome, handles, now_ms)
                if mail is not None:
                    self._note(connection, schedule, due, outcome, owner, now_ms)
            discard(connection, handles, now_ms - DRAFT_MS)
            return kept

        return self._write(keep)

    def _drafts(self, schedule: Schedule, mail: ReportMail, now_ms: int) -> list[str]:
        """Puts the mails down, each in a transaction of its own; none is sent yet.

        A file of ten megabytes takes a slow disk a second for each recipient. So taps that come
        meanwhile wait for one of them at most, and what decides that all are sent is as short as
        ever.
        """
        sealed = sealed_files(self._vault, mail.attachments)

        def put(connection: Connection, to: str) -> list[str]:
            return mailing(connection, self._vault, now_ms, sealed, draft=True).queue_mail(
                [to], schedule.language, mail.key, mail.values, mail.attachments, mail.link
            )

        return [
            handle
            for to in schedule.recipients
            for handle in self._write(lambda connection, to=to: put(connection, to))
        ]

    def _keep(
        self,
        connection: Connection,
        schedule: Schedule,
        due: Due,
        outcome: Outcome,
        handles: list[str],
        now_ms: int,
    ) -> None:
        connection.execute(
            insert(report_sending).values(
                schedule_id=schedule.id,
                due_ms=due.at_ms,
                asked=int(due.asked),
                at_ms=now_ms,
                state=outcome.state,
                code=outcome.code,
                rows=outcome.rows,
                late=int(due.verdict is Verdict.LATE),
                notices=json.dumps(handles),
            )
        )

    def _note(
        self,
        connection: Connection,
        schedule: Schedule,
        due: Due,
        outcome: Outcome,
        owner: Actor | None,
        now_ms: int,
    ) -> None:
        note(
            connection,
            self._vault,
            now_ms,
            "hub",
            Noted.REPORT_SENT,
            f"schedule:{schedule.id}",
            company_id=None if owner is None else owner.company_id,
            report=str(schedule.kind),
            form=schedule.form,
            state=outcome.state,
            rows=outcome.rows,
            recipients=len(schedule.recipients),
            asked=due.asked,
        )


def _owner(connection: Connection, schedule: Schedule) -> Actor | None:
    if schedule.account_id is None:
        return COMMAND
    return actor_of(connection, schedule.account_id)


def _moved(connection: Connection, schedule: Schedule, due: Due) -> bool:
    """Moves the mark of a schedule over a due time; False: it is over it, or all is changed."""
    columns = report_schedule.c
    where: list[ColumnElement[bool]] = [
        columns.id == schedule.id,
        columns.version == schedule.version,
    ]
    if due.asked:
        where.append(columns.asked_ms == due.at_ms)
        statement = update(report_schedule).values(asked_ms=None)
    else:
        where += [columns.active == 1, columns.settled_ms < due.at_ms]
        statement = update(report_schedule).values(settled_ms=due.at_ms)
    return connection.execute(statement.where(*where)).rowcount == 1
