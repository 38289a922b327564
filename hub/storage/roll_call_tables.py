"""Tables of roll calls: who was to be found, and who was ticked off when and by whom."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from hub.storage.tables import metadata

roll_call = Table(
    "roll_call",
    metadata,
    # Chosen by the hub before anything is written, so that writing it twice is harmless.
    Column("handle", String(32), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("opened_by", String, nullable=False),  # as in the audit: `account:7`
    Column("closed_ms", BigInteger),
    Column("closed_by", String),
    Index("roll_call_by_site", "site_id", "opened_ms"),
)

roll_call_person = Table(
    "roll_call_person",
    metadata,
    # Who was to be found: appended to, never taken away.
    Column("handle", ForeignKey("roll_call.handle"), primary_key=True),
    Column("person_id", Integer, primary_key=True),
    Column("added_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

roll_call_tick = Table(
    "roll_call_tick",
    metadata,
    # Appended to, never changed; the last one of a person counts.
    Column("handle", ForeignKey("roll_call.handle"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("person_id", Integer, nullable=False),
    Column("mark", String(8), nullable=False),  # present | missing | undone
    Column("at_ms", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    sqlite_with_rowid=False,
)
