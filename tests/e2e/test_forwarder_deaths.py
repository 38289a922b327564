"""The hub is killed between claim, send, answer and commit: nothing is lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from hub.domain.legal_day import BRUSSELS
from hub.storage import decisions
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.storage.schema import registration
from hub.storage.works import put_works, set_regime
from tests.hub.derived import Site
from tests.hub.house import HEADER, people_house, record
from tests.rest.conftest import certified, pem
from tests.soap.simulated import ROOT, SimulatedAuthority

pytestmark = pytest.mark.processes

START_MS = 1_795_413_600_000
"""2026-11-23 07:00:00 in Brussels, where the authority's clock starts."""
MINUTE_MS = 60_000
CANCEL_PATH = "/sim-only/presenceRegistrations/{number}/cancel"
PLACE = '{"longitude": 4.35, "latitude": 50.85}'
WORKS = {"day": "1Y19FAKE001AZ", "in_out": "1Y19FAKE005EZ"}
CARDS = tuple(bytes.fromhex(f"04A1B2C3D4E50{index}") for index in range(1, 4))
_FAMILIES = count(1)
INSS = ("85031299761", "78041799366", "82093099188")


@dataclass
class Ground:
    """One authority for all deaths, the key of the REST channel, and where hubs come from."""

    authority: SimulatedAuthority
    key_file: Path
    lives: subprocess.Popen[str]
    """What splits off the processes that die."""

    def service(self, regime: str) -> dict[str, Any]:
        """The settings of a regime's service."""
        if regime == "day":
            return {"url": self.authority.soap}
        return {
            "url": self.authority.rest,
            "token_url": self.authority.token,
            "client_id": "sim-client-1",
            "certificate": str(self.key_file),
            "can_cancel": True,
            "cancel_path": CANCEL_PATH,
        }

    def live(self, told: dict[str, Any], said: Path) -> int:
        """One process's life; returns how it ended, negative for a signal."""
        assert self.lives.stdin is not None
        assert self.lives.stdout is not None
        self.lives.stdin.write(json.dumps({"told": told, "said": str(said)}) + "\n")
        self.lives.stdin.flush()
        return int(self.lives.stdout.readline())

    def held(self, regime: str, references: set[str]) -> list[tuple[str, int, bool]]:
        """(reference, number, cancelled) of all that is held under these references."""
        asked = "registrations" if regime == "day" else "events"
        rows = self.authority._ask("GET", f"/sim/{asked}")
        return sorted(
            (row["reference"], row["number"], row["cancel_reason"] is not None)
            for row in rows
            if row["reference"] in references
        )


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_file = folder / "channel.pem"
    key_file.write_bytes(pem(key))
    program = str(Path(__file__).parent / "forwarder_that_dies.py")
    lives = subprocess.Popen(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with lives, SimulatedAuthority(folder) as authority:
        certificate = certified(key).public_bytes(Encoding.PEM).decode()
        authority.order("client", id="sim-client-1", certificate=certificate)
        authority.order("rest", can_cancel=True)
        yield Ground(authority, key_file, lives)
        assert lives.stdin is not None
        lives.stdin.close()


class Hub:
    """A data folder with three people who have tapped, and the processes that work on it."""

    def __init__(self, folder: Path, regime: str, ground: Ground) -> None:
        self.folder = folder
        self.regime = regime
        self.ground = ground
        self.now_ms = START_MS
        # People of their own: the same ones would have the same references at the authority.
        family = f"Aarts {next(_FAMILIES)}"
        rows = "\n".join(
            f"Werf Noord;{WORKS[regime]};0999000129;Bouwwerken;{family};P{index};{inss};;"
            f"{card.hex().upper()};nl;"
            for index, (inss, card) in enumerate(zip(INSS, CARDS, strict=True))
        )
        with people_house(folder, f"{HEADER}\n{rows}\n") as house:
            with writing(house.house.engine) as connection:
                site_id = Register(connection, house.house.vault).site_named("Werf Noord")
                put_works(connection, WORKS[regime], site_id, place=PLACE)
                if regime == "in_out":
                    set_regime(connection, WORKS[regime], date(2026, 1, 1), "in_out")
            site = Site(house)
            taps = [
                record(seq, house.tag(card), START_MS - 1000) for seq, card in enumerate(CARDS, 1)
            ]
            site.arrive("gate-in", START_MS, *taps)
            site.project()
            self.references = {row.reference for row in site.rows(registration)}
        assert len(self.references) == 3

    def run(self, die_at: str = "") -> dict[str, tuple[str, int | None]]:
        """One process's life; returns (state, number) by reference when it ends by itself."""
        told = {
            "folder": str(self.folder),
            "regime": self.regime,
            "service": self.ground.service(self.regime),
            "now_ms": self.now_ms,
            "die_at": die_at,
        }
        # Both have the same time: a token is not asked for by a hub that lives in the future.
        moment = datetime.fromtimestamp(self.now_ms / 1000, BRUSSELS).replace(tzinfo=None)
        self.ground.authority.order("clock", now=moment.isoformat())
        said = self.folder / "said"
        said.write_text("")
        ended = self.ground.live(told, said)
        self.now_ms += MINUTE_MS
        assert ended == (-signal.SIGKILL if die_at else 0), said.read_text()
        if die_at:
            return {}
        return {key: tuple(value) for key, value in json.loads(said.read_text()).items()}

    def withdraw_all(self) -> None:
        """Somebody asks to cancel every registration."""
        with closing(open_house(self.folder)) as house, writing(house.engine) as connection:
            for reference in connection.execute(select(registration.c.reference)).scalars().all():
                decisions.withdraw(
                    connection, reference, "PLANNING", self.now_ms, "test", in_out_cancels=True
                )

    def states(self) -> set[str]:
        """The states that are on the disk."""
        with closing(open_house(self.folder)) as house, reading(house.engine) as connection:
            return set(connection.execute(select(registration.c.state)).scalars())


@pytest.mark.parametrize("regime", ["day", "in_out"])
@pytest.mark.parametrize(
    ("point", "left"), [(1, "sending"), (2, "sending"), (3, "sending"), (4, "registered")]
)
def test_a_hub_killed_while_registering(
    ground: Ground, tmp_path: Path, regime: str, point: int, left: str
) -> None:
    hub = Hub(tmp_path, regime, ground)
    hub.run(f"register:{point}")
    assert hub.states() == {left}
    registered = hub.run()
    assert ground.held(regime, hub.references) == sorted(
        (reference, number, False) for reference, (_, number) in registered.items()
    )
    assert len(registered) == 3


@pytest.mark.parametrize("regime", ["day", "in_out"])
@pytest.mark.parametrize(
    ("point", "left"), [(1, "cancelling"), (2, "cancelling"), (3, "cancelling"), (4, "cancelled")]
)
def test_a_hub_killed_while_cancelling(
    ground: Ground, tmp_path: Path, regime: str, point: int, left: str
) -> None:
    hub = Hub(tmp_path, regime, ground)
    registered = hub.run()
    hub.withdraw_all()
    hub.run(f"cancel:{point}")
    assert hub.states() == {left}
    cancelled = hub.run()
    assert {state for state, _ in cancelled.values()} == {"cancelled"}
    assert ground.held(regime, hub.references) == sorted(
        (reference, number, True) for reference, (_, number) in registered.items()
    )
