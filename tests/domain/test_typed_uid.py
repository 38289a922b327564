"""What USB readers type, and which card that is: independent examples, form by form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.identifiers import BadgeUid, IdentifierError
from hub.domain.typed_uid import Form, ReaderForm, matching, read, reader_form, readings
from hub.errors import UsageError

CARD = bytes.fromhex("04A1B2C3")
LONG = bytes.fromhex("04A1B2C3D4E501")

# Worked out by hand: 0x04A1B2C3 = 77705923, 0xC3B2A104 = 3283263748.
TYPED = {
    ("hex", False): ("04A1B2C3", "04 a1 b2 c3", "04:A1:B2:C3", "04-A1-B2-C3\r\n", "04.A1.B2.C3"),
    ("hex", True): ("C3B2A104", "c3:b2:a1:04"),
    ("decimal", False): ("0077705923", " 0077705923 ", "77705923"),
    ("decimal", True): ("3283263748",),
    ("pair", False): ("01185,45763", "01185 45763", "01185:45763"),
    ("pair", True): ("50098,41220", "50098-41220"),
}
CASES = [(form, turned, text) for (form, turned), texts in TYPED.items() for text in texts]


@pytest.mark.parametrize(("form", "turned", "text"), CASES)
def test_each_form_gives_the_card(form: str, turned: bool, text: str) -> None:
    uid = read(text, ReaderForm(Form(form), turned))
    assert uid is not None
    assert uid.reveal() == CARD


@pytest.mark.parametrize(("form", "turned", "text"), CASES)
def test_four_bytes_are_never_guessed(form: str, turned: bool, text: str) -> None:
    assert read(text, None) is None
    assert matching(text, lambda uid: uid.reveal() == CARD) == ReaderForm(Form(form), turned)


def test_a_form_that_fits_no_card_is_none() -> None:
    assert matching("3283263748", lambda uid: uid.reveal() == LONG) is None


@pytest.mark.parametrize("text", ["04A1B2C3D4E501", "01E5D4C3B2A104", "1303689068602625"])
def test_seven_bytes_of_the_usual_maker_are_sure(text: str) -> None:
    # 0x04A1B2C3D4E501 = 1303689068602625
    assert int.from_bytes(LONG) == 1303689068602625
    uid = read(text, None)
    assert uid is not None
    assert uid.reveal() == LONG


def test_seven_bytes_that_may_be_either_are_not_guessed() -> None:
    assert read("04A1B2C3D4E504", None) is None
    assert read("05A1B2C3D4E506", None) is None


def test_what_reads_the_same_both_ways_is_sure() -> None:
    uid = read("A1B2B2A1", None)
    assert uid is not None
    assert uid.reveal() == bytes.fromhex("A1B2B2A1")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("àà'q&b(c", "004a1b5c"),
        ("'çéàb§c!", "4920b6c8"),  # Belgium: 6 is §, 8 is !
        ("'çéàb-c_", "4920b6c8"),  # France: 6 is -, 8 is _
        ("Qéc!b§'ç", "A2c8b649"),
        ('ààèèèà(çé"', "0077705923"),
    ],
)
def test_a_keyboard_of_belgium_or_france(typed: str, meant: str) -> None:
    def cards(text: str) -> list[tuple[ReaderForm, bytes]]:
        return [(one.form, one.uid.reveal()) for one in readings(text)]

    assert cards(typed) == cards(meant)


@pytest.mark.parametrize("text", ["B2C345", "12345678", "161,45763", "1614576", "00161,45763"])
def test_three_bytes_are_told_apart_from_a_card(text: str) -> None:
    if text in ("12345678", "00161,45763"):
        # Those may be whole cards: eight hex digits, or a pair whose first byte is 0.
        assert readings(text)
        return
    with pytest.raises(UsageError) as refused:
        readings(text)
    assert refused.value.code == "HUB-1681"


@pytest.mark.parametrize("text", ["", "   ", "hello", "4294967296", "04A1B2C3D4", "1" * 60])
def test_nothing_a_reader_types(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        readings(text)
    assert refused.value.code == "HUB-1680"


def test_a_random_number_is_refused_as_such() -> None:
    with pytest.raises(IdentifierError) as refused:
        readings("08A1B208")
    assert refused.value.code == "IMP-3403"


def test_another_form_than_the_known_one_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        read("04A1B2C3", ReaderForm(Form.DECIMAL, False))
    assert refused.value.code == "HUB-1682"


def test_no_text_shows_a_card() -> None:
    for one in readings("04A1B2C3"):
        assert "A1B2" not in f"{one!r} {one.uid!r} {one.uid}".upper()


def test_the_word_of_a_form_gives_it_back() -> None:
    for form in Form:
        for turned in (False, True):
            assert reader_form(str(ReaderForm(form, turned))) == ReaderForm(form, turned)
    for word in ("", "hex-", "octal", "hex-backwards", "hex-reversed-", "-reversed"):
        assert reader_form(word) is None


@given(st.binary(min_size=4, max_size=4).filter(lambda b: not {0x08, 0x88} & {b[0], b[3]}))
def test_every_card_is_found_again_in_every_form(card: bytes) -> None:
    number = int.from_bytes(card)
    for text in (card.hex(), f"{number:010}", f"{number >> 16:05},{number & 0xFFFF:05}"):
        for turned in (False, True):
            wanted = card[::-1] if turned else card
            form = matching(text, lambda uid, wanted=wanted: uid == BadgeUid(wanted))
            assert form is not None
            assert read(text, form) == BadgeUid(wanted)


@given(st.text(max_size=60))
def test_any_text_is_a_card_or_refused(text: str) -> None:
    try:
        found = readings(text)
    except UsageError as error:
        refused = error.code
    else:
        refused = ""
        assert found
    assert refused in ("", "HUB-1680", "HUB-1681", "IMP-3403", "IMP-3404")
