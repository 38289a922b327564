"""Who calls: the token of a request, how often it may call, and what it may do.

`Programs` finds the program of a request, or refuses: 401 for no valid token, 429 for too many
wrong tokens from one address or too many calls with one token, 403 for a token that is good for
something else. A route declares what it does with `ByToken(action)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.storage.tokens import Program, least_scope
from hub.web.access import Allowed
from hub.web.api.problems import JSON, Refusal

WRONG_MAX: Final = 10
"""Wrong tokens of one address in `WRONG_WINDOW_MS` before it is told to wait."""
WRONG_WINDOW_MS: Final = 60_000
ADDRESSES_MAX: Final = 1_000
"""Most addresses that are remembered; the one that came first is forgotten first."""
BODY_MAX: Final = 2_000_000
"""Bytes of a JSON body: 500 people with every field full are a quarter of it."""

FindProgram = Callable[[str], Program | None]
"""Returns whose token this is; None when it is not valid."""


class ByToken(Allowed):
    """Dependency of an address for programs: returns the actor of the request's token.

    Args:
        action: what the address does.
        kinds: types of content that it takes.
        body_max: most bytes of a body.
    """

    def __init__(
        self,
        action: Action,
        kinds: frozenset[str] = frozenset({JSON}),
        body_max: int = BODY_MAX,
    ) -> None:
        super().__init__(action)
        self.kinds = kinds
        self.body_max = body_max

    async def __call__(self, request: Request) -> Actor:
        """Returns the actor that `hub.web.api.front` found before this was asked."""
        actor: Actor = request.state.actor
        return actor


class WrongTokens:
    """Counts wrong tokens by address; used on the event loop only.

    A right token is never kept out: 256 bits are not found by trying, so this only keeps a program
    with an old token from asking for ever at full speed.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, int]] = {}

    def wait_s(self, address: str) -> int:
        """Notes one more; returns how many seconds to wait, 0 when there were few."""
        now_ms = self._clock()
        begin_ms, count = self._seen.pop(address, (now_ms, 0))
        if not 0 <= now_ms - begin_ms < WRONG_WINDOW_MS:
            begin_ms, count = now_ms, 0
        while len(self._seen) >= ADDRESSES_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[address] = (begin_ms, count + 1)
        if count < WRONG_MAX:
            return 0
        return max(1, -(-(begin_ms + WRONG_WINDOW_MS - now_ms) // 1000))


class Pace:
    """A bucket of calls for each token, filled evenly; used on the event loop only.

    Args:
        per_minute: calls that a token may make in a minute; as many at once after a quiet minute.
        clock: UTC milliseconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], int]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: dict[int, tuple[float, int]] = {}

    def wait_s(self, token_id: int) -> int:
        """Takes one call; returns how many seconds to wait for the next, 0 when there was one."""
        now_ms = self._clock()
        left, then_ms = self._left.get(token_id, (float(self._per_minute), now_ms))
        # A clock that was set back fills nothing and takes nothing.
        filled = max(0, now_ms - then_ms) * self._per_minute / 60_000
        left = min(float(self._per_minute), left + filled)
        if left < 1:
            self._left[token_id] = (left, now_ms)
            return max(1, -(-int((1 - left) * 60_000 / self._per_minute) // 1000))
        self._left[token_id] = (left - 1, now_ms)
        return 0


class Programs:
    """Finds the program of a request.

    Args:
        find: looks a token up; called in worker threads.
        per_minute: calls that one token may make in a minute.
        clock: UTC milliseconds.
    """

    def __init__(self, find: FindProgram, per_minute: int, clock: Callable[[], int]) -> None:
        self._find = find
        self._wrong = WrongTokens(clock)
        self._pace = Pace(per_minute, clock)

    async def calling(self, request: Request, action: Action) -> Program:
        """Returns the program that calls and may do this.

        Raises:
            Refusal: 401, 403 or 429.
        """
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = None
        if kind.casefold() == "bearer" and token.strip():
            found = await run_in_threadpool(self._find, token.strip())
        if found is None:
            wait_s = self._wrong.wait_s(request.client.host if request.client else "")
            if wait_s:
                raise Refusal(429, "HUB-1524", {"Retry-After": str(wait_s)}, seconds=wait_s)
            raise Refusal(401, "HUB-1522", {"WWW-Authenticate": 'Bearer realm="sitegate"'})
        wait_s = self._pace.wait_s(found.token_id)
        if wait_s:
            raise Refusal(429, "HUB-1701", {"Retry-After": str(wait_s)}, seconds=wait_s)
        if not found.actor.may(action):
            scope = least_scope(action)
            challenge = f'Bearer realm="sitegate", error="insufficient_scope", scope="{scope}"'
            raise Refusal(403, "HUB-1523", {"WWW-Authenticate": challenge}, scope=scope)
        return found
