"""Draws a scene as HTML, one section for each thing a supervisor looks at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from hub.application.flow import Flow
from hub.application.overview import CompanyRow, PersonRow, Standing
from hub.compiled import Compiled
from hub.domain.rights import Action
from hub.i18n import catalogue, text
from hub.web.board_acts import FORM, BoardActs
from hub.web.compiled import CompiledTemplates
from hub.web.flow import Curve, curve_of, heat_of
from hub.web.gates import tiles
from hub.web.live import BEAT_S, Picture
from hub.web.scene import Scene
from hub.web.vendored import HTMX_CONFIG, vendored
from hub.web.words import Words

STATIC: Final = Path(__file__).parent / "static"
SECTIONS: Final = (
    "headline",
    "unregistered",
    "companies",
    "expected",
    "taps",
    "gates",
    "authority",
    "flow",
)
"""Sections in reading order; each is a template and the id of its element."""

LANGUAGE_NAMES: Final = {"fr": "Français", "nl": "Nederlands", "de": "Deutsch", "en": "English"}
_OPEN_PEOPLE: Final = 80
"""Up to so many people all companies are unfolded; beyond, only those with something to settle."""
_LISTED_PEOPLE: Final = 300
"""Up to so many people a board holds all of them; beyond, a company is a line that leads to its own
page, and of those who wait for the same only the first `_NAMED` are named. A board of 3,000 took
2.7 MB and two seconds on this machine, and more on a Raspberry Pi and a phone."""
_NAMED: Final = 60
_FIRMS: Final = 12
"""Companies beside the headcount, of a site with more than that those with most people on it: what
is to be settled has to be in sight."""

SHAPES: Final = {
    "none": "warning",
    "validated": "registered",
    "cancelling": "cancelled",
    "dropped": "cancelled",
}
"""Symbols that share a shape; every other one is drawn under its own name in `symbols.html`."""

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    bytecode_cache=CompiledTemplates(Compiled()),
)
# Seen by the imported macros too.
_environment.globals.update(shapes=SHAPES, vendored=vendored, htmx_config=HTMX_CONFIG)


@cache
def asset(name: str) -> str:
    """Returns the address of a file of ours, with its content's digest so that it can be cached."""
    digest = hashlib.blake2s((STATIC / name).read_bytes(), digest_size=4).hexdigest()
    return f"/static/{name}?v={digest}"


def template(name: str) -> Template:
    """Returns a template of ours, for a page that is drawn elsewhere."""
    return _environment.get_template(name)


def draw_moment(scene: Scene, words: Words) -> str:
    """Returns the "as of" line."""
    return template("moment.html").render(board=scene.board, scene=scene, words=words, asset=asset)


def draw_sections(
    scene: Scene, words: Words, may: frozenset[Action] = frozenset()
) -> dict[str, str]:
    """Returns the HTML of each section by its id, in reading order.

    Args:
        may: what whoever looks may do, of `hub.web.board_acts.RIGHTS`.
    """
    board = scene.board
    shown = _shown(scene, words)
    shown["form"] = FORM
    if board is not None:
        asker = _Asker(words.language, may, board.site.id, board.day)
        shown["acts"] = asker.acts
        shown["matter"] = partial(_draw_matter, asker)
        shown["waiter"] = partial(_draw_waiter, asker)
    return {
        name: _environment.get_template(f"sections/{name}.html").render(shown) for name in SECTIONS
    }


def draw_page(
    scene: Scene,
    words: Words,
    picture: Picture,
    asked: int | None,
    bar: Mapping[str, Any],
    alarm: str | None = None,
    said: str = "",
    calls: int = 0,
) -> str:
    """Returns the whole page.

    Args:
        picture: the drawn sections; the live stream goes on from its state.
        asked: the site that the address names, None when it names none.
        bar: who looks and where he may go, see `hub.web.frame.bar_of`.
        alarm: code of the newest incident about the books; None for none.
        said: key of what was done just now; one that nobody knows says nothing.
        calls: open alerts that nobody has acknowledged, as far as they are his.
    """
    key = f"registrations.said.{said}"
    told = words.any(key) if key in catalogue() else ""
    strip = f"alerts.strip_{'one' if calls == 1 else 'many'}"
    return _render(
        "page.html",
        scene,
        words,
        asked=asked,
        picture=picture,
        alarm=alarm,
        said=told,
        form=FORM,
        calls=words.typeset(text(strip, words.language, count=calls)) if calls else "",
        **bar,
    )


def draw_failure(kind: str, words: Words) -> str:
    """Returns an error page that says what happened, what was kept and what to do next.

    Args:
        kind: `400`, `404` or `500`.
    """
    return _environment.get_template("failure.html").render(
        words=words, kind=kind, asset=asset, languages=LANGUAGE_NAMES
    )


