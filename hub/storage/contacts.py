"""Where a company is written to: its mail address and language, sealed, for those who may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.companies import parse_number
from hub.domain.mail_address import mask_address, parse_address
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.storage.audit import note
from hub.storage.schema import company, company_contact
from hub.storage.scope import companies_within
from hub.storage.secrets import Vault

ADDRESS: Final = "mail"
"""Kind that a mail address is sealed as."""


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """Where a company is written to. The `repr` shows nothing of it.

    Args:
        address: its mail address in clear: for the mail itself, and for who may change it.
        language: of the mails, one of `hub.i18n.LANGUAGES`.
    """

    address: str
    language: str

    def __repr__(self) -> str:
        return "Contact()"

    @property
    def masked(self) -> str:
        """The address as others may see it."""
        return mask_address(self.address)


class Contacts:
    """The contacts of companies, inside one open transaction.

    Args:
        connection: a write transaction for what changes something.
        vault: seals the addresses.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    def changeable(self, company_id: int) -> bool:
        """Returns whether whoever asks may see and change the contact of this company."""
        scope = self._actor.scope(Action.CONTACTS_CHANGE)
        query = select(company.c.id).where(company.c.id == company_id, companies_within(scope))
        return self._connection.execute(query).first() is not None

    def of(self, number: str) -> Contact | None:
        """Returns the contact of a company; None when none was given.

        Raises:
            UsageError: HUB-1651, no company that he may do this for; the errors of a number.
        """
        key = self._id_of(number)
        return contacts_of(self._connection, self._vault, [key]).get(key)

    def put(self, number: str, address: str, language: str) -> Contact:
        """Sets where a company is written to, and notes that it was changed, not to what.

        Raises:
            UsageError: HUB-1651 as `of`, HUB-1854 no mail address, HUB-1860 no such language.
        """
        key = self._id_of(number)
        if language not in LANGUAGES:
            raise UsageError("HUB-1860")
        wanted = Contact(parse_address(address), language)
        before = contacts_of(self._connection, self._vault, [key]).get(key)
        if before == wanted:
            return wanted
        values = {
            "address_sealed": self._vault.seal(ADDRESS, wanted.address.encode()),
            "language": language,
            "changed_ms": self._now_ms,
        }
        statement = upsert(company_contact).values(company_id=key, **values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["company_id"], set_=values)
        )
        changed = [
            name
            for name in ("address", "language")
            if before is None or getattr(before, name) != getattr(wanted, name)
        ]
        self._note(key, changed)
        return wanted

    def remove(self, number: str) -> None:
        """Forgets where a company is written to; does nothing when nothing is known.

        Raises:
            UsageError: HUB-1651, as `of`.
        """
        key = self._id_of(number)
        statement = delete(company_contact).where(company_contact.c.company_id == key)
        if self._connection.execute(statement).rowcount:
            self._note(key, ["removed"])

    def _id_of(self, number: str) -> int:
        parsed = parse_number(number)
        scope = self._actor.scope(Action.CONTACTS_CHANGE)
        query = select(company.c.id).where(company.c.number == parsed, companies_within(scope))
        key = self._connection.execute(query).scalar()
        if key is None:
            raise UsageError("HUB-1651", company=parsed)
        return key

    def _note(self, key: int, changed: list[str]) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            Noted.CONTACT_CHANGED,
            f"company:{key}",
            company_id=key,
            changed=changed,
        )


def contacts_of(
    connection: Connection, vault: Vault, company_ids: Iterable[int]
) -> dict[int, Contact]:
    """Returns the contacts of these companies, by row; whoever asks must have been let see them."""
    query = select(company_contact).where(company_contact.c.company_id.in_(list(company_ids)))
    return {
        row.company_id: Contact(vault.open(ADDRESS, row.address_sealed).decode(), row.language)
        for row in connection.execute(query)
    }
