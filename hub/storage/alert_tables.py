"""Tables of alerts and of the messages that leave the hub."""

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

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    # Chosen when it was queued: the other side knows a message by it that comes twice.
    Column("handle", String(32), nullable=False, unique=True),
    Column("channel", String(8), nullable=False),  # mail | webhook | others
    Column("recipient", String, nullable=False),
    Column("language", String(2), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),  # JSON, without any person
    # Reports hold names: sealed while they wait, erased once they were sent.
    Column("attachments", LargeBinary),
    Column("attempts", Integer, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("code", String(16), nullable=False),  # of the last failure
    Column("ended_ms", BigInteger),  # sent or given up
    # waiting | sent | lost; draft: with its files, and not to be sent until it is released
    Column("state", String(8), nullable=False),
)
Index(
    "notice_waiting",
    notice.c.channel,
    notice.c.id,
    sqlite_where=text("state = 'waiting'"),
)

notice_channel = Table(
    "notice_channel",
    metadata,
    Column("channel", String(8), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("code", String(16), nullable=False),
    Column("last_sent_ms", BigInteger),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    # What it is about: a gate, a site and day, a certificate ...
    Column("subject", String(64), nullable=False),
    Column("site_id", Integer),
    Column("details", Text, nullable=False),  # JSON: names of gates, sites, companies; counts
    Column("amount", Integer, nullable=False),
    Column("told_amount", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),  # since when it is so
    Column("risen_ms", BigInteger),  # NULL: not long enough yet
    Column("calm_ms", BigInteger),  # since when it is not so any more
    Column("cleared_ms", BigInteger),
    Column("acked_ms", BigInteger),
    Column("acked_by", String),  # as in the audit: `account:7`
    Column("ack_note", String),
    Column("step", Integer, nullable=False),  # how far it was escalated
    Column("step_ms", BigInteger),
)
Index(
    "alert_stands_once",
    alert.c.kind,
    alert.c.subject,
    unique=True,
    sqlite_where=text("cleared_ms IS NULL"),
)

Index("alert_by_subject", alert.c.kind, alert.c.subject)
Index("alert_by_end", alert.c.cleared_ms)

alert_telling = Table(
    "alert_telling",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alert.id"), nullable=False),
    Column("event", String(12), nullable=False),  # risen | worse | escalated | cleared
    Column("channel", String(8), nullable=False),
    Column("recipient", String, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("notice_id", ForeignKey("notice.id")),
    Index("alert_telling_by_alert", "alert_id"),
    Index("alert_telling_by_notice", "notice_id"),
)
Index(
    "alert_telling_waiting",
    alert_telling.c.id,
    sqlite_where=text("notice_id IS NULL"),
)
