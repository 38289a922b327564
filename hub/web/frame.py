"""The frame of every page but the board: bar, navigation by rights, what was said, the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from hub.application.access import Actor
from hub.domain.rights import Action, Role
from hub.i18n import LANGUAGES, negotiate
from hub.web.access import FORM_FIELD
from hub.web.drawing import LANGUAGE_NAMES, asset, template
from hub.web.page_words import PageWords

LANGUAGE_COOKIE: Final = "sitegate_lang"
LANGUAGE_COOKIE_S: Final = 365 * 24 * 3600


TONES: Final = {
    "alerts.said.settled": "plain",
    "enrol.said.ended": "plain",
    "enrol.said.gone": "plain",
    "imports.said.discarded": "plain",
    "people.said.kept_doubt": "warn",
    "registrations.said.made_none": "plain",
    "reminders.said.sent_before": "plain",
}
"""How what is said looks where nothing was achieved or something is to be looked at; else green."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation.

    Args:
        path: where it leads; the entry is current for every address below it.
        key: its text, under `frame.nav`.
        action: who may, sees it.
    """

    path: str
    key: str
    action: Action


NAVIGATION: Final = (
    Entry("/", "board", Action.BOARD_SEE),
    Entry("/guard", "guard", Action.GUARD_SEE),
    Entry("/alerts", "alerts", Action.ALERTS_SEE),
    Entry("/roll-call", "roll_call", Action.ROLL_CALL_SEE),
    Entry("/kiosks", "kiosks", Action.KIOSKS_CHANGE),
    Entry("/people", "people", Action.PEOPLE_SEE),
    Entry("/enrol", "enrol", Action.ENROL),
    Entry("/imports", "imports", Action.PEOPLE_IMPORT),
    Entry("/companies", "companies", Action.COMPANIES_SEE),
    Entry("/works", "works", Action.WORKS_SEE),
    Entry("/plan", "plan", Action.PLAN_SEE),
    Entry("/day", "day", Action.DAY_SEE),
    Entry("/reports", "reports", Action.REPORTS_SEE),
    Entry("/balance", "balance", Action.BOOKS_SEE),
    Entry("/own", "own", Action.OWN_SEE),
    Entry("/consult", "consult", Action.REGISTRATIONS_SEE),
    Entry("/accounts", "accounts", Action.ACCOUNTS_SEE),
    Entry("/tokens", "tokens", Action.TOKENS_CHANGE),
    Entry("/audit", "audit", Action.AUDIT_SEE),
)


def entries_of(actor: Actor | None) -> list[Entry]:
    """Returns the navigation of somebody: what he may see."""
    return [] if actor is None else [one for one in NAVIGATION if actor.may(one.action)]


def home_of(actor: Actor) -> str:
    """Returns where somebody begins: the first of his pages; of an inspector the list of today."""
    entries = entries_of(actor)
    if actor.role is Role.INSPECTOR and actor.may(Action.DAY_SEE):
        return "/day"
    return entries[0].path if entries else "/account"


def bar_of(actor: Actor, path: str) -> dict[str, Any]:
    """Returns what the parts of the frame need on a page that has a frame of its own."""
    return {
        "actor": actor,
        "entries": entries_of(actor),
        "here": path,
        "csrf": actor.csrf,
        "csrf_field": FORM_FIELD,
    }


def language_of(request: Request, actor: Actor | None = None) -> str:
    """Returns the language to speak: asked for, chosen before, the account's, the browser's."""
    asked = request.query_params.get("lang")
    chosen = asked if asked in LANGUAGES else request.cookies.get(LANGUAGE_COOKIE)
    if chosen not in LANGUAGES and actor is not None and actor.language in LANGUAGES:
        chosen = actor.language
    return negotiate(request.headers.get("Accept-Language"), chosen)


def draw(
    request: Request,
    name: str,
    words: PageWords,
    actor: Actor | None = None,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Returns a page that extends `frame.html`.

    Args:
        name: its template.
        words: its texts; the language of the page.
        actor: who looks at it; None for a page before the login.
        status: HTTP status.
        **values: what the template draws.
    """
    path = request.url.path
    said = request.query_params.get("said", "")
    html = template(name).render(
        words=words,
        actor=actor,
        asset=asset,
        languages=LANGUAGE_NAMES,
        here=path,
        entries=entries_of(actor),
        csrf=actor.csrf if actor is not None else "",
        csrf_field=FORM_FIELD,
        said=_said(words, said),
        said_tone=TONES.get(f"{words.room}.said.{said}", ""),
        in_language={code: _in_language(request, code) for code in LANGUAGES},
        **values,
    )
    response = HTMLResponse(html, status)
    response.headers["Content-Language"] = words.language
    response.headers["Vary"] = "Accept-Language, Cookie"
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            asked,
            max_age=LANGUAGE_COOKIE_S,
            httponly=True,
            samesite="lax",
            path="/",
        )
    return response


def go(path: str, said: str = "") -> RedirectResponse:
    """Returns the way to a page after something was done, which says so there.

    Args:
        path: of this hub.
        said: key under `said` of the texts of that page, or of the frame.
    """
    sign = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{sign}said={said}" if said else path, 303)


def _said(words: PageWords, said: str) -> str:
    if words.has(f"said.{said}"):
        return words(f"said.{said}")
    frame = PageWords(words.language, "frame")
    return frame(f"said.{said}") if frame.has(f"said.{said}") else ""


def _in_language(request: Request, code: str) -> str:
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("lang", "said")]
    return "?" + urlencode([*kept, ("lang", code)])
