"""Tables of what people told the hub: sites, works, people, badges, gates, the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    func,
)

from hub.domain.people import sought_as
from hub.storage.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext


def _sought_as(context: DefaultExecutionContext) -> str:
    names = context.get_current_parameters()
    return sought_as(names["given_name"], names["family_name"])


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
    # Where it is, as people write it; and the languages of its posters, `nl fr`.
    Column("address", String, nullable=False, server_default=""),
    Column("languages", String, nullable=False, server_default="nl fr"),
)

works = Table(
    "works",
    metadata,
    Column("number", String(13), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    # First and last Brussels day on which it may be used, ISO; NULL: no limit known.
    Column("from_day", String(10)),
    Column("until_day", String(10)),
    # JSON of hub.application.ports.Place, for the in/out service.
    Column("place", Text),
    # The customer, as the works declaration names him.
    Column("customer", String, nullable=False, server_default=""),
)

works_regime = Table(
    "works_regime",
    metadata,
    # The regime of a works declaration from this Brussels day on; before the first row: `day`.
    Column("works_number", ForeignKey("works.number"), primary_key=True),
    Column("from_day", String(10), primary_key=True),
    Column("regime", String(8), nullable=False),  # day | in_out
)

company = Table(
    "company",
    metadata,
    Column("id", Integer, primary_key=True),
    # Ten digits of an enterprise number, or the VAT number of a foreign company: letters first.
    Column("number", String(40), nullable=False, unique=True),
    Column("name", String, nullable=False),
    # 1: it lends its workers to others, who are its users.
    Column("agency", Integer, nullable=False, server_default="0"),
)

party = Table(
    "party",
    metadata,
    # Who takes part in a works declaration: the declaring contractor, and below him everyone who
    # works for one of them. An agency stands below the company that uses its workers.
    Column("id", Integer, primary_key=True),
    Column("works_number", ForeignKey("works.number"), nullable=False),
    Column("company_id", ForeignKey("company.id"), nullable=False, index=True),
    # NULL: the declaring contractor, one for each declaration.
    Column("above_id", ForeignKey("company.id")),
    Column("from_day", String(10)),
    Column("until_day", String(10)),
    # What its contract is worth in cents, without VAT; NULL: not told.
    Column("amount_cents", BigInteger),
    Column("added_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    UniqueConstraint("works_number", "company_id"),
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
    Column("inss_index", LargeBinary),
    Column("limosa_sealed", LargeBinary),
    Column("limosa_index", LargeBinary),
    Column("language", String(2), nullable=False),
    # When something that is sent to the authority last changed.
    Column("changed_ms", BigInteger, nullable=False, server_default="0"),
    # VAT number of a foreign employer, which the in/out service wants beside a BIS number.
    Column("foreign_vat", String),
    # First and last Brussels day of the Limosa declaration, ISO; NULL: not known.
    Column("limosa_from", String(10)),
    Column("limosa_until", String(10)),
    # A word of hub.domain.people: employee, self_employed, agency, trainee, active_partner,
    # foreign, visitor, delivery.
    Column("kind", String(16), nullable=False, server_default="employee"),
    # For whom an agency's worker works; company_id is the agency.
    Column("user_company_id", ForeignKey("company.id")),
    Column("added_ms", BigInteger, nullable=False, server_default="0"),
    # When names and numbers were taken out; what is left tells how many, never who.
    Column("erased_ms", BigInteger),
    # The names without capitals and accents (hub.domain.people.sought_as). Whoever changes a name
    # changes it too.
    Column("sought_as", String, nullable=False, server_default="", default=_sought_as),
    Index("person_in_order", "family_name", "given_name", "id"),
)

# One person once for each employer, and for each company that an agency lends him to: they know
# nothing of each other, so each has a row of its own. Which of them a tap is for, the badge says.
for _name in ("inss", "limosa"):
    Index(
        f"person_one_{_name}",
        person.c[f"{_name}_index"],
        func.coalesce(person.c.company_id, 0),
        func.coalesce(person.c.user_company_id, 0),
        unique=True,
    )

assignment = Table(
    "assignment",
    metadata,
    # A person, or everyone of a company, works under this number; beside person.works_number.
    Column("id", Integer, primary_key=True),
    Column("works_number", ForeignKey("works.number"), nullable=False),
    Column("person_id", ForeignKey("person.id"), index=True),
    Column("company_id", ForeignKey("company.id"), index=True),
    Column("from_day", String(10)),
    Column("until_day", String(10)),
    Column("added_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
)

# ---------------------------------------------------------------- plan

plan_entry = Table(
    "plan_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("works_number", ForeignKey("works.number"), nullable=False),
    Column("day", String(10), nullable=False),
    # Where it came from: file, api, page, copy:ISO-DAY, pattern:ID.
    Column("source", String, nullable=False),
    Column("planned_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("withdrawn_ms", BigInteger),
    Column("withdrawn_reason", String(15)),  # HOLIDAY | DISEASE | PLANNING | C32A
    Column("withdrawn_actor", String),
    Index("plan_entry_by_day", "day"),
)

Index(
    "plan_entry_one_standing",
    plan_entry.c.person_id,
    plan_entry.c.works_number,
    plan_entry.c.day,
    unique=True,
    sqlite_where=plan_entry.c.withdrawn_ms.is_(None),
)

plan_pattern = Table(
    "plan_pattern",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("works_number", ForeignKey("works.number"), nullable=False),
    # Bit 0 is Monday, bit 6 Sunday.
    Column("weekdays", Integer, nullable=False),
    Column("from_day", String(10), nullable=False),
    Column("until_day", String(10)),
    Column("added_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("removed_ms", BigInteger),
)

badge = Table(
    "badge",
    metadata,
    Column("tag", LargeBinary(8), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("state", String, nullable=False),  # active | blocked | lost
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
