"""What all channel pages share: language, frame, headers, forms that are read and checked.

Every page works without scripts and loads nothing from elsewhere; its policy forbids both. A form
is read with a limit, and refused when it does not carry the token of the session it was shown to.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final, cast, final
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from simulator.authority.clock import BRUSSELS
from simulator.authority.draft import Message
from simulator.authority.numbers import company_text, digits_only
from simulator.authority.operations import Authority
from simulator.authority.pages import LANGUAGES, choose_language, load_texts
from simulator.authority.presence import Sender
from simulator.authority.sessions import COOKIE, Session, Sessions

FORM_MAX: Final = 256 * 1024
_FIELDS_MAX: Final = 5000
_LANGUAGE_COOKIE: Final = "sim_language"
_YEAR_S: Final = 365 * 86_400
_FOLDER: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


@final
class PageProblem(Exception):
    """A page cannot be shown as asked; the problem is shown instead.

    Args:
        status: HTTP status.
        key: `KEY` says what happened, `KEY_do` what to do.
    """

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key


@final
class LogInFirst(Exception):
    """The page is for somebody who has chosen who they are."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was read, and that the session it belongs to was shown before."""

    session: Session
    fields: Mapping[str, Sequence[str]] = field(repr=False)

    def text(self, name: str) -> str:
        """The trimmed text of a field, empty if there is none."""
        return next(iter(self.fields.get(name, ())), "").strip()

    def raw(self, name: str) -> str:
        """The text of a field as typed."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return list(self.fields.get(name, ()))


@cache
def load_channel_texts() -> Mapping[str, Mapping[str, str]]:
    """The texts of the channel pages, those of the page at / included: key, then language; read
    once."""
    found = dict(load_texts())
    for file in sorted((_FOLDER / "texts").glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        found |= cast("dict[str, dict[str, str]]", content)
    return found


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": day_text, "company": company_shown, "euro": euro_text}
    return made


@final
class Frame:
    """Renders pages and reads forms.

    Args:
        authority: for the clock and the senders.
        sessions: who uses the pages.
    """

    def __init__(self, authority: Authority, sessions: Sessions) -> None:
        self._authority = authority
        self._sessions = sessions
        self._texts = load_channel_texts()

    @property
    def today(self) -> date:
        """The Belgian day."""
        return self._authority.today()

    def session(self, request: Request) -> Session:
        """The session of whoever asks; not kept before it holds something."""
        return self._sessions.of(request.cookies.get(COOKIE))

    def sender(self, session: Session) -> Sender:
        """Who was chosen at the log-in.

        Raises:
            LogInFirst: nobody yet.
        """
        if session.sender_id is None:
            raise LogInFirst
        sender = self._authority.registers.sender(session.sender_id)
        if sender is None:
            raise LogInFirst
        return sender

    async def form(self, request: Request) -> Form:
        """Reads a posted form; a dependency of every route that changes something.

        Raises:
            PageProblem: too large, unreadable, or not a form of this session.
        """
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_MAX:
                raise PageProblem(413, "form_large")
        try:
            fields = parse_qs(
                body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS_MAX
            )
        except ValueError:
            raise PageProblem(400, "form_unreadable") from None
        session = self.session(request)
        if not self._sessions.form_ok(session, next(iter(fields.get("token", ())), "")):
            raise PageProblem(403, "form_foreign")
        return Form(session, fields)

    def keep(self, session: Session) -> None:
        """Remembers a session that now holds something."""
        self._sessions.keep(session)

    def renewed(self, session: Session, sender_id: str | None) -> Session:
        """Logs in or out under a new cookie."""
        return self._sessions.renew(session, sender_id)

    def language(self, request: Request) -> str:
        """The language asked for, remembered, or accepted, in this order."""
        asked = request.query_params.get("lang", "").lower()
        if asked not in LANGUAGES:
            asked = request.cookies.get(_LANGUAGE_COOKIE, "")
        return choose_language(asked, request.headers.get("accept-language", ""))

    def text(self, language: str, message: Message) -> str:
        """A text with its values filled in."""
        return self._texts[message.key][language].format_map(message.values)

    def show(
        self,
        request: Request,
        template: str,
        session: Session,
        *,
        status: int = 200,
        problems: Sequence[Message] = (),
        **values: object,
    ) -> Response:
        """A page; texts are escaped by the template engine, without exception.

        Args:
            request: what was asked; its query goes into the language links.
            template: file in `templates/`.
            session: of the browser.
            status: HTTP status.
            problems: shown above the content: what happened (`key`) and what to do (`key_do`).
            values: for the template.
        """
        language = self.language(request)

        def text(key: str, **filled: object) -> str:
            return self.text(language, Message(key, filled))

        def told(message: Message) -> str:
            return self.text(language, message)

        def in_all(key: str, code: str) -> str:
            return self.text(code, Message(key))

        def in_language(code: str) -> str:
            query = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
            return "?" + urlencode([*query, ("lang", code)])

        html = (
            _environment()
            .get_template(template)
            .render(
                language=language,
                languages=LANGUAGES,
                in_language=in_language,
                in_all=in_all,
                moment=moment_text,
                text=text,
                told=told,
                token=self._sessions.form_token(session),
                once=secrets.token_urlsafe(12),
                sender=self._authority.registers.sender(session.sender_id)
                if session.sender_id is not None
                else None,
                now=datetime.fromtimestamp(self._authority.clock() // 1000, BRUSSELS),
                today=self.today,
                path=request.url.path,
                problems=[(told(one), self._what_to_do(language, one)) for one in problems],
                **values,
            )
        )
        response = HTMLResponse(html, status_code=status)
        self.finish(request, response, session)
        return response

    def go(self, request: Request, to: str, session: Session) -> Response:
        """Sends the browser on after a form, so that a reload does not send it again."""
        response = RedirectResponse(to, status_code=303)
        self.finish(request, response, session)
        return response

    def finish(self, request: Request, response: Response, session: Session) -> None:
        """Headers and cookies every answer has."""
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(COOKIE, session.token, httponly=True, samesite="lax")
        asked = request.query_params.get("lang", "").lower()
        if asked in LANGUAGES:
            response.set_cookie(
                _LANGUAGE_COOKIE, asked, max_age=_YEAR_S, httponly=True, samesite="lax"
            )

    def show_problem(self, request: Request, problem: Exception) -> Response:
        """The handler of `PageProblem` and `LogInFirst`."""
        session = self.session(request)
        if isinstance(problem, PageProblem):
            message = Message(problem.key)
            return self.show(
                request, "problem.html", session, status=problem.status, problems=[message]
            )
        wanted = request.url.path if request.method == "GET" else "/desktop"
        return self.go(request, "/desktop/login?" + urlencode({"next": wanted}), session)

    def _what_to_do(self, language: str, message: Message) -> str:
        return self.text(language, Message(f"{message.key}_do", message.values))


def day_text(day: date | None) -> str:
    """A day as it is written in Belgium; an open end as three dots."""
    return "…" if day is None else f"{day:%d/%m/%Y}"


def moment_text(at_ms: int) -> str:
    """An instant as Belgian clocks show it."""
    return f"{datetime.fromtimestamp(at_ms // 1000, BRUSSELS):%d/%m/%Y %H:%M:%S}"


def company_shown(company: int | str | None) -> str:
    """An enterprise number in groups, or the name of a foreign company."""
    if company is None:
        return "–"
    if isinstance(company, str):
        return company
    text = company_text(company)
    return f"{text[:4]}.{text[4:7]}.{text[7:]}"


def euro_text(amount: int) -> str:
    """An amount with narrow spaces between thousands."""
    return f"{amount:,}".replace(",", "\u202f") + "\u00a0EUR"


def read_day(text: str) -> date | None:
    """A day as a date field sends it, None if it is none."""
    try:
        return date.fromisoformat(text) if digits_only(text.replace("-", ""), 8) else None
    except ValueError:
        return None


def read_company(text: str) -> int | None:
    """An enterprise number as people write it; the caller checks its check digits."""
    plain = text.upper().removeprefix("BE").replace(".", "").replace(" ", "").replace("-", "")
    return int(plain) if digits_only(plain, 10) else None
