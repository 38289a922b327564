"""`sitegate balance` says by its exit code whether the books balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hub.domain.legal_day import day_bounds_ms
from hub.i18n import LANGUAGES, text
from hub.storage.schema import gap, presence, site, stream
from hub.storage.writer import Writer
from tests.hub.books import Books, books
from tests.hub.command_line import Sitegate, explained

N = 900_000_000_000_117
DAY = date(2024, 11, 25)
"""Over on every machine: the command asks the real clock what is past."""
NOON_MS = day_bounds_ms(DAY)[0] + 12 * 3_600_000
DAY_OPTION = ("--day", DAY.isoformat())


@pytest.fixture
def kept(sitegate: Sitegate) -> Iterator[Books]:
    """One person registered, one held; another site is quiet."""
    del sitegate
    with books(Path("sitegate-data")) as made:
        made.registration("a" * 24, "validated", 1, N, day=DAY)
        made.registration("b" * 24, "held", 2, cause="no_company", day=DAY)
        for person_id in (1, 2):
            write(
                made.writer,
                presence.insert().values(
                    person_id=person_id, site_id=1, day=DAY.isoformat(), first_in_ms=NOON_MS,
                    last_ms=NOON_MS, inside=1, taps=1, received_ms=NOON_MS, terminal_id="gate-in",
                ),
            )  # fmt: skip
        write(made.writer, site.insert().values(id=9, name="Quiet"))
        yield made


def write(writer: Writer, statement: object) -> None:
    writer.call(lambda connection: connection.execute(statement)).result()  # type: ignore[call-overload]


def test_books_that_balance_are_0_and_told_line_by_line(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate("balance", *DAY_OPTION, "--site", "Werf Noord")
    assert said.code == 0
    assert said.out.splitlines() == [
        "Werf Noord, Monday 25 November 2024: The books balance",
        "  Taps received that day",
        "    Received from the gates                           0",
        "    Processed                                         0",
        "    Missing                                           0",
        "  People present",
        "    Total                                             2",
        "    Registered                                        1",
        "    Registered, with remarks                          0",
        "    On its way                                        0",
        "    Explained                                         1",
        "        1 x on hold: The enterprise number of the person's employer is missing.",
        "    Unexplained                                       0",
        "  Compared with the NSSO",
        "    Not compared yet; at night the hub does it by itself.",
    ]


def test_books_that_do_not_balance_are_1(kept: Books, sitegate: Sitegate) -> None:
    kept.registration("c" * 24, "due", 3, day=DAY)
    write(
        kept.writer,
        presence.insert().values(
            person_id=3, site_id=1, day=DAY.isoformat(), first_in_ms=NOON_MS, last_ms=NOON_MS,
            inside=1, taps=1, received_ms=NOON_MS, terminal_id="gate-in",
        ),
    )  # fmt: skip
    said = sitegate("balance", *DAY_OPTION)
    assert said.code == 1
    assert "  ! Registrations of a past day that still wait: 1. Run" in said.out
    told = sitegate("balance", *DAY_OPTION, "--json")
    assert told.code == 1
    assert told.json["balances"] is False
    quiet, werf = told.json["sites"]
    assert (quiet["site"], quiet["balances"]) == ("Quiet", True)
    assert werf["open_points"] == [{"point": "presences_waiting", "count": 1}]
    assert werf["presences"]["reasons"] == [{"state": "held", "cause": "no_company", "count": 1}]
    assert sitegate("balance", *DAY_OPTION, "--site", "Quiet").code == 0


def test_a_gap_of_the_day_is_an_open_point(kept: Books, sitegate: Sitegate) -> None:
    journal = stream.insert().values(
        id=5, terminal_id="gate-in", journal=b"journal5", first_seen_ms=NOON_MS
    )
    write(kept.writer, journal)
    write(
        kept.writer,
        gap.insert().values(stream_id=5, first_seq=1, last_seq=2, noticed_ms=NOON_MS),
    )
    said = sitegate("balance", *DAY_OPTION, "--json")
    assert said.code == 1
    assert said.json["sites"][1]["taps"]["lost"] == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_four_languages(kept: Books, sitegate: Sitegate, language: str) -> None:
    said = sitegate("-l", language, "balance", *DAY_OPTION)
    assert said.code == 0
    assert text("balance.yes", language) in said.out


def test_what_is_asked_wrongly_is_2(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate("balance", "--site", "Nowhere")
    assert said.code == 2
    explained(said, "HUB-1365", site="Nowhere")
    said = sitegate("balance", "--day", "soon")
    assert said.code == 2
    explained(said, "HUB-1408", what="day", value="soon")


def test_a_hub_without_a_site_balances(sitegate: Sitegate) -> None:
    said = sitegate("balance")
    assert said.code == 0
    assert said.out == "This hub knows no site yet.\n"
