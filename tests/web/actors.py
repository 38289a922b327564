"""Actors of every role, and where a test logs them in."""

from __future__ import annotations

from hub.application.access import Actor
from hub.domain.rights import Role

CSRF = "the token of this session"
ADMINISTRATOR = Actor("account:1", Role.ADMINISTRATOR, "Ada", account_id=1, csrf=CSRF)


class Everybody:
    """`AccessPort`: whoever comes is this actor.

    Args:
        actor: an administrator when none is given.
    """

    def __init__(self, actor: Actor | None = None) -> None:
        self.current = actor or ADMINISTRATOR

    def actor(self, cookie: str) -> Actor | None:
        """Returns the actor whatever the cookie."""
        del cookie
        return self.current


class Nobody:
    """`AccessPort`: nobody is logged in."""

    def actor(self, cookie: str) -> Actor | None:
        """Returns None whatever the cookie."""
        del cookie
        return None
