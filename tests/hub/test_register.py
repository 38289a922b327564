"""The register: imports whole or not at all, finds people and badges again, and hides numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from hub.application.people_file import PersonRow, read_people_file
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.register import Imported, Register
from hub.storage.schema import badge, company, person, site, terminal, works
from tests.hub.house import HEADER, NOON_MS, PEOPLE

BIS = "90431599864"
LIMOSA = "24999000000000187"
CARD = "04A1B2C3D4E50C"
NUMBERS = ("85031299761", "03072199766", LIMOSA)
CARDS = ("04A1B2C3D4E501", "04A1B2C3D4E507", "04A1B2C3D4E50B")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty house."""
    house = open_house(tmp_path)
    yield house
    house.close()


def rows(text: str) -> tuple[PersonRow, ...]:
    """The checked rows of a people file."""
    read = read_people_file(text.encode(), brussels_day(NOON_MS))
    assert read.accepted
    return read.rows


def one(
    *,
    inss: str = "",
    limosa: str = "",
    uid: str = CARD,
    company: str = "0999000129;Bouwwerken",
    family: str = "Aarts",
    works: str = "1Y19FAKE001AZ",
    until: str = "",
) -> tuple[PersonRow, ...]:
    """The rows of a file with one person."""
    return rows(
        f"{HEADER}\nWerf Noord;{works};{company};{family};Milan;{inss};{limosa};{uid};nl;{until}\n"
    )


def take(house: House, people: Sequence[PersonRow], now_ms: int = NOON_MS) -> Imported:
    """Imports them in one transaction."""
    with writing(house.engine) as connection:
        return Register(connection, house.vault).import_people(people, now_ms)


def version(house: House) -> int:
    """The version of the register."""
    with reading(house.engine) as connection:
        return Register(connection, house.vault).version()


