"""What is sent is to the byte what zeep builds from the WSDL, and every message is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from threading import Barrier, BrokenBarrierError

import lxml.etree as etree
import pytest

from hub.application.ports import Cancel, PresenceItem
from hub.authority.items import cancel_item, search_request, submit_item
from hub.authority.messages import Message, Messages
from hub.authority.validate import ContractBroken, ContractCheck
from hub.errors import LocalProtocolError
from tests.soap.workers import DAY, INSS, WORKS, employee, posted, reference

REGISTER = ("registerPresences", "PresenceRegistrationRequest")
CANCEL = ("cancelPresences", "CancelPresenceRequest")


class AllByZeep(Messages):
    """Builds every item by zeep itself."""

    def _copied(
        self, operation: str, field: str, items: Sequence[Mapping[str, object]]
    ) -> etree._Element:
        return self._create(operation, field, items)


def built(messages: Messages, items: Sequence[PresenceItem]) -> Message:
    return messages.build(*REGISTER, [submit_item(item) for item in items])


MIXES: dict[str, list[PresenceItem]] = {
    "one employee": [employee(1)],
    "one posted": [posted(1)],
    "200 of both": [employee(n) if n % 3 else posted(n) for n in range(200)],
    "signs that XML escapes": [
        employee(1, works="<&>\"'1"),
        posted(2, limosa="]]>&amp; é €"),
        employee(3),
    ],
    "several days": [
        PresenceItem(reference(n), date(2026, 1 + n, 28), WORKS, inss=INSS, company_number="0" * n)
        for n in range(1, 11)
    ],
}


@pytest.mark.parametrize("name", MIXES)
def test_copied_items_are_what_zeep_would_have_built(name: str) -> None:
    items = MIXES[name]
    assert built(Messages(), items).body == built(AllByZeep(), items).body
    # What was built before leaves nothing behind.
    used = Messages()
    built(used, [employee(77, inss="99123199544", works="1Y19FAKE009XZ"), posted(78)])
    assert built(used, items).body == built(AllByZeep(), items).body


def test_copied_cancellations_are_what_zeep_would_have_built() -> None:
    values = [
        cancel_item(Cancel(reference(n), 10**14 + n, reason))
        for n, reason in enumerate(["HOLIDAY", "DISEASE", "PLANNING", "C32A"])
    ]
    assert Messages().build(*CANCEL, values).body == AllByZeep().build(*CANCEL, values).body


def test_a_message_holds_each_namespace_once_and_nothing_but_the_request() -> None:
    body = built(Messages(), [employee(1), posted(2)]).body
    assert body.count(b"xmlns") == 3
    envelope = etree.fromstring(body)
    assert [etree.QName(part).localname for part in envelope] == ["Body"]
    assert len(envelope[0]) == 1


def test_schemas_are_compiled_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """libxml2 breaks its own types for the whole process when two first ones meet."""
    together = Barrier(2)
    met: list[int] = []

    class Waits(etree.XMLSchema):
        def __init__(self, *arguments: etree._Element) -> None:
            # Alone, it waits in vain, once; whoever comes beside it lets both go on.
            with suppress(BrokenBarrierError):
                met.append(together.wait(0.3))
            super().__init__(*arguments)

    monkeypatch.setattr(etree, "XMLSchema", Waits)
    with ThreadPoolExecutor(4) as workers:
        jobs = [workers.submit(built, Messages(), [employee(n)]) for n in range(4)]
        assert all(job.result(60).body for job in jobs)
    assert met == []


class Looks(ContractCheck):
    """Counts the messages it sees."""

    seen = 0

    def egress(self, envelope: etree._Element, *rest: object) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        type(self).seen += 1
        return super().egress(envelope, *rest)  # pyright: ignore[reportCallIssue]


def test_every_message_goes_through_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.authority.messages.ContractCheck", Looks)
    messages = Messages()
    built(messages, [employee(1)])
    with pytest.raises(ContractBroken):
        built(messages, [employee(1), employee(2, inss="1")])
    messages.build("searchPresences", "SearchPresenceRequest", search_request(WORKS, DAY, 0))
    messages.build(
        "getPresenceRegistration", "GetPresenceRegistrationRequest", {"PresenceRegistrationId": 7}
    )
    assert Looks.seen == 4


@pytest.mark.parametrize(
    "values",
    [
        [{"RegistrationDate": None}],
        [{"RegistrationDate": DAY, "Unknown": "x"}],
        [{"RegistrationDate": DAY, "INSS": f"{INSS}\x00"}],
        {"Unknown": "x"},
    ],
)
def test_what_zeep_would_not_build_is_our_mistake_and_quotes_nothing(values: object) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Messages().build(*REGISTER, values)  # pyright: ignore[reportArgumentType]
    assert caught.value.code == "HUB-1317"
    assert caught.value.__context__ is None


def test_a_message_shows_its_size_and_not_its_content() -> None:
    message = Message(INSS.encode(), {})
    assert repr(message) == "Message(11 bytes)"
