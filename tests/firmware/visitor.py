"""Somebody at the gate: what he sees on the panel, and how he taps."""

from __future__ import annotations

from protocol.record import KIND_ROSTER
from simulator.gate import Gate, Panel
from tests.firmware.hand_broker import HandBroker
from tests.firmware.rig import SITE

WAIT_S = 10.0
BADGES = ("04a1b2c3d4e5f6", "deadbeef", "0102030405060708090a")


def online(panel: Panel) -> bool:
    return "SERVER OK" in panel["lines"]


def offline(panel: Panel) -> bool:
    return any(line.startswith("OFFLINE - OK") for line in panel["lines"])


def green(panel: Panel) -> bool:
    return panel["ring"][0] == [0, 160, 0] and panel["arm"] == "open"


def at_rest(panel: Panel) -> bool:
    return SITE in panel["lines"] and panel["ring"][0] != [0, 160, 0]


async def tap(gate: Gate, uid: str) -> Panel:
    """A granted tap: the panel at the moment of green; the badge is gone afterwards."""
    await gate.wait_panel(at_rest, WAIT_S)
    await gate.present(uid)
    panel = await gate.wait_panel(green, WAIT_S)
    await gate.wait_panel(lambda p: "BEWAARD" in p["lines"], WAIT_S)
    await gate.remove()
    return panel


async def first_contact(gate: Gate, broker: HandBroker) -> None:
    """Until the gate has time and roster, and the hub has all it wrote."""
    await gate.wait_panel(online, WAIT_S)
    await broker.wait(lambda: any(r.kind == KIND_ROSTER and r.data[0] for r in records(broker)))


def records(broker: HandBroker) -> list:
    return list(broker.records.values())
