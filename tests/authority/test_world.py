"""The world file: every number checks out by other software, and mistakes are named."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import stdnum.be.ssn
import stdnum.be.vat

from simulator.authority.registers import Registers
from simulator.authority.world import WorldFileError, load_world
from tests.authority.rig import WORKS_A, WORKS_B, WORLD

TODAY = date(2026, 11, 23)
COMPANIES = {"0999000129", "0999000228", "1999000150", "1999000249"}
FILE: dict[str, Any] = tomllib.loads(WORLD.read_text(encoding="utf-8"))


def test_people_are_invented_and_possible() -> None:
    people = [person["inss"] for person in FILE["person"]]
    people += [person["replaced_by"] for person in FILE["person"] if "replaced_by" in person]
    assert len(people) == len(set(people))
    for inss in people:
        assert stdnum.be.ssn.is_valid(inss)
        # Births never reach these sequences.
        assert 990 <= int(inss[6:9]) <= 998


def test_companies_and_limosas_are_invented_and_possible() -> None:
    assert {company["number"] for company in FILE["company"]} == COMPANIES
    assert all(stdnum.be.vat.is_valid(number) for number in COMPANIES)
    for limosa in FILE["limosa"]:
        assert limosa["id"].startswith("24999")
        assert int(limosa["id"]) % 97 == 1


def test_there_are_enough_workers_for_a_demonstration() -> None:
    employed = {
        company: [
            person["inss"]
            for person in FILE["person"]
            for dimona in person.get("dimona", [])
            if dimona["company"] == company and not dimona.get("appears_after_s")
        ]
        for company in ("0999000129", "0999000228")
    }
    assert [len(people) >= 5 for people in employed.values()] == [True, True]
    assert sum(len(people) for people in employed.values()) >= 12


@pytest.mark.parametrize("today", [date(2026, 1, 1), TODAY, date(2028, 2, 29), date(2026, 3, 31)])
def test_days_are_relative_to_the_start(today: date) -> None:
    registers = Registers(load_world(WORLD, today))
    works_a, works_b = registers.works(WORKS_A), registers.works(WORKS_B)
    assert works_a is not None
    assert works_b is not None
    assert works_a.period.covers(today)
    assert works_a.period.covers(today + timedelta(days=1))
    assert works_b.period.end is not None
    assert (works_b.period.end.year, works_b.period.end.month) < (today.year, today.month)
    ended = registers.limosa("24999000000000284")
    assert ended is not None
    assert ended.period.end == today - timedelta(days=7)


def test_plain_dates_are_taken_as_they_are(tmp_path: Path) -> None:
    text = WORLD.read_text(encoding="utf-8").replace(
        "from = -200\nuntil = 400", "from = 2026-01-01\nuntil = 2026-12-31", 1
    )
    world = tmp_path / "world.toml"
    world.write_text(text, encoding="utf-8")
    works = Registers(load_world(world, TODAY)).works(WORKS_A)
    assert works is not None
    assert works.period.start == date(2026, 1, 1)


@pytest.mark.parametrize(("old", "new", "where"), [
    ('inss = "85031299761"', 'inss = "85031299760"', "person 1: inss"),
    ('number = "0999000129"', 'number = "0999000128"', "company 1: number"),
    ('number = "0999000129"', "number = 999000129", "company 1: number"),
    ('number = "1Y19FAKE001AZ"', 'number = "1Y19FAKE001BZ"', "works 1: number"),
    ('id = "24999000000000187"', 'id = "24999000000000188"', "limosa 1: id"),
    ("sector = 1", 'sector = "one"', "works 1: sector"),
    ("from = -200", "from = 2026-11-23T10:00:00", "works 1: from"),
    ("subject = false", 'subject = "no"', "works 3: subject"),
    ('who = "worker ok"', 'what = "worker ok"', "person 1: what: unknown key"),
    ('founders = ["86022899879"]', 'founders = ["86022899870"]', "company 1: founders"),
    ('founders = ["86022899879"]', 'founders = "86022899879"', "company 1: founders"),
    ("dimona = [{ company", "dimona = [{ employer", "dimona 1: company"),
    ('user_type = "SIM"', 'user_type = ""', "sender 1: user_type"),
    ("[[person]]", "[[person]", "TOMLDecodeError"),
])  # fmt: skip
def test_a_mistake_is_named_without_repeating_a_number(
    tmp_path: Path, old: str, new: str, where: str
) -> None:
    text = WORLD.read_text(encoding="utf-8")
    assert old in text
    world = tmp_path / "world.toml"
    world.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WorldFileError) as caught:
        load_world(world, TODAY)
    assert where in str(caught.value)
    assert not any(digits in str(caught.value) for digits in ("8503129", "8602289", "24999"))


def test_without_a_sender_nobody_could_call(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    world.write_text('[[company]]\nnumber = "0999000129"\n', encoding="utf-8")
    with pytest.raises(WorldFileError, match="at least one sender"):
        load_world(world, TODAY)
