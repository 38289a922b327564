"""Evidence is kept whole and sealed, and shows one registration without showing anybody else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hub.application.evidence import Exchange
from hub.authority.answers import Unreadable
from hub.authority.evidence import index_of, item_at, items_of
from hub.errors import PermanentError
from hub.storage.engine import reading
from hub.storage.evidence import exchanges_of, names_of, open_bodies
from hub.storage.house import DATABASE, KEYS
from tests.hub.house import NOON_MS
from tests.hub.kept_evidence import (
    NUMBERS,
    PEOPLE,
    REFERENCES,
    Archive,
    archive,
    rest_register,
    soap_register,
    unanswered,
)


def of_number(made: Archive, asked: str) -> list[tuple[bytes, bytes | None]]:
    """The bodies of every exchange that carried it."""
    with reading(made.house.engine) as connection:
        kept = exchanges_of(connection, *names_of(connection, asked))
    return [open_bodies(made.house.vault, one.sealed) for one in kept]


def test_what_was_on_the_wire_comes_back_byte_for_byte(tmp_path: Path) -> None:
    sent = [soap_register(), rest_register(), unanswered()]
    with archive(tmp_path / "house") as made:
        for exchange in sent:
            made.store.keep(exchange)
        assert of_number(made, str(NUMBERS[1])) == [
            (sent[0].request, sent[0].answer),
            # The in/out call carried the same reference; its number was never given.
            (sent[1].request, sent[1].answer),
        ]
        assert of_number(made, REFERENCES[2]) == [
            (sent[0].request, sent[0].answer),
            (sent[2].request, None),
        ]
        assert of_number(made, "17611")[-1] == (sent[1].request, sent[1].answer)
        assert of_number(made, "5") == []


def test_no_number_of_a_person_is_in_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    with archive(folder) as made:
        made.store.keep(soap_register())
        made.store.keep(rest_register())
    stored = b"".join(path.read_bytes() for path in folder.glob(f"{DATABASE}*"))
    assert REFERENCES[0].encode() in stored
    for number in PEOPLE:
        assert number.encode() not in stored


def test_rows_of_another_channel_are_found_by_their_number(tmp_path: Path) -> None:
    items = (("", 71), ("", 72), (REFERENCES[0], None), (REFERENCES[0], 73), (REFERENCES[0], 74))
    searched = Exchange(NOON_MS, "day", "search", "answered", b"<a/>", b"<b/>", items)
    with archive(tmp_path / "house") as made:
        made.store.keep(searched)
        for number in (71, 72, 73, 74):
            assert len(of_number(made, str(number))) == 1, number
        with reading(made.house.engine) as connection:
            assert names_of(connection, "71") == (set(), {71})
            assert names_of(connection, "73") == ({REFERENCES[0]}, {73})


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    with archive(tmp_path / "one") as one, archive(tmp_path / "two") as two:
        one.store.keep(soap_register())
        with reading(one.house.engine) as connection:
            (kept,) = exchanges_of(connection, [], [NUMBERS[0]])
        with pytest.raises(PermanentError, match="HUB-1352"):
            open_bodies(two.house.vault, kept.sealed)
    assert (tmp_path / "one" / KEYS).read_bytes() != (tmp_path / "two" / KEYS).read_bytes()


def test_an_exchange_that_cannot_be_kept_is_told_to_who_gave_it(tmp_path: Path) -> None:
    with archive(tmp_path / "house") as made:
        other = sqlite3.connect(tmp_path / "house" / DATABASE)
        other.execute("DROP TABLE evidence_item")
        other.commit()
        other.close()
        with pytest.raises(Exception, match="evidence_item"):
            made.store.keep(soap_register())
        with reading(made.house.engine) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() == 0


class TestOneItem:
    def test_of_the_day_service_is_shown_masked_and_alone(self) -> None:
        whole = soap_register()
        assert whole.answer is not None
        for body in (whole.request, whole.answer):
            (item,) = items_of(body, "day", {REFERENCES[1]}, set())
            assert ("INSS", "03.07.21-***.**") in item
            assert ("ClientPresenceRegistrationReference", REFERENCES[1]) in item
            told = repr(item)
            assert not any(number in told for number in PEOPLE)
            assert REFERENCES[0] not in told
        (item,) = items_of(whole.answer, "day", set(), {NUMBERS[2]})
        assert ("PresenceRegistrationId", str(NUMBERS[2])) in item

    def test_of_the_in_out_service_hides_the_name_too(self) -> None:
        whole = rest_register()
        assert whole.answer is not None
        (item,) = items_of(whole.answer, "in_out", set(), {17611})
        assert ("familyName", "***") in item
        assert ("id", "17611") in item
        assert PEOPLE[0] not in repr(item)

    def test_a_refusal_without_reference_is_found_by_its_place(self) -> None:
        whole = rest_register()
        assert whole.answer is not None
        assert index_of(whole.request, "in_out", {REFERENCES[1]}) == (1, 2)
        refusal = item_at(whole.answer, "in_out", 1, 2)
        assert refusal is not None
        assert ("errorCode", "SIM-TOO-LATE") in refusal
        # One that says whose it is, or an answer of another length, is not guessed at.
        assert item_at(whole.answer, "in_out", 0, 2) is None
        assert item_at(whole.answer, "in_out", 1, 3) is None

    def test_a_search_and_a_get_without_the_item_show_nothing(self) -> None:
        asked = b"<x><PresenceRegistrationId>71</PresenceRegistrationId></x>"
        envelope = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        body = envelope + asked + b"</s:Body></s:Envelope>"
        assert items_of(body, "day", set(), {71}) == [(("PresenceRegistrationId", "71"),)]
        assert items_of(body, "day", set(), {72}) == []

    @pytest.mark.parametrize("regime", ["day", "in_out"])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>Bad gateway",
            b"\xff\xfe",
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            b"[" * 100_000,
        ],
    )
    def test_what_is_no_message_is_unreadable(self, regime: str, body: bytes) -> None:
        with pytest.raises(Unreadable):
            items_of(body, regime, {"x"}, {1})
