"""How long pages, searches and API answers about people take when the register is long.

Two whole hubs (`sitegate run`) with their own databases: one with 20,000 workers and a badge each,
of 200 companies, and one with 200 of the same companies, which shows what of each answer is the
price of a page as such. They are asked in turn, over one kept connection each, by an administrator,
by a contractor and by a program.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape

from httpx2 import Client, Response

from bench.crowd import COMPANY, WORKS, company_number, inss, settle
from bench.figures import percentile, ratio, row, title
from bench.rig import run_hub, scratch
from hub.application.access import COMMAND
from hub.clock import now_ms
from hub.domain.rights import Role
from hub.storage.accounts import Accounts, NewAccount
from hub.storage.engine import writing
from hub.storage.links import Purpose
from hub.storage.parties import Parties, PartyDraft
from hub.storage.tokens import SCOPES, Tokens

MANY, FEW = 20_000, 200
COMPANIES = 200
LIMIT_MS = 100.0
"""What a list or a search may take, 95 of 100 times."""
ROUNDS = 40
"""Times that each page of each hub is asked for in a run."""
_HOUR_MS = 3_600_000
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_PERSON = re.compile(r'href="(/people/[0-9a-f]{32})"')


@dataclass
class _House:
    """One of the two hubs: its address, and what lets each of the three in."""

    people: int
    url: str
    clients: dict[str, Client] = field(default_factory=dict)
    csrf: dict[str, str] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)

    def enter(self, who: str, link: str) -> None:
        """Logs somebody in by a link."""
        client = Client(
            base_url=self.url, timeout=60, trust_env=False, headers={"Accept-Language": "nl"}
        )
        client.post(link, data={"csrf": _token(client.get(link))})
        page = client.get("/people")
        self.clients[who], self.csrf[who] = client, _token(page)
        found = _PERSON.search(page.text)
        if found is None:
            raise RuntimeError(f"{who} sees nobody")
        self.person[who] = found[1]

    def get(self, who: str, path: str) -> Response:
        """Asks for a page."""
        return self.clients[who].get(path.replace("{person}", self.person.get(who, "")))

    def search(self, who: str, **fields: str) -> Response:
        """Searches as the form of the list does."""
        return self.clients[who].post("/people", data={"csrf": self.csrf[who], **fields})

    def ask(self, path: str, body: dict[str, object]) -> Response:
        """Asks the interface for programs."""
        return self.clients["program"].post(path, json=body)


QUESTIONS: dict[str, Callable[[_House], Response]] = {
    "people, first page": lambda hub: hub.get("office", "/people"),
    "people, last page": lambda hub: hub.get("office", f"/people?page={hub.people // 50}"),
    "people of one company": lambda hub: hub.get("office", f"/people?company={COMPANY}"),
    "people whose badge is missing": lambda hub: hub.get("office", "/people?problem=no_badge"),
    "search: a family name": lambda hub: hub.search("office", search="muller"),
    "search: two words, nobody": lambda hub: hub.search("office", search="chloé muster"),
    "search: a person number": lambda hub: hub.search("office", search=inss(117)),
    "one person with his badges": lambda hub: hub.get("office", "{person}"),
    "companies": lambda hub: hub.get("office", "/companies"),
    "one company": lambda hub: hub.get("office", f"/companies/{COMPANY}"),
    "works and their parties": lambda hub: hub.get("office", f"/works/{WORKS}"),
    "contractor: his people": lambda hub: hub.get("contractor", "/people"),
    "contractor: a family name": lambda hub: hub.search("contractor", search="muller"),
    "contractor: companies": lambda hub: hub.get("contractor", "/companies"),
    "program: a page of people": lambda hub: hub.get("program", "/api/v1/people?size=50"),
    "program: a family name": lambda hub: hub.ask("/api/v1/people/search", {"name": "muller"}),
}


def browsing(runs: int) -> None:
    """Prints p50 and p95 of every list and search, and how much longer than in a short register."""
    title(f"Lists and searches: {MANY:,} workers with badges, beside a register of {FEW}")
    with ExitStack() as stack:
        long, short = (stack.enter_context(_house(people)) for people in (MANY, FEW))
        slowest = 0.0
        for name, question in QUESTIONS.items():
            for hub in (long, short):
                _timed(question, hub)  # the first of each is not measured
            pairs = [
                (_timed(question, long), _timed(question, short)) for _ in range(runs * ROUNDS)
            ]
            many, few = zip(*pairs, strict=True)
            print(f"  {name}", flush=True)
            row("  p50", [percentile(many, 50)], "ms", 1)
            slowest = max(slowest, row("  p95", [percentile(many, 95)], "ms", 1))
            ratio("  beside the short register", many, few, "none")
    print(f"  slowest p95 {slowest:.1f} ms, {slowest / LIMIT_MS:.0%} of the {LIMIT_MS:.0f} ms")


def _timed(question: Callable[[_House], Response], hub: _House) -> float:
    begin = time.perf_counter()
    answer = question(hub)
    took = (time.perf_counter() - begin) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code} instead of a page")
    return took


@contextmanager
def _house(people: int) -> Iterator[_House]:
    """Runs a hub with that many people; an administrator, a contractor and a program are in."""
    with scratch() as folder:
        house, _ = settle(folder / "hub", people, COMPANIES)
        now = now_ms()
        with writing(house.engine) as connection:
            parties = Parties(connection, house.vault, COMMAND, now)
            parties.put(WORKS, PartyDraft(COMPANY))
            for number in range(2, COMPANIES + 1):
                parties.put(WORKS, PartyDraft(company_number(number), COMPANY))
            accounts = Accounts(connection, house.vault, COMMAND, now)
            links = {
                who: accounts.link(accounts.add(one), Purpose.LOGIN, now + _HOUR_MS)
                for who, one in _ACCOUNTS.items()
            }
            bearer = Tokens(connection, house.vault, COMMAND, now).add("bench", list(SCOPES))
        house.close()
        (folder / "site.toml").write_text(_SETTINGS)
        with run_hub(folder) as (_, ready):
            hub = _House(people, ready["dashboard"].rstrip("/"))
            for who, secret in links.items():
                hub.enter(who, f"/link/{secret}")
            headers = {"Authorization": f"Bearer {bearer}"}
            hub.clients["program"] = Client(
                base_url=hub.url, timeout=60, trust_env=False, headers=headers
            )
            yield hub
            for client in hub.clients.values():
                client.close()


_ACCOUNTS = {
    "office": NewAccount("office", "Office", Role.ADMINISTRATOR),
    "contractor": NewAccount("contractor", "Contractor", Role.CONTRACTOR, company_number(2)),
}
_SETTINGS = """
data = "hub"
[broker]
port = 0
[web]
port = 0
[api]
per_minute = 100000
"""


def _token(page: Response) -> str:
    found = _CSRF.search(page.text)
    if found is None:
        raise RuntimeError(f"{page.status_code}: no form on the page")
    return unescape(found[1])
