"""The mobile page of one place: who is there types a number, remembered places, in and out."""

from __future__ import annotations

import re

import pytest

from simulator.authority.operations import Settings
from simulator.authority.pages_mobile import PLACES_MAX
from simulator.authority.rest_schema import ADDRESS
from tests.authority.conftest import MakeRig
from tests.authority.office import Visitor
from tests.authority.rig import (
    BIS_LIMOSA,
    FIRST,
    LIMOSA_OK,
    LIMOSA_UNKNOWN,
    MAIN,
    NO_DIMONA,
    OK,
    SUB,
    SUB_WORKER,
    WORKS_A,
    WORKS_B,
    WORKS_C,
    WORKS_D,
    Rig,
    item,
    search,
)

PLACE = f"/mobile/{WORKS_A}"


def at_place(rig: Rig, path: str = PLACE) -> Visitor:
    visitor = Visitor(rig)
    visitor.get(path)
    return visitor


def plain(page: str) -> str:
    return re.sub("<[^>]*>", "", page)


def test_somebody_registers_himself_at_the_employer_dimona_knows(rig: Rig) -> None:
    visitor = at_place(rig)
    page = visitor.post(PLACE, ("person", " 00.01.01-998.75 "))
    assert "Presence of •••875 registered at 06:41. Number:" in page
    assert f'<p class="number">{FIRST}</p>' in page
    assert SUB_WORKER not in page
    one = rig.stored()[0]
    assert (one["inss"], one["company"], one["works"]) == (SUB_WORKER, "0999000228", WORKS_A)
    assert (one["day"], one["channel"]) == ("2026-11-23", "MOBILE")
    # The employer and the declaring contractor see it, others do not.
    assert rig.call(search(company=SUB), sender="SIM-0002").numbers == [FIRST]
    assert rig.call(search(works=WORKS_A)).numbers == [FIRST]
    assert rig.call(search(), sender="SIM-0003").numbers == []
    # The receipt is shown once; the next person sees an empty field.
    assert str(FIRST) not in visitor.get(PLACE)


def test_the_channel_is_a_setting(make_rig: MakeRig) -> None:
    rig = make_rig(settings=Settings(mobile_channel="PHONE"))
    at_place(rig).post(PLACE, ("person", OK))
    assert [one["channel"] for one in rig.stored()] == ["PHONE"]


def test_a_founder_and_a_posted_worker(rig: Rig) -> None:
    visitor = at_place(rig)
    visitor.post(PLACE, ("person", "03072199766"))
    page = visitor.post(PLACE, ("person", LIMOSA_OK))
    assert "Presence of L1 •••187 registered" in page
    founder, posted = rig.stored()
    assert (founder["inss"], founder["company"]) == ("03072199766", "0999000228")
    assert (posted["limosa_id"], posted["company"], posted["inss"]) == (LIMOSA_OK, None, None)
    rig.clock.forward(30)
    rig.authority.validate_due()
    assert [one["status"] for one in rig.stored()] == ["VALIDATED", "VALIDATED"]


def test_without_a_dimona_the_employer_is_asked_for(rig: Rig) -> None:
    visitor = at_place(rig)
    page = visitor.post(PLACE, ("person", NO_DIMONA))
    assert visitor.status == 422
    assert "Dimona knows no employer for this number on these works." in page
    assert "Open “Say who the employer is” and choose." in page
    assert f'name="person" value="{NO_DIMONA}"' in page
    assert rig.stored() == []
    visitor.post(PLACE, ("person", NO_DIMONA), ("employer", "0999000129"))
    assert [one["company"] for one in rig.stored()] == ["0999000129"]


