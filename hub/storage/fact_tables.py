"""Tables of facts: appended to, never changed."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from hub.storage.tables import metadata

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
    ).execute_if(dialect="sqlite"),
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
    # Who took the step: projection, plan, forwarder, authority, reconcile, command, a login.
    Column("actor", String, nullable=False, server_default="hub"),
    # Moment of the act when the step changed it, UTC milliseconds.
    Column("tap_ms", BigInteger),
    # Why it is to be withdrawn, for a step to `cancelling`.
    Column("reason", String(15)),
    # What the person who took it wrote, without numbers.
    Column("note", String),
)


def _only_appended(table: Table, complaint: str) -> None:
    """Lets the engine refuse to change or remove a row of this table."""
    for verb in ("UPDATE", "DELETE"):
        event.listen(
            table,
            "after_create",
            DDL(
                f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{complaint}'); END"
            ).execute_if(dialect="sqlite"),
        )


# A step that was taken is never changed and never removed.
_only_appended(registration_event, "a step is never changed")

evidence = Table(
    "evidence",
    metadata,
    # What went to the authority and what it answered; each row holds the digest of the one before.
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("regime", String(8), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
)

evidence_item = Table(
    "evidence_item",
    metadata,
    Column("evidence_id", ForeignKey("evidence.id"), primary_key=True),
    Column("reference", String(24), primary_key=True),
    Column("number", BigInteger, index=True),
    Index("evidence_item_by_reference", "reference"),
)

# Only ever appended: what the chain of hub.storage.evidence_chain finds, the engine refuses first.
_only_appended(evidence, "evidence is never changed")
_only_appended(evidence_item, "evidence is never changed")

reconcile_run = Table(
    "reconcile_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("works_number", String(13), nullable=False),
    Column("day", String(10), nullable=False),
    Column("regime", String(8), nullable=False),
    Column("actor", String, nullable=False),
    Column("rows", Integer, nullable=False),
    # Empty, or the stable code of what kept the search from being made.
    Column("failed", String, nullable=False, server_default=""),
    Index("reconcile_run_by_day", "day", "works_number"),
)

reconcile_difference = Table(
    "reconcile_difference",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("reconcile_run.id"), nullable=False, index=True),
    # A word of hub.application.reconcile.
    Column("kind", String, nullable=False),
    Column("explained", Integer, nullable=False),
    Column("reference", String(24)),
    Column("number", BigInteger),
    Column("person_id", Integer),
    Column("detail", String, nullable=False, server_default=""),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    # SHA-256 of a token that was shown once.
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", String, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)
