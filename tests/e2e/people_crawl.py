"""Everything a hub's pages lead to, as its people find it: each follows every link he is shown.

One page of each route of the hub's own table is opened in his browser and looked over
(`Walker.looks_over`); others of the same route, and whatever is no page, are fetched. A link is a
promise: whoever sees it is let in. What the scripts of a page ask for is reached, too.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import unescape
from io import BytesIO
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit
from zipfile import ZipFile

from tests.e2e.people_walker import Walker

if TYPE_CHECKING:
    from fastapi.routing import APIRoute
    from playwright.sync_api import Response

ALIKE: Final = 1
"""How many addresses of one kind are fetched beside the one that is opened: a person of another
company, or a registration without a number, may hold other links."""
_LINK: Final = re.compile(r'<a\b[^>]*?\shref="([^"]*)"')
_FORM: Final = re.compile(r'<form\b[^>]*?\smethod="get"[^>]*?\saction="([^"]*)"')
_SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HOLDS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "application/pdf": lambda body: body.startswith(b"%PDF-") and b"%%EOF" in body[-64:],
    _SPREADSHEET: lambda body: "xl/workbook.xml" in ZipFile(BytesIO(body)).namelist(),
    "text/csv": lambda body: b";" in body and b"\n" in body,
    "application/json": lambda body: bool(json.loads(body)),
    "text/html": lambda body: b"<h1" in body and body.rstrip().endswith(b"</html>"),
}
"""What may be behind a link, and whether something is in it."""
_ENDS: Final = {".pdf": "application/pdf", ".xlsx": _SPREADSHEET, ".csv": "text/csv"}


class Table:
    """The addresses of a hub that can be looked at, in the order in which it looks for one."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self.routes = [one for one in routes if "GET" in (one.methods or ())]

    def pages(self) -> Iterator[APIRoute]:
        """Yields those for people: pages, what they hold, and what is taken along."""
        yield from (one for one in self.routes if not one.path.startswith("/api/v1/"))

    def route_of(self, address: str) -> str:
        """Returns which route answers to an address of the hub; empty for none."""
        path = unquote(address.partition("?")[0])
        return next((one.path for one in self.routes if one.path_regex.match(path)), "")


