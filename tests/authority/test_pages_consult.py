"""Consulting, cancelling and copying on the desktop pages."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import lxml.etree as etree
import pytest

from simulator.authority.frame import load_channel_texts
from simulator.authority.pages_consult import REMARK_KEYS, ROWS
from tests.authority.office import Visitor, numbers_on
from tests.authority.rig import (
    BIS_PLAIN,
    FIRST,
    LIMOSA_OK,
    NO_DIMONA,
    OK,
    SCHEMA,
    STRANGER,
    SUB,
    SUB_WORKER,
    WORKS_A,
    WORKS_B,
    Rig,
    item,
)

ALL = {"from": "2026-11-01", "until": "2026-12-31"}


def consult(visitor: Visitor, **filters: object) -> list[int]:
    visitor.get("/desktop/consult?" + urlencode(ALL | filters))
    return numbers_on(visitor.page)


@pytest.fixture
def held(rig: Rig) -> Rig:
    """Five registrations, validated: fine, no Dimona, at the subcontractor, ended works, Limosa."""
    rig.validated(
        item(OK),
        item(NO_DIMONA),
        item(SUB_WORKER, SUB, day="2026-11-24"),
        item(OK, works=WORKS_B),
        item(limosa=LIMOSA_OK),
    )
    return rig


def office(rig: Rig, sender: str = "SIM-0001") -> Visitor:
    visitor = Visitor(rig)
    visitor.log_in(sender)
    return visitor


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"from": "2026-11-24"}, [3]),
        ({"until": "2026-11-22"}, []),
        ({"works": WORKS_B.lower()}, [4]),
        ({"company": "0999.000.228"}, [3]),
        ({"company": "BE0999000129", "works": WORKS_A}, [2, 1]),
        ({"status": "FAILED"}, [4, 2]),
        ({"status": "VALIDATED", "from": "2026-11-24"}, [3]),
        ({"remark": "RELATED DIMONA NOT OK"}, [2]),
        ({"remark": "DUC IS NOT ACTIVE AT THIS DATE"}, [4]),
        ({"remark": "nonsense", "status": "nonsense", "page": "x"}, [5, 4, 3, 2, 1]),
    ],
)
def test_filters(held: Rig, filters: dict[str, str], found: list[int]) -> None:
    assert consult(office(held), **filters) == [FIRST - 1 + at for at in found]


def test_without_a_period_it_is_a_week_back_to_as_far_as_the_channel_goes(held: Rig) -> None:
    visitor = office(held)
    page = visitor.get("/desktop/consult")
    assert 'name="from" value="2026-11-16"' in page
    assert 'name="until" value="2026-12-28"' in page
    assert len(numbers_on(page)) == 5


@pytest.mark.parametrize(
    ("filters", "said", "todo"),
    [
        ({"from": "2026-12-02", "until": "2026-12-01"}, "The period is", "Give two days"),
        ({"from": "yesterday"}, "The period is", "Give two days"),
        ({"company": "0999000128"}, "This enterprise number", "It has ten digits"),
        ({"works": "1Y1"}, "This works number", "Copy it from"),
    ],
)
def test_a_filter_that_cannot_be_says_so(
    held: Rig, filters: dict[str, str], said: str, todo: str
) -> None:
    visitor = office(held)
    assert consult(visitor, **filters) == []
    assert visitor.status == 422
    assert said in visitor.page
    assert todo in visitor.page


def test_a_company_sees_what_it_may_and_is_told_when_it_may_not(held: Rig) -> None:
    assert consult(office(held, "SIM-0002")) == [FIRST + 2]
    stranger = office(held, "SIM-0003")
    assert consult(stranger) == []
    assert "Nothing matches" in stranger.page
    assert consult(stranger, works=WORKS_A) == []
    assert "Your company has no right on this company or these works." in stranger.page
    stranger.get(f"/desktop/registration/{FIRST}")
    assert stranger.status == 404
    assert "your company may not see it" in stranger.page
    for number in ("900000000000999", "x", "1" * 30):
        stranger.get(f"/desktop/registration/{number}")
        assert stranger.status == 404


def test_pages(rig: Rig) -> None:
    rig.register(*[item()] * (2 * ROWS + 3))
    visitor = office(rig)
    first = consult(visitor, works=WORKS_A)
    assert len(first) == ROWS
    assert "1 / 3" in visitor.page
    assert "Found: 103" in visitor.page
    after = re.search(r'href="(\?[^"]*page=2)"', visitor.page)
    assert after is not None
    visitor.get("/desktop/consult" + unescape(after[1]))
    second = numbers_on(visitor.page)
    visitor.get("/desktop/consult" + unescape(after[1]).replace("page=2", "page=3"))
    third = numbers_on(visitor.page)
    assert first + second + third == sorted((one["number"] for one in rig.stored()), reverse=True)


def test_every_official_remark_is_said_in_plain_words_too() -> None:
    schema = etree.parse(str(SCHEMA / "presence-types-v1.xsd"))
    xs = {"xs": "http://www.w3.org/2001/XMLSchema"}
    values = schema.findall(".//xs:simpleType[@name='SearchRemarkType']//xs:enumeration", xs)
    official = {value.get("value") for value in values}
    assert len(official) == 17
    assert set(REMARK_KEYS) == official
    assert set(REMARK_KEYS.values()) <= set(load_channel_texts())


@pytest.mark.parametrize(
    ("language", "plain"),
    [
        ("fr", "L’entreprise n’est pas déclarée sur ce chantier."),
        ("nl", "De onderneming is niet aangegeven op deze werf."),
        ("de", "Das Unternehmen ist auf dieser Baustelle nicht gemeldet."),
        ("en", "The company is not declared on these works."),
    ],
)
def test_a_remark_is_shown_in_words_with_its_official_spelling(
    rig: Rig, language: str, plain: str
) -> None:
    rig.validated(item("71121999114", STRANGER))
    visitor = office(rig)
    for path in (f"/desktop/registration/{FIRST}", "/desktop/consult"):
        page = visitor.get(f"{path}?lang={language}")
        listed = page[page.index('<ul class="remarks">') :]
        assert plain in listed
        spelled = "COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC"
        assert f'<span class="official" lang="en">{spelled}</span>' in listed


def test_one_registration_with_its_history(held: Rig) -> None:
    visitor = office(held)
    page = visitor.get(f"/desktop/registration/{FIRST + 1}")
    for text in (str(FIRST + 1), "23/11/2026 06:41:07", "23/11/2026 06:41:27", "•••544"):
        assert text in page
    assert page.count("Registered, to be validated") == 1
    assert page.count("No Dimona for this person at this employer on that day.") == 2
    assert "WEBSERVICE · SIM-0001" in page


def test_cancelling_needs_rows_and_a_reason_and_says_what_was_done(held: Rig) -> None:
    visitor = office(held)
    consult(visitor)
    page = visitor.post("/desktop/cancel", ("reason", "DISEASE"))
    assert "No registration is chosen." in page
    page = visitor.post("/desktop/cancel", ("number", FIRST), ("reason", ""))
    assert "No reason is chosen." in page
    page = visitor.post("/desktop/cancel", ("number", FIRST), ("reason", "BECAUSE"))
    assert "No reason is chosen." in page
    assert {one["cancel_reason"] for one in held.stored()} == {None}
    consult(visitor, works=WORKS_A)
    rows = [("number", FIRST), ("number", FIRST + 1), ("reason", "HOLIDAY")]
    page = visitor.post("/desktop/cancel", *rows)
    assert "2 of 2 cancelled." in page
    assert f"works={WORKS_A}" in visitor.trail[-1]
    assert [one["cancel_reason"] for one in held.stored()] == ["HOLIDAY", "HOLIDAY", *[None] * 3]
    assert held.stored()[0]["status"] == "SUCCESSFULLY CANCELLED"
    # The outcome is told once.
    assert "2 of 2 cancelled." not in visitor.get("/desktop/consult")


def test_what_cannot_be_cancelled_is_explained_one_by_one(held: Rig) -> None:
    visitor = office(held)
    visitor.get(f"/desktop/registration/{FIRST}")
    page = visitor.post("/desktop/cancel", ("reason", "PLANNING"))
    assert "1 of 1 cancelled." in page
    assert "Change of planning" in page
    held.clock.to("2026-11-24T08:00")
    consult(visitor)
    rows = [("number", FIRST), ("number", FIRST + 1), ("number", FIRST + 2), ("number", 5)]
    page = visitor.post("/desktop/cancel", *rows, ("reason", "C32A"))
    assert "1 of 4 cancelled." in page
    assert f"{FIRST}: cancelled already." in page
    assert f"{FIRST + 1}: the day is over" in page
    assert "5: there is no such number." in page
    assert [one["cancel_reason"] for one in held.stored()] == ["PLANNING", None, "C32A", None, None]


def test_only_sender_and_employer_cancel(held: Rig) -> None:
    number = held.register(item(SUB_WORKER, SUB), sender="SIM-0002")[0]
    declarant = office(held)
    declarant.get(f"/desktop/registration/{number}")
    page = declarant.post("/desktop/cancel", ("reason", "OTHER"))
    assert f"{number}: only the sender and the employer can cancel. " in re.sub(
        "</?strong>", "", page
    )
    employer = office(held, "SIM-0002")
    employer.get(f"/desktop/registration/{FIRST + 2}")
    assert "1 of 1 cancelled." in employer.post("/desktop/cancel", ("reason", "OTHER"))


def test_the_same_cancellation_twice_is_carried_out_once(held: Rig) -> None:
    visitor = office(held)
    page = visitor.get(f"/desktop/registration/{FIRST}")
    visitor.post("/desktop/cancel", ("reason", "OTHER"))
    visitor.page = page
    again = visitor.post("/desktop/cancel", ("reason", "OTHER"))
    assert "cancelled already" not in again


def test_chosen_registrations_are_copied_to_other_days(held: Rig) -> None:
    visitor = office(held)
    consult(visitor)
    page = visitor.post("/desktop/copy")
    assert "No registration is chosen." in page
    page = visitor.post("/desktop/copy", ("number", FIRST), ("number", FIRST + 3))
    assert "The chosen registrations are of several works." in page
    chosen = [("number", FIRST), ("number", FIRST + 2), ("number", FIRST + 4), ("number", 7)]
    visitor.post("/desktop/copy", *chosen)
    assert visitor.trail[-1].endswith("/desktop/register/days")
    visitor.post("/desktop/register/days", ("day", "2026-12-01"), ("day", "2026-12-02"))
    visitor.post("/desktop/register/check")
    copied = [one for one in held.stored() if one["day"] >= "2026-12-01"]
    assert [(one["inss"] or one["limosa_id"], one["company"]) for one in copied] == [
        (OK, "0999000129"),
        (SUB_WORKER, "0999000228"),
        (LIMOSA_OK, None),
    ] * 2
    assert {one["works"] for one in copied} == {WORKS_A}


def test_nobody_copies_what_he_may_not_see(held: Rig) -> None:
    stranger = office(held, "SIM-0003")
    consult(stranger)
    page = stranger.post("/desktop/copy", ("number", FIRST))
    assert "No registration is chosen." in page


def test_a_client_reference_never_breaks_out(rig: Rig) -> None:
    rig.register(item(BIS_PLAIN, reference="<b>&\"'"))
    visitor = office(rig)
    consult(visitor, works='"><script>')
    assert "<script" not in visitor.page
    assert "&#34;&gt;&lt;SCRIPT&gt;" in visitor.page or "&#34;&gt;&lt;script&gt;" in visitor.page
