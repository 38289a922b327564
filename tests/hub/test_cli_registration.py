"""`sitegate works` and `sitegate registration`: what they say, change and refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.domain.legal_day import brussels_day
from hub.i18n import LANGUAGES, text
from hub.storage.engine import writing
from hub.storage.history import RegistrationEvent, steps
from hub.storage.house import open_house
from hub.storage.register import Register
from tests.hub.command_line import Sitegate, explained, stored
from tests.hub.derived import Site
from tests.hub.house import BASILE, JOURNAL, MILAN, TestHouse, record
from tests.soap.simulated import SimulatedAuthority

A, B = "1Y19FAKE001AZ", "1Y19TEST001FZ"
NUMBER = 900_000_000_000_007


@pytest.fixture
def tapped(sitegate: Sitegate) -> Iterator[Callable[..., list[str]]]:
    """Imports the people and lets two of them tap now; gives the references, in order of tags."""
    sitegate("import", "people.csv")
    now = now_ms()
    house = open_house(Path("sitegate-data"))
    try:
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            name = register.sites()[0][1]
            gates = [
                register.add_terminal(gate, gate, name, way, now)
                for gate, way in (("gate-in", "in"), ("gate-out", "out"))
            ]
        site = Site(TestHouse(house, *gates))

        def tap(*cards: bytes) -> list[str]:
            for number, card in enumerate(cards, 1):
                site.arrive(
                    "gate-in", now, record(number, house.vault.tag(card), now), journal=JOURNAL
                )
            site.project()
            return [row[0] for row in sorted(stored()["registration"], key=lambda row: row[1])]

        yield tap
    finally:
        house.close()


def take(name: str, *path: str, number: int | None = None) -> None:
    """The registration goes through these states."""
    house = open_house(Path("sitegate-data"))
    try:
        with writing(house.engine) as connection:
            steps(
                connection,
                [
                    RegistrationEvent(
                        name, now_ms(), state, "answered",
                        number=number if state == "registered" else None,
                        answer='{"errors": [["SIM-PLACE", "unknown"]]}',
                    )
                    for state in path
                ],
            )  # fmt: skip
    finally:
        house.close()


def test_an_empty_day_says_so_in_every_language(sitegate: Sitegate) -> None:
    sitegate("import", "people.csv")
    for language in LANGUAGES:
        said = sitegate("--language", language, "registration", "list")
        assert (said.code, said.err) == (0, "")
        assert said.out == text("registration.none", language) + "\n"


def test_the_list_shows_what_needs_a_human_first_and_no_number_of_a_person(
    sitegate: Sitegate, tapped: Callable[..., list[str]]
) -> None:
    first, second = tapped(MILAN, BASILE)
    take(first, "sending", "registered", "validated", number=NUMBER)
    take(second, "sending", "refused")
    said = sitegate("registration", "list")
    lines = said.out.splitlines()
    assert lines[0].startswith(second)
    assert lines[2].startswith(first)
    assert str(NUMBER) in lines[2]
    for number in ("85031299761", "03072199766"):
        assert number not in said.out
    rows = sitegate("registration", "list", "--json", "--state", "refused").json
    assert [row["reference"] for row in rows["registrations"]] == [second]
    explained(sitegate("registration", "list", "--state", "lost"), "HUB-1408", what="state",
              value="lost")  # fmt: skip


def test_show_tells_the_whole_story_and_until_when_it_is_tried(
    sitegate: Sitegate, tapped: Callable[..., list[str]]
) -> None:
    (name,) = tapped(MILAN)
    story = sitegate("registration", "show", name, "--json").json
    assert [(one["state"], one["actor"]) for one in story["history"]] == [("due", "projection")]
    assert story["until_ms"] > now_ms()
    said = sitegate("registration", "show", name)
    assert text("registration.history", "en") in said.out
    assert text("cause.first_tap", "en") in said.out
    take(name, "sending", "registered", number=NUMBER)
    assert sitegate("registration", "show", str(NUMBER), "--json").json["reference"] == name
    explained(sitegate("registration", "show", "nothing"), "HUB-1403", name="nothing")


def test_a_lapsed_one_is_shown_with_its_attestation_and_can_be_noted(
    sitegate: Sitegate, tapped: Callable[..., list[str]]
) -> None:
    (name,) = tapped(MILAN)
    take(name, "lapsed")
    told = sitegate("registration", "show", name, "--json").json["attestation"]
    today = brussels_day(now_ms())
    assert told["correct_until"] == (today + timedelta(days=30)).isoformat()
    assert (told["tap"]["terminal_id"], told["tap"]["seq"]) == ("gate-in", 1)
    assert len(bytes.fromhex(told["tap"]["record"])) == 32
    assert told["digest"] in sitegate("registration", "show", name).out
    assert sitegate("registration", "attest", name, "--note", "by letter").code == 0
    history = sitegate("registration", "show", name, "--json").json["history"]
    assert (history[-1]["cause"], history[-1]["note"]) == ("attested", "by letter")


def test_retry_drop_and_cancel_change_only_what_they_may(
    sitegate: Sitegate, tapped: Callable[..., list[str]]
) -> None:
    first, second = tapped(MILAN, BASILE)
    take(first, "sending", "refused")
    before = stored()
    dry = sitegate("registration", "retry", first, "--dry-run")
    assert text("cli.dry_run", "en") in dry.out
    assert stored() == before
    assert sitegate("registration", "retry", first, "--json").json["written"] is True
    assert sitegate("registration", "drop", second, "--note", "a visitor").code == 0
    explained(
        sitegate("registration", "cancel", first, "--reason", "DISEASE"), "HUB-1404",
        name=first, state="due", needed="registered",
    )  # fmt: skip
    take(first, "sending", "registered", number=NUMBER)
    assert sitegate("registration", "cancel", first, "--reason", "ill").code == 2
    before = stored()
    assert sitegate("registration", "cancel", first, "--reason", "disease", "--dry-run").code == 0
    assert stored() == before
    said = sitegate("registration", "cancel", first, "--reason", "disease")
    assert text("registration.cancelling", "en", reference=first, reason="DISEASE") in said.out
    story = sitegate("registration", "show", first, "--json").json
    assert (story["state"], story["history"][-1]["actor"]) == ("cancelling", "command")


def test_works_declarations_are_kept_assigned_and_change_their_regime(
    sitegate: Sitegate, tapped: Callable[..., list[str]]
) -> None:
    (name,) = tapped(MILAN)
    site = sitegate("works", "list", "--json").json["works"][0]["site"]
    explained(sitegate("works", "set", B), "HUB-1407", works=B)
    place = ("--coordinates", "50.8466,4.3517")
    assert sitegate("works", "set", B, "--site", site, "--from", "today", *place).code == 0
    assert sitegate("works", "regime", B, "in_out", "--from", "tomorrow").code == 0
    assert sitegate("works", "assign", B, "--company", "0999000129").code == 0
    assert sitegate("works", "assign", B, "--person-of", name).code == 0
    (row,) = [one for one in sitegate("works", "list", "--json").json["works"] if one["works"] == B]
    tomorrow = (brussels_day(now_ms()) + timedelta(days=1)).isoformat()
    assert (row["regime"], row["regimes"]) == ("day", [[tomorrow, "in_out"]])
    assert (row["place"], row["people_assigned"], len(row["companies"])) == (True, 1, 1)
    assert sitegate("works", "assign", B, "--person-of", name, "--remove", "--json").json == {
        "works": B, "count": 1, "removed": True,
    }  # fmt: skip
    assert B in sitegate("works", "list").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", A, "--coordinates", "north"),
        ("set", A, "--coordinates", "91,4"),
        ("set", A, "--address", "only a street"),
        ("set", A, "--coordinates", "50,4", "--address", "a;b;c;d"),
        ("set", A, "--from", "next week"),
        ("regime", A, "hourly"),
        ("regime", A, "in_out", "--from", "yesterday"),
        ("assign", A),
        ("assign", A, "--company", "0999000129", "--person-of", "x"),
        ("assign", "1Y199999999LZ", "--company", "0999000129"),
        ("set", "short"),
    ],
)
def test_what_cannot_be_used_is_said_and_changes_nothing(
    sitegate: Sitegate, arguments: tuple[str, ...]
) -> None:
    sitegate("import", "people.csv")
    before = stored()
    said = sitegate("works", *arguments)
    assert said.code == 2
    assert said.err.splitlines()[0].startswith("HUB-") or "IMP-" in said.err
    assert stored() == before


def test_search_asks_the_authority_and_says_which_are_ours(
    sitegate: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitegate("import", "people.csv")
    explained(sitegate("registration", "search", "--works", A), "HUB-1409", regime="day")
    with SimulatedAuthority(tmp_path) as authority:
        monkeypatch.setenv("SITEGATE_AUTHORITY__URL", authority.soap)
        found = sitegate(
            "registration", "search", "--works", A, "--day", "2026-11-23", "--json"
        ).json
        assert (found["regime"], found["registrations"]) == ("day", [])
        authority.order("availability", mode="down")
        assert sitegate("registration", "search", "--works", A).code == 3
