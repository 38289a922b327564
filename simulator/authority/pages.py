"""The page at /: what the authority holds and how it is to be reached, for people.

It loads nothing from elsewhere, needs no script, and shows no person's number in full.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from simulator.authority.availability import Availability
from simulator.authority.clock import BRUSSELS
from simulator.authority.numbers import company_text, masked
from simulator.authority.operations import Authority
from simulator.authority.presence import CANCELLED, FAILED, REGISTERED, VALIDATED, Registration
from simulator.authority.soap import urls

LANGUAGES: Final = ("fr", "nl", "de", "en")
DEFAULT_LANGUAGE: Final = "en"
ROWS: Final = 50
REFRESH_S: Final = 5

_FOLDER = Path(__file__).parent
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
)
_CLASSES: Final = {
    REGISTERED: "registered",
    VALIDATED: "validated",
    FAILED: "failed",
    CANCELLED: "cancelled",
}


@cache
def load_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts of the page: key, then language; read once."""
    file = _FOLDER / "texts.toml"
    return cast("dict[str, dict[str, str]]", tomllib.loads(file.read_text(encoding="utf-8")))


def choose_language(asked: str | None, accepted: str) -> str:
    """The language of an answer: the one asked for, else the best accepted one, else English.

    Args:
        asked: value of `?lang=`, if any.
        accepted: the Accept-Language header, empty if absent.
    """
    if asked is not None and asked.lower() in LANGUAGES:
        return asked.lower()
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in accepted.split(","):
        tag, _, parameters = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def page_router(authority: Authority, availability: Availability) -> APIRouter:
    """The page and its style sheet."""
    router = APIRouter()
    texts = load_texts()
    template = _environment.get_template("page.html")
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")

    @router.get("/page.css")
    def show_style() -> Response:
        return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache"})

    @router.get("/")
    def show_page(
        request: Request,
        lang: str | None = None,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        refresh: int = REFRESH_S,
    ) -> Response:
        language = choose_language(lang, request.headers.get("accept-language", ""))

        def text(key: str, **values: object) -> str:
            return texts[key][language].format_map(values)

        def link(**changes: object) -> str:
            kept = {"lang": language, "page": page, "refresh": refresh} | changes
            plain = {"page": 1, "refresh": REFRESH_S}
            return "?" + urlencode({k: v for k, v in kept.items() if plain.get(k) != v})

        counts = authority.counts()
        refreshed = refresh > 0
        html = template.render(
            language=language,
            languages=LANGUAGES,
            text=text,
            link=link,
            now=datetime.fromtimestamp(authority.clock() // 1000, BRUSSELS),
            mode=availability.mode,
            notes=_notes(availability.as_json(), text),
            tiles=[(name, counts.get(status, 0)) for status, name in _CLASSES.items()],
            rows=[_row(one) for one in authority.newest(ROWS, (page - 1) * ROWS)],
            page=page,
            last_page=max(1, -(-sum(counts.values()) // ROWS)),
            refreshed=refreshed,
            refresh_s=REFRESH_S,
            urls=urls(str(request.base_url)),
        )
        headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
        }
        if refreshed:
            headers["Refresh"] = str(REFRESH_S)
        return HTMLResponse(html, headers=headers)

    return router


def _notes(state: Mapping[str, object], text: Callable[..., str]) -> list[str]:
    """What else is set, beside the mode."""
    notes: list[str] = []
    if state["mode_calls"] is not None:
        notes.append(text("calls_left", count=state["mode_calls"]))
    if state["fault_code"] is not None:
        notes.append(text("next_fault", code=state["fault_code"]))
    if state["latency_ms"]:
        notes.append(text("latency", ms=state["latency_ms"]))
    return notes


def _row(registration: Registration) -> dict[str, object]:
    submission = registration.submission
    company = submission.company
    return {
        "number": registration.number,
        "day": registration.day.isoformat(),
        "works": submission.works,
        "company": None if company is None else _grouped(company_text(company)),
        "person": f"L1 {masked(submission.limosa)}"
        if submission.limosa is not None
        else masked(submission.inss or ""),
        "status": registration.last.status,
        "class": _CLASSES[registration.last.status],
        "remarks": registration.last.remarks,
        "reference": submission.reference,
    }


def _grouped(company: str) -> str:
    return f"{company[:4]}.{company[4:7]}.{company[7:]}"
