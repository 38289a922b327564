"""`sitegate report`: reports over a period at the hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.storage.schema import presence
from tests.hub.books import Books, books
from tests.hub.command_line import Sitegate, explained
from tests.hub.test_day_cli import DAY, SEVEN_MS

PERIOD = ("--first", DAY.isoformat(), "--last", DAY.isoformat())


@pytest.fixture
def kept(sitegate: Sitegate) -> Iterator[Books]:
    """One person held."""
    del sitegate
    with books(Path("sitegate-data")) as made:
        made.registration("b" * 24, "held", 1, cause="no_company", day=DAY)
        statement = presence.insert().values(
            person_id=1, site_id=1, day=DAY.isoformat(), first_in_ms=SEVEN_MS, last_ms=SEVEN_MS,
            inside=1, taps=1, received_ms=SEVEN_MS, terminal_id="gate-in",
        )  # fmt: skip
        made.writer.call(lambda connection: connection.execute(statement)).result()
        yield made


def test_it_is_told_by_company_and_as_files_and_noted(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate("report", "exceptions", *PERIOD)
    assert said.code == 0, said.err
    assert "85.03.12-***.**" in said.out
    assert "on hold" in said.out
    said = sitegate("report", "exceptions", *PERIOD, "--site", "Werf Noord", "--json",
                    "--csv", "r.csv", "--pdf", "r.pdf", "--xlsx", "r.xlsx")  # fmt: skip
    assert said.code == 0, said.err
    (row,) = said.json["rows"]
    assert (row["problem"], row["person_number"]) == ("held", "85.03.12-***.**")
    for file, begin in (("r.csv", b"\xef\xbb\xbfSite;"), ("r.pdf", b"%PDF"), ("r.xlsx", b"PK")):
        assert Path(file).read_bytes().startswith(begin)
    assert "report.exported" in str(sitegate("audit", "list", "--json").json)


def test_what_cannot_be_done_is_explained(kept: Books, sitegate: Sitegate) -> None:
    explained(sitegate("report", "hours", "--last", "2014-03-31"), "HUB-1850")
    explained(sitegate("report", "hours", "--first", "2024-01-01"), "HUB-1851")
    explained(sitegate("report", "hours", "--site", "Nowhere"), "HUB-1661")
    said = sitegate("report", "hours", *PERIOD, "--csv", "no-such-folder/r.csv")
    explained(said, "HUB-1752", file="no-such-folder/r.csv", reason="FileNotFoundError")
