"""WS-Security 1.0 of what leaves: a timestamp, a token, and one signature over timestamp and body.

Two messages are signed. The request for a token carries our certificate (X.509 token profile); a
call carries the assertion of the token service, and its signature proves that we hold the key the
assertion names (SAML token profile, holder-of-key). In both the references go by identifier to the
Timestamp and the Body, in exclusive canonical form, with SHA-256; the key decides between RSA and
ECDSA.

The binding of the official service names these parts and, besides, token protection: the signature
also covers the token. Which form of that it wants is not public, so it is a setting.
"""

from __future__ import annotations

import base64
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.authority.certificates import Credential
from hub.authority.validate import SOAP
from hub.clock import Clock

if TYPE_CHECKING:
    from lxml.etree import _Element

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{_OASIS}wssecurity-secext-1.0.xsd"
WSU = f"{_OASIS}wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
X509_V3 = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"
ASSERTION_ID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

STAMP_MS = 5 * 60 * 1000
"""How long a message may be under way, milliseconds: what its Timestamp says."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An assertion that we are a sender, and the key it is bound to. The `repr` shows neither.

    Args:
        assertion: the element as the token service wrote it, a document of its own.
        name: its AssertionID.
        credential: certificate and key it is bound to.
        fresh_until_ms: UTC milliseconds of our clock until which it is used.
    """

    assertion: bytes
    name: str
    credential: Credential
    fresh_until_ms: int

    def __repr__(self) -> str:
        return "Token()"


class Tokens(Protocol):
    """Where the token of a call comes from; several threads ask."""

    def token(self) -> Token:
        """Returns one that can be used now.

        Raises:
            TransientError, StoppedError: there is none.
        """
        ...

    def drop(self, token: Token) -> None:
        """Takes note that the service refused this one."""
        ...


class Signature:
    """A plug-in that signs a message of a call, after the check of the contract.

    Args:
        tokens: where the assertion and its key come from.
        clock: UTC milliseconds.
        sign_token: also sign the assertion.
    """

    def __init__(self, tokens: Tokens, clock: Clock, *, sign_token: bool = False) -> None:
        self._tokens = tokens
        self._clock = clock
        self._sign_token = sign_token
        self._used: Token | None = None

    def egress(
        self, envelope: _Element, http_headers: object, operation: object, options: object
    ) -> tuple[_Element, object]:
        """Returns the message signed.

        Raises:
            TransientError, StoppedError: there is no token to sign with; nothing was sent.
        """
        del operation, options
        token = self._used = self._tokens.token()
        identifier = _element(WSSE, "KeyIdentifier", token.name, ValueType=ASSERTION_ID)
        also = token.name if self._sign_token else ""
        now_ms = self._clock()
        signed = _signed(envelope, token.assertion, identifier, token.credential, now_ms, also)
        return signed, http_headers

    def drop(self) -> None:
        """Takes note that the service refused the token of the last message."""
        if self._used is not None:
            self._tokens.drop(self._used)


def sign_with_certificate(
    envelope: _Element, credential: Credential, now_ms: int, *, sign_token: bool = False
) -> _Element:
    """Returns the envelope with a security header: our certificate and a signature by its key.

    Args:
        envelope: SOAP 1.1 envelope with a Body; do not use it any more.
        credential: signs.
        now_ms: UTC milliseconds.
        sign_token: also sign the certificate.
    """
    import lxml.etree as etree

    name = f"X-{secrets.token_hex(16)}"
    der = credential.certificate.public_bytes(Encoding.DER)
    token = _element(
        WSSE,
        "BinarySecurityToken",
        base64.b64encode(der).decode(),
        EncodingType=BASE64,
        ValueType=X509_V3,
    )
    token.set(f"{{{WSU}}}Id", name)
    reference = _element(WSSE, "Reference", URI=f"#{name}", ValueType=X509_V3)
    also = name if sign_token else ""
    return _signed(envelope, etree.tostring(token), reference, credential, now_ms, also)


def _signed(
    envelope: _Element,
    token: bytes,
    key_reference: _Element,
    credential: Credential,
    now_ms: int,
    also: str,
) -> _Element:
    """Returns the envelope with its header; `also` is the identifier of a third part to sign.

    The token is put in as it is written. Moved into the tree as an element, it would take over
    prefixes that the envelope has for its namespaces, and its own signature would no longer hold.
    """
    import lxml.etree as etree

    body = envelope.find(f"{{{SOAP}}}Body")
    header = envelope.find(f"{{{SOAP}}}Header")
    if header is None:
        header = body.makeelement(f"{{{SOAP}}}Header")
        envelope.insert(0, header)
    security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    stamp = _timestamp(now_ms)
    security.append(stamp)
    place = etree.ProcessingInstruction("token", secrets.token_hex(16))
    security.append(place)
    names: list[str] = []
    for part, letter in ((stamp, "T"), (body, "B")):
        name = f"{letter}-{secrets.token_hex(16)}"
        part.set(f"{{{WSU}}}Id", name)
        names.append(name)
    if also:
        names.append(also)
    written = etree.tostring(envelope, encoding="utf-8")
    whole = etree.fromstring(written.replace(etree.tostring(place), token, 1))
    signature = _signature(whole, names, key_reference, credential)
    whole.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security").append(signature)
    return whole


def _signature(
    envelope: _Element, names: list[str], key_reference: _Element, credential: Credential
) -> _Element:
    from signxml.algorithms import SignatureConstructionMethod
    from signxml.signer import XMLSigner

    # The library writes what it makes canonical, whole bodies, at debug level.
    logging.getLogger("signxml").setLevel(logging.CRITICAL)
    rsa_key = isinstance(credential.key, rsa.RSAPrivateKey)
    signer: Any = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm="rsa-sha256" if rsa_key else "ecdsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm=EXCLUSIVE,
    )
    signer.id_attributes = ("Id", "AssertionID")
    information = key_reference.makeelement(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    reference = _element(WSSE, "SecurityTokenReference")
    reference.append(key_reference)
    information.append(reference)
    return signer.sign(
        envelope,
        key=credential.key,
        reference_uri=[f"#{name}" for name in names],
        key_info=information,
    )


def _timestamp(now_ms: int) -> _Element:
    stamp = _element(WSU, "Timestamp")
    stamp.append(_element(WSU, "Created", utc_text(now_ms)))
    stamp.append(_element(WSU, "Expires", utc_text(now_ms + STAMP_MS)))
    return stamp


def utc_text(at_ms: int) -> str:
    """Returns a moment as `xs:dateTime` in UTC with milliseconds."""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def _element(namespace: str, name: str, text: str | None = None, **attributes: str) -> _Element:
    import lxml.etree as etree

    prefix = {WSSE: "wsse", WSU: "wsu"}[namespace]
    made = etree.Element(f"{{{namespace}}}{name}", attributes, nsmap={prefix: namespace})
    made.text = text
    return made
