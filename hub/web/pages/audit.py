"""The page of the audit: who did or looked at what.

    GET /audit   newest first, 50 a page; `?action=`, `?by=`, `?about=`, `?day=`, `?page=`;
                 `?check=1` looks at the whole chain as well

An address holds handles only: the token of a person, the keyed index of an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.people import Kind
from hub.domain.rights import Action, Role
from hub.i18n import moment_text
from hub.storage.audit_reader import (
    PAGE,
    AuditRow,
    Subject,
    Subjects,
    Wanted,
    actors,
    read_page,
    verify_audit,
)
from hub.storage.chain import ChainReport
from hub.storage.engine import reading
from hub.web.access import Allowed
from hub.web.frame import draw, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

ROOM = "audit"
_LINKS: Mapping[str, tuple[str, Action]] = {
    "person": ("/people/{}", Action.PEOPLE_SEE),
    "account": ("/accounts/{}", Action.ACCOUNTS_SEE),
    "company": ("/companies/{}", Action.COMPANIES_SEE),
    "works": ("/works/{}", Action.WORKS_SEE),
    "registration": ("/registrations/{}", Action.REGISTRATIONS_SEE),
}
_NAMELESS = ("works", "registration")
"""Their handle is what they are called."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it is shown."""

    number: int
    moment: str
    who: str
    done: str
    about: str
    link: str
    about_key: str
    details: list[tuple[str, str]]


def audit_pages(office: Office) -> APIRouter:
    """Returns the addresses of the audit."""
    router = APIRouter()

    @router.get("/audit")
    def page(
        request: Request,
        actor: Annotated[Actor, Depends(Allowed(Action.AUDIT_SEE))],
        action: str = "",
        by: str = "",
        about: str = "",
        day: str = "",
        page: int = 1,
        check: str = "",
    ) -> Response:
        words = PageWords(language_of(request, actor), ROOM)
        asked_day = _day(day)
        asked = {
            "action": action if action in set(Noted) else "",
            "by": by,
            "about": about,
            "day": "" if asked_day is None else day,
        }
        page = max(1, min(page, 10**6))
        report: ChainReport | None = None
        with reading(office.engine) as connection:
            subjects = Subjects(connection, office.vault)
            wanted = Wanted(
                subjects.written(about) if about else None,
                subjects.written(by) if by else None,
                asked["action"] or None,
                asked_day,
            )
            rows: list[AuditRow] = []
            total = 0
            if (wanted.subject or not about) and (wanted.actor or not by):
                rows, total = read_page(connection, wanted, page)
            everybody = actors(connection)
            subjects.learn([*(row.subject for row in rows), *everybody])
            lines = [_line(row, subjects, words, actor) for row in rows]
            whose = sorted(
                (_called(subjects.of(one), words), str(subjects.of(one))) for one in everybody
            )
            named = _called(subjects.of(wanted.subject), words) if wanted.subject else about
            if check:
                report = verify_audit(connection, office.vault)
        kept = {key: value for key, value in asked.items() if value}
        return draw(
            request,
            "audit.html",
            words,
            actor,
            lines=lines,
            total=total,
            page=page,
            pages=max(1, -(-total // PAGE)),
            asked=asked,
            about_name=named if about else "",
            actions=[("", words("anything")), *((str(one), words(f"did.{one}")) for one in Noted)],
            whose=[("", words("anybody")), *((key, name) for name, key in whose)],
            address="/audit?" + "".join(f"{urlencode({k: v})}&" for k, v in kept.items()) + "page=",
            without="/audit?" + urlencode({k: v for k, v in kept.items() if k != "about"}),
            report=report,
            may_retain=actor.may(Action.RETENTION_CHANGE),
        )

    return router


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _line(row: AuditRow, subjects: Subjects, words: PageWords, actor: Actor) -> Line:
    subject = subjects.of(row.subject)
    link = ""
    if subject.kind in _LINKS and subject.handle and (subject.name or subject.kind in _NAMELESS):
        path, action = _LINKS[subject.kind]
        link = path.format(subject.handle) if actor.may(action) else ""
    return Line(
        row.number,
        moment_text(row.at_ms, words.language),
        _called(subjects.of(row.actor), words),
        words(f"did.{row.action}") if words.has(f"did.{row.action}") else row.action,
        _called(subject, words) if row.subject else "",
        link,
        str(subject),
        [
            _told(key, one, subjects, words)
            for key, one in row.detail.items()
            if one not in (None, "", [])
        ],
    )


def _told(key: str, value: Any, subjects: Subjects, words: PageWords) -> tuple[str, str]:
    """What a detail is called and what it is, in words where there are some."""
    called = words(f"key.{key}") if words.has(f"key.{key}") else key
    if isinstance(value, bool):
        return called, words("yes" if value else "no")
    if key.endswith("_ms") and isinstance(value, int):
        return called, moment_text(value, words.language)
    if words.has(f"value.{key}.{value}"):
        return called, words(f"value.{key}.{value}")
    if key == "role" and value in tuple(Role):
        return called, words.any(f"frame.role.{value}")
    if key == "kind" and value in tuple(Kind):
        return called, words.any(f"people.kinds.{value}")
    if key == "above" and isinstance(value, int):
        return called, _called(subjects.of(f"company:{value}"), words)
    return called, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        # Rows of a table tell a reader nothing but how many they are.
        return str(len(value))
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _called(subject: Subject, words: PageWords) -> str:
    """What a reader calls it: its name, else what kind it is and the handle."""
    if subject.name and subject.kind == "kiosk":
        # "Loge" alone could be anybody.
        return f"{words('kind.kiosk')} {subject.name}"
    if subject.name:
        return subject.name
    if not words.has(f"kind.{subject.kind}"):
        return str(subject)
    kind = words(f"kind.{subject.kind}")
    return f"{kind} {subject.handle}" if subject.handle else kind
