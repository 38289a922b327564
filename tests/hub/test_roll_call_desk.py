"""Roll calls of a running hub: several helpers at once, a locked database, a hub that dies."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from hub.application import roll_call_desk as desk_module
from hub.application.prompt import Prompt, Unanswered
from hub.application.roll_call import Mark
from hub.application.roll_call_desk import SLOW_MS, WRITE_MS, Look, RollCallDesk
from hub.errors import TransientError, UsageError
from hub.storage.engine import reading
from hub.storage.house import DATABASE, open_house
from hub.storage.roll_call import read_calls
from hub.storage.roll_call_files import FOLDER, JOURNAL
from hub.storage.roll_call_lists import PromptLists
from hub.storage.schema import presence, roll_call, roll_call_tick
from tests.hub.roll_call_site import Store, add_site, add_tap, family, token
from tests.web.moments import NOW

PEOPLE = 60
DEADLINE_S = 20


def fill(connection: Connection) -> None:
    """Writes sixty people on the first site, one on the second, one who has not come."""
    add_site(connection, PEOPLE + 2)
    for key in range(1, PEOPLE + 1):
        add_tap(connection, key, NOW)
    add_tap(connection, PEOPLE + 1, NOW, site_id=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A desk beside a database with two sites."""
    with closing(open_house(tmp_path)) as house:
        store = Store(tmp_path, house.engine, house.vault)
        store.write(fill)
        yield store
        store.lists.close()


def names(look: Look) -> list[str]:
    """The family names that are still to be found."""
    return [row.entry.family_name for row in look.sheet.remaining]


def open_call(desk: RollCallDesk) -> str:
    """Begins a roll call; its handle."""
    desk.open(1, "account:7", "Gus")
    return desk.look(1).handle


def tick(desk: RollCallDesk, handle: str, key: int, mark: Mark = Mark.PRESENT) -> bool:
    """Ticks somebody."""
    return desk.tick(1, handle, token(key), mark, "account:7", "Gus")


