"""The firmware of the terminals: orders and pieces go down, outcomes and crash logs come up.

Called by the desk with what is genuine already, from the link's thread; nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from hub.application.updates import ENDED_BADLY, Updates
from hub.terminals.watch import TerminalWatch
from protocol.limits import RECORD_SIZE
from protocol.mac import Mac
from protocol.messages import crash_kept, encode_control, firmware_order
from protocol.pieces import encode_piece
from protocol.record import KIND_UPDATE, record_ok, unpack_record
from protocol.topics import down_topic

log = structlog.get_logger()

KeepCrash = Callable[[str, int, int, str, Callable[[bool], None]], None]
"""Stores a piece (terminal, boot, first, text) and calls the last argument after the commit with
whether something new came."""


class FirmwareCare:
    """What a terminal and the hub say to each other about firmware.

    Args:
        updates: which terminal is to run what.
        publish: sends a payload on a topic; thread-safe, may lose it (the terminal asks again).
        watch: hears of updates and starts that went wrong.
        keep_crash: see `KeepCrash`.
        seen: called with terminal and firmware when a terminal introduces itself with another one
            than before in this process.
    """

    def __init__(
        self,
        updates: Updates,
        publish: Callable[[str, bytes], None],
        watch: TerminalWatch,
        keep_crash: KeepCrash,
        seen: Callable[[str, str], None],
    ) -> None:
        self._updates = updates
        self._publish = publish
        self._watch = watch
        self._keep_crash = keep_crash
        self._seen = seen
        self._running: dict[str, str] = {}

    def greeted(self, terminal: str, mac: Mac, firmware: str) -> None:
        """A terminal said hello: it hears its newest order again."""
        if self._running.get(terminal) != firmware:
            self._running[terminal] = firmware
            self._seen(terminal, firmware)
        self.offer(terminal, mac)

    def offer(self, terminal: str, mac: Mac) -> None:
        """Tells a terminal its newest order, if it has one; it decides what is left to do."""
        order = self._updates.order(terminal)
        if order is not None:
            self._control(
                terminal, mac, firmware_order(order.version, order.size, order.digest, order.number)
            )

    def heard(self, terminal: str, mac: Mac, fields: list[Any]) -> None:
        """Takes a control message named `firmware` or `crash`."""
        if fields[0] == "firmware":
            found = self._updates.piece(terminal, fields[1], fields[2])
            if found is None:
                self.offer(terminal, mac)  # the order changed while it was being fetched
                return
            digest, data = found
            payload = encode_piece(mac, terminal, digest, fields[2], data)
            self._publish(down_topic(terminal, "firmware"), payload)
            return
        _, boot, first, _, text = fields

        def kept(new: bool) -> None:
            self._control(terminal, mac, crash_kept(boot, first + len(text)))
            if new:
                self._watch.incident(terminal, "HUB-1226", str(boot))
                log.warning("gate crash log", terminal=terminal, boot=boot, text=text)

        self._keep_crash(terminal, boot, first, text, kept)

    def records(self, terminal: str, records: bytes) -> None:
        """Looks through a batch for what became of an update."""
        # One byte of each record; a batch without such a record costs nothing.
        if KIND_UPDATE not in records[4::RECORD_SIZE]:
            return
        for offset in range(0, len(records), RECORD_SIZE):
            if records[offset + 4] != KIND_UPDATE or not record_ok(records, offset):
                continue
            record = unpack_record(records, offset)
            outcome, why = record.data[0], record.data[1]
            order = self._updates.ended(terminal, outcome, why, record.data[2:8], record.utc_s)
            if order is not None:
                log.info("firmware", terminal=terminal, version=order.version, state=order.state)
                if order.state in ENDED_BADLY:
                    code = "HUB-1224" if order.state == "rolled_back" else "HUB-1225"
                    self._watch.incident(terminal, code, f"{order.version} {order.why}")

    def _control(self, terminal: str, mac: Mac, fields: list[Any]) -> None:
        self._publish(
            down_topic(terminal, "control"), encode_control(mac, "down", terminal, fields)
        )
