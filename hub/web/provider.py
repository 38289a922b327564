"""The provider of logins elsewhere: OpenID Connect Core 1.0, authorization code with PKCE.

The hub calls it only while somebody logs in by it, and only when `oidc.issuer` is set. What it
says is believed when its identity token is signed by one of its keys with RS256, PS256 or ES256, is
for this hub, from this issuer, of this login (nonce), and of now, give or take a minute. Nothing of
a code or a token is logged, noted or told; a refusal says which check failed and no value.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from hub.errors import RemoteProtocolError, TransientError, UsageError
from hub.settings import OidcSettings

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
SKEW_S: Final = 60
"""Seconds by which the clocks of both may differ."""
KEPT_MS: Final = 3_600_000
"""How long the provider's document and keys are kept; an unknown key is asked for at once."""
ANSWER_MAX: Final = 1_000_000
"""Bytes of an answer that are read."""
CONNECT_S: Final = 5.0
READ_S: Final = 10.0
_TWO_FACTORS: Final = frozenset(
    {
        "phr",  # OpenID Connect Extended Authentication Profile ACR Values 1.0, 2
        "phrh",
        "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as the provider knows him.

    Args:
        subject: `issuer subject`: what of him never changes there.
        both_factors: the provider says that it asked for two.
    """

    subject: str = field(repr=False)
    both_factors: bool


@dataclass(frozen=True, slots=True)
class _Known:
    document: dict[str, Any]
    keys: KeySet
    at_ms: int


def label_of(settings: OidcSettings) -> str:
    """Returns what people call the provider, empty when there is none."""
    if not settings.issuer:
        return ""
    return settings.label or urlsplit(settings.issuer).hostname or settings.issuer


class Provider:
    """Asks the provider; its methods run on the event loop and do not block it.

    Args:
        settings: table `[oidc]`.
        clock: UTC milliseconds.
    """

    def __init__(self, settings: OidcSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self._known: _Known | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def issuer(self) -> str:
        """Its name, empty when none is used."""
        return self._settings.issuer

    async def address(
        self, redirect_uri: str, state: str, nonce: str, challenge: str, language: str
    ) -> str:
        """Returns where a browser is sent to log in there.

        Args:
            redirect_uri: where it is sent back to.
            state, nonce: random, of this login.
            challenge: S256 of the verifier (RFC 7636, 4.2).
            language: two letters.

        Raises:
            TransientError: HUB-1735, the provider cannot be reached.
            RemoteProtocolError: HUB-1738, what it says of itself cannot be used.
        """
        known = await self._look()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            # No more than who it is: no name and no e-mail address is asked for.
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        address = self._endpoint(known, "authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def redeem(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> Identity:
        """Returns who logged in there.

        Args:
            code: that the browser brought back.
            verifier, nonce, redirect_uri: of this login.

        Raises:
            TransientError: HUB-1735, the provider cannot be reached.
            UsageError: HUB-1736, it refused the code; HUB-1002, the file with the secret cannot be
                read.
            RemoteProtocolError: HUB-1738, what it says is not to be believed.
        """
        known = await self._look()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        self._prove(known, form, headers)
        status, said = await self._ask(self._endpoint(known, "token_endpoint"), form, headers)
        if status != 200:
            raise UsageError("HUB-1736")
        token = said.get("id_token")
        if not isinstance(token, str):
            raise _not_believed("id_token")
        return self._identity(await self._claims(token, known), nonce)

    # ------------------------------------------------------------ the token

    async def _claims(self, token: str, known: _Known) -> Mapping[str, Any]:
        """Returns what a token says, once its signature was found to be the provider's."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        # The keys may have been changed since they were fetched: then they are fetched once more.
        for again in (False, True):
            if again:
                known = await self._look(fresh=True)
            try:
                return jwt.decode(token, known.keys, algorithms=list(ALGORITHMS)).claims
            except (JoseError, ValueError):
                if again:
                    raise _not_believed("signature") from None
        raise AssertionError

    def _identity(self, claims: Mapping[str, Any], nonce: str) -> Identity:
        """Returns who a signed token is of (OpenID Connect Core 1.0, 3.1.3.7)."""
        now_s = self._clock() // 1000
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        mine = self._settings.client_id
        subject = claims.get("sub")
        until, made = _time(claims.get("exp")), _time(claims.get("iat"))
        if claims.get("iss") != self._settings.issuer:
            raise _not_believed("iss")
        if mine not in audiences or claims.get("azp", mine) != mine:
            raise _not_believed("aud")
        if len(audiences) > 1 and "azp" not in claims:
            raise _not_believed("azp")
        if until is None or until + SKEW_S <= now_s:
            raise _not_believed("exp")
        if made is None or made - SKEW_S > now_s:
            raise _not_believed("iat")
        if claims.get("nonce") != nonce:
            raise _not_believed("nonce")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise _not_believed("sub")
        ways, level = claims.get("amr"), claims.get("acr")
        # RFC 8176, 2: `mfa` says that more than one factor was used; the names of single ways do
        # not, since two of them may be of one kind.
        both = (isinstance(ways, list) and "mfa" in ways) or level in list(_TWO_FACTORS)
        return Identity(f"{self._settings.issuer} {subject}", both)

    # ------------------------------------------------------------ asking

    async def _look(self, fresh: bool = False) -> _Known:
        """Returns the provider's document and keys, fetched when they are old."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        now_ms, kept = self._clock(), self._known
        if kept is not None and not fresh and 0 <= now_ms - kept.at_ms < KEPT_MS:
            return kept
        issuer = self._settings.issuer
        document = await self._read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        # OpenID Connect Discovery 1.0, 4.3: exactly the same, or it is another's document.
        if document.get("issuer") != issuer:
            raise _not_believed("issuer")
        found = (await self._read(self._checked(document.get("jwks_uri")))).get("keys")
        usable = [
            one
            for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict) and one.get("kty") in ("RSA", "EC") and one.get("use") != "enc"
        ]
        try:
            keys = KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError):
            raise _not_believed("jwks") from None
        self._known = _Known(document, keys, now_ms)
        return self._known

    async def _read(self, address: str) -> dict[str, Any]:
        status, said = await self._ask(address)
        if status != 200:
            raise TransientError("HUB-1735", label=label_of(self._settings))
        return said

    async def _ask(
        self,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Returns status and JSON object of an answer; an empty one, where it is none."""
        import httpx2

        method = "GET" if form is None else "POST"
        if self._tls is None:
            # Read once, and not before it counts: nobody's login waits for it a second time.
            secure = self._settings.issuer.startswith("https:")
            self._tls = (
                httpx2.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        try:
            async with (
                httpx2.AsyncClient(
                    verify=self._tls,
                    follow_redirects=False,
                    timeout=httpx2.Timeout(READ_S, connect=CONNECT_S),
                    headers={"User-Agent": "sitegate", "Accept": "application/json"},
                ) as client,
                client.stream(method, address, data=form, headers=headers) as answer,
            ):
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > ANSWER_MAX:
                        raise _not_believed("size")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise TransientError("HUB-1735", label=label_of(self._settings)) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TransientError("HUB-1735", label=label_of(self._settings))
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        return answer.status_code, said if isinstance(said, dict) else {}

    def _prove(self, known: _Known, form: dict[str, str], headers: dict[str, str]) -> None:
        """Says to the provider which hub this is (RFC 6749, 2.3.1)."""
        from base64 import b64encode

        mine, secret = self._settings.client_id, self._secret()
        ways = known.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not secret:
            form["client_id"] = mine
        elif "client_secret_basic" in ways:
            pair = f"{quote(mine, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": mine, "client_secret": secret}

    def _secret(self) -> str:
        file = self._settings.client_secret_file
        if not file:
            return ""
        try:
            # Read each time: a provider's secrets are changed, and this is a few bytes.
            return Path(file).read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError(
                "HUB-1002", key="oidc.client_secret_file", reason="cannot be read"
            ) from None

    def _endpoint(self, known: _Known, name: str) -> str:
        return self._checked(known.document.get(name))

    def _checked(self, address: object) -> str:
        """Returns an address that the provider named; as well protected as the issuer's own."""
        safe = ("https://",) if self.issuer.startswith("https:") else ("https://", "http://")
        if not isinstance(address, str) or not address.startswith(safe):
            raise _not_believed("endpoint")
        return address

    def __repr__(self) -> str:
        return "Provider()"


def _time(value: object) -> float | None:
    """Returns seconds since 1970; None for what is no number (true is none either)."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _not_believed(check: str) -> RemoteProtocolError:
    return RemoteProtocolError("HUB-1738", check=check)
