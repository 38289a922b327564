"""Whether a badge held to this gate would be read, decided and kept: new firmware must prove it.

Nothing is written for it: each start keeps a record of its own before taps are taken, and it is
read back from flash here.
"""

from protocol.errors import ProtocolError
from protocol.record import unpack_record


def tap_path_works(taps, roster, journal) -> bool:
    """Returns whether reader, roster and journal do their part.

    Args:
        taps: the `TapPath`, running; the chip must have been started by this firmware.
        roster: the `Roster`; a look-up must come to an end, and nobody has the tag of zeros.
        journal: the `Journal`; the newest record must be whole, and of this start.
    """
    if not taps.reader_ok or not taps.reader_resets:
        return False
    try:
        roster.row(bytes(8))
        return unpack_record(journal.read(journal.head, 1)).boot == journal.boot
    except (OSError, ProtocolError):
        return False
