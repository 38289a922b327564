"""A day with every part as a process, and nothing of a person in anything that it left behind.

What was produced: logs and errors of every process, every topic and payload at the broker, the
flash of the gates, every file of the hub, answers of pages and of the API, outputs of commands.
Names may be in the database and on the pages that show people; numbers and cards are nowhere.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocol import mqtt
from protocol.mac import broker_password
from simulator.site import GatePlan, SimulatedSite, SiteError
from tests.e2e.chain import journal_empty, page, ready, registered
from tests.e2e.leaks import Haystack, Needle, Search, addresses, encodings, told
from tests.hub.raw_client import RawClient

HEADER = (
    "site;works_number;company_number;company_name;family_name;given_name;inss;limosa;badge_uid;"
    "language;valid_until"
)
CAST = (
    ("Zonderspoor", "Theodorik", "85031299761", "", "04A1B2C3D4E5F1"),
    ("Vanonzichtbaar", "Frédérique", "90110599843", "", "04B7C6D5E4F3A2"),
    ("Onzichtbaarov", "Pantelejmon", "", "24999000000000187", "0493827160C5D4"),
)
STRANGER = "04DEADBEEF77C1"
"""A card that nobody has."""
WRONG_INSS = "85031299762"
WRONG_LIMOSA = "24999000000000188"
WRONG_NAME = "Foutenmakerius"
GATE = "gate-in"

NUMBERS = [
    Needle("number", f"number {place}", number)
    for place, number in enumerate(
        [one for person in CAST for one in person[2:4] if one] + [WRONG_INSS, WRONG_LIMOSA], 1
    )
]
CARDS = [
    Needle("card", f"card {place}", uid)
    for place, uid in enumerate([*(person[4] for person in CAST), STRANGER], 1)
]
NAMES = [
    Needle("name", f"name {place}", name)
    for place, name in enumerate([*(one for p in CAST for one in p[:2]), WRONG_NAME], 1)
]
NEVER = Search([*NUMBERS, *CARDS])
PAGES = (
    "", "api/board.json", "balance", "balance.json", "guard", "roll-call", "people", "enrol",
    "imports", "companies", "works", "accounts", "audit", "retention", "tokens",
)  # fmt: skip
"""Pages of an administrator: they hold names, and no number and no card."""
NOBODY = Search([*NUMBERS, *CARDS, *NAMES])


# ---------------------------------------------------------------- the search itself


@pytest.mark.parametrize("needle", [*NUMBERS[:1], *CARDS[:1], *NAMES[:2]], ids=str)
def test_whatever_is_planted_is_found_in_every_encoding(needle: Needle) -> None:
    search = Search([needle])
    for name, pattern in encodings(needle):
        planted = Haystack("here", b"\x00what goes before" + pattern + b"and after\xff")
        assert search.found(planted), name
    assert not search.found(Haystack("here", b"nothing of the kind, 1234567890 and Zonder Spoor"))


def test_planted_values_are_found_as_people_and_programs_write_them() -> None:
    number, card, name = "85031299761", "04A1B2C3D4E5F1", "Theodorik"
    for search, planted in (
        (Search(NUMBERS), "INSS 85.03.12-997.61"),
        (Search(NUMBERS), f'{{"ssin": {number}}}'),
        (Search(NUMBERS), f"850312 997 61 {number[::-1]}"),
        (Search(NUMBERS), f"{int(number):x}"),
        (Search(NUMBERS), repr(int(number).to_bytes(8, "little").hex())),
        (Search(NUMBERS), " ".join(f"{ord(one):02X}" for one in number)),
        (Search(CARDS), ":".join(card[place : place + 2] for place in range(0, 14, 2))),
        (Search(CARDS), str(int.from_bytes(bytes.fromhex(card), "little"))),
        (Search(CARDS), str(list(bytes.fromhex(card)))),
        (Search(CARDS), repr(bytearray(bytes.fromhex(card)))),
        (Search(NAMES), name.upper()),
        (Search(NAMES), "Fr%C3%A9d%C3%A9rique"),
    ):
        assert search.found(Haystack("here", planted.encode())), planted
    for ahead in range(5):
        for value in (number.encode(), bytes.fromhex(card), name.encode()):
            text = base64.b64encode(b"x" * ahead + value + b"tail")
            assert NOBODY.found(Haystack("here", text)), ahead


def test_a_failure_tells_the_place_and_never_the_value() -> None:
    (failure,) = told({("hub.log", "number 1", "digits utf-8")})
    assert failure == "hub.log: number 1 (digits utf-8)"
    assert "85031299761" not in repr(NUMBERS)


# ---------------------------------------------------------------- a day


class Site(SimulatedSite):
    """A site whose hub tells everything it can."""

    def _write_settings(self) -> None:
        super()._write_settings()
        file = self.folder / "site.toml"
        file.write_text('log_level = "debug"\n' + file.read_text())


class Listener:
    """Hears what a login at the broker may hear.

    Args:
        port: of the broker.
        user: the login.
        password: of the login.
        topics: what it subscribes to.
    """

    def __init__(self, port: int, user: str, password: str, topics: str) -> None:
        self.heard: list[Haystack] = []
        self._client = RawClient(port, user, password, f"listener-{user}")
        assert self._client.accepted
        self._client.send(mqtt.subscribe(1, [topics], 1))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                packet = self._client.next(0.2)
            except TimeoutError:
                continue
            if packet is None:
                return
            if packet[0] == "publish":
                _, topic, payload, qos, packet_id, *_ = packet
                assert isinstance(topic, str)
                assert isinstance(payload, bytes | bytearray | memoryview)
                way = topic.split("/")[3]
                self.heard.append(Haystack(f"topic {way}", topic.encode()))
                self.heard.append(Haystack(f"payload {way}", bytes(payload)))
                if qos and isinstance(packet_id, int):
                    self._client.send(mqtt.puback(packet_id))

    def stop(self) -> None:
        """Stops listening."""
        self._stopping.set()
        self._thread.join(10)
        self._client.close()


def listeners(site: SimulatedSite) -> list[Listener]:
    """One with the rights of the hub, and one with those of the gate, for what the hub says."""
    written = (site.folder / "hub" / "broker" / "broker.conf").read_text()
    match = re.search(r'user: "?hub"?, password: "([^"]+)"', written)
    assert match is not None
    port = int(site.hub.ready["broker"]["port"])
    gate = broker_password(bytes.fromhex(site.gates[GATE].settings["key"]))
    return [
        Listener(port, "hub", match[1], "sitegate/1/+/up/+"),
        Listener(port, GATE, gate, f"sitegate/1/{GATE}/down/+"),
    ]


def cast_file(folder: Path) -> Path:
    """Writes the people file of the cast, outside of the site's folder."""
    folder.mkdir()
    people = folder / "people.csv"
    rows = [
        f"Werf Noord;1Y19FAKE001AZ;{'' if limosa else '0999000129'};"
        f"{'' if limosa else 'Bouwwerken'};{family};{given};{inss};{limosa};{uid};nl;"
        for family, given, inss, limosa, uid in CAST
    ]
    people.write_text("\n".join([HEADER, *rows, ""]))
    return people


