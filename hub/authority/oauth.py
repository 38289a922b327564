"""The access token of the in/out service: one at a time, fetched once for all threads.

Theory of operation. OAuth 2 client credentials, the client proven by a JWT that our key signs
(RFC 7523, `private_key_jwt`, RS256; the service supports no client secret). A token is kept until a
minute before it ends. Whoever needs one while none is good becomes the leader of a flight and
fetches it; the others wait for that flight and get what it brought, its failure too: a token
service that refuses us hears one request, not one for each thread.

Fetching a token stores nothing at the authority, so every failure is either transient or, when our
access itself is refused, one that stops. The key is read at each fetch: a renewed certificate needs
no restart, and a key in memory lives as long as one signature takes.

Assertion, token and key are in no error, log line or `repr`.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hub.authority import faults, problems
from hub.authority.answers import Unreadable
from hub.authority.strict_json import read_json
from hub.authority.transport import NoAnswer, NotSent
from hub.authority.web_exchange import Web, WebAnswer
from hub.clock import Clock
from hub.errors import SitegateError, StoppedError, TransientError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S = 300
"""Seconds that an assertion is good for."""

RENEW_BEFORE_S = 60
"""Seconds before its end from which a token is not used any more (advice of the service)."""

LIFE_MAX_S = 24 * 3600
TOKEN_MAX = 16 * 1024

# b64token of RFC 6750, 2.1: nothing that could end a header line.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    value: str
    fetched_ms: int
    until_ms: int

    def good(self, now_ms: int) -> bool:
        # A clock that was put back says nothing about how long the token still lives.
        return self.fetched_ms <= now_ms < self.until_ms


class _Flight:
    """One fetch and those who wait for it."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.token = ""
        self.failure: SitegateError = TransientError("HUB-1340", cause="interrupted")


class TokenSource:
    """Access tokens of one client; any number of threads share it.

    Args:
        web: makes the connections.
        url: address of the token service; also the audience of the assertion.
        client_id: what the service knows us by.
        load_key: reads our private key; a `SitegateError` it raises stops us.
        clock: UTC milliseconds.
        scope: what to ask for; empty asks for nothing, as the service advises.
    """

    def __init__(
        self,
        web: Web,
        url: str,
        client_id: str,
        load_key: Callable[[], PrivateKeyTypes],
        clock: Clock,
        scope: str = "",
    ) -> None:
        self._web = web
        self._url = url
        self._client_id = client_id
        self._load_key = load_key
        self._clock = clock
        self._scope = scope
        self._lock = threading.Lock()
        self._kept: _Token | None = None
        self._flight: _Flight | None = None

    def token(self) -> str:
        """Returns a token that is good for another minute at least, unless it never was.

        Raises:
            TransientError: HUB-1340, the token service was not reached or is not available;
                HUB-1342, its answer is none.
            StoppedError: HUB-1341, it refuses us; HUB-1347, our key is of another kind; HUB-1314,
                somebody else answers at its address; or what reading the key raised.
        """
        with self._lock:
            if self._kept is not None and self._kept.good(self._clock()):
                return self._kept.value
            flight, leads = self._flight, self._flight is None
            if flight is None:
                flight = self._flight = _Flight()
        if leads:
            self._fly(flight)
        else:
            flight.landed.wait()
        if flight.token:
            return flight.token
        # Each thread raises an error of its own: one that is raised twice mixes up tracebacks.
        raise type(flight.failure)(flight.failure.code, **flight.failure.extra)

    def drop(self, token: str) -> None:
        """Forgets a token that the service refused; one fetched since then stays."""
        with self._lock:
            if self._kept is not None and self._kept.value == token:
                self._kept = None

    def __repr__(self) -> str:
        return "TokenSource()"

    def _fly(self, flight: _Flight) -> None:
        kept: _Token | None = None
        try:
            kept = self._fetch()
            flight.token = kept.value
        except SitegateError as error:
            flight.failure = error
        finally:
            with self._lock:
                self._kept = kept
                self._flight = None
            flight.landed.set()

    def _fetch(self) -> _Token:
        now_ms = self._clock()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(now_ms // 1000),
        }
        if self._scope:
            form["scope"] = self._scope
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Accept": "application/json",
        }
        failure: SitegateError
        try:
            with self._web.line(self._url) as line:
                answer = line.send("POST", self._url, urlencode(form).encode(), headers)
        except NotSent as error:
            failure = faults.not_sent(error)
            if isinstance(failure, TransientError):
                failure = TransientError("HUB-1340", cause=error.cause)
        except NoAnswer as error:
            failure = TransientError("HUB-1340", cause=error.cause)
        else:
            if not answer.ok:
                raise _refused(answer, now_ms)
            return _read_token(answer, now_ms)
        raise failure

    def _assertion(self, now_s: int) -> str:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from joserfc import jwt
        from joserfc.jwk import RSAKey

        try:
            key = self._load_key()
            failure = None if isinstance(key, RSAPrivateKey) else StoppedError("HUB-1347")
        except SitegateError as error:
            key = None
            failure = StoppedError(error.code, **error.extra)
        if failure is not None or not isinstance(key, RSAPrivateKey):
            raise failure or StoppedError("HUB-1347")
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._url,
            "jti": secrets.token_urlsafe(24),
            "iat": now_s,
            "exp": now_s + ASSERTION_S,
        }
        return jwt.encode({"alg": "RS256"}, claims, RSAKey(key, key), algorithms=["RS256"])


def _read_token(answer: WebAnswer, now_ms: int) -> _Token:
    """Returns the token of an answer.

    Raises:
        TransientError: HUB-1342, it holds none that can be used; `cause` says why.
    """
    cause = ""
    body: object = None
    try:
        body = read_json(answer.body)
    except Unreadable as error:
        cause = error.cause
    if not answer.media_type.endswith("json"):
        cause = "content_type"
    if cause or not isinstance(body, dict):
        raise TransientError("HUB-1342", cause=cause or "unexpected")
    value, life_s = body.get("access_token"), body.get("expires_in")
    kind = body.get("token_type", "bearer")
    if not isinstance(value, str) or len(value) > TOKEN_MAX or not _TOKEN.fullmatch(value):
        raise TransientError("HUB-1342", cause="access_token")
    if not isinstance(life_s, int) or isinstance(life_s, bool) or life_s <= 0:
        raise TransientError("HUB-1342", cause="expires_in")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TransientError("HUB-1342", cause="token_type")
    usable_s = min(life_s, LIFE_MAX_S) - RENEW_BEFORE_S
    return _Token(value, now_ms, now_ms + usable_s * 1000)


def _refused(answer: WebAnswer, now_ms: int) -> SitegateError:
    """Returns what a refusal of the token service means; its description is not repeated."""
    words = problems.token_words()
    try:
        body = read_json(answer.body)
    except Unreadable:
        body = None
    word = body.get("error") if isinstance(body, dict) else None
    known = isinstance(word, str) and word in words.stopped | words.transient
    extra: dict[str, object] = {"http": answer.status, "cause": word if known else "status"}
    problem = problems.read_problem(answer, now_ms)
    if problem.kind and not known:
        extra["problem"] = problem.kind.rsplit(":", 1)[-1]
    passing = word in words.transient if known else answer.status in words.transient_status
    if not passing:
        return StoppedError("HUB-1341", **extra)
    if problem.retry_after_s is not None:
        extra["retry_after_s"] = problem.retry_after_s
    return TransientError("HUB-1340", **extra)
