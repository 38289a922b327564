"""What the simulated provider decides: whose code is good for what, and what a token says.

OpenID Connect Core 1.0 with the authorization code flow and PKCE (RFC 7636), from the point of view
of a provider; written apart from the hub. Faults make its tokens wrong in one way each.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

FAULTS: Final = (
    "nonce", "expired", "early", "issuer", "audience", "other_party", "unsigned", "shared_secret",
    "other_key", "no_subject", "away", "refuse_code",
)  # fmt: skip
"""What a token, or the provider, can have wrong."""
CODE_S: Final = 60
TOKEN_S: Final = 300


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person with an account here.

    Args:
        subject: what of him never changes.
        ways: the claim `amr`: how he proved himself.
    """

    subject: str
    name: str
    ways: tuple[str, ...]


PEOPLE: Final = (
    Somebody("7f1d-an", "An Voorbeeld", ("pwd", "otp", "mfa")),
    Somebody("7f1d-bram", "Bram Voorbeeld", ("pwd",)),
    Somebody("7f1d-chloe", "Chloé Exemple", ("pwd",)),
)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask who somebody is.

    Args:
        secret: empty: it has none.
        returns_to: addresses that a browser may be sent back to; empty: wherever it asks.
    """

    id: str
    secret: str = field(default="", repr=False)
    returns_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Code:
    subject: str
    redirect_uri: str
    nonce: str
    challenge: str
    until_s: int


class Refused(Exception):
    """A request is not answered as asked.

    Args:
        word: of RFC 6749, 4.1.2.1 or 5.2.
    """

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


class IdentityProvider:
    """One provider with one client.

    Args:
        issuer: its name and address.
        clock: UTC milliseconds.
        algorithm: `RS256`, `PS256` or `ES256`.
    """

    def __init__(
        self, issuer: str, client: Client, clock: Callable[[], int], algorithm: str = "ES256"
    ) -> None:
        self.issuer = issuer
        self.client = client
        self.algorithm = algorithm
        self.fault = ""
        self.asked: list[str] = []
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._number = 0
        self.rotate()

    def rotate(self) -> None:
        """Takes another key; the one before is published no more."""
        self._number += 1
        about: Any = {"kid": f"key-{self._number}", "use": "sig", "alg": self.algorithm}
        if self.algorithm == "ES256":
            self._key: ECKey | RSAKey = ECKey.generate_key("P-256", about)
        else:
            self._key = RSAKey.generate_key(2048, about)

    def document(self) -> dict[str, Any]:
        """What it says of itself (OpenID Connect Discovery 1.0, 3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def keys(self) -> dict[str, Any]:
        """Its public keys, and one for something else that nobody signs by."""
        other: Any = {"kid": "encryption", "use": "enc"}
        return {
            "keys": [
                ECKey.generate_key("P-256", other, private=False).as_dict(private=False),
                self._key.as_dict(private=False),
            ]
        }

    def check_request(self, asked: dict[str, str]) -> None:
        """Refuses to log anybody in for a request that is wrong.

        Raises:
            Refused: what is.
        """
        to = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.client.id:
            raise Refused("unauthorized_client")
        if not to or (self.client.returns_to and to not in self.client.returns_to):
            raise Refused("invalid_request")
        if asked.get("response_type") != "code":
            raise Refused("unsupported_response_type")
        if "openid" not in asked.get("scope", "").split():
            raise Refused("invalid_scope")
        if asked.get("code_challenge_method") != "S256" or len(asked["code_challenge"]) != 43:
            raise Refused("invalid_request")

    def code_for(self, asked: dict[str, str], subject: str) -> str:
        """A code, good once, for this person."""
        self.check_request(asked)
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(
            subject, asked["redirect_uri"], asked.get("nonce", ""), asked["code_challenge"],
            self._clock() // 1000 + CODE_S,
        )  # fmt: skip
        return code

    def redeem(self, given: dict[str, str], client_id: str, secret: str) -> dict[str, Any]:
        """The answer to a code.

        Raises:
            Refused: it is not good, not this client's, or the verifier is not the one.
        """
        if client_id != self.client.id or not secrets.compare_digest(secret, self.client.secret):
            raise Refused("invalid_client")
        code = self._codes.pop(given.get("code", ""), None)
        if given.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type")
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        now_s = self._clock() // 1000
        if (
            code is None
            or self.fault == "refuse_code"
            or code.redirect_uri != given.get("redirect_uri")
            or code.challenge != challenge
            or code.until_s <= now_s
        ):
            raise Refused("invalid_grant")
        return {
            "access_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
            "id_token": self._token(code, now_s),
        }

    def _token(self, code: _Code, now_s: int) -> str:
        ways = next((list(one.ways) for one in PEOPLE if one.subject == code.subject), [])
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": code.subject,
            "aud": self.client.id,
            "iat": now_s,
            "exp": now_s + TOKEN_S,
            "nonce": code.nonce,
            "amr": ways,
        }
        wrong: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "of another login"},
            "expired": {"iat": now_s - 2 * TOKEN_S, "exp": now_s - 61},
            "early": {"iat": now_s + 120},
            "issuer": {"iss": "https://another.example"},
            "audience": {"aud": "another client"},
            "other_party": {"aud": [self.client.id, "another"], "azp": "another"},
            "no_subject": {"sub": ""},
        }
        claims |= wrong.get(self.fault, {})
        key: Any = self._key
        header = {"alg": self.algorithm, "kid": self._key.kid}
        if self.fault == "shared_secret":
            # Signed with what everybody knows, as if it were a secret (RFC 8725, 2.1).
            return _by_hand(
                {"alg": "HS256", "kid": self._key.kid}, claims, self._key.as_pem(private=False)
            )
        if self.fault == "unsigned":
            return _by_hand({"alg": "none"}, claims, None)
        if self.fault == "other_key":
            about: Any = {"kid": self._key.kid}
            key = type(self._key).generate_key("P-256", about)  # pyright: ignore
        return jwt.encode(header, claims, key, [self.algorithm])


def _by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token as no library makes one: signed with a shared secret, or not at all."""
    parts = [_text(json.dumps(one).encode()) for one in (header, claims)]
    signed = b"" if secret is None else hmac.digest(secret, ".".join(parts).encode(), "sha256")
    return ".".join([*parts, _text(signed)])


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
