"""Our contract and that of the simulated authority were written apart; here they meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.application.ports import Cancel, PresenceItem, Refused, Registered
from hub.authority import messages
from hub.authority.soap import SoapAuthority
from hub.errors import InDoubtError, PermanentError, StoppedError, TransientError
from tests.hub.outbox_contract import limosa
from tests.soap.simulated import SimulatedAuthority
from tests.soap.workers import COMPANY, DAY, INSS, LIMOSA, WORKS, employee, posted, reference

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedAuthority]:
    folder = tmp_path_factory.mktemp("authority")
    with SimulatedAuthority(folder, "--validation-delay", "0") as authority:
        yield authority


@pytest.fixture
def authority(shared: SimulatedAuthority) -> Iterator[SimulatedAuthority]:
    yield shared
    shared.order("availability", mode="up")
    shared.order("fault", code=None)
    shared.order("answers", backwards=False)


@pytest.fixture
def port(authority: SimulatedAuthority) -> SoapAuthority:
    return SoapAuthority(authority.soap, connect_timeout_s=5, read_timeout_s=5)


def crowd(first: int, count: int, works: str = WORKS) -> list[PresenceItem]:
    """Returns items of different people."""
    return [
        PresenceItem(reference(index), DAY, works, limosa=limosa(index))
        for index in range(first, first + count)
    ]


def test_a_registration_gets_a_number_and_can_be_read_back(
    authority: SimulatedAuthority, port: SoapAuthority
) -> None:
    (result,) = port.register([employee(1)])
    assert isinstance(result, Registered)
    assert result.number > 0
    assert result.status == "SUCCESSFULLY REGISTERED"
    assert result.created.startswith("2026-11-23T07:0")
    authority.order("validate")
    found = port.get(result.number)
    assert found is not None
    assert (found.number, found.reference) == (result.number, reference(1))
    assert found.status == "VALIDATED"
    assert port.get(999_999_999_999_999) is None


def test_200_items_answered_backwards_each_get_their_own_number(
    authority: SimulatedAuthority, port: SoapAuthority
) -> None:
    authority.order("answers", backwards=True)
    items = crowd(1000, 200)
    results = port.register(items)
    assert [result.reference for result in results] == [item.reference for item in items]
    numbers = {
        result.reference: result.number for result in results if isinstance(result, Registered)
    }
    assert len(set(numbers.values())) == 200
    held = {row["number"]: row["limosa_id"] for row in authority.registrations()}
    assert all(held[numbers[item.reference]] == item.limosa for item in items)


def test_refused_items_say_why_and_the_others_are_stored(port: SoapAuthority) -> None:
    wrong_check = LIMOSA[:-1] + "8"
    results = port.register(
        [
            employee(20),
            employee(21, inss="85031299762"),
            employee(22, company="0999000128"),
            employee(23, works="1Y19FAKE001BZ"),
            posted(24, limosa=wrong_check),
            PresenceItem(reference(25), DAY + timedelta(days=2), WORKS, limosa=LIMOSA),
            PresenceItem(reference(26), DAY + timedelta(days=1), WORKS, limosa=LIMOSA),
        ]
    )
    codes = [
        [code for code, _ in result.errors] if isinstance(result, Refused) else "stored"
        for result in results
    ]
    assert codes == [
        "stored",
        ["SIM-INSS"],
        ["SIM-COMPANY"],
        ["SIM-PLACE"],
        ["SIM-LIMOSA-FORMAT"],
        ["SIM-DATE"],
        "stored",
    ]
    for number in ("85031299762", wrong_check):
        assert number not in repr(results)


def test_a_search_brings_everything_of_one_works_number_and_day(port: SoapAuthority) -> None:
    works = "1Y19FAKE003CZ"
    items = crowd(2000, 120, works)
    numbers = {result.reference: result for result in port.register(items)}
    port.register(crowd(3000, 3))
    tomorrow = PresenceItem(reference(2999), DAY + timedelta(days=1), works, limosa=LIMOSA)
    port.register([tomorrow])
    found = port.search(works, DAY)
    assert {row.registered.reference for row in found} == set(numbers)
    limosas = {item.reference: item.limosa for item in items}
    for row in found:
        stored = numbers[row.registered.reference]
        assert isinstance(stored, Registered)
        assert row.registered.number == stored.number
        assert (row.works_number, row.day) == (works, DAY)
        assert (row.limosa, row.inss) == (limosas[row.registered.reference], None)
        assert row.channel == "WEBSERVICE"
    assert [row.registered.reference for row in port.search(works, DAY + timedelta(days=1))] == [
        tomorrow.reference
    ]
    assert port.search(works, DAY - timedelta(days=1)) == []


def test_a_search_pages_when_there_are_more_than_one_answer_holds(port: SoapAuthority) -> None:
    works = "1Y19FAKE002BZ"
    for first in range(5000, 5520, 130):
        port.register(crowd(first, 130, works))
    found = port.search(works, DAY)
    assert len({row.registered.number for row in found}) == 520


def test_remarks_arrive_as_the_authority_words_them(
    authority: SimulatedAuthority, port: SoapAuthority
) -> None:
    (result,) = port.register([employee(40, inss="99123199544")])
    assert isinstance(result, Registered)
    authority.order("validate")
    found = port.get(result.number)
    assert found is not None
    assert (found.status, found.remarks) == ("FAILED", ("RELATED DIMONA NOT OK",))


@pytest.mark.parametrize(
    ("identity", "status", "remarks"),
    [
        pytest.param(("85031299761", "0999000129", None), "VALIDATED", (), id="employee"),
        pytest.param(("03072199766", "0999000228", None), "VALIDATED", (), id="self-employed"),
        # Lent out by 0999000228 to 0999000129: the employer is who declared him in Dimona.
        pytest.param(("88060299559", "0999000228", None), "VALIDATED", (), id="agency"),
        pytest.param(
            ("88060299559", "0999000129", None),
            "FAILED",
            ("RELATED DIMONA NOT OK",),
            id="agency worker under his user company",
        ),
        pytest.param((None, None, "24999000000000187"), "VALIDATED", (), id="Limosa alone"),
        pytest.param(("95492199633", "0999000228", None), "VALIDATED", (), id="BIS with Dimona"),
        pytest.param(("90431599864", "0999000228", None), "VALIDATED", (), id="BIS with Limosa"),
        pytest.param(
            ("90231599722", "0999000228", None),
            "FAILED",
            ("NISS-BIS IS NOT KNOWN IN LIMOSA",),
            id="BIS without Limosa",
        ),
    ],
)
def test_each_kind_of_worker_goes_under_the_numbers_that_the_law_wants(
    tmp_path: Path,
    identity: tuple[str | None, str | None, str | None],
    status: str,
    remarks: tuple[str, ...],
) -> None:
    inss, company, limosa_id = identity
    item = PresenceItem(reference(900), DAY, WORKS, inss, company, limosa_id)
    with SimulatedAuthority(tmp_path) as authority:
        port = SoapAuthority(authority.soap)
        (result,) = port.register([item])
        assert isinstance(result, Registered)
        authority.order("validate")
        found = port.get(result.number)
    assert found is not None
    assert (found.status, found.remarks) == (status, remarks)


def test_a_cancelled_registration_says_so_and_cannot_be_cancelled_twice(
    port: SoapAuthority,
) -> None:
    (result,) = port.register([employee(50)])
    assert isinstance(result, Registered)
    (cancelled,) = port.cancel([Cancel(reference(50), result.number, "DISEASE")])
    assert isinstance(cancelled, Registered)
    assert (cancelled.number, cancelled.status) == (result.number, "SUCCESSFULLY CANCELLED")
    again, unknown = port.cancel(
        [
            Cancel(reference(50), result.number, "DISEASE"),
            Cancel(reference(51), 999_999_999_999_999, "PLANNING"),
        ]
    )
    assert isinstance(again, Refused)
    assert (again.reference, again.errors[0][0]) == (reference(50), "SIM-CANCEL-TWICE")
    assert isinstance(unknown, Refused)
    assert (unknown.reference, unknown.errors[0][0]) == (reference(51), "SIM-CANCEL-UNKNOWN")


def test_200_registrations_are_cancelled_in_one_call(
    authority: SimulatedAuthority, port: SoapAuthority
) -> None:
    authority.order("answers", backwards=True)
    stored = port.register(crowd(7000, 200))
    cancels = [
        Cancel(result.reference, result.number, "PLANNING")
        for result in stored
        if isinstance(result, Registered)
    ]
    results = port.cancel(cancels)
    assert [result.reference for result in results] == [cancel.reference for cancel in cancels]
    assert [result.number for result in results if isinstance(result, Registered)] == [
        cancel.number for cancel in cancels
    ]


def test_a_search_shows_whom_each_row_is_for(port: SoapAuthority) -> None:
    works = "1Y19FAKE004DZ"
    port.register([employee(85, works=works)])
    (row,) = port.search(works, DAY)
    assert (row.inss, row.company_number, row.limosa) == (INSS, COMPANY, None)


def test_a_message_against_its_schema_is_refused_as_a_whole(
    authority: SimulatedAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoCheck:
        """An older contract than the authority's: it sees nothing wrong."""

        def egress(self, envelope: object, headers: object, *rest: object) -> object:
            return envelope, headers

    monkeypatch.setattr(messages, "ContractCheck", NoCheck)
    before = authority.references()
    with pytest.raises(PermanentError) as caught:
        SoapAuthority(authority.soap).register([employee(60), employee(61, inss="8503129976")])
    assert caught.value.code == "HUB-1303"
    assert caught.value.extra["fault"] == "SOA-03006"
    assert authority.references() == before


