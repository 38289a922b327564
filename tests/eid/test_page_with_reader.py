"""The page with all of it behind: hub, `pyscard`, `pcscd`, the virtual reader, an invented card."""

from __future__ import annotations

from pathlib import Path

from hub.settings import EidSettings, Settings
from hub.terminals.card_reader import CardReader
from hub.web.pages.eid import eid_pages
from simulator.eid.card import IDENTITY, Faults, identity_card
from simulator.eid.people import CITIZEN, RESIDENCE
from tests.eid.service import inserted, needs_service, smart_card_service
from tests.hub.register_house import register_house
from tests.web.register_pages import Pages, office_of

pytestmark = needs_service
ON = Settings(eid=EidSettings(enabled=True))


def test_a_card_in_the_reader_fills_in_the_form(tmp_path: Path) -> None:
    with register_house(tmp_path) as register, smart_card_service() as port:
        pages = Pages([eid_pages(office_of(register, tmp_path, ON), CardReader())], register)
        torn = identity_card(CITIZEN, faults=Faults(remove_at=3))
        with inserted(torn, port):
            status, page = pages.post("/enrol/eid/read", informed="on")
        assert (status, "HUB-1694" in page) == (422, True)
        card = identity_card(RESIDENCE)
        with inserted(card, port):
            status, page = pages.post("/enrol/eid/read", informed="on")
        assert status == 200
        assert f'value="{RESIDENCE.family_name}"' in page
        assert RESIDENCE.national_number not in page
        assert card.read == [IDENTITY]
