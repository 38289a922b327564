"""How long pages take on a large site with a year behind it, and how soon a figure follows a tap.

The whole hub (`sitegate run`) on a house of `bench.year`. Pages are asked for over one kept
connection, beside the same pages of a hub with 30 people and a week; the first of each is not
measured. Reports over a month stand apart: they are asked for, not watched. *First paint* is what
Chromium says of itself: the first contentful paint of the board in a new browser, asked of a hub
that has answered nothing yet.

*Tap to figure*: 50 dashboards are open, one gate sends 20 taps a second of people who were not
here, and the time runs from the sending of a tap until a dashboard has a headcount with it in.

*Ticks*: three phones look at a roll call, one of them ticks three people a second.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from httpx2 import Client

from bench.crowd import COMPANY, GATE
from bench.figures import percentile, ratio, row, title
from bench.load import Terminal
from bench.rig import run_hub, scratch
from bench.year import DAYS, PEOPLE, large_site
from hub.application.access import COMMAND
from hub.clock import now_ms
from hub.domain.rights import Role
from hub.storage.accounts import Accounts, NewAccount
from hub.storage.engine import writing
from hub.storage.links import Purpose
from hub.storage.register import Register

PAGE_MS = 100.0
"""What a page may take, 95 of 100 times."""
FIGURE_S = 1.0
"""What a figure may take, 99 of 100 times."""
PAINT_MS = 1_000.0
ROUNDS = 20
DASHBOARDS = 50
RATE = 20
TAPS = 400
HERE = 1_500
"""Who is on site when the taps of the second measurement begin."""
PAGES = (
    "/", "/api/board.json", "/day", "/people", "/companies", f"/companies/{COMPANY}", "/plan",
    "/consult", "/roll-call", "/balance", "/alerts", "/audit", "/guard", "/reports",
    "/reports/reminders", "/works", "/accounts", "/kiosks", "/enrol", "/imports",
)  # fmt: skip
REPORTS = ("/reports/hours", "/reports/exceptions", "/reports/monthly")
"""Over the month until today: 84,000 presences on its 28th. Nobody keeps one of these open."""
REPORT_ROUNDS = 3
DRILL = 400
PHONES = 3
TICKS = 60
TICK_RATE = 3
_HOUR_MS = 3_600_000
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_PRESENT = re.compile(r'name="present" value="([^"]+)"')
_PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
    for (const one of list.getEntriesByName("first-contentful-paint")) done(one.startTime);
}).observe({type: "paint", buffered: true}))"""
_FIGURE = re.compile(rb'class="count-number">(\d+)<')
_SETTINGS = 'data = "hub"\n[broker]\nport = 0\n[web]\nport = 0\n'


@dataclass
class _Site:
    """A running hub. Attributes: url, client (an administrator is in), tags, broker, key."""

    url: str
    client: Client
    tags: list[bytes]
    broker: tuple[str, int]
    key: bytes


@contextmanager
def _site(people: int, days: int, here: int | None = None) -> Iterator[_Site]:
    with scratch() as folder:
        now = now_ms()
        year = large_site(folder / "hub", now, people, days, here)
        with writing(year.house.engine) as connection:
            accounts = Accounts(connection, year.house.vault, COMMAND, now)
            office = accounts.add(NewAccount("office", "Office", Role.ADMINISTRATOR))
            link = accounts.link(office, Purpose.LOGIN, now + 8 * _HOUR_MS)
            terminals = Register(connection, year.house.vault).terminals()
        year.house.close()
        key = next(one.key for one in terminals if one.terminal == GATE)
        (folder / "site.toml").write_text(_SETTINGS)
        with run_hub(folder) as (_, ready):
            url = ready["dashboard"].rstrip("/")
            with Client(base_url=url, timeout=120, trust_env=False) as client:
                found = _CSRF.search(client.get(f"/link/{link}").text)
                if found is None:
                    raise RuntimeError("the link opens no form")
                client.post(f"/link/{link}", data={"csrf": unescape(found[1])})
                broker = ready["broker"]
                yield _Site(url, client, year.tags, (broker["host"], broker["port"]), key)