def silence(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """The database answers no question any more."""

    def refuse(*_: object) -> object:
        raise Unanswered

    for name in ("sites", "read", "calls"):
        monkeypatch.setattr(store.lists, name, refuse)


def test_three_helpers_at_once_lose_nobody_and_count_nobody_twice(store: Store) -> None:
    desk = store.desk()
    handle = open_call(desk)
    begin = threading.Barrier(3)
    news: list[list[int]] = [[], [], []]

    def helper(number: int) -> None:
        begin.wait(DEADLINE_S)
        # Each comes from another side, and all of them tick everybody.
        keys = [(one * 7 + number * 20) % PEOPLE + 1 for one in range(PEOPLE)]
        news[number] = [key for key in keys if tick(desk, handle, key)]

    threads = [threading.Thread(target=helper, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    look = desk.look(1)
    assert names(look) == []
    assert len(look.sheet.found) == PEOPLE
    assert sorted(key for keys in news for key in keys) == list(range(1, PEOPLE + 1))
    assert desk.flush()
    with reading(store.engine) as connection:
        rows = connection.execute(select(roll_call_tick.c.person_id, roll_call_tick.c.number)).all()
        assert sorted(row.person_id for row in rows) == list(range(1, PEOPLE + 1))
        assert sorted(row.number for row in rows) == list(range(1, PEOPLE + 1))


def test_a_tick_can_be_taken_back_and_said_anew(store: Store) -> None:
    desk = store.desk()
    handle = open_call(desk)
    assert [tick(desk, handle, 1, mark) for mark in (Mark.PRESENT, Mark.PRESENT)] == [True, False]
    assert family(1) not in names(desk.look(1))
    assert tick(desk, handle, 1, Mark.UNDONE)
    assert family(1) in names(desk.look(1))
    assert not tick(desk, handle, 2, Mark.UNDONE)
    assert tick(desk, handle, 2, Mark.MISSING)
    look = desk.look(1)
    assert look.sheet.missing == 1
    assert family(2) in names(look)
    with pytest.raises(LookupError):
        tick(desk, handle, PEOPLE + 1)  # of the other site


def test_one_roll_call_at_a_time_and_none_after_its_end(store: Store) -> None:
    desk = store.desk()
    with pytest.raises(UsageError, match="HUB-1742"):
        tick(desk, "", 1)
    handle = open_call(desk)
    assert open_call(desk) == handle
    tick(desk, handle, 1)
    desk.close(1, handle, "account:8")
    for act in (lambda: tick(desk, handle, 2), lambda: desk.close(1, handle, "account:8")):
        with pytest.raises(UsageError, match="HUB-1742"):
            act()
    look = desk.look(1)
    assert look.handle == ""
    assert look.last is not None
    assert (look.last.found, look.last.remaining) == (1, PEOPLE - 1)
    assert open_call(desk) != handle
    # A phone that still shows the first one changes nothing in the second.
    with pytest.raises(UsageError, match="HUB-1742"):
        tick(desk, handle, 2)
    assert desk.flush()
    with reading(store.engine) as connection:
        assert len(connection.execute(select(roll_call)).all()) == 2


def test_who_taps_in_during_a_roll_call_joins_and_who_taps_out_stays(store: Store) -> None:
    desk = store.desk()
    handle = open_call(desk)
    assert len(names(desk.look(1))) == PEOPLE
    store.write(lambda connection: add_tap(connection, PEOPLE + 2, NOW))
    assert family(PEOPLE + 2) in names(desk.look(1))
    gone = update(presence).where(presence.c.person_id == 1).values(inside=0)
    store.write(lambda connection: void(connection.execute(gone)))
    look = desk.look(1)
    [row] = [row for row in look.sheet.remaining if row.entry.key == 1]
    assert row.out
    assert len(look.sheet.remaining) == PEOPLE + 1
    desk.flush()
    with reading(store.engine) as connection:
        [call] = read_calls(connection)
    assert (call.handle, len(call.people)) == (handle, PEOPLE + 1)


def void(_: object) -> None:
    """Says nothing of what a statement did."""


# ---------------------------------------------------------------- without the database


def test_ticks_wait_for_a_locked_database_and_the_page_says_so(store: Store) -> None:
    desk = store.desk()
    handle = open_call(desk)
    assert desk.flush()
    store.locked.set()
    for key in (1, 2, 3):
        assert tick(desk, handle, key)
    assert desk.look(1).waiting == 0  # nothing is wrong yet
    store.now_ms += SLOW_MS
    assert desk.look(1).waiting == 3
    assert not desk.flush()
    assert len(desk.look(1).sheet.found) == 3
    store.locked.clear()
    assert desk.flush()
    assert desk.look(1).waiting == 0
    assert not (store.folder / FOLDER / JOURNAL).exists()


def test_a_hub_that_dies_with_ticks_in_its_hands_loses_none(store: Store) -> None:
    desk = store.desk()
    handle = open_call(desk)
    assert desk.flush()
    store.locked.set()
    tick(desk, handle, 1)
    tick(desk, handle, 2, Mark.MISSING)
    with (store.folder / FOLDER / JOURNAL).open("a") as file:
        file.write('{"act": "ticked", "handle"')  # the power went
    again = store.desk()
    look = again.look(1)
    assert look.handle == handle
    assert family(1) not in names(look)
    assert look.sheet.missing == 1
    assert tick(again, handle, 3)
    store.locked.clear()
    assert again.flush()
    with reading(store.engine) as connection:
        rows = connection.execute(select(roll_call_tick.c.person_id, roll_call_tick.c.mark)).all()
    assert sorted(tuple(row) for row in rows) == [(1, "present"), (2, "missing"), (3, "present")]
    # And one that starts when everything was written sees the same.
    assert len(store.desk().look(1).sheet.found) == 2


def test_a_roll_call_begun_without_the_database_outlives_the_hub(store: Store) -> None:
    desk = store.desk()
    store.locked.set()
    handle = open_call(desk)
    tick(desk, handle, 5)
    again = store.desk()
    assert again.look(1).handle == handle
    store.locked.clear()
    assert again.flush()
    third = store.desk().look(1)
    assert (third.handle, len(third.sheet.found)) == (handle, 1)


def test_a_silent_database_leaves_the_last_list_and_ticking_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = store.desk()
    sites = desk.sites()
    handle = open_call(desk)
    with monkeypatch.context() as patch:
        silence(patch, store)
        store.now_ms += 30_000
        look = desk.look(1)
        assert (look.silent, look.sheet.list.as_of_ms) == (True, NOW)
        assert tick(desk, handle, 1)
        assert desk.sites() == sites == [(2, "Chantier Sud"), (1, "Werf Noord")]
        with pytest.raises(TransientError, match="HUB-1740"):
            desk.look(2)
        assert desk.step() == desk_module.RETRY_S
        assert len(names(desk.look(1))) == PEOPLE - 1
    desk.step()
    look = desk.look(1)
    assert (look.silent, look.sheet.list.as_of_ms) == (False, store.now_ms)
    assert len(names(look)) == PEOPLE - 1


def test_a_hub_that_starts_beside_a_silent_database_has_the_list_of_the_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.desk()
    handle = open_call(first)
    first.step()
    assert first.flush()
    with monkeypatch.context() as patch:
        silence(patch, store)
        desk = store.desk()
        look = desk.look(1)
        assert (look.silent, len(look.sheet.remaining)) == (True, PEOPLE)
        assert [name for _, name in desk.sites()] == ["Chantier Sud", "Werf Noord"]
    desk.step()
    assert desk.look(1).handle == handle  # the roll call of the database goes on


def test_a_database_that_another_process_holds_is_given_up_in_time(tmp_path: Path) -> None:
    """A rollback journal lets a writer shut every reader out."""
    path = tmp_path / DATABASE
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE site (id INTEGER, name TEXT)")
        lists = PromptLists(path, lambda: NOW, limit_s=0.2)
        assert list(lists.sites()) == []
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unanswered):
            lists.sites()
        holder.execute("ROLLBACK")
        lists.close()


@pytest.mark.parametrize("content", [None, b"not a database at all" * 100])
def test_a_database_that_is_gone_or_damaged_does_not_answer(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / DATABASE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Unanswered):
        PromptLists(path, lambda: NOW).sites()
    assert path.exists() is (content is not None)


def test_while_a_question_hangs_no_other_one_is_asked() -> None:
    prompt, end, asked = Prompt(limit_s=0.05), threading.Event(), []

    def hang() -> bool:
        return end.wait(DEADLINE_S)

    with pytest.raises(Unanswered):
        prompt.ask(hang)
    with pytest.raises(Unanswered):
        prompt.ask(lambda: asked.append(1))
    assert asked == []
    assert prompt.hanging
    end.set()
    while prompt.hanging:
        end.wait(0.01)
    assert prompt.ask(lambda: 7, limit_s=DEADLINE_S) == 7
    with pytest.raises(ZeroDivisionError):
        prompt.ask(lambda: 1 // 0, limit_s=DEADLINE_S)


# ---------------------------------------------------------------- threads


def test_the_threads_write_files_and_ticks_and_end(store: Store) -> None:
    written, kept = threading.Event(), threading.Event()
    desk = store.desk()
    put, keep = desk._shelf.put, desk._keep

    def put_and_say(*given: object) -> None:
        put(*given)  # pyright: ignore
        written.set()

    def keep_and_say(acts: object) -> None:
        keep(acts)  # pyright: ignore
        kept.set()

    desk._shelf.put = put_and_say  # pyright: ignore
    desk._keep = keep_and_say  # pyright: ignore
    desk.start()
    handle = open_call(desk)
    assert written.wait(DEADLINE_S)
    tick(desk, handle, 1)
    assert kept.wait(DEADLINE_S)
    desk.stop()
    assert all(not thread.is_alive() for thread in desk._threads)
    assert store.desk().look(1).handle == handle


def test_files_are_written_once_a_minute(store: Store) -> None:
    desk = store.desk()
    file = store.folder / FOLDER / "werf-noord.json"
    desk.step()
    first = file.read_bytes()
    store.now_ms += WRITE_MS - 1
    desk.step()
    assert file.read_bytes() == first
    store.now_ms += 1
    desk.step()
    assert file.read_bytes() != first
