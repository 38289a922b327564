"""Tables of what follows from the facts, and can be made again from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from hub.storage.tables import metadata

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
    # The books of a day count what came in it, whatever time it says.
    Index("tap_by_receipt", "received_ms"),
    Index("tap_undated", "stream_id", "boot", sqlite_where=text("at_ms IS NULL")),
    sqlite_with_rowid=False,
)

act_done = Table(
    "act_done",
    metadata,
    # An act without a badge has had its effect: its row here is its way through the projection.
    Column("act_id", Integer, primary_key=True),
    Column("person_id", Integer, nullable=False, index=True),
    Column("site_id", Integer, nullable=False),
    Column("place", String(24), nullable=False),
    Column("direction", Integer, nullable=False),
    # The moment that counts, never after its receipt.
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index("act_done_by_time", "at_ms"),
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
    Column("number", BigInteger, index=True),
    Column("answer", Text),
    Column("changed_ms", BigInteger, nullable=False),
    Column("regime", String(8), nullable=False, server_default="day"),
    # In/out regime: the tap that it is for, "stream.sequence"; empty in the day regime.
    Column("act", String, nullable=False, server_default=""),
    Column("direction", String(3)),  # in | out; NULL in the day regime
    # The tap behind it; NULL for a planned one.
    Column("stream_id", Integer),
    Column("seq", BigInteger),
    # Who has it in hand (states sending and cancelling), and until when that is believed.
    Column("lease_by", String),
    Column("lease_until_ms", BigInteger),
    # HOLIDAY | DISEASE | PLANNING | C32A, once it is to be withdrawn.
    Column("cancel_reason", String(15)),
    # When the authority was last asked about it.
    Column("checked_ms", BigInteger),
    Index("registration_due", "state", "due_ms"),
    Index("registration_by_day", "day"),
)

# One live registration per subject key: person, works number, Brussels day, and the act.
Index(
    "registration_one_live",
    registration.c.person_id,
    registration.c.works_number,
    registration.c.day,
    registration.c.act,
    unique=True,
    sqlite_where=registration.c.state.not_in(("cancelled", "dropped")),
)
