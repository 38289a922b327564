"""What the tests of the simulated authority share: a clock by hand, calls in plain XML, a server.

Messages are built here from text, not by the simulator's own writer, and every answer is checked
against the schema before a test looks at it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import lxml.etree as etree
from starlette.testclient import TestClient

from simulator.authority.app import create_app
from simulator.authority.assertion import Issuer
from simulator.authority.availability import Availability
from simulator.authority.clock import Clock, brussels_day, instant_ms
from simulator.authority.operations import Authority, Settings
from simulator.authority.profile import Security
from simulator.authority.server import AuthorityServer, base_url, listen
from simulator.authority.store import Store
from simulator.authority.sts import TokenService
from simulator.authority.world import load_world

FOLDER = Path("simulator/authority").resolve()
SCHEMA = FOLDER / "schema"
WORLD = FOLDER / "world.toml"

P = "http://socialsecurity.be/presenceregistration/v1"
T = "http://socialsecurity.be/presenceregistration/schemas/v1"
E = "http://socialsecurity.be/errors/v1"
S = "http://schemas.xmlsoap.org/soap/envelope/"
NS = {"p": P, "t": T, "e": E, "s": S}
PATH = "/PresenceRegistration/v1"

MAIN, SUB, STRANGER, STOPPED = 999000129, 999000228, 1999000150, 1999000249
WORKS_A, WORKS_B, WORKS_C, WORKS_D = (
    "1Y19FAKE001AZ",
    "1Y19FAKE002BZ",
    "1Y19FAKE003CZ",
    "1Y19TEST001FZ",
)
WORKS_UNKNOWN = "1Y199999999LZ"
OK, LATE, NO_DIMONA = "85031299761", "90110599843", "99123199544"
SUB_WORKER, FOUNDER = "00010199875", "03072199766"
BIS_LIMOSA, BIS_PLAIN, BIS_ENDED = "90431599864", "90231599722", "84461299354"
LIMOSA_OK, LIMOSA_ENDED, LIMOSA_UNKNOWN = (
    "24999000000000187",
    "24999000000000284",
    "24999000000000381",
)
# The morning of Monday 23 November 2026, Belgian time.
NOW = "2026-11-23T06:41:07.312"
FIRST = 900_000_000_000_001

messages = etree.XMLSchema(etree.parse(str(SCHEMA / "presence-messages-v1.xsd")))
errors = etree.XMLSchema(etree.parse(str(SCHEMA / "errors-v1.xsd")))


def item(
    inss: str | None = OK,
    company: int | None = MAIN,
    works: str = WORKS_A,
    *,
    limosa: str | None = None,
    day: str | None = None,
    reference: str | None = None,
) -> str:
    """The inside of one PresenceRegistrationRequest."""
    if limosa is not None:
        inss, company = None, None
    fields = (
        ("RegistrationDate", day),
        ("INSS", inss),
        ("CompanyID", company),
        ("LimosaId", limosa),
        ("WorkPlaceId", works),
        ("ClientPresenceRegistrationReference", reference),
    )
    return "".join(
        f"<t:{name}>{escape(str(value))}</t:{name}>" for name, value in fields if value is not None
    )


def register(*items: str) -> str:
    """A RegisterPresencesRequest."""
    inside = "".join(
        f"<p:PresenceRegistrationRequest>{one}</p:PresenceRegistrationRequest>" for one in items
    )
    return f"<p:RegisterPresencesRequest>{inside}</p:RegisterPresencesRequest>"


def cancel(*requests: tuple[int, str]) -> str:
    """A CancelPresencesRequest of numbers and reasons."""
    inside = "".join(
        "<p:CancelPresenceRequest>"
        f"<t:PresenceRegistrationId>{number}</t:PresenceRegistrationId>"
        f"<t:CancellationReason>{escape(reason)}</t:CancellationReason>"
        "</p:CancelPresenceRequest>"
        for number, reason in requests
    )
    return f"<p:CancelPresencesRequest>{inside}</p:CancelPresencesRequest>"


def period(first: str, last: str) -> str:
    """One RegistrationPeriod."""
    return (
        "<t:RegistrationPeriod>"
        f"<t:RegistrationPeriodStartDate>{first}</t:RegistrationPeriodStartDate>"
        f"<t:RegistrationPeriodEndDate>{last}</t:RegistrationPeriodEndDate>"
        "</t:RegistrationPeriod>"
    )


def search(
    periods: str = period("2026-01-01", "2027-12-31"),
    *,
    inss: str | None = None,
    company: int | None = None,
    works: str | None = None,
    statuses: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
    tail: str = "",
    paging: tuple[object, object] | None = None,
    sorting: tuple[str, str] | None = None,
) -> str:
    """A SearchPresencesRequest; `tail` follows the periods inside the criteria."""
    inside = "<t:SearchPresenceRegistrationCriteria>"
    for name, value in (("INSS", inss), ("CompanyID", company), ("WorkPlaceId", works)):
        inside += "" if value is None else f"<t:{name}>{value}</t:{name}>"
    for name, entry, values in (
        ("StatusList", "Status", statuses),
        ("RemarkList", "Remark", remarks),
    ):
        if values:
            listed = "".join(f"<t:{entry}>{escape(value)}</t:{entry}>" for value in values)
            inside += f"<t:{name}>{listed}</t:{name}>"
    if periods:
        inside += f"<t:RegistrationPeriodList>{periods}</t:RegistrationPeriodList>"
    inside += tail + "</t:SearchPresenceRegistrationCriteria>"
    if paging is not None:
        inside += (
            f"<t:PaginationProperties><t:FirstRow>{paging[0]}</t:FirstRow>"
            f"<t:FetchSize>{paging[1]}</t:FetchSize></t:PaginationProperties>"
        )
    if sorting is not None:
        inside += (
            f"<t:SortingProperties><t:SortDirection>{sorting[0]}</t:SortDirection>"
            f"<t:SortCriteria>{sorting[1]}</t:SortCriteria></t:SortingProperties>"
        )
    return (
        f"<p:SearchPresencesRequest><p:SearchPresenceRequest>{inside}"
        "</p:SearchPresenceRequest></p:SearchPresencesRequest>"
    )


def get(number: int) -> str:
    """A GetPresenceRegistrationRequest."""
    return (
        "<p:GetPresenceRegistrationRequest><p:GetPresenceRegistrationRequest>"
        f"<t:PresenceRegistrationId>{number}</t:PresenceRegistrationId>"
        "</p:GetPresenceRegistrationRequest></p:GetPresenceRegistrationRequest>"
    )


def envelope(body: str, header: str = "") -> bytes:
    """A SOAP 1.1 envelope."""
    return (
        f'<s:Envelope xmlns:s="{S}" xmlns:p="{P}" xmlns:t="{T}">{header}'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


class Reply:
    """An HTTP answer read as SOAP; one that does not fit the schema fails the test at once."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.root: Any = etree.fromstring(content)
        self.body: Any = self.root.find("s:Body", NS)[0]
        if self.fault is None:
            messages.assertValid(self.body)
        else:
            errors.assertValid(self.body.find("detail")[0])

    @property
    def fault(self) -> str | None:
        """The SOA code of a fault, None for a normal answer."""
        if self.body.tag != f"{{{S}}}Fault":
            return None
        return self.body.findtext("detail/*/e:Code", namespaces=NS)

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that name, in document order."""
        return [found.text for found in self.body.iter(f"{{{T}}}{name}")]

    @property
    def numbers(self) -> list[int]:
        """All registration numbers of the answer."""
        return [int(text) for text in self.texts("PresenceRegistrationId")]

    @property
    def codes(self) -> list[str]:
        """All request-level error codes of the answer."""
        return self.texts("ErrorCode")

    @property
    def entries(self) -> list[Any]:
        """The direct children of the body's element."""
        return list(self.body)


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: str) -> None:
        self.ms = instant_ms(now)

    def __call__(self) -> int:
        return self.ms

    def to(self, now: str) -> None:
        """Moves to an instant; without a zone it is Belgian time."""
        self.ms = instant_ms(now)

    def forward(self, seconds: float) -> None:
        """Moves on."""
        self.ms += round(seconds * 1000)


