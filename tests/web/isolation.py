"""Walking every route of an application as somebody, with what is his, another's and nobody's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal
from zipfile import ZipFile

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from pypdf import PdfReader

from hub.application.access import Actor
from hub.application.enrolment import Enrolment
from hub.application.overview import AuthorityStatus
from hub.main import roll_call_desk
from hub.message_settings import AlertSettings, MailSettings, RecipientSettings
from hub.reports.day_list import day_list_pdf
from hub.reports.poster import poster_pdf
from hub.reports.reminder import reminder_pdf
from hub.reports.report_table import report_pdf
from hub.reports.roll_call import roll_call_pdf
from hub.storage.balance import Books
from hub.storage.overview import Overview
from hub.telling import Telling
from hub.terminals.card_reader import CardReader
from hub.web.live import Changes
from hub.web.pages import Running
from hub.web.phone_device import COOKIE
from hub.web.whole import whole_app
from tests.web.actors import CSRF
from tests.web.all_routes import all_routes
from tests.web.two_companies import (
    BELOW_TOKEN,
    DAY,
    LENT_OUT,
    NOBODYS_UID,
    OTHER,
    OTHER_TOKEN,
    OTHER_UID,
    OTHERS_WORKS,
    OWN,
    OWN_TOKEN,
    OWN_UID,
    REMINDERS,
    SHARED,
    World,
    handle_of_row,
)

Flavour = Literal["own", "other", "nobody"]
FLAVOURS: tuple[Flavour, ...] = ("own", "other", "nobody")
ENROLS = ("enrol-own", "enrol-other")
"""Handles of what each of the two waits for."""
NOBODYS_COMPANY, NOBODYS_WORKS = "0999000624", "1Y19FAKE009ZZ"
_RANDOM = re.compile(
    r"sitegate_[\w-]{43}|(?<=/link/)[\w-]{43}|(?<![\w-])(?=[0-9a-zA-Z_-]*[0-9])[0-9a-zA-Z_-]{22,}(?![\w-])|\b[0-9a-f]{16}\b"
)
_DRAWN = ("/account/second", "/people/{token}/own-link")
_HEADERS = ("content-type", "location", "www-authenticate", "retry-after", "content-language")


class Switch:
    """`AccessPort`: whoever the test says."""

    current: Actor | None = None

    def actor(self, cookie: str) -> Actor | None:
        """Returns him whatever the cookie."""
        del cookie
        return self.current


@dataclass(frozen=True)
class Asked:
    """One request of the walk.

    Args:
        route: path of the route, with its parameters.
        flavour: of whom what it names is.
        sent: what it names, by parameter or field.
    """

    method: str
    route: str
    path: str
    flavour: Flavour
    sent: tuple[tuple[str, str], ...]
    body: str = ""
    kind: str = ""


def application(world: World, changes: Changes | None = None) -> tuple[FastAPI, Switch]:
    """The application of a running hub on a world, and who is logged in."""
    handles = iter([*ENROLS, *(f"enrol-{number}" for number in range(1_000))])
    modes = Enrolment(world.office.clock, lambda: next(handles))
    for uid, actor in ((NOBODYS_UID, world.own), (OTHER_UID, replace(world.own, name="account:1",
                       account_id=1, company_id=999))):  # fmt: skip
        modes.typed(world.vault.tag(bytes.fromhex(uid)), actor)
    changes = changes or Changes()
    running = Running(
        changes,
        list,
        modes,
        CardReader(),
        poster_pdf,
        day_list_pdf,
        roll_call=roll_call_desk(world.office, changes.notify, 20.0),
        draw_list=roll_call_pdf,
        telling=telling(world, changes),
        draw_report=report_pdf,
        draw_reminder=reminder_pdf,
    )
    app = whole_app(
        world.office,
        running,
        Overview(world.engine),
        lambda: AuthorityStatus("unknown", None, None, None, 0, 0, None),
        Books(world.engine),
        world.plans,
    )
    app.state.access = access = Switch()
    return app, access


def telling(world: World, changes: Changes) -> Telling:
    """Who is told of alerts, by a mail server that is not there."""
    mail = MailSettings(host="127.0.0.1", port=1, security="none", sender="hub@site.example")
    told = RecipientSettings(to="supervisor@site.example", language="fr")
    settings = world.office.settings.model_copy(
        update={"mail": mail, "alerts": AlertSettings(recipients=[told])}
    )
    return Telling(
        settings, world.engine, world.vault, world.office.write, world.office.clock,
        changes.notify, "http://hub.example",
    )  # fmt: skip


def values(world: World, route: str, name: str) -> dict[Flavour, str]:
    """What a parameter of a route stands for, by whose it is; a path needs an entry.

    Raises:
        KeyError: there is none.
    """
    head = route.removeprefix("/api/v1").split("/")[1]

    def handle(kind: str) -> dict[Flavour, str]:
        other = handle_of_row(world.vault, kind, 1)
        return {"own": world.handles[OWN][kind], "other": other, "nobody": "f" * 16}

    badge: dict[Flavour, str] = {
        "own": world.badge_handle(OWN_UID),
        "other": world.badge_handle(OTHER_UID),
        "nobody": "f" * 32,
    }
    person: dict[Flavour, str] = {"own": OWN_TOKEN, "other": OTHER_TOKEN, "nobody": LENT_OUT}
    company: dict[Flavour, str] = {"own": OWN, "other": OTHER, "nobody": NOBODYS_COMPANY}
    works: dict[Flavour, str] = {"own": SHARED, "other": OTHERS_WORKS, "nobody": NOBODYS_WORKS}
    day: dict[Flavour, str] = dict.fromkeys(FLAVOURS, DAY)
    site: dict[Flavour, str] = {"own": "7", "other": "2", "nobody": "99"}
    known: dict[tuple[str, str], dict[Flavour, str]] = {
        ("people", "token"): person,
        ("people", "badge"): badge,
        ("people", "handle"): badge,
        ("people", "act"): dict.fromkeys(FLAVOURS, "block"),
        ("badges", "handle"): badge,
        ("companies", "number"): company,
        ("works", "number"): works,
        ("plan", "day"): day,
        ("plan", "number"): company,
        ("consult", "site"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("consult", "first"): dict.fromkeys(FLAVOURS, "2026-11-01"),
        ("consult", "last"): day,
        ("consult", "state"): dict.fromkeys(FLAVOURS, "registered"),
        ("consult", "remark"): dict.fromkeys(FLAVOURS, "any"),
        ("plan", "handle"): dict.fromkeys(FLAVOURS, "f" * 32),
        ("plan", "site"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("tokens", "handle"): handle("token"),
        ("alerts", "handle"): handle("alert"),
        ("accounts", "handle"): handle("account"),
        ("imports", "handle"): handle("import"),
        ("day", "site"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("day", "state"): dict.fromkeys(FLAVOURS, "not_registered"),
        ("reports", "site"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("reports", "schedule"): handle("schedule"),
        ("reports", "name"): dict.fromkeys(FLAVOURS, "hours"),
        ("reports", "form"): dict.fromkeys(FLAVOURS, "csv"),
        ("reports", "handle"): {
            "own": REMINDERS[OWN],
            "other": REMINDERS[OTHER],
            "nobody": "reminder-nobody",
        },
        ("reports", "to"): company,
        ("reports", "first"): day,
        ("reports", "last"): day,
        ("sites", "handle"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("registrations", "reference"): {
            "own": f"{OWN_TOKEN[:20]}0001",
            "other": f"{OTHER_TOKEN[:20]}0001",
            "nobody": "f" * 24,
        },
        ("registrations", "token"): person,
        ("registrations", "site"): dict.fromkeys(FLAVOURS, "7"),
        ("people", "site"): dict.fromkeys(FLAVOURS, "7"),
        ("enrol", "badge"): badge,
        ("kiosks", "handle"): {
            "own": "kiosk-00000001",
            "other": "kiosk-00000002",
            "nobody": "kiosk-0000ffff",
        },
        ("kiosks", "token"): person,
        ("phone", "handle"): {
            "own": handle_of_row(world.vault, "site", 7),
            "other": handle_of_row(world.vault, "site", 2),
            "nobody": "f" * 16,
        },
        ("enrol", "handle"): {"own": ENROLS[0], "other": ENROLS[1], "nobody": "enrol-none"},
        ("link", "secret"): dict.fromkeys(FLAVOURS, "x" * 43),
        ("*", "step"): dict.fromkeys(FLAVOURS, "block"),
        ("*", "person"): person,
        ("*", "company"): company,
        ("*", "company_number"): company,
        ("*", "works"): works,
        ("*", "day"): day,
        ("*", "site"): site,
        ("*", "page"): dict.fromkeys(FLAVOURS, "1"),
        ("*", "size"): dict.fromkeys(FLAVOURS, "50"),
        ("*", "kind"): dict.fromkeys(FLAVOURS, "employee"),
        ("*", "state"): dict.fromkeys(FLAVOURS, "active"),
        ("*", "problem"): dict.fromkeys(FLAVOURS, "no_badge"),
        ("*", "partial"): dict.fromkeys(FLAVOURS, "true"),
        ("*", "lang"): dict.fromkeys(FLAVOURS, "en"),
        ("*", "since"): dict.fromkeys(FLAVOURS, "0"),
        ("*", "said"): dict.fromkeys(FLAVOURS, "added"),
        ("*", "field"): dict.fromkeys(FLAVOURS, "inss"),
        ("*", "next"): dict.fromkeys(FLAVOURS, "/people"),
    }
    return known.get((head, name)) or known["*", name]


def fields(flavour: Flavour) -> dict[str, str]:
    """What a form or a body may hold, by whose it is. A card's number is never another's: that a
    badge in the hand is somebody's is told on purpose, see `test_a_badge_of_another`."""
    company = {"own": OWN, "other": OTHER, "nobody": NOBODYS_COMPANY}[flavour]
    return {
        "family_name": "Nieuweling",
        "given_name": "Jo",
        "kind": "employee",
        "language": "nl",
        "company_number": company,
        "works_number": {"own": SHARED, "other": OTHERS_WORKS, "nobody": NOBODYS_WORKS}[flavour],
        "inss": {"own": "85031299761", "other": "03072199766", "nobody": "90231599722"}[flavour],
        "uid": NOBODYS_UID,
        "name": {"own": "Aarts", "other": "Zwartbergen", "nobody": "Nemo"}[flavour],
        "q": {"own": "Aarts", "other": "Zwartbergen", "nobody": "Nemo"}[flavour],
        "login": {"own": "milan", "other": "quirijn", "nobody": "nemo"}[flavour]
        + {"own": "@aldershof", "other": "@zwartbergen", "nobody": "@nowhere"}[flavour]
        + ".example",
        "number": company,
        "company": company,
        "role": "contractor",
        "reason": "asked for by the walk",
        "note": "walked",
        "scope": "people.read",
        "password": "a long enough password",
        "recipient": "0",
    }


