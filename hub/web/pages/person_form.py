"""The form of a person: a new one, or one that is changed.

    GET  /people/new               the form, empty
    POST /people/new               adds him
    GET  /people/{token}/change    the form as he is known; a number only as its mask. `?field=`
                                   puts the cursor there, `?site=` leads back to its board
    POST /people/{token}/change    changes him

Check digits are judged at once. What was typed comes back with the errors, to the one who typed it,
in the answer to his POST and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.people import Changed, PersonDraft, PersonFile
from hub.domain.identifiers import limosa_doubts, parse_inss, parse_limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import NAME_MAX, Kind
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.completing import completed_for
from hub.storage.engine import reading
from hub.storage.newcomers import Newcomers
from hub.storage.people import People
from hub.web.access import Allowed
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

CHANGE: Final = Allowed(Action.PEOPLE_CHANGE)
FIELDS: Final = (
    "kind",
    "family_name",
    "given_name",
    "company",
    "user_company",
    "works",
    "language",
    "inss",
    "limosa",
    "limosa_from",
    "limosa_until",
    "foreign_vat",
    "drop_inss",
    "drop_limosa",
)
_FIELD_MAX: Final = 200
# At which field an error is told; the others stand above the form only.
_FIELD_OF: Final = {
    "HUB-1620": "family_name",
    "HUB-1622": "kind",
    "HUB-1623": "inss",
    "HUB-1624": "company",
    "HUB-1625": "user_company",
    "HUB-1626": "limosa",
    "HUB-1627": "limosa_until",
    "HUB-1628": "inss",
    "HUB-1629": "limosa",
    "HUB-1630": "works",
    "HUB-1631": "company",
    "HUB-1634": "language",
    "HUB-1636": "kind",
}
T = TypeVar("T")


def person_form_pages(office: Office) -> APIRouter:
    """Returns the routes of the form."""
    router = APIRouter()

    def people(connection: Connection, actor: Actor) -> People:
        window_ms = office.settings.in_out.window_s * 1000
        return People(connection, office.vault, actor, office.clock(), window_ms)

    def known(connection: Connection, actor: Actor, token: str | None) -> PersonFile | None:
        if token is None:
            return None
        try:
            file = people(connection, actor).row(token)
        except UsageError:
            raise HTTPException(404) from None
        if not file.may_change:
            # Seen and not to be changed: nothing is hidden by saying so.
            raise HTTPException(403)
        return file

    def form(
        request: Request,
        actor: Actor,
        token: str | None,
        typed: Mapping[str, str] | None = None,
        errors: list[tuple[str, UsageError]] | None = None,
        field: str = "",
        site: int = 0,
    ) -> Response:
        words = PageWords(language_of(request, actor), "people")
        with reading(office.engine) as connection:
            file = known(connection, actor, token)
            register = people(connection, actor)
            works, companies = register.works(), register.companies()
            agencies = register.agencies()
            said = _company_said(connection, register, actor, token) if file else ""
        if typed is None:
            typed = _empty(works, companies, actor) if file is None else _as_known(file)
        explained = [(name, words.explained([error])[0], error) for name, error in errors or ()]
        wrong: dict[str, Any] = {}
        for name, told, _ in explained:
            wrong.setdefault(name, told)
        return draw(
            request,
            "person_form.html",
            words,
            actor,
            file=file,
            typed=typed,
            wrong=wrong,
            problems=[told for _, told, _ in explained],
            kinds=[(one, words(f"kinds.{one}")) for one in Kind],
            works=[(number, f"{number} ({where})") for number, where in works],
            companies=companies,
            agencies=[one for one in agencies if one not in companies],
            action=f"/people/{token}/change" if token else "/people/new",
            field_asked=field if field in FIELDS else "",
            site=site,
            company_said=said,
        )

    async def take(request: Request, actor: Actor, token: str | None) -> Response:
        sent = await request.form()
        typed = {name: str(sent.get(name, ""))[:_FIELD_MAX].strip() for name in FIELDS}
        back = str(sent.get("site", ""))
        site = int(back) if back.isascii() and back.isdigit() and len(back) < 10 else 0
        return await run_in_threadpool(keep, request, actor, token, typed, site)

    def keep(
        request: Request, actor: Actor, token: str | None, typed: dict[str, str], site: int
    ) -> Response:
        draft, errors = _draft(typed, brussels_day(office.clock()))
        with reading(office.engine) as connection:
            known(connection, actor, token)
            for error in people(connection, actor).problems(draft, token):
                name = _FIELD_OF.get(error.code, "")
                if error.extra.get("role") == "user":
                    name = "user_company"
                if name == "family_name" and 0 < len(typed[name]) <= NAME_MAX:
                    name = "given_name"
                # A number that is mistyped is not missing as well.
                if name not in {one for one, _ in errors}:
                    errors.append((name, error))
        if errors:
            return form(request, actor, token, typed, errors, site=site)

        def change(connection: Connection) -> tuple[str, Changed, bool]:
            if token is None:
                return people(connection, actor).add(draft), Changed(), False
            done = people(connection, actor).change(token, draft)
            # What waited for this goes on at once, and who corrected it is told.
            in_out = office.settings.in_out
            again = completed_for(connection, token, office.clock(), in_out.window_s * 1000)
            return token, done, again

        try:
            kept, done, again = office.write(change)
        except UsageError as error:  # somebody was quicker
            return form(request, actor, token, typed, [("", error)], site=site)
        office.changed()
        if site and actor.may(Action.BOARD_SEE):
            return go(f"/?site={site}", "fixed_due" if again or done.made else "fixed")
        said = _said(token, done, typed)
        return go(f"/people/{kept}", "changed_due" if again and said == "changed" else said)

    @router.get("/people/new")
    def new(request: Request, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        return form(request, actor, None)

    @router.post("/people/new")
    async def add(request: Request, actor: Annotated[Actor, Depends(CHANGE)]) -> Response:
        return await take(request, actor, None)

    @router.get("/people/{token}/change")
    def change_form(
        request: Request,
        actor: Annotated[Actor, Depends(CHANGE)],
        token: str,
        field: str = "",
        site: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    ) -> Response:
        return form(request, actor, token, field=field, site=site)

    @router.post("/people/{token}/change")
    async def change(
        request: Request, actor: Annotated[Actor, Depends(CHANGE)], token: str
    ) -> Response:
        return await take(request, actor, token)

    return router


def _company_said(connection: Connection, register: People, actor: Actor, token: str | None) -> str:
    """Returns how a newcomer called his company at the kiosk; empty for anybody else."""
    if token is None or not actor.may(Action.KIOSKS_CHANGE):
        return ""
    try:
        waiting = Newcomers(connection, register, actor).one(token)
    except UsageError:
        return ""
    return "" if waiting.company else waiting.company_said


def _empty(
    works: list[tuple[str, str]], companies: list[tuple[str, str]], actor: Actor
) -> dict[str, str]:
    """A new person: what can only be one thing is chosen already."""
    return {
        **dict.fromkeys(FIELDS, ""),
        "kind": Kind.EMPLOYEE,
        "language": actor.language or "nl",
        "works": works[0][0] if len(works) == 1 else "",
        "company": companies[0][0] if len(companies) == 1 else "",
    }


def _as_known(file: PersonFile) -> dict[str, str]:
    return {
        **dict.fromkeys(FIELDS, ""),
        "kind": file.kind,
        "family_name": file.family_name,
        "given_name": file.given_name,
        "company": file.company_number,
        "user_company": file.user_company_number,
        "works": file.works_number,
        "language": file.language,
        "limosa_from": file.limosa_from.isoformat() if file.limosa_from else "",
        "limosa_until": file.limosa_until.isoformat() if file.limosa_until else "",
        "foreign_vat": file.foreign_vat,
    }


def _draft(
    typed: Mapping[str, str], today: date
) -> tuple[PersonDraft, list[tuple[str, UsageError]]]:
    """The draft that was typed, and what in it cannot be read, by field."""
    errors: list[tuple[str, UsageError]] = []

    def read(name: str, parse: Callable[[str], T]) -> T | None:
        if not typed[name]:
            return None
        try:
            return parse(typed[name])
        except UsageError as error:
            errors.append((name, error))
            return None

    if typed["kind"] in tuple(Kind):
        kind = Kind(typed["kind"])
    else:
        kind = Kind.EMPLOYEE
        errors.append(("kind", UsageError("HUB-1622")))
    draft = PersonDraft(
        family_name=typed["family_name"],
        given_name=typed["given_name"],
        kind=kind,
        company_number=typed["company"] or None,
        user_company_number=typed["user_company"] or None if kind is Kind.AGENCY else None,
        works_number=typed["works"],
        language=typed["language"],
        inss=read("inss", lambda text: parse_inss(text, today)),
        limosa=read("limosa", parse_limosa),
        limosa_from=read("limosa_from", _parse_day),
        limosa_until=read("limosa_until", _parse_day),
        foreign_vat=typed["foreign_vat"][:40] or None,
        drop_inss=bool(typed["drop_inss"]),
        drop_limosa=bool(typed["drop_limosa"]),
    )
    return draft, errors


def _parse_day(text: str) -> date:
    try:
        if len(text) != len("2026-11-24"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("HUB-1635") from None


def _said(token: str | None, done: Changed, typed: Mapping[str, str]) -> str:
    """What the page says afterwards: the most important of what came of it."""
    if done.staying:
        return "changed_staying"
    if done.dropped:
        return "changed_dropped"
    if done.made:
        return "changed_made"
    if typed["limosa"] and limosa_doubts(typed["limosa"]):
        return "kept_doubt"
    return "added" if token is None else "changed"
