"""Sessions on the database: when they end, who they are, what they cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from hub.application.access import COMMAND
from hub.application.accounts import ADDRESSES_KEPT, Tries, check_password, lock_ms, network_of
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.settings import AccessSettings
from hub.storage.accounts import Accounts, NewAccount, worker_account
from hub.storage.engine import reading, writing
from hub.storage.schema import web_session
from hub.storage.sessions import Sessions, begin_session, end_session, end_sessions, sessions_of
from tests.hub.house import NOON_MS, TestHouse, people_house

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NUMBER = "0999000129"


class World:
    """Sessions on a house, and a clock that tests move."""

    def __init__(self, house: TestHouse) -> None:
        self.house = house.house
        self.now_ms = NOON_MS
        self.writes = 0
        self.sessions = Sessions(self.house.engine, self.write, lambda: self.now_ms, SETTINGS)

    def write(self, change: object) -> None:
        self.writes += 1
        with writing(self.house.engine) as connection:
            change(connection)  # pyright: ignore

    def accounts(self, connection: Connection) -> Accounts:
        return Accounts(connection, self.house.vault, COMMAND, self.now_ms)

    def begin(self, role: Role, complete: bool = True) -> str:
        with writing(self.house.engine) as connection:
            if role is Role.WORKER:
                account_id = worker_account(connection, self.house.vault, 1, self.now_ms)
            else:
                new = NewAccount(str(role), "Name", role, NUMBER, ("Werf Noord",))
                account_id = self.accounts(connection).add(new).id
            until_ms = self.now_ms + SETTINGS.session_hours * HOUR_MS
            return begin_session(connection, account_id, self.now_ms, until_ms, complete)

    def alive_after(self, cookie: str, ms: int) -> bool:
        self.now_ms += ms
        return self.sessions.actor(cookie) is not None


SETTINGS = AccessSettings()


@pytest.fixture
def world(tmp_path: Path) -> object:
    with people_house(tmp_path) as house:
        yield World(house)


def test_a_session_says_who_and_how_far(world: World) -> None:
    actor = world.sessions.actor(world.begin(Role.SUPERVISOR))
    assert actor is not None
    assert (actor.name, actor.role, actor.sites) == ("account:1", Role.SUPERVISOR, frozenset({1}))
    assert (actor.company_id, actor.label) == (None, "Name")
    assert len(actor.csrf) == 43
    actor = world.sessions.actor(world.begin(Role.CONTRACTOR))
    assert actor is not None
    assert actor.company_id == 1
    assert actor.sites == frozenset()


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "x" * 10_000, "\udcff"])
def test_any_other_cookie_is_nobody(world: World, cookie: str) -> None:
    world.begin(Role.ADMINISTRATOR)
    assert world.sessions.actor(cookie) is None
    assert world.sessions.pending(cookie) is None


def test_a_session_ends_when_nobody_uses_it(world: World) -> None:
    cookie = world.begin(Role.ADMINISTRATOR)
    assert world.alive_after(cookie, SETTINGS.idle_minutes * MINUTE_MS - 1)
    assert world.alive_after(cookie, SETTINGS.idle_minutes * MINUTE_MS - 1)
    assert not world.alive_after(cookie, SETTINGS.idle_minutes * MINUTE_MS)


def test_a_session_ends_when_it_is_old_however_busy(world: World) -> None:
    cookie = world.begin(Role.ADMINISTRATOR)
    for _ in range(SETTINGS.session_hours - 1):
        assert world.alive_after(cookie, HOUR_MS)
    assert world.alive_after(cookie, HOUR_MS - 1)
    assert not world.alive_after(cookie, 1)


def test_a_guards_screen_is_never_idle_and_a_workers_soon(world: World) -> None:
    guard, worker = world.begin(Role.GUARD), world.begin(Role.WORKER)
    assert world.alive_after(worker, 14 * MINUTE_MS)
    assert not world.alive_after(worker, 15 * MINUTE_MS)
    assert world.alive_after(guard, 11 * HOUR_MS)
    assert not world.alive_after(guard, HOUR_MS)


def test_a_clock_that_went_back_opens_nothing(world: World) -> None:
    cookie = world.begin(Role.ADMINISTRATOR)
    assert not world.alive_after(cookie, -1)


def test_a_session_whose_second_factor_is_due_is_nobody(world: World) -> None:
    cookie = world.begin(Role.ADMINISTRATOR, complete=False)
    assert world.sessions.actor(cookie) is None
    pending = world.sessions.pending(cookie)
    assert pending is not None
    assert pending.account_id == 1
    world.now_ms += 10 * MINUTE_MS
    assert world.sessions.pending(cookie) is None


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    world.begin(Role.ADMINISTRATOR)
    cookie = world.begin(Role.GUARD)
    with writing(world.house.engine) as connection:
        accounts = world.accounts(connection)
        accounts.disable(accounts.by_login("guard"))
    assert world.sessions.actor(cookie) is None
    with writing(world.house.engine) as connection:
        accounts = world.accounts(connection)
        accounts.enable(accounts.by_login("guard"))
    assert world.sessions.actor(cookie) is None  # enabling gives no old session back


def test_the_last_use_is_written_at_most_once_a_minute(world: World) -> None:
    cookie = world.begin(Role.ADMINISTRATOR)
    for _ in range(60):
        assert world.alive_after(cookie, 1_000)
    assert world.writes == 1
    assert world.alive_after(cookie, 59_999)
    assert world.writes == 1
    assert world.alive_after(cookie, 1)
    assert world.writes == 2


def test_others_end_and_this_one_stays(world: World) -> None:
    first = world.begin(Role.ADMINISTRATOR)
    with writing(world.house.engine) as connection:
        second = begin_session(connection, 1, world.now_ms, world.now_ms + HOUR_MS)
        shown = sessions_of(connection, 1, world.now_ms, second)
        assert sorted(row.current for row in shown) == [False, True]
        assert end_sessions(connection, 1, but=second) == 1
    assert world.sessions.actor(first) is None
    assert world.sessions.actor(second) is not None
    with writing(world.house.engine) as connection:
        end_session(connection, second)
    assert world.sessions.actor(second) is None


def test_what_is_over_is_swept_out(world: World) -> None:
    world.begin(Role.ADMINISTRATOR)
    world.now_ms += 12 * HOUR_MS
    world.begin(Role.GUARD)
    with reading(world.house.engine) as connection:
        assert len(connection.execute(select(web_session)).all()) == 1


# ---------------------------------------------------------------- rules


def test_the_wait_grows_to_an_hour_and_no_further() -> None:
    waits = [lock_ms(failures, 5) // MINUTE_MS for failures in (0, 4, 5, 6, 7, 10, 11, 12, 9_999)]
    assert waits == [0, 0, 1, 2, 4, 32, 60, 60, 60]


@pytest.mark.parametrize(
    ("password", "login", "code"),
    [
        ("x" * 11, "ada", "HUB-1603"),
        ("x" * 129, "ada", "HUB-1603"),
        ("here is ADA again", "ada", "HUB-1604"),
        ("the one of ada.claes", "ada.claes@example.be", "HUB-1604"),
    ],
)
def test_passwords_that_are_refused(password: str, login: str, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        check_password(password, login)


@pytest.mark.parametrize(
    "password", ["x" * 12, "x" * 128, "            ", "élève à l'école", "aaaaaaaaaaaa"]
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    check_password(password, "ada")


def test_an_ipv6_customer_is_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")


def test_addresses_are_counted_apart_and_forgotten() -> None:
    now = [NOON_MS]
    tries = Tries(lambda: now[0], most=2)
    for _ in range(2):
        assert tries.wait_ms("192.0.2.1") == 0
        tries.wrong("192.0.2.1")
    assert tries.wait_ms("192.0.2.1") == 15 * MINUTE_MS
    assert tries.wait_ms("192.0.2.2") == 0
    now[0] += 15 * MINUTE_MS
    assert tries.wait_ms("192.0.2.1") == 0
    for number in range(ADDRESSES_KEPT + 5):
        tries.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(tries._wrong) == ADDRESSES_KEPT
