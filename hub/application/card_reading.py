"""Reading who holds an identity card: the port of the reader, and the one thing done with it.

The card is asked for its identity file alone; address, photo and certificates are never read. Of
the file five fields are taken (`hub.domain.identity_file`) and the rest is forgotten before this
returns. Nothing is kept here: whoever reads must show it, have it confirmed and note the look.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from hub.domain.identity_file import CardIdentity, read_identity


class IdentityReader(Protocol):
    """A card reader on this machine. Called in a worker thread; blocks."""

    def identity_file(self, wait_s: float) -> bytes:
        """Returns the identity file of the card that is there or is put in.

        Args:
            wait_s: seconds to wait for a card, 0 or more.

        Raises:
            PermanentError: HUB-1690, this hub was installed without the reader's library.
            TransientError: HUB-1691 the smart card service is not reachable, HUB-1692 no reader,
                HUB-1693 no card in time, HUB-1694 the card was taken out or lost contact,
                HUB-1697 the reader is in use.
            RemoteProtocolError: HUB-1695 the card is no eID, HUB-1696 it answers nonsense.
        """
        ...


def read_card(reader: IdentityReader, today: date, wait_s: float) -> CardIdentity:
    """Returns who holds the card in the reader.

    Args:
        reader: of this machine.
        today: Brussels day.
        wait_s: seconds to wait for a card.

    Raises:
        SitegateError: as `IdentityReader.identity_file`, and HUB-1696 for a file that is none.
    """
    return read_identity(reader.identity_file(wait_s), today)
