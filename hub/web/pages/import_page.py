"""One list of people between sending and importing.

    GET  /imports/{handle}                  what its columns are, what is wrong, what can be done
    POST /imports/{handle}                  `do`: columns, all, good or discard
    GET  /imports/{handle}/wrong.xlsx       the wrong rows with a remark each

Only whoever sent the list finds it; for everybody else, and after its hour, it is not there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData

from hub.application.access import Actor
from hub.application.people_headings import COLUMNS, UNREAD
from hub.application.people_sheet import Columns
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.storage.backups import back_up
from hub.storage.held_uploads import Held, HeldUploads
from hub.storage.import_desk import Choice, ImportDesk, Looked, look_at
from hub.web.access import Allowed
from hub.web.frame import draw, go
from hub.web.import_view import (
    column_choices,
    column_options,
    file_problems,
    groups,
    missing_columns,
    unknown_columns,
    wrong_rows,
)
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.pages.imports import form_of, words_of
from hub.web.sheets import XLSX, download, workbook

IMPORT = Allowed(Action.PEOPLE_IMPORT)


def import_pages(office: Office, uploads: HeldUploads) -> APIRouter:
    """Returns the pages of one list; they go after those of `imports_pages`.

    Args:
        uploads: shared with `imports_pages`.
    """
    router = APIRouter()

    def held_of(actor: Actor, handle: str) -> Held:
        try:
            return uploads.held(actor, handle, office.clock())
        except UsageError:
            raise HTTPException(404) from None

    def desk_of(actor: Actor, words: PageWords) -> ImportDesk:
        return ImportDesk(office.vault, actor, office.clock(), words.language)

    def looked_at(held: Held, desk: ImportDesk) -> Looked:
        return look_at(office.engine, desk, held.data, held.sheet, held.columns)

    def page(
        request: Request,
        actor: Actor,
        handle: str,
        held: Held,
        errors: list[SitegateError] | None = None,
    ) -> Response:
        words = words_of(request, actor)
        looked = looked_at(held, desk_of(actor, words))
        people = looked.people
        return draw(
            request,
            "import.html",
            words,
            actor,
            422 if errors else 200,
            handle=handle,
            file_name=held.name,
            looked=looked,
            people=people,
            file_problems=file_problems(looked, words.language),
            unknown=unknown_columns(looked),
            missing=missing_columns(looked, words),
            groups=groups(looked, words.language),
            choices=column_choices(looked),
            options=column_options(words),
            wrong=len(people.wrong_rows),
            good=len(people.good),
            badges=sum(row.badge_uid is not None for row in people.good),
            errors=words.explained(errors or []),
        )

    @router.get("/imports/{handle}")
    def show(request: Request, handle: str, actor: Annotated[Actor, Depends(IMPORT)]) -> Response:
        return page(request, actor, handle, held_of(actor, handle))

    @router.post("/imports/{handle}")
    def decide(
        request: Request,
        handle: str,
        actor: Annotated[Actor, Depends(IMPORT)],
        form: Annotated[FormData, Depends(form_of)],
    ) -> Response:
        held = held_of(actor, handle)
        match str(form.get("do", "")):
            case "columns":
                uploads.hold(actor, _chosen(held, form), office.clock(), handle)
                return go(f"/imports/{handle}")
            case "discard":
                uploads.erase(handle)
                return go("/imports", "discarded")
            case "all" | "good" as do:
                words = words_of(request, actor)
                desk = desk_of(actor, words)
                looked = looked_at(held, desk)
                try:
                    _import(office, desk, looked, Choice(do))
                except SitegateError as error:
                    return page(request, actor, handle, held, [error])
                uploads.erase(handle)
                office.changed()
                left_out = do == "good" and bool(looked.people.wrong_rows)
                return go("/imports", "imported_good" if left_out else "imported")
            case _:
                raise HTTPException(400)

    @router.get("/imports/{handle}/wrong.xlsx")
    def wrong(request: Request, handle: str, actor: Annotated[Actor, Depends(IMPORT)]) -> Response:
        held = held_of(actor, handle)
        words = words_of(request, actor)
        looked = looked_at(held, desk_of(actor, words))
        headings, rows = wrong_rows(looked, words.language, words("remark"))
        content = workbook(words("wrong_sheet")[:31], headings, rows, len(headings) - 1)
        return download(content, f"{words('file_wrong')}.xlsx", XLSX)

    return router


def _import(office: Office, desk: ImportDesk, looked: Looked, choice: Choice) -> None:
    """Copies the database, then judges again and writes in one transaction.

    Raises:
        UsageError: HUB-1671, rows are wrong that were not.
        PermanentError: HUB-1673, there is no copy.
    """
    if not (looked.people.rows if choice is Choice.EVERYTHING else looked.people.good):
        raise UsageError("HUB-1671")
    keep = office.settings.imports.backups
    backup = back_up(office.engine, office.folder, office.clock(), keep)

    def change(connection: Connection) -> None:
        desk.write(connection, looked.sheet, looked.columns, choice, backup)

    office.write(change)


def _chosen(held: Held, form: FormData) -> Held:
    """What was held, with the sheet and the columns that the form says."""
    sheet = str(form.get("sheet", "")) or held.sheet
    if sheet != (str(form.get("sheet_before", "")) or held.sheet):
        return replace(held, sheet=sheet, columns=None)
    columns: list[str | None] = []
    while (value := form.get(f"column_{len(columns)}")) is not None:
        columns.append(str(value) if value in (*COLUMNS, UNREAD) else None)
    chosen: Columns | None = tuple(columns) or None
    return replace(held, sheet=sheet, columns=chosen)
