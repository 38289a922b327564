"""A plan file on the board: send it, see what is wrong row by row, and plan it.

    POST /plan/import             keeps the file for an hour and leads to it
    GET  /plan/import/{handle}    what it would plan, and what is wrong with it
    POST /plan/import/{handle}    `do`: all, good or discard

Only whoever sent the file finds it. What is checked, and what of it may be planned, is what
`sitegate plan import` and the API do (`docs/plan.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile

from hub.application.access import Actor
from hub.application.people_table import Problem, Severity
from hub.application.planning import PlanCheck
from hub.domain.audit import Noted
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import ErrorText, error_text
from hub.storage.audit import note
from hub.storage.held_uploads import Held, HeldUploads
from hub.storage.plans import Plans
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.pages.imports import form_of, small_enough
from hub.web.plan_words import PlanWords

CHANGE: Final = Allowed(Action.PLAN_CHANGE)
ROWS_SHOWN: Final = 50
"""Most rows that are listed for one problem."""


@dataclass(frozen=True, slots=True)
class Group:
    """One thing that is wrong, and the rows in which it is."""

    text: ErrorText
    is_error: bool
    rows: list[str]
    more: int


def plan_import_pages(office: Office, uploads: HeldUploads) -> APIRouter:
    """Returns the pages of plan files; they go before those of `plan_pages`.

    Args:
        uploads: where files are held; they hold person numbers, so they lie there sealed.
    """
    router = APIRouter()
    plans = Plans(
        office.engine,
        office.vault,
        office.clock,
        office.settings.plan.submit_at,
        office.write,
        office.changed,
    )

    def held_of(actor: Actor, handle: str) -> Held:
        try:
            return uploads.held(actor, handle, office.clock())
        except UsageError:
            raise HTTPException(404) from None

    def take(
        actor: Actor, held: Held, good_rows_only: bool, again: bool, dry: bool
    ) -> tuple[PlanCheck, int]:
        def kept(connection: Connection, count: int) -> None:
            note(
                connection, office.vault, office.clock(), actor.name, Noted.PLAN_IMPORTED,
                company_id=actor.company_id, added=count,
            )  # fmt: skip

        written = plans.take(
            plans.read(held.data), "file", actor.name, again, good_rows_only, dry, actor, kept
        )
        return written.check, written.added

    def page(
        request: Request, actor: Actor, handle: str, held: Held, error: UsageError | None = None
    ) -> Response:
        words = PlanWords(language_of(request, actor))
        check, _ = take(actor, held, False, False, True)
        return draw(
            request,
            "plan_import.html",
            words,
            actor,
            422 if error else 200,
            handle=handle,
            file_name=held.name,
            check=check,
            groups=groups_of(check, words),
            errors=words.explained([error] if error else []),
        )

    @router.post("/plan/import", dependencies=[Depends(small_enough)])
    def send(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        form: Annotated[FormData, Depends(form_of)],
    ) -> Response:
        file = form.get("file")
        data = file.file.read() if isinstance(file, UploadFile) else b""
        if not isinstance(file, UploadFile) or not data:
            words = PlanWords(language_of(request, actor))
            missing = words.explained([UsageError("HUB-1674")])
            return draw(request, "plan_import.html", words, actor, 422, errors=missing, check=None)
        held = Held((file.filename or "")[:120], data)
        return go(f"/plan/import/{uploads.hold(actor, held, office.clock())}")

    @router.get("/plan/import/{handle}")
    def show(request: Request, handle: str, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        return page(request, actor, handle, held_of(actor, handle))

    @router.post("/plan/import/{handle}")
    def decide(
        request: Request,
        handle: str,
        actor: Annotated[Actor, Depends(CHANGE)],
        form: Annotated[FormData, Depends(form_of)],
    ) -> Response:
        held = held_of(actor, handle)
        do = str(form.get("do", ""))
        if do == "discard":
            uploads.erase(handle)
            return go("/plan", "discarded")
        if do not in ("all", "good"):
            raise HTTPException(400)
        check, added = take(actor, held, do == "good", bool(form.get("again")), False)
        if not check.writable(do == "good"):
            return page(request, actor, handle, held, UsageError("HUB-1514", errors=check.errors))
        uploads.erase(handle)
        return go(f"/plan?told=planned-{added}.unchanged-{check.unchanged}")

    return router


def groups_of(check: PlanCheck, words: PlanWords) -> list[Group]:
    """Returns the problems of a file, each thing once with its rows, errors first."""
    found: dict[tuple[bool, ErrorText], list[str]] = {}
    for entry in check.problems:
        key = (entry.severity is Severity.ERROR, _explained(entry, words))
        found.setdefault(key, []).append(_place(entry, words))
    groups = [
        Group(text, is_error, rows[:ROWS_SHOWN], max(0, len(rows) - ROWS_SHOWN))
        for (is_error, text), rows in found.items()
    ]
    return sorted(groups, key=lambda group: not group.is_error)


def _place(entry: Problem, words: PlanWords) -> str:
    if entry.row is None:
        return words("whole_file")
    row = words("row", row=entry.row)
    return f"{row} · {entry.column}" if entry.column else row


def _explained(entry: Problem, words: PlanWords) -> ErrorText:
    told = error_text(entry.code, words.language, **dict(entry.values))
    typeset = words.board.typeset
    return ErrorText(told.code, typeset(told.happened), typeset(told.kept), typeset(told.next))
