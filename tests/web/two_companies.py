"""Two companies on one site, and the same site without the second: what a walk of all routes needs.

The companies: Hoogland declares the works; Aldershof (the one that looks) and Zwartbergen (the one
nobody may see) both work for it. Stellinga works for Aldershof; the agency Uitzicht lends workers
to Aldershof under one works number and to Zwartbergen under another. One man is employed by both.

The rows of Zwartbergen are written first, so that a number of a row given out would differ between
the two worlds; keys, clock and tokens are the same in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, select, update

from hub.application.access import COMMAND, Actor
from hub.domain.audit import Noted
from hub.domain.rights import Role
from hub.settings import ApiSettings, Settings
from hub.storage.audit import note
from hub.storage.companies import below
from hub.storage.contacts import ADDRESS
from hub.storage.engine import open_engine, reading, writing
from hub.storage.plans import Plans, by_itself
from hub.storage.reminding import LIST
from hub.storage.report_schedules import RECIPIENTS
from hub.storage.schema import (
    account,
    alert,
    api_token,
    assignment,
    badge,
    badge_event,
    company,
    company_contact,
    import_run,
    incident,
    notice,
    party,
    person,
    plan_entry,
    presence,
    registration,
    reminder,
    reminder_count,
    reminder_list,
    report_schedule,
    report_sending,
    site,
    stream,
    tap,
    terminal,
    works,
)
from hub.storage.secrets import Vault
from hub.storage.tokens import SCOPES, Tokens
from hub.web.office import Office
from protocol.limits import KEY_SIZE
from protocol.record import DIRECTION_IN, QUALITY_HUB, REASON_NONE, VERDICT_GRANTED
from tests.hub.house import NOON_MS
from tests.web.actors import CSRF

DAY = "2026-11-23"
SHARED, OTHERS_WORKS = "1Y19FAKE001AZ", "1Y19FAKE003CZ"
MAIN, OWN, BELOW, AGENCY = "0999000129", "0999000228", "0999000426", "0999000525"
OTHER = "0999000327"
BOTH_INSS = "85031299761"
OWN_UID, OTHER_UID, NOBODYS_UID = "04A1B2C3D4E501", "04A1B2C3D4E507", "04A1B2C3D4E5EE"
OWN_TOKEN, BELOW_TOKEN, LENT_TOKEN = "a1" * 16, "a2" * 16, "a3" * 16
OTHER_TOKEN, OTHER_TWIN, OTHER_LENT, OTHER_ABROAD = "b1" * 16, "b2" * 16, "b3" * 16, "b4" * 16
LENT_OUT = "a4" * 16

PEOPLE: tuple[dict[str, Any], ...] = (
    # Zwartbergen's, first.
    {"of": OTHER, "token": OTHER_TOKEN, "family_name": "Zwartbergen", "given_name": "Quirijn",
     "inss": "03072199766", "uid": OTHER_UID, "number": 987_650_000_000_001},
    {"of": OTHER, "token": OTHER_TWIN, "family_name": "Kwintelier", "given_name": "Xaviera",
     "inss": BOTH_INSS, "uid": "04A1B2C3D4E508", "number": 987_650_000_000_002},
    {"of": AGENCY, "user": OTHER, "token": OTHER_LENT, "family_name": "Ypermans",
     "given_name": "Wigbold", "inss": "99123199544", "uid": "04A1B2C3D4E509",
     "number": 987_650_000_000_003, "kind": "agency"},
    {"of": OTHER, "token": OTHER_ABROAD, "family_name": "Brzeczyszcz", "given_name": "Zdzislaw",
     "limosa": "24999000000000381", "uid": "04A1B2C3D4E50A", "kind": "foreign"},
    # Aldershof's, and those of whoever works for it.
    {"of": OWN, "token": OWN_TOKEN, "family_name": "Aarts", "given_name": "Milan",
     "inss": BOTH_INSS, "uid": OWN_UID, "number": 900_000_000_000_001},
    {"of": BELOW, "token": BELOW_TOKEN, "family_name": "Baeyens", "given_name": "Lotte",
     "inss": "00010199875", "uid": "04A1B2C3D4E502", "number": 900_000_000_000_002},
    {"of": AGENCY, "user": OWN, "token": LENT_TOKEN, "family_name": "Claes", "given_name": "Noor",
     "inss": "90110599843", "uid": "04A1B2C3D4E503", "number": 900_000_000_000_003,
     "kind": "agency"},
)  # fmt: skip
OTHERS = frozenset({OTHER_TOKEN, OTHER_TWIN, OTHER_LENT, OTHER_ABROAD})
OTHER_NAMES = ("Zwartbergen", "Quirijn", "Kwintelier", "Xaviera", "Ypermans", "Wigbold",
               "Brzeczyszcz", "Zdzislaw", "zwart")  # fmt: skip
REMINDERS = {OTHER: "reminder-zwartbergen", OWN: "reminder-aldershof"}
"""What stands for the reminder to each in addresses."""
_LOGINS = {OTHER: "quirijn@zwartbergen.example", OWN: "milan@aldershof.example"}


@dataclass
class World:
    """One of the two worlds.

    Args:
        office, plans: what the application is made of.
        own: the contractor that looks.
        worker: one of its people.
        bearer: its token for programs, with every scope.
        handles: what stands for badges, accounts, imports and tokens in addresses, by whose.
    """

    office: Office
    engine: Engine
    vault: Vault
    plans: Plans
    own: Actor
    worker: Actor
    bearer: str = field(repr=False)
    handles: dict[str, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def traces(self) -> list[str]:
        """Everything by which Zwartbergen could be recognised in an answer, in lower case."""
        found = [*OTHER_NAMES, OTHER, "0999.000.327", OTHERS_WORKS, *OTHERS]
        found += ["03.07.21", "03072199766", "99.12.31", "99123199544", "24999000000000381"]
        found += ["98765000000000", "werf zuid", *self.handles.get(OTHER, {}).values()]
        for one in PEOPLE:
            if one["token"] in OTHERS:
                tag = self.vault.tag(bytes.fromhex(one["uid"]))
                found += [tag.hex(), self.vault.index("badge", tag.hex()).hex(), one["uid"]]
        return [one.casefold() for one in found]

    def badge_handle(self, uid: str) -> str:
        """What stands for a badge in addresses."""
        return self.vault.index("badge", self.vault.tag(bytes.fromhex(uid)).hex()).hex()


@contextmanager
def two_companies(folder: Path, with_other: bool) -> Iterator[World]:
    """Opens a world.

    Args:
        folder: for its database.
        with_other: whether Zwartbergen is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_engine(folder / "sitegate.db")
    vault = Vault(
        {name: bytes([n]) * KEY_SIZE for n, name in enumerate(("seal", "index", "badge"))}
    )
    try:
        with writing(engine) as connection:
            handles = _Writing(connection, vault, with_other).write()
        with reading(engine) as connection:
            ids: dict[str, int] = {
                row.number: row.id for row in connection.execute(select(company)).all()
            }
            chain = below(connection, ids[OWN])
            me = connection.execute(
                select(person.c.id).where(person.c.token == OWN_TOKEN)
            ).scalar_one()
            account_id = connection.execute(
                select(account.c.id).where(account.c.login == _LOGINS[OWN])
            ).scalar_one()
        own = Actor(
            f"account:{account_id}", Role.CONTRACTOR, "Aldershof", company_id=ids[OWN],
            below=chain, account_id=account_id, csrf=CSRF,
        )  # fmt: skip
        worker = Actor("account:99", Role.WORKER, "Milan", person_id=me, csrf=CSRF)
        office = Office(
            engine, by_itself(engine), vault, lambda: NOON_MS, lambda: None,
            Settings(data=folder, api=ApiSettings(per_minute=100_000)), folder,
        )  # fmt: skip
        plans = Plans(engine, vault, office.clock, time(16), office.write)
        with writing(engine) as connection:
            bearer = Tokens(connection, vault, own, NOON_MS).add("walker", list(SCOPES))
        yield World(office, engine, vault, plans, own, worker, bearer, handles)
    finally:
        engine.dispose()


