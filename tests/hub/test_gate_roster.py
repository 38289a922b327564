"""From a people file to the decision at a gate: real register, real desk, the gate's modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.decision import decide
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from hub.application.people_file import read_people_file
from hub.application.rosters import build_rosters
from hub.application.terminals import TerminalKey
from hub.domain.badges import days_since_2000
from hub.domain.legal_day import brussels_day
from hub.storage.engine import reading, writing
from hub.storage.register import Register
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control, hello
from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
    REASON_UNKNOWN_BADGE,
)
from protocol.roster import decode_changes, decode_chunk
from protocol.topics import parse_topic, up_topic
from tests.hub.house import (
    BASILE,
    HEADER,
    JOURNAL,
    MILAN,
    NOON_MS,
    PEOPLE,
    PIOTR,
    TestHouse,
    people_house,
)

AN = bytes.fromhex("04A1B2C3D4E50C")
TODAY = brussels_day(NOON_MS)
WIDE = f"{HEADER};valid_from;badge_state"
MILAN_IS = "Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken;Aarts;Milan;85031299761;;04A1B2C3D4E501"


class Link:
    """A hub and its gates, each message carried at once.

    Args:
        place: the house with its register.
        folder: where the gates have their flash.
    """

    def __init__(self, place: TestHouse, folder: Path) -> None:
        self.place = place
        self.now_ms = 0
        self.asked: list[str] = []
        self._sent: list[tuple[str, bytes]] = []
        self._gates: dict[str, tuple[TerminalKey, Roster, RosterIntake]] = {}
        watch = TerminalWatch(lambda *_: None, lambda: None, lambda: NOON_MS)
        self._watch = watch
        self.restart_hub()
        with reading(place.house.engine) as connection:
            keys = Register(connection, place.house.vault).terminals()
        for key in keys:
            flash = folder / key.terminal
            flash.mkdir()
            roster = Roster(str(flash))
            self._gates[key.terminal] = (key, roster, RosterIntake(roster))

    def restart_hub(self) -> None:
        """The hub has forgotten every roster."""
        self.desk = TerminalDesk(
            lambda _arrival: None,
            lambda topic, payload: self._sent.append((topic, payload)),
            self._watch,
            lambda: NOON_MS,
        )

    def close(self) -> None:
        """The gates have no flash any more."""
        for _key, roster, _intake in self._gates.values():
            roster.base.forget()

    def take_register(self) -> None:
        """What the hub does a second after another process changed the register."""
        with reading(self.place.house.engine) as connection:
            register = Register(connection, self.place.house.vault)
            site_ids = [site_id for site_id, _name in register.sites()]
            rosters = build_rosters(register.version(), register.badges(), site_ids)
            keys = register.terminals()
        self.desk.replace(keys, rosters)
        self.carry()

    def read_file(self, people: str) -> None:
        """`sitegate import`."""
        rows = read_people_file(people.encode(), TODAY).rows
        assert rows
        with writing(self.place.house.engine) as connection:
            Register(connection, self.place.house.vault).import_people(rows, NOON_MS)
        self.take_register()

    def greet(self) -> None:
        """Every gate says hello."""
        for key, roster, _intake in self._gates.values():
            self._say(key, hello(JOURNAL, 1, 0, 1, roster.version, "0.1.0"))
        self.carry()

    def _say(self, key: TerminalKey, fields: list[object]) -> None:
        self.asked.append(str(fields[0]))
        payload = encode_control(Mac(key.key), "up", key.terminal, fields)
        self.desk.deliver(up_topic(key.terminal, "control"), payload)

    def carry(self) -> None:
        """Carries messages and lets the gates work until everything is quiet."""
        quiet = False
        while not quiet:
            quiet = not self._sent
            while self._sent:
                self._hand_over(*self._sent.pop(0))
            for key, _roster, intake in self._gates.values():
                question = intake.question(self.now_ms)
                if question is not None:
                    self._say(key, question)
                quiet = quiet and question is None and not intake.step(self.now_ms)

    def _hand_over(self, topic: str, payload: bytes) -> None:
        terminal, _down, leaf = parse_topic(topic)
        key, _roster, intake = self._gates[terminal]
        if leaf == "roster":
            intake.chunk(*decode_chunk(Mac(key.key), terminal, payload), self.now_ms)
        elif leaf == "changes":
            intake.changes(*decode_changes(Mac(key.key), terminal, payload), self.now_ms)
        else:
            fields = decode_control(Mac(key.key), "down", terminal, payload)
            if fields[0] == "roster":
                _name, version, rows, sha256 = fields
                intake.offered(version, rows, sha256, self.now_ms)

    def reason(self, uid: bytes, terminal: str = "gate-in") -> int:
        """Why this gate refuses that card."""
        _key, roster, _intake = self._gates[terminal]
        row = roster.row(self.place.tag(uid))
        return decide(roster.version != 0, row, days_since_2000(TODAY))[1]


@pytest.fixture
def link(tmp_path: Path):
    """A hub with two gates on one site and one on another, which hold the first roster."""
    (tmp_path / "hub").mkdir()
    south = "Chantier Sud;1Y19FAKE002BZ;0999000129;;Maes;An;90431599864;;04A1B2C3D4E50C;fr;\n"
    with people_house(tmp_path / "hub", PEOPLE + south) as place:
        with writing(place.house.engine) as connection:
            register = Register(connection, place.house.vault)
            register.add_terminal("gate-sud", "Sud", "Chantier Sud", "in", NOON_MS)
        link = Link(place, tmp_path)
        link.take_register()
        link.greet()
        link.asked.clear()
        yield link
        link.close()


def test_a_badge_blocked_by_a_file_is_refused_at_every_gate_and_opens_again(link: Link) -> None:
    gates = ("gate-in", "gate-out", "gate-sud")
    assert [link.reason(MILAN, gate) for gate in gates] == [
        REASON_NONE,
        REASON_NONE,
        REASON_OTHER_SITE,
    ]
    link.read_file(f"{WIDE}\n{MILAN_IS};nl;;;blocked\n")
    assert [link.reason(MILAN, gate) for gate in gates] == [REASON_BLOCKED] * 3
    assert (link.reason(BASILE), link.reason(PIOTR)) == (REASON_NONE, REASON_NONE)
    # One question for each gate, and never the whole.
    assert link.asked == ["changes"] * 3
    link.read_file(f"{WIDE}\n{MILAN_IS};nl;;;active\n")
    assert link.reason(MILAN) == REASON_NONE
    assert "roster" not in link.asked


def test_first_day_last_day_and_other_site_are_told_at_the_gate(link: Link) -> None:
    for cells, reason in (
        ("nl;;24/11/2026;", REASON_NOT_YET),
        ("nl;;23/11/2026;", REASON_NONE),
        ("nl;22/11/2026;;", REASON_EXPIRED),
        ("nl;23/11/2026;23/11/2026;", REASON_NONE),
    ):
        link.read_file(f"{WIDE}\n{MILAN_IS};{cells}\n")
        assert link.reason(MILAN) == reason
    assert (link.reason(AN), link.reason(AN, "gate-sud")) == (REASON_OTHER_SITE, REASON_NONE)
    moved = MILAN_IS.replace("Werf Noord;1Y19FAKE001AZ", "Chantier Sud;1Y19FAKE002BZ")
    link.read_file(f"{WIDE}\n{moved};nl;;;\n")
    assert (link.reason(MILAN), link.reason(MILAN, "gate-sud")) == (REASON_OTHER_SITE, REASON_NONE)
    assert link.reason(bytes(7)) == REASON_UNKNOWN_BADGE
    assert "roster" not in link.asked


def test_an_import_that_changes_no_badge_costs_no_question(link: Link) -> None:
    link.read_file(PEOPLE)
    assert link.asked == []
    link.read_file(f"{WIDE}\n{MILAN_IS};nl;;;blocked\n")
    assert link.reason(MILAN) == REASON_BLOCKED


def test_after_a_restart_of_the_hub_the_gates_fetch_the_whole_once(link: Link) -> None:
    link.restart_hub()
    link.take_register()
    assert link.asked == []
    link.restart_hub()
    link.read_file(f"{WIDE}\n{MILAN_IS};nl;;;blocked\n")
    assert link.reason(MILAN) == REASON_BLOCKED
    assert sorted(link.asked) == ["changes"] * 3 + ["roster"] * 3
    link.asked.clear()
    link.read_file(f"{WIDE}\n{MILAN_IS};nl;;;active\n")
    assert link.reason(MILAN) == REASON_NONE
    assert link.asked == ["changes"] * 3
