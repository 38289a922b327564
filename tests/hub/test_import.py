"""An import of people: what a contractor may write, how it is found again, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.import_desk import Choice
from hub.storage.import_undo import ImportUndo, Undone
from hub.storage.schema import (
    audit,
    badge,
    badge_event,
    company,
    import_change,
    party,
    person,
    presence,
    site,
    works,
)
from tests.hub.house import NOON_MS
from tests.hub.import_site import OFFICE, ImportSite, import_site
from tests.people_files import (
    FOURTEEN,
    OTHER_COMPANY,
    OWN_COMPANY,
    WORKS,
    csv_file,
    invented_people,
    limosa_of,
    two_hundred,
    xlsx_file,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ImportSite]:
    """Two contractors on one site."""
    with import_site(tmp_path) as made:
        yield made


def undo(place: ImportSite, actor: Actor | None = None, run: int | None = None) -> Undone:
    """Takes an import back."""
    with writing(place.house.engine) as connection:
        work = ImportUndo(connection, place.house.vault, actor or place.own, NOON_MS + 9)
        return work.undo(run)


def codes(place: ImportSite, rows: list[dict[str, str]], actor: Actor | None = None) -> list[str]:
    """The codes of what is wrong with a list."""
    return [entry.code for entry in place.look(rows, actor).people.problems]


class TestWrongRows:
    def test_fourteen_of_two_hundred_are_told_with_row_and_column(self, place: ImportSite) -> None:
        for data in (csv_file(two_hundred(), "fr"), xlsx_file(two_hundred(), "nl")):
            people = place.look(data).people
            assert [(e.row, e.column, e.code) for e in people.problems] == [
                (one.index + 2, one.column, one.code) for one in FOURTEEN
            ]
            assert (people.row_count, len(people.good), people.rows) == (200, 186, ())

    def test_everything_is_not_written_while_a_row_is_wrong(self, place: ImportSite) -> None:
        with pytest.raises(UsageError, match="HUB-1671"):
            place.take(two_hundred())
        assert place.people() == []

    def test_the_good_rows_are_written_and_no_other(self, place: ImportSite) -> None:
        done = place.take(two_hundred(), choice=Choice.GOOD_ROWS)
        assert (done.people_new, done.badges_new) == (186, 186)
        assert {row[1:] for row in place.people()} == {(OWN_COMPANY, WORKS)}
        assert len(place.people()) == 186


class TestContractor:
    def test_company_works_language_and_badge_need_not_be_named(self, place: ImportSite) -> None:
        row = invented_people(1)[0]
        del row["badge_uid"], row["language"]
        place.take([row])
        assert place.people() == [("Aarts", OWN_COMPANY, WORKS)]

    def test_in_several_works_each_row_must_say_which(self, place: ImportSite) -> None:
        with writing(place.house.engine) as connection:
            connection.execute(
                insert(party).values(
                    works_number="1Y19FAKE002BZ", company_id=1, added_ms=1, actor="command"
                )
            )
        looked = place.look(invented_people(2))
        problem = looked.people.problems[0]
        assert (problem.code, dict(problem.values)["works"]) == (
            "IMP-2024",
            f"{WORKS}, 1Y19FAKE002BZ",
        )
        assert place.look(invented_people(2, works_number="1Y19FAKE002BZ")).people.accepted
        mixed = invented_people(2, works_number="1Y19FAKE002BZ")
        mixed[1]["works_number"] = ""
        (problem,) = place.look(mixed).people.problems
        assert (problem.row, problem.code) == (3, "IMP-2024")

    @pytest.mark.parametrize("known", [True, False])
    def test_another_company_is_refused_in_the_same_words_known_or_not(
        self, place: ImportSite, known: bool
    ) -> None:
        number = OTHER_COMPANY if known else "1999000150"
        row = invented_people(1, company_number=number)
        (problem,) = place.look(row).people.problems
        assert (problem.code, problem.values) == ("IMP-2023", ())
        user = invented_people(1, kind="uitzendkracht", user_company_number="1999000150")
        assert codes(place, user) == ["IMP-2026"]

    def test_somebody_of_another_company_is_not_seen_nor_moved(self, place: ImportSite) -> None:
        rows = invented_people(3)
        place.take(rows, place.other)
        bare = [{k: v for k, v in row.items() if k != "badge_uid"} for row in rows]
        assert codes(place, bare) == []
        done = place.take(bare)
        assert done.people_new == 3
        assert [row[1] for row in place.people()] == [OTHER_COMPANY] * 3 + [OWN_COMPANY] * 3

    def test_a_badge_of_somebody_elses_is_refused_and_stays(self, place: ImportSite) -> None:
        place.take(invented_people(1), place.other)
        mine = invented_people(3)[2:]
        mine[0]["badge_uid"] = "04C0DE00000000"
        assert codes(place, mine) == ["IMP-2029"]
        with pytest.raises(UsageError, match="HUB-1671"):
            place.take(mine, choice=Choice.GOOD_ROWS)
        assert place.owner("04C0DE00000000") == "Aarts"

    def test_a_limosa_number_of_another_companys_person_stays_his(self, place: ImportSite) -> None:
        rows = invented_people(1, limosa=limosa_of(7))
        place.take(rows, place.other)
        place.take([{k: v for k, v in rows[0].items() if k != "badge_uid"}])
        with reading(place.house.engine) as connection:
            found = connection.execute(select(person.c.limosa_index)).scalars().all()
        assert len(found) == 2
        assert found[0] == found[1]

    def test_he_makes_no_company_no_works_and_no_site(self, place: ImportSite) -> None:
        rows = invented_people(2, site="Elders", company_name="Anders", works_number=WORKS)
        place.take(rows)
        with reading(place.house.engine) as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (site, works, company)
            ]
            names = connection.execute(select(company.c.name)).scalars().all()
        assert counts == [1, 2, 2]
        assert names == ["Bouwwerken", "Toitures"]


class TestOffice:
    def test_who_has_one_row_elsewhere_moves_who_has_two_does_not(self, place: ImportSite) -> None:
        rows = invented_people(1, site="Werf Noord", works_number=WORKS)
        place.take([{**rows[0], "company_number": OTHER_COMPANY}], OFFICE)
        place.take([{**rows[0], "company_number": OWN_COMPANY}], OFFICE)
        assert [row[1] for row in place.people()] == [OWN_COMPANY]
        place.take([{**rows[0], "badge_uid": ""}], place.other)
        done = place.take([{**rows[0], "company_number": "1999000150"}], OFFICE)
        assert done.people_new == 1
        assert [row[1] for row in place.people()] == [OWN_COMPANY, OTHER_COMPANY, "1999000150"]

    def test_kinds_are_understood_and_a_visitor_needs_no_number(self, place: ImportSite) -> None:
        base = {"site": "Werf Noord", "works_number": WORKS, "given_name": "An"}
        rows = [
            {**base, "family_name": "Bezoek", "kind": "Visiteur"},
            {**base, "family_name": "Agent", "kind": "Leiharbeiter", "inss": "85031299761",
             "company_number": OWN_COMPANY, "user_company_number": OTHER_COMPANY},
            {**base, "family_name": "Sent", "limosa": limosa_of(1)},
        ]  # fmt: skip
        place.take(rows, OFFICE)
        place.take(rows, OFFICE)
        query = select(person.c.family_name, person.c.kind, person.c.user_company_id)
        with reading(place.house.engine) as connection:
            found = connection.execute(query.order_by(person.c.id)).all()
        assert [tuple(row) for row in found] == [
            ("Bezoek", "visitor", None),
            ("Agent", "agency", 2),
            ("Sent", "foreign", None),
        ]


class TestTraces:
    def test_each_badge_has_its_history_and_the_audit_who_imported_whom(
        self, place: ImportSite
    ) -> None:
        place.take(invented_people(2))
        moved = invented_people(2)[1:]
        moved[0]["badge_uid"] = "04C0DE00000000"
        place.take(moved)
        with reading(place.house.engine) as connection:
            events = connection.execute(
                select(badge_event.c.event, badge_event.c.person_id, badge_event.c.actor)
            ).all()
            rows = connection.execute(select(audit).order_by(audit.c.id)).all()
            images = connection.execute(select(import_change)).all()
        assert [tuple(row) for row in events] == [
            ("linked", 1, "account:5"),
            ("linked", 2, "account:5"),
            ("released", 1, "account:5"),
            ("linked", 2, "account:5"),
        ]
        assert [(row.action, row.subject, row.company_id) for row in rows] == [
            ("people.imported", "import:1", 1),
            ("people.imported", "import:2", 1),
        ]
        assert json.loads(rows[0].detail)["added"] == [1, 2]
        kept = b"".join(row.after for row in images)
        assert b"Aarts" not in kept


class TestUndo:
    def test_all_is_as_it_was_before(self, place: ImportSite) -> None:
        place.take(invented_people(3))

        def state() -> tuple[object, ...]:
            with reading(place.house.engine) as connection:
                people = connection.execute(
                    select(person).where(person.c.erased_ms.is_(None)).order_by(person.c.id)
                ).all()
                badges = connection.execute(select(badge).order_by(badge.c.tag)).all()
            return [{**row._mapping, "changed_ms": 0} for row in people], badges

        before = state()
        rows = invented_people(5, limosa=limosa_of(1))[1:]
        for number, row in enumerate(rows):
            row["limosa"] = limosa_of(number)
            row["badge_uid"] = f"04C0DE{number:08X}"
            row["family_name"] += "-Anders"
        place.take(rows, now_ms=NOON_MS + 5)
        assert state() != before
        done = undo(place)
        assert (done.removed, done.left) == (2, [])
        assert state() == before

    def test_only_the_last_one_and_once(self, place: ImportSite) -> None:
        first = place.take(invented_people(1)).run_id
        second = place.take(invented_people(2)).run_id
        # The same again changes nothing, and there is nothing of it to take back.
        place.take(invented_people(2))
        with pytest.raises(UsageError, match="HUB-1672"):
            undo(place, run=first)
        assert undo(place, run=second).removed == 1
        with pytest.raises(UsageError, match="HUB-1672"):
            undo(place, run=second)
        assert undo(place, run=first).removed == 1
        with pytest.raises(UsageError, match="HUB-1672"):
            undo(place)

    def test_nobody_takes_back_what_another_company_imported(self, place: ImportSite) -> None:
        run = place.take(invented_people(1), place.other).run_id
        with pytest.raises(UsageError, match="HUB-1672"):
            undo(place, run=run)
        supervisor = Actor("account:9", Role.SUPERVISOR, sites=frozenset({1}))
        with pytest.raises(UsageError, match="HUB-1672"):
            undo(place, supervisor, run)
        assert undo(place, OFFICE, run).removed == 1

    def test_who_was_changed_or_seen_since_stays_and_is_told(self, place: ImportSite) -> None:
        place.take(invented_people(3))
        with writing(place.house.engine) as connection:
            connection.execute(update(person).where(person.c.id == 1).values(family_name="Nieuw"))
            connection.execute(
                insert(presence).values(
                    **{
                        column.name: 1
                        for column in presence.columns
                        if not column.nullable or column.primary_key
                    }
                    | {"person_id": 2, "day": "2026-11-23"}
                )
            )
        done = undo(place)
        assert sorted(done.left) == [(1, "changed"), (2, "seen")]
        assert done.removed == 1
        assert [row[0] for row in place.people()] == ["Nieuw", "Brasseur"]
        # Who stays keeps his badge, else the gate would refuse him tomorrow.
        assert place.owner("04C0DE00000001") == "Brasseur"
        assert place.owner("04C0DE00000002") is None

    def test_a_number_that_was_taken_since_is_left_alone(self, place: ImportSite) -> None:
        place.take(invented_people(1, limosa=limosa_of(1)))
        place.take([{**invented_people(2)[1], "limosa": limosa_of(1)}])
        with writing(place.house.engine) as connection:
            connection.execute(update(person).where(person.c.id == 2).values(given_name="Anders"))
        done = undo(place)
        assert (1, "changed") in done.left
        with reading(place.house.engine) as connection:
            assert (
                connection.execute(
                    select(person.c.limosa_index).where(person.c.id == 1)
                ).scalar_one()
                is None
            )
