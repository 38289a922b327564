"""Tables of kiosks, and of who came to one without being known."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table

from hub.storage.tables import metadata

kiosk = Table(
    "kiosk",
    metadata,
    # `kiosk-1f2e3d4c`: what acts and presences name as their place.
    Column("id", String(24), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("site_id", ForeignKey("site.id"), nullable=False, index=True),
    # The gate beside it; presences then name that gate. NULL: none.
    Column("terminal_id", ForeignKey("terminal.id")),
    Column("way", String(4), nullable=False),  # in | out | both
    # SHA-256 of the cookie of the device, and what its forms bring back.
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("csrf", String, nullable=False),
    # Argon2id, PHC string, of what opens the guard's part; NULL: only a login opens it.
    Column("pin_hash", String),
    # Minutes without touch after which the guard's part closes, 1..60.
    Column("lock_minutes", Integer, nullable=False),
    # Until when the guard's part is open, and by whom it was opened: `account:7`, `kiosk-1f2e3d4c`.
    Column("open_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("opened_by", String, nullable=False, server_default=""),
    Column("added_ms", BigInteger, nullable=False),
    Column("added_by", String, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", String),
)

newcomer = Table(
    "newcomer",
    metadata,
    # Somebody with a good number whom the register did not know. He is a person from the first
    # moment on, and is registered once a supervisor has said under what he works.
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False, index=True),
    # For whom he said that he works: a company of the chain, or how he calls it.
    Column("company_id", ForeignKey("company.id")),
    Column("company_said", String(80), nullable=False, server_default=""),
    Column("added_ms", BigInteger, nullable=False),
    Column("added_by", String, nullable=False),
    Column("settled_ms", BigInteger),
    Column("settled_by", String),
)

visit = Table(
    "visit",
    metadata,
    # What a visitor, a delivery or an emergency service said; goes with the name of the person.
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("company", String(80), nullable=False, server_default=""),
    Column("host", String(80), nullable=False, server_default=""),
    Column("purpose", String(120), nullable=False, server_default=""),
)
