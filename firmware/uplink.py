"""What the gate says to the hub and hears from it, whatever carries the bytes.

The carrier (`mqtt_link`) asks `next` for the next thing to send, hands over what arrived to
`received`, and waits for `work` in between. Nothing is queued here: what is unsent follows from the
journal, and every question is asked when its time has come.
"""

import asyncio
import gc
import struct
from binascii import unhexlify

from firmware import VERSION
from firmware.journal import JournalError
from protocol import messages
from protocol.batch import encode_batch
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.limits import RECORD_SIZE, RESEND_MS
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control
from protocol.pieces import decode_piece
from protocol.record import KIND_ROSTER, KIND_TIME_SET, REASON_NONE, ROSTER_DATA, TIME_SET_DATA
from protocol.roster import decode_changes, decode_chunk
from protocol.sync import Sender

HEALTH_MS = 30 * 1000
PROBE_MS = 20 * 1000
"""Without a word from the hub for so long, it is asked something. A broker answers pings by itself:
only this tells that the hub behind it lives, also at a gate where nobody taps."""
SILENCE_MS = 3 * RESEND_MS
"""A hub that leaves something unanswered for so long is shown as not reached."""


class Uplink:
    """One gate's conversation with its hub.

    Attributes: work (an `asyncio.Event`: something may be there to send), greeted (the hub itself
    has answered on this connection), refused (messages from outside that were not used), sender
    (the `Sender`).

    Args:
        settings: of this gate.
        clock, journal, roster, intake: the parts it speaks for.
        health: returns a dict with the other numbers of `messages.HEALTH`.
        set_calendar: called with UTC seconds when the hub has told the time.
        feedback: has `receipts(day, pairs, now_ms)` and `passed(pairs)` for what became of taps.
    """

    def __init__(
        self, settings, clock, journal, roster, intake, health, set_calendar, feedback
    ) -> None:
        self._mac = Mac(settings.key)
        self._terminal = settings.terminal
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._intake = intake
        self._health = health
        self._set_calendar = set_calendar
        self._feedback = feedback
        self.sender = Sender(journal.floor, journal.head)
        self.work = asyncio.Event()
        self.refused = 0
        self._up = False
        self.greeted = False
        self._waiting_since = -1
        self._hub_ms = 0  # when the hub itself last said anything genuine
        self._probed_ms = 0
        self._health_at = 0
        self._roster_noted = True
        self._update = None
        self._crash_log = None
        journal.appended = self._appended
        intake.changed = self._roster_changed
        intake.wake = self.work.set

    def speak_for(self, update, crash_log) -> None:
        """From now on it speaks for the gate's `Update` and `CrashLog` too."""
        self._update = update
        self._crash_log = crash_log

    # --- carrier ---------------------------------------------------------------------------------

    def connected(self, now_ms: int) -> None:
        """The carrier can send."""
        self._up = True
        self.greeted = False
        self._waiting_since = -1
        self._hub_ms = now_ms
        self._probed_ms = now_ms
        self._health_at = now_ms
        self.sender.connected(now_ms)
        self._clock.connected(now_ms)
        self.work.set()

    def disconnected(self) -> None:
        """The carrier cannot send any more."""
        self._up = False
        self.greeted = False
        self.sender.disconnected()

    def health_due(self, now_ms: int) -> None:
        """Something changed that the hub should hear of now."""
        self._health_at = now_ms
        self.work.set()

    def online(self, now_ms: int) -> bool:
        """Whether the hub itself answers, not only the broker."""
        if not self._up or not self.greeted or now_ms - self._hub_ms >= PROBE_MS + SILENCE_MS:
            return False
        return self._waiting_since < 0 or now_ms - self._waiting_since < SILENCE_MS

    def next(self, now_ms: int):
        """Returns (leaf, payload) to publish now, or None.

        Read, signed and handed over without giving way, as the `Sender` asks for.
        """
        if not self._up:
            return None
        while True:
            step = self.sender.next(now_ms)
            if step is None:
                break
            message = self._say(step)
            if message is not None:
                if self._waiting_since < 0:
                    self._waiting_since = now_ms
                return message
        if self._clock.question(now_ms):
            self._probed_ms = now_ms
            return self._control(messages.time_request(self._clock.boot, now_ms))
        if now_ms - self._hub_ms >= PROBE_MS and now_ms - self._probed_ms >= PROBE_MS:
            # Any hub answers this at once; that the answer sets no clock does not matter.
            self._probed_ms = now_ms
            return self._control(messages.time_request(self._clock.boot, now_ms))
        asked = self._intake.question(now_ms)
        if asked is not None:
            return self._control(asked)
        if now_ms >= self._health_at:
            self._health_at = now_ms + HEALTH_MS
            return self._control(self._health_message(now_ms))
        if self.greeted:
            return self._next_of_care(now_ms)
        return None

    def _next_of_care(self, now_ms: int):
        """What can wait until everything else is said."""
        if self._crash_log is not None:
            piece = self._crash_log.next(now_ms)
            if piece is not None:
                return self._control(messages.crash(*piece))
        if self._update is not None:
            asked = self._update.question(now_ms)
            if asked is not None:
                return self._control(messages.firmware_request(asked[0], asked[1]))
        return None

    def received(self, leaf: str, payload: bytes, now_ms: int) -> None:
        """Takes what arrived on one of our topics; anything not genuine is counted and dropped."""
        try:
            if leaf == "roster":
                version, first_row, rows = decode_chunk(self._mac, self._terminal, payload)
                self._intake.chunk(version, first_row, rows, now_ms)
                self._hub_ms = now_ms
            elif leaf == "firmware":
                digest, offset, data = decode_piece(self._mac, self._terminal, payload)
                self._hub_ms = now_ms
                if self._update is not None:
                    self._update.piece(digest, offset, data, now_ms)
            elif leaf == "changes":
                have, wanted, first_row, total, rows = decode_changes(
                    self._mac, self._terminal, payload
                )
                self._intake.changes(have, wanted, first_row, total, rows, now_ms)
                self._hub_ms = now_ms
            else:
                fields = decode_control(self._mac, "down", self._terminal, payload)
                self._hub_ms = now_ms
                self._heard(fields, now_ms)
        except (ProtocolError, JournalError, OSError):
            # The last two: flash refused a roster or the time record. Roster and clock are as
            # before, and both are asked for again.
            self.refused += 1
        self.work.set()

    # --- up --------------------------------------------------------------------------------------

    def _appended(self, sequence: int) -> None:
        self.sender.appended(sequence)
        self.work.set()

    def _control(self, fields: list) -> tuple:
        return "control", encode_control(self._mac, "up", self._terminal, fields)

    def _say(self, step: tuple):
        """Returns the message for one step of the `Sender`, or None when it must choose again."""
        name, first, second = step
        journal = self._journal
        if name == "hello":
            return self._control(
                messages.hello(
                    journal.id, first, second, journal.boot, self._roster.version, self._firmware()
                )
            )
        if name == "lost":
            return self._control(messages.lost(journal.id, first, second))
        records = journal.read(first, second)
        held = len(records) // RECORD_SIZE
        if held < second:
            broken = first + held
            readable = journal.readable_from(broken)
            if readable > broken:
                self.sender.missing(broken, readable - 1)
                return None
            if not held:
                return None  # readable the second time: the next choice takes it
        return "batch", encode_batch(
            self._mac, self._terminal, journal.id, self.sender.floor, records
        )

    def _firmware(self) -> str:
        """Version and, when it runs from a slot, the first digits of the digest of its pack."""
        if self._update is None or not self._update.build:
            return VERSION
        return VERSION + "+" + self._update.build[:6].hex()

    def _health_message(self, now_ms: int) -> list:
        numbers = self._health()
        numbers["unsent"] = self.sender.unsent
        numbers["clock_quality"] = self._clock.quality
        numbers["roster_version"] = self._roster.version
        numbers["uptime_s"] = now_ms // 1000
        numbers["refused"] = self.refused
        return messages.health(numbers)

    # --- down ------------------------------------------------------------------------------------

    def _heard(self, fields: list, now_ms: int) -> None:
        name = fields[0]
        if name == "time":
            self._clock.answered(
                fields[1], fields[2], fields[3], fields[4], now_ms, self._time_changed
            )
        elif name == "roster":
            self._intake.offered(fields[1], fields[2], fields[3], now_ms)
        elif name == "firmware":
            if self._update is not None:
                self._update.ordered(fields[1], fields[2], fields[3], fields[4], now_ms)
        elif name == "crash":
            if self._crash_log is not None:
                self._crash_log.kept(fields[1], fields[2])
        elif name == "receipts":
            self._feedback.receipts(fields[1], _tags(fields[2]), now_ms)
        elif name == "passed":
            self._feedback.passed(_tags(fields[2]))
        elif fields[1] == self._journal.id.hex():
            try:
                if name == "ack":
                    self._acked(fields[2], fields[3], now_ms)
                else:
                    self.sender.wanted(fields[2])
            except RemoteProtocolError:
                # The hub knows numbers that we never gave: an old image of our flash was put back.
                self.refused += 1
                self._restart_stream(now_ms)

    def _acked(self, upto: int, ranges: list, now_ms: int) -> None:
        floor = self.sender.acked(upto, ranges, now_ms)
        self.greeted = True
        self._waiting_since = -1
        if floor is not None:
            self._journal.acked(floor - 1)

    def _restart_stream(self, now_ms: int) -> None:
        try:
            self._journal.restart_stream(self._clock)
        except JournalError:
            return  # the hub will ask again
        self.sender.connected(now_ms)

    def _time_changed(self, before_ms: int, quality: int) -> None:
        data = struct.pack(TIME_SET_DATA, before_ms // 1000, before_ms % 1000, quality, 0)
        now_ms = self._clock.now_ms()
        self._journal.note(KIND_TIME_SET, REASON_NONE, self._clock, now_ms, data)
        self._set_calendar(self._clock.utc_at(now_ms) // 1000)
        self._health_at = now_ms  # the hub shows how good our clock is

    def _roster_changed(self) -> None:
        """Another roster decides: kept before the first tap that it decides."""
        now_ms = self._clock.now_ms()
        self.note_roster(now_ms)
        self._health_at = now_ms  # the hub shows which roster decides here
        gc.collect()
        self.work.set()

    def note_roster(self, now_ms: int) -> None:
        """Keeps which roster decides from now on.

        When it cannot be kept no tap can either; it is kept as soon as the journal takes records.
        """
        data = struct.pack(ROSTER_DATA, self._roster.version, self._roster.digest[:4])
        try:
            self._journal.note(KIND_ROSTER, REASON_NONE, self._clock, now_ms, data)
            self._roster_noted = True
        except JournalError:
            self._roster_noted = False

    def note_due(self, now_ms: int) -> None:
        """Repeats `note_roster` after it failed; call it at calm moments."""
        if not self._roster_noted:
            self.note_roster(now_ms)


def _tags(pairs: list) -> list:
    """Returns (badge tag, value) pairs with the tags as bytes."""
    return [(unhexlify(tag), value) for tag, value in pairs]
