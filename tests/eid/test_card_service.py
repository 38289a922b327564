"""What the card reader says when the smart card service, the reader or the library is missing."""

from __future__ import annotations

import sys

import pytest

from hub.errors import PermanentError, SitegateError, TransientError
from hub.terminals.card_reader import CardReader
from simulator.eid.card import identity_card
from simulator.eid.people import CITIZEN, identity_file
from tests.eid.service import inserted, needs_service, smart_card_service

WAIT_S = 20.0


def refusal() -> SitegateError:
    """Why no card is read."""
    with pytest.raises(SitegateError) as caught:
        CardReader().identity_file(0)
    return caught.value


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    error = refusal()
    assert (type(error), error.code) == (PermanentError, "HUB-1690")


class TestService:
    """With the real service, which comes and goes."""

    pytestmark = needs_service

    def test_a_service_that_does_not_run_is_named(self) -> None:
        error = refusal()
        assert (type(error), error.code) == (TransientError, "HUB-1691")

    def test_a_service_without_a_reader_is_named(self) -> None:
        with smart_card_service(readers=False):
            error = refusal()
        assert (type(error), error.code) == (TransientError, "HUB-1692")

    def test_a_service_that_was_started_again_is_used_again(self) -> None:
        reader = CardReader()
        for _ in range(2):
            with smart_card_service() as port, inserted(identity_card(CITIZEN), port):
                assert reader.identity_file(WAIT_S) == identity_file(CITIZEN)
