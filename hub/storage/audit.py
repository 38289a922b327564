"""The audit in SQL: appended inside the transaction of what it tells of, each row chained.

    digest = SHA-256(previous, at_ms, actor, action, subject, company_id, site_id, detail)

as `hub.storage.chain` makes it. Who reads it and looks whether it is whole:
`hub.storage.audit_reader`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, func, insert, select

from hub.domain.audit import Noted
from hub.storage.chain import EMPTY, Head, digest_of, read_noted, write_noted
from hub.storage.schema import audit
from hub.storage.secrets import Vault

HEAD: Final = "audit_head"
"""Row of `meta` with the sealed number and digest of the newest row."""
ANCHOR: Final = "audit_anchor"
"""The same of the newest row that was erased because its time was over."""
PARTS: Final = ("at_ms", "actor", "action", "subject", "company_id", "site_id", "detail")
"""Columns that a digest stands for, in its order."""


def note(
    connection: Connection,
    vault: Vault,
    at_ms: int,
    actor: str,
    action: Noted,
    subject: str = "",
    *,
    company_id: int | None = None,
    site_id: int | None = None,
    **detail: object,
) -> int:
    """Appends one row and returns its number; it is kept if, and only if, the transaction is.

    Args:
        connection: the write transaction of what is noted.
        at_ms: UTC milliseconds.
        actor: `account:7`, `token:planner`, `command`, `hub`.
        subject: what it is about, for example `person:12`. Never a name or a person number.
        company_id: whose it is.
        site_id: where it is.
        **detail: what changed, or why something was looked at; JSON values without person data.
    """
    newest = connection.execute(select(func.max(audit.c.id))).scalar() or 0
    # Rows without a noted end: the chain was tampered with. It goes on, and the break stays seen.
    noted = read_noted(connection, vault, HEAD) or EMPTY
    number = max(newest, noted.row) + 1
    values = {
        "at_ms": at_ms,
        "actor": actor,
        "action": str(action),
        "subject": subject,
        "company_id": company_id,
        "site_id": site_id,
        "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
    }
    digest = link(noted.digest, values)
    connection.execute(
        insert(audit).values(id=number, previous=noted.digest, digest=digest, **values)
    )
    write_noted(connection, vault, HEAD, Head(number, digest))
    return number


def link(previous: bytes, values: Mapping[str, object]) -> bytes:
    """Returns the digest of a row with these columns that follows `previous`."""
    return digest_of(previous, (values[name] for name in PARTS))