def _render(name: str, scene: Scene, words: Words, **values: Any) -> str:
    return _environment.get_template(name).render(_shown(scene, words), **values)


def _shown(scene: Scene, words: Words) -> dict[str, Any]:
    """Returns what the templates are given of a scene."""
    several = bool(scene.board and len(scene.board.works) > 1)
    return {
        "scene": scene,
        "board": scene.board,
        "words": words,
        "row": partial(_draw_person, words.language, several),
        "line": partial(_draw_line, words.language),
        "waiting": _waiting(scene, words),
        "tiles": tiles(scene, words),
        "curve": None if scene.flow is None or scene.flow.empty else _curve(scene.flow),
        "heat": heat_of(scene.flow.arrivals, words.language) if scene.flow else ([], []),
        "unfolded": _unfolded(scene),
        "listed": _listed(scene),
        "firms": _firms(scene),
        "firms_most": _FIRMS,
        "named": _NAMED,
        "stale_ms": round(2.5 * BEAT_S * 1000),
        "asset": asset,
        "languages": LANGUAGE_NAMES,
    }


@lru_cache(maxsize=16)
def _curve(flow: Flow) -> Curve:
    """A flow serves for a minute, its picture with it."""
    return curve_of(flow)


def _listed(scene: Scene) -> bool:
    """Returns whether the board holds everybody of the day."""
    companies = scene.board.companies if scene.board else ()
    return sum(len(company.people) for company in companies) <= _LISTED_PEOPLE


def _firms(scene: Scene) -> list[CompanyRow]:
    """Returns the companies with people on site by name, or of many the largest first."""
    here = [one for one in scene.board.companies if one.on_site] if scene.board else []
    return here if len(here) <= _FIRMS else sorted(here, key=lambda one: -one.on_site)


def _unfolded(scene: Scene) -> frozenset[str]:
    """Returns the names of the companies whose people are shown without a click."""
    if scene.board is None:
        return frozenset()
    few = sum(len(company.people) for company in scene.board.companies) <= _OPEN_PEOPLE
    return frozenset(
        company.name
        for company in scene.board.companies
        if few or any(person.standing is Standing.ACTION for person in company.people)
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """People who wait for the same reason and to whom the same happens next."""

    state: str
    word: str
    why: str
    next: str
    people: tuple[PersonRow, ...]


def _waiting(scene: Scene, words: Words) -> list[Waiting]:
    """Groups those on the way: when the authority is away, thirty people share one reason."""
    groups: dict[tuple[str, str, str, str], list[PersonRow]] = {}
    for person in scene.board.waiting if scene.board else ():
        row = person.deciding
        if row is not None:
            key = (str(row.state), words.state(row), words.why(row), words.next(row))
            groups.setdefault(key, []).append(person)
    return [Waiting(*key, tuple(people)) for key, people in groups.items()]


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who looks at a board: all on which it depends what is drawn of a person on it."""

    language: str
    may: frozenset[Action]
    site_id: int
    day: str

    @property
    def acts(self) -> BoardActs:
        """What is offered to them."""
        return BoardActs(Words(self.language), self.may, self.site_id, self.day)


@lru_cache(maxsize=2048)
def _draw_matter(asker: _Asker, person: PersonRow) -> Markup:
    """Returns one person who is not registered, with the reason and what can be done."""
    return _drawn(
        "matter.html",
        person=person,
        words=Words(asker.language),
        offer=asker.acts.offer(person),
        day=asker.day,
        form=FORM,
    )


@lru_cache(maxsize=4096)
def _draw_waiter(asker: _Asker, person: PersonRow) -> Markup:
    """Returns the name of one person whose registration is on its way."""
    return _drawn("waiter.html", person=person, more=asker.acts.more(person))


@lru_cache(maxsize=4096)
def _draw_line(
    language: str,
    title: str,
    number: str,
    level: int | None,
    on_site: int,
    registered: int,
    seen: int,
) -> Markup:
    """Returns one company of a large site, which leads to its own page."""
    return _drawn(
        "company_line.html",
        words=Words(language),
        title=title,
        number=number,
        level=level,
        on_site=on_site,
        registered=registered,
        seen=seen,
    )


def _drawn(name: str, **values: Any) -> Markup:
    return Markup(template(name).render(values))  # noqa: S704 - the template has escaped it


@lru_cache(maxsize=4096)
def _draw_person(language: str, several_works: bool, person: PersonRow) -> Markup:
    """Returns one person with his chains: one for each registration that counts.

    A tap changes one row of some hundred, and drawing them is most of the work of a picture.
    """
    words = Words(language)
    rows = person.counting or (person.deciding,)
    return _drawn(
        "person.html",
        person=person,
        words=words,
        chains=[(row, words.chain(person, row)) for row in rows],
        name_works=several_works or len(rows) > 1,
    )
