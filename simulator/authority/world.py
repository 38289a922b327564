"""The world file: a small invented country in TOML, read strictly and resolved for one day.

Days in the file are whole numbers, offsets from the Belgian day on which the simulator starts, or
plain dates; a day left out means "no limit on that side". Every number in the file is invented.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import cast, final

from simulator.authority import numbers
from simulator.authority.clients import SCOPES, Client, KeyMaterialError, public_key
from simulator.authority.clock import BRUSSELS
from simulator.authority.presence import Sender
from simulator.authority.registers import (
    Company,
    Dimona,
    Limosa,
    Party,
    Period,
    Person,
    Works,
    World,
    subject_to_registration,
)
from simulator.authority.senders import Certificates, find_certificates


class WorldFileError(Exception):
    """The world file must be changed by its author; the text names the place, never a person."""


def load_world(path: Path, today: date) -> World:
    """Reads a world file and resolves its days; every number in it passes its check rule.

    Args:
        path: TOML file.
        today: the Belgian day that offset 0 stands for.

    Raises:
        WorldFileError: unreadable, an unknown key, a wrong type, or an impossible number.
    """
    try:
        tables = cast("dict[str, object]", tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise WorldFileError(f"{path.name}: {type(problem).__name__}") from problem
    file = Table(path.name, tables)
    clients = [
        Client(
            row.text("id"),
            row.text("sender"),
            row.texts("scopes", SCOPES),
            row.certificate("certificate", path.parent),
            row.flag("permitted", default=True),
        )
        for row in file.rows("client")
    ]
    senders: list[Sender] = []
    certificates: dict[str, Certificates] = {}
    for row in file.rows("sender"):
        senders.append(Sender(row.text("id"), row.company("company"), row.text("user_type")))
        if row.has("certificate"):
            certificates[senders[-1].id] = row.certificates("certificate", path.parent)
    companies = [
        Company(
            row.company("number"), row.period(today), frozenset(row.inss_list("founders", today))
        )
        for row in file.rows("company")
    ]
    people: list[Person] = []
    dimonas: list[Dimona] = []
    for row in file.rows("person"):
        inss = row.inss("inss", today)
        after = row.inss("replaced_by", today) if row.has("replaced_by") else None
        people.append(Person(inss, row.flag("self_employed", default=False), after))
        row.note()
        for entry in row.rows("dimona"):
            period = entry.period(today)
            late = entry.whole("appears_after_s", default=0)
            at_ms = entry.time_of("appears_at", today)
            dimonas.append(Dimona(inss, entry.company("company"), period, late, at_ms))
            entry.done()
    limosas = [
        Limosa(
            row.limosa("id"),
            row.inss("inss", today) if row.has("inss") else None,
            row.text("employer"),
            row.period(today),
        )
        for row in file.rows("limosa")
    ]
    works: list[Works] = []
    for row in file.rows("works"):
        parties: list[Party] = []
        for entry in row.rows("party"):
            above = entry.party("subcontractor_of") if entry.has("subcontractor_of") else None
            parties.append(Party(entry.party("company"), entry.period(today), above))
            entry.done()
        sector, period = row.whole("sector"), row.period(today)
        amount_eur = row.whole("amount_eur") if row.has("amount_eur") else None
        given = row.flag("subject", default=True) if row.has("subject") else None
        works.append(
            Works(
                row.works_number("number"),
                sector,
                row.company("declarant"),
                subject_to_registration(sector, period.start, amount_eur, given),
                period,
                tuple(parties),
                row.day("in_out_from", today),
                amount_eur,
                given,
            )
        )
    file.done()
    if not senders:
        raise WorldFileError(f"{path.name}: at least one sender is needed")
    return World(
        tuple(senders),
        tuple(companies),
        tuple(people),
        tuple(dimonas),
        tuple(limosas),
        tuple(works),
        tuple(clients),
        certificates,
    )


@final
class Table:
    """One table of a world file, read key by key; `done` refuses whatever was not read."""

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self._where = where
        self._values = dict(values)
        self._read: set[str] = set()
        self._children: list[Table] = []

    def wrong(self, key: str, expected: str) -> WorldFileError:
        """The error for one key; never repeats the value, which may be a person's number."""
        return WorldFileError(f"{self._where}: {key}: {expected} expected")

    def has(self, key: str) -> bool:
        """True if the key is present."""
        return key in self._values

    def rows(self, key: str) -> Iterable[Table]:
        """The array of tables under `key`, empty when it is left out."""
        value = self._take(key) if self.has(key) else []
        if not isinstance(value, list):
            raise self.wrong(key, "array of tables")
        tables: list[Table] = []
        for index, row in enumerate(cast("list[object]", value), 1):
            if not isinstance(row, dict):
                raise self.wrong(key, "array of tables")
            tables.append(Table(f"{self._where}: {key} {index}", cast("dict[str, object]", row)))
        self._children += tables
        return tables

    def text(self, key: str) -> str:
        """A text."""
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "text")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key) if self.has(key) else list(default)
        if not isinstance(value, list):
            raise self.wrong(key, "list of texts")
        found = cast("list[object]", value)
        if not all(isinstance(entry, str) and entry for entry in found):
            raise self.wrong(key, "list of texts")
        return tuple(cast("list[str]", found))

    def certificate(self, key: str, folder: Path) -> str | None:
        """A certificate of an RSA key as PEM text: given, or in a file below `folder`."""
        if not self.has(key):
            return None
        text = self.text(key)
        try:
            if "-----BEGIN" not in text:
                text = (folder / text).read_text(encoding="ascii")
            public_key(text)
        except (OSError, UnicodeDecodeError, KeyMaterialError):
            raise self.wrong(key, "PEM certificate of an RSA key") from None
        return text

    def note(self) -> None:
        """Passes over `who`, a remark for the human reader."""
        if self.has("who"):
            self.text("who")

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number."""
        value = default if default is not None and not self.has(key) else self._take(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "whole number")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(key) if self.has(key) else default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def period(self, today: date) -> Period:
        """The keys `from` and `until`: offsets from today, dates, or left out."""
        return Period(self.day("from", today), self.day("until", today))

    def day(self, key: str, today: date) -> date | None:
        """A day as an offset from today or a date; None when it is left out."""
        if not self.has(key):
            return None
        value = self._take(key)
        if type(value) is date:  # a TOML date with a time is a subclass, and no day
            return value
        return today + timedelta(days=self.whole(key))

    def time_of(self, key: str, today: date) -> int | None:
        """UTC milliseconds of a Belgian time of day on the day of the start, or of a date and time.

        None when the key is left out.
        """
        if not self.has(key):
            return None
        value = self._take(key)
        if type(value) is time:
            value = datetime.combine(today, value)
        if not isinstance(value, datetime) or value.tzinfo is not None:
            raise self.wrong(key, "time of day, or date and time,")
        return round(value.replace(tzinfo=BRUSSELS).timestamp() * 1000)

    def company(self, key: str) -> int:
        """An enterprise number of ten digits, as the number the wire carries."""
        text = self.text(key)
        if not numbers.digits_only(text, 10) or not numbers.company_ok(int(text)):
            raise self.wrong(key, "enterprise number of ten digits")
        return int(text)

    def party(self, key: str) -> int | str:
        """An enterprise number, or the name of a foreign company."""
        text = self._values.get(key)
        return self.company(key) if isinstance(text, str) and text.isdigit() else self.text(key)

    def inss(self, key: str, today: date) -> str:
        """An INSS or BIS number."""
        text = self.text(key)
        if not numbers.inss_ok(text, today):
            raise self.wrong(key, "INSS or BIS number")
        return text

    def inss_list(self, key: str, today: date) -> list[str]:
        """A list of INSS or BIS numbers, empty when left out."""
        value = self._take(key) if self.has(key) else []
        if not isinstance(value, list):
            raise self.wrong(key, "list")
        found: list[str] = []
        for entry in cast("list[object]", value):
            if not isinstance(entry, str) or not numbers.inss_ok(entry, today):
                raise self.wrong(key, "INSS or BIS numbers")
            found.append(entry)
        return found

    def limosa(self, key: str) -> str:
        """A Limosa number."""
        text = self.text(key)
        if not numbers.limosa_ok(text):
            raise self.wrong(key, "Limosa number of 17 digits")
        return text

    def works_number(self, key: str) -> str:
        """A works number."""
        text = self.text(key)
        if not numbers.works_number_ok(text):
            raise self.wrong(key, "works number of 13 characters")
        return text

    def certificates(self, key: str, folder: Path) -> Certificates:
        """A PEM text with one certificate or more, or the name of such a file."""
        try:
            return find_certificates(self.text(key), folder)
        except ValueError:
            raise self.wrong(key, "PEM certificate, or a file that holds one,") from None

    def done(self) -> None:
        """Refuses keys nobody read, here and in the tables below.

        Raises:
            WorldFileError: such a key.
        """
        for key in self._values:
            if key not in self._read:
                raise WorldFileError(f"{self._where}: {key}: unknown key")
        for child in self._children:
            child.done()

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise self.wrong(key, "value")
        self._read.add(key)
        return self._values[key]
