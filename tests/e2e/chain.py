"""Waiting for what a chain of processes shows, by asking it and never by the clock alone."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from weakref import WeakKeyDictionary

from protocol.limits import RECORD_SIZE
from protocol.record import Record, unpack_record
from simulator.site import SimulatedSite

T = TypeVar("T")
PATIENCE_S = 60.0
LOOK_S = 0.05
_COOKIES: WeakKeyDictionary[SimulatedSite, str] = WeakKeyDictionary()


async def fetch(url: str, body: dict[str, object] | None = None, cookie: str = "") -> str:
    """Returns what a URL answers; posts JSON when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    if cookie:
        headers["Cookie"] = cookie
    request = urllib.request.Request(url, data, headers)  # noqa: S310

    def read() -> str:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.read().decode()

    return await asyncio.to_thread(read)


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], what: str) -> T:
    """Looks again and again until it sees what is wanted; fails with what it saw last."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    seen: object = None
    while asyncio.get_running_loop().time() < deadline:
        try:
            found = await look()
            seen = found
            if wanted(found):
                return found
        except OSError as error:
            seen = error
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"waited {PATIENCE_S} s for {what}; last seen: {seen}")


async def board(site: SimulatedSite) -> dict[str, Any]:
    """What the hub's page shows, as JSON."""
    return json.loads(await page(site, "api/board.json"))


async def page(site: SimulatedSite, path: str = "") -> str:
    """A page of the hub as an administrator sees it; he logs in when it is the first."""
    if site not in _COOKIES:
        _COOKIES[site] = await asyncio.to_thread(enter, await log_in_link(site))
    return await fetch(site.dashboard + path, cookie=_COOKIES[site])


async def log_in_link(site: SimulatedSite) -> str:
    """A link that logs somebody in who sees everything."""
    said = await site.command(
        "account", "add", "looker", "--name", "Looker", "--role", "administrator", "--login",
        "--json",
    )  # fmt: skip
    return json.loads(said)["link"]


def enter(link: str) -> str:
    """Uses a link that logs in, as a browser does; returns the cookie of the session."""
    address = urlsplit(link)
    connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=10)
    with closing(connection):
        connection.request("GET", address.path)
        answer = connection.getresponse()
        before = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        answer.read()
        form = urlencode({"csrf": before.partition("=")[2]})
        headers = {"Cookie": before, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", address.path, form, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
        return (answer.getheader("Set-Cookie") or "").partition(";")[0]


async def held(site: SimulatedSite) -> list[dict[str, Any]]:
    """What the authority holds."""
    return json.loads(await fetch(site.authority_url + "sim/registrations"))


def people(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Everybody on the board."""
    return [p for company in shown["board"]["companies"] for p in company["people"]]


def numbers(shown: dict[str, Any]) -> list[int]:
    """Every registration number on the board."""
    found = [r["number"] for p in people(shown) for r in p["registrations"]]
    return sorted(number for number in found if number)


async def registered(site: SimulatedSite, count: int) -> list[int]:
    """Waits until the page shows this many numbers; returns them."""
    shown = await until(
        lambda: board(site), lambda b: len(numbers(b)) >= count, f"{count} registration numbers"
    )
    return numbers(shown)


async def availability(site: SimulatedSite, mode: str) -> None:
    """Sets how the authority behaves."""
    await fetch(site.authority_url + "sim/availability", {"mode": mode})


async def ready(site: SimulatedSite, terminal: str) -> None:
    """Waits until a gate holds the roster and is in touch with the hub."""

    def in_touch(shown: dict[str, Any]) -> bool:
        gate = next(g for g in shown["gates"] if g["terminal_id"] == terminal)
        return bool(gate["online"]) and gate["unsent"] == 0

    await until(lambda: board(site), in_touch, f"{terminal} in touch")


async def let_in(site: SimulatedSite, terminal: str, uid: str) -> None:
    """Holds a badge to a gate until it is answered, and waits until the arm opens for it.

    What opened is in flash. A machine at work on other things may take long to answer: a person
    who gives up sooner would have tapped for nothing.
    """
    gate = site.gates[terminal]
    before = gate.panel["taps"]
    seen: list[dict[str, Any]] = []
    forget = gate.on_panel(seen.append)
    try:
        await site.tap(terminal, uid)
        await gate.wait_panel(
            lambda _: any(p["answered"] > before and p["arm"] == "open" for p in seen), PATIENCE_S
        )
    finally:
        forget()


async def journal_empty(site: SimulatedSite, terminal: str) -> None:
    """Waits until the gate's display says that nothing is left to send."""
    await site.gates[terminal].wait_panel(lambda panel: shows(panel, "0"), PATIENCE_S)


def shows(panel: dict[str, Any], unsent: str) -> bool:
    """Whether the idle screen counts this many unsent records."""
    return any(line.split()[-1:] == [unsent] for line in panel["lines"] if "ZENDEN" in line)


def inbox_records(site: SimulatedSite) -> list[Record]:
    """Every record in the hub's inbox."""
    path = Path(site.folder) / "hub" / "sitegate.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        runs = connection.execute("SELECT records FROM inbox ORDER BY id").fetchall()
    return [
        unpack_record(records, offset)
        for (records,) in runs
        for offset in range(0, len(records), RECORD_SIZE)
    ]


def tap_facts(site: SimulatedSite) -> list[tuple[int, int, int]]:
    """The taps the hub derived from its inbox: (stream, sequence number, verdict)."""
    path = Path(site.folder) / "hub" / "sitegate.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute(
            "SELECT stream_id, seq, verdict FROM tap ORDER BY stream_id, seq"
        ).fetchall()


def command_line(pid: int | None) -> bytes:
    """How a process was started."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
