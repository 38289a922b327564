"""A worker's own phone: who calls its addresses, and how often.

A phone has a cookie of its own, which is sent to the addresses below `/phone` only: it opens no
other page, and no login opens its acts. Everything is counted, wrong codes and acts alike, in
memory: a restart forgets. Many phones of a site may share one address, so an address may do much
more than a phone.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock
from typing import Final

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from hub.application.access import Actor
from hub.application.accounts import network_of
from hub.domain.rights import Action
from hub.errors import TransientError
from hub.settings import AccessSettings
from hub.storage.engine import reading
from hub.storage.phones import PHONE_DAYS, Phone, phone_of
from hub.web.access import Allowed, check_form
from hub.web.entrance import is_secure
from hub.web.office import Office

COOKIE: Final = "sitegate_phone"
PATH: Final = "/phone"
WINDOW_MS: Final = 10 * 60_000
WRONG_MAX: Final = 30
"""Wrong codes of one address in this time: a whole crew may sit behind one."""
CODE_MAX: Final = 6
"""Tries of one and the same code, right or wrong."""
ALL_MAX: Final = 300
"""Wrong codes of everybody together: who guesses from many addresses is slowed down too."""
ACTS_MAX: Final = 12
"""Acts of one phone."""
ADDRESS_MAX: Final = 2_000
"""Acts of one address: a site at seven in the morning, behind one."""
KEYS_MAX: Final = 20_000
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Pace:
    """Counts what each key did in the last ten minutes. Safe from every thread.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._done: OrderedDict[str, deque[int]] = OrderedDict()

    def wait_s(self, key: str, most: int) -> int:
        """Returns for how many seconds this key has to wait; 0: not at all."""
        with self._lock:
            done = self._recent(key)
            if len(done) < most:
                return 0
            return max(1, -(-(done[-most] + WINDOW_MS - self._clock()) // 1000))

    def count(self, key: str) -> None:
        """Counts one."""
        with self._lock:
            done = self._recent(key)
            done.append(self._clock())
            self._done[key] = done
            self._done.move_to_end(key)
            while len(self._done) > KEYS_MAX:
                self._done.popitem(last=False)

    def _recent(self, key: str) -> deque[int]:
        done = self._done.get(key) or deque[int](maxlen=ADDRESS_MAX)
        now_ms = self._clock()
        while done and not 0 <= now_ms - done[0] < WINDOW_MS:
            done.popleft()
        return done


class Paces:
    """How often codes are tried and acts are made.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._pace = Pace(clock)

    def may_try(self, address: str, code: str) -> None:
        """Lets a code be tried, and counts the try of that code.

        Args:
            address: where it comes from.
            code: its digest, or whatever stands for it.

        Raises:
            TransientError: HUB-1821, wait.
        """
        self._check(
            "HUB-1821",
            (f"from {network_of(address)}", WRONG_MAX),
            (f"code {code}", CODE_MAX),
            ("all", ALL_MAX),
        )
        self._pace.count(f"code {code}")

    def wrong(self, address: str) -> None:
        """Counts a wrong code."""
        self._pace.count(f"from {network_of(address)}")
        self._pace.count("all")

    def may_act(self, address: str, phone: str) -> None:
        """Lets an act be made, and counts it.

        Raises:
            TransientError: HUB-1822, wait.
        """
        acts = f"acts from {network_of(address)}"
        self._check("HUB-1822", (f"acts of {phone}", ACTS_MAX), (acts, ADDRESS_MAX))
        self._pace.count(f"acts of {phone}")
        self._pace.count(acts)

    def _check(self, error: str, *keys: tuple[str, int]) -> None:
        wait_s = max(self._pace.wait_s(key, most) for key, most in keys)
        if wait_s:
            raise TransientError(error, minutes=-(-wait_s // 60), seconds=wait_s)


def known_phone(office: Office, request: Request) -> Phone | None:
    """Returns which phone a browser is; None for none."""
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        return None
    with reading(office.engine) as connection:
        return phone_of(connection, cookie, office.clock())


class AtPhone(Allowed):
    """Dependency of what a phone is given: its own cookie lets in, and no login does."""

    def __init__(self, office: Office) -> None:
        super().__init__(Action.OWN_ACT)
        self._office = office

    async def __call__(self, request: Request) -> Actor:
        """Returns the actor of the phone; the phone itself is in `request.state.phone`.

        Raises:
            LoginNeeded: it is no phone, and nobody is logged in.
            HTTPException: 403, the form is not of this phone; 404, it is no phone; 303 to the page
                that says so (401 for a script), it was one and is not any more.
        """
        one = await run_in_threadpool(known_phone, self._office, request)
        if one is None:
            if request.cookies.get(COOKIE):
                raise _ended(request.url.path)
            await super().__call__(request)
            raise HTTPException(404)
        request.state.phone = one
        if request.method not in READING:
            await check_form(request, one.csrf)
        return one.actor


def _ended(path: str) -> HTTPException:
    if path.endswith(".json"):
        return HTTPException(401)
    handle = path.removeprefix(f"{PATH}/").partition("/")[0]
    return HTTPException(303, headers={"Location": f"{PATH}/{handle}?ended=1"})


def remember_phone(response: Response, cookie: str, settings: AccessSettings) -> None:
    """Makes a browser this phone; no page but those below `/phone` is ever sent the cookie."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=PHONE_DAYS * 24 * 3600,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure(settings),
    )


def forget_phone(response: Response, settings: AccessSettings) -> None:
    """Takes the cookie from a browser."""
    response.delete_cookie(
        COOKIE, path=PATH, httponly=True, samesite="lax", secure=is_secure(settings)
    )
