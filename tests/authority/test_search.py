"""searchPresences and getPresenceRegistration: criteria, rights, pages, order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.authority.operations import Settings
from tests.authority.rig import (
    BIS_LIMOSA,
    FIRST,
    LIMOSA_OK,
    MAIN,
    NO_DIMONA,
    NOW,
    NS,
    OK,
    STRANGER,
    SUB,
    SUB_WORKER,
    WORKS_A,
    WORKS_B,
    WORKS_C,
    WORKS_UNKNOWN,
    WORLD,
    Rig,
    cancel,
    get,
    item,
    period,
    search,
)

DIMONA = "RELATED DIMONA NOT OK"
TODAY = period("2026-11-23", "2026-11-23")
TOMORROW = period("2026-11-24", "2026-11-24")


def offsets(rig: Rig, body: str, sender: str | None = None) -> list[int]:
    """The found registrations, counted from the first number ever given."""
    reply = rig.call(body, sender=sender)
    assert (reply.fault, reply.codes) == (None, [])
    assert reply.body.find(".//t:PresenceRegistrationList", NS) is not None
    return [number - FIRST for number in reply.numbers]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Seven registrations, one a second, validated, the last one cancelled; only for reading."""
    rig = Rig(tmp_path_factory.mktemp("filled"), NOW, WORLD, Settings())
    for one in (
        item(OK, MAIN, WORKS_A, reference="r0"),
        item(SUB_WORKER, SUB, WORKS_A),
        item(NO_DIMONA, MAIN, WORKS_A),
        item(OK, MAIN, WORKS_A, day="2026-11-24"),
        item(limosa=LIMOSA_OK),
        item(OK, MAIN, WORKS_C),
        item(SUB_WORKER, SUB, WORKS_B),
    ):
        rig.register(one)
        rig.clock.forward(1)
    rig.clock.forward(60)
    rig.authority.validate_due()
    rig.call(cancel((FIRST + 6, "OTHER")))
    yield rig
    rig.close()


@pytest.mark.parametrize(("body", "found"), [
    (search(), [0, 1, 2, 3, 4, 5, 6]),
    (search(TODAY), [0, 1, 2, 4, 5, 6]),
    (search(TOMORROW), [3]),
    (search(TODAY + TOMORROW), [0, 1, 2, 3, 4, 5, 6]),
    (search(period("2026-11-20", "2026-11-22")), []),
    (search(inss=OK), [0, 3, 5]),
    (search(inss=BIS_LIMOSA), [4]),
    (search(company=SUB), [1, 6]),
    (search(works=WORKS_A), [0, 1, 2, 3, 4]),
    (search(company=MAIN, works=WORKS_A), [0, 2, 3]),
    (search(statuses=("FAILED",)), [2, 5]),
    (search(statuses=("VALIDATED", "SUCCESSFULLY CANCELLED")), [0, 1, 3, 4, 6]),
    (search(statuses=("SUCCESSFULLY REGISTERED",)), []),
    (search(remarks=(DIMONA,)), [2]),
    (search(remarks=(DIMONA, "SITE IS NOT SUBJECT TO PRESENCE REGISTRATION")), [2, 5]),
    (search(tail="<t:Sector>1</t:Sector>"), [0, 1, 2, 3, 4, 5, 6]),
    (search(tail="<t:Sector>3</t:Sector>"), []),
    (search(tail="<t:CreationStartDate>2026-11-23T06:41:09.312+01:00</t:CreationStartDate>"
                 "<t:CreationEndDate>2026-11-23T05:41:10.312Z</t:CreationEndDate>"), [2, 3]),
    (search(tail="<t:CreationStartDate>2026-11-23T06:41:13</t:CreationStartDate>"), [6]),
    (search(works=WORKS_UNKNOWN), []),
])  # fmt: skip
def test_criteria(filled: Rig, body: str, found: list[int]) -> None:
    assert offsets(filled, body) == found


def test_a_found_registration_carries_its_sender_and_the_consult_form(filled: Rig) -> None:
    reply = filled.call(search(inss=NO_DIMONA))
    found = reply.body.find(".//t:PresenceRegistrationList/t:PresenceRegistration", NS)
    submitted = found.find("t:PresenceRegistrationConsultSubmitted", NS)
    assert [child.text for child in submitted] == ["2026-11-23", NO_DIMONA, str(MAIN), WORKS_A]
    assert [child.text for child in found.find("t:Sender", NS)] == ["SIM-0001", str(MAIN), "SIM"]
    assert found.find("t:ValidationHistory", NS) is None
    assert [one.text for one in found.iterfind(".//t:Remark", NS)] == [DIMONA]


def test_the_request_is_echoed(filled: Rig) -> None:
    reply = filled.call(search(TODAY, inss=OK, paging=(0, 10), sorting=("DESCENDING", "STATUS")))
    echo = reply.body.find("p:SearchPresencesResponseType/t:SearchPresencesRequest", NS)
    assert [child.tag.partition("}")[2] for child in echo] == [
        "SearchPresenceRegistrationCriteria",
        "PaginationProperties",
        "SortingProperties",
    ]
    assert echo.findtext("*/t:INSS", namespaces=NS) == OK
    assert echo.findtext("*/t:FetchSize", namespaces=NS) == "10"


@pytest.mark.parametrize("body", [
    search(""),
    search("", company=MAIN),
    search("", tail="<t:CreationStartDate>2026-11-23T00:00:00</t:CreationStartDate>"),
    search(period("2026-11-24", "2026-11-23")),
    search(TODAY + period("2026-11-24", "2026-11-23")),
    search(period("2026-11-23", "12026-11-23")),
    search(tail="<t:CreationEndDate>12026-11-23T00:00:00</t:CreationEndDate>"),
])  # fmt: skip
def test_a_search_needs_a_period(filled: Rig, body: str) -> None:
    reply = filled.call(body)
    assert (reply.status, reply.codes, reply.numbers) == (200, ["SIM-SEARCH-PERIOD"], [])
    assert reply.body.find(".//t:PresenceRegistrationList", NS) is None


