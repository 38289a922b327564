"""From the click that blocks a badge to the moment at which every connected gate refuses it.

The whole hub with its broker runs in this process, and so do the pages; each gate is a login of the
broker's with the firmware's own roster code over a flash folder, so that "in force" means that the
gate's decision has become "blocked", not that a message was on its way. One thread drives all
gates. What a Pico needs on top is its radio and its flash: 45 ms an erase, see `bench/device.py`.
"""

from __future__ import annotations

import selectors
import socket as sockets
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bench.crowd import settle
from bench.figures import percentile, row, title
from bench.rig import scratch
from firmware.decision import decide
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from hub.application.access import Actor
from hub.application.terminals import TerminalKey
from hub.clock import now_ms
from hub.domain.badges import days_since_2000
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Role
from hub.main import Hub
from hub.settings import BrokerSettings, Settings
from hub.storage.badges import handle_of
from hub.storage.engine import reading, writing
from hub.storage.register import Register
from hub.storage.schema import person
from hub.web.access import install_access
from hub.web.pages.people import every_people_page
from protocol import mqtt
from protocol.mac import Mac, broker_password
from protocol.messages import decode_control, encode_control, hello
from protocol.record import REASON_BLOCKED, REASON_NONE
from protocol.roster import decode_changes, decode_chunk
from protocol.topics import down_topic, parse_topic, up_topic

GATES = 20
PEOPLE = 2_000
LIMIT_S = 5.0
"""What a connected gate has to refuse a blocked badge."""
PATIENCE_S = 60.0
READ = 1 << 16
CSRF = "bench"


class _Office:
    """`AccessPort`: the administrator of this hub."""

    def actor(self, cookie: str) -> Actor:
        """Returns him."""
        del cookie
        return Actor("account:1", Role.ADMINISTRATOR, account_id=1, csrf=CSRF)


class LightGate:
    """A gate that costs little: its login, its link and the firmware's roster.

    Args:
        key: the terminal.
        flash: an empty folder.
    """

    def __init__(self, key: TerminalKey, flash: Path) -> None:
        flash.mkdir()
        self._key = key
        self._mac = Mac(key.key)
        self._reader = mqtt.PacketReader(READ)
        self.roster = Roster(str(flash))
        self._intake = RosterIntake(self.roster)
        self.socket = sockets.socket()

    def connect(self, port: int) -> None:
        """Logs in, listens, and says hello."""
        name = self._key.terminal
        self.socket = sockets.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        password = broker_password(self._key.key)
        will = up_topic(name, "status")
        self.socket.sendall(mqtt.connect(name, name, password, 600, will, b"offline"))
        topics = [down_topic(name, leaf) for leaf in ("control", "roster", "changes")]
        self.socket.sendall(mqtt.subscribe(1, topics, 0))
        self._say(hello(name.encode().rjust(8, b"-")[:8], 1, 0, 1, 0, "0.1.0"))

    def reason(self, tag: bytes) -> int:
        """Returns why it refuses this badge now."""
        today = days_since_2000(brussels_day(now_ms()))
        return decide(self.roster.version != 0, self.roster.row(tag), today)[1]

    def receive(self) -> None:
        """Takes what arrived."""
        self._reader.feed(self.socket.recv(READ))
        while (packet := self._reader.next_packet()) is not None:
            if packet[0] == "publish":
                self._take(packet[1], packet[2])

    def work(self) -> None:
        """Asks what it wants to know and keeps what it was told, until there is nothing to do."""
        clock = time.monotonic_ns() // 1_000_000
        while True:
            question = self._intake.question(clock)
            if question is not None:
                self._say(question)
            elif not self._intake.step(clock):
                return

    def _say(self, fields: list[object]) -> None:
        name = self._key.terminal
        payload = encode_control(self._mac, "up", name, fields)
        self.socket.sendall(mqtt.publish(up_topic(name, "control"), payload, 0, 0, False, False))

    def _take(self, topic: str, payload: bytes) -> None:
        name, _, leaf = parse_topic(topic)
        clock = time.monotonic_ns() // 1_000_000
        if leaf == "roster":
            self._intake.chunk(*decode_chunk(self._mac, name, payload), clock)
        elif leaf == "changes":
            self._intake.changes(*decode_changes(self._mac, name, payload), clock)
        else:
            fields = decode_control(self._mac, "down", name, payload)
            if fields[0] == "roster":
                self._intake.offered(fields[1], fields[2], fields[3], clock)


