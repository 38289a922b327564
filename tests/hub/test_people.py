"""People: added, changed, found and revealed, each within the scope of who asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import COMMAND, Actor
from hub.application.people import PeopleFilter, PersonProblem
from hub.domain.identifiers import Inss, Limosa
from hub.domain.people import Kind, LimosaState
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.people import described
from hub.storage.register import Register
from hub.storage.schema import audit, person
from tests.hub.house import NOON_MS
from tests.hub.register_world import (
    AGENCY,
    DAY,
    DRAFT,
    OTHER_WORKS,
    WORKS,
    A,
    B,
    World,
    inss,
    limosa,
    world,
)

FOREIGN = replace(
    DRAFT,
    kind=Kind.FOREIGN,
    inss=None,
    limosa=limosa(),
    company_number=None,
    limosa_from=DAY - timedelta(days=100),
    limosa_until=DAY + timedelta(days=13),
)
VISITOR = replace(DRAFT, kind=Kind.VISITOR, inss=None, company_number=None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """Two companies on one site."""
    with world(tmp_path) as opened:
        yield opened


def told(site: World) -> list[tuple[str, str, dict[str, object]]]:
    """(actor, action, detail) of every row of the audit."""
    with reading(site.site.engine) as connection:
        rows = connection.execute(
            select(audit).where(audit.c.action != "people.imported").order_by(audit.c.id)
        ).all()
    return [(row.actor, row.action, json.loads(row.detail)) for row in rows]


def names(site: World, actor: Actor, wanted: PeopleFilter | None = None) -> list[str]:
    """Family names on the list that this actor gets."""
    with reading(site.site.engine) as connection:
        lines, total = site.people(connection, actor).rows(wanted or PeopleFilter())
    assert total >= len(lines)
    return [line.family_name for line in lines]


def test_a_person_is_added_with_his_number_sealed_masked_and_in_the_audit(site: World) -> None:
    with reading(site.site.engine) as connection:
        before = Register(connection, site.house.house.vault).version()
    token = site.add(actor=site.contractor_a)
    with reading(site.site.engine) as connection:
        file = site.people(connection, site.contractor_a).row(token)
        row = connection.execute(select(person).where(person.c.token == token)).one()
        assert Register(connection, site.house.house.vault).version() > before
    assert (file.inss, file.limosa) == ("90.11.05-***.**", "")
    assert (file.company_name, file.works_number, file.site) == ("Bouwwerken", WORKS, "Werf Noord")
    assert b"90110599843" not in b"".join(v for v in row if isinstance(v, bytes))
    assert "Peeters" not in repr(file)
    assert told(site)[-1] == ("account:2", "person.added", {"kind": "employee"})


def test_what_is_not_changed_stays_and_the_audit_names_what_did(site: World) -> None:
    token = site.add()
    with writing(site.site.engine) as connection:
        people = site.people(connection)
        people.change(token, replace(described(people.row(token)), family_name="Peeters-Maes"))
    with reading(site.site.engine) as connection:
        file = site.people(connection).row(token)
    assert (file.family_name, file.inss) == ("Peeters-Maes", "90.11.05-***.**")
    assert told(site)[-1] == ("command", "person.changed", {"changed": ["family_name"]})
    assert "Maes" not in json.dumps(told(site))


def test_a_number_that_was_not_his_is_dropped(site: World) -> None:
    token = site.add(replace(DRAFT, limosa=limosa()))
    with writing(site.site.engine) as connection:
        people = site.people(connection)
        people.change(token, replace(described(people.row(token)), drop_limosa=True))
        assert people.row(token).limosa == ""
        assert people.find(limosa=limosa()) is None
        with pytest.raises(UsageError, match="HUB-1623"):
            people.change(token, replace(described(people.row(token)), drop_inss=True))


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("HUB-1620", replace(DRAFT, family_name=" ")),
        ("HUB-1620", replace(DRAFT, given_name="x" * 101)),
        ("HUB-1623", replace(DRAFT, inss=None)),
        ("HUB-1624", replace(DRAFT, company_number=None)),
        ("HUB-1625", replace(DRAFT, kind=Kind.AGENCY, company_number=AGENCY)),
        (
            "HUB-1625",
            replace(DRAFT, kind=Kind.AGENCY, company_number=A, user_company_number=A),
        ),
        ("HUB-1626", replace(DRAFT, kind=Kind.FOREIGN)),
        ("HUB-1627", replace(FOREIGN, limosa_from=DAY, limosa_until=DAY - timedelta(days=1))),
        ("HUB-1628", replace(DRAFT, inss=inss("85031299761"))),
        ("HUB-1629", replace(FOREIGN, limosa=limosa("24999000000000187"))),
        ("HUB-1630", replace(DRAFT, works_number="1Y199999999LZ")),
        ("HUB-1631", replace(DRAFT, company_number="1999000249")),
        ("HUB-1634", replace(DRAFT, language="pl")),
        ("HUB-1636", replace(DRAFT, kind=Kind.VISITOR)),
    ],
)
def test_a_draft_that_cannot_be_kept_says_why(site: World, code: str, draft: object) -> None:
    with writing(site.site.engine) as connection:
        problems = site.people(connection).problems(draft)  # pyright: ignore[reportArgumentType]
        assert code in [one.code for one in problems]
        with pytest.raises(UsageError):
            site.people(connection).add(draft)  # pyright: ignore[reportArgumentType]


def test_one_person_once_for_each_employer(site: World) -> None:
    site.add(replace(DRAFT, company_number=B))
    token = site.add()  # the same number, another employer: they know nothing of each other
    with pytest.raises(UsageError, match="HUB-1628"):
        site.add(replace(DRAFT, family_name="Twice"))
    with writing(site.site.engine) as connection:
        people = site.people(connection)
        # To the other employer, where the number that is known is taken.
        moved = replace(described(people.row(token)), company_number=B)
        assert [one.code for one in people.problems(moved, token)] == ["HUB-1628"]


# ---------------------------------------------------------------- scope


def test_a_contractor_sees_and_changes_his_own_people_and_nobody_elses(site: World) -> None:
    mine, theirs = site.token("Aarts"), site.token("Gillard")
    assert names(site, site.contractor_a) == ["Aarts"]
    assert names(site, site.contractor_b) == ["Gillard"]
    with writing(site.site.engine) as connection:
        people = site.people(connection, site.contractor_a)
        assert people.row(mine).may_change
        assert people.row(mine).may_reveal
        nobody = [theirs, "0" * 32]
        for token in nobody:
            for act in (
                lambda token=token: people.row(token),
                lambda token=token: people.change(token, DRAFT),
                lambda token=token: people.problems(DRAFT, token),
                lambda token=token: people.reveal(token, "inss", "a good reason"),
            ):
                with pytest.raises(UsageError) as refused:
                    act()
                assert (refused.value.code, refused.value.extra) == ("HUB-1621", {})
        # A number that only the other company knows is nobody's.
        assert people.find(inss=inss("03072199766")) is None
        assert people.rows(PeopleFilter(inss=inss("03072199766"))) == ([], 0)
        assert people.rows(PeopleFilter(company_number=B)) == ([], 0)
        assert people.rows(PeopleFilter(name="Gillard")) == ([], 0)
        assert people.companies() == [(A, "Bouwwerken")]
        assert people.agencies() == [(AGENCY, "Interim")]
        assert people.works() == [(WORKS, "Werf Noord")]


def test_a_contractor_adds_for_himself_only(site: World) -> None:
    for number in (B, "1999000249"):  # another's, and one that does not exist: the same answer
        with pytest.raises(UsageError, match="HUB-1631"):
            site.add(replace(DRAFT, company_number=number), site.contractor_a)
    with pytest.raises(UsageError, match="HUB-1630"):
        site.add(replace(DRAFT, works_number=OTHER_WORKS), site.contractor_a)
    with pytest.raises(UsageError, match="HUB-1631"):
        site.add(VISITOR, site.contractor_a)  # nobody's: he could not change him again
    assert site.add(replace(VISITOR, company_number=A), site.contractor_a)


def test_an_agencys_worker_is_added_by_the_company_that_uses_him(site: World) -> None:
    draft = replace(DRAFT, kind=Kind.AGENCY, company_number=AGENCY, user_company_number=A)
    token = site.add(draft, site.contractor_a)
    with writing(site.site.engine) as connection:
        file = site.people(connection, site.contractor_a).row(token)
        assert (file.company_name, file.user_company_name) == ("Interim", "Bouwwerken")
        assert file.may_change
        with pytest.raises(UsageError, match="HUB-1621"):
            site.people(connection, site.contractor_b).row(token)
    with pytest.raises(UsageError, match="HUB-1631"):
        # B does not see the agency, whose other workers it would learn of.
        site.add(replace(draft, inss=inss("99123199544"), user_company_number=B), site.contractor_b)


def test_who_supervises_inspects_or_guards_sees_as_far_as_that_goes(site: World) -> None:
    everybody = ["Aarts", "Gillard", "Kowalik"]
    assert names(site, site.supervisor) == everybody
    assert names(site, site.inspector) == everybody
    assert names(site, site.other_supervisor) == []
    assert names(site, site.guard) == []
    token = site.token("Aarts")
    with writing(site.site.engine) as connection:
        file = site.people(connection, site.inspector).row(token)
        assert (file.may_change, file.may_reveal, file.may_badge) == (False, False, False)
        for actor in (site.inspector, site.guard, site.other_supervisor):
            with pytest.raises(UsageError, match="HUB-1621"):
                site.people(connection, actor).reveal(token, "inss", "a good reason")


# ---------------------------------------------------------------- lists and search


def test_names_are_found_without_accents_capitals_and_order(site: World) -> None:
    site.add(replace(DRAFT, family_name="Müller", given_name="Éric"))
    for name in ("muller", "ERIC müller", "mull éri"):
        assert names(site, COMMAND, PeopleFilter(name=name)) == ["Müller"]
    for name in ("muller lotte", "m_ller", "%"):
        assert names(site, COMMAND, PeopleFilter(name=name)) == []


def test_a_new_name_is_found_and_the_old_one_no_more(site: World) -> None:
    token = site.add(replace(DRAFT, family_name="Müller"))
    with writing(site.site.engine) as connection:
        people = site.people(connection)
        people.change(token, replace(described(people.row(token)), family_name="Çelik"))
    assert names(site, COMMAND, PeopleFilter(name="celik")) == ["Çelik"]
    assert names(site, COMMAND, PeopleFilter(name="muller")) == []


def test_a_number_finds_exactly_its_person(site: World) -> None:
    assert names(site, COMMAND, PeopleFilter(inss=inss("85031299761"))) == ["Aarts"]
    assert names(site, COMMAND, PeopleFilter(limosa=limosa("24999000000000187"))) == ["Kowalik"]
    assert names(site, COMMAND, PeopleFilter(inss=inss("99123199544"))) == []
    with reading(site.site.engine) as connection:
        people = site.people(connection)
        assert people.find(inss=inss("85031299761")) == site.token("Aarts")
        assert people.find() is None


def test_a_list_is_narrowed_by_company_kind_and_problem_and_paged(site: World) -> None:
    site.add(VISITOR)
    site.add(FOREIGN)
    site.add(
        replace(FOREIGN, family_name="Over", limosa=limosa("24999000000000381"),
                limosa_until=DAY - timedelta(days=1))
    )  # fmt: skip
    assert names(site, COMMAND, PeopleFilter(company_number=B)) == ["Gillard"]
    assert names(site, COMMAND, PeopleFilter(kind="visitor")) == ["Peeters"]
    expected = {
        PersonProblem.LIMOSA_ENDING: ["Peeters"],
        PersonProblem.LIMOSA_OVER: ["Over"],
        PersonProblem.NO_BADGE: ["Over", "Peeters"],  # the visitor of that name needs none
        PersonProblem.NO_NUMBER: [],
        PersonProblem.NO_COMPANY: [],
        PersonProblem.BADGE_OFF: [],
    }
    assert {
        one: names(site, COMMAND, PeopleFilter(problem=one)) for one in PersonProblem
    } == expected
    with reading(site.site.engine) as connection:
        people = site.people(connection)
        pages = [people.rows(PeopleFilter(page=page, size=4)) for page in (1, 2, 3)]
    assert [(len(lines), total) for lines, total in pages] == [(4, 6), (2, 6), (0, 6)]
    shown = [line.family_name for lines, _ in pages for line in lines]
    assert shown == sorted(shown)


def test_what_a_list_says_is_wrong_is_what_it_can_be_narrowed_to(site: World) -> None:
    site.add(VISITOR)
    site.add(FOREIGN)
    with reading(site.site.engine) as connection:
        people = site.people(connection)
        lines, _ = people.rows(PeopleFilter())
        for problem in PersonProblem:
            found, _ = people.rows(PeopleFilter(problem=problem))
            assert {one.token for one in found} == {
                one.token for one in lines if problem in one.problems
            }


# ---------------------------------------------------------------- numbers in clear


def test_a_number_is_revealed_for_a_reason_that_is_kept(site: World) -> None:
    token = site.token("Aarts")
    with writing(site.site.engine) as connection:
        people = site.people(connection, site.contractor_a)
        for reason in ("", "  why ", "x" * 201):
            with pytest.raises(UsageError, match="HUB-1632"):
                people.reveal(token, "inss", reason)
        with pytest.raises(UsageError, match="HUB-1633"):
            people.reveal(token, "limosa", "the L1 was lost")
        assert people.reveal(token, "inss", " asked by\nthe inspector ") == Inss("85031299761")
    assert told(site) == [
        ("account:2", "person.revealed", {"which": "inss", "reason": "asked by the inspector"})
    ]
    with writing(site.site.engine) as connection:
        number = site.people(connection).reveal(site.token("Kowalik"), "limosa", "to correct it")
    assert number == Limosa("24999000000000187")


# ---------------------------------------------------------------- Limosa


@pytest.mark.parametrize(
    ("until", "state"),
    [
        (None, LimosaState.UNKNOWN),
        (DAY + timedelta(days=14), LimosaState.RUNNING),
        (DAY + timedelta(days=13), LimosaState.ENDING),
        (DAY, LimosaState.ENDING),
        (DAY - timedelta(days=1), LimosaState.OVER),
    ],
)
def test_a_limosa_declaration_is_watched(
    site: World, until: date | None, state: LimosaState
) -> None:
    token = site.add(replace(FOREIGN, limosa_until=until))
    with reading(site.site.engine) as connection:
        assert site.people(connection, now_ms=NOON_MS).row(token).limosa_state is state
