"""The page on which somebody is enrolled with his card: note, read, confirm, and what it hides.

The card is the simulator's; what the reader does with it is tested beside, over the real service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.enrolment import Enrolment
from hub.domain.identity_file import Document
from hub.domain.rights import Role
from hub.errors import PermanentError, RemoteProtocolError, SitegateError, TransientError
from hub.i18n import LANGUAGES, text
from hub.settings import EidSettings, Settings
from hub.storage.engine import reading
from hub.storage.people import People
from hub.storage.schema import audit, person
from hub.web.door import Door
from hub.web.live import Changes
from hub.web.pages import Running, office_pages
from hub.web.pages.eid import CONFIRM_MS, Card, Confirmed, eid_pages
from simulator.eid.people import BIS_HOLDER, CITIZEN, EXPIRED, RESIDENCE, Holder, identity_file
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    ADMINISTRATOR,
    FOREIGN,
    MAIN,
    NAMES,
    NORTH,
    SOUTH,
    SUB,
    RegisterHouse,
    register_house,
)
from tests.web.register_pages import Pages, office_of

ON = Settings(eid=EidSettings(enabled=True))
SEALED = re.compile(r'name="card" value="([0-9a-f]+)"')


class OneCard:
    """`IdentityReader` with this card in it, or with a reason why none can be read."""

    def __init__(self) -> None:
        self.holder: Holder = CITIZEN
        self.error: SitegateError | None = None
        self.reads = 0

    def identity_file(self, wait_s: float) -> bytes:
        """Returns the file of the card."""
        assert wait_s > 0
        self.reads += 1
        if self.error is not None:
            raise self.error
        return identity_file(self.holder)


@pytest.fixture
def register(tmp_path: Path) -> Iterator[RegisterHouse]:
    with register_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def reader() -> OneCard:
    return OneCard()


class Desk(Pages):
    """The pages with a clock that can be moved."""

    def __init__(self, register: RegisterHouse, reader: OneCard, folder: Path) -> None:
        self.now_ms = NOON_MS
        self.changed = 0
        self.register = register
        office = replace(
            office_of(register, folder, ON), clock=lambda: self.now_ms, changed=self._count
        )
        super().__init__([eid_pages(office, reader)], register)

    def _count(self) -> None:
        self.changed += 1

    def read(self, language: str = "en") -> str:
        """Reads the card; the page to confirm it."""
        answer = self.client.post(
            "/enrol/eid/read",
            data={"csrf": self.access.current.csrf, "informed": "on"},
            headers={"Accept-Language": language},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.text

    def confirm(self, page: str, **changes: str) -> tuple[int, str]:
        """Sends the form of that page."""
        sealed = SEALED.search(page)
        assert sealed is not None
        fields = {
            "card": sealed[1],
            "family_name": "Verzonnen",
            "given_name": "Bram",
            "kind": "employee",
            "company": MAIN,
            "works": NORTH,
            "language": "nl",
        }
        return self.post("/enrol/eid", **{**fields, **changes})

    def people(self) -> int:
        """How many people there are."""
        with reading(self.register.house.engine) as connection:
            return len(connection.execute(select(person.c.id)).all())

    def audited(self) -> list[tuple[str, str, str, str]]:
        """(actor, action, subject, detail) of every row about a card."""
        query = select(audit.c.actor, audit.c.action, audit.c.subject, audit.c.detail)
        with reading(self.register.house.engine) as connection:
            rows = connection.execute(query.where(audit.c.action == "card.read")).all()
        return [(row.actor, row.action, row.subject, row.detail) for row in rows]


@pytest.fixture
def desk(register: RegisterHouse, reader: OneCard, tmp_path: Path) -> Desk:
    return Desk(register, reader, tmp_path)


def plain(page: str) -> str:
    """The text as the catalogue has it."""
    return page.replace("\u00a0", " ").replace("\u202f", " ").replace("&#39;", "'")


# ---------------------------------------------------------------- off and on


def test_it_is_off_by_default_and_then_there_for_nobody(
    register: RegisterHouse, reader: OneCard, tmp_path: Path
) -> None:
    assert Settings().eid.enabled is False
    pages = Pages([eid_pages(office_of(register, tmp_path), reader)], register)
    for actor in (ADMINISTRATOR, register.at_site("Werf Noord", Role.GUARD)):
        pages.as_(actor)
        assert pages.status("/enrol/eid") == 404
        for path in ("/enrol/eid", "/enrol/eid/read"):
            assert pages.post(path, informed="on")[0] == 404
            # Nor does a form that is not of the session tell that something would be there.
            assert pages.post(path, csrf="", informed="on")[0] == 404
    assert reader.reads == 0


def test_who_may_not_enrol_may_not_read_cards(desk: Desk, reader: OneCard) -> None:
    for role in (Role.GUARD, Role.INSPECTOR):
        desk.as_(desk.register.at_site("Werf Noord", role))
        assert desk.status("/enrol/eid") == 403
        assert desk.post("/enrol/eid/read", informed="on")[0] == 403
    desk.as_(ADMINISTRATOR)
    assert desk.post("/enrol/eid/read", csrf="of another page", informed="on")[0] == 403
    assert reader.reads == 0


def test_the_page_of_a_running_hub_is_led_to_from_the_other_ways_to_enrol(
    register: RegisterHouse, reader: OneCard, tmp_path: Path
) -> None:
    for settings, there in ((ON, True), (Settings(), False)):
        office = office_of(register, tmp_path, settings)
        modes = Enrolment(office.clock, lambda: "handle", lambda: None)
        running = Running(Changes(), list, modes, reader, lambda *_: b"", lambda *_: b"")
        pages = Pages(office_pages(office, running, Door(office)), register)
        assert ('href="/enrol/eid"' in pages.get("/enrol")) is there
        # And is not taken for the handle of a badge that somebody waits for.
        assert pages.status("/enrol/eid") == (200 if there else 404)
        pages.as_(register.contractor(SUB))
        assert 'href="/enrol/eid"' not in pages.get("/enrol")


# ---------------------------------------------------------------- the note


def test_the_note_stands_before_the_read_in_every_language(desk: Desk) -> None:
    for language in LANGUAGES:
        note_in(desk, language)


def note_in(desk: Desk, language: str) -> None:
    """Looks at both pages in this language."""
    page = plain(desk.get("/enrol/eid", language))
    for part in ("what", "not", "why", "kept", "rights", "otherwise"):
        assert plain(text(f"eid.note.{part}.text", language)) in page
    assert plain(text("eid.informed", language)) in page
    button = page.index(plain(text("eid.read", language)) + "</button>")
    assert page.index(plain(text("eid.note.otherwise.text", language))) < button
    assert plain(text("eid.confirm.sub", language)) in plain(desk.read(language))


def test_nothing_is_read_before_somebody_says_that_the_person_knows(
    desk: Desk, reader: OneCard
) -> None:
    status, page = desk.post("/enrol/eid/read")
    assert status == 422
    assert "HUB-1698" in page
    assert (reader.reads, desk.audited()) == (0, [])


# ---------------------------------------------------------------- reading


def test_the_form_is_filled_in_and_the_number_masked(desk: Desk, reader: OneCard) -> None:
    for holder in (CITIZEN, RESIDENCE):
        reader.holder = holder
        page = desk.read()
        assert f'name="family_name" type="text" value="{holder.family_name}"' in page
        assert f'name="given_name" type="text" value="{holder.given_names}"' in page
        digits = holder.national_number
        assert f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}-***.**" in page
        assert digits not in page
    assert desk.people() == 0


def test_kind_and_last_day_of_the_card_are_shown(desk: Desk, reader: OneCard) -> None:
    page = plain(desk.read("fr"))
    assert "Carte d'identité" in page
    assert "30 juin 2031" in page
    assert text("eid.confirm.over", "fr") not in page
    reader.holder = RESIDENCE
    assert "Carte de séjour F" in plain(desk.read("fr"))
    reader.holder = replace(CITIZEN, document="6", valid_until="unknown")
    page = plain(desk.read("fr"))
    assert plain(text("eid.confirm.child", "fr")) in page
    assert plain(text("eid.confirm.no_day", "fr")) in page


def test_a_card_that_is_over_is_pointed_out(desk: Desk, reader: OneCard) -> None:
    reader.holder = EXPIRED
    assert text("eid.confirm.over", "en") in plain(desk.read())
    # The last day is a day of the card.
    reader.holder = replace(CITIZEN, valid_until="23.11.2026")
    assert text("eid.confirm.over", "en") not in plain(desk.read())
    reader.holder = replace(CITIZEN, valid_until="22.11.2026")
    assert text("eid.confirm.over", "en") in plain(desk.read())


def test_the_audit_tells_who_read_a_card_and_not_whose(desk: Desk) -> None:
    desk.read()
    assert desk.audited() == [("account:1", "card.read", "", "{}")]


ERRORS = (
    PermanentError("HUB-1690"),
    TransientError("HUB-1691"),
    TransientError("HUB-1692"),
    TransientError("HUB-1693", seconds=20),
    TransientError("HUB-1694"),
    RemoteProtocolError("HUB-1695"),
    RemoteProtocolError("HUB-1696", part="answer"),
    TransientError("HUB-1697"),
)


def test_why_no_card_was_read_is_explained_above_the_note(desk: Desk, reader: OneCard) -> None:
    for error in ERRORS:
        reader.error = error
        status, page = desk.post("/enrol/eid/read", informed="on")
        assert status == 422
        assert error.code in page
        assert text("eid.note.what.text", "en") in plain(page)
    assert desk.audited() == []


def test_a_card_that_tells_nonsense_is_refused(desk: Desk, reader: OneCard) -> None:
    reader.holder = replace(CITIZEN, national_number="85031299762")
    status, page = desk.post("/enrol/eid/read", informed="on")
    assert (status, "HUB-1696" in page) == (422, True)
    assert "85031299762" not in page
    assert "Verzonnen" not in page


# ---------------------------------------------------------------- confirming


def test_who_was_confirmed_is_enrolled_with_the_number_of_the_card(desk: Desk) -> None:
    status, place = desk.confirm(desk.read(), given_name="Brammetje")
    assert status == 303
    token = re.fullmatch(r"/people/([0-9a-f]+)\?said=added", place)
    assert token is not None
    assert desk.changed == 1
    house = desk.register.house
    with reading(house.engine) as connection:
        found = People(connection, house.vault, ADMINISTRATOR, NOON_MS).row(token[1])
    assert (found.family_name, found.given_name) == ("Verzonnen", "Brammetje")
    assert (found.inss, found.company_number) == ("85.03.12-***.**", MAIN)


def test_a_bis_number_is_as_good(desk: Desk, reader: OneCard) -> None:
    reader.holder = BIS_HOLDER
    page = desk.read()
    assert "90.43.15-***.**" in page
    # Who has no given name on the card needs one here.
    assert desk.confirm(page, given_name="")[0] == 422
    assert desk.confirm(page, family_name="Fictivo", given_name="-")[0] == 303


def test_what_is_wrong_comes_back_with_what_was_typed(desk: Desk) -> None:
    status, page = desk.confirm(desk.read(), given_name="Brammetje", company="", works="")
    assert status == 422
    assert "HUB-1624" in page
    assert "HUB-1630" in page
    assert 'value="Brammetje"' in page
    assert 'aria-invalid="true"' in page
    assert (desk.people(), desk.changed) == (0, 0)
    assert desk.confirm(page)[0] == 303


def test_only_kinds_that_a_belgian_number_makes_ready_are_taken(desk: Desk) -> None:
    read = desk.read()
    for kind in ("visitor", "foreign", "agency", "nonsense"):
        status, page = desk.confirm(read, kind=kind)
        assert (status, "HUB-1622" in page) == (422, True), kind
    assert desk.people() == 0


def test_who_is_known_already_is_linked_and_not_added_twice(desk: Desk) -> None:
    status, place = desk.confirm(desk.read())
    token = place.partition("?")[0]
    page = desk.read()
    assert f'href="{token}"' in page
    status, page = desk.confirm(page)
    assert (status, "HUB-1628" in page) == (422, True)
    assert desk.people() == 1


def test_a_supervisor_enrols_on_his_site_and_hears_of_no_other(desk: Desk) -> None:
    assert desk.confirm(desk.read(), company=FOREIGN, works=SOUTH)[0] == 303
    desk.as_(desk.register.at_site("Werf Noord"))
    page = desk.read()
    # Somebody of the other site has this number: nothing tells it here.
    assert text("eid.confirm.known", "en") not in page
    assert "/people/" not in page
    assert NAMES[FOREIGN] not in page
    assert SOUTH not in page
    status, page = desk.confirm(page, company=FOREIGN)
    assert (status, "HUB-1631" in page) == (422, True)
    assert desk.confirm(page, company=SUB)[0] == 303


def test_who_is_not_at_the_hub_reads_no_card_that_lies_there(desk: Desk, reader: OneCard) -> None:
    page = desk.read()
    desk.as_(desk.register.contractor(SUB))
    assert desk.status("/enrol/eid") == 404
    assert desk.post("/enrol/eid/read", informed="on")[0] == 404
    assert desk.confirm(page, company=SUB)[0] == 404
    assert (reader.reads, desk.people()) == (1, 0)


# ---------------------------------------------------------------- the sealed card


def test_what_was_read_is_good_for_a_quarter_of_an_hour(desk: Desk) -> None:
    page = desk.read()
    desk.now_ms += CONFIRM_MS + 1
    status, answer = desk.confirm(page)
    assert (status, "HUB-1699" in answer) == (422, True)
    desk.now_ms -= 1
    assert desk.confirm(page)[0] == 303


def test_what_was_read_is_good_for_who_read_it_only(desk: Desk) -> None:
    page = desk.read()
    desk.as_(desk.register.at_site("Werf Noord"))
    status, answer = desk.confirm(page, company=SUB)
    assert (status, "HUB-1699" in answer) == (422, True)
    assert desk.people() == 0


def test_a_card_that_was_not_sealed_here_is_refused(desk: Desk) -> None:
    page = desk.read()
    sealed = SEALED.findall(page)[0]
    flipped = f"{sealed[:-1]}{'0' if sealed[-1] != '0' else '1'}"
    other = desk.register.house.vault.seal("inss", b"{}").hex()
    for given in ("", "00", "zz", sealed[:-2], flipped, other):
        status, answer = desk.confirm(page, card=given)
        assert (status, "HUB-1699" in answer) == (422, True), given
    assert desk.people() == 0


# ---------------------------------------------------------------- what it hides


def test_neither_log_nor_address_nor_repr_tells_who_was_read(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(0):
        page = desk.read()
        _, place = desk.confirm(page)
        desk.confirm(page, works="")
    logged = caplog.text + "".join(capfd.readouterr())
    card = Card(
        inss=CITIZEN.national_number, document=Document.CITIZEN, letter="", valid_until="",
        by="account:1", at_ms=0,
    )  # fmt: skip
    told = logged + place + repr(card) + str(card)
    told += repr(Confirmed(family_name=CITIZEN.family_name)) + str(desk.audited())
    for secret in (CITIZEN.national_number, CITIZEN.family_name, CITIZEN.given_names):
        assert secret not in told
    with reading(desk.register.house.engine) as connection:
        raw = Path(str(connection.engine.url.database)).read_bytes()
    assert CITIZEN.national_number.encode() not in raw
