"""The registers changed while it runs: validation follows at once, restarts forget nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from simulator.authority.operations import Settings
from simulator.authority.registers import Party, Period, Works, subject_to_registration
from simulator.authority.world import WorldFileError, load_world
from tests.authority.rest_rig import SUB_CLIENT, Channel, act
from tests.authority.rig import (
    BIS_PLAIN,
    FOUNDER,
    LIMOSA_ENDED,
    LIMOSA_UNKNOWN,
    MAIN,
    NO_DIMONA,
    OK,
    STRANGER,
    SUB,
    SUB_WORKER,
    WORKS_A,
    WORKS_C,
    WORKS_UNKNOWN,
    WORLD,
    Rig,
    get,
    item,
    search,
)

DIMONA = "RELATED DIMONA NOT OK"
PARTY = "COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC"
NEW_PERSON = "85031299563"
VALID = ("VALIDATED", [])


def entry(rig: Rig, kind: str, **values: object) -> dict[str, Any]:
    """Adds or changes one entry that is accepted."""
    answer = rig.client.post(f"/sim/registers/{kind}", json=values)
    assert answer.status_code == 200, answer.text
    return answer.json()["entry"]


def listed(rig: Rig, kind: str) -> list[dict[str, Any]]:
    return rig.client.get(f"/sim/registers/{kind}").json()


def only(rig: Rig, *items: str) -> tuple[str, list[str]]:
    """The first validation of the only registration."""
    [outcome] = rig.validated(*items)
    return outcome


def test_a_person_becomes_known(rig: Rig) -> None:
    assert only(rig, item(NEW_PERSON)) == (
        "FAILED",
        ["NISS IS NOT KNOW IN THE NATIONAL REGISTER"],
    )
    number = rig.stored()[0]["number"]
    entry(rig, "persons", inss=NEW_PERSON)
    assert rig.held(number) == ("FAILED", [DIMONA])
    entry(rig, "dimona", inss=NEW_PERSON, company="0999000129", start="2026-11-23")
    assert rig.held(number) == VALID
    assert [one["remarks"] for one in rig.stored()[0]["history"]] == [
        [],
        ["NISS IS NOT KNOW IN THE NATIONAL REGISTER"],
        [DIMONA],
        [],
    ]


def test_a_number_is_replaced(rig: Rig) -> None:
    [number] = rig.register(item(OK))
    entry(rig, "persons", inss=OK, replaced_by=NEW_PERSON)
    assert rig.call(get(number)).texts("INSS") == [OK, NEW_PERSON]
    rig.order("validate")
    assert rig.held(number) == VALID
    assert {one["inss"]: one["replaced_by"] for one in listed(rig, "persons")}[OK] == NEW_PERSON


def test_a_dimona_ends_is_removed_and_comes_late(rig: Rig) -> None:
    key = {"inss": NO_DIMONA, "company": "0999000129", "start": "2026-11-01"}
    assert only(rig, item(NO_DIMONA)) == ("FAILED", [DIMONA])
    number = rig.stored()[0]["number"]
    entry(rig, "dimona", **key)
    assert rig.held(number) == VALID
    entry(rig, "dimona", **key, until="2026-11-22")
    assert rig.held(number) == ("FAILED", [DIMONA])
    entry(rig, "dimona", **key, until=None, appears_after_s=1800)
    assert rig.held(number) == ("FAILED", [DIMONA])
    rig.clock.forward(1799)
    rig.authority.validate_due()
    assert rig.held(number) == ("FAILED", [DIMONA])
    rig.clock.forward(1)
    rig.authority.validate_due()
    assert rig.held(number) == VALID
    assert rig.client.post("/sim/registers/dimona/remove", json=key).status_code == 200
    assert rig.held(number) == ("FAILED", [DIMONA])


def test_an_announced_dimona_is_taken_back(rig: Rig) -> None:
    key = {"inss": NO_DIMONA, "company": "0999000129", "start": None}
    entry(rig, "dimona", **key, appears_after_s=60)
    assert [one["inss"] for one in listed(rig, "dimona") if one["appears_ms"]] == [
        NO_DIMONA,
        "90110599843",
    ]
    rig.client.post("/sim/registers/dimona/remove", json=key)
    rig.clock.forward(61)
    assert only(rig, item(NO_DIMONA)) == ("FAILED", [DIMONA])


def test_a_limosa_declaration_is_added_and_prolonged(rig: Rig) -> None:
    unknown, ended = rig.register(item(limosa=LIMOSA_UNKNOWN), item(limosa=LIMOSA_ENDED))
    rig.order("validate")
    assert rig.held(unknown) == ("FAILED", ["LIMOSA ID IS NOT KNOWN"])
    assert rig.held(ended) == ("FAILED", ["LIMOSA ID IS NOT ACTIVE AT DATE"])
    entry(rig, "limosa", id=LIMOSA_ENDED, until="2026-12-31")
    assert rig.held(ended) == VALID
    entry(rig, "limosa", id=LIMOSA_UNKNOWN, employer="FAKE-FOREIGN-1", inss=BIS_PLAIN)
    assert rig.held(unknown) == VALID
    # Now it is known who that is: the same person again is the second registration.
    assert only(rig, item(BIS_PLAIN, MAIN)) == (
        "FAILED",
        ["SAME DECLARATION HAS ALREADY BEEN REGISTERED"],
    )


def test_a_company_stops_and_gets_a_founder(rig: Rig) -> None:
    staff, founder = rig.register(item(OK, MAIN), item(FOUNDER, MAIN))
    rig.order("validate")
    assert rig.held(founder)[1] == ["GIVEN INSS IS NOT THE FOUNDER OF THE COMPANY"]
    entry(rig, "companies", number="0999000129", founders=[FOUNDER])
    assert rig.held(founder) == VALID
    entry(rig, "companies", number="0999000129", until="2026-11-22")
    assert rig.held(staff) == ("FAILED", ["EMPLOYER NOT ACTIVE"])
    # What was left out stayed as it was.
    assert rig.held(founder) == ("FAILED", ["EMPLOYER NOT ACTIVE"])


def test_works_are_declared_and_changed(rig: Rig) -> None:
    [number] = rig.register(item(SUB_WORKER, SUB, WORKS_UNKNOWN))
    rig.order("validate")
    assert rig.held(number) == ("FAILED", ["DUC IS NOT EXISTING"])
    key = {"number": WORKS_UNKNOWN}
    made = entry(rig, "works", **key, sector=1, declarant="0999000129")
    assert rig.held(number) == ("FAILED", [PARTY])
    assert made["parties"] == []
    party = {"company": "0999000228", "until": "2026-11-22"}
    entry(rig, "works", **key, parties=[party])
    assert rig.held(number)[1] == ["THE COMPANY ID ASSOCIATED AT A NOT ACTIVE CONTRACT"]
    entry(rig, "works", **key, parties=[party | {"until": None}])
    assert rig.held(number) == VALID
    entry(rig, "works", **key, start="2026-01-01", amount_eur=499_999)
    assert rig.held(number)[1] == ["SITE IS NOT SUBJECT TO PRESENCE REGISTRATION"]
    entry(rig, "works", **key, amount_eur=500_000)
    assert rig.held(number) == VALID
    entry(rig, "works", **key, start="2016-02-29")
    assert rig.held(number)[1] == ["SITE IS NOT SUBJECT TO PRESENCE REGISTRATION"]
    entry(rig, "works", **key, subject=True)
    assert rig.held(number) == VALID
    entry(rig, "works", **key, until="2026-11-22")
    assert rig.held(number)[1] == ["DUC IS NOT ACTIVE AT THIS DATE"]


@pytest.mark.parametrize(("start", "amount_eur", "given", "subject"), [
    (date(2016, 2, 29), 799_999, None, False),
    (date(2016, 2, 29), 800_000, None, True),
    (date(2016, 3, 1), 499_999, None, False),
    (date(2016, 3, 1), 500_000, None, True),
    (None, 499_999, None, False),
    (None, None, None, True),
    (date(2026, 1, 1), 1, True, True),
    (date(2026, 1, 1), 900_000, False, False),
])  # fmt: skip
def test_the_threshold_by_the_day_of_the_start(
    start: date | None, amount_eur: int | None, given: bool | None, subject: bool
) -> None:
    assert subject_to_registration(1, start, amount_eur, given) is subject


def test_the_day_on_which_works_change_to_in_and_out(rig: Rig) -> None:
    entry(rig, "works", number=WORKS_A, in_out_from="2027-04-01")
    works = rig.authority.registers.works(WORKS_A)
    assert works is not None
    assert not works.in_out(date(2027, 3, 31))
    assert works.in_out(date(2027, 4, 1))
    never = rig.authority.registers.works(WORKS_C)
    assert never is not None
    assert not never.in_out(date.max)


def test_everything_that_was_changed_outlives_a_restart(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    entry(rig, "persons", inss=NEW_PERSON)
    entry(rig, "dimona", inss=NEW_PERSON, company="0999000228", start="2026-11-01")
    entry(rig, "dimona", inss=NO_DIMONA, company="0999000129", start=None, appears_after_s=60)
    entry(rig, "dimona", inss=SUB_WORKER, company="0999000228", start="2026-11-02")
    gone = {"inss": OK, "company": "0999000129", "start": "2026-05-07"}
    assert rig.client.post("/sim/registers/dimona/remove", json=gone).status_code == 200
    entry(rig, "limosa", id=LIMOSA_UNKNOWN, employer="FAKE-FOREIGN-1")
    entry(rig, "companies", number="1999000249", until=None)
    entry(rig, "works", number=WORKS_C, subject=None, amount_eur=800_000)
    [number] = rig.register(item(OK))
    entry(rig, "verdicts", number=number, remarks=["DUC IS NOT EXISTING"])
    kinds = ("persons", "dimona", "limosa", "companies", "works", "verdicts")
    before = {kind: listed(rig, kind) for kind in kinds}
    assert not [one for one in before["dimona"] if one["inss"] == OK]
    rig.close()
    rig = make_rig()
    after = {kind: listed(rig, kind) for kind in kinds}
    for kind in kinds:
        assert sorted(map(str, after[kind])) == sorted(map(str, before[kind]))
    rig.close()
    rig = make_rig("2026-11-23T06:42:08")
    # Its time came while nobody ran: it is known and not announced once more.
    assert [one["appears_ms"] for one in listed(rig, "dimona") if one["inss"] == NO_DIMONA] == [
        None
    ]
    assert only(rig, item(NO_DIMONA)) == VALID


def test_what_validation_says_can_be_dictated_and_taken_back(rig: Rig) -> None:
    assert only(rig, item(OK)) == VALID
    number = rig.stored()[0]["number"]
    entry(rig, "verdicts", number=number, remarks=[DIMONA, PARTY])
    assert rig.held(number) == ("FAILED", [DIMONA, PARTY])
    entry(rig, "verdicts", number=number, remarks=[])
    assert rig.held(number) == VALID
    entry(rig, "verdicts", number=number, remarks=[DIMONA])
    rig.client.post("/sim/registers/verdicts/remove", json={"number": number})
    assert [one["status"] for one in rig.stored()[0]["history"]] == [
        "SUCCESSFULLY REGISTERED", "VALIDATED", "FAILED", "VALIDATED", "FAILED", "VALIDATED",
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "place"), [
    ("persons", {}, "inss"),
    ("persons", {"inss": "85031299760"}, "inss"),
    ("persons", {"inss": OK, "name": "x"}, "name"),
    ("persons", {"inss": OK, "self_employed": "yes"}, "self_employed"),
    ("persons", {"inss": OK, "replaced_by": "1"}, "replaced_by"),
    ("dimona", {"inss": OK, "company": "999000129"}, "company"),
    ("dimona", {"inss": OK, "company": "0999000129", "start": 20261123}, "start"),
    ("dimona", {"inss": OK, "company": "0999000129", "start": "2026-11-23",
                "until": "2026-11-22"}, ""),
    ("dimona", {"inss": OK, "company": "0999000129", "appears_after_s": -1}, "seconds"),
    ("dimona", {"inss": OK, "company": "0999000129", "appears_after_s": "1"}, "seconds"),
    ("limosa", {"id": "24999000000000188", "employer": "x"}, "id"),
    ("limosa", {"id": LIMOSA_UNKNOWN}, "employer"),
    ("companies", {"number": "0999000128"}, "number"),
    ("companies", {"number": "0999000129", "founders": ["85031299760"]}, "founders"),
    ("works", {"number": "1Y19FAKE001BZ", "sector": 1, "declarant": "0999000129"}, "number"),
    ("works", {"number": WORKS_A, "amount_eur": -1}, "amount_eur"),
    ("works", {"number": WORKS_A, "amount_eur": 1.5}, "amount_eur"),
    ("works", {"number": WORKS_A, "in_out_from": "2027-04-31"}, "in_out_from"),
    ("works", {"number": WORKS_A, "parties": [{"company": "0999000128"}]}, "parties"),
    ("works", {"number": WORKS_A, "parties": [{"who": "0999000129"}]}, "parties"),
    ("verdicts", {"number": 1, "remarks": ["LATE"]}, "remarks"),
])  # fmt: skip
def test_what_is_not_an_entry_changes_nothing(
    spare_rig: Rig, kind: str, content: dict[str, object], place: str
) -> None:
    before = {name: listed(spare_rig, name) for name in (kind, "works")}
    answer = spare_rig.client.post(f"/sim/registers/{kind}", json=content)
    assert answer.status_code == 422
    assert place in answer.text
    for number in ("85031299", "24999000", "0999000128"):
        assert number not in answer.text
    assert {name: listed(spare_rig, name) for name in (kind, "works")} == before


@pytest.mark.parametrize("kind", ["persons", "limosa", "companies", "works"])
def test_what_only_ends_is_not_removed(spare_rig: Rig, kind: str) -> None:
    answer = spare_rig.client.post(f"/sim/registers/{kind}/remove", json={})
    assert answer.status_code == 405
    assert spare_rig.client.get("/sim/registers/telephones").status_code == 422


def test_delays_are_drawn_from_a_range_by_the_seed(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    settings = Settings(validation_delay_ms=1000, validation_delay_to_ms=60_000, seed=4)

    def dues(rig: Rig) -> list[int]:
        rig.register(*[item()] * 20)
        return [(one.due_ms or 0) - rig.clock.ms for one in rig.authority.everything()]

    first = dues(make_rig(settings=settings))
    (tmp_path / "again").mkdir()
    again = Rig(tmp_path / "again", "2026-11-23T06:41:07.312", WORLD, settings)
    assert dues(again) == first
    again.close()
    assert all(1000 <= delay <= 60_000 for delay in first)
    assert len(set(first)) > 10


def test_validation_repeats_within_the_window(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(settings=Settings(repeat_ms=600_000, window_days=1))
    rig.validated(item(OK))
    rig.clock.forward(599.999)
    assert rig.authority.validate_due() == 0
    rig.clock.forward(0.001)
    assert rig.authority.validate_due() == 1
    rig.clock.forward(3 * 86_400)
    rig.authority.validate_due()
    rig.clock.forward(3600)
    assert rig.authority.validate_due() == 0


# who sees what

CHAIN = Works(
    WORKS_UNKNOWN,
    1,
    MAIN,
    True,
    Period(),
    (
        Party(MAIN, Period()),
        Party(SUB, Period()),
        Party(STRANGER, Period(), SUB),
        Party("FAKE-FOREIGN-1", Period(), STRANGER),
    ),
)


def test_the_chain_below_a_company() -> None:
    assert CHAIN.below(MAIN) == {SUB, STRANGER, "FAKE-FOREIGN-1"}
    assert CHAIN.below(SUB) == {STRANGER, "FAKE-FOREIGN-1"}
    assert CHAIN.below(STRANGER) == {"FAKE-FOREIGN-1"}
    assert CHAIN.below(1999000249) == set()


def test_a_chain_that_bites_its_tail_ends() -> None:
    ring = Works(WORKS_A, 1, MAIN, True, Period(), (
        Party(SUB, Period(), STRANGER), Party(STRANGER, Period(), SUB),
    ))  # fmt: skip
    assert ring.below(SUB) == {STRANGER}
    twice = Works(WORKS_A, 1, MAIN, True, Period(), (
        Party(SUB, Period()), Party(STRANGER, Period(), SUB), Party(SUB, Period(), STRANGER),
    ))  # fmt: skip
    assert twice.below(MAIN) == {SUB, STRANGER}


# Senders 1 main contractor and declarant, 2 subcontractor, 3 its own subcontractor. Who sent it, on
# which works, whose people, and who sees it: the sender, the employer, the contractors above it on
# those works, the declaring contractor.
WHO_SEES = [
    ("SIM-0001", item(OK, MAIN, WORKS_UNKNOWN), {1}),
    ("SIM-0002", item(SUB_WORKER, SUB, WORKS_UNKNOWN), {1, 2}),
    ("SIM-0003", item(SUB_WORKER, SUB, WORKS_UNKNOWN), {1, 2, 3}),
    ("SIM-0003", item("71121999114", STRANGER, WORKS_UNKNOWN), {1, 2, 3}),
    ("SIM-0001", item("71121999114", STRANGER, WORKS_UNKNOWN), {1, 2, 3}),
    ("SIM-0001", item(limosa="24999000000000187", works=WORKS_UNKNOWN), {1, 2, 3}),
    # On works A the stranger is not below the subcontractor, and nobody is below anybody.
    ("SIM-0003", item("71121999114", STRANGER, WORKS_A), {1, 3}),
    ("SIM-0001", item(limosa="24999000000000187", works=WORKS_A), {1}),
    ("SIM-0003", item(OK, MAIN, WORKS_A), {1, 3}),
]  # fmt: skip


@pytest.mark.parametrize(("sent_by", "one", "sees"), WHO_SEES)
def test_who_sees_what(rig: Rig, sent_by: str, one: str, sees: set[int]) -> None:
    rig.authority.registers.add_works(CHAIN)
    [number] = rig.register(one, sender=sent_by)
    for caller in (1, 2, 3):
        sender = f"SIM-000{caller}"
        found = len(rig.call(get(number), sender=sender).body.findall(".//{*}LastValidation"))
        assert (found == 1) == (caller in sees), sender
        listed = rig.call(search(), sender=sender).numbers
        assert (listed == [number]) == (caller in sees), sender


def test_who_sees_in_and_out(rig: Rig, base: str) -> None:
    rig.authority.registers.add_works(replace(CHAIN, in_out_from=date(2026, 1, 1)))
    main, sub = Channel(rig, base), Channel(rig, base, SUB_CLIENT)
    below = {"employer": {"enterpriseNumber": "1999000150"}, "works": WORKS_UNKNOWN}
    foreign = {"employer": {"foreignVatNumber": "FAKE-FOREIGN-1"}, "works": WORKS_UNKNOWN}
    numbers = main.register(
        act("71121999114", **below), act(BIS_PLAIN, **foreign), act(OK, works=WORKS_UNKNOWN)
    )
    # Found ones are counted from the first number ever given.
    assert main.numbers() == [0, 1, 2]
    assert sub.numbers() == [0, 1]
    sees = [sub.call("GET", f"/presenceRegistrations/{one}").status_code for one in numbers]
    assert sees == [200, 200, 404]


def test_a_contractor_may_search_for_a_company_below_it(rig: Rig) -> None:
    assert rig.call(search(company=STRANGER), sender="SIM-0002").codes == ["SIM-RIGHTS"]
    rig.authority.registers.add_works(CHAIN)
    assert rig.call(search(company=STRANGER), sender="SIM-0002").codes == []
    assert rig.call(search(company=MAIN), sender="SIM-0002").codes == ["SIM-RIGHTS"]


# the world file


def test_a_world_says_amounts_chains_and_times(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    world.write_text(
        '[[sender]]\nid = "S"\ncompany = "0999000129"\nuser_type = "SIM"\n'
        '[[company]]\nnumber = "0999000129"\n'
        f'[[works]]\nnumber = "{WORKS_A}"\nsector = 1\ndeclarant = "0999000129"\n'
        "from = 2026-01-01\namount_eur = 400_000\nin_out_from = 2027-04-01\n"
        'party = [{ company = "0999000228" },'
        ' { company = "FAKE-FOREIGN-1", subcontractor_of = "0999000228" }]\n'
        f'[[person]]\ninss = "{OK}"\n'
        'dimona = [{ company = "0999000129", appears_at = 09:00:00 }]\n',
        encoding="utf-8",
    )
    facts = load_world(world, date(2026, 11, 23))
    [works] = facts.works
    assert (works.subject, works.amount_eur, works.in_out_from) == (
        False, 400_000, date(2027, 4, 1),
    )  # fmt: skip
    assert works.below(SUB) == {"FAKE-FOREIGN-1"}
    rig = Rig(tmp_path, "2026-11-23T08:59:59", world, Settings(validation_delay_ms=0))
    [number] = rig.register(item(OK, MAIN))
    rig.authority.validate_due()
    assert DIMONA in rig.held(number)[1]
    rig.clock.forward(1)
    rig.authority.validate_due()
    assert DIMONA not in rig.held(number)[1]
    rig.close()
    wrong = world.read_text(encoding="utf-8").replace("09:00:00", '"09:00"')
    world.write_text(wrong, encoding="utf-8")
    with pytest.raises(WorldFileError, match="appears_at: time of day, or date and time, expected"):
        load_world(world, date(2026, 11, 23))
