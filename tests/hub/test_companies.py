"""Companies and chains in the store: what is kept, what is refused, and who sees what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from hub.application.access import COMMAND, Actor
from hub.domain.companies import NAME_MAX, enterprise_number, foreign_vat, number_text, parse_number
from hub.domain.rights import Role
from hub.domain.threshold import Verdict
from hub.errors import UsageError
from hub.storage.companies import Companies, below
from hub.storage.declarations import DeclarationDraft, Declarations
from hub.storage.engine import reading, writing
from hub.storage.parties import Parties, PartyDraft, Stand
from hub.storage.register import Register
from hub.storage.schema import audit
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    AGENCY,
    FOREIGN,
    LOWER,
    MAIN,
    NAMES,
    NORTH,
    SOUTH,
    STRANGER,
    SUB,
    RegisterHouse,
    register_house,
)

TODAY = date(2026, 11, 23)
OTHER = "1Y19FAKE002BZ"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[RegisterHouse]:
    with register_house(tmp_path) as opened:
        yield opened


def refusal(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(UsageError) as caught:
        call(*arguments, **named)
    return caught.value.code


def changing(register: RegisterHouse) -> AbstractContextManager[Connection]:
    return writing(register.house.engine)


def companies(connection: Connection, register: RegisterHouse, actor: Actor = COMMAND) -> Companies:
    return Companies(connection, register.house.vault, actor, NOON_MS)


def parties(connection: Connection, register: RegisterHouse, actor: Actor = COMMAND) -> Parties:
    return Parties(connection, register.house.vault, actor, NOON_MS)


def names_seen(register: RegisterHouse, actor: Actor) -> set[str]:
    with reading(register.house.engine) as connection:
        return {row.number for row in companies(connection, register, actor).rows()}


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("BE 0999.000.129", "0999000129"),
        ("999000129", "0999000129"),
        (" pl 526-000-12-46 ", "PL5260001246"),
        ("IE1234567+A", "IE1234567+A"),
        ("CHE/123.456.789", "CHE123456789"),
    ],
)
def test_a_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert parse_number(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "IMP-3101"),
        ("0999000128", "IMP-3103"),
        ("2199000193", "IMP-3102"),
        ("BE0999000128", "IMP-3103"),
        ("PL", "HUB-1650"),
        ("P1234", "HUB-1650"),
        ("FR<b>", "HUB-1650"),
        ("PL?1", "HUB-1650"),
        ("PL" + "1" * 39, "HUB-1650"),
    ],
)
def test_what_is_no_number_is_refused(typed: str, code: str) -> None:
    assert refusal(parse_number, typed) == code


def test_a_foreign_number_is_never_an_enterprise_number() -> None:
    assert enterprise_number(FOREIGN) is None
    assert foreign_vat(FOREIGN) == FOREIGN
    assert enterprise_number(MAIN) == MAIN
    assert foreign_vat(MAIN) is None
    assert enterprise_number(None) is foreign_vat(None) is enterprise_number("") is None
    assert (number_text(MAIN), number_text(FOREIGN)) == ("0999.000.129", FOREIGN)


# ---------------------------------------------------------------- companies


def test_a_company_is_there_once_and_has_a_name(register: RegisterHouse) -> None:
    with changing(register) as connection:
        store = companies(connection, register)
        assert refusal(store.add, "BE 0999.000.129", "Again") == "HUB-1652"
        assert refusal(store.add, "0999000426", "  ") == "HUB-1653"
        assert refusal(store.add, "0999000426", "x" * (NAME_MAX + 1)) == "HUB-1653"
        assert refusal(store.row, "0999000426") == "HUB-1651"
        key = store.add("0999000426", "  Béton   Frais ")
        row = store.row("BE 0999 000 426")
        assert (row.id, row.name, row.agency, row.foreign, row.works) == (
            key, "Béton Frais", False, False, (),
        )  # fmt: skip


def test_a_company_is_changed_and_that_is_noted(register: RegisterHouse) -> None:
    with changing(register) as connection:
        version = Register(connection, register.house.vault).version()
        store = companies(connection, register)
        assert refusal(store.change, SUB, new_number=MAIN) == "HUB-1652"
        assert refusal(store.change, SUB, agency=True) == "HUB-1660"
        assert store.change(SUB, "Toitures Gillard SRL", False, "0999 000 426") == "0999000426"
        assert store.change("0999000426", "Toitures Gillard SRL", False, "0999000426")
        rows = connection.execute(
            select(audit).where(audit.c.action == "company.changed").order_by(audit.c.id)
        ).all()
        assert [(row.subject, json.loads(row.detail)) for row in rows] == [
            (f"company:{register.ids[SUB]}", {"changed": ["name", "number"]})
        ]
        assert rows[0].company_id == register.ids[SUB]
        assert Register(connection, register.house.vault).version() > version


def test_who_sees_which_companies(register: RegisterHouse) -> None:
    assert names_seen(register, COMMAND) == set(NAMES)
    assert names_seen(register, register.contractor(MAIN)) == {MAIN, SUB, LOWER, AGENCY, STRANGER}
    assert names_seen(register, register.contractor(SUB)) == {SUB, LOWER, AGENCY}
    assert names_seen(register, register.contractor(LOWER)) == {LOWER}
    assert names_seen(register, register.contractor(STRANGER)) == {STRANGER, FOREIGN}
    assert names_seen(register, register.at_site("Chantier Sud")) == {STRANGER, FOREIGN}
    assert names_seen(register, Actor("account:8", Role.GUARD)) == set()


def test_works_of_a_company_are_those_of_whoever_looks(register: RegisterHouse) -> None:
    with reading(register.house.engine) as connection:
        seen = companies(connection, register, register.contractor(MAIN)).row(STRANGER)
        assert seen.works == (NORTH,)
        assert not seen.changeable
        own = companies(connection, register, register.contractor(STRANGER)).row(STRANGER)
        assert own.works == (NORTH, SOUTH)


def test_a_company_out_of_scope_is_like_none(register: RegisterHouse) -> None:
    with changing(register) as connection:
        for actor in (register.contractor(SUB), register.at_site("Chantier Sud")):
            store = companies(connection, register, actor)
            assert refusal(store.row, MAIN) == refusal(store.row, "0999000426") == "HUB-1651"
            assert refusal(store.change, MAIN, "Mine") == "HUB-1651"
        contractor = companies(connection, register, register.contractor(SUB))
        assert refusal(contractor.change, SUB, "Mine") == "HUB-1651"


def test_a_supervisor_adds_a_company_that_others_know_without_learning_so(
    register: RegisterHouse,
) -> None:
    actor = register.at_site("Chantier Sud")
    with changing(register) as connection:
        store = companies(connection, register, actor)
        key = store.add(SUB, "Some other name")
        assert key == register.ids[SUB]
        parties(connection, register, actor).put(SOUTH, PartyDraft(SUB, STRANGER), key)
        assert store.row(SUB).name == NAMES[SUB]
        assert refusal(store.add, SUB, "Again") == "HUB-1652"
        new = store.add("0999000426", "New")
        parties(connection, register, actor).put(SOUTH, PartyDraft("0999000426", SUB), new)
        assert store.row("0999000426").works == (SOUTH,)


# ---------------------------------------------------------------- chains


def test_below_keeps_the_declarations_apart(register: RegisterHouse) -> None:
    with reading(register.house.engine) as connection:
        ids = register.ids
        assert below(connection, ids[STRANGER]) == {ids[FOREIGN]}
        # MAIN has STRANGER below it in the north; what is below STRANGER in the south is not.
        assert below(connection, ids[MAIN]) == {ids[SUB], ids[LOWER], ids[AGENCY], ids[STRANGER]}


def test_the_site_office_sees_the_whole_chain(register: RegisterHouse) -> None:
    for actor in (COMMAND, register.at_site("Werf Noord"), register.contractor(MAIN)):
        with reading(register.house.engine) as connection:
            seen = parties(connection, register, actor).chain(NORTH, TODAY)
        assert [(line.number, line.level, line.above, line.cents) for line in seen.lines] == [
            (MAIN, 0, None, 480_000_00),
            (SUB, 1, MAIN, 120_000_17),
            (LOWER, 2, SUB, 31_000_23),
            (AGENCY, 2, SUB, None),
            (STRANGER, 1, MAIN, 77_000_31),
        ]
        assert seen.whole
        assert seen.meter is not None
        assert seen.meter.verdict is Verdict.NOT
        assert [line.stand for line in seen.lines].count(Stand.OWN) == (
            actor.company_id is not None
        )


def test_a_subcontractor_sees_himself_those_below_and_the_name_above(
    register: RegisterHouse,
) -> None:
    with reading(register.house.engine) as connection:
        seen = parties(connection, register, register.contractor(SUB)).chain(NORTH, TODAY)
    assert [(line.number, line.stand, line.level, line.cents) for line in seen.lines] == [
        (MAIN, Stand.ABOVE, None, None),
        (SUB, Stand.OWN, None, 120_000_17),
        (LOWER, Stand.OTHER, None, 31_000_23),
        (AGENCY, Stand.OTHER, None, None),
    ]
    assert not seen.whole
    assert seen.meter is None
    above = seen.lines[0]
    assert (above.above, above.from_day, above.until_day, above.agency) == (None, None, None, False)


def test_the_lowest_sees_two_names_and_not_how_deep_he_is(register: RegisterHouse) -> None:
    for number, above in ((LOWER, SUB), (AGENCY, SUB), (STRANGER, MAIN)):
        with reading(register.house.engine) as connection:
            seen = parties(connection, register, register.contractor(number)).chain(NORTH, TODAY)
        assert [(line.number, line.depth, line.level) for line in seen.lines] == [
            (above, 0, None),
            (number, 1, None),
        ]
        assert seen.meter is None


def test_two_alone_in_a_chain_do_not_make_it_whole(register: RegisterHouse) -> None:
    with reading(register.house.engine) as connection:
        seen = parties(connection, register, register.contractor(FOREIGN)).chain(SOUTH, TODAY)
    assert [(line.number, line.cents) for line in seen.lines] == [
        (STRANGER, None),
        (FOREIGN, 40_000_53),
    ]
    assert seen.meter is None


def test_works_out_of_scope_are_like_none(register: RegisterHouse) -> None:
    with changing(register) as connection:
        for actor in (register.contractor(SUB), register.at_site("Werf Noord")):
            seen = Declarations(connection, register.house.vault, actor, NOON_MS)
            assert [row.number for row in seen.rows()] == [NORTH]
            for number in (SOUTH, OTHER):
                assert refusal(seen.row, number) == "HUB-1407"
                assert refusal(parties(connection, register, actor).chain, number, TODAY) == (
                    "HUB-1407"
                )
                draft = PartyDraft(SUB, STRANGER)
                assert refusal(parties(connection, register, actor).put, number, draft) == (
                    "HUB-1407"
                )
        # Reading reaches further than changing.
        own = parties(connection, register, register.contractor(MAIN))
        assert refusal(own.put, NORTH, PartyDraft(SUB, MAIN, 1)) == "HUB-1407"
        assert refusal(own.remove, NORTH, LOWER) == "HUB-1407"


def test_what_is_below_me_elsewhere_does_not_show_me_its_other_works(
    register: RegisterHouse,
) -> None:
    with reading(register.house.engine) as connection:
        actor = register.contractor(MAIN)
        seen = Declarations(connection, register.house.vault, actor, NOON_MS).rows()
    assert [row.number for row in seen] == [NORTH]


def test_the_customer_is_shown_to_who_has_a_contract_with_him(register: RegisterHouse) -> None:
    with reading(register.house.engine) as connection:
        told = {
            number: Declarations(
                connection, register.house.vault, register.contractor(number), NOON_MS
            )
            .row(NORTH)
            .customer
            for number in (MAIN, SUB, STRANGER)
        }
    assert told == {MAIN: "Klant Werf Noord", SUB: None, STRANGER: None}


def test_a_party_is_changed_moved_and_taken_out(register: RegisterHouse) -> None:
    with changing(register) as connection:
        store = parties(connection, register)
        assert refusal(store.put, NORTH, PartyDraft(MAIN, LOWER)) == "HUB-1656"
        assert refusal(store.put, NORTH, PartyDraft(FOREIGN, None)) == "HUB-1658"
        assert refusal(store.put, NORTH, PartyDraft(SUB, FOREIGN)) == "HUB-1657"
        assert refusal(store.put, NORTH, PartyDraft(FOREIGN, AGENCY)) == "HUB-1660"
        assert refusal(store.put, NORTH, PartyDraft("0999000426", MAIN)) == "HUB-1651"
        backwards = PartyDraft(SUB, MAIN, 1, date(2026, 5, 2), date(2026, 5, 1))
        assert refusal(store.put, NORTH, backwards) == "HUB-1664"
        assert refusal(store.remove, NORTH, SUB) == "HUB-1659"
        assert refusal(store.remove, NORTH, FOREIGN) == "HUB-1667"
        store.put(NORTH, PartyDraft(LOWER, STRANGER, 5, date(2026, 5, 1), date(2026, 5, 1)))
        line = store.chain(NORTH, TODAY).lines[-1]
        assert (line.number, line.above, line.cents, line.until_day) == (
            LOWER, STRANGER, 5, date(2026, 5, 1),
        )  # fmt: skip
        store.put(NORTH, PartyDraft(LOWER, STRANGER, 5, date(2026, 5, 1), date(2026, 5, 1)))
        store.remove(NORTH, LOWER)
        assert LOWER not in {one.number for one in store.chain(NORTH, TODAY).lines}
        noted = connection.execute(
            select(audit.c.action, audit.c.subject, audit.c.company_id, audit.c.site_id)
            .where(audit.c.action.like("party.%"))
            .order_by(audit.c.id.desc())
            .limit(2)
        ).all()
        site, key = register.sites["Werf Noord"], register.ids[LOWER]
        assert [tuple(row) for row in noted] == [
            ("party.removed", f"works:{NORTH}", key, site),
            ("party.changed", f"works:{NORTH}", key, site),
        ]


def test_a_declaration_is_added_and_changed(register: RegisterHouse) -> None:
    site = register.sites["Werf Noord"]
    with changing(register) as connection:
        store = Declarations(connection, register.house.vault, COMMAND, NOON_MS)
        draft = DeclarationDraft(site, date(2027, 1, 4), date(2027, 6, 1), " Stad  Gent ")
        assert refusal(store.add, NORTH.lower(), draft) == "HUB-1666"
        assert refusal(store.add, "x" * 14, draft) == "IMP-3201"
        assert refusal(store.add, OTHER, DeclarationDraft(99)) == "HUB-1661"
        backwards = DeclarationDraft(site, date(2027, 1, 4), date(2027, 1, 3))
        assert refusal(store.add, OTHER, backwards) == "HUB-1664"
        assert store.add(" 1y19fake002bz", draft) == OTHER
        row = store.row(OTHER)
        assert (row.customer, row.from_day, row.regime) == ("Stad Gent", date(2027, 1, 4), "day")
        store.set_regime(OTHER, date(2027, 4, 1), "in_out")
        assert store.row(OTHER).regimes == ((date(2027, 4, 1), "in_out"),)
        assert refusal(store.set_regime, OTHER, date(2026, 11, 22), "day") == "HUB-1408"
        north = Declarations(
            connection, register.house.vault, register.at_site("Werf Noord"), NOON_MS
        )
        south = DeclarationDraft(register.sites["Chantier Sud"])
        assert refusal(north.change, OTHER, south) == "HUB-1661"
        assert refusal(north.change, SOUTH, DeclarationDraft(site)) == "HUB-1407"
        north.change(OTHER, DeclarationDraft(site, date(2027, 1, 5)))
        noted = connection.execute(
            select(audit.c.detail).where(audit.c.action == "works.changed").order_by(audit.c.id)
        ).scalars()
        assert [json.loads(one) for one in noted] == [
            {"from_day": "2027-04-01", "regime": "in_out"},
            {"changed": ["customer", "from_day", "until_day"]},
        ]
