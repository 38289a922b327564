"""The kinds of people on a site: who is registered, who is only counted, and what each needs.

Whoever performs works on immovable property on the site is registered: employee, self-employed,
active partner, agency worker, trainee, and who is sent from abroad. Who visits, inspects, or only
delivers is not: he is counted, since whoever clears a site must know of him, and nothing about him
is sent (act of 4 August 1996 on well-being at work, art. 31bis and following, as commentators list
who falls under it). A driver who also fits what he delivers performs works: he is no delivery.

Who is sent from abroad has a Limosa declaration with a first and a last day. A day outside of it is
not registered under it: the registration is held until somebody has looked.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from hub.errors import UsageError

NAME_MAX: Final = 100
"""Characters of a name that are kept."""
ENDING_DAYS: Final = 14
"""Days before the end of a Limosa declaration from which on it is warned of. Our choice."""
REASON_MIN: Final = 5
"""Characters that the reason for looking at a number has at least."""
REASON_MAX: Final = 200


class Kind(StrEnum):
    """What somebody is on the site; the value is what the tables hold."""

    EMPLOYEE = "employee"
    SELF_EMPLOYED = "self_employed"
    AGENCY = "agency"
    """Lent by an agency, which employs him, to the company that uses him."""
    TRAINEE = "trainee"
    ACTIVE_PARTNER = "active_partner"
    FOREIGN = "foreign"
    """Sent from abroad, with a Limosa declaration."""
    VISITOR = "visitor"
    DELIVERY = "delivery"


REGISTERED_KINDS: Final = frozenset(Kind) - {Kind.VISITOR, Kind.DELIVERY}
"""Those who work on the site and are registered; the others are counted and never registered."""


class LimosaState(StrEnum):
    """How a Limosa declaration stands on a day."""

    NONE = "none"
    UNKNOWN = "unknown"
    """There is a number, and nobody has said until when it is good."""
    NOT_YET = "not_yet"
    RUNNING = "running"
    ENDING = "ending"
    OVER = "over"


def is_registered(kind: str) -> bool:
    """Returns whether somebody of this kind is registered; an unknown word counts as a worker.

    A registration too many is a remark of the authority, one too few an offence.
    """
    return kind not in (Kind.VISITOR, Kind.DELIVERY)


def limosa_covers(day: date, first: date | None, last: date | None) -> bool:
    """Returns whether a day lies within a Limosa declaration; an end that is not known is none.

    Args:
        day: Brussels day.
        first, last: its first and last day, both included.
    """
    return (first is None or day >= first) and (last is None or day <= last)


def limosa_state(has_limosa: bool, first: date | None, last: date | None, day: date) -> LimosaState:
    """Returns how a Limosa declaration stands on a Brussels day.

    Args:
        has_limosa: whether its number is known.
        first, last: its first and last day; None = not known.
        day: the day on which it is looked at.
    """
    if not has_limosa:
        return LimosaState.NONE
    if first is not None and day < first:
        return LimosaState.NOT_YET
    if last is None:
        return LimosaState.UNKNOWN
    if day > last:
        return LimosaState.OVER
    if day > last - timedelta(days=ENDING_DAYS):
        return LimosaState.ENDING
    return LimosaState.RUNNING


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What decides whether somebody can be kept as he was described; no number is among it.

    Args:
        family_name, given_name: as typed.
        kind: one of `Kind`.
        has_inss, has_limosa: which numbers would be known of him.
        has_company, has_user_company: whether employer, and for an agency's worker user, are said.
        same_company: whether these two are the same.
        new_number: whether a person number was typed now.
        limosa_from, limosa_until: first and last day of the Limosa declaration.
    """

    family_name: str
    given_name: str
    kind: Kind
    has_inss: bool
    has_limosa: bool
    has_company: bool
    has_user_company: bool
    same_company: bool
    new_number: bool
    limosa_from: date | None = None
    limosa_until: date | None = None


def problems_of(facts: PersonFacts) -> list[UsageError]:
    """Returns everything that keeps a person from being kept like this; empty when nothing does.

    The codes: HUB-1620 a name is missing or too long, HUB-1623 a worker without a number, HUB-1624
    without an employer, HUB-1625 an agency's worker without his user, HUB-1626 sent from abroad
    without a Limosa number, HUB-1627 a Limosa declaration that ends before it begins, HUB-1636 a
    number of somebody who is never registered.
    """
    found: list[UsageError] = []
    names = (facts.family_name, facts.given_name)
    if not all(0 < len(name.strip()) <= NAME_MAX for name in names):
        found.append(UsageError("HUB-1620", limit=NAME_MAX))
    if facts.kind in REGISTERED_KINDS:
        found.extend(_problems_of_worker(facts))
    elif facts.new_number:
        found.append(UsageError("HUB-1636"))
    first, last = facts.limosa_from, facts.limosa_until
    if first is not None and last is not None and last < first:
        found.append(UsageError("HUB-1627"))
    return found


def _problems_of_worker(facts: PersonFacts) -> list[UsageError]:
    found: list[UsageError] = []
    if facts.kind is Kind.FOREIGN:
        if not facts.has_limosa:
            found.append(UsageError("HUB-1626"))
    elif not facts.has_inss and not facts.has_limosa:
        found.append(UsageError("HUB-1623"))
    # By the Limosa number alone the authority finds the employer itself.
    needs_company = facts.kind is Kind.AGENCY or (facts.has_inss and not facts.has_limosa)
    if needs_company and not facts.has_company:
        found.append(UsageError("HUB-1624"))
    if facts.kind is Kind.AGENCY and (not facts.has_user_company or facts.same_company):
        found.append(UsageError("HUB-1625"))
    return found


def folded(text: str) -> str:
    """Returns a text without capitals and accents, as names are compared: `Éric` is found as
    `eric`, `Müller` as `muller`."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def sought_as(given_name: str, family_name: str) -> str:
    """Returns what a search for a name looks in: both orders, folded; empty for no name."""
    return folded(f"{given_name} {family_name} {given_name}".strip())
