"""Many people's works numbers at once are those of each of them alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sqlalchemy import insert, select

from hub.storage.engine import reading, writing
from hub.storage.schema import assignment, person, works
from hub.storage.works import works_of, works_of_many
from tests.hub.day_world import day_world
from tests.hub.register_house import LOWER, MAIN, NORTH, SUB

DAYS = (date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24), date(2026, 12, 24))
ENDED, SECOND = "1Y19FAKE004DZ", "1Y19FAKE005EZ"


def test_many_are_read_as_one_is(tmp_path: Path) -> None:
    with day_world(tmp_path) as world:
        ids, north = world.register.ids, world.register.sites["Werf Noord"]
        people = [world.person(f"P{n}", (MAIN, SUB, LOWER, "")[n % 4]) for n in range(8)]
        with writing(world.register.house.engine) as connection:
            connection.execute(
                insert(works),
                [
                    {"number": ENDED, "site_id": north, "from_day": None,
                     "until_day": "2026-11-21"},
                    {"number": SECOND, "site_id": north, "from_day": "2026-11-24",
                     "until_day": None},
                ],
            )  # fmt: skip
            given = (
                (people[0], None, ENDED, None, None),
                (people[0], None, SECOND, "2026-11-24", "2026-12-01"),
                (people[5], None, SECOND, None, "2026-11-23"),
                (None, ids[SUB], SECOND, None, None),
                (None, ids[LOWER], ENDED, None, None),
                (None, ids[LOWER], NORTH, "2026-11-24", None),
            )
            for person_id, company_id, number, first, last in given:
                connection.execute(
                    insert(assignment).values(
                        person_id=person_id, company_id=company_id, works_number=number,
                        from_day=first, until_day=last, added_ms=0, actor="test",
                    )
                )  # fmt: skip
        # Somebody whose own works are elsewhere has those of his employer here.
        with writing(world.register.house.engine) as connection:
            elsewhere = {"works_number": "1Y19FAKE003CZ"}
            connection.execute(
                person.update().where(person.c.id.in_((people[1], people[2]))).values(elsewhere)
            )
        found: set[tuple[str, ...]] = set()
        with reading(world.register.house.engine) as connection:
            query = select(person.c.id, person.c.works_number, person.c.company_id)
            known = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
            for day in DAYS:
                for site_id in world.register.sites.values():
                    many = works_of_many(connection, known, site_id, day)
                    alone = {key: works_of(connection, key, site_id, day) for key in known}
                    assert many == alone
                    found |= set(many.values())
        assert {(), (NORTH,), (ENDED,), (SECOND,), (NORTH, SECOND)} <= found
