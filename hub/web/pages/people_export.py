"""The people as a file: whom somebody may take along, numbers masked.

GET /people/export.xlsx    as a workbook
GET /people/export.csv     as CSV
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from hub.application.access import Actor
from hub.application.people_headings import HEADINGS_BY_LANGUAGE
from hub.domain.rights import Action
from hub.storage.people_export import Exported, export_people
from hub.web.access import Allowed
from hub.web.frame import language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.sheets import CSV, XLSX, csv_text, download, workbook

EXPORT = Allowed(Action.PEOPLE_EXPORT)
_COLUMNS: Final = (
    "family_name",
    "given_name",
    "kind",
    "company_number",
    "company_name",
    "user_company_number",
    "site",
    "works_number",
    "language",
    "inss",
    "limosa",
    "limosa_from",
    "limosa_until",
)


def people_export_pages(office: Office) -> APIRouter:
    """Returns the addresses; they go before those of `/people/{token}`."""
    router = APIRouter()

    def table(request: Request, actor: Actor) -> tuple[PageWords, list[str], list[list[str]]]:
        words = PageWords(language_of(request, actor), "imports")
        people = office.write(
            lambda connection: export_people(connection, office.vault, actor, office.clock())
        )
        headings = [HEADINGS_BY_LANGUAGE[name][words.language][0] for name in _COLUMNS]
        return words, [*headings, words("badges")], [_cells(one, words) for one in people]

    @router.get("/people/export.xlsx")
    def as_workbook(request: Request, actor: Annotated[Actor, Depends(EXPORT)]) -> Response:
        words, headings, rows = table(request, actor)
        content = workbook(words("people")[:31], headings, rows)
        return download(content, f"{words('file_people')}.xlsx", XLSX)

    @router.get("/people/export.csv")
    def as_csv(request: Request, actor: Annotated[Actor, Depends(EXPORT)]) -> Response:
        words, headings, rows = table(request, actor)
        return download(csv_text(headings, rows), f"{words('file_people')}.csv", CSV)

    return router


def _cells(one: Exported, words: PageWords) -> list[str]:
    cells = [str(getattr(one, name)) for name in _COLUMNS]
    cells[2] = words(f"kind.{one.kind}")
    return [*cells, str(one.badges)]