@pytest.mark.parametrize("mode", ["down", "unavailable"])
def test_an_unavailable_authority_stored_nothing(
    authority: SimulatedAuthority, port: SoapAuthority, mode: str
) -> None:
    before = authority.references()
    authority.order("availability", mode=mode)
    with pytest.raises(TransientError) as caught:
        port.register([employee(70)])
    assert caught.value.code == "HUB-1310"
    with pytest.raises(TransientError):
        port.search(WORKS, DAY)
    assert authority.references() == before


def test_a_dropped_connection_is_in_doubt_and_the_search_tells(
    authority: SimulatedAuthority, port: SoapAuthority
) -> None:
    authority.order("availability", mode="drop-after-commit", calls=1)
    with pytest.raises(InDoubtError):
        port.register([posted(80, limosa(80))])
    assert reference(80) in {row.registered.reference for row in port.search(WORKS, DAY)}
    authority.order("availability", mode="refuse", calls=1)
    with pytest.raises(InDoubtError):
        port.register([posted(81, limosa(81))])
    assert reference(81) not in {row.registered.reference for row in port.search(WORKS, DAY)}


def test_an_authority_that_hangs_is_left_after_the_read_timeout(
    authority: SimulatedAuthority,
) -> None:
    authority.order("availability", mode="stall")
    impatient = SoapAuthority(authority.soap, connect_timeout_s=5, read_timeout_s=0.2)
    with pytest.raises(InDoubtError) as caught:
        impatient.register([employee(90)])
    assert caught.value.extra == {"cause": "timeout"}


def test_refused_access_stops(authority: SimulatedAuthority, port: SoapAuthority) -> None:
    authority.order("fault", code="SOA-01002")
    with pytest.raises(StoppedError) as caught:
        port.register([employee(95)])
    assert caught.value.code == "HUB-1304"
    assert caught.value.extra["fault"] == "SOA-01002"