class Crowd:
    """All gates, and the moments at which each began to decide otherwise about one badge."""

    def __init__(self, gates: list[LightGate], tag: bytes) -> None:
        self._gates = gates
        self._tag = tag
        self._selector = selectors.DefaultSelector()
        for gate in gates:
            self._selector.register(gate.socket, selectors.EVENT_READ, gate)

    def wait(self, reason: int) -> list[float]:
        """Returns when each gate gave this reason (`time.perf_counter`).

        Raises:
            TimeoutError: one of them did not, in `PATIENCE_S`.
        """
        moments: dict[int, float] = {}
        start = time.perf_counter()
        while len(moments) < len(self._gates):
            if time.perf_counter() - start > PATIENCE_S:
                raise TimeoutError(f"{len(self._gates) - len(moments)} gates did not hear of it")
            for key, _ in self._selector.select(0.01):
                key.data.receive()
            for number, gate in enumerate(self._gates):
                gate.work()
                if number not in moments and gate.reason(self._tag) == reason:
                    moments[number] = time.perf_counter()
        return list(moments.values())


def blocking(runs: int) -> None:
    """Prints how long a blocked badge is still let in, over all gates and runs."""
    title(f"Blocking a badge: {GATES} connected gates, {PEOPLE:,} badges")
    pace = sys.getswitchinterval()
    with scratch() as folder, ExitStack() as stack:
        house, tags = settle(folder / "hub", PEOPLE)
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            for number in range(GATES):
                register.add_terminal(f"b{number}", f"b{number}", "Bench", "in", now_ms())
            keys = [one for one in register.terminals() if one.terminal.startswith("b")]
        with reading(house.engine) as connection:
            token = connection.execute(select(person.c.token).where(person.c.id == 1)).scalar_one()
        where = f"/people/{token}/badges/{handle_of(house.vault, tags[0])}"
        house.close()
        hub = Hub(Settings(data=folder / "hub", broker=BrokerSettings(port=0)), now_ms)
        stack.callback(hub.stop)
        port = hub.start().broker_port
        app = FastAPI()
        install_access(app, _Office())
        for make in every_people_page(hub.office):
            app.include_router(make())
        client = stack.enter_context(TestClient(app, follow_redirects=False))
        gates = [LightGate(key, folder / key.terminal) for key in keys]
        for gate in gates:
            gate.connect(port)
        crowd = Crowd(gates, tags[0])
        crowd.wait(REASON_NONE)
        waited = [one for _ in range(runs) for one in _once(client, f"{where}/block", crowd)]
        for gate in gates:
            gate.socket.close()
    sys.setswitchinterval(pace)
    slowest = max(waited)
    row("p50, from the POST to the refusal in force", [percentile(waited, 50) * 1000], "ms")
    row("slowest gate of all runs", [slowest * 1000], "ms")
    print(f"  {slowest / LIMIT_S:.1%} of the {LIMIT_S:.0f} s that a connected gate has", flush=True)


def _once(client: TestClient, block: str, crowd: Crowd) -> list[float]:
    """Blocks the badge and, when all gates refuse it, opens it again for the next run."""
    posted: list[float] = []

    def post(path: str) -> None:
        posted.append(time.perf_counter())
        answer = client.post(path, data={"csrf": CSRF})
        if answer.status_code != 303:
            raise RuntimeError(f"{answer.status_code} instead of a change")

    waited: list[float] = []
    for path, reason in (
        (block, REASON_BLOCKED),
        (block.replace("/block", "/unblock"), REASON_NONE),
    ):
        thread = threading.Thread(target=post, args=(path,))
        thread.start()
        moments = crowd.wait(reason)
        thread.join()
        if reason == REASON_BLOCKED:
            waited = [moment - posted[0] for moment in moments]
    return waited
