"""Tables of reminders: where a company is written to, and what was written to it.

A reminder is a fact and holds no person: whom it was about stands in `reminder_row`, the list that
went with it in `reminder_list`. Both are erased with what they were made of, the reminder stays as
long as the registrations it asks for (`docs/privacy.md`).
"""

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
    UniqueConstraint,
)

from hub.storage.fact_tables import only_appended
from hub.storage.tables import metadata

company_contact = Table(
    "company_contact",
    metadata,
    Column("company_id", ForeignKey("company.id"), primary_key=True),
    # A mail address often is the name of somebody.
    Column("address_sealed", LargeBinary, nullable=False),
    Column("language", String(2), nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

reminder = Table(
    "reminder",
    metadata,
    Column("id", Integer, primary_key=True),
    # Random: what it is known by in addresses, and on its attestation for ever.
    Column("handle", String(32), nullable=False, unique=True),
    # Chosen when the form was drawn: the same form sent twice makes one reminder of each company.
    Column("act", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    # The company that sends; NULL: the site does.
    Column("sender_id", ForeignKey("company.id")),
    Column("company_id", ForeignKey("company.id"), nullable=False),
    Column("address_sealed", LargeBinary, nullable=False),
    Column("language", String(2), nullable=False),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    # Presences on the list.
    Column("rows", Integer, nullable=False),
    Column("subject", String, nullable=False),
    Column("text", Text, nullable=False),  # without any person
    # Hex SHA-256 of subject, an empty line and text; and of the attached file.
    Column("text_digest", String(64), nullable=False),
    Column("list_digest", String(64), nullable=False),
    # What became of the mail is read from there.
    Column("notice_handle", String(32), nullable=False, unique=True),
    UniqueConstraint("act", "company_id"),
    Index("reminder_by_company", "company_id", "at_ms"),
    Index("reminder_by_moment", "at_ms"),
)

reminder_count = Table(
    "reminder_count",
    metadata,
    # How many presences of which day at which site: what the text says, and who may see it.
    Column("reminder_id", ForeignKey("reminder.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("rows", Integer, nullable=False),
)

reminder_row = Table(
    "reminder_row",
    metadata,
    # Whose presences they were.
    Column("reminder_id", ForeignKey("reminder.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("problem", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("reminder_row_by_person", "person_id"),
)

reminder_list = Table(
    "reminder_list",
    metadata,
    # The file as it was attached, sealed: names and masked numbers.
    Column("reminder_id", ForeignKey("reminder.id"), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

for _table in (reminder, reminder_count, reminder_row, reminder_list):
    only_appended(_table, "a reminder that was sent is never changed")