def test_with_two_employers_on_the_works_one_must_be_chosen(rig: Rig) -> None:
    rig.order("dimona", inss=OK, company="0999000228", start="2026-11-01")
    visitor = at_place(rig)
    page = visitor.post(PLACE, ("person", OK))
    assert "Dimona knows several employers" in page
    visitor.post(PLACE, ("person", OK), ("employer", "0999000228"))
    assert [one["company"] for one in rig.stored()] == ["0999000228"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("85031299762", "This number is not possible"),
        ("8503129976", "neither a number of 11 digits"),
        ("24999000000000188", "This Limosa number is not possible"),
        ('"><b>', "neither a number of 11 digits"),
        ("", "neither a number of 11 digits"),
    ],
)
def test_a_wrong_number_registers_nobody(rig: Rig, typed: str, said: str) -> None:
    visitor = at_place(rig)
    page = visitor.post(PLACE, ("person", typed))
    assert visitor.status == 422
    assert said in page
    assert "Nothing is registered." in page
    assert '"><b>"' not in page
    assert rig.stored() == []
    assert all("2499" not in url and "8503" not in url for url in visitor.trail)


def test_who_is_registered_already_is_told_his_number_and_not_registered_again(rig: Rig) -> None:
    # By another channel, under a number that has been replaced since.
    rig.register(item("01480999789", SUB))
    visitor = at_place(rig)
    page = visitor.post(PLACE, ("person", "01080999703"))
    assert "•••703 is registered today already, since 06:41. Number:" in page
    assert str(FIRST) in page
    assert len(rig.stored()) == 1
    # Elsewhere and tomorrow are other presences.
    elsewhere = at_place(rig, f"/mobile/{WORKS_C}")
    assert "Presence of •••703" in elsewhere.post(f"/mobile/{WORKS_C}", ("person", "01080999703"))
    rig.clock.forward(86_400)
    assert "Presence of •••703" in at_place(rig).post(PLACE, ("person", "01080999703"))


def test_a_form_sent_twice_registers_once(rig: Rig) -> None:
    visitor = at_place(rig)
    page = visitor.page
    visitor.post(PLACE, ("person", OK))
    visitor.page = page
    again = visitor.post(PLACE, ("person", OK))
    assert visitor.status == 200
    assert "registered today already" not in again
    assert len(rig.stored()) == 1


@pytest.mark.parametrize(
    ("works", "said"),
    [
        (WORKS_B, "These works are not running today"),
        (WORKS_C, "Registration is not compulsory on these works."),
    ],
)
def test_a_place_that_is_over_or_exempt_says_so_and_still_registers(
    rig: Rig, works: str, said: str
) -> None:
    path = f"/mobile/{works}"
    visitor = at_place(rig, path)
    assert said in visitor.page
    assert "Presence of •••761 registered" in visitor.post(path, ("person", OK))
    assert said not in Visitor(rig).get(PLACE)


@pytest.mark.parametrize("number", ["1Y199999999LZ", "1Y19FAKE001BZ", "x", "%3Cb%3E"])
def test_a_place_that_is_not_there(rig: Rig, number: str) -> None:
    visitor = Visitor(rig)
    page = visitor.get(f"/mobile/{number}")
    assert visitor.status == 404
    assert "These works do not exist." in page
    assert "sim_places" not in visitor.client.cookies


def test_places_are_remembered_newest_first_and_forgotten_on_request(rig: Rig) -> None:
    visitor = Visitor(rig)
    assert "No place is remembered" in visitor.get("/mobile")
    visitor.post("/mobile", ("works", "1y19 fake001az"))
    assert visitor.trail[-1].endswith(PLACE)
    for works in (WORKS_B, WORKS_C, WORKS_A):
        visitor.get(f"/mobile/{works}")
    page = visitor.get("/mobile")
    assert re.findall(r'href="/mobile/(\w+)"', page) == [WORKS_A, WORKS_C, WORKS_B]
    visitor.post("/mobile/forget")
    assert "No place is remembered" in visitor.page
    visitor.post("/mobile", ("works", "1Y19FAKE001BZ"))
    assert visitor.status == 422
    assert "Copy it from the declaration or the poster." in visitor.page


