"""`sitegate schedule`: reports by mail at the hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.i18n import error_text
from hub.storage.schema import notice
from tests.hub.books import Books, books
from tests.hub.command_line import Sitegate, explained, stored

TO = ("--to", "werf@site.example")


@pytest.fixture
def kept(sitegate: Sitegate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A site; mail is set up, and no hub runs."""
    del sitegate
    monkeypatch.setenv("SITEGATE_MAIL__HOST", "127.0.0.1")
    monkeypatch.setenv("SITEGATE_MAIL__SENDER", "hub@site.example")
    with books(Path("sitegate-data")) as made:
        yield made


def test_one_is_added_listed_sent_rested_and_removed(kept: Books, sitegate: Sitegate) -> None:
    said = sitegate(
        "schedule", "add", "hours", *TO, "--to", "b@site.example", "--pattern", "weekdays-week",
        "--weekday", "1", "--at", "07:15", "--site", "Werf Noord", "--form", "csv",
        "--mail-language", "de", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    handle = said.json["schedule"]
    assert said.json["next"].endswith(("T07:15:00+01:00", "T07:15:00+02:00"))
    said = sitegate("schedule", "list")
    for part in (handle, "Hours, Werf Noord", "On Monday at 07:15", "werf@site.example", "never"):
        assert part in said.out
    said = sitegate("schedule", "send", handle, "--json")
    assert (said.code, said.json["state"]) == (0, "empty"), said.err
    assert [row[3] for row in stored()[notice.name]] == ["werf@site.example", "b@site.example"]
    (row,) = sitegate("schedule", "list", "--json").json["schedules"]
    assert [(one["state"], one["asked"]) for one in row["past"]] == [("empty", True)]
    assert row["past"][0]["mails"] == [{"state": "waiting", "code": None, "count": 2}]
    assert sitegate("schedule", "pause", handle).code == 0
    assert sitegate("schedule", "list", "--json").json["schedules"][0]["next"] is None
    assert "paused" in sitegate("schedule", "list").out
    assert sitegate("schedule", "resume", handle, "--json").json["done"] == "resumed"
    assert sitegate("schedule", "remove", handle).code == 0
    assert sitegate("schedule", "list", "--json").json == {"schedules": []}
    did = [row["action"] for row in sitegate("audit", "list", "--json").json["rows"]]
    assert {"schedule.added", "schedule.changed", "schedule.removed", "report.sent"} <= set(did)


def test_what_cannot_be_done_is_explained(
    kept: Books, sitegate: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ("schedule", "add")
    explained(sitegate(*add, "day", *TO, "--pattern", "monthly-month"), "HUB-1862")
    explained(sitegate(*add, "day", *TO, "--pattern", "hourly"), "HUB-1862")
    explained(sitegate(*add, "day", *TO, "--at", "7"), "HUB-1862")
    explained(sitegate(*add, "day", "--to", "nobody"), "HUB-1864", most=10)
    explained(sitegate(*add, "day", *TO, "--site", "Nowhere"), "HUB-1661")
    for act in ("pause", "resume", "remove", "send"):
        explained(sitegate("schedule", act, "f" * 16), "HUB-1863")
    assert stored()["report_schedule"] == []
    handle = sitegate(*add, "day", *TO, "--json").json["schedule"]
    monkeypatch.delenv("SITEGATE_MAIL__HOST")
    explained(sitegate("schedule", "send", handle), "HUB-1800", channel="mail")
    out = sitegate("schedule", "list").out
    assert "table [mail]" in out
    assert error_text("HUB-1800", "en", channel="mail").happened in out