class Rig:
    """An authority with a clock by hand, called through ASGI."""

    def __init__(
        self,
        folder: Path,
        now: str,
        world: Path,
        settings: Settings,
        issuer: Issuer | None = None,
    ) -> None:
        self.path = folder / "authority.db"
        self.clock = HandClock(now)
        clock = Clock(self.clock)
        facts = load_world(world, brussels_day(clock()))
        self.store = Store(self.path)
        self.authority = Authority(self.store, facts, clock, settings)
        self.availability = Availability()
        senders = self.authority.registers.senders
        tokens = TokenService(senders, clock, issuer=issuer)
        self.security = Security(senders, clock, tokens=tokens)
        self.app = create_app(self.authority, self.availability, self.security)
        self.client = TestClient(self.app)

    def call(self, body: str, *, sender: str | None = None, action: str | None = None) -> Reply:
        """One SOAP call with a body of ours."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action or '""'}
        if sender is not None:
            headers["X-Sim-Sender"] = sender
        answer = self.client.post(PATH, content=envelope(body), headers=headers)
        return Reply(answer.status_code, answer.content)

    def register(self, *items: str, sender: str | None = None) -> list[int]:
        """Registers items that are all accepted; returns their numbers."""
        reply = self.call(register(*items), sender=sender)
        assert (reply.status, reply.fault, reply.codes) == (200, None, [])
        return reply.numbers

    def validated(self, *items: str) -> list[tuple[str, list[str]]]:
        """Registers items and returns status and remarks after their first validation."""
        numbers = self.register(*items)
        self.clock.forward(self.authority.settings.validation_delay_ms / 1000)
        self.authority.validate_due()
        return [self.held(number) for number in numbers]

    def held(self, number: int) -> tuple[str, list[str]]:
        """Status and remarks of a registration, read by the service itself."""
        last = self.call(get(number)).body.find(".//t:LastValidation", NS)
        remarks = [found.text for found in last.iter(f"{{{T}}}Remark")]
        return last.findtext("t:Status", namespaces=NS), remarks

    def stored(self) -> list[dict[str, Any]]:
        """Everything held, as the control endpoint shows it."""
        return self.client.get("/sim/registrations").json()

    def order(self, name: str, **values: object) -> Any:
        """A control order that is accepted."""
        answer = self.client.post(f"/sim/{name}", json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        """Closes the store."""
        self.client.close()
        self.authority.close()


@contextlib.contextmanager
def served(rig: Rig) -> Iterator[str]:
    """Runs a rig's application on a real server and a free port; yields the base URL."""
    ready = threading.Event()
    listener: socket.socket = listen("127.0.0.1", 0)
    server = AuthorityServer(rig.app, rig.availability, ready.set)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(10)
        yield base_url(listener)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        assert not thread.is_alive()
