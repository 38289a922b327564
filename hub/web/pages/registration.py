"""One registration: who, where and when, every step, what the authority says, what proves it.

    GET  /registrations/{reference}             the page; `?site=` leads back to the board of it
    POST /registrations/{reference}/reveal      the page, with the number as it was sent, this once
    POST /registrations/{reference}/{act}       retry, assign, drop, cancel, attest
    POST /registrations/{reference}/visitor     the person is a visitor
    GET  /registrations/of/{token}/visitor      asks once more; POST does it
    POST /registrations/of/{token}/register     decides again about somebody without a registration

It is named by our client reference, which tells nobody who it is. What lies outside of the scope is
404 like what does not exist. A number in clear is in the answer to a POST and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.evidence import Carried, ReadItems
from hub.application.people import Changed
from hub.application.registration_file import RegistrationFile
from hub.domain.audit import Noted
from hub.domain.companies import number_text
from hub.domain.in_out_regime import correction_until
from hub.domain.people import REASON_MAX, REASON_MIN
from hub.domain.registration import CANCEL_REASONS, LIVE, State
from hub.domain.remedies import Remedy
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.i18n import day_text, moment_text
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.people import People
from hub.storage.proof import proof_of
from hub.storage.registration_desk import RegistrationDesk
from hub.web.access import Allowed
from hub.web.board_acts import act_key
from hub.web.frame import draw, go, language_of
from hub.web.office import Office
from hub.web.page_words import PageWords
from hub.web.remarks import remark_text

ROOM: Final = "registrations"
_See = Annotated[Actor, Depends(Allowed(Action.REGISTRATIONS_SEE))]
_Change = Annotated[Actor, Depends(Allowed(Action.REGISTRATIONS_CHANGE))]
_Person = Annotated[Actor, Depends(Allowed(Action.PEOPLE_CHANGE))]
_Reveal = Annotated[Actor, Depends(Allowed(Action.PEOPLE_REVEAL))]
_Site = Annotated[int, Query(ge=0, le=2**31 - 1)]
_SiteField = Annotated[int, Form(ge=0, le=2**31 - 1)]
_Text = Annotated[str, Form()]
TONES: Final = {
    State.REGISTERED: "good", State.VALIDATED: "good", State.FLAGGED: "warn",
    State.CANCELLING: "warn", State.DUE: "warn", State.SENDING: "warn", State.IN_DOUBT: "warn",
    State.HELD: "bad", State.REFUSED: "bad", State.LAPSED: "bad",
}  # fmt: skip
_GONE: Final = "HUB-1760"


def registration_pages(office: Office, read: ReadItems) -> APIRouter:
    """Returns the routes.

    Args:
        office: the store, the keys and the time.
        read: finds a registration in the bodies of the evidence.
    """
    router = APIRouter()

    def desk(connection: Connection, actor: Actor) -> RegistrationDesk:
        in_out = office.settings.in_out
        return RegistrationDesk(
            connection,
            office.vault,
            actor,
            office.clock(),
            in_out.window_s * 1000,
            in_out.can_cancel,
        )

    def page(
        request: Request,
        actor: Actor,
        reference: str,
        site: int = 0,
        error: UsageError | None = None,
        clear: bool = False,
        **typed: Any,
    ) -> Response:
        with reading(office.engine) as connection:
            try:
                file = desk(connection, actor).file(reference)
            except UsageError:
                raise HTTPException(404) from None
            proof = proof_of(connection, office.vault, file.reference, read, clear=clear)
        return _draw(request, actor, file, proof, site, error, clear, typed)

    def decided(
        request: Request,
        actor: Actor,
        reference: str,
        site: int,
        said: str,
        decide: Callable[[RegistrationDesk], str | None],
        **typed: Any,
    ) -> Response:
        """Takes a decision and goes back to where it was asked for."""
        try:
            made = office.write(lambda connection: decide(desk(connection, actor)))
        except UsageError as error:
            if error.code == _GONE:
                raise HTTPException(404) from None
            return page(request, actor, reference, site, error, **typed)
        office.changed()
        return go(f"/?site={site}" if site else f"/registrations/{made or reference}", said)

    # ------------------------------------------------------------ somebody without one

    def visitor_page(
        request: Request, actor: Actor, token: str, site: int, error: UsageError | None = None
    ) -> Response:
        words = PageWords(language_of(request, actor), ROOM)
        with reading(office.engine) as connection:
            try:
                file = People(connection, office.vault, actor, office.clock()).row(token)
            except UsageError:
                raise HTTPException(404) from None
        if not file.may_change:
            raise HTTPException(404)
        return draw(
            request,
            "registration_visitor.html",
            words,
            actor,
            200 if error is None else 409,
            file=file,
            site=site,
            problems=words.explained([error]) if error else [],
        )

    @router.get("/registrations/of/{token}/visitor")
    def ask_visitor(request: Request, actor: _Person, token: str, site: _Site = 0) -> Response:
        return visitor_page(request, actor, token, site)

    @router.post("/registrations/of/{token}/visitor")
    def visitor_of(request: Request, actor: _Person, token: str, site: _SiteField = 0) -> Response:
        try:
            done = office.write(lambda connection: desk(connection, actor).visitor(token))
        except UsageError as error:
            return visitor_page(request, actor, token, site, error)
        office.changed()
        return go(f"/?site={site}" if site else f"/people/{token}", _said(done))

    @router.post("/registrations/of/{token}/register")
    def register(request: Request, actor: _Change, token: str, site: _SiteField = 0) -> Response:
        back = f"/?site={site}" if site else "/"
        try:
            office.write(lambda connection: desk(connection, actor).register(token))
        except UsageError as error:
            if error.code == _GONE:
                raise HTTPException(404) from None
            return go(back, "made_none")
        office.changed()
        return go(back, "registered")

    # ------------------------------------------------------------ one registration

    @router.get("/registrations/{reference}")
    def one(request: Request, actor: _See, reference: str, site: _Site = 0) -> Response:
        return page(request, actor, reference, site)

    @router.post("/registrations/{reference}/retry")
    def retry(request: Request, actor: _Change, reference: str, site: _SiteField = 0) -> Response:
        return decided(request, actor, reference, site, "retried", lambda one: one.retry(reference))

    @router.post("/registrations/{reference}/assign")
    def assign(
        request: Request,
        actor: _Change,
        reference: str,
        works: _Text = "",
        site: _SiteField = 0,
    ) -> Response:
        return decided(
            request, actor, reference, site, "assigned", lambda one: one.assign(reference, works)
        )

    @router.post("/registrations/{reference}/drop")
    def drop(
        request: Request,
        actor: _Change,
        reference: str,
        note: _Text = "",
        site: _SiteField = 0,
    ) -> Response:
        return decided(
            request,
            actor,
            reference,
            site,
            "dropped",
            lambda one: one.drop(reference, note),
            drop_note=note,
        )

    @router.post("/registrations/{reference}/cancel")
    def cancel(
        request: Request,
        actor: _Change,
        reference: str,
        reason: _Text = "",
        site: _SiteField = 0,
    ) -> Response:
        return decided(
            request,
            actor,
            reference,
            site,
            "cancelling",
            lambda one: one.cancel(reference, reason),
            reason=reason,
        )

    @router.post("/registrations/{reference}/attest")
    def attest(
        request: Request,
        actor: _Change,
        reference: str,
        note: _Text = "",
        site: _SiteField = 0,
    ) -> Response:
        return decided(
            request,
            actor,
            reference,
            site,
            "attested",
            lambda one: one.attest(reference, note),
            attest_note=note,
        )

    @router.post("/registrations/{reference}/visitor")
    def visitor(request: Request, actor: _Person, reference: str, site: _SiteField = 0) -> Response:
        def turn(connection: Connection) -> Changed:
            one = desk(connection, actor)
            return one.visitor(one.file(reference).person)

        try:
            done = office.write(turn)
        except UsageError as error:
            if error.code == _GONE:
                raise HTTPException(404) from None
            return page(request, actor, reference, site, error)
        office.changed()
        return go(f"/?site={site}" if site else f"/registrations/{reference}", _said(done))

    @router.post("/registrations/{reference}/reveal")
    def reveal(
        request: Request,
        actor: _Reveal,
        reference: str,
        reason: _Text = "",
        site: _SiteField = 0,
    ) -> Response:
        try:
            office.write(lambda connection: _noted(connection, office, actor, reference, reason))
        except UsageError as error:
            if error.code == _GONE:
                raise HTTPException(404) from None
            return page(request, actor, reference, site, error, reveal_reason=reason[:REASON_MAX])
        return page(request, actor, reference, site, clear=True)

    return router


def _said(done: Changed) -> str:
    return "visitor_staying" if done.staying else "visitor"


def _noted(
    connection: Connection, office: Office, actor: Actor, reference: str, reason: str
) -> None:
    """Notes a look at a number that was sent, before it is seen.

    Raises:
        UsageError: HUB-1760 none of the scope, or whose number is not his to see; HUB-1632 no
            reason given.
    """
    file = RegistrationDesk(connection, office.vault, actor, office.clock()).file(reference)
    if not file.may_reveal:
        raise UsageError(_GONE)
    why = " ".join(reason.split())
    if not REASON_MIN <= len(why) <= REASON_MAX:
        raise UsageError("HUB-1632", least=REASON_MIN, most=REASON_MAX)
    note(
        connection,
        office.vault,
        office.clock(),
        actor.name,
        Noted.PERSON_REVEALED,
        f"person:{file.person_id}",
        company_id=file.company_id,
        site_id=file.site_id,
        which="sent",
        registration=file.reference,
        reason=why,
    )


def _draw(
    request: Request,
    actor: Actor,
    file: RegistrationFile,
    proof: list[Carried],
    site: int,
    error: UsageError | None,
    clear: bool,
    typed: dict[str, Any],
) -> Response:
    words = PageWords(language_of(request, actor), ROOM)
    until = day_text(correction_until(file.day), words.language)
    return draw(
        request,
        "registration.html",
        words,
        actor,
        200 if error is None else 409,
        file=file,
        number_text=number_text,
        proof=proof,
        site=site,
        clear=clear,
        acts=file.acts,
        act_key=act_key,
        live=file.state in LIVE,
        tone=TONES.get(file.state, "none"),
        next=_next(words, file, until),
        until=until,
        remarks=[remark_text(words, one) for one in file.remarks],
        works_options=_works_options(words, file),
        reasons=[(one, words(f"reasons.{one}")) for one in CANCEL_REASONS],
        revealable=file.may_reveal and any(one.sent for one in proof),
        reason_min=REASON_MIN,
        reason_max=REASON_MAX,
        # How much was exchanged for everybody is for who sees the books.
        rows=actor.may(Action.BOOKS_SEE),
        own=actor.role is Role.WORKER,
        typed={"reason": "", "drop_note": "", "attest_note": "", "reveal_reason": "", **typed},
        problems=words.explained([error]) if error else [],
        moment=lambda at_ms: moment_text(at_ms, words.language),
    )


def _works_options(words: PageWords, file: RegistrationFile) -> list[tuple[str, str]]:
    """What can only be one thing is chosen already."""
    choose = [("", words("choose"))] if len(file.works) > 1 else []
    return choose + [(one, one) for one in file.works]


def _next(words: PageWords, file: RegistrationFile, until: str) -> str:
    """What comes next, in plain words, whoever may do it."""
    remedy = file.cure.remedy
    if remedy is Remedy.CANCEL and not file.can_cancel:
        return words("next.no_cancel", until=until)
    if remedy is not Remedy.NOTHING:
        return words(f"next.{remedy}", until=until)
    if file.state is State.LAPSED:
        return words("next.attested")
    if file.state is State.IN_DOUBT:
        return words("next.in_doubt")
    return words("next.nothing" if file.state in LIVE else "next.ended")
