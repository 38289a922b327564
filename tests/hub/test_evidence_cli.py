"""`sitegate evidence`: proven or not, by exit code, and nobody else's number on the way."""

from __future__ import annotations

import sqlite3
import stat
from datetime import date
from pathlib import Path

import pytest

from hub.application.registrations import NewRegistration
from hub.domain.registration import State
from hub.storage.engine import writing
from hub.storage.history import RegistrationEvent, create, step
from hub.storage.house import DATABASE
from tests.hub.command_line import Said, Sitegate, explained, stored
from tests.hub.house import NOON_MS
from tests.hub.kept_evidence import (
    NUMBERS,
    PEOPLE,
    REFERENCES,
    archive,
    soap_register,
    unanswered,
)

DATA = Path("sitegate-data")
NUMBER = str(NUMBERS[1])


@pytest.fixture
def kept(sitegate: Sitegate) -> Sitegate:
    """A hub that registered three people in one call, and lost the answer to another."""
    with archive(DATA) as made:
        made.store.keep(soap_register())
        made.store.keep(unanswered(NOON_MS + 1000))
        with writing(made.house.engine) as connection:
            create(
                connection,
                NewRegistration(
                    reference=REFERENCES[1],
                    person_id=1,
                    site_id=1,
                    works_number="1Y19FAKE001AZ",
                    day=date(2026, 11, 23),
                    state=State.DUE,
                    cause="first_tap",
                    tap_ms=NOON_MS - 2000,
                    due_ms=NOON_MS - 2000,
                    changed_ms=NOON_MS - 1000,
                ),
            )
            for state, cause, number in (
                (State.SENDING, "claimed", None),
                (State.REGISTERED, "answered", NUMBERS[1]),
            ):
                event = RegistrationEvent(REFERENCES[1], NOON_MS, state, cause, number)
                step(connection, event)
    return sitegate


def nobody_else(said: Said) -> None:
    """No person number is there, and nothing of the other two."""
    for number in PEOPLE:
        assert number not in said.out + said.err
    for place in (0, 2):
        assert REFERENCES[place] not in said.out
        assert str(NUMBERS[place]) not in said.out


@pytest.mark.parametrize("asked", [NUMBER, REFERENCES[1]])
def test_a_registration_is_proven_and_shown_alone(kept: Sitegate, asked: str) -> None:
    said = kept("evidence", "show", asked)
    assert said.code == 0
    assert "Proven: an answer of the NSSO, kept untouched, carries this number." in said.out
    assert "Exchange 1, 23 November 2026 12:00:00: register, answered; untouched" in said.out
    assert "INSS: 03.07.21-***.**" in said.out
    assert f"PresenceRegistrationId: {NUMBER}" in said.out
    assert "due  First tap of the day. (projection)" in said.out
    assert f"registered {NUMBER}" in said.out
    nobody_else(said)
    told = kept("evidence", "show", asked, "--json")
    assert told.code == 0
    assert told.json["proven"] is True
    assert [one["row"] for one in told.json["exchanges"]] == [1]
    assert [one["state"] for one in told.json["history"]] == ["due", "sending", "registered"]
    assert told.json["chain"]["whole"] is True
    nobody_else(told)


def test_a_lost_answer_proves_nothing(kept: Sitegate) -> None:
    with archive(Path("other")) as made:
        made.store.keep(unanswered())
    Path("sitegate.toml").write_text('data = "other"\n')
    said = kept("evidence", "show", REFERENCES[2])
    assert said.code == 1
    assert "Not proven" in said.out
    assert "no usable answer" in said.out


def test_a_number_that_nobody_gave_is_not_proven(kept: Sitegate) -> None:
    said = kept("evidence", "show", "5")
    assert said.code == 1
    explained(said, "HUB-1350")
    assert kept("evidence", "show", "5", "--json").out == ""


def tamper(statement: str) -> None:
    """Changes the database as somebody would who knows SQLite."""
    connection = sqlite3.connect(DATA / DATABASE)
    for table in ("evidence", "evidence_item"):
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_changed_row_proves_nothing_any_more(kept: Sitegate) -> None:
    tamper("UPDATE evidence SET at_ms = at_ms - 3600000 WHERE id = 1")
    said = kept("evidence", "show", NUMBER)
    assert said.code == 1
    assert "CHANGED since" in said.out
    assert "NOT whole: 1 places" in said.out


def test_a_break_elsewhere_in_the_chain_is_enough(kept: Sitegate) -> None:
    tamper("UPDATE evidence SET outcome = 'answered' WHERE id = 2")
    said = kept("evidence", "show", NUMBER, "--json")
    assert said.code == 1
    assert said.json["exchanges"][0]["sound"] is True
    assert said.json["chain"]["faults"] == [{"row": 2, "fault": "changed"}]


def test_a_row_that_does_not_open_is_told_and_not_proven(kept: Sitegate) -> None:
    tamper("UPDATE evidence SET sealed = zeroblob(40) WHERE id = 1")
    said = kept("evidence", "show", NUMBER)
    assert said.code == 1
    assert "CHANGED since" in said.out


def test_check_tells_the_end_and_takes_it_back(kept: Sitegate) -> None:
    said = kept("evidence", "check", "--json")
    assert said.code == 0
    assert said.json["rows"] == 2
    head = said.json["head"]
    assert head in kept("evidence", "check").out
    with archive(DATA) as made:
        made.store.keep(soap_register((0,)))
    assert kept("evidence", "check", "--head", head).code == 0
    wrong = head[:-1] + ("0" if head[-1] != "0" else "1")
    said = kept("evidence", "check", "--head", wrong)
    assert said.code == 1
    explained(said, "HUB-1351", faults=1, row=2)
    assert "is not this one" in said.out
    assert kept("evidence", "check", "--head", "nonsense").code == 2


def test_an_export_holds_this_item_only(kept: Sitegate) -> None:
    assert kept("evidence", "show", NUMBER, "--export", "out").code == 0
    (file,) = Path("out").iterdir()
    assert file.name == f"evidence-{NUMBER}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_text("utf-8")
    assert not any(number in content for number in PEOPLE)
    assert stored()["incident"] == []
    # What is there is never replaced.
    said = kept("evidence", "show", NUMBER, "--export", "out")
    assert said.code == 2
    explained(said, "HUB-1353", folder="out", reason="FileExistsError")


def test_whole_messages_are_exported_on_demand_and_leave_a_trace(kept: Sitegate) -> None:
    assert kept("evidence", "show", NUMBER, "--whole").code == 2
    said = kept("evidence", "show", NUMBER, "--export", "out", "--whole")
    assert said.code == 0
    assert "numbers of other people too" in said.err
    exchange = soap_register()
    assert (Path("out") / "exchange-1-request.xml").read_bytes() == exchange.request
    assert (Path("out") / "exchange-1-answer.xml").read_bytes() == exchange.answer
    ((_, _, code, terminal, detail),) = stored()["incident"]
    assert (code, terminal, detail) == ("HUB-1354", None, "1")
