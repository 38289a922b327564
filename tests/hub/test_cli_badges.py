"""`sitegate badge` and `sitegate person`: the register from the command line, nothing in clear."""

from __future__ import annotations

import io

import pytest

from tests.hub.command_line import Sitegate

CARD, MILANS = "04A1B2C3D4E5F1", "04A1B2C3D4E501"


def token(people: Sitegate, family: str = "Aarts") -> str:
    """The token of somebody."""
    found = people("person", "list", "--name", family, "--json").json["people"]
    assert len(found) == 1
    return found[0]["token"]


def test_people_are_listed_and_shown_masked(people: Sitegate) -> None:
    listed = people("person", "list", "--company", "0999000228")
    assert "Gillard Basile" in listed.out
    assert "03.07.21-***.**" in listed.out
    assert "Aarts" not in listed.out
    shown = people("person", "show", token(people))
    assert "85.03.12-***.**" in shown.out
    assert people("person", "show", token(people), "--json").json["family_name"] == "Aarts"
    assert people("person", "list", "--problem", "no_badge", "--json").json["total"] == 0
    assert people("person", "list", "--kind", "ghost").code == 2
    assert "HUB-1621" in people("person", "show", "0" * 32).err
    assert not any(number in listed.out + shown.out for number in ("85031299761", "997.61"))


def test_a_badge_lives_from_link_to_release(
    people: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    whom = token(people)
    monkeypatch.setattr("sys.stdin", io.StringIO(CARD + "\n"))
    linked = people("badge", "link", whom, "--uid", "-", "--valid-until", "2099-12-31")
    assert linked.code == 0
    lines = people("badge", "list", whom, "--json").json["badges"]
    assert [line["valid_until"] for line in lines] == [None, "2099-12-31"]
    handle = lines[1]["badge"]
    said = ""
    for verb, state in (
        ("lost", "lost"), ("found", "active"), ("block", "blocked"), ("unblock", "active"),
    ):  # fmt: skip
        done = people("badge", verb, "--badge", handle, "--note", "why")
        assert done.code == 0
        said += done.out
        now = people("badge", "list", whom, "--json").json["badges"][1]
        assert now["state"] == state
    assert people("badge", "release", "--uid", CARD).code == 0
    assert len(people("badge", "list", whom, "--json").json["badges"]) == 1
    assert CARD not in (linked.out + said).upper()


def test_a_badge_is_named_in_one_way_and_must_be_there(people: Sitegate) -> None:
    assert "HUB-1645" in people("badge", "block").err
    assert "HUB-1645" in people("badge", "block", "--uid", CARD, "--badge", "0" * 32).err
    for named in (("--uid", CARD), ("--badge", "0" * 32)):
        refused = people("badge", "block", *named)
        assert (refused.code, "HUB-1640" in refused.err) == (2, True)
        assert CARD not in refused.err
    wrong = people("badge", "link", token(people), "--uid", "nothex")
    assert "IMP-3401" in wrong.err
    assert "nothex" not in wrong.err
    assert "HUB-1635" in people(
        "badge", "link", token(people), "--uid", CARD, "--valid-from", "tomorrow"
    ).err  # fmt: skip
    assert people("badge", "lost", "--uid", MILANS).code == 0