def wrong_file(folder: Path) -> None:
    """Writes a people file in which every row is wrong."""
    start = "Werf Noord;1Y19FAKE001AZ"
    rows = [
        f"{start};0999000129;B;{WRONG_NAME};An;{WRONG_INSS};;{STRANGER};nl;",
        f"{start};;;{WRONG_NAME};Bo;;{WRONG_LIMOSA};{STRANGER};nl;",
        f"{start};0999000129;B;{WRONG_NAME};Cy;8.5031299761E10;;;nl;",
    ]
    (folder / "wrong.csv").write_text("\n".join([HEADER, *rows, ""]))


@asynccontextmanager
async def day(folder: Path) -> AsyncIterator[Site]:
    """A site with one gate and three people."""
    people = cast_file(folder)
    site = Site(
        folder / "site",
        gates=(GatePlan(GATE, "Poort 1", "in"),),
        people=people,
        validation_delay_s=0.3,
        settle_s=1.0,
    )
    await site.start()
    try:
        await ready(site, GATE)
        yield site
    finally:
        await site.stop()


def asked(url: str, token: str = "", body: object = None) -> Haystack:
    """What an address answers, whatever its status: header and body."""
    headers = {"Accept-Language": "nl"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return Haystack(f"answer of {url[-12:]}", str(answer.headers).encode() + answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Haystack(
                f"answer {error.code} of {url[-12:]}", str(error.headers).encode() + error.read()
            )


async def said(site: SimulatedSite, *arguments: str) -> Haystack:
    """What a command prints, on both outputs, whether it succeeds or not."""
    try:
        out = await site.command(*arguments)
    except SiteError as error:
        out = str(error)
    return Haystack(f"sitegate {' '.join(arguments[:2])}", out.encode())


async def live(site: Site) -> list[Haystack]:
    """Lives through the day; returns what was said to who asked, without the pages of people."""
    wrong_file(site.folder)
    heard: list[Haystack] = []
    for person in CAST:
        await site.tap(GATE, person[4].lower())
    await site.tap(GATE, STRANGER.lower())
    numbers = await registered(site, 3)
    await site.network(GATE, up=False)
    await site.tap(GATE, CAST[0][4].lower())
    await site.network(GATE, up=True)
    await journal_empty(site, GATE)
    token = json.loads(await site.command("token", "add", "planner", "--scope", "plan", "--json"))[
        "token"
    ]
    plan = site.dashboard + "api/v1/plan"
    bodies: list[object] = [
        {"entries": [{"inss": WRONG_INSS, "day": "tomorrow"}]},
        {"entries": [{"limosa": WRONG_LIMOSA, "works_number": "x", "day": "2026-02-30"}]},
        {"entries": [{"inss": CAST[0][2], "name": WRONG_NAME}]},
        [WRONG_INSS],
        {"entries": [{"inss": int(CAST[0][2]), "day": "tomorrow"}]},
    ]
    heard += [await asyncio.to_thread(asked, plan, token, body) for body in bodies]
    heard.append(await asyncio.to_thread(asked, plan, "not a token", bodies[0]))
    for path in ("healthz", "no/such/page", "balance?day=x", "audit", "people/x", "static/x.js"):
        heard.append(await asyncio.to_thread(asked, site.dashboard + path))
    commands = (
        ("import", "wrong.csv", "--json"),
        ("doctor", "--json"),
    )
    heard += await asyncio.gather(*(said(site, *arguments) for arguments in commands))
    # A supervisor asked for people here: names are in it, numbers are not.
    listed = await said(site, "registration", "list", "--json")
    assert str(numbers[0]) in listed.content.decode()
    assert not NEVER.found(listed), told(NEVER.found(listed))
    for path in PAGES:
        shown = (await page(site, path)).encode()
        assert not NEVER.found(Haystack(path or "board", shown))
        heard.append(Haystack("addresses on a page", addresses(shown)))
    return heard


def left(site: Site) -> tuple[list[Haystack], list[Haystack]]:
    """What is left in the site's folder: (where names may be, where they may not)."""
    named: list[Haystack] = []
    nameless: list[Haystack] = []
    for file in sorted(site.folder.rglob("*")):
        place = file.relative_to(site.folder).as_posix()
        nameless.append(Haystack(f"file name {file.suffix}", place.encode()))
        # The authority is told the numbers: what it keeps is not ours. wrong.csv is our question.
        if not file.is_file() or place.startswith("authority") or place == "wrong.csv":
            continue
        # The list for an evacuation is read when nothing else is: it holds names, and no number.
        listed = place.startswith("hub/roll-call/") and file.name != "ticks.jsonl"
        bucket = named if listed or file.name.startswith("sitegate.db") else nameless
        bucket.append(Haystack(place, file.read_bytes()))
    nameless += [
        Haystack(f"{name} printed", gate.output.encode()) for name, gate in site.gates.items()
    ]
    return named, nameless


@pytest.mark.processes
@pytest.mark.micropython
def test_nothing_of_a_person_is_left_anywhere(tmp_path: Path) -> None:
    heard: list[Haystack] = []
    early: list[Haystack] = []

    async def whole() -> Site:
        async with day(tmp_path / "day") as site:
            both = await asyncio.to_thread(listeners, site)
            try:
                heard.extend(await live(site))
            finally:
                for listener in both:
                    await asyncio.to_thread(listener.stop)
                    heard.extend(listener.heard)
            # While it runs: the log of the database holds what is not in it yet.
            early.extend(one for one in left(site)[0] if one.place.endswith("-wal"))
        return site

    site = asyncio.run(whole())
    named, nameless = left(site)
    places = {one.place for one in [*named, *nameless, *heard]}
    assert {"hub/sitegate.db", "hub.log", "hub/broker/broker.log"} <= places
    assert {"topic up", "payload up", "topic down", "payload down"} <= places
    assert early
    assert any(b"Zonderspoor" in one.content for one in [*named, *early])
    assert any(place.startswith("hub/roll-call/") for place in places)
    assert any(place.startswith("gate-in/flash") for place in places)
    hits = {hit for one in [*named, *early] for hit in NEVER.found(one)}
    hits |= {hit for one in [*nameless, *heard] for hit in NOBODY.found(one)}
    assert not hits, told(hits)
