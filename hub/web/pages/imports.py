"""Imports of people: send a list, take the template, and those that were made.

GET  /imports                  the form, and the imports so far
POST /imports                  keeps a list for an hour and leads to it
GET  /imports/template.xlsx    a workbook with headings and an example row
POST /imports/undo             takes the last one back
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile

from hub.application.access import Actor
from hub.application.people_file import EXAMPLE_INSS
from hub.application.people_headings import HEADINGS_BY_LANGUAGE
from hub.application.people_rows import Rules
from hub.application.people_table import MEGABYTES_MAX
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import moment_text
from hub.storage.engine import reading
from hub.storage.held_uploads import Held, HeldUploads
from hub.storage.import_runs import import_lines, run_of
from hub.storage.import_undo import ImportUndo
from hub.storage.people_import import PeopleImport
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.sheets import XLSX, download, workbook

IMPORT = Allowed(Action.PEOPLE_IMPORT)
_FORM_BYTES: Final = 100_000
"""What a form may hold beside its file."""
_EXAMPLE_FAMILY: Final = {"fr": "Exemple", "nl": "Voorbeeld", "de": "Beispiel", "en": "Example"}
_EXAMPLE: Final = {
    "given_name": "Milan",
    "inss": EXAMPLE_INSS,
    "works_number": "1Y19FAKE001AZ",
    "badge_uid": "04A1B2C3D4E501",
    "company_number": "0999.000.129",
}


async def small_enough(request: Request) -> AsyncIterator[None]:
    """Dependency that comes before the form is read: refuses what is longer than a list can be.

    Afterwards it lets go of the file, also when the form was refused.

    Raises:
        HTTPException: 413 too long, 411 it does not say.
    """
    length = request.headers.get("Content-Length", "")
    if not length.isdigit():
        raise HTTPException(411)
    if int(length) > MEGABYTES_MAX * 1_000_000 + _FORM_BYTES:
        raise HTTPException(413)
    try:
        yield
    finally:
        await request.close()


async def form_of(request: Request) -> FormData:
    """Dependency: the form that was sent."""
    return await request.form()


def imports_pages(office: Office, uploads: HeldUploads) -> APIRouter:
    """Returns the pages of the imports.

    Args:
        uploads: shared with `import_pages`.
    """
    router = APIRouter()

    def page(request: Request, actor: Actor, errors: list[UsageError] | None = None) -> Response:
        words = words_of(request, actor)
        with reading(office.engine) as connection:
            lines = import_lines(connection, office.vault, actor)
            rules = PeopleImport(connection, office.vault, actor, office.clock()).rules(
                words.language
            )
        return draw(
            request,
            "imports.html",
            words,
            actor,
            200 if not errors else 422,
            lines=lines,
            rules=rules,
            megabytes=MEGABYTES_MAX,
            moment=lambda ms: moment_text(ms, words.language, seconds=False),
            errors=words.explained(errors or []),
        )

    @router.get("/imports")
    def listed(request: Request, actor: Annotated[Actor, Depends(IMPORT)]) -> Response:
        return page(request, actor)

    @router.post("/imports", dependencies=[Depends(small_enough)])
    def send(
        request: Request,
        actor: Annotated[Actor, Depends(IMPORT)],
        form: Annotated[FormData, Depends(form_of)],
    ) -> Response:
        file = form.get("file")
        data = file.file.read() if isinstance(file, UploadFile) else b""
        if not isinstance(file, UploadFile) or not data:
            return page(request, actor, [UsageError("HUB-1674")])
        held = Held((file.filename or "")[:120], data)
        return go(f"/imports/{uploads.hold(actor, held, office.clock())}")

    @router.get("/imports/template.xlsx")
    def template(request: Request, actor: Annotated[Actor, Depends(IMPORT)]) -> Response:
        words = words_of(request, actor)
        with reading(office.engine) as connection:
            rules = PeopleImport(connection, office.vault, actor, office.clock()).rules("")
        columns = template_columns(rules)
        headings = [HEADINGS_BY_LANGUAGE[name][words.language][0] for name in columns]
        example = _EXAMPLE | {
            "family_name": _EXAMPLE_FAMILY[words.language],
            "kind": words("kind.employee"),
            "language": words.language,
            "site": words("example_site"),
        }
        if rules.works:
            example["works_number"] = rules.works[0]
        row = [example.get(name, "") for name in columns]
        content = workbook(words("people")[:31], headings, [row])
        return download(content, f"{words('file_template')}.xlsx", XLSX)

    @router.post("/imports/undo")
    def undo(
        request: Request,
        actor: Annotated[Actor, Depends(IMPORT)],
        form: Annotated[FormData, Depends(form_of)],
    ) -> Response:
        handle = str(form.get("run", ""))

        def change(connection: Connection) -> None:
            run_id = run_of(connection, office.vault, actor, handle)
            ImportUndo(connection, office.vault, actor, office.clock()).undo(run_id)

        try:
            office.write(change)
        except UsageError as error:
            return page(request, actor, [error])
        office.changed()
        return go("/imports", "undone")

    return router


def template_columns(rules: Rules) -> list[str]:
    """Returns the columns that a template of this actor has: what he must say, and may."""
    columns = ["family_name", "given_name", "inss", "limosa", "kind", "language", "badge_uid"]
    if rules.needs_site:
        columns = ["site", "works_number", "company_number", "company_name", *columns]
    else:
        if rules.needs_works:
            columns = ["works_number", *columns]
        if rules.own_company is None:
            columns = ["company_number", *columns]
    return [*columns, "valid_until", "limosa_from", "limosa_until", "user_company_number"]


def words_of(request: Request, actor: Actor) -> PageWords:
    """Returns the texts of the pages of imports."""
    return PageWords(language_of(request, actor), "imports")
