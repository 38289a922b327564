"""The people file: first days and states of badges, in the columns that may be left out."""

from __future__ import annotations

from datetime import date

import pytest

from hub.application.people_file import COLUMNS, read_people_file
from tests.domain.test_people_file import GOOD, TODAY, csv_of, found, only, read


def test_first_days() -> None:
    days = (("", None), ("24/11/2026", date(2026, 11, 24)), ("2027-1-5", date(2027, 1, 5)))
    for text, day in days:
        people_file = read({**GOOD, "valid_from": text})
        assert found(people_file) == []
        assert people_file.rows[0].valid_from == day
    same = read({**GOOD, "valid_from": "2027-01-05", "valid_until": "2027-01-05"})
    assert found(same) == []
    only(read({**GOOD, "valid_from": "31/02/2027"}), "valid_from", "IMP-2005")
    both = {**GOOD, "valid_from": "2027-01-06", "valid_until": "2027-01-05"}
    only(read(both), "valid_from", "IMP-2010")


def test_states_of_a_badge() -> None:
    for text, state in (("", ""), ("Blocked", "blocked"), ("active", "active")):
        assert read({**GOOD, "badge_state": text}).rows[0].badge_state == state
    only(read({**GOOD, "badge_state": "lost"}), "badge_state", "IMP-2011")


def test_limosa_periods_and_foreign_employers() -> None:
    row = {
        **GOOD,
        "limosa_from": "2026-10-01",
        "limosa_until": "31/3/2027",
        "foreign_vat": "pl 00.00",
    }
    people_file = read(row)
    assert found(people_file) == []
    (person,) = people_file.rows
    assert (person.limosa_from, person.limosa_until) == (date(2026, 10, 1), date(2027, 3, 31))
    assert person.foreign_vat == "PL0000"
    only(read({**GOOD, "foreign_vat": "0999000129"}), "foreign_vat", "IMP-2013")
    turned = {**GOOD, "limosa_from": "2027-01-06", "limosa_until": "2027-01-05"}
    only(read(turned), "limosa_from", "IMP-2010")


def test_a_limosa_declaration_that_has_ended_is_a_warning() -> None:
    people_file = read({**GOOD, "limosa_until": "2026-11-01"})
    assert [problem.code for problem in people_file.warnings] == ["IMP-2012"]
    assert people_file.accepted


def test_the_last_columns_may_be_left_out() -> None:
    assert COLUMNS[11] == "valid_from"
    people_file = read_people_file(csv_of(GOOD, columns=COLUMNS[:11]), TODAY)
    assert found(people_file) == []
    (person,) = people_file.rows
    assert (person.valid_from, person.badge_state) == (None, "")
    assert (person.limosa_until, person.foreign_vat) == (None, "")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("inss", "85031299761.0"),
        ("inss", "85031299761,00"),
        ("inss", "'85031299761"),
        ("inss", "85\u00a003\u00a012 997\u202f61"),
        ("company_number", "999000129.0"),
        ("company_number", "BE0999000129"),
        ("company_number", "BE 0999.000.129"),
        ("badge_uid", "'04:A1:B2:C3:D4:E5:01"),
    ],
)
def test_what_lost_nothing_is_taken(column: str, text: str) -> None:
    people_file = read({**GOOD, column: text})
    assert found(people_file) == []
    (person,) = people_file.rows
    assert person.inss is not None
    assert person.inss.reveal() == GOOD["inss"]
    assert person.company_number == GOOD["company_number"]
    assert person.badge_uid is not None
    assert person.badge_uid.reveal().hex().upper() == GOOD["badge_uid"]


def test_a_badge_may_come_later() -> None:
    people_file = read({**GOOD, "badge_uid": ""})
    assert found(people_file) == []
    assert people_file.rows[0].badge_uid is None
