"""`sitegate reconcile` says by its exit code whether somebody has to look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import hub.cli.reconcile
from hub.application.ports import PresenceItem, Registered
from hub.authority.soap import SoapAuthority
from hub.errors import TransientError
from hub.storage.evidence import EvidenceStore
from tests.authority.office import Visitor, numbers_on
from tests.hub.books import Books, books
from tests.hub.command_line import Sitegate, explained, stored
from tests.hub.ledger import DAY, WORKS, Ledger, seen
from tests.plain_http import TRUSTS_NOBODY
from tests.soap.simulated import SimulatedAuthority

N = 900_000_000_000_117
DATA = Path("sitegate-data")
DAY_OPTION = ("--day", DAY.isoformat())


@pytest.fixture
def kept(sitegate: Sitegate) -> Iterator[Books]:
    """The books in the data folder of the command line; who writes there ends before it runs."""
    del sitegate
    with books(DATA) as made:
        yield made


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The authority that the command asks, in memory."""
    made = Ledger()
    monkeypatch.setattr(
        hub.cli.reconcile, "services", lambda settings, clock, keep: {"day": lambda: made}
    )
    return made


def test_what_agrees_is_0_and_what_does_not_is_1(
    kept: Books, sitegate: Sitegate, ledger: Ledger
) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    ledger.rows.append(seen(N, reference="a" * 24))
    said = sitegate("reconcile", *DAY_OPTION)
    assert said.code == 0
    assert said.out == (
        f"{WORKS}, 2026-11-23: 1 registrations at the NSSO, 1 of ours agree, 0 differences, "
        "0 of them unexplained\n"
    )
    ledger.rows.clear()
    said = sitegate("reconcile", *DAY_OPTION, "--works", WORKS, "--json")
    assert said.code == 1
    (run,) = said.json["runs"]
    assert (run["works_number"], run["rows"], run["agreeing"], run["failed"]) == (WORKS, 0, 0, "")
    (difference,) = run["differences"]
    assert (difference["kind"], difference["explained"], difference["number"]) == (
        "not_shown",
        False,
        N,
    )
    assert difference["action"].startswith("Look for the number on the NSSO portal")
    text = sitegate("-l", "nl", "reconcile", *DAY_OPTION)
    assert text.code == 1
    assert f"  {N}  uit te zoeken: Wij hebben een nummer" in text.out


def test_a_dry_run_writes_nothing(kept: Books, sitegate: Sitegate, ledger: Ledger) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    before = stored()
    said = sitegate("reconcile", *DAY_OPTION, "--dry-run")
    assert said.code == 1
    assert said.out.endswith("Compared only: nothing was noted or taken over.\n")
    assert stored() == before


def test_an_authority_that_is_away_is_3(kept: Books, sitegate: Sitegate, ledger: Ledger) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    ledger.failure = TransientError("HUB-1301")
    said = sitegate("reconcile", *DAY_OPTION, "--json")
    assert said.code == 3
    explained(said, "HUB-1301")
    assert said.json["runs"][0]["failed"] == "HUB-1301"
    assert kept.runs() == [(WORKS, "2026-11-23", "command", 0, "HUB-1301")]


def test_what_is_asked_wrongly_is_2(kept: Books, sitegate: Sitegate, ledger: Ledger) -> None:
    said = sitegate("reconcile", "--works", "1Y19FAKE002BZ")
    assert said.code == 2
    explained(said, "HUB-1364", number="1Y19FAKE002BZ")
    for value in ("23/11/2026", "2026-02-30"):
        said = sitegate("reconcile", "--day", value)
        assert said.code == 2
        explained(said, "HUB-1408", what="day", value=value)
    assert sitegate("reconcile", "--day", "2020-01-01").out.startswith("No declaration of works")


def test_without_an_address_nothing_is_compared(kept: Books, sitegate: Sitegate) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    said = sitegate("reconcile", *DAY_OPTION)
    assert said.code == 2
    explained(said, "HUB-1360", regime="day")


@pytest.mark.processes
def test_against_the_simulated_authority(
    kept: Books, sitegate: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, elsewhere = "a" * 24, "not-of-this-hub"
    with SimulatedAuthority(tmp_path) as authority:
        store = EvidenceStore(kept.writer, kept.house.vault)
        adapter = SoapAuthority(authority.soap, keep=store.keep)
        sent = adapter.register(
            [
                PresenceItem(ours, DAY, WORKS, "85031299761", "0999000129"),
                # The supervisor, who registers by hand what the hub held.
                PresenceItem(elsewhere, DAY, WORKS, "03072199766", "0999000228"),
            ]
        )
        numbers = [one.number for one in sent if isinstance(one, Registered)]
        kept.registration(ours, "in_doubt", 1)
        kept.registration("b" * 24, "held", 2, cause="no_company")
        monkeypatch.setenv("SITEGATE_AUTHORITY__URL", authority.soap)
        said = sitegate("reconcile", *DAY_OPTION, "--json")
        assert said.code == 0
        (run,) = said.json["runs"]
        assert sorted(one["kind"] for one in run["differences"]) == [
            "number_found",
            "registered_elsewhere",
        ]
        assert kept.states()[ours][2] == numbers[0]
        assert kept.states()["b" * 24][1:] == ("registered_elsewhere", numbers[1])
        # What the search brought proves it as well as the first answer.
        proof = sitegate("evidence", "show", str(numbers[0]), "--json")
        assert proof.code == 0
        assert [one["operation"] for one in proof.json["exchanges"]] == ["register", "search"]


@pytest.mark.processes
def test_what_the_office_registers_by_hand_on_the_online_service_is_found(
    kept: Books, sitegate: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = "b" * 24
    kept.registration(held, "held", 2, cause="no_company")
    with (
        SimulatedAuthority(tmp_path) as authority,
        httpx2.Client(
            base_url=authority.url,
            headers={"Accept-Language": "en"},
            follow_redirects=True,
            verify=TRUSTS_NOBODY,
        ) as browser,
    ):
        office = Visitor(None, client=browser)
        office.log_in("SIM-0001")
        office.get("/desktop/register")
        office.post("/desktop/register", ("works", WORKS))
        office.post("/desktop/register/people", ("typed", "03072199766;0999000228"))
        office.post("/desktop/register/days", ("day", DAY.isoformat()))
        office.post("/desktop/register/check")
        (number,) = numbers_on(office.page)
        monkeypatch.setenv("SITEGATE_AUTHORITY__URL", authority.soap)
        said = sitegate("reconcile", *DAY_OPTION, "--json")
    assert said.code == 0
    (difference,) = said.json["runs"][0]["differences"]
    assert (difference["kind"], difference["number"]) == ("registered_elsewhere", number)
    assert "DESKTOP" in said.out
    assert kept.states()[held][1:] == ("registered_elsewhere", number)
