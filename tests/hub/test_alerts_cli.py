"""`sitegate alerts`, and what the doctor says of messages."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from hub.domain.alerts import Alert, Kind
from hub.storage.alerts import Book, handle_of
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.notices import mailing
from hub.storage.schema import notice_channel
from tests.hub.command_line import Sitegate, explained
from tests.hub.house import NOON_MS
from tests.notices.servers import MailServer, mail_server

SETTINGS = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "hub@site.example"

[[alerts.recipients]]
to = "sofie@site.example"
language = "fr"

[[alerts.recipients]]
to = "gone@site.example"
step = 2
"""


@pytest.fixture
def handle(sitegate: Sitegate) -> str:
    """A hub with an open alert."""
    del sitegate
    details = {"site": "Werf Noord", "gate": "Kraan", "minutes": 10}
    made = Alert(Kind.SILENT, "gate-in", 1, details, 1, 1, NOON_MS, NOON_MS)
    with closing(open_house(Path("sitegate-data"))) as house, writing(house.engine) as connection:
        row = Book(connection, house.vault).add(made)
        return handle_of(house.vault, row)


def settings(port: int = 1) -> None:
    Path("sitegate.toml").write_text(SETTINGS.format(port=port))


def test_what_is_open_is_listed_and_taken_care_of(handle: str, sitegate: Sitegate) -> None:
    said = sitegate("alerts", "list")
    assert said.code == 0
    assert said.out.startswith(f"{handle}  Urgent  Werf Noord: gate Kraan silent for more than 10")
    (told,) = json.loads(sitegate("alerts", "list", "--json").out)["open"]
    assert (told["handle"], told["kind"], told["acknowledged"]) == (handle, "silent", False)
    assert "taken care of" in sitegate("alerts", "ack", handle, "--note", "power is back").out
    assert "already, or is over" in sitegate("alerts", "ack", handle).out
    assert f"{handle}  taken care of" in sitegate("alerts", "list").out


def test_a_handle_that_no_alert_has_is_explained(handle: str, sitegate: Sitegate) -> None:
    del handle
    said = sitegate("alerts", "ack", "f" * 16)
    assert said.code == 2
    explained(said, "HUB-1815")


def test_a_test_goes_to_each_and_one_that_is_refused_stops_no_other(sitegate: Sitegate) -> None:
    server = MailServer(refusals={"gone@site.example": "550 unknown"})
    with mail_server(server):
        settings(server.port)
        said = sitegate("alerts", "test")
    assert server.subjects == ["Sitegate : message d'essai"]
    assert "sofie@site.example: the test message was delivered" in said.out
    assert said.code == 1
    assert said.err.startswith("gone@site.example:\nHUB-1806: The mail server refuses")


def test_without_anybody_to_tell_a_test_says_so(sitegate: Sitegate) -> None:
    said = sitegate("alerts", "test")
    assert (said.code, said.out.strip()) == (0, "No recipient is set up.")


def test_a_server_that_is_away_is_seen_by_the_doctor(handle: str, sitegate: Sitegate) -> None:
    del handle
    settings()
    assert sitegate("alerts", "test", "--json").code == 3
    with closing(open_house(Path("sitegate-data"))) as house, writing(house.engine) as connection:
        mailing(connection, house.vault, NOON_MS).queue_mail(
            ["sofie@site.example"], "nl", "alerts.mail.test", {}
        )
        connection.execute(
            notice_channel.insert().values(
                channel="mail", failures=3, next_try_ms=0, code="HUB-1802"
            )
        )
    said = sitegate("doctor")
    assert "HUB-1816" in said.out
    assert "1 message(s) wait" in said.out
    found = json.loads(sitegate("doctor", "--json").out)["findings"]
    (told,) = [one for one in found if one["subject"] == "messages"]
    assert (told["state"], told["code"]) == ("warning", "HUB-1816")
    assert "sofie" not in said.out
