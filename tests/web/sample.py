"""A believable Monday morning on an invented site: thirty people, four companies, every state.

Run it to look at the page in a browser:

    python -m tests.web.sample --port 8081
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import uvicorn
from sqlalchemy import Connection, Engine, insert

from hub.application.overview import AuthorityStatus
from hub.domain.registration import client_reference
from hub.storage.engine import open_engine, writing
from hub.storage.overview import Overview
from hub.storage.schema import (
    badge,
    company,
    person,
    presence,
    registration,
    site,
    stream,
    tap,
    terminal,
    works,
)
from hub.web.app import create_app
from hub.web.live import Changes
from protocol.record import (
    DIRECTION_IN,
    QUALITY_HUB,
    QUALITY_NONE,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)
from tests.web.actors import Everybody
from tests.web.moments import DAY, NOW, YESTERDAY, at
from tests.web.sample_gates import add_quiet_events, add_trouble, gates, troubled_gates

WORKS = "1Y19FAKE001AZ"
SECOND_WORKS = "1Y19FAKE003CZ"
SITE = 1

PERSON_NUMBERS = (
    "85031299761",
    "90110599843",
    "99123199544",
    "00010199875",
    "03072199766",
    "90431599864",
    "24999000000000187",
    "24999000000000284",
)
"""Invented numbers of people, planted in the database where a careless page would show them."""

COMPANIES = (
    (1, "0999000129", "Bouwbedrijf Hoogland"),
    (2, "0999000228", "Toitures Val-Clair"),
    (3, "1999000150", "Elektro Noorderwijk"),
    (4, "1999000249", "Coffrages Meusins"),
)

# Given name, family name, company, first tap, seconds until the hub had it, state, cause.
PEOPLE: tuple[tuple[str, str, int | None, str, int, str, str], ...] = (
    ("Wim", "Achterberg", 1, "06:31:04", 1, "validated", "validation_passed"),
    ("Joke", "Binnemans", 1, "06:38:40", 1, "validated", "validation_passed"),
    ("Karim", "Chaouki", 1, "06:41:12", 1, "validated", "validation_passed"),
    ("Sven", "Duivelaar", 1, "06:44:55", 1, "validated", "validation_passed"),
    ("Mehmet", "Erdogmus", 1, "06:47:20", 1, "validated", "validation_passed"),
    ("Lien", "Fonteyntjes", 1, "06:49:02", 1, "flagged", "validation_remarks"),
    ("Piotr", "Gorzelak", 1, "06:52:33", 1, "registered", "answered"),
    ("Ruben", "Hagelkruis", 1, "06:55:18", 1, "refused", "refused_by_authority"),
    ("Dirk", "IJzerloo", 1, "06:56:41", 1, "registered", "answered"),
    ("An", "Jonckerick", 1, "06:58:09", 1, "registered", "answered"),
    ("Luc", "Lamberty", 2, "06:33:50", 1, "validated", "validation_passed"),
    ("Chantal", "Mouligneau", 2, "06:36:27", 1, "validated", "validation_passed"),
    ("Ionut", "Negrulescu", 2, "06:40:01", 1, "held", "no_identity"),
    ("Bruno", "Outremont", 2, "06:50:44", 1, "registered", "answered"),
    ("Paulo", "Pinheiral", 2, "06:53:15", 1, "registered", "found"),
    ("Rachid", "Quabdani", 2, "06:57:30", 1, "registered", "answered"),
    ("Sofie", "Raeymans", 3, "06:35:11", 1, "validated", "validation_passed"),
    ("Tom", "Slootweg", 3, "06:35:19", 1, "validated", "validation_passed"),
    ("Bogdan", "Tataranu", 3, "06:46:00", 1, "registered", "answered"),
    ("Els", "Uyttersprang", 3, "06:59:58", 1, "registered", "answered"),
    ("Viktor", "Vyshnevyi", 3, "07:01:10", 1, "registered", "answered"),
    ("Nadia", "Wauthion", 3, "07:03:26", 1, "in_doubt", "answer_lost"),
    ("Ahmed", "Ximenis", 4, "06:42:45", 1, "validated", "validation_passed"),
    ("Ilse", "Yperseele", 4, "06:43:12", 1, "validated", "validation_passed"),
    ("Marek", "Zawitkow", 4, "07:00:21", 1, "registered", "answered"),
    ("Olivier", "Ansiaudin", 4, "07:08:55", 1, "cancelling", "cancel_asked"),
    ("Petra", "Boekweit", 4, "07:41:50", 1, "sending", "claimed"),
    ("Stijn", "Cauwelier", 4, "07:42:06", 2, "due", "first_tap"),
    ("Goran", "Delmiste", None, "07:12:34", 1, "registered", "answered"),
    ("Hanne", "Evenepolder", None, "07:15:02", 1, "none", ""),
)
ERRORS = [["SOA-1105", "Worker 85031299761 unknown for the given company"]]
REMARKS = ["RELATED DIMONA NOT OK"]


def tag_of(name: str) -> bytes:
    """Returns an invented badge tag."""
    return hashlib.sha256(name.encode()).digest()[:8]


BADGE_TAGS = tuple(tag_of(name) for name in (*(row[1] for row in PEOPLE), "stranger", "stranger 2"))


def add_register(connection: Connection) -> None:
    """Writes site, works, companies, people, badges and gates; nobody has tapped yet."""
    connection.execute(insert(site).values(id=SITE, name="Werf Zandvoorde-Kaai"))
    connection.execute(insert(works).values(number=WORKS, site_id=SITE))
    for number, company_number, name in COMPANIES:
        connection.execute(insert(company).values(id=number, number=company_number, name=name))
    for index, (given, family, company_id, *_) in enumerate(PEOPLE, start=1):
        # The store seals these; here they stand in clear so that a leak would be seen.
        planted = PERSON_NUMBERS[index % len(PERSON_NUMBERS)]
        connection.execute(
            insert(person).values(
                id=index,
                token=hashlib.sha256(f"token {family}".encode()).hexdigest()[:32],
                family_name=family,
                given_name=given,
                company_id=company_id,
                works_number=WORKS,
                inss_sealed=planted.encode(),
                inss_index=index.to_bytes(16),
                language="nl",
            )
        )
        connection.execute(
            insert(badge).values(
                tag=tag_of(family), person_id=index, state="active", linked_ms=at("06:00:00")
            )
        )
    for gate, name, direction in (
        ("gate-north", "Poort Noord", "in"),
        ("gate-quay", "Poort Kaai", "in"),
        ("gate-out", "Uitgang Loods", "out"),
    ):
        connection.execute(
            insert(terminal).values(
                id=gate,
                site_id=SITE,
                name=name,
                direction=direction,
                key_sealed=b"sealed",
                added_ms=at("06:00:00"),
            )
        )
        connection.execute(
            insert(stream).values(
                terminal_id=gate, journal=tag_of(gate), first_seen_ms=at("06:00:00")
            )
        )


def add_registration(
    connection: Connection,
    index: int,
    state: str,
    cause: str,
    tap_ms: int,
    day: str = DAY,
    works_number: str = WORKS,
    generation: int = 0,
    changed_ms: int | None = None,
) -> int | None:
    """Writes one registration of person `index`; returns its number, None while it has none."""
    numbered = state in ("registered", "validated", "flagged", "cancelling", "cancelled")
    number = 900_000_000_000_000 + index * 117 + generation if numbered else None
    answer = {"flagged": {"remarks": REMARKS}, "refused": {"errors": ERRORS}}.get(state)
    connection.execute(
        insert(registration).values(
            reference=client_reference(
                hashlib.sha256(PEOPLE[index - 1][1].encode()).hexdigest()[:32],
                works_number,
                datetime.fromisoformat(day).date(),
                generation,
            ),
            person_id=index,
            site_id=SITE,
            works_number=works_number,
            day=day,
            state=state,
            cause=cause,
            tap_ms=tap_ms,
            due_ms=tap_ms,
            number=number,
            answer=json.dumps(answer) if answer else None,
            changed_ms=changed_ms or tap_ms + 3_000,
        )
    )
    return number


def add_presence(
    connection: Connection,
    index: int,
    first_ms: int | None,
    received_ms: int,
    last_ms: int | None = None,
    inside: bool = True,
    day: str = DAY,
    gate: str = "gate-north",
) -> None:
    """Writes that person `index` was seen."""
    connection.execute(
        insert(presence).values(
            person_id=index,
            site_id=SITE,
            day=day,
            first_in_ms=first_ms,
            last_ms=last_ms or first_ms,
            inside=int(inside),
            taps=1 if inside else 2,
            received_ms=received_ms,
            terminal_id=gate,
        )
    )


def add_tap(
    connection: Connection,
    seq: int,
    tag: bytes,
    at_ms: int | None,
    verdict: int = VERDICT_REFUSED,
    reason: int = REASON_UNKNOWN_BADGE,
    person_id: int | None = None,
    gate: str = "gate-north",
    stream_id: int = 1,
) -> None:
    """Writes one tap as the projection would."""
    connection.execute(
        insert(tap).values(
            stream_id=stream_id,
            seq=seq,
            terminal_id=gate,
            direction=DIRECTION_IN,
            verdict=verdict,
            reason=reason,
            tag=tag,
            person_id=person_id,
            boot=1,
            ticks_ms=seq * 1_000,
            quality=QUALITY_NONE if at_ms is None else QUALITY_HUB,
            at_ms=at_ms,
            received_ms=at_ms or NOW,
        )
    )


def add_morning(connection: Connection) -> None:
    """Writes what happened until 07:42:10, with somebody in every state."""
    for index, (_, family, _, time, delay, state, cause) in enumerate(PEOPLE, start=1):
        first_ms = at(time)
        gate = "gate-quay" if index % 3 == 0 else "gate-north"
        left = family in ("Binnemans", "Slootweg")
        add_presence(
            connection,
            index,
            first_ms,
            first_ms + delay * 1_000,
            at("07:30:15") if left else None,
            inside=not left,
            gate="gate-out" if left else gate,
        )
        add_tap(
            connection,
            index,
            tag_of(family),
            first_ms,
            VERDICT_GRANTED,
            REASON_NONE,
            index,
            gate,
        )
        if state != "none":
            add_registration(connection, index, state, cause, first_ms)
    # Registered the evening before, cancelled, and made again when the person came after all.
    add_registration(
        connection,
        3,
        "cancelled",
        "cancel_confirmed",
        at("17:00:00", YESTERDAY),
        generation=1,
    )
    # Kept at a gate over the night: it reached the hub when its day was over.
    late = at("16:58:31", YESTERDAY)
    add_presence(connection, 25, late, at("06:20:02"), day=YESTERDAY, gate="gate-quay")
    add_registration(
        connection, 25, "lapsed", "arrived_late", late, YESTERDAY, changed_ms=at("06:20:02")
    )
    add_quiet_events(connection)
    for seq, time in ((101, "06:51:40"), (102, "06:51:46"), (103, "06:52:10")):
        add_tap(connection, seq, tag_of("stranger"), at(time))
    add_tap(connection, 1, tag_of("stranger 2"), at("07:20:31"), gate="gate-quay", stream_id=2)
    add_tap(
        connection,
        2,
        tag_of("Duivelaar"),
        at("06:44:30"),
        reason=REASON_EXPIRED,
        person_id=4,
        gate="gate-quay",
        stream_id=2,
    )
    add_tap(
        connection,
        3,
        tag_of("Gorzelak"),
        None,
        VERDICT_GRANTED,
        REASON_NONE,
        7,
        "gate-quay",
        2,
    )


def add_bad_morning(connection: Connection) -> None:
    """Writes the morning and its trouble."""
    add_morning(connection)
    add_trouble(connection)


def authority() -> AuthorityStatus:
    """Returns a link that works, with one lost answer being looked up."""
    return AuthorityStatus("ok", at("07:41:52"), None, at("07:41:50"), 2, 1)


def open_sample(folder: Path, fill: Callable[[Connection], None] | None = None) -> Engine:
    """Returns a new database in `folder` with the register and, if given, what `fill` adds."""
    engine = open_engine(folder / "sitegate.db")
    if fill is not None:
        with writing(engine) as connection:
            add_register(connection)
            fill(connection)
    return engine


def main() -> None:
    """Serves the sample until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument(
        "--world", choices=("morning", "trouble", "register", "empty"), default="morning"
    )
    parser.add_argument(
        "--authority", choices=("ok", "retrying", "stopped"), default="ok", dest="link"
    )
    options = parser.parse_args()
    fill = {
        "morning": add_morning,
        "trouble": add_bad_morning,
        "register": lambda _: None,
        "empty": None,
    }[options.world]
    shown = {"morning": gates, "trouble": troubled_gates}.get(options.world, list)
    link = {
        "ok": authority(),
        "retrying": AuthorityStatus(
            "retrying", at("07:31:00"), at("07:43:10"), at("07:31:20"), 2, 1, "HUB-1301"
        ),
        "stopped": AuthorityStatus(
            "stopped", at("07:31:00"), None, at("07:31:20"), 2, 1, "HUB-1304"
        ),
    }[options.link]
    with tempfile.TemporaryDirectory() as folder:
        overview = Overview(open_sample(Path(folder), fill))
        app = create_app(
            overview,
            shown,
            lambda: link,
            Changes(),
            lambda: NOW,
            Everybody(),
        )
        uvicorn.run(app, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
