"""From the bytes of a plan, CSV or spreadsheet, to named cells.

Headings are taken in French, Dutch, German and English, in any order and in capitals or not, since
a plan is made by whoever plans. Names of people may stand in it for the eye and are not read. A
heading or a cell is never quoted in a problem.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hub.application.people_table import (
    MEGABYTES_MAX,
    ROWS_MAX,
    WORKBOOKS,
    Problem,
    Severity,
    clean,
    column_letter,
    csv_records,
    decode,
)
from hub.application.workbook import Cell, WorkbookError, read_workbook

PERSON_COLUMNS: Final = ("inss", "limosa", "badge_uid")
COLUMNS: Final = (*PERSON_COLUMNS, "day", "from", "until", "works_number", "company_number")
CELLS_MAX: Final = 40
"""Most columns of a sheet that are looked at."""

_HEADINGS: Final = {
    "inss": "inss niss insz ssin enss numero_national numero_niss rijksregisternummer insz_nummer "
    "nationalregisternummer nationale_nummer national_number niss_insz insz_niss",
    "limosa": "limosa limosa_number numero_limosa limosanummer limosa_nummer l1 l_1",
    "badge_uid": "badge_uid badge uid numero_de_badge badgenummer badge_nummer badge_number",
    "day": "day date jour dag datum tag",
    "from": "from du depuis a_partir_du van vanaf von ab",
    "until": "until to au jusqu_au tot tot_en_met t_m bis",
    "works_number": "works_number works chantier numero_de_chantier numero_de_declaration "
    "declaration_de_travaux werf werfnummer aangiftenummer nummer_van_aangifte werkmelding "
    "werknummer meldenummer arbeitsmeldung baustelle baustellennummer checkinatwork_number",
    "company_number": "company_number company enterprise_number entreprise numero_d_entreprise bce "
    "kbo onderneming ondernemingsnummer unternehmen unternehmensnummer zdu",
    "": "name names family_name given_name surname first_name last_name nom prenom nom_de_famille "
    "naam voornaam achternaam familienaam vorname nachname familienname remark remarque opmerking "
    "bemerkung company_name nom_de_l_entreprise firma",
}
HEADINGS: Final[Mapping[str, str]] = MappingProxyType(
    {name: column for column, names in _HEADINGS.items() for name in names.split()}
)
"""From each heading that is understood to its column; the empty column is not read."""


@dataclass(frozen=True, slots=True, repr=False)
class PlanCells:
    """One row with its cells by column; a cell the file leaves out is empty."""

    number: int
    cells: Mapping[str, Cell]

    def __repr__(self) -> str:
        return f"PlanCells({self.number})"


def read_plan_table(data: bytes) -> tuple[list[PlanCells], list[Problem]]:
    """Returns the rows and what is wrong with the file; no rows when its headings are wrong.

    Args:
        data: the file as it was read, any bytes.
    """
    problems: list[Problem] = []

    def error(code: str, row: int | None = None, /, **values: object) -> None:
        problems.append(Problem(row, None, Severity.ERROR, code, tuple(sorted(values.items()))))

    records: list[tuple[int, list[Cell]]] = []
    if data.startswith(WORKBOOKS) and len(data) <= MEGABYTES_MAX * 1_000_000:
        try:
            rows, more = read_workbook(data, ROWS_MAX + 1, CELLS_MAX)
        except WorkbookError as fault:
            error("IMP-5001", reason=fault.reason)
            return [], problems
        for number, row in enumerate(rows, start=1):
            cells = [Cell(clean(cell.text), cell.kind) for cell in row]
            if any(cell.text for cell in cells):
                records.append((number, cells))
        if more:
            error("IMP-1007", limit=ROWS_MAX)
    else:
        text = decode(data, error)
        if text is None:
            return [], problems
        number = 0
        try:
            for number, row in csv_records(text):
                if len(records) > ROWS_MAX:
                    error("IMP-1007", limit=ROWS_MAX)
                    break
                records.append((number, [Cell(cell) for cell in row]))
        except csv.Error:
            # Its message may quote the file; the row says enough.
            error("IMP-1009", number + 1, row=number + 1)
    if not records:
        if not problems:
            error("IMP-1001")
        return [], problems
    found = _rows(records, problems)
    if not found and not problems:
        error("IMP-1012")
    return found, problems


def _rows(records: list[tuple[int, list[Cell]]], problems: list[Problem]) -> list[PlanCells]:
    number, heading_cells = records[0]
    names = [_heading(cell.text) for cell in heading_cells]
    while names and names[-1] is None:
        names.pop()
    faults = list(_heading_faults(names, number))
    if faults:
        problems.extend(faults)
        return []
    rows: list[PlanCells] = []
    for row_number, cells in records[1:]:
        if any(cell.text for cell in cells[len(names) :]):
            values = (("expected", len(names)), ("found", len(cells)))
            problems.append(Problem(row_number, None, Severity.ERROR, "IMP-1011", values))
            continue
        given = {name: cell for name, cell in zip(names, cells, strict=False) if name}
        whole = {column: given.get(column, Cell("")) for column in COLUMNS}
        rows.append(PlanCells(row_number, whole))
    return rows


def _heading(text: str) -> str | None:
    """Our name of a heading: one of COLUMNS, the empty text, None for no heading, `?` unknown."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    name = re.sub(r"[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c)))
    name = name.strip("_")
    if not name:
        return "?" if text else None
    return HEADINGS.get(name, "?")


def _heading_faults(names: list[str | None], number: int) -> list[Problem]:
    def problem(code: str, **values: object) -> Problem:
        return Problem(number, None, Severity.ERROR, code, tuple(sorted(values.items())))

    faults: list[Problem] = []
    for index, name in enumerate(names):
        if name is None or name == "?":
            faults.append(
                problem("IMP-5002", letter=column_letter(index), columns=", ".join(COLUMNS))
            )
        elif name and name in names[:index]:
            faults.append(problem("IMP-1006", letter=column_letter(index)))
    if not faults:
        missing: list[str] = []
        if not any(name in names for name in PERSON_COLUMNS):
            missing.append("inss / limosa / badge_uid")
        if "day" not in names and not ("from" in names and "until" in names):
            missing.append("day")
        if missing:
            faults.append(problem("IMP-5003", missing=", ".join(missing)))
    return faults
