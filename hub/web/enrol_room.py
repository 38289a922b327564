"""What the pages that link badges show and do; their addresses are in `hub.web.pages.enrol`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.enrolment import PINS, Enrolment, Kind, Place, Session, same_party
from hub.application.overview import GateStatus
from hub.application.people import Linked
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Role
from hub.domain.typed_uid import Form, ReaderForm, reader_form
from hub.errors import SitegateError, UsageError
from hub.i18n import ErrorText, error_text
from hub.storage.badges import Badges
from hub.storage.engine import reading
from hub.storage.enrolling import Elsewhere, Enrolling, Owner
from hub.storage.people import People
from hub.web.enrol_form import (
    KINDS,
    Checked,
    Typed,
    check_number,
    check_person,
)
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords

READER_COOKIE: Final = "sitegate_reader"
"""How the USB reader at this browser types; nothing of a card."""
_AT_THE_HUB: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR)
"""Who may use the reader that is wired to the hub itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One place on the page of choice.

    Args:
        place: it.
        online: whether the hub hears of it now; None: not known.
        session: who waits there, when it is the actor or a colleague.
        taken_by: who else waits there; `somebody` when that is not told; empty: nobody.
    """

    place: Place
    online: bool | None
    session: Session | None = None
    taken_by: str = ""


class Room:
    """See `hub.web.pages.enrol.enrol_pages`."""

    def __init__(
        self,
        office: Office,
        modes: Enrolment,
        gates: Callable[[], list[GateStatus]],
        pins: Callable[[], SitegateError | None],
    ) -> None:
        self._office = office
        self._modes = modes
        self._gates = gates
        self._pins = pins

    # ------------------------------------------------------------ places

    def place(self, actor: Actor, key: str) -> Place | None:
        """Returns a place where he may wait: a terminal by its id, or `pins`."""
        if key == Kind.PINS:
            return PINS if self._has_pins(actor) else None
        with reading(self._office.engine) as connection:
            return self._view(connection, actor).place(key)

    def _has_pins(self, actor: Actor) -> bool:
        return self._office.settings.desk.pins and actor.role in _AT_THE_HUB

    def reader(self, request: Request) -> ReaderForm | None:
        """Returns how the USB reader of this browser types; None when nobody knows."""
        learnt = reader_form(request.cookies.get(READER_COOKIE, ""))
        desk = self._office.settings.desk
        if learnt is None and desk.reader_form:
            return ReaderForm(Form(desk.reader_form), desk.reversed)
        return learnt

    def choose(
        self,
        request: Request,
        actor: Actor,
        errors: Sequence[SitegateError] = (),
        status: int = 200,
        meant: str = "",
    ) -> Response:
        """Draws the choice of a place.

        Args:
            meant: token of the person who is to have the badge; who is not to be found is left out.
        """
        with reading(self._office.engine) as connection:
            view = self._view(connection, actor)
            places = view.places()
            whom = view.person(meant) if meant else None
        online = {gate.terminal_id: gate.online for gate in self._gates()}
        choices = [self._choice(place, actor, online.get(place.terminal)) for place in places]
        words = PageWords(language_of(request, actor), "enrol")
        trouble: list[ErrorText] = []
        if self._has_pins(actor):
            error = self._pins()
            trouble = [] if error is None else words.explained([error])
            choices.append(self._choice(PINS, actor, error is None))
        reader = self.reader(request)
        return draw(
            request,
            "enrol.html",
            words,
            actor,
            status,
            errors=words.explained(errors),
            meant=whom,
            gates=[one for one in choices if one.place.kind is Kind.GATE],
            desks=[one for one in choices if one.place.kind is not Kind.GATE],
            trouble=trouble,
            reader=words(f"reader.{reader.form}") if reader else "",
            reversed=reader is not None and reader.reversed,
            eid=self._office.settings.eid.enabled and actor.role in _AT_THE_HUB,
        )

    def _choice(self, place: Place, actor: Actor, online: bool | None) -> Choice:
        session = self._modes.waits_at(place)
        if session is None or same_party(session, actor):
            return Choice(place, online, session)
        # The site office knows everyone who may be here; companies know nothing of each other.
        told = session.label if actor.company_id is None else "somebody"
        return Choice(place, online, taken_by=told)

    # ------------------------------------------------------------ one badge

    def badge(
        self,
        request: Request,
        actor: Actor,
        session: Session,
        *,
        typed: Typed | None = None,
        checked: Checked | None = None,
        same: Owner | None = None,
        sought: str | None = None,
        errors: Sequence[SitegateError] = (),
        status: int = 200,
    ) -> Response:
        """Draws a session.

        Args:
            typed: the form as it was sent, to be corrected.
            checked: what is wrong in it.
            same: who has the number that was typed already.
            sought: name of a known person that was looked for.
            errors: what is wrong beside.
            status: of the answer.
        """
        words = PageWords(language_of(request, actor), "enrol")
        wrong = {} if checked is None else dict(checked.wrong)
        beside = [*errors, *([wrong.pop("")] if "" in wrong else [])]
        values: dict[str, Any] = {"works": [], "companies": [], "found": []}
        tag = session.tag or session.refused
        with reading(self._office.engine) as connection:
            view = self._view(connection, actor)
            owner = None if tag is None else view.owner(tag)
            if session.tag is not None and not isinstance(owner, Elsewhere):
                people = self._people(connection, actor)
                values["works"] = _works_options(people.works(), session)
                values["companies"] = people.companies()
                values["found"] = view.search(sought or "")
            linked = view.person(session.person) if session.person else None
            meant = view.person(session.meant) if session.meant else None
        return draw(
            request,
            "enrol_badge.html",
            words,
            actor,
            status,
            session=session,
            left_s=session.left_s(self._office.clock()),
            elsewhere=isinstance(owner, Elsewhere),
            owner=owner if isinstance(owner, Owner) else None,
            linked=linked,
            meant=meant,
            typed=typed or Typed(language=words.language),
            wrong={
                name: error_text(wrong[name].code, words.language, **wrong[name].extra)
                if name in wrong
                else None
                for name in Typed.model_fields
            },
            errors=words.explained(beside),
            same=same,
            sought=sought,
            kinds=[(kind, words(f"kind.{kind}")) for kind in KINDS],
            **values,
        )

    def link(self, request: Request, actor: Actor, session: Session, typed: Typed) -> Response:
        """Links the badge of a session to whoever the form says, and adds him if need be."""
        if typed.person:
            return self._done(request, actor, session, typed, Checked(), typed.person)
        checked = check_number(typed, brussels_day(self._office.clock()))
        if not checked.wrong and not typed.anyway and (checked.inss or checked.limosa):
            with reading(self._office.engine) as connection:
                token = self._people(connection, actor).find(checked.inss, checked.limosa)
                same = self._view(connection, actor).person(token) if token else None
            if same is not None:
                return self.badge(request, actor, session, typed=typed, same=same)
        check_person(typed, checked)
        if checked.draft is None:
            return self._again(request, actor, session, typed, checked)
        return self._done(request, actor, session, typed, checked, "")

    def _done(
        self,
        request: Request,
        actor: Actor,
        session: Session,
        typed: Typed,
        checked: Checked,
        token: str,
    ) -> Response:
        tag = session.tag
        if tag is None:
            return go("/enrol", "gone")

        window_ms = self._office.settings.in_out.window_s * 1000

        def change(connection: Connection) -> tuple[str, Linked]:
            now_ms = self._office.clock()
            known = token
            if checked.draft is not None:
                people = People(connection, self._office.vault, actor, now_ms, window_ms)
                for problem in people.problems(checked.draft):
                    checked.blame(problem)
                if checked.wrong:
                    raise next(iter(checked.wrong.values()))
                known = people.add(checked.draft)
            badges = Badges(connection, self._office.vault, actor, now_ms, window_ms)
            return known, badges.link(tag, known)

        try:
            person, linked = self._office.write(change)
        except UsageError as error:
            if not checked.wrong:
                checked.blame(error)
            return self._again(request, actor, session, typed, checked)
        self._modes.linked(session.handle, person, linked.adopted)
        self._office.changed()
        return go(f"/enrol/{session.handle}")

    def _again(
        self, request: Request, actor: Actor, session: Session, typed: Typed, checked: Checked
    ) -> Response:
        return self.badge(request, actor, session, typed=typed, checked=checked, status=422)

    # ------------------------------------------------------------ the register

    def _view(self, connection: Connection, actor: Actor) -> Enrolling:
        return Enrolling(connection, self._office.vault, actor, self._office.clock())

    def _people(self, connection: Connection, actor: Actor) -> People:
        return People(connection, self._office.vault, actor, self._office.clock())


def _works_options(works: Sequence[tuple[str, str]], session: Session) -> list[tuple[str, str]]:
    """Returns the works to choose from; those of the site of the gate stand first."""
    ordered = sorted(works, key=lambda one: one[1] != session.place.site)
    return [(number, f"{number} ({site})") for number, site in ordered]
