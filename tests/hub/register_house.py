"""A register with two sites and two chains that know nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hub.application.access import COMMAND, Actor
from hub.domain.rights import Role
from hub.storage.companies import Companies, below
from hub.storage.declarations import DeclarationDraft, Declarations
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.parties import Parties, PartyDraft
from hub.storage.register import Register
from tests.hub.house import NOON_MS
from tests.web.actors import CSRF

MAIN, SUB, STRANGER, LOWER = "0999000129", "0999000228", "1999000150", "1999000249"
AGENCY, FOREIGN = "0999000327", "PL5260001246"
NORTH, SOUTH = "1Y19FAKE001AZ", "1Y19FAKE003CZ"
NAMES = {
    MAIN: "Bouwwerken Aarts",
    SUB: "Toitures Gillard",
    STRANGER: "Vreemdeling",
    LOWER: "Etanche Sud",
    AGENCY: "Interim Nord",
    FOREIGN: "Budowa Kowalik",
}
# Chain of NORTH: MAIN, below it SUB (with LOWER and AGENCY) and STRANGER.
# Chain of SOUTH: STRANGER, below it FOREIGN.
CHAINS: tuple[tuple[str, str, str | None, int | None], ...] = (
    (NORTH, MAIN, None, 480_000_00),
    (NORTH, SUB, MAIN, 120_000_17),
    (NORTH, LOWER, SUB, 31_000_23),
    (NORTH, AGENCY, SUB, None),
    (NORTH, STRANGER, MAIN, 77_000_31),
    (SOUTH, STRANGER, None, 900_000_41),
    (SOUTH, FOREIGN, STRANGER, 40_000_53),
)


@dataclass
class RegisterHouse:
    """An open house, and who comes to it."""

    house: House
    ids: dict[str, int]
    sites: dict[str, int]

    def contractor(self, number: str) -> Actor:
        """A contractor of that company, as his session makes him."""
        key = self.ids[number]
        with reading(self.house.engine) as connection:
            under = below(connection, key)
        return Actor(
            f"account:{key}", Role.CONTRACTOR, NAMES[number], key, under, account_id=key, csrf=CSRF
        )

    def at_site(self, name: str, role: Role = Role.SUPERVISOR) -> Actor:
        """Somebody of one site."""
        sites = frozenset({self.sites[name]})
        return Actor("account:90", role, "Sofie", sites=sites, account_id=90, csrf=CSRF)


ADMINISTRATOR = replace(COMMAND, name="account:1", label="Ada", account_id=1, csrf=CSRF)


@contextmanager
def register_house(folder: Path) -> Iterator[RegisterHouse]:
    """Opens a house with the two chains."""
    with closing(open_house(folder)) as house:
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            sites = {name: register.site_named(name) for name in ("Werf Noord", "Chantier Sud")}
            companies = Companies(connection, house.vault, COMMAND, NOON_MS)
            ids = {
                number: companies.add(number, name, number == AGENCY)
                for number, name in NAMES.items()
            }
            declarations = Declarations(connection, house.vault, COMMAND, NOON_MS)
            for number, site in ((NORTH, "Werf Noord"), (SOUTH, "Chantier Sud")):
                draft = DeclarationDraft(sites[site], customer=f"Klant {site}")
                declarations.add(number, draft)
            parties = Parties(connection, house.vault, COMMAND, NOON_MS)
            for works, number, above, cents in CHAINS:
                parties.put(works, PartyDraft(number, above, cents))
        yield RegisterHouse(house, ids, sites)
