"""In and out at the mobile page: what is typed there, as acts of the in/out service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from simulator.authority.draft import Someone
from simulator.authority.events import Act, Direction
from simulator.authority.operations import Authority
from simulator.authority.presence import Refusal, Sender
from simulator.authority.registers import Works

_USER = "MOBILE"


@final
class MobileEvents:
    """Registers somebody going in or out, at the instant of the act and for the employer.

    Args:
        authority: holds the in/out registrations and the registers.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def record(
        self, someone: Someone, works: Works, direction: Direction, at_ms: int
    ) -> int | None:
        """Stores the act; its number, or None when the service refuses it.

        The in/out service knows people by INSS or BIS number only: somebody with a Limosa number is
        looked up in that register, and refused when no person stands behind it.
        """
        inss, company, foreign = someone.inss, someone.company, None
        if someone.limosa is not None:
            limosa = self._authority.registers.limosa(someone.limosa)
            if limosa is None or limosa.inss is None:
                return None
            inss, foreign = limosa.inss, limosa.employer
        if inss is None:
            return None
        act = Act(at_ms, inss, direction, works.number, self._place(works), company, foreign)
        sender = Sender(_USER, company or works.declarant, _USER)
        outcome = self._authority.in_out.register([act], sender)[0]
        return None if isinstance(outcome, Refusal) else outcome.number

    def _place(self, works: Works) -> Mapping[str, object]:
        """The first address declared; the number stands in for works of the world file."""
        declared = self._authority.declaration(works.number)
        if declared is None:
            nowhere = {"postCode": "0000", "municipalityName": "-", "streetName": works.number}
            return {"address": nowhere}
        site = declared.places[0]
        named = {
            "postCode": site.post,
            "municipalityName": site.town,
            "streetName": site.street,
            "houseNumber": site.house,
        }
        return {"address": {name: value for name, value in named.items() if value}}
