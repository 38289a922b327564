"""Access tokens: OAuth 2.0 client credentials with an assertion signed by the client's own key.

Theory of operation. A client is registered with a certificate. It signs a short statement about
itself (a JWT, RS256) and posts it to the token endpoint; a token comes back that opens the in/out
face for ten minutes.

    claim       rule                                                  status of the rule
    iss, sub    both the client id                                    official
    aud         the address of the token endpoint, or a list with it  official
    jti         present, never used before by this client             official; "unique" is ours
    exp         present, not over, not further away than an hour      official; the limit is ours
    iat         present, not in the future                            official; the skew is ours

Errors follow RFC 6749, section 5.2. Secrets and API keys are not supported, officially. Tokens are
random texts kept in memory: after a restart every token is unknown.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast, final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import extract_compact

from simulator.authority import problems
from simulator.authority.clients import SCOPE_PREFIX, Client, Clients
from simulator.authority.clock import Clock

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Access:
    """What a token opens, until `until_ms`."""

    client: str
    scopes: tuple[str, ...]
    until_ms: int


@final
class TokenRefusal(Exception):
    """No token is given; `error` is a code of RFC 6749.

    Args:
        error: the code.
        text: for the developer of the client; nothing of what was sent.
        status: 400, or 401 when the client could not be authenticated.
    """

    def __init__(self, error: str, text: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.text = text
        self.status = status


@final
class Tokens:
    """Gives tokens and knows them again; safe to use from several threads.

    Args:
        clients: who may have one.
        clock: the authority's time.

    `lifetime_s` and `skew_s` may be set at any time; they count for the tokens given afterwards.
    """

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self.clients = clients
        self.lifetime_s = 600
        self.skew_s = 60
        self.assertion_max_s = 3600
        self.clock = clock
        self._lock = threading.Lock()
        self._given: dict[str, Access] = {}
        self._used: dict[tuple[str, str], int] = {}

    def give(
        self, form: Sequence[tuple[str, str]], token_url: str, *, expired: bool = False
    ) -> dict[str, object]:
        """Answers one request for a token.

        Args:
            form: names and values of the body, in order.
            token_url: what `aud` must name.
            expired: the token's time is over at once, though the answer says otherwise.

        Raises:
            TokenRefusal: no token.
        """
        values = _single(form)
        if values.get("grant_type") is None:
            raise TokenRefusal("invalid_request", "grant_type is missing")
        if values["grant_type"] != "client_credentials":
            raise TokenRefusal("unsupported_grant_type", "only client_credentials is supported")
        if "client_secret" in values:
            raise TokenRefusal("invalid_client", "client secrets are not supported", 401)
        if values.get("client_assertion_type") != ASSERTION_TYPE:
            raise TokenRefusal("invalid_request", "client_assertion_type must be jwt-bearer")
        client = self._authenticated(values.get("client_assertion", ""), token_url)
        if values.get("client_id", client.id) != client.id:
            raise TokenRefusal("invalid_client", "client_id names another client", 401)
        scopes = _granted(values.get("scope", ""), client)
        now_ms = self.clock()
        token = secrets.token_urlsafe(32)
        until_ms = now_ms if expired else now_ms + self.lifetime_s * 1000
        with self._lock:
            self._given[token] = Access(client.id, scopes, until_ms)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
            "scope": " ".join(scopes),
        }

    def open(self, authorization: str | None, needed: Sequence[str]) -> Client:
        """The client a call's Authorization header proves.

        Args:
            authorization: the header, None if absent.
            needed: ends of scope names; one of them must be among the token's.

        Raises:
            Problem: 401 without a good token, 403 without scope or permission.
        """
        kind, _, token = (authorization or "").strip().partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise problems.no_access_token()
        with self._lock:
            access = self._given.get(token.strip())
        client = None if access is None else self.clients.get(access.client)
        if access is None or client is None:
            raise problems.invalid_access_token()
        if self.clock() >= access.until_ms:
            raise problems.expired_access_token()
        if not any(scope.endswith(end) for scope in access.scopes for end in needed):
            raise problems.missing_scope([SCOPE_PREFIX + end for end in needed])
        if not client.permitted:
            raise problems.missing_permission("The channel lacks the permission for this service")
        return client

    def expire(self) -> int:
        """Ends the time of every token; returns how many were still good."""
        now_ms = self.clock()
        with self._lock:
            good = sum(access.until_ms > now_ms for access in self._given.values())
            for token, access in self._given.items():
                # Not by the clock: a test may set it back.
                self._given[token] = Access(access.client, access.scopes, 0)
        return good

    def _authenticated(self, assertion: str, token_url: str) -> Client:
        claimed = _unverified_issuer(assertion)
        client = self.clients.get(claimed)
        keys = self.clients.keys(claimed)
        if client is None or not keys:
            raise TokenRefusal("invalid_client", "the client or its key is not registered", 401)
        claims = next(filter(None, (_verified(assertion, key) for key in keys)), None)
        if claims is None:
            raise TokenRefusal("invalid_client", "the signature is not the client's", 401)
        self._check(claims, client, token_url)
        return client

    def _check(self, claims: Mapping[str, object], client: Client, token_url: str) -> None:
        def wrong(text: str) -> TokenRefusal:
            return TokenRefusal("invalid_client", text, 401)

        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise wrong("iss and sub must both be the client id")
        audience = claims.get("aud")
        if token_url not in (audience if isinstance(audience, list) else [audience]):
            raise wrong("aud must be the address of the token endpoint")
        expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
        if expires is None or issued is None:
            raise wrong("exp and iat must be numbers")
        now_s = self.clock() / 1000
        if expires <= now_s - self.skew_s:
            raise wrong("the assertion has expired")
        if expires > now_s + self.assertion_max_s + self.skew_s:
            raise wrong("exp lies too far ahead")
        if issued > now_s + self.skew_s:
            raise wrong("iat lies in the future")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise wrong("jti is missing")
        self._use(client.id, jti, round((expires + self.skew_s) * 1000))

    def _use(self, client_id: str, jti: str, until_ms: int) -> None:
        now_ms = self.clock()
        with self._lock:
            self._used = {one: end for one, end in self._used.items() if end > now_ms}
            if (client_id, jti) in self._used:
                raise TokenRefusal("invalid_client", "jti was used before", 401)
            self._used[client_id, jti] = until_ms


def _single(form: Sequence[tuple[str, str]]) -> dict[str, str]:
    # RFC 6749, 3.2: parameters must not be included more than once; an empty one counts as absent.
    values = {name: value for name, value in form if value}
    if len({name for name, _ in form}) != len(form):
        raise TokenRefusal("invalid_request", "a parameter is repeated")
    return values


def _unverified_issuer(assertion: str) -> str:
    """Who the assertion says it is from; only tells whose key is to verify it."""
    try:
        claims: object = json.loads(extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        raise TokenRefusal("invalid_client", "client_assertion is no signed JWT", 401) from None
    issuer = cast("dict[str, object]", claims).get("iss") if isinstance(claims, dict) else None
    if not isinstance(issuer, str):
        raise TokenRefusal("invalid_client", "iss is missing", 401)
    return issuer


def _verified(assertion: str, key: RSAKey) -> Mapping[str, object] | None:
    """The claims of an assertion, None unless this key signed it."""
    try:
        return cast("Mapping[str, object]", jwt.decode(assertion, key, algorithms=["RS256"]).claims)
    except (JoseError, ValueError):
        return None


def _granted(scope: str, client: Client) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(scope.split()))
    if not set(asked) <= set(client.scopes):
        raise TokenRefusal("invalid_scope", "a scope is unknown or not the client's")
    return asked or client.scopes


def _number(value: object) -> float | None:
    """A finite number of a claim, None when it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None
