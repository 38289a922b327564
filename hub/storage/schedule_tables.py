"""Tables of reports that go out by themselves, and of what became of each of their due times."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from hub.storage.tables import metadata

report_schedule = Table(
    "report_schedule",
    metadata,
    Column("id", Integer, primary_key=True),
    # Whose right decides what it holds; NULL: it was made by a command.
    Column("account_id", ForeignKey("account.id"), index=True),
    Column("kind", String(12), nullable=False),  # day | hours | exceptions | monthly
    # Rows of `site`, a blank between them; empty: all that its owner sees when it is sent.
    Column("sites", String, nullable=False),
    Column("company_id", ForeignKey("company.id")),
    Column("form", String(4), nullable=False),  # pdf | xlsx | csv
    Column("language", String(2), nullable=False),
    # Addresses, a JSON list, sealed.
    Column("recipients_sealed", LargeBinary, nullable=False),
    Column("rhythm", String(10), nullable=False),  # daily | weekdays | monthly
    Column("cover", String(10), nullable=False),  # yesterday | today | week | month
    Column("weekdays", String(7), nullable=False),  # ISO numbers: 135
    Column("at", String(5), nullable=False),  # HH:MM in Brussels
    Column("active", Integer, nullable=False),
    # Every due time until here is settled.
    Column("settled_ms", BigInteger, nullable=False),
    # Somebody wants it now; NULL: nobody does.
    Column("asked_ms", BigInteger),
    # One more with each change: what was made of an older one is not sent.
    Column("version", Integer, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", String, nullable=False),  # as in the audit: `account:7`
)

report_sending = Table(
    "report_sending",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schedule_id", ForeignKey("report_schedule.id"), nullable=False),
    # The due time that it settles, or when somebody asked for it.
    Column("due_ms", BigInteger, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),  # sent | empty | linked | missed | failed
    Column("code", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    # Handles of its mails in `notice`, a JSON list.
    Column("notices", Text, nullable=False),
    # A due time is settled once.
    UniqueConstraint("schedule_id", "due_ms", "asked"),
)