class Crawl:
    """One of the people on his way through everything.

    Args:
        who: his browser; it is made as narrow as a phone.
        table: of the hub.
        secret: what stands in no address: numbers and names of people, cards.

    Attributes:
        reached: the routes, each with the first of its addresses.
        faults: what was wrong, and where.
    """

    def __init__(self, who: Walker, table: Table, secret: Sequence[str]) -> None:
        self.who, self.table = who, table
        self.reached: dict[str, str] = {}
        self.faults: list[str] = []
        self._secret = [one.casefold() for one in secret]
        self._seen: set[str] = set()
        self._alike: Counter[tuple[str, ...]] = Counter()
        self._ahead: deque[tuple[str, str]] = deque()
        self._opened: set[str] = set()
        self._refusal = 0
        who.narrows()
        # What moves is drawn sixty times a second, by the processor that the hub needs.
        who.page.emulate_media(reduced_motion="reduce")
        who.page.context.on("response", self._answered)

    def goes(self, *starts: str) -> None:
        """Follows every link from these addresses on, the nearest first."""
        for start in starts:
            self._finds(start, "")
        while self._ahead:
            address, shown_on = self._ahead.popleft()
            route = self.table.route_of(address)
            if route in self._opened or self._fetched(address, shown_on):
                continue
            self._opened.add(route)
            answer = self.who.page.goto(f"{self.who.base}{address}")
            if answer is not None and answer.status == 200:
                self.looks()

    def looks(self) -> None:
        """Looks over the page that is open, and finds where it leads."""
        here = self.who.page.url.removeprefix(self.who.base)
        self._opened.add(self.table.route_of(here))
        try:
            self.who.looks_over()
        except AssertionError as error:
            self._wrong(here, str(error).partition("\nassert")[0])
        self._reads(here, self.who.page.content())

    def is_refused(self, address: str, status: int) -> None:
        """Opens an address that is not for him, and looks over the page that says so."""
        self.is_told(status, lambda: self.who.page.goto(f"{self.who.base}{address}"))

    def is_told(self, status: int, act: Callable[[], object]) -> None:
        """Does what is answered by a page with this status, and looks it over."""
        self._refusal = status
        with self.who.page.expect_navigation() as way:
            act()
        answer = way.value
        if answer is None or answer.status != status:
            self._wrong(self.who.page.url, f"answers {answer and answer.status}, not {status}")
        self.looks()
        self._refusal = 0

    # ------------------------------------------------------------ links

    def _reads(self, here: str, page: str) -> None:
        for link in (*_LINK.findall(page), *_FORM.findall(page)):
            address = urlsplit(urljoin(f"{self.who.base}{here}", unescape(link)))
            if address.scheme in ("otpauth", "mailto", "tel"):
                continue
            if f"{address.scheme}://{address.netloc}" != self.who.base:
                self._wrong(here, f"leads away: {link}")
            else:
                self._finds(f"{address.path}?{address.query}".removesuffix("?"), here)

    def _finds(self, address: str, shown_on: str) -> None:
        """Puts an address on the way, unless enough of its kind are there already."""
        if address in self._seen:
            return
        self._seen.add(address)
        route = self.table.route_of(address)
        query = [key for key, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True)]
        if "lang" in query and route == self.table.route_of(shown_on):
            return  # the same page in another language
        if any(one in unquote(address).casefold() for one in self._secret):
            self._wrong(shown_on, "a link whose address holds whom it is about")
        if not route:
            self._wrong(shown_on, f"leads to nothing: {address}")
            return
        kind = (route, *sorted({*query} - {"said"}))
        self._alike[kind] += 1
        if self._alike[kind] <= 1 + ALIKE:
            self._ahead.append((address, shown_on))

    def _fetched(self, address: str, shown_on: str) -> bool:
        """Fetches an address; returns whether there is nothing more to look at: it is no page, the
        page was opened before, or there is none."""
        answer = self.who.page.request.get(f"{self.who.base}{address}")
        final = answer.url.removeprefix(self.who.base)
        route, asked = self.table.route_of(final), self.table.route_of(address)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status != 200:
            self._wrong(shown_on, f"{address} answers {answer.status}")
            return True
        self.reached.setdefault(asked, address)
        self.reached.setdefault(route, final)
        end = next((one for one in _ENDS if urlsplit(address).path.endswith(one)), "")
        body = answer.body()
        if kind not in _HOLDS or not _HOLDS[kind](body) or (end and _ENDS[end] != kind):
            self._wrong(shown_on, f"{address} is {len(body)} bytes of {kind}")
        if kind != "text/html":
            return True
        if route == "/login" != asked:
            self._wrong(shown_on, f"{address} asks for a login")
        if route in self._opened:
            self._reads(final, body.decode())
            return True
        return False

    # ------------------------------------------------------------ what the browser asks for

    def _answered(self, answer: Response) -> None:
        """Notes what the browser was answered: a page, or what a page's script asked for."""
        address = answer.url.removeprefix(self.who.base)
        if answer.request.method != "GET" or not address.startswith("/"):
            return
        if answer.status >= 400 and answer.status != self._refusal:
            self._wrong(self.who.page.url.removeprefix(self.who.base), f"{address} {answer.status}")
        route = self.table.route_of(address)
        if route and answer.status < 400:
            self.reached.setdefault(route, address)

    def _wrong(self, where: str, what: str) -> None:
        self.faults.append(f"{self.who.name}: {where or 'at the start'}: {what}")

    def told(self) -> Iterator[str]:
        """What he reached, for a log."""
        yield from (f"{self.who.name} {route} {self.reached[route]}" for route in self.reached)