@pytest.mark.parametrize("paging", [(-1, 50), (0, -1)])
def test_negative_pages_are_refused(filled: Rig, paging: tuple[int, int]) -> None:
    assert filled.call(search(paging=paging)).codes == ["SIM-SEARCH-PAGE"]


def test_pages(rig: Rig) -> None:
    for _ in range(3):
        rig.register(*[item()] * 200)

    def page(paging: tuple[object, object] | None) -> tuple[str, list[int]]:
        reply = rig.call(search(paging=paging))
        return reply.texts("PresenceRegistrationResultCount")[0], [
            number - FIRST for number in reply.numbers
        ]

    assert page(None) == ("600", list(range(50)))
    assert page(("", "")) == ("600", list(range(50)))
    assert page((50, 50)) == ("600", list(range(50, 100)))
    assert page((0, 500)) == ("600", list(range(500)))
    assert page((0, 501)) == ("600", list(range(500)))
    assert page((500, 500)) == ("600", list(range(500, 600)))
    assert page((600, 50)) == ("600", [])
    assert page((0, 0)) == ("600", [])


@pytest.mark.parametrize(("criteria", "found"), [
    ("ID", [0, 1, 2, 3, 4, 5, 6]),
    ("REGISTRATION DATE", [0, 1, 2, 4, 5, 6, 3]),
    ("CREATION DATE", [0, 1, 2, 3, 4, 5, 6]),
    ("STATUS", [2, 5, 6, 0, 1, 3, 4]),
    ("PLACE OF WORK", [0, 1, 2, 3, 4, 6, 5]),
    ("COMPANY ID", [4, 0, 2, 3, 5, 1, 6]),
    ("CHANNEL", [0, 1, 2, 3, 4, 5, 6]),
    ("SENDER ID", [0, 1, 2, 3, 4, 5, 6]),
])  # fmt: skip
def test_sorting(filled: Rig, criteria: str, found: list[int]) -> None:
    assert offsets(filled, search(sorting=("ASCENDING", criteria))) == found
    assert offsets(filled, search(sorting=("DESCENDING", criteria))) == found[::-1]


def test_an_empty_sorting_means_the_default(filled: Rig) -> None:
    assert offsets(filled, search(sorting=("", ""))) == [0, 1, 2, 3, 4, 5, 6]


def test_a_caller_sees_its_own_its_company_and_its_works(rig: Rig) -> None:
    rig.register(item(OK, MAIN), sender="SIM-0001")
    rig.register(item(SUB_WORKER, SUB), sender="SIM-0001")
    rig.register(item(SUB_WORKER, SUB, WORKS_UNKNOWN), sender="SIM-0002")
    rig.register(item(OK, MAIN, WORKS_UNKNOWN), sender="SIM-0003")
    assert offsets(rig, search(), "SIM-0001") == [0, 1, 3]
    assert offsets(rig, search(), "SIM-0002") == [1, 2]
    assert offsets(rig, search(), "SIM-0003") == [3]


@pytest.mark.parametrize(("sender", "body", "allowed"), [
    ("SIM-0001", search(company=MAIN), True),
    ("SIM-0001", search(company=SUB), True),
    ("SIM-0001", search(company=STRANGER), False),
    ("SIM-0001", search(company=STRANGER, works=WORKS_A), True),
    ("SIM-0001", search(company=123456749), True),
    ("SIM-0002", search(company=MAIN), False),
    ("SIM-0002", search(works=WORKS_A), True),
    ("SIM-0003", search(works=WORKS_A), False),
    ("SIM-0003", search(works=WORKS_UNKNOWN), True),
    ("SIM-0003", search(inss=OK), True),
    ("SIM-0003", search(company=STRANGER, works=WORKS_A), True),
])  # fmt: skip
def test_rights(spare_rig: Rig, sender: str, body: str, allowed: bool) -> None:
    reply = spare_rig.call(body, sender=sender)
    assert reply.codes == ([] if allowed else ["SIM-RIGHTS"])


def test_who_registered_somebody_may_search_for_that_company(rig: Rig) -> None:
    rig.register(item("71121999114", STRANGER), sender="SIM-0001")
    assert offsets(rig, search(company=STRANGER), "SIM-0001") == [0]


def test_get_shows_the_full_history_and_respects_rights(filled: Rig) -> None:
    reply = filled.call(get(FIRST))
    wrapper = reply.body.find("p:GetPresenceRegistrationResponseType", NS)
    assert [child.tag.partition("}")[2] for child in wrapper] == [
        "GetPresenceRegistrationRequest",
        "GetPresenceRegistrationType",
    ]
    found = wrapper.find("t:GetPresenceRegistrationType/t:PresenceRegistrationType", NS)
    assert found.findtext("*/t:ClientPresenceRegistrationReference", namespaces=NS) == "r0"
    assert len(found.findall("t:ValidationHistory/t:Validation", NS)) == 2
    assert filled.call(get(FIRST), sender="SIM-0002").numbers == [FIRST]
    assert len(filled.call(get(FIRST + 1), sender="SIM-0002").numbers) == 2


def test_get_of_nothing_is_empty_not_a_fault(rig: Rig) -> None:
    reply = rig.call(get(FIRST))
    assert (reply.status, reply.fault, reply.numbers) == (200, None, [FIRST])
    [found] = reply.body.iter("{*}GetPresenceRegistrationType")
    assert len(found) == 0
