"""Tables of who may use the hub: accounts, their sessions, links and keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table

from hub.storage.tables import metadata

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    # What is typed to log in, lower case; an e-mail address or a short name.
    Column("login", String(80), nullable=False, unique=True),
    # What others see.
    Column("name", String(80), nullable=False),
    Column("role", String(16), nullable=False),  # a word of hub.domain.rights.Role
    # For a contractor: whose people; for a worker: which person.
    Column("company_id", ForeignKey("company.id")),
    Column("person_id", ForeignKey("person.id")),
    Column("language", String(2), nullable=False, server_default=""),
    # Argon2id, PHC string; NULL until the link that was sent is used.
    Column("password_hash", String),
    # The secret of the second factor, sealed; NULL: none.
    Column("totp_sealed", LargeBinary),
    # The last step of it that was used: none is good twice (RFC 6238, 5.2).
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    # `issuer subject` of the login elsewhere that opens this account.
    Column("oidc_subject", String, unique=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("added_ms", BigInteger, nullable=False),
    Column("added_by", String, nullable=False),
    Column("disabled_ms", BigInteger),
)

account_site = Table(
    "account_site",
    metadata,
    # Sites that a supervisor, guard or inspector may see; an administrator sees all.
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True),
)

web_session = Table(
    "web_session",
    metadata,
    # SHA-256 of the cookie.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("csrf", String, nullable=False),
    Column("begun_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    # 1 as soon as everything that this account asks for was given.
    Column("complete", Integer, nullable=False),
)

link = Table(
    "link",
    metadata,
    # A link that is good once, and until a moment. SHA-256 of what stands in its address.
    Column("digest", LargeBinary(32), primary_key=True),
    # setup | invitation | reset | login | worker; a worker's is good until it is taken back.
    Column("purpose", String(12), nullable=False),
    Column("account_id", ForeignKey("account.id"), index=True),
    Column("person_id", ForeignKey("person.id"), index=True),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", String, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(80), nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)

request_key = Table(
    "request_key",
    metadata,
    # An answer that a program gets again when it asks the same under the same key.
    Column("token_id", ForeignKey("api_token.id"), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),  # SHA-256 of what was asked
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # sealed
    Column("at_ms", BigInteger, nullable=False),
)
