"""People of a file into the register, within what the one who hands it in may write about.

A contractor writes about his own company's people only. Whether somebody is known elsewhere makes
no difference to him: people are found again by number *and* employer, a badge of somebody else's is
refused in the same words whosesoever it is, and he makes no company, works or site. The office of
the hub makes what a row names; there a person with one row under another employer has changed
employers and moves.

Everything that is changed is kept as it was and as it became (`hub.storage.import_images`), each
badge has its step of history, and the audit tells who imported whom.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.access import Actor
from hub.application.people_rows import PersonRow, Rules
from hub.application.people_table import Problem, Severity
from hub.domain.audit import Noted
from hub.domain.badges import ACTIVE
from hub.domain.identifiers import CompanyNumber
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.people import sought_as
from hub.domain.rights import Action
from hub.storage.adoption import adopt_many
from hub.storage.audit import note
from hub.storage.badge_history import badge_events
from hub.storage.import_images import Image, Images, image_of
from hub.storage.known_people import NUMBERS, KnownBadges, KnownPeople
from hub.storage.schema import (
    badge,
    badge_event,
    company,
    import_run,
    party,
    person,
    site,
    works,
)
from hub.storage.scope import people_within, works_within
from hub.storage.secrets import Vault
from hub.storage.turning import becomes_worker, turn

SENT: Final = ("inss_index", "limosa_index", "company_id", "works_number", "foreign_vat")
"""Columns of a person that decide what the authority is told."""
_SEALED: Final = ("inss_sealed", "limosa_sealed")


@dataclass(slots=True)
class Imported:
    """What an import changed."""

    rows: int = 0
    people_new: int = 0
    people_changed: int = 0
    badges_new: int = 0
    badges_moved: int = 0
    run_id: int = 0
    added: list[int] = field(default_factory=list, repr=False)
    changed: list[int] = field(default_factory=list, repr=False)


class PeopleImport:
    """The import of one actor, inside one open transaction.

    Args:
        connection: a write transaction for `write`.
        vault: seals numbers, and turns card UIDs into tags.
        actor: who hands the file in; his right `PEOPLE_IMPORT` says about whom.
        now_ms: UTC milliseconds.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        actor: Actor,
        now_ms: int,
        window_ms: int = WINDOW_MS,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._window_ms = window_ms
        self._scope = actor.scope(Action.PEOPLE_IMPORT)
        self._own = next(iter(self._scope.companies), None)
        self._done = Imported()
        self._sites: dict[str, int] = {}
        self._works: dict[str, int] = {}
        self._companies: dict[str, tuple[int, str]] = {}
        self._events: list[dict[str, object]] = []
        self._linked: dict[bytes, int] = {}
        self._turned: list[tuple[int, int | None, str, str]] = []

    # ------------------------------------------------------------ what may be said

    def rules(self, language: str = "") -> Rules:
        """Returns what a file of this actor may say.

        Args:
            language: of people whose row does not say it; empty: each row must.
        """
        if self._scope.everything:
            return Rules(language=language)
        found = self._connection.execute(
            select(works.c.number).where(works_within(self._scope)).order_by(works.c.number)
        )
        numbers = tuple(found.scalars())
        if self._own is None:
            return Rules(works=numbers, language=language)
        above = select(party.c.above_id).where(party.c.company_id == self._own)
        users = self._connection.execute(
            select(company.c.number).where(company.c.id.in_(above) | (company.c.id == self._own))
        )
        number = self._connection.execute(
            select(company.c.number).where(company.c.id == self._own)
        ).scalar_one()
        return Rules(CompanyNumber(number), numbers, frozenset(users.scalars()), language)

    def problems(self, rows: Sequence[PersonRow]) -> list[Problem]:
        """Returns what the register has against these rows.

        IMP-2029: the badge is somebody's that this actor may not touch. IMP-2030: the person is
        known outside of what a supervisor sees.
        """
        if self._scope.everything:
            return []
        if self._own is not None:
            query = (
                select(badge.c.tag)
                .join(person)
                .where(person.c.company_id.is_(None) | (person.c.company_id != self._own))
            )
            others = {bytes(tag) for tag in self._connection.execute(query).scalars()}
            return [
                Problem(row.row, "badge_uid", Severity.ERROR, "IMP-2029")
                for row in rows
                if row.badge_uid is not None and self._vault.tag(row.badge_uid.reveal()) in others
            ]
        return [
            Problem(row.row, None, Severity.ERROR, "IMP-2030")
            for row in rows
            if self._is_outside(row)
        ]

    def _is_outside(self, row: PersonRow) -> bool:
        company_id = self._known_company(row.company_number)
        for which, index in self._numbers(row).items():
            query = select(person.c.id).where(
                person.c[f"{which}_index"] == index, _employed_by(company_id)
            )
            if self._connection.execute(query).first() is not None:
                inside = query.where(people_within(self._scope))
                return self._connection.execute(inside).first() is None
        return False

    # ------------------------------------------------------------ writing

    def write(self, rows: Iterable[PersonRow], backup: str = "") -> Imported:
        """Writes all rows: people are found again by number and employer, badges by their tag.

        People and badges that the rows do not name stay as they are, an empty cell changes
        nothing, and a badge of the same person stays blocked or open when its row does not say
        which.

        Args:
            rows: without a problem, of `check_people` and of `problems`.
            backup: file name of the copy that was made before; empty: none.
        """
        people = list(rows)
        self._done = Imported(rows=len(people), run_id=self._begin(len(people), backup))
        self._images = Images(self._connection, self._vault, self._done.run_id)
        self._read_known(people)
        for row in people:
            person_id = self._person(row)
            if row.badge_uid is not None:
                self._badge(row, person_id)
        self._known.keep()
        self._badges.keep()
        self._images.keep()
        if self._events:
            self._connection.execute(insert(badge_event), self._events)
        adopt_many(self._connection, self._linked, self._now_ms, self._window_ms)
        self._turn()
        self._done.people_new = len(self._done.added)
        self._done.people_changed = len(self._done.changed)
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            Noted.PEOPLE_IMPORTED,
            f"import:{self._done.run_id}",
            company_id=self._own,
            rows=len(people),
            added=self._done.added,
            changed=self._done.changed,
            badges_new=self._done.badges_new,
            badges_moved=self._done.badges_moved,
        )
        return self._done

    def _turn(self) -> None:
        """Decides anew about today for those who turn out to work here, or not to."""
        for person_id, company_id, was, becomes in self._turned:
            details: dict[str, Any] = {"changed": ["kind"], "kind": [was, becomes]}
            if becomes_worker(was, becomes):
                # The projection reads this word: before this day he was no worker here.
                details["became_worker"] = True
            note(
                self._connection,
                self._vault,
                self._now_ms,
                self._actor.name,
                Noted.PERSON_CHANGED,
                f"person:{person_id}",
                company_id=company_id,
                **details,
            )
            turn(
                self._connection,
                person_id,
                was,
                becomes,
                self._now_ms,
                self._actor.name,
                self._window_ms,
            )

    def _begin(self, rows: int, backup: str) -> int:
        return self._insert(
            insert(import_run).values(
                at_ms=self._now_ms,
                actor=self._actor.name,
                company_id=self._own,
                rows=rows,
                backup=backup,
            )
        )

    def _read_known(self, people: list[PersonRow]) -> None:
        numbers = [self._numbers(row) for row in people]
        indexes = {which: [one[which] for one in numbers if which in one] for which in NUMBERS}
        self._known = KnownPeople(self._connection, indexes)
        tags = [self._tag(row) for row in people]
        self._badges = KnownBadges(self._connection, [tag for tag in tags if tag is not None])

    def _numbers(self, row: PersonRow) -> dict[str, bytes]:
        """The blind indexes of the numbers in a row, the surer number first."""
        return {
            which: self._vault.index(which, number.reveal())
            for which, number in (("inss", row.inss), ("limosa", row.limosa))
            if number is not None
        }

    def _tag(self, row: PersonRow) -> bytes | None:
        return None if row.badge_uid is None else self._vault.tag(row.badge_uid.reveal())

    def _insert(self, statement: object) -> int:
        result = self._connection.execute(statement)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return int(result.inserted_primary_key[0])

    # ------------------------------------------------------------ works and companies

    def _place(self, row: PersonRow) -> None:
        """Makes the site and the works that a row of the office names."""
        if not self._scope.everything or not row.site:
            return
        site_id = self._sites.get(row.site)
        if site_id is None:
            found = self._connection.execute(
                select(site.c.id).where(site.c.name == row.site)
            ).scalar()
            site_id = found or self._insert(insert(site).values(name=row.site))
            self._sites[row.site] = site_id
        number = row.works_number
        if self._works.get(number) == site_id:
            return
        known = self._connection.execute(select(works).where(works.c.number == number)).first()
        statement = upsert(works).values(number=number, site_id=site_id)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["number"], set_={"site_id": site_id})
        )
        if known is not None and known.site_id != site_id:
            before = image_of(known._mapping, works)
            self._images.changed("works", before, {**before, "site_id": site_id})
        self._works[number] = site_id

    def _known_company(self, number: str | None) -> int | None:
        if number is None:
            return None
        return self._connection.execute(
            select(company.c.id).where(company.c.number == number)
        ).scalar()

    def _company(self, number: str, name: str) -> int:
        known = self._companies.get(number)
        if known is not None and (not name or known[1] == name):
            return known[0]
        found = self._connection.execute(select(company).where(company.c.number == number)).first()
        if found is None:
            company_id = self._insert(insert(company).values(number=number, name=name or number))
        else:
            company_id = found.id
            if name and name != found.name and self._scope.everything:
                before = image_of(found._mapping, company)
                self._images.changed("company", before, {**before, "name": name})
                self._connection.execute(
                    update(company).where(company.c.id == company_id).values(name=name)
                )
        self._companies[number] = (company_id, name)
        return company_id

    # ------------------------------------------------------------ people

    def _person(self, row: PersonRow) -> int:
        self._place(row)
        values = self._values(row)
        known = self._find(row, values["company_id"], values.get("user_company_id"))
        if known is None:
            return self._add(row, values)
        if row.limosa is not None and known["limosa_index"] != values["limosa_index"]:
            self._take_limosa(known["id"], values)
        new = {
            name: value
            for name, value in values.items()
            if name not in _SEALED and known[name] != value
        }
        for which in NUMBERS:
            if f"{which}_index" in new:
                new[f"{which}_sealed"] = values[f"{which}_sealed"]
        if not new:
            return int(known["id"])
        if any(name in new for name in SENT):
            new["changed_ms"] = self._now_ms
        self._images.changed("person", known, self._known.change(known, new))
        self._done.changed.append(known["id"])
        if "kind" in new:
            turned = (known["id"], values["company_id"], known["kind"], new["kind"])
            self._turned.append(turned)
        return int(known["id"])

    def _values(self, row: PersonRow) -> dict[str, Any]:
        values: dict[str, Any] = {
            "family_name": row.family_name,
            "given_name": row.given_name,
            "sought_as": sought_as(row.given_name, row.family_name),
            "company_id": self._company(row.company_number, row.company_name)
            if row.company_number
            else None,
            "works_number": row.works_number,
            "language": row.language,
        }
        # An empty cell says nothing: what was known stays.
        if row.foreign_vat:
            values["foreign_vat"] = row.foreign_vat
        if row.kind:
            values["kind"] = row.kind
        if row.user_company_number is not None:
            values["user_company_id"] = self._company(row.user_company_number, "")
        for name, day in (("limosa_from", row.limosa_from), ("limosa_until", row.limosa_until)):
            if day is not None:
                values[name] = day.isoformat()
        for which, number in (("inss", row.inss), ("limosa", row.limosa)):
            if number is not None:
                values[f"{which}_index"] = self._vault.index(which, number.reveal())
                values[f"{which}_sealed"] = self._vault.seal(which, number.reveal().encode())
        return values

    def _find(
        self, row: PersonRow, company_id: int | None, user_company_id: int | None
    ) -> Image | None:
        numbers = self._numbers(row)
        if not numbers:
            # A visitor or a delivery: there is no number to know him by.
            named = self._known.named(row.family_name, row.given_name)
            return next((one for one in named if one["company_id"] == company_id), None)
        for which, index in numbers.items():
            found = self._known.with_number(which, index)
            if which == "limosa" and "inss" in numbers:
                # With another national number he is somebody else.
                found = [one for one in found if one["inss_index"] is None]
            own = [one for one in found if one["company_id"] == company_id]
            # Whom an agency lends to several is known several times, once for each of them.
            known = next(
                (one for one in own if one["user_company_id"] == user_company_id),
                own[0] if own else None,
            )
            if known is None and self._scope.everything and len(found) == 1:
                # Under one other employer, he has changed employers; under several, nobody knows.
                known = found[0]
            if known is not None:
                return known
        return None

    def _add(self, row: PersonRow, values: dict[str, Any]) -> int:
        kind = "foreign" if row.inss is None and row.limosa is not None else "employee"
        if row.limosa is not None:
            self._take_limosa(0, values)
        image = self._known.add(
            {
                "kind": kind,
                **values,
                "token": os.urandom(16).hex(),
                "changed_ms": self._now_ms,
                "added_ms": self._now_ms,
            }
        )
        self._images.changed("person", None, image)
        self._done.added.append(image["id"])
        return int(image["id"])

    def _take_limosa(self, person_id: int, values: dict[str, Any]) -> None:
        """One declaration is one person's of an employer, and for the office one person's."""
        for other in self._known.with_number("limosa", values["limosa_index"]):
            everywhere = self._scope.everything and person_id != 0
            if other["id"] == person_id or not (
                everywhere or other["company_id"] == values["company_id"]
            ):
                continue
            gone = {"limosa_index": None, "limosa_sealed": None}
            self._images.changed("person", other, self._known.change(other, gone))

    # ------------------------------------------------------------ badges

    def _badge(self, row: PersonRow, person_id: int) -> None:
        tag = self._tag(row)
        if tag is None:
            return
        values: dict[str, Any] = {
            "person_id": person_id,
            "valid_until": _iso(row.valid_until),
            "valid_from": _iso(row.valid_from),
        }
        if row.badge_state:
            values["state"] = row.badge_state
        known = self._badges.with_tag(tag)
        if known is None or known["person_id"] != person_id:
            # Found again and given to somebody else: whatever it was blocked for is over.
            values.setdefault("state", ACTIVE)
            values["linked_ms"] = self._now_ms
            self._linked[tag] = person_id
        for event, whose in badge_events(known, values):
            self._event(tag, event, whose)
        if known is None:
            image = {"tag": tag, **values}
            self._badges.add(image)
            self._images.changed("badge", None, image)
            self._done.badges_new += 1
            return
        self._done.badges_moved += known["person_id"] != person_id
        new = {name: value for name, value in values.items() if known[name] != value}
        if new:
            self._images.changed("badge", known, self._badges.change(known, new))

    def _event(self, tag: bytes, event: str, person_id: int) -> None:
        self._events.append(
            {
                "at_ms": self._now_ms,
                "tag": tag,
                "event": event,
                "person_id": person_id,
                "actor": self._actor.name,
                "note": "",
            }
        )


def _employed_by(company_id: int | None) -> Any:
    return (
        person.c.company_id.is_(None) if company_id is None else person.c.company_id == company_id
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
