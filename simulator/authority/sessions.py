"""Who uses the pages: a fake log-in by cookie, one-time notes, and tokens against forged forms.

A session lives in memory and is gone with the process; nothing a person typed is ever in a cookie
or an address. A visitor who only looks costs no memory: a form's token follows from the cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, final

from simulator.authority.draft import Draft, Outcome

COOKIE: Final = "sim_session"
SESSIONS_MAX: Final = 1000
# Form tokens handled; a form sent twice (double click, reload) is carried out once.
_HANDLED_MAX: Final = 50
_TOKEN_LENGTH: Final = 43  # 32 bytes, base64url


@dataclass(slots=True)
class Session:
    """What is remembered of one browser.

    Attributes:
        token: the cookie; a secret.
        sender_id: who was chosen at the fake log-in.
        draft: the registration that is being made.
        numbers: what came of the last registration.
        outcome: what came of anything else, until it has been shown.
    """

    token: str = field(repr=False)
    sender_id: str | None = None
    draft: Draft | None = field(default=None, repr=False)
    numbers: Outcome | None = field(default=None, repr=False)
    outcome: Outcome | None = field(default=None, repr=False)
    _handled: list[str] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take_draft(self) -> Draft | None:
        """The draft, for whoever asks first; nobody gets it a second time."""
        with self._lock:
            draft, self.draft = self.draft, None
            return draft

    def take_outcome(self) -> Outcome | None:
        """What came of the last action, once."""
        with self._lock:
            outcome, self.outcome = self.outcome, None
            return outcome

    def first_time(self, once: str) -> bool:
        """True if no form with this one-time token was carried out in this session before."""
        with self._lock:
            if once in self._handled:
                return False
            self._handled = [*self._handled[1 - _HANDLED_MAX :], once]
            return True


@final
class Sessions:
    """All sessions, the longest unused given up first; may be used from any thread."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, token: str | None) -> Session:
        """The session of a cookie; one that is not kept yet where there is none."""
        with self._lock:
            found = self._kept.get(token or "")
            if found is not None:
                self._kept.move_to_end(found.token)
                return found
        usable = token is not None and len(token) == _TOKEN_LENGTH and token.isascii()
        return Session(token if token is not None and usable else _new_token())

    def keep(self, session: Session) -> None:
        """Remembers a session."""
        with self._lock:
            self._kept[session.token] = session
            self._kept.move_to_end(session.token)
            while len(self._kept) > SESSIONS_MAX:
                self._kept.popitem(last=False)

    def renew(self, session: Session, sender_id: str | None) -> Session:
        """Logs in or out: a new session under a new token; the old cookie is worth nothing then."""
        with self._lock:
            self._kept.pop(session.token, None)
        fresh = Session(_new_token(), sender_id)
        self.keep(fresh)
        return fresh

    def form_token(self, session: Session) -> str:
        """What a form of this session must carry."""
        return hmac.new(self._secret, session.token.encode(), hashlib.sha256).hexdigest()

    def form_ok(self, session: Session, token: str) -> bool:
        """True if a form carries the token of this session."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())


def _new_token() -> str:
    return secrets.token_urlsafe(32)