def test_a_forged_cookie_of_places_shows_only_what_exists(rig: Rig) -> None:
    visitor = Visitor(rig)
    forged = ".".join(["<b>", "1Y199999999LZ", WORKS_D, *["x"] * 20, WORKS_A])
    visitor.client.cookies.set("sim_places", forged)
    page = visitor.get("/mobile")
    assert re.findall(r'href="/mobile/(\w+)"', page) == [WORKS_D]
    assert len(visitor.client.cookies["sim_places"].split(".")) > PLACES_MAX


def in_out_place(rig: Rig) -> str:
    """Works declared on the pages whose people register in and out; the address of their page."""
    office = Visitor(rig)
    office.log_in(wanted="/works/new")
    fields = {
        "customer": "Stad Valshoven",
        "sector": "1",
        "start": "2026-11-01",
        "amount": "650000",
    }
    place = {"place_street": "Straat", "place_house": "7", "place_post": "9999"}
    more = {"place_town": "Valshoven", "in_out_from": "2026-11-23", "party_company": "0999000228"}
    office.post("/works/new", *(fields | place | more).items())
    assert "In and out from</dt><dd>23/11/2026" in office.page
    return f"/mobile/{office.trail[-1].rpartition('/')[2]}"


def test_on_works_of_the_in_out_regime_there_are_two_buttons(rig: Rig) -> None:
    path = in_out_place(rig)
    visitor = at_place(rig, path)
    assert re.findall(r'name="direction" value="(\w+)"', visitor.page) == ["in", "out"]
    assert "I am present today" not in visitor.page
    page = visitor.post(path, ("person", OK), ("direction", "in"))
    assert "•••761 went in at 06:41: registered. Number:" in page
    rig.clock.forward(3600)
    page = visitor.post(path, ("person", OK), ("direction", "out"))
    assert "•••761 went out at 07:41: registered. Number:" in page
    events = rig.authority.in_out.everything()
    assert f'<p class="number">{events[1].number}</p>' in page
    acts = [one.act for one in events]
    assert [(one.ssin, one.company, one.direction) for one in acts] == [
        (OK, MAIN, "in"),
        (OK, MAIN, "out"),
    ]
    assert [one.at_ms for one in acts] == [rig.clock.ms - 3_600_000, rig.clock.ms]
    address = {"streetName": "Straat", "houseNumber": "7", "postCode": "9999"}
    assert acts[0].place == {"address": address | {"municipalityName": "Valshoven"}}
    assert [one.sender.company for one in events] == [MAIN, MAIN]
    assert rig.stored() == []


def test_works_without_a_declared_address_still_name_a_place(rig: Rig) -> None:
    path = "/mobile/1Y19FAKE005EZ"
    page = at_place(rig, path).post(path, ("person", OK), ("direction", "in"))
    assert "went in at 06:41" in page
    parts = rig.authority.in_out.everything()[0].act.place["address"]
    assert isinstance(parts, dict)
    assert {name for name, must in ADDRESS.items() if must} <= set(parts)


def test_in_or_out_must_be_said(rig: Rig) -> None:
    path = in_out_place(rig)
    visitor = at_place(rig, path)
    for direction in ("", "sideways"):
        page = visitor.post(path, ("person", OK), ("direction", direction))
        assert "In or out is not given." in page
        assert "Touch one of the two buttons." in page
    assert rig.authority.in_out.everything() == []


def test_a_posted_worker_goes_in_by_the_number_behind_his_limosa(rig: Rig) -> None:
    path = in_out_place(rig)
    visitor = at_place(rig, path)
    visitor.post(path, ("person", LIMOSA_OK), ("direction", "in"))
    act = rig.authority.in_out.everything()[0].act
    assert (act.ssin, act.company, act.foreign_vat) == (BIS_LIMOSA, None, "FAKE-FOREIGN-1")
    page = visitor.post(path, ("person", LIMOSA_UNKNOWN), ("direction", "in"))
    assert "The authority refused. Nothing is registered." in plain(page)
    assert len(rig.authority.in_out.everything()) == 1


def test_on_works_of_the_day_regime_there_are_no_such_buttons(rig: Rig) -> None:
    assert 'name="direction"' not in at_place(rig).page
