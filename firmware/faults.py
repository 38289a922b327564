"""What went wrong at the gate, in 8 bytes of a KIND_FAULT record and in counters.

| code | detail |
| --- | --- |
| READER_DOWN | 0; one record when it stops, not at each retry |
| READER_BACK | resets it took |
| JOURNAL_FULL | free blocks; one record each time the journal becomes full |
| FLASH | failed flash operations since start |
| ROSTER_DAMAGED | 0; the roster file does not fit its SHA-256 |
| TASK | number of the task that was started again |
"""

import struct

READER_DOWN = 1
READER_BACK = 2
JOURNAL_FULL = 3
FLASH = 4
ROSTER_DAMAGED = 5
TASK = 6

_DATA = "<BBHI"


def data(code: int, count: int, detail: int) -> bytes:
    """Returns the data of a fault record.

    Args:
        code: one of the constants above.
        count: how often since start, 0..65535.
        detail: by code, 0..2**32 - 1.
    """
    return struct.pack(_DATA, code, 0, min(count, 0xFFFF), detail)
