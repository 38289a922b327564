"""Taking back the last import: each row as it was, unless somebody changed it since.

A row is put back when it still is what the import made of it. What was changed since stays as it
is and is told. A person who was new in the import is taken out again (name and numbers; the row
stays, so that its number never is another person's) unless he was seen or planned since: then he
stays, with his badge. Registrations are never touched, and neither are the companies, works and
sites that the import made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from hub.application.access import Actor, Scope
from hub.domain.audit import Noted
from hub.domain.people import sought_as
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.badge_history import RELEASED, badge_events
from hub.storage.import_images import KEYS, TABLES, Image, opened, rows_now
from hub.storage.known_people import chunks
from hub.storage.many import ManyRows
from hub.storage.register import Register
from hub.storage.schema import (
    account,
    assignment,
    badge,
    badge_event,
    import_change,
    import_run,
    link,
    person,
    plan_entry,
    plan_pattern,
    presence,
    registration,
)
from hub.storage.secrets import Vault

CHANGED: Final = "changed"
SEEN: Final = "seen"
UNDONE_NOTE: Final = "import undone"
_BLANK: Final = {
    "family_name": "",
    "given_name": "",
    "sought_as": "",
    "inss_sealed": None,
    "inss_index": None,
    "limosa_sealed": None,
    "limosa_index": None,
    "foreign_vat": None,
    "limosa_from": None,
    "limosa_until": None,
}
_DELETE_BADGES: Final = ManyRows(
    delete(badge).where(badge.c.tag == bindparam("its_tag")), ["its_tag"]
)
_BLANK_PEOPLE: Final = ManyRows(
    update(person)
    .where(person.c.id == bindparam("its_id"))
    .values(**_BLANK, erased_ms=bindparam("at_ms"), changed_ms=bindparam("at_ms")),
    ["its_id", "at_ms"],
)
_INSERT_EVENTS: Final = ManyRows(
    insert(badge_event), ["at_ms", "tag", "event", "person_id", "actor", "note"]
)
_USED: Final = (presence, registration, plan_entry, plan_pattern, assignment, account, link)


@dataclass(slots=True)
class Undone:
    """What came of it.

    Args:
        run_id: the import.
        restored: rows that are as they were before.
        removed: people who were new in it and are gone.
        left: (person, `changed` or `seen`) of what stays as it is now.
    """

    run_id: int
    restored: int = 0
    removed: int = 0
    left: list[tuple[int, str]] = field(default_factory=list)


def runs_within(scope: Scope, actor: Actor) -> Any:
    """Returns the condition on `import_run`: those an actor may know of."""
    if scope.everything:
        return true()
    if scope.companies:
        return import_run.c.company_id.in_(scope.companies)
    return import_run.c.company_id.is_(None) & (import_run.c.actor == actor.name)


def undoable(connection: Connection, actor: Actor) -> dict[int, Row[Any]]:
    """Returns the imports that may be taken back, by their number: the last of each company, and
    the last of each who imports for several; none whose images are gone."""
    scope = actor.scope(Action.PEOPLE_IMPORT)
    query = select(import_run).where(runs_within(scope, actor)).order_by(import_run.c.id.desc())
    # An import that changed nothing is none to take back, and hides none.
    kept = set(connection.execute(select(import_change.c.run_id).distinct()).scalars())
    last: dict[object, Row[Any]] = {}
    for row in connection.execute(query.where(import_run.c.undone_ms.is_(None))):
        if row.id in kept:
            last.setdefault(row.actor if row.company_id is None else row.company_id, row)
    return {row.id: row for row in last.values()}


class ImportUndo:
    """Takes an import back, inside one write transaction.

    Args:
        connection: the write transaction.
        vault: opens the images.
        actor: who asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    def undo(self, run_id: int | None = None) -> Undone:
        """Takes back an import; the newest that may be, when none is named.

        Raises:
            UsageError: HUB-1672, there is none, or it is not the last, or it was taken back.
        """
        found = undoable(self._connection, self._actor)
        if run_id is None:
            own = [n for n, row in found.items() if row.actor == self._actor.name]
            run_id = max(own, default=0)
        run = found.get(run_id)
        if run is None:
            raise UsageError("HUB-1672")
        done = Undone(run_id)
        self._stays: set[int] = set()
        self._badges_gone: list[dict[str, Any]] = []
        self._people_gone: list[int] = []
        self._events: list[dict[str, Any]] = []
        rows = self._connection.execute(
            select(import_change)
            .where(import_change.c.run_id == run_id)
            .order_by(import_change.c.id.desc())
        ).all()
        by_place = {place: [row for row in rows if row.place == place] for place in TABLES}
        self._find_who_stays(by_place["person"])
        # Badges before people: a person is taken out when he has none any more.
        for place in ("badge", "person", "works", "company"):
            now = rows_now(self._connection, place, [row.row for row in by_place[place]])
            for row in by_place[place]:
                self._row(place, row, now.get(row.row), done)
            self._keep(done)
        self._connection.execute(
            update(import_run)
            .where(import_run.c.id == run_id)
            .values(undone_ms=self._now_ms, undone_by=self._actor.name)
        )
        Register(self._connection, self._vault).changed(self._now_ms)
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            Noted.IMPORT_UNDONE,
            f"import:{run_id}",
            company_id=run.company_id,
            restored=done.restored,
            removed=done.removed,
            left=[list(one) for one in done.left],
        )
        return done

    def _find_who_stays(self, rows: list[Row[Any]]) -> None:
        """The people who were new in the import and have been seen or planned since."""
        new = [int(row.row) for row in rows if row.before is None]
        for table in _USED:
            found = self._connection.execute(
                select(table.c.person_id).where(table.c.person_id.is_not(None)).distinct()
            )
            self._stays.update(set(found.scalars()) & set(new))

    def _row(self, place: str, row: Row[Any], now: Image | None, done: Undone) -> None:
        before, after = opened(self._vault, row.before), opened(self._vault, row.after)
        now = _as_kept(now, after or before)
        if now == before:
            return
        if now is None or after is None or now != after:
            self._leave(place, now or after, CHANGED, done)
        elif place == "badge":
            self._badge(before, now, done)
        elif before is None:
            self._people_gone.append(now["id"])
        else:
            table, key = TABLES[place], KEYS[place]
            new = {name: value for name, value in before.items() if value != now[name]}
            if place == "person":
                new["sought_as"] = sought_as(before["given_name"], before["family_name"])
            if place == "person" and "changed_ms" in new:
                # What is sent of him changes again.
                new["changed_ms"] = self._now_ms
            try:
                with self._connection.begin_nested():
                    self._connection.execute(
                        update(table).where(table.c[key] == now[key]).values(**new)
                    )
            except IntegrityError:
                # Its number is another row's since.
                self._leave(place, now, CHANGED, done)
                return
            done.restored += 1

    def _badge(self, before: Image | None, now: Image, done: Undone) -> None:
        if now["person_id"] in self._stays:
            return  # told with the person
        tag = now["tag"]
        if before is not None and self._is_erased(before["person_id"]):
            self._leave("badge", now, CHANGED, done)
            return
        if before is None:
            self._badges_gone.append({"its_tag": tag})
            self._event(tag, RELEASED, now["person_id"])
        else:
            self._connection.execute(update(badge).where(badge.c.tag == tag).values(**before))
            for event, whose in badge_events(now, before):
                self._event(tag, event, whose)
        done.restored += 1

    def _is_erased(self, person_id: int) -> bool:
        query = select(person.c.erased_ms).where(person.c.id == person_id)
        return self._connection.execute(query).scalar() is not None

    def _keep(self, done: Undone) -> None:
        """Writes what was collected of one table: thousands of rows, few statements."""
        _DELETE_BADGES.run(self._connection, self._badges_gone)
        _INSERT_EVENTS.run(self._connection, self._events)
        self._badges_gone, self._events = [], []
        with_badge: set[int] = set()
        for part in chunks(self._people_gone):
            query = select(badge.c.person_id).where(badge.c.person_id.in_(part)).distinct()
            with_badge.update(self._connection.execute(query).scalars())
        gone: list[dict[str, Any]] = []
        for person_id in self._people_gone:
            if person_id in self._stays or person_id in with_badge:
                done.left.append((person_id, SEEN if person_id in self._stays else CHANGED))
            else:
                gone.append({"its_id": person_id, "at_ms": self._now_ms})
        _BLANK_PEOPLE.run(self._connection, gone)
        done.removed += len(gone)
        self._people_gone = []

    def _leave(self, place: str, row: Image | None, why: str, done: Undone) -> None:
        if place == "person" and row is not None:
            done.left.append((row["id"], why))
        elif place == "badge" and row is not None:
            done.left.append((row["person_id"], why))
        else:
            done.left.append((0, why))

    def _event(self, tag: bytes, event: str, person_id: int) -> None:
        self._events.append(
            {
                "at_ms": self._now_ms,
                "tag": tag,
                "event": event,
                "person_id": person_id,
                "actor": self._actor.name,
                "note": UNDONE_NOTE,
            }
        )


def _as_kept(now: Image | None, image: Image | None) -> Image | None:
    """A row with the columns of its image: an older Sitegate kept fewer."""
    if now is None or image is None:
        return now
    return {name: value for name, value in now.items() if name in image}
