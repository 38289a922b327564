"""The imports that were made, for whoever may know of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, case, func, select

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.import_undo import runs_within, undoable
from hub.storage.schema import account, audit, import_change, import_run, person
from hub.storage.scope import people_within
from hub.storage.secrets import Vault

SHOWN: Final = 50
"""Most imports that are listed, the newest."""


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody whom taking an import back left as he is; `why` is `changed` or `seen`."""

    name: str
    token: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One import.

    Args:
        handle: stands for it in addresses.
        by: who made it; empty: a command, or an account that is not his to know.
        people_new, people_changed, badges: rows of the register; 0 once the images are gone.
        undone_ms: when it was taken back, UTC milliseconds; None: it stands.
        may_undo: whether it can be taken back.
        left: what stayed when it was taken back.
    """

    handle: str
    at_ms: int
    by: str
    rows: int
    people_new: int
    people_changed: int
    badges: int
    undone_ms: int | None
    may_undo: bool
    left: tuple[Left, ...]


def import_lines(connection: Connection, vault: Vault, actor: Actor) -> list[ImportLine]:
    """Returns the newest imports of this actor's scope, newest first."""
    scope = actor.scope(Action.PEOPLE_IMPORT)
    may = undoable(connection, actor)
    runs = connection.execute(
        select(import_run)
        .where(runs_within(scope, actor))
        .order_by(import_run.c.id.desc())
        .limit(SHOWN)
    ).all()
    counts = _counts(connection, [run.id for run in runs])
    names = _names(connection, actor)
    lines: list[ImportLine] = []
    for run in runs:
        new, changed, badges = counts.get(run.id, (0, 0, 0))
        lines.append(
            ImportLine(
                handle_of(vault, run.id),
                run.at_ms,
                names.get(run.actor, ""),
                run.rows,
                new,
                changed,
                badges,
                run.undone_ms,
                run.id in may,
                () if run.undone_ms is None else _left(connection, actor, run.id),
            )
        )
    return lines


def run_of(connection: Connection, vault: Vault, actor: Actor, handle: str) -> int:
    """Returns the import that may be taken back under this handle.

    Raises:
        UsageError: HUB-1672, there is none.
    """
    for run_id in undoable(connection, actor):
        if handle_of(vault, run_id) == handle:
            return run_id
    raise UsageError("HUB-1672")


def handle_of(vault: Vault, run_id: int) -> str:
    """Returns what stands for an import in addresses and forms."""
    return vault.index("import", str(run_id)).hex()[:16]


def _counts(connection: Connection, runs: list[int]) -> dict[int, tuple[int, int, int]]:
    is_person = import_change.c.place == "person"
    is_new = import_change.c.before.is_(None)
    query = (
        select(
            import_change.c.run_id,
            func.sum(case((is_person & is_new, 1), else_=0)),
            func.sum(case((is_person & ~is_new, 1), else_=0)),
            func.sum(case((import_change.c.place == "badge", 1), else_=0)),
        )
        .where(import_change.c.run_id.in_(runs))
        .group_by(import_change.c.run_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


def _names(connection: Connection, actor: Actor) -> dict[str, str]:
    """Who made an import, of those the actor may know: his company's, or everybody."""
    query = select(account.c.id, account.c.name)
    if not actor.scope(Action.PEOPLE_IMPORT).everything:
        if actor.company_id is None:
            query = query.where(account.c.id == actor.account_id)
        else:
            query = query.where(account.c.company_id == actor.company_id)
    return {f"account:{row.id}": row.name for row in connection.execute(query)}


def _left(connection: Connection, actor: Actor, run_id: int) -> tuple[Left, ...]:
    """Whom the undo left, as far as they are still in the register and the actor sees them."""
    detail = connection.execute(
        select(audit.c.detail)
        .where(audit.c.action == str(Noted.IMPORT_UNDONE), audit.c.subject == f"import:{run_id}")
        .order_by(audit.c.id.desc())
        .limit(1)
    ).scalar()
    if detail is None:
        return ()
    why = {int(number): reason for number, reason in json.loads(detail).get("left", [])}
    query = select(person).where(
        person.c.id.in_(list(why)),
        person.c.erased_ms.is_(None),
        people_within(actor.scope(Action.PEOPLE_SEE)),
    )
    rows: list[Row[Any]] = list(connection.execute(query.order_by(person.c.family_name)))
    return tuple(
        Left(f"{row.given_name} {row.family_name}", row.token, why[row.id]) for row in rows
    )
