"""Invented worlds: numbers other software accepts, counts as wished, the same for the same seed."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
import stdnum.be.bis
import stdnum.be.nn
import stdnum.be.ssn
import stdnum.be.vat

from hub.application.people_file import read_people_file
from simulator.authority.cast import Wish
from simulator.authority.numbers import limosa_ok, works_number_ok
from simulator.authority.operations import Settings
from simulator.authority.registers import Registers
from simulator.authority.world import load_world
from simulator.authority.worlds import Scenario, main, make
from tests.authority.rig import Rig, item

DAY = date(2026, 11, 24)
# The day of the scenario: the plan is made the evening before.
WISH = Wish(
    people=300,
    companies=4,
    seed=7,
    day=DAY,
    late_dimona=((time(9), 5),),
    no_dimona=2,
    limosa=20,
    limosa_expired=3,
    self_employed=4,
    replaced=3,
    unknown_works=2,
    absent=20,
    unplanned=15,
)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return make(WISH)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_every_number_is_invented_and_right(scenario: Scenario) -> None:
    people = [number for one in scenario.members for number in (one.inss, one.replaced_by)]
    people = [number for number in people if number]
    assert len(people) == len(set(people)) == 303
    for inss in people:
        assert stdnum.be.ssn.is_valid(inss)
        assert 990 <= int(inss[6:9]) <= 998
        # The check digits are those of the right century.
        kind = stdnum.be.bis if int(inss[2:4]) > 12 else stdnum.be.nn
        born = kind.get_birth_date(inss)
        assert born is not None
        assert 1960 <= born.year <= 2007
    for company in {one.company for one in scenario.members} - {""}:
        assert stdnum.be.vat.is_valid(company)
        assert company[:4] in ("0999", "1999")
    for works in {one.works for one in scenario.members}:
        assert works.startswith("1Y19")
        assert works_number_ok(works)
    limosas = [one.limosa for one in scenario.members if one.limosa]
    assert len(set(limosas)) == 23
    assert all(limosa_ok(one) and one.startswith("24999") for one in limosas)
    assert len({one.badge for one in scenario.members}) == 300


def test_the_counts_are_those_wished_for(scenario: Scenario) -> None:
    cast = rows(scenario.cast)
    assert Counter(row["trouble"] for row in cast) == {
        "none": 261,
        "late-dimona": 5,
        "no-dimona": 2,
        "limosa": 20,
        "limosa-expired": 3,
        "self-employed": 4,
        "replaced": 3,
        "works-unknown": 2,
    }
    assert Counter(row["role"] for row in cast) == {"present": 265, "absent": 20, "unplanned": 15}
    assert len({row["works_number"] for row in cast}) == 3
    assert len({row["company_number"] for row in cast} - {""}) == 4


def test_the_plan_holds_all_but_the_unplanned(scenario: Scenario) -> None:
    plan = rows(scenario.plan)
    assert len(plan) == 285
    assert {row["day"] for row in plan} == {"2026-11-24"}
    planned = {row["inss"] or row["limosa"] for row in plan}
    unplanned = [one for one in scenario.members if one.role == "unplanned"]
    assert not planned & {one.limosa or one.inss for one in unplanned}
    assert rows(make(replace(WISH, day=None)).plan)[0]["day"] == "tomorrow"


def test_the_people_file_has_the_documented_columns(scenario: Scenario) -> None:
    example = Path("docs/examples/people.csv").read_text(encoding="utf-8")
    assert scenario.people.splitlines()[0] == example.splitlines()[0]
    people = rows(scenario.people)
    assert len(people) == 300
    assert all(bool(row["inss"]) != bool(row["limosa"]) for row in people)
    assert all(row["company_number"] for row in people if row["inss"])


def test_the_hub_reads_the_people_file_without_a_word(scenario: Scenario) -> None:
    read = read_people_file(scenario.people.encode(), DAY)
    assert read.problems == ()
    assert len(read.rows) == 300


def test_the_same_seed_gives_the_same_files(scenario: Scenario) -> None:
    again, other = make(WISH), make(replace(WISH, seed=8))
    for name in ("world", "people", "plan", "cast"):
        assert getattr(again, name) == getattr(scenario, name)
        assert getattr(other, name) != getattr(scenario, name)


def test_the_authority_says_of_each_what_the_cast_says(tmp_path: Path, scenario: Scenario) -> None:
    scenario.write(tmp_path)
    world = tmp_path / "world.toml"
    rig = Rig(tmp_path, "2026-11-23T18:00:00", world, Settings(validation_delay_ms=0))

    def remarks(day: str) -> dict[str, list[list[str]]]:
        items = [
            item(one.inss, int(one.company or 0), one.works, limosa=one.limosa or None, day=day)
            for one in scenario.members
        ]
        numbers = rig.register(*items[:200]) + rig.register(*items[200:])
        rig.authority.validate_due()
        held = {row["number"]: row["remarks"] for row in rig.stored()}
        found: dict[str, list[list[str]]] = {}
        for one, number in zip(scenario.members, numbers, strict=True):
            said = found.setdefault(one.trouble, [])
            if held[number] not in said:
                said.append(held[number])
        return found

    expected = {
        "none": [[]],
        "late-dimona": [["RELATED DIMONA NOT OK"]],
        "no-dimona": [["RELATED DIMONA NOT OK"]],
        "limosa": [[]],
        "limosa-expired": [["LIMOSA ID IS NOT ACTIVE AT DATE"]],
        "self-employed": [[]],
        "replaced": [[]],
        "works-unknown": [["DUC IS NOT EXISTING"]],
    }
    assert remarks("2026-11-24") == expected
    rig.clock.to("2026-11-24T08:59:59")
    rig.authority.validate_due()
    late = [one for one in rig.stored() if one["remarks"] == ["RELATED DIMONA NOT OK"]]
    assert len(late) == 7
    rig.clock.forward(1)
    rig.authority.validate_due()
    late = [one for one in rig.stored() if one["remarks"] == ["RELATED DIMONA NOT OK"]]
    assert len(late) == 2
    rig.close()


def test_twenty_thousand_people(tmp_path: Path) -> None:
    scenario = make(Wish(people=20_000, companies=150, limosa=500, in_out_from=date(2027, 4, 1)))
    scenario.write(tmp_path)
    registers = Registers(load_world(tmp_path / "world.toml", DAY))
    assert len(registers.people()) == 20_000
    assert len({one.badge for one in scenario.members}) == 20_000
    [works] = registers.all_works()
    assert (works.in_out(date(2027, 3, 31)), works.in_out(date(2027, 4, 1))) == (False, True)
    assert len(works.below(works.declarant)) == 150


@pytest.mark.parametrize("wrong", [
    {"people": 0}, {"people": 20_001}, {"companies": 0}, {"absent": -1},
    {"people": 10, "limosa": 11}, {"people": 10, "absent": 6, "unplanned": 5},
])  # fmt: skip
def test_what_cannot_be_had(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"people|companies|count"):
        make(replace(Wish(people=300), **wrong))


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--people", "300", "--companies", "4", "--seed", "7", "--day", "2026-11-24",
        "--no-dimona-until", "09:00:5", "--no-dimona", "2", "--limosa", "20",
        "--limosa-expired", "3", "--self-employed", "4", "--replaced", "3",
        "--unknown-works", "2", "--absent", "20", "--unplanned", "15", "--out",
    ]  # fmt: skip
    assert main([*arguments, str(tmp_path / "here")]) == 0
    printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in printed] == ["world.toml", "people.csv", "plan.csv", "cast.csv"]
    assert printed[0].read_text(encoding="utf-8") == make(WISH).world
    assert main(["--people", "0", "--out", str(tmp_path / "nowhere")]) == 2
    assert "people: 1 to 20000" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.processes
def test_it_is_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator.authority.worlds", "--people", "3",
         "--out", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.iterdir())) == 4
