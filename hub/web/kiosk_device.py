"""A device at a gate: who calls its addresses, and what stands on its screen.

The screen of a kiosk is a *turn*: what one person has typed and been told. It is held here in
memory and in no address, so that the history of the browser, its way back and a form that it sends
again hold nothing of anybody: every page is drawn from the turn of the moment, and the next person,
`TURN_MS` without a touch, or a restart end it.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from hub.application.access import Actor
from hub.domain.identifiers import Inss, Limosa
from hub.domain.rights import Action
from hub.errors import SitegateError, TransientError
from hub.settings import AccessSettings
from hub.storage.engine import reading
from hub.storage.kiosk_desk import Somebody
from hub.storage.kiosks import Kiosk, kiosk_of
from hub.web.access import Allowed, check_form
from hub.web.entrance import is_secure
from hub.web.office import Office

COOKIE: Final = "sitegate_kiosk"
COOKIE_S: Final = 400 * 24 * 3600
"""As long as browsers keep one at most; it is given anew with each first screen."""
PATH: Final = "/kiosk"
TURN_MS: Final = 20_000
"""Without a touch for so long, the screen is the next person's."""
FORM_MS: Final = 3 * 60_000
"""The same while somebody types who he is."""
TURN_MAX_MS: Final = 10 * 60_000
"""A turn that is touched lives no longer than this."""
_FORMS: Final = ("choose", "newcomer")
WRONG_MAX: Final = 8
WRONG_WINDOW_MS: Final = 5 * 60_000
"""Numbers that nobody has, or that are none, in this time; then the kiosk waits."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class AtKiosk(Allowed):
    """Dependency of what a kiosk is given: its own cookie lets in, and no login does."""

    def __init__(self, office: Office, elsewhere: bool = False) -> None:
        """Makes it.

        Args:
            office: where kiosks are known.
            elsewhere: whoever is logged in on another device may come too; then there is no kiosk.
        """
        super().__init__(Action.KIOSK)
        self._office = office
        self._elsewhere = elsewhere

    async def __call__(self, request: Request) -> Actor:
        """Returns the actor of the kiosk; the kiosk itself is in `request.state.kiosk`.

        Raises:
            LoginNeeded: the device is no kiosk, and nobody is logged in.
            HTTPException: 403, the form is not of this kiosk; 404, the device is no kiosk.
        """
        device = await run_in_threadpool(self.device, request)
        if device is None:
            actor = await super().__call__(request)
            if not self._elsewhere:
                raise HTTPException(404)
            request.state.kiosk = None
            return actor
        request.state.kiosk = device
        if request.method not in READING:
            await check_form(request, device.csrf)
        return device.actor

    def device(self, request: Request) -> Kiosk | None:
        """Returns which kiosk a browser is; None for none."""
        cookie = request.cookies.get(COOKIE, "")
        if not cookie:
            return None
        with reading(self._office.engine) as connection:
            return kiosk_of(connection, cookie)


def remember_kiosk(response: Response, cookie: str, settings: AccessSettings) -> None:
    """Makes a browser this kiosk; no page but those of a kiosk is ever sent the cookie."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=COOKIE_S,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=is_secure(settings),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """Who was noted, and by which act it can be found out how far it is.

    Args:
        reference: of the act; of the first one of a crew.
        at_ms: when it was kept, UTC milliseconds.
        people: 1, or how many of a crew.
    """

    reference: str
    who: Somebody
    way: str
    case: str
    at_ms: int
    people: int = 1

    def __repr__(self) -> str:
        return "Told()"


@dataclass(slots=True)
class Turn:
    """What stands on the screen of one kiosk.

    Args:
        page: which screen: `start`, `choose`, `newcomer`, `done`.
        language: chosen by touch; empty: as the site speaks.
        reference: of the act that this turn may make, once.
        number: whole and good, of somebody who is chosen or not known yet.
        typed: what was typed, to be put right.
        errors: why it was not taken.
    """

    begun_ms: int
    touched_ms: int
    page: str = "start"
    language: str = ""
    reference: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    way: str = ""
    number: Inss | Limosa | None = None
    means: str = ""
    chosen: tuple[Somebody, ...] = ()
    found: tuple[Somebody, ...] | None = None
    replacing: Somebody | None = None
    told: Told | None = None
    typed: dict[str, str] = field(default_factory=dict[str, str])
    errors: tuple[SitegateError, ...] = ()

    def __repr__(self) -> str:
        return f"Turn({self.page})"


class Turns:
    """The turn of each kiosk. Safe from every thread; forgets all with a restart.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._turns: dict[str, Turn] = {}
        self._wrong: dict[str, deque[int]] = {}

    def of(self, kiosk: Kiosk, touch: bool = True) -> Turn:
        """Returns the turn of the moment; a new one when the last is over.

        Args:
            touch: somebody is there: the turn goes on.
        """
        now_ms = self._clock()
        with self._lock:
            turn = self._turns.get(kiosk.id)
            if turn is None or self._over(turn, now_ms):
                turn = self._turns[kiosk.id] = Turn(now_ms, now_ms)
            if touch:
                turn.touched_ms = now_ms
            return turn

    def next(self, kiosk: Kiosk) -> None:
        """Ends the turn: nothing of it is left."""
        with self._lock:
            self._turns.pop(kiosk.id, None)

    def _over(self, turn: Turn, now_ms: int) -> bool:
        idle, lived = now_ms - turn.touched_ms, now_ms - turn.begun_ms
        patience = FORM_MS if turn.page in _FORMS else TURN_MS
        return not (0 <= idle < patience and 0 <= lived < TURN_MAX_MS)

    def wrong(self, kiosk: Kiosk, what: str = "") -> None:
        """Counts a number that nobody has, or that is none; or a wrong PIN."""
        with self._lock:
            self._recent(kiosk.id + what).append(self._clock())

    def may_try(self, kiosk: Kiosk, what: str = "") -> None:
        """Lets a number, or a PIN, be tried, if there were not too many wrong ones.

        Raises:
            TransientError: HUB-1783, wait.
        """
        with self._lock:
            recent = self._recent(kiosk.id + what)
            if len(recent) < WRONG_MAX:
                return
            wait_ms = recent[-WRONG_MAX] + WRONG_WINDOW_MS - self._clock()
        raise TransientError("HUB-1783", minutes=max(1, -(-wait_ms // 60_000)))

    def _recent(self, key: str) -> deque[int]:
        recent = self._wrong.setdefault(key, deque[int](maxlen=WRONG_MAX))
        now_ms = self._clock()
        while recent and not 0 <= now_ms - recent[0] < WRONG_WINDOW_MS:
            recent.popleft()
        return recent
