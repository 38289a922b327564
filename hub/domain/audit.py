"""The words of the audit: what is noted, and of what."""

from __future__ import annotations

from enum import StrEnum


class Noted(StrEnum):
    """What was done or looked at. The word is kept for ever: none is changed or used again."""

    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_LOCKED = "account.locked"
    LOGIN = "login"
    LOGIN_REFUSED = "login.refused"
    LOGOUT = "logout"
    PASSWORD_SET = "password.set"  # noqa: S105 - a word, not a password
    SECOND_FACTOR_SET = "second_factor.set"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    LINK_MADE = "link.made"
    LINK_USED = "link.used"
    LINK_REVOKED = "link.revoked"
    TOKEN_ADDED = "token.added"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    PERSON_ADDED = "person.added"
    PERSON_CHANGED = "person.changed"
    PERSON_REVEALED = "person.revealed"
    PERSON_EXPORTED = "person.exported"
    PERSON_ERASED = "person.erased"
    PEOPLE_EXPORTED = "people.exported"
    DAY_EXPORTED = "day.exported"
    PEOPLE_IMPORTED = "people.imported"
    IMPORT_UNDONE = "import.undone"
    BADGE_LINKED = "badge.linked"
    BADGE_RELEASED = "badge.released"
    BADGE_BLOCKED = "badge.blocked"
    BADGE_UNBLOCKED = "badge.unblocked"
    BADGE_LOST = "badge.lost"
    BADGE_FOUND = "badge.found"
    BADGE_DATED = "badge.dated"
    COMPANY_ADDED = "company.added"
    COMPANY_CHANGED = "company.changed"
    PARTY_ADDED = "party.added"
    PARTY_CHANGED = "party.changed"
    PARTY_REMOVED = "party.removed"
    WORKS_ADDED = "works.added"
    WORKS_CHANGED = "works.changed"
    SITE_ADDED = "site.added"
    SITE_CHANGED = "site.changed"
    CARD_READ = "card.read"
    ROLL_CALL_OPENED = "roll_call.opened"
    ROLL_CALL_CLOSED = "roll_call.closed"
    ERASED = "retention.erased"
    KEYS_ROTATED = "keys.rotated"
