"""The threshold: whether the presence at works must be registered, and from which day.

The rule in force on the day the works started says from which total, without VAT, registration is
compulsory (`threshold.toml`). Official texts speak of works "from" an amount, so exactly the
amount is enough. The total is that of the whole works: what the customer pays for, whoever carries
it out, however many contracts it is cut into. When it is crossed on the way, the duty begins there.

How the total is made of the contracts of one declaration:

* a contract counts from its own first day, or the first day of the works when that is later or it
  has none; one that is over still counts;
* a contract contains what is passed on below it: that is not counted a second time. Where the
  contracts below are together worth more than the one above, or nobody told the one above, those
  below are counted;
* an amount that nobody told counts nothing, and is said, unless it is contained in one above.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: for works that started on these days, from so many cents without VAT."""

    from_day: date
    until_day: date | None
    cents: int


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of a chain.

    Args:
        company: who carries it out.
        above: for whom; None for the declaring contractor.
        cents: what it is worth without VAT; None when nobody told.
        from_day: its first day; None: that of the works.
    """

    company: int
    above: int | None
    cents: int | None
    from_day: date | None = None


class Verdict(StrEnum):
    """Whether registration is compulsory."""

    NO_RULE = "no_rule"
    """The works started before there was a duty."""
    NOT = "not"
    IS = "is"
    WILL = "will"
    UNKNOWN = "unknown"
    """No amount of any contract was told."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What the meter says on a day.

    Args:
        verdict: see `Verdict`.
        limit_cents: of the rule; None without a rule.
        now_cents: the total of the contracts that have begun.
        total_cents: the total with those that begin later.
        from_day: with `WILL` the first day of the duty, with `IS` the day that crossed it when that
            is known.
        untold: contracts whose amount nobody told and that no other contains.
        start_known: whether anybody told when the works start; the newest rule is taken else.
    """

    verdict: Verdict
    limit_cents: int | None
    now_cents: int
    total_cents: int
    from_day: date | None
    untold: int
    start_known: bool


@cache
def rules() -> tuple[Rule, ...]:
    """Returns the rules, oldest first."""
    source = (resources.files("hub.domain") / "threshold.toml").read_text(encoding="utf-8")
    return tuple(
        Rule(one["from"], one.get("until"), one["euro"] * 100)
        for one in tomllib.loads(source)["rule"]
    )


def rule_for(start: date | None) -> Rule | None:
    """Returns the rule for works that started on that day; without one, the newest."""
    if start is None:
        return rules()[-1]
    fitting = (
        rule
        for rule in rules()
        if rule.from_day <= start and (rule.until_day is None or start <= rule.until_day)
    )
    return next(fitting, None)


def measure(contracts: Sequence[Contract], start: date | None, today: date) -> Meter:
    """Returns what the meter says.

    Args:
        contracts: all of one works declaration, one for each company, without circles.
        start: first Brussels day of the works; None when nobody told.
        today: Brussels day.
    """
    rule = rule_for(start)
    now = _total(contracts, start, today)
    total = _total(contracts, start, None)
    untold = _untold(contracts)
    if rule is None:
        return Meter(Verdict.NO_RULE, None, now, total, None, untold, True)
    begins = [_begin(one, start) for one in contracts]
    days = sorted({day for day in begins if day is not None})
    crossing = next((day for day in days if _total(contracts, start, day) >= rule.cents), None)
    if now >= rule.cents:
        verdict = Verdict.IS
        if None in begins:
            # What began nobody knows when may have crossed it before the first day that is known.
            crossing = None
    elif total >= rule.cents:
        verdict = Verdict.WILL
    else:
        told = any(one.cents is not None for one in contracts)
        verdict, crossing = (Verdict.NOT if told else Verdict.UNKNOWN), None
    return Meter(verdict, rule.cents, now, total, crossing, untold, start is not None)


def _begin(contract: Contract, start: date | None) -> date | None:
    if contract.from_day is None or start is None:
        return contract.from_day or start
    return max(contract.from_day, start)


def _total(contracts: Sequence[Contract], start: date | None, day: date | None) -> int:
    """Cents of all that has begun on a day; None: of all."""
    under, tops = _tree(contracts)

    def value(one: Contract) -> int:
        begin = _begin(one, start)
        begun = day is None or begin is None or begin <= day
        own = one.cents or 0 if begun else 0
        return max(own, sum(value(lower) for lower in under.get(one.company, ())))

    return sum(value(top) for top in tops)


def _untold(contracts: Sequence[Contract]) -> int:
    under, tops = _tree(contracts)

    def count(one: Contract) -> int:
        if one.cents is not None:
            return 0
        return 1 + sum(count(lower) for lower in under.get(one.company, ()))

    return sum(count(top) for top in tops)


def _tree(
    contracts: Sequence[Contract],
) -> tuple[Mapping[int, list[Contract]], list[Contract]]:
    known = {one.company for one in contracts}
    under: dict[int, list[Contract]] = {}
    tops: list[Contract] = []
    for one in contracts:
        if one.above is None or one.above not in known:
            tops.append(one)
        else:
            under.setdefault(one.above, []).append(one)
    return under, tops