def bodies(route: APIRoute, flavour: Flavour) -> Iterator[tuple[str, str]]:
    """Yields (type of content, body) of the changes that a route is asked for."""
    told = fields(flavour)
    if not route.path.startswith("/api/"):
        yield "form", ""
        yield "form", json.dumps({**told, "csrf": CSRF})
        return
    person = ("family_name", "given_name", "kind", "language", "company_number", "works_number",
              "inss")  # fmt: skip
    one = {name: told[name] for name in person}
    bodies: dict[str, Any] = {
        "/people": one,
        "/people/search": {"inss": told["inss"]},
        "/people/bulk": {"people": [one, {**one, "inss": "1"}]},
        "/people/{token}": {"given_name": "Jo", "works_number": told["works_number"]},
        "/people/{token}/badges": {"uid": NOBODYS_UID},
        "/badges/{handle}/{step}": {"note": "walked"},
        "/plan": [{"inss": told["inss"], "day": "today", "works_number": told["works_number"]}],
    }
    path = route.path.removeprefix("/api/v1")
    assert path in bodies, f"the walk does not know what to send to {route.path}"
    yield "json", json.dumps(bodies[path])
    yield "json", "{}"
    if path == "/people/search":
        yield "json", json.dumps({"name": told["name"]})
        yield "json", json.dumps({"company_number": told["company_number"]})