def watching(runs: int) -> None:
    """Prints p50 and p95 of every page, and the first paint of a hub that was just started."""
    title(f"Pages: {PEOPLE:,} people on site, {DAYS} days behind them, beside 30 people and a week")
    with ExitStack() as stack:
        large = stack.enter_context(_site(PEOPLE, DAYS))
        small = stack.enter_context(_site(30, 7))
        _first_paint(large)
        slowest = max(_page(large, small, page, runs * ROUNDS) for page in PAGES)
        for page in REPORTS:
            _page(large, small, page, runs * REPORT_ROUNDS)
    print(f"  slowest p95 {slowest:.1f} ms, {slowest / PAGE_MS:.0%} of the {PAGE_MS:.0f} ms")


def _page(large: _Site, small: _Site, page: str, rounds: int) -> float:
    """Prints how long a page takes; returns the 95th of a hundred, milliseconds."""
    for one in (large, small):
        _timed(one.client, page)
    pairs = [(_timed(large.client, page), _timed(small.client, page)) for _ in range(rounds)]
    many, few = zip(*pairs, strict=True)
    print(f"  {page}", flush=True)
    row("  p50", [percentile(many, 50)], "ms", 1)
    slow = row("  p95", [percentile(many, 95)], "ms", 1)
    ratio("  beside the small site", many, few, "none")
    return slow


def _timed(client: Client, page: str) -> float:
    begin = time.perf_counter()
    answer = client.get(page)
    took = (time.perf_counter() - begin) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: {answer.status_code} instead of a page")
    return took


def _first_paint(site: _Site) -> None:
    """Opens the board in a new browser and prints when it was painted, and how much came."""
    from playwright.sync_api import sync_playwright

    cookies = [
        {"name": name, "value": value, "url": site.url}
        for name, value in site.client.cookies.items()
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium())
        try:
            context = browser.new_context()
            context.add_cookies(cookies)  # pyright: ignore[reportArgumentType]
            page = context.new_page()
            page.goto(f"{site.url}/", wait_until="load")
            painted = page.evaluate(_PAINTED)
            came = page.evaluate(
                "performance.getEntriesByType('resource').concat("
                "performance.getEntriesByType('navigation'))"
                ".reduce((sum, one) => sum + (one.transferSize || 0), 0)"
            )
        finally:
            browser.close()
    row(f"first paint of a hub just started, aim <= {PAINT_MS:.0f}", [painted], "ms")
    row("what came for it, aim <= 150", [came / 1024], "KB")


def _chromium() -> str:
    for name in ("chromium", "chromium-browser"):
        for folder in ("/usr/bin", "/usr/local/bin"):
            if (path := Path(folder) / name).exists():
                return str(path)
    raise RuntimeError("no Chromium: `make browser` installs it")


def figures(runs: int) -> None:
    """Prints how soon a headcount follows a tap, on 50 dashboards and beside it on one."""
    title(f"Tap to figure: {RATE} taps a second, {HERE:,} of {PEOPLE:,} people on site before")
    many: list[float] = []
    one: list[float] = []
    for _ in range(runs):
        for found, dashboards in ((many, DASHBOARDS), (one, 1)):
            with _site(PEOPLE, 10, HERE) as site:
                found += asyncio.run(_tap_and_look(site, dashboards))
    row(f"{DASHBOARDS} dashboards, p50", [percentile(many, 50)], "s", 2)
    worst = row(f"{DASHBOARDS} dashboards, p99", [percentile(many, 99)], "s", 2)
    row("one dashboard, p99", [percentile(one, 99)], "s", 2)
    ratio("fifty beside one", [percentile(many, 99)], [percentile(one, 99)], "none")
    print(f"  p99 {worst:.2f} s, {worst / FIGURE_S:.0%} of the {FIGURE_S:.0f} s")