def handle_of_row(vault: Vault, kind: str, key: int) -> str:
    """What stands for a row in addresses."""
    return vault.index(kind, str(key)).hex()[:16]


class _Writing:
    """Writes the rows of a world."""

    def __init__(self, connection: Connection, vault: Vault, with_other: bool) -> None:
        self._connection = connection
        self._vault = vault
        self._with_other = with_other
        self._companies: dict[str, int] = {}
        self._seq = 0

    def write(self) -> dict[str, dict[str, str]]:
        """Writes all; returns the handles of what has one, by company."""
        if self._with_other:
            self._company(OTHER, "Zwartbergen Betonbouw")
            self._add(site, id=2, name="Werf Zuid")
        self._add(site, id=7, name="Werf Noord")
        self._add(works, number=SHARED, site_id=7, customer="Haven")
        if self._with_other:
            self._add(works, number=OTHERS_WORKS, site_id=2, customer="Zwartbergen Vastgoed")
        for number, name in ((MAIN, "Hoogland"), (OWN, "Aldershof"), (BELOW, "Stellinga")):
            self._company(number, name)
        self._company(AGENCY, "Uitzicht", agency=1)
        self._chain()
        self._add(terminal, id="gate-in", site_id=7, name="In", direction="in",
                  key_sealed=b"", added_ms=NOON_MS)  # fmt: skip
        self._add(stream, id=1, terminal_id="gate-in", journal=b"journal1", first_seen_ms=NOON_MS)
        for one in PEOPLE:
            if self._with_other or one["token"] not in OTHERS:
                self._person(one)
        handles = {}
        for number in (OTHER, OWN):
            if number in self._companies:
                handles[number] = self._office_of(number)
        return handles

    def _chain(self) -> None:
        parties = [
            (SHARED, OTHER, MAIN), (SHARED, MAIN, None), (SHARED, OWN, MAIN),
            (SHARED, BELOW, OWN), (SHARED, AGENCY, OWN),
            (OTHERS_WORKS, OTHER, None), (OTHERS_WORKS, AGENCY, OTHER),
        ]  # fmt: skip
        for number, who, above in parties:
            if self._with_other or (who != OTHER and number == SHARED):
                self._add(
                    party, works_number=number, company_id=self._companies[who],
                    above_id=None if above is None else self._companies[above],
                    amount_cents=1_234_567_00, added_ms=NOON_MS, actor="command",
                )  # fmt: skip

    def _person(self, one: dict[str, Any]) -> None:
        vault, token = self._vault, one["token"]
        employer = self._companies[one["of"]]
        numbers: dict[str, Any] = {}
        for which in ("inss", "limosa"):
            if which in one:
                numbers[f"{which}_sealed"] = vault.seal(which, one[which].encode())
                numbers[f"{which}_index"] = vault.index(which, one[which])
        where = OTHERS_WORKS if token == OTHER_LENT else SHARED
        at_site = 2 if where == OTHERS_WORKS else 7
        key = self._add(
            person, token=token, family_name=one["family_name"], given_name=one["given_name"],
            company_id=employer, works_number=where, language="nl", added_ms=NOON_MS,
            kind=one.get("kind", "employee"),
            user_company_id=self._companies[one["user"]] if "user" in one else None, **numbers,
        )  # fmt: skip
        self._add(assignment, works_number=where, person_id=key, added_ms=NOON_MS, actor="command")
        tag = vault.tag(bytes.fromhex(one["uid"]))
        self._add(badge, tag=tag, person_id=key, state="active", linked_ms=NOON_MS)
        self._add(badge_event, at_ms=NOON_MS, tag=tag, event="linked", person_id=key,
                  actor="command")  # fmt: skip
        self._seq += 1
        self._add(
            tap, stream_id=1, seq=self._seq, terminal_id="gate-in", direction=DIRECTION_IN,
            verdict=VERDICT_GRANTED, reason=REASON_NONE, tag=tag, person_id=key, boot=1,
            ticks_ms=0, quality=QUALITY_HUB, at_ms=NOON_MS, received_ms=NOON_MS,
        )  # fmt: skip
        self._add(
            presence, person_id=key, site_id=at_site, day=DAY, first_in_ms=NOON_MS, last_ms=NOON_MS,
            inside=1, taps=1, received_ms=NOON_MS, terminal_id="gate-in",
        )  # fmt: skip
        self._add(
            registration, reference=f"{token[:20]}0001", person_id=key, site_id=at_site,
            works_number=where, day=DAY, cause="answered" if "number" in one else "first_tap",
            state="registered" if "number" in one else "due", number=one.get("number"),
            tap_ms=NOON_MS, due_ms=NOON_MS, changed_ms=NOON_MS,
            answer=json.dumps({"remarks": []}),
        )  # fmt: skip
        self._add(plan_entry, person_id=key, works_number=where, day=DAY, source="file",
                  planned_ms=NOON_MS, actor="command")  # fmt: skip
        note(self._connection, vault, NOON_MS, "command", Noted.PERSON_ADDED, f"person:{key}",
             company_id=employer)  # fmt: skip

    def _office_of(self, number: str) -> dict[str, str]:
        """Accounts, alerts, imports, tokens of a company; returns what stands for them."""
        vault, mine = self._vault, self._companies[number]
        # The rows of Aldershof have these numbers in both worlds, since their handles follow.
        key = 50 if number == OWN else 1
        login = _LOGINS[number]
        self._add(account, id=key, login=login, name=login.partition("@")[0].title(),
                  role="contractor", company_id=mine, added_ms=NOON_MS,
                  added_by="command")  # fmt: skip
        self._add(import_run, id=key, at_ms=NOON_MS, actor=f"account:{key}", company_id=mine,
                  rows=4321 if number == OTHER else 3)  # fmt: skip
        self._add(incident, at_ms=NOON_MS, code="HUB-1205", detail="")
        Tokens(self._connection, vault, COMMAND, NOON_MS).add(
            "zwartplanner" if number == OTHER else "planner", ["plan"], number
        )
        self._connection.execute(
            update(api_token).where(api_token.c.company_id == mine).values(id=key)
        )
        where = 2 if number == OTHER else 7
        details = {"site": "Werf Zuid" if number == OTHER else "Werf Noord", "gate": "In",
                   "minutes": 10}  # fmt: skip
        self._add(
            alert, id=key, kind="silent", subject=f"gate-{where}", site_id=where,
            details=json.dumps(details), amount=1, told_amount=1, first_ms=NOON_MS,
            risen_ms=NOON_MS, acked_by="", ack_note="", step=1, step_ms=NOON_MS,
        )  # fmt: skip
        self._reminded(number, key, where)
        to = json.dumps([login])
        self._add(
            report_schedule, id=key, account_id=key, kind="exceptions", sites="", form="csv",
            language="nl", recipients_sealed=vault.seal(RECIPIENTS, to.encode()), rhythm="daily",
            cover="yesterday", weekdays="", at="06:30", active=1, settled_ms=NOON_MS, version=1,
            made_ms=NOON_MS, made_by=f"account:{key}",
        )  # fmt: skip
        self._add(
            report_sending, schedule_id=key, due_ms=NOON_MS, asked=1, at_ms=NOON_MS,
            state="failed", code="HUB-1866", rows=0, late=0, notices="[]",
        )  # fmt: skip
        kinds = ("account", "alert", "import", "schedule", "token")
        return {kind: handle_of_row(vault, kind, key) for kind in kinds}

    def _reminded(self, number: str, key: int, where: int) -> None:
        """A reminder to a company, with its list."""
        vault, host = self._vault, "zwartbergen" if number == OTHER else "aldershof"
        address = f"bureau@{host}.example"
        sealed = vault.seal(ADDRESS, address.encode())
        self._add(company_contact, company_id=self._companies[number], address_sealed=sealed,
                  language="nl", changed_ms=NOON_MS)  # fmt: skip
        self._add(notice, id=key, handle=f"mail-{host}", channel="mail", recipient=address,
                  language="nl", made_ms=NOON_MS, content="{}", attempts=1, next_try_ms=0, code="",
                  ended_ms=NOON_MS, state="sent")  # fmt: skip
        self._add(
            reminder, id=key, handle=REMINDERS[number], act=f"act-{host}", at_ms=NOON_MS,
            actor="command", company_id=self._companies[number], address_sealed=sealed,
            language="nl", first_day=DAY, last_day=DAY, rows=1, subject=f"Aan {host}",
            text=f"Aan {host}: 1 aanwezigheid", text_digest="0" * 64, list_digest="1" * 64,
            notice_handle=f"mail-{host}",
        )  # fmt: skip
        self._add(reminder_count, reminder_id=key, site_id=where, day=DAY, rows=1)
        self._add(reminder_list, reminder_id=key, at_ms=NOON_MS, name="lijst.pdf",
                  media_type="application/pdf", sealed=vault.seal(LIST, host.encode()))  # fmt: skip

    def _company(self, number: str, name: str, agency: int = 0) -> None:
        self._companies[number] = self._add(company, number=number, name=name, agency=agency)

    def _add(self, table: Table, **values: Any) -> int:
        result = self._connection.execute(insert(table).values(**values))
        key = result.inserted_primary_key
        return key[0] if key is not None and isinstance(key[0], int) else 0
