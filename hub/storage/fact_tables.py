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

erased_run = Table(
    "erased_run",
    metadata,
    # Records whose time was over: gone, and never taken again (G3). One row for each stretch.
    Column("stream_id", ForeignKey("stream.id"), primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
)
erased_run.add_is_dependent_on(inbox)

event.listen(
    erased_run,
    "after_create",
    DDL(
        """
        CREATE TRIGGER inbox_runs_were_not_erased BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM erased_run
            WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
              AND last_seq >= NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record was stored and erased already'); END
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


def only_appended(table: Table, complaint: str) -> None:
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
only_appended(registration_event, "a step is never changed")

unbadged_act = Table(
    "unbadged_act",
    metadata,
    # Somebody came or left without a badge (hub.application.acts). Its number stands where a tap
    # has its sequence number, so none is ever used twice.
    Column("id", Integer, primary_key=True),
    # Chosen by who sent it: the same act sent again is found by it.
    Column("reference", String(64), nullable=False, unique=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    # The newest row of the inbox then: acts and taps are projected in the order they arrived in.
    Column("after_inbox", Integer, nullable=False),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("direction", Integer, nullable=False),
    Column("person_id", Integer, nullable=False, index=True),
    # Words of hub.application.acts.
    Column("channel", String(8), nullable=False),
    Column("means", String(8), nullable=False),
    # A gate, a kiosk: what the presence shows.
    Column("place", String(24), nullable=False),
    Column("case", String(12), nullable=False),
    Column("reason", String(24), nullable=False, server_default=""),
    # Whose place he takes, for a replacement.
    Column("replaces", Integer),
    Column("by", String, nullable=False),
    Index("unbadged_act_by_receipt", "received_ms"),
    sqlite_autoincrement=True,
)

only_appended(unbadged_act, "an act is never changed")

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
only_appended(evidence, "evidence is never changed")
only_appended(evidence_item, "evidence is never changed")

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
    # The company whose people it may see and change; NULL: those of every company.
    Column("company_id", ForeignKey("company.id")),
)

badge_event = Table(
    "badge_event",
    metadata,
    # What happened to a badge; who had it when is read from here.
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("tag", LargeBinary(8), nullable=False, index=True),
    # linked | released | lost | found | blocked | unblocked | dated
    Column("event", String(12), nullable=False),
    # Whose it was at the moment of the event; for `linked` whose it became.
    Column("person_id", Integer, nullable=False, index=True),
    Column("actor", String, nullable=False),
    Column("note", String, nullable=False, server_default=""),
)

only_appended(badge_event, "what happened to a badge is never changed")

audit = Table(
    "audit",
    metadata,
    # Who did or looked at what; each row holds the digest of the one before (hub.storage.audit).
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    # `account:7`, `token:planner`, `command`, `hub`.
    Column("actor", String, nullable=False),
    # A word of hub.domain.audit, for example person.revealed.
    Column("action", String(32), nullable=False),
    # What it was about: `person:12`, `works:1Y...`; never a number or a name of a person.
    Column("subject", String, nullable=False, server_default=""),
    # Whose it is, for who may read it.
    Column("company_id", Integer),
    Column("site_id", Integer),
    # JSON without person data: what changed, why it was looked at.
    Column("detail", Text, nullable=False, server_default="{}"),
    Column("previous", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Index("audit_by_subject", "subject"),
)

only_appended(audit, "the audit is never changed")

import_run = Table(
    "import_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    # Whose people it was about; NULL: those of several companies.
    Column("company_id", Integer),
    Column("rows", Integer, nullable=False),
    # The copy of the database that was made before, a file name in the folder of backups.
    Column("backup", String, nullable=False, server_default=""),
    Column("undone_ms", BigInteger),
    Column("undone_by", String),
)

import_change = Table(
    "import_change",
    metadata,
    # What an import changed, so that it can be taken back: each row as it was and as it became.
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("import_run.id"), nullable=False, index=True),
    Column("place", String(16), nullable=False),  # the table
    Column("row", String, nullable=False),  # its key
    # The row as JSON, sealed; NULL: there was none, there is none.
    Column("before", LargeBinary),
    Column("after", LargeBinary),
)

erasure = Table(
    "erasure",
    metadata,
    # What was erased, by rule or by request: how much of what, never of whom.
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("data_class", String(24), nullable=False),
    # Everything of that class before this Brussels day; NULL for one person's.
    Column("before_day", String(10)),
    Column("rows", Integer, nullable=False),
    Column("actor", String, nullable=False),
)
