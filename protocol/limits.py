"""Sizes and times both ends of protocol version 1 agree on; anything larger is refused unread.

A length is compared with these numbers before memory is taken for it, so that a broken or hostile
peer cannot exhaust a terminal with 200 KB of heap.
"""

PROTOCOL_VERSION = 1

RECORD_SIZE = 32
"""Bytes of one record, the same in flash and on the wire."""

BATCH_RECORDS_MAX = 16
"""Records in one batch: 16 x 32 = 512 bytes, one journal segment (LittleFS keeps it inline)."""

MAC_SIZE = 16
"""HMAC-SHA-256 truncated to 128 bits (RFC 2104 section 5 allows half of the hash)."""

TAG_SIZE = 8
"""Bytes of a badge tag."""

JOURNAL_SIZE = 8
"""Bytes of the random id a journal is born with."""

KEY_SIZE = 32
"""Bytes of a terminal's key and of the organisation's badge key."""

BATCH_HEADER_SIZE = 1 + 1 + JOURNAL_SIZE + 4
"""Magic, count, journal id and floor in front of a batch's records."""

BATCH_MAX = BATCH_HEADER_SIZE + BATCH_RECORDS_MAX * RECORD_SIZE + MAC_SIZE
"""Bytes of the largest batch: 542."""

CONTROL_MAX = 1024
"""Bytes of the largest control message, MAC included."""

RANGES_MAX = 8
"""Ranges in one ack or want."""

WINDOW_BATCHES = 4
"""Batches in flight without an ack."""

RESEND_MS = 5000
"""What was not acked within this time is sent again."""

ROSTER_ROW_SIZE = 13
ROSTER_CHUNK_ROWS = 128
"""Rows in one chunk of a roster or of changes to one (1,664 bytes)."""

ROSTER_ROWS_MAX = 65535
"""Rows in one roster: far beyond any site; a gate's flash has room for some 20,000."""

ROSTER_CHUNK_MAX = 4 + 4 + 2 + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE + MAC_SIZE
"""Bytes of the largest roster chunk: 1,690."""

CHANGES_ROWS_MAX = 512
"""Rows in the difference of two rosters; when more changed, the whole roster is sent."""

CHANGES_CHUNK_MAX = 4 + 4 + 4 + 2 + 2 + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE + MAC_SIZE
"""Bytes of the largest chunk of changes: 1,696."""

RECEIPTS_MAX = 16
"""Receipts or passages of badges in one message."""

CRASH_TEXT_MAX = 512
"""Characters of one piece of a crash log."""

CRASH_LOG_MAX = 2048
"""Bytes of a whole crash log."""

FIRMWARE_PIECE = 1024
"""Bytes of an update in one message."""

FIRMWARE_PIECE_MAX = 8 + 4 + 2 + FIRMWARE_PIECE + MAC_SIZE
"""Bytes of the largest such message: 1,054."""

FIRMWARE_PACK_MAX = 128 * 1024
"""Bytes of one version of the firmware; a gate's flash holds two."""

TERMINAL_ID_MAX = 24

FIRMWARE_MAX = 32
"""Characters of a firmware version."""

SEQ_MAX = 2**32 - 1
"""Largest sequence number; 0 is never given to a record."""

TICKS_MAX = 2**40 - 1
"""Largest milliseconds since boot in a record: 34 years."""