def requests(app: FastAPI, world: World, changing: bool) -> list[Asked]:
    """Every request of the walk, of reading or of changing, in the order of the routes."""
    found: list[Asked] = []
    for route in all_routes(app):
        for method in sorted(
            (route.methods or set()) & ({"POST", "PATCH"} if changing else {"GET"})
        ):
            for flavour in FLAVOURS:
                found += _requests(route, method, world, flavour)
    return list(dict.fromkeys(found))


def _requests(route: APIRoute, method: str, world: World, flavour: Flavour) -> Iterable[Asked]:
    names = [one.name for one in route.dependant.path_params]
    try:
        given = {name: values(world, route.path, name)[flavour] for name in names}
    except KeyError as error:
        raise AssertionError(f"{route.path}: say whose {error} is in `values`") from None
    path = re.sub(r":\w+}", "}", route.path).format(**given)
    sent = tuple(given.items())
    if method != "GET":
        for kind, body in bodies(route, flavour):
            told = tuple(fields(flavour).items()) if body else ()
            yield Asked(method, route.path, path, flavour, (*sent, *told), body, kind)
        return
    yield Asked(method, route.path, path, flavour, sent)
    for one in route.dependant.query_params:
        try:
            value = values(world, route.path, one.name)[flavour]
        except KeyError:
            value = "1"
        told = (*sent, (one.name, value))
        yield Asked(method, route.path, f"{path}?{one.name}={value}", flavour, told)


