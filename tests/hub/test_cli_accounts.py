"""`sitegate account`: the way back when nobody can log in."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.hub.command_line import Sitegate, explained, stored

HOUR_MS = 3_600_000
LINK = re.compile(r"http://127\.0\.0\.1:8080/link/[\w-]{43}")


def kept(query: str) -> list[tuple[Any, ...]]:
    """What the database of the working folder answers."""
    with closing(sqlite3.connect("file:sitegate-data/sitegate.db?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def links() -> list[tuple[Any, ...]]:
    """(account, made, until) of every link."""
    return kept("SELECT account_id, made_ms, until_ms FROM link")


@pytest.fixture
def office(people: Sitegate) -> Sitegate:
    """A hub with an administrator and a contractor."""
    assert people("account", "add", "ada", "--name", "Ada", "--role", "administrator").code == 0
    contractor = ("--role", "contractor", "--company", "0999000129")
    assert people("account", "add", "bram", "--name", "Bram", *contractor).code == 0
    return people


def test_an_account_is_added_with_a_link_and_without_a_password(office: Sitegate) -> None:
    said = office(
        "account", "add", "Saskia@Werf.be", "--name", "Saskia", "--role", "supervisor",
        "--site", "Werf Noord", "--json",
    )  # fmt: skip
    assert said.code == 0
    assert (said.json["login"], said.json["purpose"]) == ("saskia@werf.be", "invitation")
    assert LINK.fullmatch(said.json["link"])
    listed = office("account", "list", "--json").json["accounts"]
    assert [(one["login"], one["state"]) for one in listed] == [
        ("ada", "invited"),
        ("bram", "invited"),
        ("saskia@werf.be", "invited"),
    ]
    assert listed[1]["company"] == "Bouwwerken"
    assert listed[2]["sites"] == ["Werf Noord"]
    secret = said.json["link"].rpartition("/")[2]
    assert secret not in str(stored())


def test_a_link_replaces_the_one_before(office: Sitegate) -> None:
    first = office("account", "link", "BRAM", "--json").json
    second = office("account", "link", "bram", "--login", "--json").json
    assert first["link"] != second["link"]
    assert second["purpose"] == "login"
    good = [until for account, made, until in links() if account == 2 and until - made > HOUR_MS]
    assert len(good) == 1
    assert LINK.search(office("account", "link", "bram").out)


def test_disable_enable_and_unlock(office: Sitegate) -> None:
    assert (
        office("account", "disable", "bram").out
        == "Account bram disabled; its sessions have ended.\n"
    )
    explained(office("account", "link", "bram"), "HUB-1618")
    assert office("account", "enable", "bram", "--json").json == {"login": "bram", "enabled": True}
    assert office("account", "unlock", "bram").code == 0
    noted = kept("SELECT action, actor FROM audit ORDER BY id")[-3:]
    assert [action for action, _ in noted] == [
        "account.disabled",
        "account.enabled",
        "account.changed",
    ]
    assert {actor for _, actor in noted} == {"command"}


def test_the_last_administrator_stays(office: Sitegate) -> None:
    said = office("account", "disable", "ada")
    assert said.code == 2
    explained(said, "HUB-1617")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "a b", "--name", "X", "--role", "administrator"), "HUB-1611"),
        (("add", "ADA", "--name", "X", "--role", "administrator"), "HUB-1611"),
        (("add", "x1", "--name", " ", "--role", "administrator"), "HUB-1614"),
        (("add", "x1", "--name", "X", "--role", "worker"), "HUB-1613"),
        (("add", "x1", "--name", "X", "--role", "contractor"), "HUB-1615"),
        (("add", "x1", "--name", "X", "--role", "contractor", "--company", "1"), "HUB-1615"),
        (("add", "x1", "--name", "X", "--role", "guard"), "HUB-1616"),
        (("add", "x1", "--name", "X", "--role", "guard", "--site", "Elsewhere"), "HUB-1616"),
        (("link", "nobody"), "HUB-1610"),
        (("unlock", "nobody"), "HUB-1610"),
    ],
)
def test_what_cannot_be_is_explained(
    office: Sitegate, arguments: tuple[str, ...], code: str
) -> None:
    before = stored()["account"]
    said = office("account", *arguments)
    assert said.code == 2
    explained(said, code)
    assert stored()["account"] == before


def test_a_new_hub_says_how_to_begin(people: Sitegate) -> None:
    assert "sitegate run" in people("account", "list").out
