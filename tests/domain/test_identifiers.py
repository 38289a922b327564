"""Numbers: official rules refuse, inferred rules warn, and no value ever prints."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.be import bis, nn

from hub.domain import identifiers as ids

TODAY = date(2026, 11, 23)
A34 = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

NATIONAL = ("85031299761", "90110599843", "99123199544", "00010199875", "03072199766")
BIS = ("90231599722", "90431599864", "01480999789", "75400099782", "75200099640")
LIMOSAS = ("24999000000000187", "24999000000000284", "24999000000000381")


def code_of(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(ids.IdentifierError) as caught:
        call(*arguments)
    return caught.value.code


def with_check(nine: str, born_2000: bool) -> str:
    return f"{nine}{97 - int(('2' if born_2000 else '') + nine) % 97:02d}"


class TestInss:
    @pytest.mark.parametrize("digits", NATIONAL + BIS)
    def test_valid_numbers_are_taken(self, digits: str) -> None:
        assert ids.parse_inss(digits, TODAY).reveal() == digits

    @pytest.mark.parametrize(
        "text",
        ["85.03.12-997.61", " 85 03 12 997 61 ", "85/03/12-997.61", "850312\u2013997\u00a061"],
    )
    def test_separators_are_skipped(self, text: str) -> None:
        assert ids.parse_inss(text, TODAY) == ids.parse_inss("85031299761", TODAY)

    @pytest.mark.parametrize(
        "text",
        ["", "8503129976", "850312997611", "8503129976A", "８５０３１２９９７６１", "²5031299761"],
    )
    def test_anything_but_11_digits_is_refused(self, text: str) -> None:
        assert code_of(ids.parse_inss, text, TODAY) == "IMP-3001"

    # Numbers in circulation as samples whose check digits are wrong.
    @pytest.mark.parametrize("text", ["05011512379", "90231512314", "90431512391"])
    def test_wrong_check_digits_are_refused(self, text: str) -> None:
        assert code_of(ids.parse_inss, text, TODAY) == "IMP-3002"

    @given(st.sampled_from(NATIONAL + BIS), st.integers(0, 10), st.integers(1, 9))
    def test_each_single_slip_is_refused(self, digits: str, place: int, change: int) -> None:
        slip = str((int(digits[place]) + change) % 10)
        mistyped = digits[:place] + slip + digits[place + 1 :]
        # A slip can only pass as a number of the other century: both rules stand side by side.
        born_2000 = with_check(digits[:9], True) == digits
        if with_check(mistyped[:9], not born_2000) != mistyped:
            with pytest.raises(ids.IdentifierError):
                ids.parse_inss(mistyped, TODAY)

    @pytest.mark.parametrize(
        ("nine", "born_2000"),
        [
            ("851312997", False),  # month 13
            ("853312997", False),  # month 33 = 13 modulo 20
            ("855312997", False),  # month part over 52
            ("859912997", False),
            ("850230997", False),  # 30 February
            ("850432997", False),  # 32 April
            ("854431997", False),  # 31 April of a BIS number
            ("010229997", True),  # 2001 was no leap year
            ("850032997", False),  # unknown month, no month has 32 days
        ],
    )
    def test_impossible_dates_are_refused(self, nine: str, born_2000: bool) -> None:
        assert code_of(ids.parse_inss, with_check(nine, born_2000), TODAY) == "IMP-3003"

    @pytest.mark.parametrize(
        ("nine", "born_2000"),
        [
            ("000229997", True),  # 2000 was a leap year
            ("850000997", False),  # month and day unknown
            ("850400997", False),  # day unknown
            ("850001997", False),  # counter of the day exhausted
            ("000001997", False),  # nothing known
        ],
    )
    def test_unknown_and_rare_dates_are_taken(self, nine: str, born_2000: bool) -> None:
        ids.parse_inss(with_check(nine, born_2000), TODAY)

    def test_a_birth_in_the_future_is_refused(self) -> None:
        tomorrow = with_check("261124997", True)
        assert code_of(ids.parse_inss, tomorrow, TODAY) == "IMP-3004"
        assert ids.parse_inss(tomorrow, TODAY + timedelta(days=1)).reveal() == tomorrow
        assert code_of(ids.parse_inss, with_check("990101997", True), TODAY) == "IMP-3004"

    def test_the_given_day_decides_not_the_clock_of_the_machine(self) -> None:
        assert code_of(ids.parse_inss, "03072199766", date(2003, 7, 20)) == "IMP-3004"
        ids.parse_inss("03072199766", date(2003, 7, 21))

    @pytest.mark.parametrize("sequence", ["000", "999"])
    def test_impossible_sequences_are_refused_in_national_numbers_only(self, sequence: str) -> None:
        assert code_of(ids.parse_inss, with_check("850312" + sequence, False), TODAY) == "IMP-3005"
        ids.parse_inss(with_check("854312" + sequence, False), TODAY)

    @given(
        st.dates(date(1930, 1, 1), date(2026, 11, 23)),
        st.integers(1, 998),
        st.sampled_from([0, 20, 40]),
    )
    def test_every_birth_date_makes_a_number_that_both_judges_take(
        self, born: date, sequence: int, extra: int
    ) -> None:
        nine = f"{born.year % 100:02d}{born.month + extra:02d}{born.day:02d}{sequence:03d}"
        digits = with_check(nine, born.year >= 2000)
        assert ids.parse_inss(digits, TODAY).reveal() == digits
        assert (bis if extra else nn).is_valid(digits)


class TestCompanyNumber:
    @pytest.mark.parametrize(
        "text",
        [
            "0999000129",
            "0999.000.129",
            "BE0999000129",
            "be 0999.000.129",
            "999000129",
            "BE999000129",
        ],
    )
    def test_ways_of_writing_one_number(self, text: str) -> None:
        assert ids.parse_company_number(text) == "0999000129"

    @pytest.mark.parametrize("text", ["0999000228", "1999000150", "1999000249"])
    def test_valid_numbers_are_taken(self, text: str) -> None:
        assert ids.parse_company_number(text) == text

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "IMP-3101"),
            ("99900012", "IMP-3101"),
            ("NL0999000129", "IMP-3101"),
            ("2199000193", "IMP-3102"),
            ("0999000130", "IMP-3103"),
            ("0999000192", "IMP-3103"),
        ],
    )
    def test_wrong_numbers_are_refused(self, text: str, code: str) -> None:
        assert code_of(ids.parse_company_number, text) == code


class TestWorksNumber:
    @pytest.mark.parametrize(
        "number",
        ["1Y19FAKE001AZ", "1Y19FAKE002BZ", "1Y19FAKE003CZ", "1Y19TEST001FZ", "1Y199999999LZ"],
    )
    def test_numbers_of_the_known_series_raise_no_doubt(self, number: str) -> None:
        assert ids.parse_works_number(f" {number.lower()} ") == number
        assert ids.works_number_doubts(number) == ()

    def test_an_unknown_series_is_accepted_without_doubt(self) -> None:
        assert ids.works_number_doubts("2B400000000XY") == ()

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            ("1Y19FAKE001A", "IMP-3202"),
            ("1Y19FAKEO01AZ", "IMP-3203"),
            ("1Y19FAKE-01AZ", "IMP-3203"),
            ("1Y19FAKE001BZ", "IMP-3204"),
            ("1Y19FAKE001AY", "IMP-3204"),
        ],
    )
    def test_doubts_never_refuse(self, number: str, code: str) -> None:
        assert ids.works_number_doubts(number) == (code,)
        assert ids.parse_works_number(number) == number

    @pytest.mark.parametrize(
        "text", ["", "   ", "1Y19FAKE001AZZ", "1Y19FAKE\x00", "1Y19é", "ﬁ", "ß"]
    )
    def test_what_the_schema_would_fault_is_refused(self, text: str) -> None:
        assert code_of(ids.parse_works_number, text) == "IMP-3201"

    @given(st.text(A34, min_size=8, max_size=8))
    def test_the_rule_makes_its_own_numbers(self, serial: str) -> None:
        value = 0
        for symbol in "1Y1" + serial:
            value = value * 34 + A34.index(symbol)
        number = f"1Y1{serial}{A34[value % 31]}Z"
        assert ids.works_number_doubts(number) == ()
        for other in A34:
            if other != number[11]:
                assert ids.works_number_doubts(number[:11] + other + "Z") == ("IMP-3204",)


class TestLimosa:
    @pytest.mark.parametrize("number", LIMOSAS)
    def test_numbers_that_hold_raise_no_doubt(self, number: str) -> None:
        assert ids.parse_limosa(f"{number[:5]} {number[5:]}").reveal() == number
        assert ids.limosa_doubts(number) == ()

    def test_a_wrong_check_is_a_doubt_only(self) -> None:
        assert ids.parse_limosa("24999000000000188").reveal() == "24999000000000188"
        assert ids.limosa_doubts("24999000000000188") == ("IMP-3302",)

    @pytest.mark.parametrize(
        "text", ["", "2499900000000018", "249990000000001870", "2499900000000018L"]
    )
    def test_anything_but_17_digits_is_refused(self, text: str) -> None:
        assert code_of(ids.parse_limosa, text) == "IMP-3301"
        assert ids.limosa_doubts(text) == ()


class TestBadgeUid:
    @pytest.mark.parametrize(
        "text",
        ["04A1B2C3D4E501", "04:a1:b2:c3:d4:e5:01", "04 A1 B2 C3 D4 E5 01", "04-a1-b2c3d4e501"],
    )
    def test_ways_of_writing_one_uid(self, text: str) -> None:
        assert ids.parse_badge_uid(text).reveal() == bytes.fromhex("04A1B2C3D4E501")

    @pytest.mark.parametrize("size", ids.BADGE_UID_SIZES)
    def test_the_three_sizes_are_taken(self, size: int) -> None:
        assert len(ids.parse_badge_uid("5a" * size).reveal()) == size

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "IMP-3401"),
            ("04A1B2CG", "IMP-3401"),
            ("4A1B2C3", "IMP-3402"),
            ("04A1B2C3D4", "IMP-3402"),
            ("08112233", "IMP-3403"),
            ("88041122", "IMP-3404"),
        ],
    )
    def test_what_cannot_be_a_badge_is_refused(self, text: str, code: str) -> None:
        assert code_of(ids.parse_badge_uid, text) == code

    def test_08_is_random_in_a_short_uid_only(self) -> None:
        ids.parse_badge_uid("08112233445566")


class TestMasks:
    def test_masks_keep_what_a_list_needs(self) -> None:
        assert ids.mask_person_number("85031299761") == "85.03.12-***.**"
        assert ids.mask_limosa("24999000000000187") == "*************0187"

    @pytest.mark.parametrize("text", ["", "8503129976", "850312997611", "A5031299761"])
    def test_what_is_no_number_is_masked_whole(self, text: str) -> None:
        assert set(ids.mask_person_number(text)) == {"*"}
        assert set(ids.mask_limosa(text)) == {"*"}

    @pytest.mark.parametrize(
        ("value", "secret"),
        [
            (ids.parse_inss("85031299761", TODAY), "99761"),
            (ids.parse_limosa("24999000000000187"), "24999"),
            (ids.parse_badge_uid("04A1B2C3D4E501"), "04a1"),
        ],
        ids=["inss", "limosa", "badge"],
    )
    def test_no_way_of_printing_shows_the_value(self, value: ids.Inss, secret: str) -> None:
        @dataclass
        class Holder:
            value: object

        shown = [str(value), repr(value), f"{value}", f"{value!r:>40}", "%s" % value, str([value])]  # noqa: UP031
        shown += [repr(Holder(value)), str({value: 1})]
        for text in shown:
            assert secret not in text.lower()
        for leak in (
            lambda: json.dumps(value),
            lambda: pickle.dumps(value),
            lambda: copy.deepcopy(value),
            lambda: asdict(Holder(value)),
            lambda: vars(value),
        ):
            with pytest.raises(TypeError) as caught:
                leak()
            assert secret not in str(caught.value).lower()
        with pytest.raises(AttributeError):
            value._hidden = "other"  # pyright: ignore[reportAttributeAccessIssue]

    def test_values_compare_by_content_and_kind(self) -> None:
        one, same = ids.parse_limosa(LIMOSAS[0]), ids.parse_limosa(LIMOSAS[0])
        assert one == same
        assert hash(one) == hash(same)
        assert one != ids.parse_limosa(LIMOSAS[1])
        assert one != LIMOSAS[0]
        assert ids.Inss("1") != ids.Limosa("1")

    @given(st.text(max_size=30))
    def test_an_error_never_quotes_the_text(self, text: str) -> None:
        secret = text + "§85.03.12-997.61"
        for parse in (
            lambda value: ids.parse_inss(value, TODAY),
            ids.parse_company_number,
            ids.parse_works_number,
            ids.parse_limosa,
            ids.parse_badge_uid,
        ):
            with pytest.raises(ids.IdentifierError) as caught:
                parse(secret)
            told = "".join(traceback.format_exception_only(caught.value))
            assert "§" not in told
            assert "997" not in told
            assert caught.value.__cause__ is None


def test_a_company_number_never_ends_in_two_zeros() -> None:
    assert ids.parse_company_number("0425830097") == "0425830097"
    for rounded in ("0425830000", "425830000"):
        assert code_of(ids.parse_company_number, rounded) == "IMP-3103"
