"""The page's addresses. It works without JavaScript and is live with it.

    GET  /            the page; `?lang=` fr nl de en, `?said=` the outcome of a form
    GET  /events      server-sent events, see `simulator.console.watch`
    GET  /state       the same as JSON, for scripts
    POST /tap         gate, card      hold that card to that gate
    POST /power       gate, on        0 cuts the power, 1 brings it back
    POST /network     gate, on        0 pulls the plug, 1 puts it back
    POST /authority   mode            how the simulated authority is to be reached
    GET  /static/...  our own style, script and icon

A form is answered by a redirect to the page (303), a request that accepts JSON by JSON.
"""

from __future__ import annotations

import collections
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from simulator.console.availability import MODES, AuthorityAway, AuthoritySwitch
from simulator.console.cards import Card, wall
from simulator.console.guard import Guard, origin_of, security_headers
from simulator.console.ports import SiteLike
from simulator.console.tapping import Hands, Refusal
from simulator.console.texts import LANGUAGES, choose_language, text
from simulator.console.watch import Watch, explained

FORM_MAX: Final = 4096
"""Bytes of a form; ours have less than 200."""
SAID_MAX: Final = 64
"""Outcomes kept for pages that are redirected to."""

_FOLDER = Path(__file__).parent
_Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of something a visitor did.

    Args:
        key: of texts.toml.
        values: for the text; a value that is a `Card` becomes its title.
        tone: "green", "red", "amber" as the gate showed, "done" or "failed".
        status: of the HTTP answer.
    """

    key: str
    values: dict[str, object]
    tone: str = "done"
    status: int = 200

    def sentence(self, language: str) -> str:
        """Returns it for people."""
        values = {
            name: value.title(language) if isinstance(value, Card) else value
            for name, value in self.values.items()
        }
        return text(self.key, language, **values)


def create_app(
    site: SiteLike, watch: Watch, authority: AuthoritySwitch, frame: str = ""
) -> Starlette:
    """Returns the page of a running site as an ASGI application.

    Args:
        site: what is shown, and acted on.
        watch: sees its changes; close it before the server is asked to stop.
        authority: sets the authority's mode.
        frame: address that the frame begins at; empty: the dashboard.
    """
    console = _Console(site, watch, authority, frame)
    framed = (origin_of(site.dashboard), origin_of(site.authority_url))
    return Starlette(
        routes=[
            Route("/", console.page),
            Route("/events", console.events),
            Route("/state", console.state),
            Route("/tap", console.acting(console.tap), methods=["POST"]),
            Route("/power", console.acting(console.power), methods=["POST"]),
            Route("/network", console.acting(console.network), methods=["POST"]),
            Route("/authority", console.acting(console.availability), methods=["POST"]),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ],
        middleware=[Middleware(Guard, headers=security_headers(framed))],
    )


class _Console:
    def __init__(
        self, site: SiteLike, watch: Watch, authority: AuthoritySwitch, frame: str
    ) -> None:
        self._site = site
        self._frame = frame
        self._watch = watch
        self._authority = authority
        self._hands = Hands(site)
        self._cards = wall(site.badges)
        self._said: collections.deque[tuple[int, Outcome]] = collections.deque(maxlen=SAID_MAX)
        self._said_count = 0
        environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("page.html")

    # ------------------------------------------------------------ looking

    async def page(self, request: Request) -> Response:
        if request.url.hostname != "127.0.0.1":
            # The dashboard lets itself be framed by one origin, the one the demo printed.
            return RedirectResponse(str(request.url.replace(hostname="127.0.0.1")), 307)
        await self._look_at_authority()
        asked = request.query_params.get("lang")
        language = choose_language(asked, request.headers.get("accept-language", ""))
        outcome = self._found(request.query_params.get("said", ""))
        html = self._template.render(
            language=language,
            languages=LANGUAGES,
            text=lambda key, **values: text(key, language, **values),
            gates=self._watch.views(language),
            cards=list(self._cards.values()),
            vm=all(gate.interpreter == "micropython" for gate in self._site.gates.values()),
            modes=MODES,
            mode=self._watch.mode,
            explained=explained(self._watch.mode, language),
            dashboard=_in_language(self._site.dashboard, language),
            frame=_in_language(self._frame or self._site.dashboard, language),
            authority=_in_language(self._site.authority_url, language),
            outcome=outcome,
        )
        return HTMLResponse(html, headers={"Content-Language": language, "Vary": "Accept-Language"})

    async def state(self, request: Request) -> Response:
        await self._look_at_authority()
        language = _language(request, request.query_params.get("lang"))
        return JSONResponse(
            {
                "gates": [
                    view | {"interpreter": self._site.gates[view["terminal"]].interpreter}
                    for view in self._watch.views(language)
                ],
                "cards": [
                    {"card": card.key, "name": card.title(language), "company": card.company}
                    for card in self._cards.values()
                ],
                "authority": {"mode": self._watch.mode, "modes": MODES},
                "addresses": {
                    "dashboard": self._site.dashboard,
                    "authority": self._site.authority_url,
                },
            }
        )

    async def events(self, request: Request) -> Response:
        if self._watch.full:
            return JSONResponse({"ok": False}, 503, {"Retry-After": "10"})
        language = _language(request, request.query_params.get("lang"))
        return StreamingResponse(self._watch.stream(language), media_type="text/event-stream")

    async def _look_at_authority(self) -> None:
        try:
            self._watch.mode = await self._authority.mode()
        except AuthorityAway:
            self._watch.mode = None

    # ------------------------------------------------------------ doing

    def acting(
        self, act: Callable[[_Form], Awaitable[Outcome]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Returns the address behind which `act` is done: form in, redirect or JSON out."""

        async def serve(request: Request) -> Response:
            form = await _form(request)
            try:
                outcome = await act(form)
            except Refusal as refusal:
                outcome = Outcome(refusal.key, refusal.values, "failed", refusal.status)
            self._watch.touch()
            language = _language(request, form.get("lang"))
            if "application/json" in request.headers.get("accept", ""):
                return JSONResponse(
                    {
                        "ok": outcome.tone != "failed",
                        "tone": outcome.tone,
                        "text": outcome.sentence(language),
                    },
                    outcome.status,
                )
            self._said_count += 1
            self._said.append((self._said_count, outcome))
            back = urlencode({"lang": language, "said": self._said_count})
            return RedirectResponse(f"/?{back}", 303)

        return serve

    async def tap(self, form: _Form) -> Outcome:
        card = self._cards.get(form.get("card", ""))
        if card is None:
            raise Refusal("failed_unknown", 404)
        answer = await self._hands.tap(form.get("gate", ""), card.uids)
        said = " · ".join(answer.lines)
        return Outcome("tapped", {"gate": answer.gate, "card": card, "said": said}, answer.lamps)

    async def power(self, form: _Form) -> Outcome:
        plan, on = self._hands.plan(form.get("gate", "")), _switch(form)
        await self._hands.power(plan.terminal, on)
        return Outcome("power_on" if on else "power_off", {"gate": plan.name})

    async def network(self, form: _Form) -> Outcome:
        plan, on = self._hands.plan(form.get("gate", "")), _switch(form)
        await self._hands.network(plan.terminal, on)
        return Outcome("network_on" if on else "network_off", {"gate": plan.name})

    async def availability(self, form: _Form) -> Outcome:
        mode = form.get("mode", "")
        if mode not in MODES:
            raise Refusal("failed_unknown", 404)
        try:
            self._watch.mode = await self._authority.set(mode)
        except AuthorityAway:
            self._watch.mode = None
            raise Refusal("failed_authority", 502) from None
        return Outcome(f"mode_{mode}_set", {})

    def _found(self, number: str) -> Outcome | None:
        return next((outcome for n, outcome in self._said if str(n) == number), None)


async def _form(request: Request) -> _Form:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_MAX:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=8))
    except (UnicodeDecodeError, ValueError):
        raise HTTPException(400) from None


def _switch(form: _Form) -> bool:
    if form.get("on") not in ("0", "1"):
        raise Refusal("failed_unknown", 404)
    return form["on"] == "1"


def _language(request: Request, asked: str | None) -> str:
    return choose_language(asked, request.headers.get("accept-language", ""))


def _in_language(address: str, language: str) -> str:
    return str(URL(address).include_query_params(lang=language))
