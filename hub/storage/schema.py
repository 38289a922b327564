"""The tables. Facts are append-only; everything derived can be dropped and rebuilt from them.

Register (imported): site, works, company, person, badge, terminal.
Firmware of the terminals, and what each last said: firmware, firmware_order, firmware_seen,
crash_log, gate_health.
Facts: stream, inbox, gap, incident, registration_event.
Derived from inbox + register + registration_event: tap, clock_mark, gate_event, passage_count,
presence, registration.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

site = Table(
    "site",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

works = Table(
    "works",
    metadata,
    Column("number", String(13), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
)

company = Table(
    "company",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(10), nullable=False, unique=True),
    Column("name", String, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    # Random; stands for the person wherever a number must not be seen (client references).
    Column("token", String(32), nullable=False, unique=True),
    Column("family_name", String, nullable=False),
    Column("given_name", String, nullable=False),
    Column("company_id", ForeignKey("company.id")),
    Column("works_number", ForeignKey("works.number"), nullable=False),
    # AES-GCM of the number, and a keyed blind index to find it again; see storage/secrets.py.
    Column("inss_sealed", LargeBinary),
    Column("inss_index", LargeBinary, unique=True),
    Column("limosa_sealed", LargeBinary),
    Column("limosa_index", LargeBinary, unique=True),
    Column("language", String(2), nullable=False),
    # When something that is sent to the authority last changed.
    Column("changed_ms", BigInteger, nullable=False, server_default="0"),
)

badge = Table(
    "badge",
    metadata,
    Column("tag", LargeBinary(8), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("state", String, nullable=False),  # active | blocked
    Column("valid_until", String(10)),  # last Brussels day, ISO
    Column("linked_ms", BigInteger, nullable=False),
    Column("valid_from", String(10)),  # first Brussels day, ISO; since version 2
)

terminal = Table(
    "terminal",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("lane", String, nullable=False, server_default=""),
    Column("direction", String(8), nullable=False),  # in | out | none | buttons | toggle
    Column("key_sealed", LargeBinary, nullable=False),
    # 1 for its first key; the next one waits, good as well, until the gate is heard with it.
    Column("key_number", Integer, nullable=False, server_default="1"),
    Column("next_key_sealed", LargeBinary),
    # JSON: how the gate is set up, with its Wi-Fi passwords and without keys.
    Column("settings_sealed", LargeBinary),
    # SHA-256 of the settings file that was last written to a gate; it holds a key, so it tells
    # nothing else.
    Column("flashed_sha256", LargeBinary(32)),
    Column("added_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

# ---------------------------------------------------------------- firmware of the terminals

firmware = Table(
    "firmware",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("version", String(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("pack", LargeBinary, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
)

firmware_order = Table(
    "firmware_order",
    metadata,
    # The newest order of each terminal.
    Column("terminal_id", ForeignKey("terminal.id"), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", ForeignKey("firmware.digest"), nullable=False),
    Column("ordered_ms", BigInteger, nullable=False),
    # How far it is; the terminal's journal holds the outcome as a record too.
    Column("fetched", Integer, nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("why", Integer, nullable=False),
    Column("outcome_ms", BigInteger, nullable=False),
)

firmware_seen = Table(
    "firmware_seen",
    metadata,
    Column("terminal_id", ForeignKey("terminal.id"), primary_key=True),
    Column("version", String(32), nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)

crash_log = Table(
    "crash_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("terminal_id", ForeignKey("terminal.id"), nullable=False),
    Column("boot", Integer, nullable=False),
    # Place of the text's first character in what the terminal wrote.
    Column("start", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Index("crash_log_of_terminal", "terminal_id", "boot"),
)

gate_health = Table(
    "gate_health",
    metadata,
    Column("terminal_id", ForeignKey("terminal.id"), primary_key=True),
    Column("said_ms", BigInteger, nullable=False),
    # JSON: the numbers of its health message by their names.
    Column("numbers", Text, nullable=False),
)

# ---------------------------------------------------------------- facts

stream = Table(
    "stream",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("terminal_id", ForeignKey("terminal.id"), nullable=False),
    Column("journal", LargeBinary(8), nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    UniqueConstraint("terminal_id", "journal"),
)

inbox = Table(
    "inbox",
    metadata,
    # Arrival order; the projection's cursor counts in it.
    Column("id", Integer, primary_key=True),
    Column("stream_id", ForeignKey("stream.id"), nullable=False),
    # A run of `count` records with consecutive sequence numbers, the bytes as they came.
    Column("first_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("records", LargeBinary, nullable=False),
    UniqueConstraint("stream_id", "first_seq"),
)

# G3 in the engine itself: two runs of one stream never share a sequence number.
event.listen(
    inbox,
    "after_create",
    DDL(
        """
        CREATE TRIGGER inbox_runs_are_disjoint BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM (
                SELECT first_seq, count FROM inbox
                WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
                ORDER BY first_seq DESC LIMIT 1
            ) WHERE first_seq + count > NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record is stored already'); END
        """
    ),
)

gap = Table(
    "gap",
    metadata,
    Column("stream_id", ForeignKey("stream.id"), primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("noticed_ms", BigInteger, nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("code", String, nullable=False),
    Column("terminal_id", String(24)),
    Column("detail", String, nullable=False, server_default=""),
)

registration_event = Table(
    "registration_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(24), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("number", BigInteger),
    # When it may be tried next, for a registration that went back to `due`.
    Column("due_ms", BigInteger),
    # JSON: the authority's answer for this item without person numbers.
    Column("answer", Text),
)

# ---------------------------------------------------------------- derived

projection = Table(
    "projection",
    metadata,
    Column("name", String, primary_key=True),
    Column("inbox_id", Integer, nullable=False),
)

tap = Table(
    "tap",
    metadata,
    Column("stream_id", ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("terminal_id", String(24), nullable=False),
    Column("direction", Integer, nullable=False),
    Column("verdict", Integer, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("tag", LargeBinary(8), nullable=False),
    Column("person_id", Integer),
    Column("boot", Integer, nullable=False),
    Column("ticks_ms", BigInteger, nullable=False),
    Column("quality", Integer, nullable=False),
    # UTC milliseconds; NULL while no clock evidence dates it.
    Column("at_ms", BigInteger),
    Column("received_ms", BigInteger, nullable=False),
    Index("tap_by_time", "at_ms"),
    Index("tap_undated", "stream_id", "boot", sqlite_where=text("at_ms IS NULL")),
    sqlite_with_rowid=False,
)

clock_mark = Table(
    "clock_mark",
    metadata,
    Column("stream_id", ForeignKey("stream.id"), primary_key=True),
    Column("boot", Integer, primary_key=True),
    Column("ticks_ms", BigInteger, nullable=False),
    Column("utc_ms", BigInteger, nullable=False),
)

gate_event = Table(
    "gate_event",
    metadata,
    # What a gate told of itself; hub.application.gate_events says which records and how.
    Column("stream_id", ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("terminal_id", String(24), nullable=False),
    Column("kind", Integer, nullable=False),
    Column("code", Integer, nullable=False),
    Column("detail", BigInteger, nullable=False),
    Column("boot", Integer, nullable=False),
    Column("ticks_ms", BigInteger, nullable=False),
    # UTC milliseconds; NULL while no clock evidence dates it.
    Column("at_ms", BigInteger),
    Column("received_ms", BigInteger, nullable=False),
    Index("gate_event_by_receipt", "terminal_id", "received_ms"),
    Index("gate_event_undated", "stream_id", "boot", sqlite_where=text("at_ms IS NULL")),
    sqlite_with_rowid=False,
)

passage_count = Table(
    "passage_count",
    metadata,
    Column("terminal_id", String(24), primary_key=True),
    # Brussels day; that of receipt for a passage without a date.
    Column("day", String(10), primary_key=True),
    Column("passed", Integer, nullable=False),
    sqlite_with_rowid=False,
)

presence = Table(
    "presence",
    metadata,
    Column("person_id", Integer, primary_key=True),
    Column("site_id", Integer, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("first_in_ms", BigInteger),
    Column("last_ms", BigInteger, nullable=False),
    Column("inside", Integer, nullable=False),
    Column("taps", Integer, nullable=False),
    # When the hub first held a tap of this presence.
    Column("received_ms", BigInteger, nullable=False),
    Column("terminal_id", String(24), nullable=False),
    Index("presence_by_day", "day"),
)

registration = Table(
    "registration",
    metadata,
    Column("reference", String(24), primary_key=True),
    Column("person_id", Integer, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("works_number", String(13), nullable=False),
    Column("day", String(10), nullable=False),
    Column("state", String, nullable=False),
    # Why it is in this state: a key of the message catalogue.
    Column("cause", String, nullable=False),
    Column("tap_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("number", BigInteger),
    Column("answer", Text),
    Column("changed_ms", BigInteger, nullable=False),
    Index("registration_due", "state", "due_ms"),
    Index("registration_by_day", "day"),
)

# One live registration per subject key (person, works number, Brussels day).
Index(
    "registration_one_live",
    registration.c.person_id,
    registration.c.works_number,
    registration.c.day,
    unique=True,
    sqlite_where=registration.c.state.not_in(("cancelled", "dropped")),
)