async def _tap_and_look(site: _Site, dashboards: int) -> list[float]:
    """Returns the seconds from each tap to each dashboard."""
    terminal = Terminal(GATE, site.key, b"journal2", 1)
    terminal.prepare(TAPS, now_ms(), site.tags[HERE - 1 :])
    await asyncio.to_thread(terminal.connect, *site.broker)
    opened = [asyncio.Event() for _ in range(dashboards)]
    seen: list[dict[int, float]] = [{} for _ in range(dashboards)]
    looking = [
        asyncio.create_task(_look(site, event, figures))
        for event, figures in zip(opened, seen, strict=True)
    ]
    await asyncio.gather(*(event.wait() for event in opened))
    begin = time.perf_counter()
    for number in range(TAPS):
        await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        terminal.send(1)
    # Whoever has the last figure has had all of them.
    await asyncio.wait_for(asyncio.gather(*looking), 60)
    terminal.socket.close()
    return [
        min(at for figure, at in figures.items() if figure >= HERE + number + 1) - moment
        for figures in seen
        for number, moment in enumerate(terminal.moments)
    ]


def ticks(runs: int) -> None:
    """Prints how soon a tick of one phone is on the others, of 400 people and of a large site."""
    title(f"Roll call: {TICKS} ticks, {PHONES} phones, the tick of each until it is on all screens")
    for people in (DRILL, PEOPLE):
        found: list[float] = []
        for _ in range(runs):
            with _site(people, 10) as site:
                found += asyncio.run(_tick_and_look(site, people))
        row(f"{people:,} people, p50", [percentile(found, 50)], "s", 2)
        row(f"{people:,} people, p99, aim <= {FIGURE_S:.0f}", [percentile(found, 99)], "s", 2)


async def _tick_and_look(site: _Site, people: int) -> list[float]:
    """Returns the seconds from each tick to each phone."""
    page = await asyncio.to_thread(lambda: site.client.get("/roll-call").text)
    form = {"site": _value(page, "site"), "csrf": _value(page, "csrf")}
    await asyncio.to_thread(lambda: site.client.post("/roll-call/start", data=form))
    page = await asyncio.to_thread(lambda: site.client.get("/roll-call").text)
    form["call"] = _value(page, "call")
    opened = [asyncio.Event() for _ in range(PHONES)]
    seen: list[dict[int, float]] = [{} for _ in range(PHONES)]
    looking = [
        asyncio.create_task(_look(site, event, figures, "/roll-call/live", people - TICKS))
        for event, figures in zip(opened, seen, strict=True)
    ]
    await asyncio.gather(*(event.wait() for event in opened))
    begun: list[float] = []
    headers = {"Accept": "application/json"}
    for token in _PRESENT.findall(page)[:TICKS]:
        begun.append(time.perf_counter())
        data = form | {"present": token}
        answer = await asyncio.to_thread(
            lambda data=data: site.client.post("/roll-call/tick", data=data, headers=headers)
        )
        answer.raise_for_status()
        await asyncio.sleep(max(0.0, begun[-1] + 1 / TICK_RATE - time.perf_counter()))
    await asyncio.wait_for(asyncio.gather(*looking), 60)
    return [
        min(at for figure, at in figures.items() if figure <= people - number - 1) - moment
        for figures in seen
        for number, moment in enumerate(begun)
    ]


def _value(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]+)"', page)
    if found is None:
        raise RuntimeError(f"the page has no {name}")
    return unescape(found[1])


async def _look(
    site: _Site,
    opened: asyncio.Event,
    figures: dict[int, float],
    path: str = "/live",
    last: int = HERE + TAPS,
) -> None:
    """Keeps a screen open until it shows the last figure; notes when each came."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    cookie = "; ".join(f"{name}={value}" for name, value in site.client.cookies.items())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    try:
        while last not in figures:
            line = await reader.readline()
            if not line:
                raise RuntimeError("a screen was closed")
            found = _FIGURE.search(line)
            if found is not None:
                figures.setdefault(int(found[1]), time.perf_counter())
                opened.set()
    finally:
        writer.close()
