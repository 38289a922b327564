"""`sitegate day`: the list of a day at the hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hub.domain.legal_day import day_bounds_ms
from hub.storage.schema import presence
from tests.hub.books import Books, books
from tests.hub.command_line import Sitegate, explained

DAY = date(2024, 11, 25)
"""Over on every machine: the command asks the real clock what is past."""
SEVEN_MS = day_bounds_ms(DAY)[0] + 7 * 3_600_000


@pytest.fixture
def kept(sitegate: Sitegate) -> Iterator[Books]:
    """One person registered, one held."""
    del sitegate
    with books(Path("sitegate-data")) as made:
        made.registration("a" * 24, "validated", 1, 900_000_000_000_117, day=DAY)
        made.registration("b" * 24, "held", 2, cause="no_company", day=DAY)
        for person_id in (1, 2):
            statement = presence.insert().values(
                person_id=person_id, site_id=1, day=DAY.isoformat(), first_in_ms=SEVEN_MS,
                last_ms=SEVEN_MS, inside=1, taps=1, received_ms=SEVEN_MS, terminal_id="gate-in",
            )  # fmt: skip
            made.writer.call(lambda connection, one=statement: connection.execute(one)).result()
        yield made


def test_it_is_told_by_company_with_the_number(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate("day", DAY.isoformat())
    assert said.code == 0, said.err
    assert "Werf Noord, Monday 25 November 2024" in said.out
    assert "no. 900000000000117" in said.out
    assert "85.03.12-***.**" in said.out
    assert "85031299761" not in said.out
    assert "     1  not registered" in said.out


def test_the_same_for_scripts_and_as_files(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate(
        "day", DAY.isoformat(), "--site", "Werf Noord", "--json",
        "--csv", "list.csv", "--pdf", "list.pdf", "--xlsx", "list.xlsx",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.json["files"] == ["list.csv", "list.pdf", "list.xlsx"]
    (site,) = said.json["sites"]
    assert (site["totals"]["seen"], site["totals"]["registered"]) == (2, 1)
    assert Path("list.csv").read_bytes().startswith(b"\xef\xbb\xbfSite;Day;")
    assert Path("list.pdf").read_bytes().startswith(b"%PDF")
    assert Path("list.xlsx").read_bytes().startswith(b"PK")
    # The JSON of the command and of the page is one.
    assert set(site) == {"site", "works", "totals", "companies", "visitors"}


def test_what_cannot_be_done_is_explained(kept: Books, sitegate: Sitegate) -> None:
    explained(sitegate("day", "tomorrow"), "HUB-1751")
    explained(sitegate("day", "2014-03-31"), "HUB-1750")
    explained(sitegate("day", "--site", "Nowhere"), "HUB-1661")
    said = sitegate("day", DAY.isoformat(), "--csv", "no-such-folder/list.csv")
    explained(said, "HUB-1752", file="no-such-folder/list.csv", reason="FileNotFoundError")


def test_that_it_was_taken_is_noted(kept: Books, sitegate: Sitegate) -> None:
    sitegate("day", DAY.isoformat())
    found = sitegate("audit", "list", "--json").json
    assert "day.exported" in str(found)