def count(house: House, table: Table) -> int:
    """Rows of a table."""
    with reading(house.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def owner(house: House, uid: str) -> str:
    """Family name of the owner of a card."""
    tag = house.vault.tag(bytes.fromhex(uid))
    query = select(person.c.family_name).join(badge).where(badge.c.tag == tag)
    with reading(house.engine) as connection:
        return connection.execute(query).scalar_one()


def test_an_import_makes_all_that_its_rows_name(house: House) -> None:
    done = take(house, rows(PEOPLE))
    assert (done.rows, done.people_new, done.badges_new, done.badges_moved) == (3, 3, 3, 0)
    counted = [count(house, table) for table in (site, works, company, person, badge)]
    assert counted == [1, 1, 2, 3, 3]
    with reading(house.engine) as connection:
        counts = Register(connection, house.vault).counts()
    assert counts == {
        "site": 1, "works": 1, "company": 2, "person": 3, "badge": 3, "terminal": 0,
    }  # fmt: skip


def test_the_numbers_come_back_as_they_were_given(house: House) -> None:
    take(house, rows(PEOPLE))
    with reading(house.engine) as connection:
        found = connection.execute(select(person).order_by(person.c.id)).all()
    opened = [
        (
            house.vault.open("inss", row.inss_sealed).decode() if row.inss_sealed else None,
            house.vault.open("limosa", row.limosa_sealed).decode() if row.limosa_sealed else None,
        )
        for row in found
    ]
    assert opened == [(NUMBERS[0], None), (NUMBERS[1], None), (None, LIMOSA)]
    assert len({row.token for row in found}) == 3


def test_the_same_file_twice_changes_nobody(house: House) -> None:
    take(house, rows(PEOPLE))
    with reading(house.engine) as connection:
        tokens = connection.execute(select(person.c.id, person.c.token)).all()
        links = connection.execute(select(badge)).all()
    done = take(house, rows(PEOPLE), NOON_MS + 60_000)
    assert (done.rows, done.people_new, done.badges_new, done.badges_moved) == (3, 0, 0, 0)
    with reading(house.engine) as connection:
        assert connection.execute(select(person.c.id, person.c.token)).all() == tokens
        assert connection.execute(select(badge)).all() == links
    assert [count(house, table) for table in (site, works, company)] == [1, 1, 2]


def test_an_import_that_fails_on_its_last_row_keeps_no_row(house: House) -> None:
    take(house, rows(PEOPLE))
    before = version(house)

    def people() -> Iterator[PersonRow]:
        yield from one(inss=BIS)
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"), writing(house.engine) as connection:
        Register(connection, house.vault).import_people(people(), NOON_MS)
    assert count(house, person) == 3
    assert count(house, badge) == 3
    assert version(house) == before


def test_a_badge_of_another_person_moves_and_is_counted(house: House) -> None:
    take(house, rows(PEOPLE))
    done = take(house, one(inss=BIS, uid=CARDS[0], family="Maes"), NOON_MS + 5)
    assert (done.people_new, done.badges_new, done.badges_moved) == (1, 0, 1)
    assert owner(house, CARDS[0]) == "Maes"
    assert owner(house, CARDS[1]) == "Gillard"
    assert count(house, badge) == 3
    with reading(house.engine) as connection:
        moments = set(connection.execute(select(badge.c.linked_ms)).scalars())
    assert moments == {NOON_MS, NOON_MS + 5}


def test_a_new_name_company_or_last_day_is_taken_over(house: House) -> None:
    take(house, one(inss=BIS))
    done = take(
        house,
        one(inss=BIS, company="0999000228;Toitures", family="Aarts-Maes", until="2027-12-31"),
    )
    assert (done.people_new, done.badges_new) == (0, 0)
    with reading(house.engine) as connection:
        row = connection.execute(select(person)).one()
        assert connection.execute(select(badge.c.valid_until)).scalar_one() == "2027-12-31"
        name = connection.execute(
            select(company.c.name).where(company.c.id == row.company_id)
        ).scalar_one()
    assert (row.family_name, name) == ("Aarts-Maes", "Toitures")


def test_a_limosa_number_is_added_to_the_person_with_that_inss(house: House) -> None:
    take(house, one(inss=BIS))
    assert take(house, one(inss=BIS, limosa=LIMOSA)).people_new == 0
    # From now on the Limosa number alone finds the same person.
    assert take(house, one(limosa=LIMOSA)).people_new == 0
    assert count(house, person) == 1


def test_a_limosa_number_that_was_another_persons_moves(house: House) -> None:
    take(house, one(limosa=LIMOSA, uid=CARDS[0], family="Before"))
    take(house, one(inss=BIS, uid=CARDS[1], family="After"))
    done = take(house, one(inss=BIS, limosa=LIMOSA, uid=CARDS[0], family="After"))
    assert (done.people_new, done.badges_moved) == (0, 1)
    with reading(house.engine) as connection:
        found = {
            row.family_name: row.limosa_sealed and house.vault.open("limosa", row.limosa_sealed)
            for row in connection.execute(select(person))
        }
        indexes = connection.execute(select(person.c.limosa_index)).scalars().all()
    assert found == {"Before": None, "After": LIMOSA.encode()}
    assert indexes.count(None) == 1


def test_every_change_raises_the_version(house: House) -> None:
    versions = [version(house)]
    take(house, rows(PEOPLE))
    versions.append(version(house))
    with writing(house.engine) as connection:
        Register(connection, house.vault).add_terminal("gate-1", "", "Werf Noord", "in", NOON_MS)
    versions.append(version(house))
    with writing(house.engine) as connection:
        Register(connection, house.vault).revoke_terminal("gate-1", NOON_MS)
    versions.append(version(house))
    now_s = NOON_MS // 1000
    assert versions == [0, now_s, now_s + 1, now_s + 2]


def test_after_a_restored_backup_the_next_version_is_newer_than_any_a_gate_holds(
    house: House,
) -> None:
    # A gate takes newer rosters only, and may hold one that the backup never knew.
    take(house, rows(PEOPLE))
    held_by_gates = version(house) + 50
    take(house, rows(PEOPLE), NOON_MS + 3_600_000)
    assert version(house) > held_by_gates


def test_a_clock_that_was_set_back_lowers_no_version(house: House) -> None:
    take(house, rows(PEOPLE))
    before = version(house)
    take(house, rows(PEOPLE), NOON_MS - 86_400_000)
    assert version(house) == before + 1


def test_a_person_counts_as_changed_when_what_is_sent_of_him_changes(house: House) -> None:
    def changed_ms() -> int:
        with reading(house.engine) as connection:
            return connection.execute(select(person.c.changed_ms)).scalar_one()

    take(house, one(inss=BIS), NOON_MS)
    moments = [changed_ms()]
    stories = (
        one(inss=BIS, family="Aarts-Maes", until="2027-12-31"),
        one(inss=BIS, company="0999000228;Toitures"),
        one(inss=BIS, company="0999000228;Toitures", limosa=LIMOSA),
        one(inss=BIS, company="0999000228;Toitures", limosa=LIMOSA, works="1Y19FAKE002BZ"),
        one(inss=BIS, company="0999000228;Toitures", limosa=LIMOSA, works="1Y19FAKE002BZ"),
    )
    for number, people in enumerate(stories, 1):
        take(house, people, NOON_MS + number)
        moments.append(changed_ms() - NOON_MS)
    assert moments == [NOON_MS, 0, 2, 3, 4, 4]


def test_every_badge_comes_with_the_site_of_its_person(house: House) -> None:
    people = PEOPLE + (
        f"Chantier Sud;1Y19FAKE002BZ;0999000129;;Maes;An;{BIS};;{CARD};fr;31/12/2026\n"
    )
    take(house, rows(people))
    with reading(house.engine) as connection:
        register = Register(connection, house.vault)
        sites = {name: number for number, name in register.sites()}
        badges = register.badges()
    north = {entry.tag for entry in badges if entry.site_id == sites["Werf Noord"]}
    assert north == {house.vault.tag(bytes.fromhex(uid)) for uid in CARDS}
    (south,) = [entry for entry in badges if entry.site_id == sites["Chantier Sud"]]
    assert (south.tag, south.language) == (house.vault.tag(bytes.fromhex(CARD)), "fr")
    assert (south.valid_from, south.valid_until) == (None, date(2026, 12, 31))


def test_a_badge_is_blocked_and_opened_by_a_file_that_says_so(house: House) -> None:
    heading = f"{HEADER};valid_from;badge_state"

    def row(state: str, first: str = "", inss: str = BIS) -> tuple[PersonRow, ...]:
        return rows(
            f"{heading}\nWerf Noord;1Y19FAKE001AZ;0999000129;;Aarts;Milan;{inss};;{CARD};nl;"
            f";{first};{state}\n"
        )

    def found() -> tuple[str, date | None]:
        with reading(house.engine) as connection:
            (entry,) = Register(connection, house.vault).badges()
        return entry.state, entry.valid_from

    for people, wanted in (
        (row("", "2026-12-01"), ("active", date(2026, 12, 1))),
        (row("blocked"), ("blocked", None)),
        (row(""), ("blocked", None)),
        (one(inss=BIS), ("blocked", None)),
        (row("active"), ("active", None)),
        (row("blocked"), ("blocked", None)),
        # Given to somebody else it opens.
        (row("", inss="85031299761"), ("active", None)),
        (row("blocked", inss=BIS), ("blocked", None)),
    ):
        take(house, people)
        assert found() == wanted


def forms(number: str) -> set[bytes]:
    """Every way in which a number might stand in a file."""
    found = {number.encode(), number.encode("utf-16-le"), number.lower().encode()}
    if number.isdigit():
        for size in (5, 6, 8):
            if int(number) < 256**size:
                found.add(int(number).to_bytes(size, "big"))
                found.add(int(number).to_bytes(size, "little"))
    else:
        found |= {bytes.fromhex(number), bytes.fromhex(number)[::-1]}
    return found


def test_no_number_and_no_card_is_in_any_file(house: House, tmp_path: Path) -> None:
    take(house, rows(PEOPLE))
    take(house, one(inss=BIS, limosa="24999000000000284"))

    def stored() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    beside_wal = stored()
    assert len(beside_wal["sitegate.db-wal"]) > 0
    # This is where it would be found: the names are there.
    assert b"Gillard" in b"".join(beside_wal.values())
    house.close()
    checkpointed = stored()
    assert b"Gillard" in checkpointed["sitegate.db"]
    secret = [*NUMBERS, BIS, "24999000000000284", *CARDS, CARD]
    for files in (beside_wal, checkpointed):
        for name, content in files.items():
            for number in secret:
                assert [form for form in forms(number) if form in content] == [], name


def test_a_terminal_is_known_by_its_key_until_it_is_revoked(house: House) -> None:
    take(house, rows(PEOPLE))
    with writing(house.engine) as connection:
        register = Register(connection, house.vault)
        added = register.add_terminal("gate-1", "Poort 1", "Werf Noord", "out", NOON_MS)
        other = register.add_terminal("gate-2", "Poort 2", "Werf Noord", "in", NOON_MS)
    assert len(added.key) == 32
    assert added.key != other.key
    with reading(house.engine) as connection:
        assert Register(connection, house.vault).terminals() == [added, other]
        sealed = connection.execute(select(terminal.c.key_sealed)).scalars().all()
    assert not [blob for blob in sealed if added.key in blob or added.key.hex().encode() in blob]
    with writing(house.engine) as connection:
        Register(connection, house.vault).revoke_terminal("gate-1", NOON_MS)
    with reading(house.engine) as connection:
        assert Register(connection, house.vault).terminals() == [other]


def test_a_terminal_shows_no_key(house: House) -> None:
    take(house, rows(PEOPLE))
    with writing(house.engine) as connection:
        added = Register(connection, house.vault).add_terminal("g", "", "Werf Noord", "in", NOON_MS)
    for shown in (repr(added), str(added), f"{[added]}"):
        assert added.key.hex() not in shown
        assert repr(added.key)[2:-1] not in shown


@pytest.mark.parametrize("revoked", [False, True])
def test_an_id_is_given_once_for_ever(house: House, revoked: bool) -> None:
    take(house, rows(PEOPLE))
    with writing(house.engine) as connection:
        register = Register(connection, house.vault)
        register.add_terminal("gate-1", "", "Werf Noord", "in", NOON_MS)
        if revoked:
            register.revoke_terminal("gate-1", NOON_MS)
    before = version(house)
    with pytest.raises(UsageError) as caught, writing(house.engine) as connection:
        Register(connection, house.vault).add_terminal("gate-1", "", "Werf Noord", "in", NOON_MS)
    assert caught.value.code == "HUB-1012"
    assert count(house, terminal) == 1
    assert version(house) == before


def test_a_terminal_needs_a_site_that_exists(house: House) -> None:
    with pytest.raises(UsageError) as caught, writing(house.engine) as connection:
        Register(connection, house.vault).add_terminal("gate-1", "", "Nergens", "in", NOON_MS)
    assert caught.value.code == "HUB-1008"
    assert count(house, terminal) == 0


@pytest.mark.parametrize("known", [False, True])
def test_who_is_not_in_use_cannot_be_revoked(house: House, known: bool) -> None:
    take(house, rows(PEOPLE))
    with writing(house.engine) as connection:
        register = Register(connection, house.vault)
        if known:
            register.add_terminal("gate-1", "", "Werf Noord", "in", NOON_MS)
            register.revoke_terminal("gate-1", NOON_MS)
    with pytest.raises(UsageError) as caught, writing(house.engine) as connection:
        Register(connection, house.vault).revoke_terminal("gate-1", NOON_MS)
    assert caught.value.code == "HUB-1201"
