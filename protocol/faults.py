"""What went wrong at a gate: the 8 bytes of a KIND_FAULT record.

| code | when | detail |
| --- | --- | --- |
| READER_DOWN | the card reader stopped answering; one record when it stops, not at each retry | 0 |
| READER_BACK | it answers again | resets since start |
| JOURNAL_FULL | taps are refused for want of room; one record each time | free blocks |
| FLASH | a flash operation failed | failed operations since start |
| ROSTER_DAMAGED | the roster file does not fit its SHA-256 and is not used | 0 |
| TASK | a part of the gate ended by an error and was started again | number of the task |
| JOURNAL_NEARLY_FULL | four fifths of the room for taps are used | free blocks |
| ROSTER_REFUSED | a new roster could not be kept; the one before decides | version |
| SETTINGS | an entry of the settings file cannot be used | number of the entry |
| CLOCK_STOPPED | the clock chip lost its battery: its time is not used | 0 |
| CLOCK_MISSING | the clock chip does not answer | 0 |
| SUPPLY_LOW | the supply is too low to write to flash; taps are refused | millivolts |
| SUPPLY_BACK | it is high enough again | millivolts |
| DISPLAY_DOWN | the display does not answer | 0 |
| RADIO_RESET | nothing answered for long: the radio was started anew | times since start |
| CRASH | the start before this one ended by an error nobody caught | its boot number |
| WATCHDOG | the start before this one ended by the watchdog | its boot number |
| SAFE_MODE | this start does without taps: it ended too often too early | starts in a row |
| UPDATE | an update could not be used; the firmware before it goes on | what failed |
| TIME | the hub or the clock chip told a time that cannot be | 0 |
| MESSAGE | messages came that were not genuine, or not of this protocol | how many since start |
"""

import struct

READER_DOWN = 1
READER_BACK = 2
JOURNAL_FULL = 3
FLASH = 4
ROSTER_DAMAGED = 5
TASK = 6
JOURNAL_NEARLY_FULL = 7
ROSTER_REFUSED = 8
SETTINGS = 9
CLOCK_STOPPED = 10
CLOCK_MISSING = 11
SUPPLY_LOW = 12
SUPPLY_BACK = 13
DISPLAY_DOWN = 14
RADIO_RESET = 15
CRASH = 16
WATCHDOG = 17
SAFE_MODE = 18
UPDATE = 19
TIME = 20
MESSAGE = 21

FAULT_DATA = "<BBHI"
"""Data of KIND_FAULT: code, 0, how often since start, detail."""


def data(code: int, count: int, detail: int) -> bytes:
    """Returns the data of a fault record.

    Args:
        code: one of the constants above.
        count: how often since start, 0 or more; more than 65,535 reads as that.
        detail: by code, 0..2**32 - 1.
    """
    return struct.pack(FAULT_DATA, code, 0, min(count, 0xFFFF), detail & 0xFFFFFFFF)


def fields(record_data: bytes) -> tuple:
    """Returns (code, count, detail) of the data of a fault record."""
    code, _zero, count, detail = struct.unpack(FAULT_DATA, record_data)
    return code, count, detail