def ask(client: TestClient, one: Asked, bearer: str = "") -> Response:
    """Makes a request of the walk."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    headers["Accept-Language"] = "en"
    # A phone that a worker made his is its own actor whoever is logged in beside it: it is not
    # walked on, `tests/web/test_phone_device.py` says what it opens.
    if COOKIE in client.cookies:
        client.cookies.delete(COOKIE)
    if one.kind == "form":
        form = json.loads(one.body) if one.body else {"csrf": CSRF}
        return client.request(
            one.method, one.path, data=form, headers=headers, follow_redirects=False
        )
    if one.kind == "json":
        headers["Content-Type"] = "application/json"
    return client.request(
        one.method, one.path, content=one.body, headers=headers, follow_redirects=False
    )


def plain(one: Asked, answer: Response, told: str) -> str:
    """An answer as it is compared: without what was sent and what is random.

    Args:
        told: its `text_of`.
    """
    text = "\n".join(
        [str(answer.status_code)]
        + [f"{name}: {answer.headers.get(name, '')}" for name in _HEADERS]
        + [f"cookie: {line.partition('=')[0]}" for line in answer.headers.get_list("set-cookie")]
        # A secret is made anew for each look at these pages, and drawn as a picture too.
        + ["" if one.route in _DRAWN else told]
    )
    for name, value in sorted(one.sent, key=lambda pair: -len(pair[1])):
        if len(value) > 3:
            text = re.sub(re.escape(value), f"«{name}»", text, flags=re.IGNORECASE)
        else:
            text = re.sub(rf"{name}(=|%3D){value}\b", f"«{name}»", text)
    seen: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        if match[0] in (OWN_TOKEN, BELOW_TOKEN):
            return match[0]
        return seen.setdefault(match[0], f"«random {len(seen)}»")

    return _RANDOM.sub(replaced, text)


def text_of(answer: Response) -> str:
    """Everything that an answer says, in a spreadsheet or on paper as well."""
    if answer.content.startswith(b"PK"):
        with ZipFile(BytesIO(answer.content)) as book:
            # The moment at which it was made is in its properties.
            names = [name for name in sorted(book.namelist()) if name != "docProps/core.xml"]
            return "\n".join(book.read(name).decode() for name in names)
    if answer.content.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    return answer.text


def traces_in(world: World, one: Asked, answer: Response, told: str) -> list[str]:
    """What an answer shows of the other company that the request itself did not say.

    Args:
        told: its `text_of`.
    """
    headers = "\n".join(f"{k}: {v}" for k, v in answer.headers.items())
    text = f"{told}\n{headers}".casefold()
    said = " ".join((one.path, one.body, *(value for _, value in one.sent))).casefold()
    return [mark for mark in world.traces if mark in text and mark not in said]
