"""`sitegate plan` and `sitegate token`: what they say, and what they never print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hub.cli.plan
import hub.cli.tokens
from hub.i18n import LANGUAGES
from hub.storage.tokens import SCOPES
from tests.hub.command_line import Sitegate, explained, stored
from tests.hub.house import NOON_MS
from tests.hub.plan_site import BASILE, MILAN, PIOTR, A

PLAN = (
    f"inss;limosa;day;works_number\n{MILAN};;today;{A}\n{BASILE};;2026-11-23;\n;{PIOTR};heute;{A}\n"
)


class Clock:
    """The clock of the commands."""

    now_ms = NOON_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(hub.cli.plan, "now_ms", clock)
    monkeypatch.setattr(hub.cli.tokens, "now_ms", clock)
    return clock


@pytest.fixture
def planned(people: Sitegate, clock: Clock) -> Sitegate:
    """A hub with three people planned today."""
    Path("plan.csv").write_text(PLAN)
    said = people("plan", "import", "plan.csv", "--json")
    assert said.code == 0
    assert said.json["added"] == 3
    return people


def test_the_same_file_twice(planned: Sitegate) -> None:
    said = planned("plan", "import", "plan.csv", "--json")
    assert (said.code, said.json["added"], said.json["unchanged"]) == (0, 0, 3)
    assert said.json["written"] is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_file_says_row_and_remedy_and_writes_nothing(
    people: Sitegate, clock: Clock, language: str
) -> None:
    Path("plan.csv").write_text(f"inss;day\n{MILAN};today\n8,50313E+10;today\n{BASILE};20-20\n")
    before = stored()
    said = people("-l", language, "plan", "import", "plan.csv")
    assert said.code == 2
    assert "IMP-2007" in said.out
    assert "IMP-5005" in said.out
    assert "--good-rows-only" in said.out
    for secret in (MILAN, BASILE, "8,50313E+10", "20-20"):
        assert secret not in said.out + said.err
    assert stored() == before
    said = people("plan", "import", "plan.csv", "--good-rows-only", "--json")
    assert (said.code, said.json["added"], said.json["errors"]) == (0, 1, 2)


def test_a_dry_run_plans_nothing(people: Sitegate, clock: Clock) -> None:
    Path("plan.csv").write_text(PLAN)
    assert people("plan", "import", "plan.csv", "--dry-run").code == 0
    said = people("plan", "import", "plan.csv", "--dry-run", "--json")
    assert (said.json["new"], said.json["added"], said.json["written"]) == (3, 0, False)
    assert stored()["plan_entry"] == []


def test_a_file_that_is_not_there(people: Sitegate, clock: Clock) -> None:
    said = people("plan", "import", "nowhere.csv")
    assert said.code == 2
    explained(said, "HUB-1013", file="nowhere.csv", reason="FileNotFoundError")


def test_a_day_as_people_read_it(planned: Sitegate) -> None:
    said = planned("plan", "show")
    assert "Aarts Milan" in said.out
    assert "85.03.12-***.**" in said.out
    assert MILAN not in said.out
    assert said.out.splitlines()[0].split() == [
        "Entry", "Ref.", "Person", "Number", "Company", "Works", "State",
    ]  # fmt: skip
    assert planned("plan", "show", "2026-12-24").out == "Nobody is planned on 2026-12-24.\n"
    explained(planned("plan", "show", "someday"), "HUB-1500")


def test_a_day_for_scripts(planned: Sitegate) -> None:
    content = planned("plan", "show", "--json").json
    assert content["day"] == "2026-11-23"
    (milan,) = [one for one in content["entries"] if one["person"]["family_name"] == "Aarts"]
    assert milan == {
        "entry": 1,
        "person": {
            "ref": 1,
            "family_name": "Aarts",
            "given_name": "Milan",
            "number": "85.03.12-***.**",
            "company_number": "0999000129",
            "company_name": "Bouwwerken",
        },
        "works_number": A,
        "site": "Werf Noord",
        "day": "2026-11-23",
        "source": "file",
        "regime": "day",
        "problems": [],
        "warnings": [],
        "state": None,
        "registration_number": None,
        "seen": False,
    }


def test_who_is_not_planned(planned: Sitegate) -> None:
    assert planned("plan", "show", "--unplanned", "--json").json["unplanned"] == []
    people = planned("plan", "show", "tomorrow", "--unplanned", "--json").json["unplanned"]
    assert [one["ref"] for one in people] == [1, 2, 3]
    assert "Gillard Basile" in planned("plan", "show", "tomorrow", "--unplanned").out


def test_a_day_is_submitted_and_withdrawn(planned: Sitegate, clock: Clock) -> None:
    said = planned("plan", "submit", "today", "--dry-run", "--json").json
    assert (said["would_submit"], said["submitted"], len(said["ready"])) == (3, 0, 3)
    assert stored()["registration"] == []
    said = planned("plan", "submit", "today", "--json").json
    assert (said["would_submit"], said["submitted"], said["ready"]) == (0, 3, [])
    assert "prepared for 2026-11-23: 0" in planned("plan", "submit", "today").out
    said = planned("plan", "withdraw", "1", "--reason", "holiday", "--json")
    assert said.json == {"withdrawn": [{"entry": 1, "outcome": "dropped"}]}
    arguments = ("--day", "today", "--person-ref", "2", "--reason", "DISEASE")
    assert "nothing had been sent" in planned("plan", "withdraw", *arguments).out


def test_tomorrow_waits_for_its_hour(planned: Sitegate, clock: Clock) -> None:
    said = planned("plan", "submit")
    assert said.code == 2
    explained(said, "HUB-1509", day="2026-11-24", opens="2026-11-23 16:00")
    Path("sitegate.toml").write_text("[plan]\nsubmit_at = 12:00:00\n")
    assert planned("plan", "submit").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("1", "--reason", "LAZY"), "HUB-1502"),
        (("--reason", "HOLIDAY"), "HUB-1503"),
        (("1", "--day", "today", "--reason", "HOLIDAY"), "HUB-1503"),
        (("1", "--day", "today", "--person-ref", "1", "--reason", "HOLIDAY"), "HUB-1503"),
        (("99", "--reason", "HOLIDAY"), "HUB-1501"),
        (("--day", "today", "--person-ref", "99", "--reason", "HOLIDAY"), "HUB-1505"),
    ],
)
def test_withdrawals_that_cannot_be(
    planned: Sitegate, arguments: tuple[str, ...], code: str
) -> None:
    before = stored()
    said = planned("plan", "withdraw", *arguments)
    assert said.code == 2
    assert said.err.startswith(code)
    assert stored() == before


def test_a_copied_day(planned: Sitegate) -> None:
    said = planned("plan", "copy", "--from", "today", "--to", "tomorrow", "--json").json
    assert said == {
        "from": "2026-11-23",
        "to": "2026-11-24",
        "added": 3,
        "unchanged": 0,
        "withdrawn": 0,
    }
    assert (
        ": 0. In the plan already: 3."
        in planned("plan", "copy", "--from", "today", "--to", "tomorrow").out
    )
    explained(planned("plan", "copy", "--from", "today", "--to", "today"), "HUB-1513")


def test_weekly_patterns(planned: Sitegate) -> None:
    said = planned(
        "plan", "pattern", "add", "--person-ref", "1", "--days", "mon-fri", "--from", "tomorrow"
    )
    assert said.out == "Weekly pattern 1: mon,tue,wed,thu,fri, from 2026-11-24 on.\n"
    (listed,) = planned("plan", "pattern", "list", "--json").json["patterns"]
    assert (listed["days"], listed["until"]) == ("mon,tue,wed,thu,fri", None)
    assert "Aarts Milan" in planned("plan", "pattern", "list").out
    assert len(planned("plan", "show", "tomorrow", "--json").json["entries"]) == 1
    said = planned("plan", "pattern", "remove", "1", "--json").json
    assert len(said["withdrawn"]) == 5
    explained(planned("plan", "pattern", "remove", "1"), "HUB-1508", pattern=1)
    explained(planned("plan", "pattern", "add", "--person-ref", "1", "--days", "soon"), "HUB-1507")
    assert planned("plan", "pattern", "list").out == "No weekly pattern is in force.\n"


def test_the_absent(planned: Sitegate) -> None:
    planned("plan", "submit", "today")
    said = planned("plan", "absent", "--json").json
    assert len(said["absent"]) == 3
    assert "--cancel HOLIDAY|DISEASE|PLANNING|C32A" in planned("plan", "absent").out
    said = planned("plan", "absent", "--cancel", "C32A", "--json").json
    assert [one["outcome"] for one in said["withdrawn"]] == ["dropped"] * 3
    assert planned("plan", "absent").out == "Everybody planned on 2026-11-23 was seen.\n"


def test_a_token_is_shown_once(people: Sitegate, clock: Clock) -> None:
    said = people("token", "add", "office", "--scope", "plan", "--json").json
    token = said["token"]
    assert len(token) >= 43 + len("sitegate_")
    assert token not in repr(stored())
    listed = people("token", "list", "--json").json["tokens"]
    assert listed == [
        {
            "name": "office",
            "scopes": ["plan"],
            "company_number": None,
            "added_ms": NOON_MS,
            "revoked_ms": None,
        }
    ]
    assert token not in people("token", "list").out
    assert people("token", "revoke", "office").code == 0
    explained(people("token", "revoke", "office"), "HUB-1521", name="office")
    explained(people("token", "add", "office", "--scope", "plan"), "HUB-1520", name="office")
    explained(people("token", "add", "x", "--scope", "all"), "HUB-1529", scopes=", ".join(SCOPES))
    explained(people("token", "add", "Büro", "--scope", "plan"), "HUB-1528")
    other = people("token", "add", "other", "--scope", "plan")
    assert other.out.splitlines()[1].startswith("sitegate_")


def test_a_token_of_a_company_bears_its_number(people: Sitegate) -> None:
    def add(*more: str) -> Any:
        return people("token", "add", "planner", "--scope", "people", "--scope", "plan", *more)

    said = add("--company", "0999000129", "--json").json
    assert (said["name"], said["company_number"]) == ("0999000129/planner", "0999000129")
    assert add("--json").json["name"] == "planner"
    assert add("--company", "0999000228").code == 0
    explained(add("--company", "0999000228"), "HUB-1520", name="planner")
    explained(add("--company", "0999000327"), "HUB-1700")
    assert people("token", "revoke", "0999000129/planner").code == 0
    listed = people("token", "list", "--json").json["tokens"]
    assert [(one["name"], one["revoked_ms"] is None) for one in listed] == [
        ("0999000129/planner", False),
        ("planner", True),
        ("0999000228/planner", True),
    ]
