"""Which of the two firmware slots a gate starts: the file ``boot.bin`` at the root of its flash.

| offset | size | field |
| --- | --- | --- |
| 0 | 4 | magic ``SGB1`` |
| 4 | 1 | active: the confirmed slot, 1 (a) or 2 (b) |
| 5 | 1 | trial: the slot on trial, 0 when there is none |
| 6 | 1 | starts of the trial so far |
| 7 | 1 | early: starts in a row that were not known to outlive the first minute |
| 8 | 1 | outcome of the last trial that the journal does not hold yet: UPDATE_..., 0 for none |
| 9 | 1 | why: WHY_... of that outcome |
| 10 | 1 | ended: how the start before was ended, as far as it could say so: ENDED_... |
| 11 | 4 | order: number of the newest order of the hub that was carried out or failed |
| 15 | 32 | digest of the pack in slot a, zero when there is none |
| 47 | 32 | digest of the pack in slot b |
| 79 | 6 | first bytes of the digest the outcome is about |
| 85 | 4 | CRC-32 of all before |

The file has 89 bytes, so LittleFS keeps it in the directory itself, and it is replaced in one step.
"""

import struct
from binascii import crc32

STATE_FILE = "boot.bin"
SLOT_FILES = ("", "slot-a.pack", "slot-b.pack")

ENDED_UNKNOWN = 0
"""By the power or the watchdog."""
ENDED_PLANNED = 1
"""The firmware restarted the gate on purpose."""
ENDED_CRASH = 2
"""By an error nobody caught, within its first minute."""
ENDED_LATE = 3
"""The same, later."""

WHY_NONE = 0
WHY_STARTS = 1
"""It was started three times and not confirmed."""
WHY_TIME = 2
"""It ran for ten minutes and was not confirmed."""
WHY_BUTTON = 3
"""Somebody held the recovery button."""
WHY_DAMAGED = 4
"""The pack is not what was stored."""
WHY_NO_ROOM = 5
"""Refused: the flash has no room for it."""
WHY_NOT_WHOLE = 6
"""Refused: all of it came, and it is not what the order promised."""

_LAYOUT = "<4s7BI32s32s6s"
_SIZE = 85


class BootState:
    """What `boot.bin` says; attributes as in the table above.

    `digests[slot]` is the digest of that slot's pack; `digests[0]` is not used.
    """

    __slots__ = (
        "active", "attempts", "digests", "early", "ended", "order", "outcome", "outcome_digest",
        "trial", "why",
    )  # fmt: skip

    def __init__(self) -> None:
        self.active = 1
        self.trial = 0
        self.attempts = 0
        self.early = 0
        self.outcome = 0
        self.why = 0
        self.ended = 0
        self.order = 0
        self.digests = [b"", bytes(32), bytes(32)]
        self.outcome_digest = bytes(6)

    def encode(self) -> bytes:
        """Returns the content of the file."""
        body = struct.pack(
            _LAYOUT, b"SGB1", self.active, self.trial, self.attempts, self.early, self.outcome,
            self.why, self.ended, self.order, self.digests[1], self.digests[2],
            self.outcome_digest,
        )  # fmt: skip
        return body + struct.pack("<I", crc32(body))

    def finish(self, outcome: int, why: int, digest: bytes) -> None:
        """The pack with this digest is not on trial (any more); the journal has to be told."""
        self.trial = 0
        self.attempts = 0
        self.early = 0
        self.outcome = outcome
        self.why = why
        self.outcome_digest = digest[:6]


def decode_state(content: bytes):
    """Returns the `BootState` in the content of the file; None when it is not whole."""
    if len(content) != _SIZE + 4:
        return None
    if crc32(content[:_SIZE]) != struct.unpack("<I", content[_SIZE:])[0]:
        return None
    fields = struct.unpack(_LAYOUT, content[:_SIZE])
    if fields[0] != b"SGB1" or not 1 <= fields[1] <= 2 or fields[2] > 2:
        return None
    state = BootState()
    state.active, state.trial, state.attempts, state.early = fields[1:5]
    state.outcome, state.why, state.ended, state.order = fields[5:9]
    state.digests = [b"", fields[9], fields[10]]
    state.outcome_digest = fields[11]
    return state
