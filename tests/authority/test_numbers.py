"""Check rules, compared with python-stdnum, which was written by others."""

from __future__ import annotations

from datetime import date

import pytest
import stdnum.be.ssn
import stdnum.be.vat
from hypothesis import given
from hypothesis import strategies as st

from simulator.authority import numbers

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("inss", [
    "85031299761", "90110599843", "99123199544", "00010199875", "03072199766",
    "90231599722", "90431599864", "01480999789", "75400099782", "75200099640",
])  # fmt: skip
def test_known_good_numbers(inss: str) -> None:
    assert numbers.inss_ok(inss, TODAY)
    assert numbers.is_bis(inss) == (inss[2] in "24")


@pytest.mark.parametrize("inss", [
    "",
    "8503129976",
    "850312997611",
    "85031299760",  # check digits
    "85131299734",  # month 13
    "85033299743",  # day 32
    "85022999729",  # 29 February 1985
    "85031200088",  # sequence 000
    "85031299959",  # sequence 999
    "85531299723",  # month part 53
    "26112499702",  # born tomorrow
    "8503129976a",
    "٨٥٠٣١٢٩٩٧٦١",
])  # fmt: skip
def test_impossible_numbers(inss: str) -> None:
    assert not numbers.inss_ok(inss, TODAY)


def with_check(body: int, *, from_2000: bool) -> str:
    return f"{body:09d}{97 - ((2_000_000_000 if from_2000 else 0) + body) % 97:02d}"


def test_the_impossible_numbers_have_right_check_digits() -> None:
    # Otherwise the test above would pass for the wrong reason.
    for inss in ("85131299734", "85033299743", "85022999729", "85031200088", "85031299959",
                 "85531299723"):  # fmt: skip
        assert inss == with_check(int(inss[:9]), from_2000=False), inss
    assert with_check(261124997, from_2000=True) == "26112499702"


def test_birth_is_judged_against_the_day() -> None:
    born_today = with_check(261123997, from_2000=True)
    assert numbers.inss_ok(born_today, TODAY)
    assert not numbers.inss_ok(born_today, date(2026, 11, 22))


@given(
    born=st.dates(date(1930, 1, 1), date(2025, 12, 31)),
    sequence=st.integers(1, 997),
    bis=st.sampled_from((0, 20, 40)),
)
def test_numbers_stdnum_accepts_are_accepted(born: date, sequence: int, bis: int) -> None:
    body = int(f"{born:%y}{born.month + bis:02d}{born:%d}{sequence:03d}")
    inss = with_check(body, from_2000=born.year >= 2000)
    assert stdnum.be.ssn.is_valid(inss)
    assert numbers.inss_ok(inss, TODAY)


@given(st.integers(0, 10**11 - 1))
def test_what_is_accepted_satisfies_the_public_rule(number: int) -> None:
    inss = f"{number:011d}"
    if numbers.inss_ok(inss, TODAY):
        assert inss in {with_check(number // 100, from_2000=later) for later in (False, True)}


@given(st.integers(0, 199_999_999), st.integers(1, 97))
def test_enterprise_numbers_agree_with_stdnum(body: int, check: int) -> None:
    for company in (body * 100 + check, body * 100 + 97 - body % 97):
        text = numbers.company_text(company)
        # stdnum also accepts the check digits 00, 98 and 99, which the official rule never gives.
        if company > 0:
            assert numbers.company_ok(company) == stdnum.be.vat.is_valid(text), text


@pytest.mark.parametrize(("company", "ok"), [
    (999000129, True), (999000228, True), (1999000150, True), (1999000249, True),
    (999000120, False), (2199000193, False), (-999000129, False), (0, False),
])  # fmt: skip
def test_enterprise_numbers(company: int, ok: bool) -> None:
    assert numbers.company_ok(company) == ok


@pytest.mark.parametrize(("works", "ok"), [
    ("1Y19FAKE001AZ", True), ("1Y19FAKE002BZ", True), ("1Y19FAKE003CZ", True),
    ("1Y19TEST001FZ", True), ("1Y199999999LZ", True),
    ("1Y19FAKE001BZ", False), ("1Y19FAKE010AZ", False), ("1Y19FAKE001AA", False),
    ("1Y19FAKE001A", False), ("1Y19FAKE001AZ ", False), ("1Y1IFAKE001AZ", False),
    ("2X19FAKE001BZ", True),
])  # fmt: skip
def test_works_numbers(works: str, ok: bool) -> None:
    assert numbers.works_number_ok(works) == ok


@given(st.integers(0, 10**15 - 1))
def test_limosa_numbers(body: int) -> None:
    good = body * 100 + 98 - body * 100 % 97
    assert numbers.limosa_ok(f"{good:017d}")
    assert not numbers.limosa_ok(f"{good + 1:017d}"[-17:])
    assert not numbers.limosa_ok(str(good).zfill(16)[-16:])


def test_masking_leaves_three_characters() -> None:
    assert numbers.masked("85031299761") == "•••761"
    assert numbers.masked("") == "•••"
