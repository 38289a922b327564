"""The turnstile's arm: released for one person, and what it then did.

Theory of operation. `open` releases the arm for the tap that was kept. What ends the release:

| relay mode | released until |
| --- | --- |
| pulse | `open_ms` are over; the turnstile itself counts one passage |
| level | a person went through, or `passage_ms` are over (`open_ms` without a passage contact) |

With a passage contact each release is followed up: PASSED when the arm turns, NOT_PASSED when it
does not within `passage_ms`, each its own record that names the tap. Several taps in a row wait in
the order of their taps. An arm that turns although nobody was let in is FORCED: a record and an
alarm. While the fire contact is open the arm is free by its own wire, so turning is no alarm then.

The arm is locked again by every reset: the relay's pin is an input until the driver drives it low.
"""

import struct

from firmware.settings import RELAY_LEVEL
from protocol.record import FORCED, NOT_PASSED, PASSAGE_DATA, PASSED

WAITING_MAX = 4
"""Releases that are followed up at once; the oldest counts as not passed when there are more."""


class Arm:
    """Release and follow-up; `step` at least ten times a second.

    Attributes: passages, not_passed, forced (counters since start).

    Args:
        relay: driver with `release(on)` and `turned()` (how often the arm turned since the last
            call).
        settings: of this gate.
        keep: called with (data of a KIND_PASSAGE record, DIRECTION constant, tick).
        alarm: called with the tick when the arm was forced.
    """

    def __init__(self, relay, settings, keep, alarm) -> None:
        self._relay = relay
        self._level = settings.relay_mode == RELAY_LEVEL
        self._open_ms = settings.open_ms
        self._passage_ms = settings.passage_ms
        self._followed = settings.passage
        self._keep = keep
        self._alarm = alarm
        self._closes_at = -1
        self._waiting = []  # (sequence number of the tap, direction, tick), oldest first
        self.free = False
        self.passages = 0
        self.not_passed = 0
        self.forced = 0

    def open(self, now_ms: int, sequence: int, direction: int) -> None:
        """Releases the arm at once.

        Args:
            now_ms: tick.
            sequence: of the tap's record.
            direction: of the tap.
        """
        self._relay.release(True)
        hold_ms = self._passage_ms if self._level and self._followed else self._open_ms
        self._closes_at = max(self._closes_at, now_ms + hold_ms)
        if self._followed:
            if len(self._waiting) == WAITING_MAX:
                self._tell(NOT_PASSED, now_ms)
            self._waiting.append((sequence, direction, now_ms))

    def step(self, now_ms: int) -> None:
        """Follows the arm; locks it when its time is over."""
        if self._followed:
            for _ in range(self._relay.turned()):
                self._turned(now_ms)
            while self._waiting and now_ms - self._waiting[0][2] >= self._passage_ms:
                self._tell(NOT_PASSED, now_ms)
        if 0 <= self._closes_at <= now_ms:
            self.lock()

    def lock(self) -> None:
        """The arm is locked."""
        self._closes_at = -1
        self._relay.release(False)

    def _turned(self, now_ms: int) -> None:
        if self._waiting:
            self.passages += 1
            self._tell(PASSED, now_ms)
            if self._level and not self._waiting:
                self.lock()
        elif not self.free:
            self.forced += 1
            self._keep(struct.pack(PASSAGE_DATA, 0, 0, FORCED, 0), 0, now_ms)
            self._alarm(now_ms)

    def _tell(self, outcome: int, now_ms: int) -> None:
        sequence, direction, since_ms = self._waiting.pop(0)
        if outcome == NOT_PASSED:
            self.not_passed += 1
        hundredths = min((now_ms - since_ms) // 10, 0xFFFF)
        self._keep(struct.pack(PASSAGE_DATA, sequence, hundredths, outcome, 0), direction, now_ms)
