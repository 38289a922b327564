"""The threshold: its rules by day, how contracts make a total, and amounts as they are typed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.application.meter_words import meter_words
from hub.domain.money import CENTS_MAX, parse_cents
from hub.domain.threshold import Contract, Meter, Verdict, measure, rule_for, rules
from hub.errors import UsageError

OLD, NEW = 800_000_00, 500_000_00
TODAY = date(2026, 11, 23)
BEGUN = date(2026, 9, 1)


def meter(*contracts: Contract, start: date | None = BEGUN, today: date = TODAY) -> Meter:
    return measure(contracts, start, today)


def one(cents: int | None, start: date | None = BEGUN) -> Verdict:
    return meter(Contract(1, None, cents), start=start).verdict


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("start", "limit"),
    [
        (date(2014, 3, 31), None),
        (date(2014, 4, 1), OLD),
        (date(2016, 2, 29), OLD),
        (date(2016, 3, 1), NEW),
        (date(2026, 11, 23), NEW),
        (None, NEW),
    ],
)
def test_the_rule_is_that_of_the_day_the_works_started(
    start: date | None, limit: int | None
) -> None:
    rule = rule_for(start)
    assert (rule.cents if rule else None) == limit


def test_the_rules_follow_each_other_without_gap() -> None:
    for earlier, later in zip(rules(), rules()[1:], strict=False):
        assert earlier.until_day is not None
        assert earlier.until_day + timedelta(days=1) == later.from_day
    assert rules()[-1].until_day is None


@pytest.mark.parametrize(
    ("start", "limit"), [(date(2016, 2, 29), OLD), (date(2016, 3, 1), NEW), (None, NEW)]
)
def test_exactly_the_amount_is_enough(start: date | None, limit: int) -> None:
    assert one(limit - 1, start) is Verdict.NOT
    assert one(limit, start) is Verdict.IS
    assert one(limit + 1, start) is Verdict.IS


def test_before_april_2014_there_was_no_duty_whatever_the_amount() -> None:
    found = meter(Contract(1, None, 10 * OLD), start=date(2014, 3, 31))
    assert (found.verdict, found.limit_cents) == (Verdict.NO_RULE, None)


# ---------------------------------------------------------------- totals


def test_a_contract_contains_those_below_it() -> None:
    found = meter(Contract(1, None, 480_000_00), Contract(2, 1, 300_000_00), Contract(3, 2, 90_00))
    assert (found.total_cents, found.verdict, found.untold) == (480_000_00, Verdict.NOT, 0)


def test_those_below_count_when_they_are_worth_more_than_the_one_above() -> None:
    found = meter(
        Contract(1, None, 480_000_00), Contract(2, 1, 300_000_00), Contract(3, 1, 200_000_00)
    )
    assert (found.total_cents, found.verdict) == (500_000_00, Verdict.IS)


def test_an_amount_nobody_told_counts_nothing_and_is_said() -> None:
    found = meter(Contract(1, None, None), Contract(2, 1, 300_000_00), Contract(3, 1, None))
    assert (found.total_cents, found.untold, found.verdict) == (300_000_00, 2, Verdict.NOT)
    # Contained in one that was told, it adds nothing to the doubt.
    assert meter(Contract(1, None, 300_000_00), Contract(2, 1, None)).untold == 0


def test_no_contract_at_all() -> None:
    found = meter()
    assert (found.verdict, found.total_cents, found.untold) == (Verdict.UNKNOWN, 0, 0)


def test_a_contract_that_begins_later_crosses_it_from_that_day() -> None:
    first, second = date(2027, 1, 4), date(2027, 2, 1)
    contracts = (
        Contract(1, None, None),
        Contract(2, 1, 300_000_00),
        Contract(3, 1, 150_000_00, first),
        Contract(4, 1, 50_000_00, second),
    )
    found = meter(*contracts)
    assert (found.verdict, found.from_day) == (Verdict.WILL, second)
    assert (found.now_cents, found.total_cents) == (300_000_00, 500_000_00)
    assert meter(*contracts, today=second - timedelta(days=1)).verdict is Verdict.WILL
    on_the_day = meter(*contracts, today=second)
    assert (on_the_day.verdict, on_the_day.from_day) == (Verdict.IS, second)


def test_works_that_start_later_have_the_duty_from_their_start() -> None:
    start = date(2027, 1, 4)
    found = meter(Contract(1, None, NEW, date(2026, 10, 1)), start=start)
    assert (found.verdict, found.from_day, found.now_cents) == (Verdict.WILL, start, 0)


def test_the_day_is_not_told_when_something_began_nobody_knows_when() -> None:
    later = date(2027, 1, 4)
    found = meter(Contract(1, None, NEW), Contract(2, 1, 1, later), start=None)
    assert (found.verdict, found.from_day, found.start_known) == (Verdict.IS, None, False)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, NEW), st.none() | st.dates()), max_size=6),
    st.lists(st.integers(0, 5), min_size=6, max_size=6),
    st.none() | st.dates(date(2014, 4, 1)),
    st.dates(),
)
def test_the_meter_never_falls_with_time_and_agrees_with_itself(
    told: list[tuple[int | None, date | None]], above: list[int], start: date | None, today: date
) -> None:
    contracts = [
        Contract(n, None if n == 0 else above[n] % n, cents, day)
        for n, (cents, day) in enumerate(told)
    ]
    found = measure(contracts, start, today)
    assert 0 <= found.now_cents <= found.total_cents
    assert found.limit_cents is not None
    assert (found.verdict is Verdict.IS) == (found.now_cents >= found.limit_cents)
    assert (found.verdict is Verdict.WILL) == (
        found.now_cents < found.limit_cents <= found.total_cents
    )
    if found.verdict is Verdict.WILL:
        assert found.from_day is not None
        assert found.from_day > today
        assert measure(contracts, start, found.from_day).verdict is Verdict.IS
        before = found.from_day - timedelta(days=1)
        assert measure(contracts, start, before).verdict is Verdict.WILL


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("language", "headline", "because"),
    [
        ("fr", "deviendra obligatoire le 1er février 2027", "310\u202f000,50\u00a0€"),
        ("nl", "wordt verplicht op 1 februari 2027", "€\u00a0310.000,50"),
        ("de", "wird Pflicht ab 1. Februar 2027", "310.000,50\u00a0€"),
        ("en", "will become compulsory on 1 February 2027", "310.000,50\u00a0€"),
    ],
)
def test_the_meter_speaks_each_language_in_its_own_numbers(
    language: str, headline: str, because: str
) -> None:
    found = meter(
        Contract(1, None, None),
        Contract(2, 1, 310_000_50),
        Contract(3, 1, 245_000_00, date(2027, 2, 1)),
    )
    said = meter_words(found, BEGUN, language)
    assert said.headline.endswith(headline)
    assert because in said.because
    assert len(said.notes) == 2


# ---------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("480000", 480_000_00),
        ("480 000,5", 480_000_50),
        ("480\u202f000,50", 480_000_50),
        ("480\u00a0000", 480_000_00),
        ("480.000", 480_000_00),
        ("480,000", 480_000_00),
        ("480.000,50", 480_000_50),
        ("480,000.50", 480_000_50),
        ("1.480.000", 1_480_000_00),
        ("480'000.5", 480_000_50),
        ("€ 480.000", 480_000_00),
        ("480 000 EUR", 480_000_00),
        ("0", 0),
        ("0,07", 7),
        ("12.3", 12_30),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, cents: int) -> None:
    assert parse_cents(typed) == cents


@pytest.mark.parametrize(
    "typed",
    ["", "x", "-5", "1,2345", "1.2.3", "48.00,00", "1.480,000,00", "480.000.5,1", "1e6",
     "\u0663", "480.000.50", str(CENTS_MAX), "12,", ",5", "NaN", "€"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_cents(typed)
    assert caught.value.code == "HUB-1654"
