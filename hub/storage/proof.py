"""What proves one registration, for its page: the exchanges that carried it, each with its digest.

Whether the whole chain is untouched takes a walk over all of it (`sitegate evidence check`); here
each row is held against its own digest, which is enough to see that *this* row was not changed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from hub.application.evidence import Carried, Pairs, ReadItems
from hub.errors import PermanentError
from hub.storage.evidence import Kept, exchanges_of, names_of, open_bodies
from hub.storage.evidence_chain import items_part, link
from hub.storage.schema import evidence_item
from hub.storage.secrets import Vault

SHOWN_MAX: Final = 40
"""Exchanges on a page: one is registered once and read again some twenty times on its day."""
_ACTS: Final = ("register", "cancel")


def proof_of(
    connection: Connection, vault: Vault, reference: str, read: ReadItems, *, clear: bool = False
) -> list[Carried]:
    """Returns the exchanges that carried a registration, oldest first, at most `SHOWN_MAX`.

    What was sent and answered is shown of registering and withdrawing, and of the last look at it.

    Args:
        read: finds the registration in the bodies.
        clear: show the number of the person as it was sent; whoever asks for that notes it.
    """
    references, numbers = names_of(connection, reference)
    kept = exchanges_of(connection, references, numbers)
    acts = [one for one in kept if one.operation in _ACTS]
    looks = [one for one in kept if one.operation not in _ACTS]
    shown = {one.row for one in (*acts, *looks[-1:])}
    chosen = [*acts, *looks[-max(1, SHOWN_MAX - len(acts)) :]][:SHOWN_MAX]

    def carried(one: Kept) -> Carried:
        sound = _is_sound(connection, one)
        sent: list[Pairs] = []
        answered: list[Pairs] = []
        if one.row in shown:
            try:
                request, answer = open_bodies(vault, one.sealed)
            except PermanentError:
                sound = False
            else:
                sent, answered = read(request, answer, one.regime, references, numbers, clear=clear)
        return Carried(
            one.row,
            one.at_ms,
            one.operation,
            one.outcome,
            one.digest.hex(),
            sound,
            tuple(sent),
            tuple(answered),
        )

    return [carried(one) for one in sorted(chosen, key=lambda one: one.row)]


def _is_sound(connection: Connection, kept: Kept) -> bool:
    items = connection.execute(
        select(evidence_item.c.reference, evidence_item.c.number).where(
            evidence_item.c.evidence_id == kept.row
        )
    ).all()
    made = link(
        kept.previous,
        kept.at_ms,
        kept.regime,
        kept.operation,
        kept.outcome,
        items_part((row.reference, row.number) for row in items),
        kept.sealed,
    )
    return made == kept.digest
