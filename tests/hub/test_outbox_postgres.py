"""The outbox on PostgreSQL: the same contract, and several workers at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from hub.application.outbox import LEASE_MS
from hub.application.ports import PresenceItem
from hub.errors import PermanentError, UsageError
from hub.storage.outbox import Outbox
from hub.storage.postgresql import OwnTransactions, open_postgresql
from hub.storage.schema import company, metadata, person, registration, site, works
from hub.storage.secrets import Vault, open_vault
from tests.hub import postgres
from tests.hub.outbox_contract import NOW_MS, WORKS, OutboxContract, posted, reference

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL server here"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server for this module."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """Its database, empty."""
    engine = open_postgresql(address)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "meta":
                connection.execute(table.delete())
        connection.execute(insert(site).values(id=1, name="Werf Noord"))
        connection.execute(insert(works).values(number=WORKS, site_id=1))
        connection.execute(insert(company).values(id=1, number="0999000129", name="Bouw"))
    yield engine
    engine.dispose()


class PostgresBench:
    """`OutboxBench` on PostgreSQL."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self.engine = engine
        self.vault = vault
        self._outbox = self.outbox_of("hub:0")

    def outbox_of(self, worker: str) -> Outbox:
        """The outbox of a worker."""
        return Outbox(OwnTransactions(self.engine), self.vault, worker=worker)

    @property
    def outbox(self) -> Outbox:
        """See `OutboxBench`."""
        return self._outbox

    def reopen(self) -> Outbox:
        """See `OutboxBench`."""
        self._outbox = self.outbox_of("hub:0")
        return self._outbox

    def add(self, item: PresenceItem, tap_ms: int, due_ms: int) -> None:
        """See `OutboxBench`."""
        values: dict[str, object] = {"company_id": 1}
        for kind, number in (("inss", item.inss), ("limosa", item.limosa)):
            if number:
                values[f"{kind}_sealed"] = self.vault.seal(kind, number.encode())
        with self.engine.begin() as connection:
            result = connection.execute(
                insert(person).values(
                    token=item.reference, family_name="F", given_name="G", works_number=WORKS,
                    language="nl", **values,
                )
            )  # fmt: skip
            who = result.inserted_primary_key[0]  # pyright: ignore[reportOptionalSubscript]
            connection.execute(
                insert(registration).values(
                    reference=item.reference, person_id=who, site_id=1, works_number=WORKS,
                    day=item.day.isoformat(), state="due", cause="first_tap", tap_ms=tap_ms,
                    due_ms=due_ms, changed_ms=tap_ms,
                )
            )  # fmt: skip

    def _value(self, name: str, column: str) -> object:
        with self.engine.connect() as connection:
            query = select(registration.c[column]).where(registration.c.reference == name)
            return connection.execute(query).scalar_one()

    def state(self, name: str) -> str:
        """See `OutboxBench`."""
        return str(self._value(name, "state"))

    def number(self, name: str) -> int | None:
        """See `OutboxBench`."""
        found = self._value(name, "number")
        return found if isinstance(found, int) else None


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Fresh keys."""
    return open_vault(tmp_path / "keys.json", create=True)


class TestPostgresOutbox(OutboxContract):
    """The contract of every outbox."""

    @pytest.fixture
    def bench(self, engine: Engine, vault: Vault) -> PostgresBench:
        return PostgresBench(engine, vault)


def test_a_row_that_another_worker_holds_locked_is_passed_over(
    engine: Engine, vault: Vault
) -> None:
    bench = PostgresBench(engine, vault)
    for index in range(3):
        bench.add(posted(index), NOW_MS, NOW_MS - 10 + index)
    with engine.begin() as other:
        locked = select(registration).where(registration.c.reference == reference(0))
        other.execute(locked.with_for_update())
        claims = bench.outbox.claim(NOW_MS, 2)
        assert [claim.reference for claim in claims] == [reference(1), reference(2)]
    assert [claim.reference for claim in bench.outbox.claim(NOW_MS, 2)] == [reference(0)]


def test_workers_at_the_same_time_share_everything_and_take_nothing_twice(
    engine: Engine, vault: Vault
) -> None:
    bench = PostgresBench(engine, vault)
    for index in range(120):
        bench.add(posted(index), NOW_MS, NOW_MS)
    taken: list[str] = []
    start = threading.Barrier(4)

    def work(worker: str) -> None:
        outbox = bench.outbox_of(worker)
        start.wait()
        while claims := outbox.claim(NOW_MS, 7):
            taken.extend(claim.reference for claim in claims)

    threads = [threading.Thread(target=work, args=(f"hub:{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(taken) == dict.fromkeys((reference(index) for index in range(120)), 1)


def test_a_lease_keeps_others_away_until_it_runs_out(engine: Engine, vault: Vault) -> None:
    bench = PostgresBench(engine, vault)
    bench.add(posted(0), NOW_MS, NOW_MS)
    first, second = bench.outbox_of("a:1"), bench.outbox_of("b:1")
    assert len(first.claim(NOW_MS, 10)) == 1
    assert second.recover(NOW_MS + LEASE_MS - 1) == 0
    assert second.recover(NOW_MS + LEASE_MS) == 1
    assert bench.state(reference(0)) == "in_doubt"
    assert len(second.doubtful(NOW_MS + LEASE_MS, 10)) == 1
    # Looked up by the second, so the first leaves it alone.
    assert first.doubtful(NOW_MS + LEASE_MS, 10) == []


@pytest.mark.parametrize("first", ["registered", "cancelled"])
def test_one_live_registration_for_a_subject_is_a_rule_of_the_database(
    engine: Engine, vault: Vault, first: str
) -> None:
    bench = PostgresBench(engine, vault)
    bench.add(posted(0), NOW_MS, NOW_MS)
    with engine.begin() as connection:
        connection.execute(update(registration).values(state=first))
        row = dict(connection.execute(select(registration)).mappings().one())
    second = insert(registration).values({**row, "reference": reference(1), "state": "due"})
    if first == "cancelled":
        with engine.begin() as connection:
            connection.execute(second)
        return
    with pytest.raises(IntegrityError, match="registration_one_live"), engine.begin() as connection:
        connection.execute(second)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://localhost/x", "HUB-1324"),
        ("postgresql://me:secret@localhost/x", "HUB-1324"),
        ("no address", "HUB-1324"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_at_once(url: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_postgresql(url)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as caught:
        open_postgresql(f"postgresql://me@/x?host={tmp_path}")
    assert caught.value.code == "HUB-1325"


def test_days_do_not_depend_on_the_time_zone_of_the_server(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
