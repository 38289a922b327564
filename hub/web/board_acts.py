"""What the board offers for each person who is not registered: one act, and what comes after it.

The board is drawn once for everybody who sees the same and may do the same, so nothing in it is of
one session: buttons belong to a form that the page holds once, with the session's token. An act
that needs a choice leads to a page of its own, since a live board would take a half-made choice
away; it leads back to the board.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from hub.application.access import Actor
from hub.application.overview import PersonRow, RegistrationRow, TurnedAway
from hub.domain.causes import Cause
from hub.domain.in_out_regime import correction_until
from hub.domain.remedies import Cure, Remedy, others_of, remedy_of
from hub.domain.rights import Action
from hub.i18n import day_text
from hub.web.words import Words

FORM: Final = "acts"
"""Id of the form on the page to which the buttons of the board belong."""
RIGHTS: Final = (
    Action.REGISTRATIONS_SEE,
    Action.REGISTRATIONS_CHANGE,
    Action.PEOPLE_SEE,
    Action.PEOPLE_CHANGE,
    Action.WORKS_CHANGE,
    Action.ENROL,
)
"""Rights that decide what a board offers."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act on the board.

    Args:
        label: what it is called.
        href: the page that it leads to; empty for one that is done at once.
        post: where the form goes; empty for one that leads to a page.
    """

    label: str
    href: str = ""
    post: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered for one person.

    Args:
        next: what comes next, in plain words.
        act: the one act that fits; None: there is none, or not for who looks.
        others: what else can be done, less loud.
        more: page with everything about it; empty: none that may be seen.
    """

    next: str
    act: Act | None = None
    others: tuple[Act, ...] = field(default=())
    more: str = ""


def may_on_board(actor: Actor) -> frozenset[Action]:
    """Returns those of `RIGHTS` that somebody has."""
    return frozenset(action for action in RIGHTS if actor.may(action))


def act_key(cure: Cure) -> str:
    """Returns the key of what an act is called."""
    return f"act.{cure.remedy}_{cure.field}" if cure.field else f"act.{cure.remedy}"


class BoardActs:
    """Says what the board of one site offers to those with these rights.

    Args:
        words: the language of the board.
        may: of `RIGHTS`.
        site_id: the site of the board, to which every act leads back.
        day: Brussels day of the board, ISO.
    """

    def __init__(self, words: Words, may: frozenset[Action], site_id: int, day: str) -> None:
        self._words = words
        self._may = may
        self._site = site_id
        self._day = day

    def offer(self, person: PersonRow) -> Offer:
        """Returns what is offered for a person who is not registered."""
        row = person.deciding
        state = None if row is None else row.state
        cause = _cause(row)
        over, today = person.day < self._day, person.day == self._day
        cure = remedy_of(state, cause, over=over, today=today)
        others = others_of(state, cause, over=over, today=today)
        acts = [self._act(person, row, one) for one in (cure, *map(Cure, others))]
        found = [one for one in acts[1:] if one is not None]
        return Offer(self._next(person, row, cure), acts[0], tuple(found), self.more(person))

    def more(self, person: PersonRow) -> str:
        """Returns the address of what is known about it; empty: no page that may be seen."""
        row = person.deciding
        if row is not None and Action.REGISTRATIONS_SEE in self._may:
            return f"/registrations/{row.reference}?site={self._site}"
        if row is None and person.token and Action.PEOPLE_SEE in self._may:
            return f"/people/{person.token}"
        return ""

    def badge(self, one: TurnedAway) -> Act | None:
        """Returns the act for a badge that is nobody's; None for any other, or without the
        right."""
        if not one.badge or Action.ENROL not in self._may:
            return None
        return Act(self._say("act.link_badge"), post=f"/enrol/tap/{one.badge}")

    # ------------------------------------------------------------ how

    def _act(self, person: PersonRow, row: RegistrationRow | None, cure: Cure) -> Act | None:
        if cure.remedy is Remedy.NOTHING:
            return None
        label = self._say(act_key(cure))
        page = "" if row is None else f"/registrations/{row.reference}"
        whole = f"{page}?site={self._site}"
        of_person = f"/registrations/of/{person.token}" if person.token else ""
        decides = Action.REGISTRATIONS_CHANGE in self._may
        corrects = Action.PEOPLE_CHANGE in self._may and bool(person.token)
        match cure.remedy:
            case Remedy.RETRY if decides and page:
                return Act(label, post=f"{page}/retry")
            case Remedy.REGISTER if decides and of_person:
                return Act(label, post=f"{of_person}/register")
            case Remedy.FIX if corrects:
                form = f"/people/{person.token}/change"
                return Act(label, href=f"{form}?field={cure.field}&site={self._site}")
            case Remedy.ASSIGN | Remedy.CANCEL if decides and page:
                return Act(label, href=f"{whole}#{cure.remedy}")
            case Remedy.ATTEST if Action.REGISTRATIONS_SEE in self._may and page:
                return Act(label, href=f"{whole}#attest")
            case Remedy.PLACE if Action.WORKS_CHANGE in self._may and row is not None:
                return Act(label, href=f"/works/{row.works_number}/change")
            case Remedy.VISITOR if corrects:
                # It is for good, so it is asked once more: on the page of it.
                return Act(label, href=f"{whole}#visitor" if page else f"{of_person}/visitor")
            case _:
                return None

    def _next(self, person: PersonRow, row: RegistrationRow | None, cure: Cure) -> str:
        until = day_text(correction_until(date.fromisoformat(person.day)), self._words.language)
        if cure.remedy is Remedy.FIX and not person.token:
            return self._say("next.elsewhere")
        if cure.remedy is not Remedy.NOTHING:
            return self._say(f"next.{cure.remedy}", until=until)
        return self._say("next.attested" if _cause(row) is Cause.ATTESTED else "next.ended")

    def _say(self, key: str, **values: object) -> str:
        return self._words.any(f"registrations.{key}", **values)


def _cause(row: RegistrationRow | None) -> Cause | None:
    return None if row is None or row.cause not in tuple(Cause) else Cause(row.cause)
