"""Who may call an address that must answer although the database does not: the roll call.

The database is asked as everywhere, and given a short time. When it does not answer, whose session
this was the last time counts (`hub.web.remembered`): a phone that was logged in goes on, a session
that nobody knows is let in nowhere. As soon as it answers, its word counts again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from hub.application.access import AccessPort, Actor
from hub.application.prompt import LIMIT_S, Prompt, Unanswered
from hub.domain.rights import Action
from hub.web.access import SESSION_COOKIE, Allowed
from hub.web.remembered import Remembered

KNOWN_S: Final = 0.4
"""How long the database may take over a session that is remembered: a tick is on every screen
within a second."""


class AllowedInNeed(Allowed):
    """Dependency: as `Allowed`, with a session that may be remembered.

    Args:
        action: what the address does.
        prompt: asks the database; one for all addresses that belong together.
    """

    def __init__(self, action: Action, prompt: Prompt) -> None:
        super().__init__(action)
        self._prompt = prompt

    async def who(self, request: Request) -> Actor | None:
        """Returns who is logged in, or was when the database last answered."""
        access: AccessPort = request.app.state.access
        remembered: Remembered = request.app.state.remembered
        cookie = request.cookies.get(SESSION_COOKIE, "")
        known = remembered.actor(cookie)

        def ask() -> Actor | None:
            limit_s = LIMIT_S if known is None else KNOWN_S
            actor = self._prompt.ask(lambda: access.actor(cookie), limit_s)
            remembered.take(cookie, actor)
            return actor

        try:
            return await run_in_threadpool(ask)
        except (Unanswered, SQLAlchemyError):
            if known is None:
                raise HTTPException(503) from None
            return known

    def still(self, request: Request, actor: Actor) -> Callable[[], Awaitable[bool]]:
        """Returns what a stream asks again and again; see `hub.web.access.still_allowed`."""
        scope = actor.scope(self.action)

        async def same() -> bool:
            try:
                again = await self.who(request)
            except HTTPException:
                return False
            return again is not None and again.scope(self.action) == scope

        return same
