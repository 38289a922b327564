"""The identity file: what is taken of it, and what is refused, whatever a chip says."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.identifiers import parse_inss
from hub.domain.identity_file import FILE_MAX, NAME_MAX, Document, read_identity
from hub.errors import RemoteProtocolError
from simulator.eid.people import (
    BIS_HOLDER,
    CITIZEN,
    EXPIRED,
    HOLDERS,
    RESIDENCE,
    Holder,
    field,
    identity_file,
)
from tests.eid.today import TODAY

NUMBER = field(6, CITIZEN.national_number.encode())
NAME = field(7, b"Verzonnen")


def refused(file: bytes) -> str:
    """Which part of the file is wrong."""
    with pytest.raises(RemoteProtocolError) as caught:
        read_identity(file, TODAY)
    assert caught.value.code == "HUB-1696"
    assert caught.value.__cause__ is None
    return str(caught.value.extra["part"])


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_number_and_names_of_each_invented_card_are_read(holder: Holder) -> None:
    found = read_identity(identity_file(holder), TODAY)
    assert found.inss == parse_inss(holder.national_number, TODAY)
    assert (found.family_name, found.given_names) == (holder.family_name, holder.given_names)


def test_kind_and_last_day_of_the_card_are_read() -> None:
    def kind(holder: Holder) -> tuple[Document, str, date | None]:
        found = read_identity(identity_file(holder), TODAY)
        return found.document, found.letter, found.valid_until

    assert kind(CITIZEN) == (Document.CITIZEN, "", date(2031, 6, 30))
    assert kind(RESIDENCE) == (Document.RESIDENCE, "F", date(2031, 6, 30))
    assert kind(BIS_HOLDER) == (Document.RESIDENCE, "E", date(2031, 6, 30))
    assert kind(EXPIRED) == (Document.CITIZEN, "", date(2020, 2, 1))
    assert kind(Holder("85031299761", "X", "", document="6"))[0] is Document.CHILD
    assert kind(Holder("85031299761", "X", "", document="99")) == (
        Document.OTHER, "", date(2031, 6, 30),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "31.02.2031", "2031-06-30", "30.06.31", "٣٠.٠٦.٢٠٣١"])
def test_a_last_day_that_is_none_is_unknown_and_no_reason_to_refuse(text: str) -> None:
    file = field(4, text.encode()) + NUMBER + NAME
    assert read_identity(file, TODAY).valid_until is None


def test_dates_with_blanks_are_read_as_older_cards_write_them() -> None:
    assert read_identity(field(4, b"30 06 2031") + NUMBER + NAME, TODAY).valid_until == date(
        2031, 6, 30
    )


def test_the_version_may_stand_first_and_filling_ends_the_file() -> None:
    assert read_identity(field(0, b"\x00\x01") + NUMBER + NAME, TODAY).family_name == "Verzonnen"
    # What is behind the filling is not looked at, even if it is nonsense.
    assert read_identity(NUMBER + NAME + b"\x00\x07\x05", TODAY).family_name == "Verzonnen"


def test_a_field_of_more_than_127_bytes_is_passed_over_whole() -> None:
    # Length in groups of seven bits: 300 is 82 2C.
    other = field(9, b"\x06\x0b" * 150)
    assert other[:3] == b"\x09\x82\x2c"
    assert read_identity(other + NUMBER + NAME, TODAY).family_name == "Verzonnen"


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (b"", "number"),
        (b"\xff" * 60, "structure"),
        (NAME, "number"),
        (NUMBER, "name"),
        (NUMBER + field(7, b"  "), "name"),
        (NUMBER + NAME + NUMBER, "repeated"),
        (NUMBER + NAME[:-1], "structure"),
        (NUMBER + NAME + b"\x09", "structure"),
        (NUMBER + NAME + b"\x09\x80\x80\x01", "structure"),
        (field(6, b"85031299762") + NAME, "number"),
        (field(6, b"8503129976") + NAME, "number"),
        (field(6, b"85\xb31299761") + NAME, "number"),
        (NUMBER + field(7, b"\xff\xfe"), "name"),
        (NUMBER + field(7, "A\u202eB".encode()), "name"),
        (NUMBER + field(7, b"A\x00B"), "name"),
        (NUMBER + NAME + field(8, b"\x1b[2J"), "given"),
        (NUMBER + field(7, b"A" * (NAME_MAX + 1)), "name"),
        (bytes(FILE_MAX + 1), "length"),
    ],
)
def test_a_file_that_is_none_is_refused_and_says_where(file: bytes, part: str) -> None:
    assert refused(file) == part


def test_names_are_cleaned_of_nothing_but_blanks() -> None:
    file = NUMBER + field(7, "  Ngùyễn \u00a0 d’Inventée-Ö ".encode())
    assert read_identity(file, TODAY).family_name == "Ngùyễn d’Inventée-Ö"


def test_neither_the_result_nor_an_error_shows_who_it_is() -> None:
    found = read_identity(identity_file(CITIZEN), TODAY)
    assert repr(found) == "CardIdentity()"
    with pytest.raises(RemoteProtocolError) as caught:
        read_identity(identity_file(CITIZEN)[:100], TODAY)
    told = repr(caught.value) + str(caught.value)
    assert CITIZEN.national_number not in told
    assert CITIZEN.family_name not in told


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(file: bytes) -> None:
    # Any other exception than the one on purpose fails here.
    with contextlib.suppress(RemoteProtocolError):
        assert read_identity(file, TODAY).family_name


@given(
    st.sampled_from(list(HOLDERS.values())),
    st.dictionaries(st.integers(17, 255), st.binary(max_size=200)),
    st.integers(0, 40),
)
def test_fields_that_are_not_ours_change_nothing(
    holder: Holder, others: dict[int, bytes], filling: int
) -> None:
    plain = read_identity(identity_file(holder, 0), TODAY)
    wanted = [(4, holder.valid_until), (6, holder.national_number), (7, holder.family_name),
              (8, holder.given_names), (15, holder.document)]  # fmt: skip
    parts = [field(tag, value) for tag, value in others.items()]
    parts += [field(tag, value.encode()) for tag, value in wanted]
    file = b"".join(parts) + bytes(filling)
    if len(file) <= FILE_MAX:
        assert read_identity(file, TODAY) == plain


@given(st.sampled_from(list(HOLDERS.values())), st.integers(0, 220))
def test_a_file_that_was_cut_off_is_refused_or_gives_the_same_person(
    holder: Holder, length: int
) -> None:
    whole = read_identity(identity_file(holder), TODAY)
    try:
        found = read_identity(identity_file(holder)[:length], TODAY)
    except RemoteProtocolError:
        return
    assert (found.inss, found.family_name) == (whole.inss, whole.family_name)
    assert found.given_names in ("", whole.given_names)
