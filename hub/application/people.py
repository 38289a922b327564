"""People as they are described and looked at: drafts, lists and one person's file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from hub.domain.identifiers import Inss, Limosa
from hub.domain.people import Kind, LimosaState, PersonFacts, problems_of
from hub.errors import UsageError


@dataclass(frozen=True, slots=True, repr=False)
class PersonDraft:
    """A person as somebody describes him.

    Args:
        kind: what he is on the site.
        company_number: employer; for an agency's worker the agency.
        user_company_number: for whom an agency's worker works; None for anybody else.
        works_number: works declaration under which he works, or where he visits.
        language: in which a gate speaks to him, two letters.
        inss, limosa: numbers; None in a change: as known so far.
        limosa_from, limosa_until: first and last Brussels day of the Limosa declaration.
        foreign_vat: VAT number of a foreign employer.
        drop_inss, drop_limosa: the number that is known was not his, or is not wanted any more.
    """

    family_name: str
    given_name: str
    kind: Kind
    company_number: str | None
    user_company_number: str | None
    works_number: str
    language: str
    inss: Inss | None = None
    limosa: Limosa | None = None
    limosa_from: date | None = None
    limosa_until: date | None = None
    foreign_vat: str | None = None
    drop_inss: bool = False
    drop_limosa: bool = False

    def __repr__(self) -> str:
        return f"PersonDraft({self.kind})"


def check(
    draft: PersonDraft, today: date, known_inss: bool = False, known_limosa: bool = False
) -> list[UsageError]:
    """Returns everything that keeps a draft from being kept, before the register is asked.

    Args:
        draft: the description.
        today: Brussels day.
        known_inss, known_limosa: which numbers are known of the person that it changes.
    """
    del today  # a declaration that is over may be kept: what it makes is held, and says so
    facts = PersonFacts(
        family_name=draft.family_name,
        given_name=draft.given_name,
        kind=draft.kind,
        has_inss=draft.inss is not None or (known_inss and not draft.drop_inss),
        has_limosa=draft.limosa is not None or (known_limosa and not draft.drop_limosa),
        has_company=bool(draft.company_number),
        has_user_company=bool(draft.user_company_number),
        same_company=draft.company_number == draft.user_company_number,
        new_number=draft.inss is not None or draft.limosa is not None,
        limosa_from=draft.limosa_from,
        limosa_until=draft.limosa_until,
    )
    return problems_of(facts)


class PersonProblem(StrEnum):
    """What is wrong with somebody, as a list can be narrowed to."""

    NO_NUMBER = "no_number"
    NO_COMPANY = "no_company"
    NO_BADGE = "no_badge"
    BADGE_OFF = "badge_off"
    """Every badge of his is blocked, lost or over."""
    LIMOSA_ENDING = "limosa_ending"
    LIMOSA_OVER = "limosa_over"


@dataclass(frozen=True, slots=True, repr=False)
class PeopleFilter:
    """Which people a list shows; everything empty: all of the scope.

    Args:
        name: every word of it stands in the name, whatever accents and capitals.
        inss, limosa: exactly this number.
        company_number: employer or user.
        kind: one of `Kind`, or empty.
        problem: one of `PersonProblem`, or empty.
        page: 1 or more.
        size: people on a page, 1..500.
    """

    name: str = ""
    inss: Inss | None = None
    limosa: Limosa | None = None
    company_number: str = ""
    kind: str = ""
    problem: str = ""
    page: int = 1
    size: int = 50

    def __repr__(self) -> str:
        return "PeopleFilter()"


@dataclass(frozen=True, slots=True, repr=False)
class PersonLine:
    """One person on a list.

    Args:
        token: stands for him in addresses.
        company: name of his employer, or of who uses him; empty when not known.
        agency: name of the agency that lends him; else empty.
        masked: INSS or Limosa number, masked; empty when there is none.
        badges: how many badges open for him today.
        problems: what is wrong with him.
    """

    token: str
    family_name: str
    given_name: str
    kind: Kind
    company: str
    agency: str
    works_number: str
    masked: str
    badges: int
    problems: tuple[PersonProblem, ...]

    def __repr__(self) -> str:
        return "PersonLine()"


@dataclass(frozen=True, slots=True, repr=False)
class PersonFile:
    """One person with all that may be shown; every number is masked.

    Args:
        person_id: number of the row, for the audit and other stores; never in an address.
        company_number, company_name: employer; empty when not known.
        user_company_number, user_company_name: who uses an agency's worker.
        inss, limosa: masked; empty when there is none.
        limosa_state: how the declaration stands today.
        may_change: whether the actor may change him.
        may_reveal: whether the actor may ask for a number in clear.
        may_badge: whether the actor may change his badges.
    """

    person_id: int
    token: str
    family_name: str
    given_name: str
    kind: Kind
    company_number: str
    company_name: str
    user_company_number: str
    user_company_name: str
    works_number: str
    site: str
    language: str
    inss: str
    limosa: str
    limosa_from: date | None
    limosa_until: date | None
    limosa_state: LimosaState
    foreign_vat: str
    added_ms: int
    may_change: bool
    may_reveal: bool
    may_badge: bool

    def __repr__(self) -> str:
        return f"PersonFile({self.person_id})"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of a person came to.

    Args:
        made: registrations of today that it made of his taps, as he works here after all.
        dropped: registrations of today and later, not sent yet, that are not needed any more.
        staying: registrations of today and later that the authority holds or may hold: they stay.
    """

    made: int = 0
    dropped: int = 0
    staying: int = 0


@dataclass(frozen=True, slots=True)
class Linked:
    """What linking a badge came to.

    Args:
        reissued: it was somebody else's until now.
        adopted: taps of today, made before, that are this person's now.
        registered: registrations that they made.
    """

    reissued: bool = False
    adopted: int = 0
    registered: int = 0


@dataclass(frozen=True, slots=True)
class BadgeLine:
    """One badge of a person; neither its tag nor its UID stands in anything shown.

    Args:
        tag: the badge tag, for the store.
        handle: stands for it in addresses.
        label: what tells the badges of a person apart.
        state: `active`, `blocked`, `lost`.
        expired: its last day is over.
        linked_ms: since when it is his, UTC milliseconds.
    """

    tag: bytes = field(repr=False)
    handle: str
    label: str
    state: str
    valid_from: date | None
    valid_until: date | None
    expired: bool
    linked_ms: int


@dataclass(frozen=True, slots=True)
class BadgeChange:
    """One thing that happened to a badge.

    Args:
        event: linked, released, lost, found, blocked, unblocked, dated.
        person_id: whose it was then, or became.
    """

    at_ms: int
    event: str
    person_id: int
    actor: str
    note: str
