"""What changed between two rosters, and the second made of the first and that.

Both are the plain rule on whole tables in memory, for a hub and for tests. A gate has no room for
that: its firmware merges piece by piece and must come to the same bytes.
"""

from protocol.limits import ROSTER_ROW_SIZE, TAG_SIZE
from protocol.roster import STANDING_GONE

_GONE = bytes((STANDING_GONE << 4, 0, 0, 0, 0))


def _rows(table: bytes | bytearray | memoryview) -> list[bytes]:
    return [
        bytes(table[offset : offset + ROSTER_ROW_SIZE])
        for offset in range(0, len(table), ROSTER_ROW_SIZE)
    ]


def difference(
    before: bytes | bytearray | memoryview, after: bytes | bytearray | memoryview
) -> bytes:
    """Returns the rows that lead from one table to another, sorted by tag.

    Each row that is new or other is there as it is in `after`; a row that is not in `after` is
    there with STANDING_GONE and zeros.

    Args:
        before: table from `roster.build_table`.
        after: another.
    """
    if before == after:
        return b""
    same = set(_rows(before))
    changed = [row for row in _rows(after) if row not in same]
    kept = {row[:TAG_SIZE] for row in _rows(after)}
    for row in _rows(before):
        if row[:TAG_SIZE] not in kept:
            changed.append(row[:TAG_SIZE] + _GONE)
    return b"".join(sorted(changed))


def merged(table: bytes | bytearray | memoryview, changes: bytes | bytearray | memoryview) -> bytes:
    """Returns the table after these changes; `merged(a, difference(a, b)) == b`.

    Args:
        table: from `roster.build_table`.
        changes: from `difference`, or of several of them, each tag once.
    """
    rows = {row[:TAG_SIZE]: row for row in _rows(table)}
    for row in _rows(changes):
        if row[TAG_SIZE] >> 4 == STANDING_GONE:
            rows.pop(row[:TAG_SIZE], None)
        else:
            rows[row[:TAG_SIZE]] = row
    return b"".join([rows[tag] for tag in sorted(rows)])
