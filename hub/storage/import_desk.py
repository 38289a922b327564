"""An import from the bytes to the register: read, judged, and written only as it was chosen.

look    sheet and columns are read, every row is judged; nothing is written
import  everything (when no row is wrong) or the good rows; the copy of the database first,
        then all of it judged again and written in one transaction
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, Engine

from hub.application.access import Actor
from hub.application.people_file import check_people
from hub.application.people_rows import PeopleFile, Rules
from hub.application.people_sheet import Columns, Sheet, columns_of, read_sheet
from hub.application.people_table import Severity
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.import_columns import remember_columns, remembered_columns
from hub.storage.people_import import Imported, PeopleImport
from hub.storage.register import Register
from hub.storage.secrets import Vault


class Choice(StrEnum):
    """What is taken of a list."""

    EVERYTHING = "all"
    """All rows, or none when one of them is wrong."""
    GOOD_ROWS = "good"


@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """A list as it was judged.

    Args:
        sheet: as it was read.
        columns: what each of its columns is; None where nobody said.
        recognised: what the headings alone say.
        rules: what the list may say.
        people: the people and all that is wrong.
    """

    sheet: Sheet
    columns: Columns
    recognised: Columns
    rules: Rules
    people: PeopleFile

    @property
    def readable(self) -> bool:
        """Whether the columns are all known, so that the rows were judged."""
        return self.people.row_count > 0


class ImportDesk:
    """Looks at lists of one actor, and imports them.

    Args:
        vault: seals numbers.
        actor: who hands lists in.
        now_ms: UTC milliseconds.
        language: of people whose row does not say it; empty: each row must.
    """

    def __init__(self, vault: Vault, actor: Actor, now_ms: int, language: str = "") -> None:
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._language = language
        self._checked: tuple[Sheet, Columns, Rules, date, PeopleFile] | None = None

    def look(
        self, connection: Connection, data: bytes, sheet: str | None, columns: Columns | None
    ) -> Looked:
        """Returns a list as it is judged now, and writes nothing.

        Args:
            data: the file, any bytes.
            sheet: name of a sheet; None: the first that holds something.
            columns: one for each heading; None, or another number of them: what was said of such
                headings before, or else what the headings say.
        """
        return self.judge(connection, read_sheet(data, sheet), columns)

    def judge(self, connection: Connection, sheet: Sheet, columns: Columns | None) -> Looked:
        """Returns a sheet that was read as it is judged now; see `look`.

        What its rows say is not read again while the sheet, its columns, the day and what a list
        may say are the same; what the register has against them is asked each time.
        """
        recognised = columns_of(sheet)
        if columns is None or len(columns) != len(recognised):
            columns = remembered_columns(connection, self._vault, self._actor, sheet)
        chosen = recognised if columns is None else columns
        desk = PeopleImport(connection, self._vault, self._actor, self._now_ms)
        rules = desk.rules(self._language)
        people = self._check(sheet, chosen, rules)
        against = desk.problems(people.good)
        if against:
            problems = sorted([*people.problems, *against], key=lambda entry: entry.row or 0)
            wrong = {entry.row for entry in against if entry.severity is Severity.ERROR}
            good = tuple(row for row in people.good if row.row not in wrong)
            people = PeopleFile((), tuple(problems), people.row_count, good)
        return Looked(sheet, chosen, recognised, rules, people)

    def _check(self, sheet: Sheet, columns: Columns, rules: Rules) -> PeopleFile:
        today = brussels_day(self._now_ms)
        known = self._checked
        if known is not None and known[0] is sheet and known[1:4] == (columns, rules, today):
            return known[4]
        people = check_people(sheet, columns, today, rules)
        self._checked = sheet, columns, rules, today, people
        return people

    def write(
        self, connection: Connection, sheet: Sheet, columns: Columns, choice: Choice, backup: str
    ) -> Imported:
        """Judges again and writes, inside one write transaction.

        Raises:
            UsageError: HUB-1671, everything was chosen and a row is wrong, or there is no row.
        """
        looked = self.judge(connection, sheet, columns)
        rows = looked.people.rows if choice is Choice.EVERYTHING else looked.people.good
        if not rows:
            raise UsageError("HUB-1671")
        done = PeopleImport(connection, self._vault, self._actor, self._now_ms).write(rows, backup)
        Register(connection, self._vault).changed(self._now_ms)
        remember_columns(connection, self._vault, self._actor, sheet, columns)
        return done


def look_at(
    engine: Engine, desk: ImportDesk, data: bytes, sheet: str | None, columns: Columns | None
) -> Looked:
    """Returns a list as it is judged now, in a view of its own."""
    read = read_sheet(data, sheet)
    with reading(engine) as connection:
        return desk.judge(connection, read, columns)
