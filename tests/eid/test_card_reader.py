"""The hub's card reader: the real `pyscard` at the real service with an invented card in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from hub.domain.identity_file import FILE_MAX
from hub.errors import RemoteProtocolError, SitegateError, TransientError
from hub.terminals.card_reader import BLOCK, CardReader
from simulator.eid.card import ATR, IDENTITY, Card, Ending, Faults, foreign_card, identity_card
from simulator.eid.people import CITIZEN, RESIDENCE, identity_file
from tests.eid.service import inserted, needs_service, smart_card_service

pytestmark = needs_service
WAIT_S = 20.0
"""Longer than any machine needs to see a card; no test waits it out."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The virtual reader of a running service."""
    with smart_card_service() as port:
        yield port


def refusal(reader: CardReader, wait_s: float = WAIT_S) -> SitegateError:
    """Why a card is not read."""
    with pytest.raises(SitegateError) as caught:
        reader.identity_file(wait_s)
    return caught.value


def test_the_identity_file_is_read_whole_and_no_other(port: int) -> None:
    card = identity_card(RESIDENCE)
    with inserted(card, port):
        assert CardReader().identity_file(WAIT_S) == card.files[IDENTITY]
        assert card.read == [IDENTITY]


def test_cards_of_each_generation_are_read_to_the_end_whatever_the_length(port: int) -> None:
    card = identity_card(CITIZEN)
    reader = CardReader()
    with inserted(card, port):
        for ending in Ending:
            for size in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, FILE_MAX):
                card.ending = ending
                card.files[IDENTITY] = bytes(place % 251 for place in range(size))
                assert reader.identity_file(WAIT_S) == card.files[IDENTITY], (ending, size)


def test_nonsense_is_refused_and_ends(port: int) -> None:
    card = identity_card(CITIZEN)
    reader = CardReader()
    wrong = {
        "garbage": Faults(garbage_at=3),
        "one byte": Faults(short_at=3),
        "memory": Faults(status_at=(3, 0x6581)),
        "security": Faults(status_at=(3, 0x6982)),
        "too much": Faults(answer=lambda n, right: bytes(250) + b"\x90\x00" if n == 3 else right),
        "6C for ever": Faults(answer=lambda n, right: b"\x6c\x10" if n >= 3 else right),
        "61 for ever": Faults(answer=lambda n, right: b"\x61\x10" if n >= 3 else right),
    }
    with inserted(card, port):
        for name, faults in wrong.items():
            card.faults, card.commands = faults, 0
            error = refusal(reader)
            assert (type(error), error.code) == (RemoteProtocolError, "HUB-1696"), name
            assert card.commands < 12, name
        card.faults, card.commands = Faults(), 0
        card.files[IDENTITY] = bytes(30_000)
        assert refusal(reader).code == "HUB-1696"
        assert card.commands < 20


def test_a_card_that_is_no_eid_is_refused(port: int) -> None:
    card = foreign_card()
    reader = CardReader()
    with inserted(card, port):
        error = refusal(reader)
        assert (type(error), error.code) == (RemoteProtocolError, "HUB-1695")
        # Right application, but nothing where the identity file should be.
        card.applications = identity_card(CITIZEN).applications
        assert refusal(reader).code == "HUB-1695"
        assert card.read == []


def test_a_card_without_answer_to_reset_is_no_eid(port: int) -> None:
    # As one that was put in the wrong way round: the reader sees it and cannot wake it.
    card = identity_card(CITIZEN)
    card.atr = bytes.fromhex("00")
    with inserted(card, port):
        assert refusal(CardReader()).code == "HUB-1695"
    card.atr = ATR
    assert read(card, port) == card.files[IDENTITY]


@pytest.mark.parametrize("command", [1, 2, 3, 4])
def test_a_card_taken_out_while_it_is_read_is_told_from_a_bad_one(port: int, command: int) -> None:
    long = identity_file(CITIZEN, filling=2 * BLOCK)
    card = identity_card(CITIZEN, faults=Faults(remove_at=command), identity=long)
    with inserted(card, port):
        error = refusal(CardReader())
    assert (type(error), error.code) == (TransientError, "HUB-1694")
    assert card.commands == command
    # The next card is read as if nothing had been.
    assert read(identity_card(RESIDENCE), port) == identity_file(RESIDENCE)


def read(card: Card, port: int) -> bytes:
    """What the reader reads of this card."""
    with inserted(card, port):
        return CardReader().identity_file(WAIT_S)


def test_a_card_that_is_put_in_later_is_waited_for(port: int) -> None:
    reader = CardReader()
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(reader.identity_file(WAIT_S)))
    thread.start()
    with inserted(identity_card(CITIZEN), port):
        thread.join()
    assert found == [identity_file(CITIZEN)]


def test_nothing_is_waited_for_longer_than_asked(port: int) -> None:
    assert refusal(CardReader(), 0).code == "HUB-1693"


def test_a_hub_that_stops_does_not_wait_for_a_card(port: int) -> None:
    reader = CardReader()
    codes: list[str] = []
    wait = threading.Thread(target=lambda: codes.append(refusal(reader, 3600).code), daemon=True)
    wait.start()
    reader.close()
    wait.join(WAIT_S)
    assert codes == ["HUB-1693"]


def test_a_second_read_is_refused_while_the_first_is_under_way(port: int) -> None:
    reader = CardReader()
    asked, go_on = threading.Event(), threading.Event()

    def pause(number: int, answer: bytes) -> bytes:
        asked.set()
        assert go_on.wait(WAIT_S)
        return answer

    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(reader.identity_file(WAIT_S)))
    with inserted(identity_card(CITIZEN, faults=Faults(answer=pause)), port):
        thread.start()
        try:
            assert asked.wait(WAIT_S)
            assert refusal(reader, 0).code == "HUB-1697"
        finally:
            go_on.set()
            thread.join()
        assert found == [reader.identity_file(WAIT_S)]
