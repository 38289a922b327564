"""Tables of workers' phones: their codes, which are known, and what an act told besides."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, LargeBinary, String, Table

from hub.storage.tables import metadata

phone_code = Table(
    "phone_code",
    metadata,
    # What a worker types to make a phone his; one at a time, and only its digest.
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", String, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

phone = Table(
    "phone",
    metadata,
    # `phone-1f2e3d4c`: what the audit names, and what the names of its acts begin with.
    Column("id", String(24), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    # SHA-256 of its cookie, and what its forms bring back.
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("csrf", String, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", String),
)

phone_place = Table(
    "phone_place",
    metadata,
    # The sites whose poster it has opened.
    Column("phone_id", ForeignKey("phone.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True),
    Column("used_ms", BigInteger, nullable=False),
)

phone_act = Table(
    "phone_act",
    metadata,
    # What an act by phone told besides; goes when the act goes, or its person.
    Column("act_id", Integer, primary_key=True),
    # Moment of the act as the phone said it, and how far its clock was ahead of the hub's then.
    # NULL: it said nothing.
    Column("said_ms", BigInteger),
    Column("ahead_ms", BigInteger),
    # Degrees, four decimals; NULL unless the site asks and the worker lets it.
    Column("latitude", Float),
    Column("longitude", Float),
)

site_phone = Table(
    "site_phone",
    metadata,
    # What a site asks of phones; no row: nothing.
    Column("site_id", ForeignKey("site.id"), primary_key=True),
    Column("location", String(4), nullable=False),  # off | ask | must
)
