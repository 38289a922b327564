# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""WS-Security 1.0 of a call: which parts are signed, by whose key, and when.

Theory of operation. A part counts for its place, never for its name alone: the one Body of the
envelope, the one Timestamp, token and Signature of the one Security header. The signature must
refer to exactly these by identifiers that occur once in the whole document, through one algorithm
for each purpose. What is read afterwards is not the message but the parts as they were verified, so
a second body, a moved one or one that was added says nothing (signature wrapping).

    token                        key that signs Timestamp and Body
    wsse:BinarySecurityToken     that of the certificate in the token
    saml:Assertion (SAML 1.1)    that of the certificate named by SubjectConfirmation holder-of-key;
                                 the assertion itself is signed by the token service

The policy of the official service also asks for token protection, a signature over the token. How a
client does that differs between toolkits; here it may be signed as a third part, and need not be.
Which of these rules the official service has beyond its policy is unknown: these are the strict
ones. Every refusal is the same fault, `SOA-01001`; its text names the rule and quotes nothing.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from simulator.authority import tree
from simulator.authority.clock import instant_ms
from simulator.authority.faults import NOT_AUTHENTICATED, SOAP, Fault
from simulator.authority.tree import Element

WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
SAML: Final = "urn:oasis:names:tc:SAML:1.0:assertion"
HOLDER_OF_KEY: Final = "urn:oasis:names:tc:SAML:1.0:cm:holder-of-key"
ASSERTION_ID: Final = (
    "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID"
)
X509_V3: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
)
BASE64: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)
SENDER_CLAIM: Final = "urn:be:smals:expeditor:number"
# How far the clock of a caller may be off, and how old a message may be.
TOLERANCE_MS: Final = 5 * 60 * 1000

_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256})
_DIGESTS = frozenset({DigestAlgorithm.SHA256})
_ID_NAMES = frozenset({"Id", "ID", "id", "AssertionID", "ResponseID"})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,199}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_VERIFIER_ERRORS = (
    SignXMLException,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    *tree.LIBRARY_ERRORS,
)

# At its finest level the library writes out what it canonicalises: whole bodies, people and all.
logging.getLogger("signxml").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """A message whose Timestamp and Body carry one signature, in time.

    Attributes:
        certificate: of the key that signed.
        body: the Body as it was verified.
        sender_id: the sender number its token states; None when the token is a certificate.
    """

    certificate: x509.Certificate
    body: Element
    sender_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    root: Element
    body: Element
    timestamp: Element
    token: Element
    signature: Element


def check_x509(root: Element, now_ms: int) -> Signed:
    """Verifies a message signed with the certificate it carries; whose it is, is not asked here.

    Args:
        root: the envelope, from `tree.parse`.
        now_ms: UTC milliseconds.

    Raises:
        Fault: SOA-01001, for any part that is missing, doubled, out of place, out of time, signed
            by another algorithm or not signed.
    """
    parts = _parts(root, f"{{{WSSE}}}BinarySecurityToken")
    token = parts.token
    if token.get("ValueType") != X509_V3 or token.get("EncodingType", BASE64) != BASE64:
        raise refused("the binary token is not an X.509 v3 certificate in base64")
    certificate = _certificate(token.text)
    reference = _key_reference(parts.signature, "Reference")
    if reference.get("URI") != f"#{_wsu_id(token)}":
        raise refused("the key reference does not name the binary token")
    if reference.get("ValueType", X509_V3) != X509_V3:
        raise refused("the key reference is of another kind than the token")
    return Signed(certificate, _verified_body(parts, _wsu_id(token), certificate, now_ms))


def check_saml(root: Element, now_ms: int, issuer: x509.Certificate) -> Signed:
    """Verifies a message signed by the holder of the key in the assertion it carries.

    Args:
        root: the envelope, from `tree.parse`.
        now_ms: UTC milliseconds.
        issuer: certificate of the token service.

    Raises:
        Fault: SOA-01001, as in `check_x509`; also for an assertion of another issuer, changed,
            out of time or without a sender number.
    """
    parts = _parts(root, f"{{{SAML}}}Assertion")
    name = _identifier(parts.token.get("AssertionID"))
    assertion = _verified_assertion(parts.token, name, now_ms, issuer)
    _check_conditions(assertion, now_ms)
    certificate = _holder(assertion)
    reference = _key_reference(parts.signature, "KeyIdentifier")
    if reference.get("ValueType") != ASSERTION_ID or (reference.text or "").strip() != name:
        raise refused("the key reference does not name the assertion")
    body = _verified_body(parts, name, certificate, now_ms)
    return Signed(certificate, body, _sender(assertion))


def refused(reason: str) -> Fault:
    """The fault of every refusal here; the text reaches the caller, never the log."""
    return Fault(NOT_AUTHENTICATED, reason)


# places


def _parts(root: Element, token_tag: str) -> _Parts:
    """The parts by their place."""
    _check_identifiers(root)
    expected = [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"]
    if root.tag != f"{{{SOAP}}}Envelope" or [child.tag for child in root] != expected:
        raise refused("an envelope of one Header and one Body is needed")
    header, body = root
    security = _only(header, WSSE, "Security")
    inside = {child.tag: child for child in security}
    tags = (f"{{{WSU}}}Timestamp", token_tag, f"{{{DS}}}Signature")
    if len(security) != len(tags) or set(inside) != set(tags):
        raise refused("one Timestamp, one token and one Signature are needed, and nothing else")
    timestamp, token, signature = (inside[tag] for tag in tags)
    return _Parts(root, body, timestamp, token, signature)


def _check_identifiers(root: Element) -> None:
    seen: set[str] = set()
    for element in root.iter("*"):
        for key, value in element.items():
            if key.rpartition("}")[2] in _ID_NAMES:
                if value in seen:
                    raise refused("an identifier occurs twice")
                seen.add(value)


def _only(parent: Element, namespace: str, name: str) -> Element:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) != 1:
        raise refused(f"exactly one {name} is needed")
    return found[0]


def _identifier(value: str | None) -> str:
    if value is None or not _IDENTIFIER.fullmatch(value):
        raise refused("a part to be signed has no identifier, or an unusual one")
    return value


def _wsu_id(element: Element) -> str:
    return _identifier(element.get(f"{{{WSU}}}Id"))


def _key_reference(signature: Element, name: str) -> Element:
    """The one reference in the KeyInfo; a key or certificate lying there beside it is refused."""
    information = _only(signature, DS, "KeyInfo")
    if len(information) == 1:
        outer = _only(information, WSSE, "SecurityTokenReference")
        if len(outer) == 1:
            return _only(outer, WSSE, name)
    raise refused("the KeyInfo must be one reference to the token, and nothing else")


# time


def _check_timestamp(timestamp: Element, now_ms: int) -> None:
    if [child.tag for child in timestamp] != [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"]:
        raise refused("the Timestamp must be Created and Expires")
    created, expires = (_instant(child.text) for child in timestamp)
    if abs(now_ms - created) > TOLERANCE_MS:
        raise refused("the Timestamp was not created within five minutes of now")
    if expires <= max(created, now_ms):
        raise refused("the Timestamp has expired")


def _check_conditions(assertion: Element, now_ms: int) -> None:
    conditions = _only(assertion, SAML, "Conditions")
    start = _instant(conditions.get("NotBefore"))
    end = _instant(conditions.get("NotOnOrAfter"))
    if not start <= now_ms < end:
        raise refused("the assertion is not valid at this moment")


def _instant(text: str | None) -> int:
    if text is None or not _INSTANT.fullmatch(text.strip()):
        raise refused("an instant with its zone is needed")
    try:
        return instant_ms(text)
    except ValueError:
        raise refused("an instant with its zone is needed") from None


# the assertion


def _verified_assertion(
    assertion: Element, name: str, now_ms: int, issuer: x509.Certificate
) -> Element:
    """The assertion as its issuer signed it; the copy stands apart from the message around it."""
    signature = _only(assertion, DS, "Signature")
    _check_form(signature, [name], (_ENVELOPED, _EXCLUSIVE))
    [result] = _verify(
        tree.parse(tree.fragment(assertion)),
        "./",
        references=1,
        certificate=issuer,
        now_ms=now_ms,
    )
    verified = _content(result)
    if verified.tag != f"{{{SAML}}}Assertion" or verified.get("AssertionID") != name:
        raise refused("the issuer signed something else than the assertion")
    return verified


def _subject(assertion: Element) -> Element:
    return _only(_only(assertion, SAML, "AttributeStatement"), SAML, "Subject")


def _holder(assertion: Element) -> x509.Certificate:
    confirmation = _only(_subject(assertion), SAML, "SubjectConfirmation")
    method = _only(confirmation, SAML, "ConfirmationMethod")
    if (method.text or "").strip() != HOLDER_OF_KEY:
        raise refused("the assertion is not bound to a key")
    data = _only(_only(confirmation, DS, "KeyInfo"), DS, "X509Data")
    return _certificate(_only(data, DS, "X509Certificate").text)


def _sender(assertion: Element) -> str:
    statement = _only(assertion, SAML, "AttributeStatement")
    attribute = _only(statement, SAML, "Attribute")
    if attribute.get("AttributeName") != SENDER_CLAIM:
        raise refused("the assertion states no sender number")
    return (_only(attribute, SAML, "AttributeValue").text or "").strip()


def _certificate(text: str | None) -> x509.Certificate:
    try:
        data = base64.b64decode("".join((text or "").split()), validate=True)
        return x509.load_der_x509_certificate(data)
    except (binascii.Error, ValueError):
        raise refused("a certificate cannot be read") from None


# signatures


def _verified_body(
    parts: _Parts, token_id: str, certificate: x509.Certificate, now_ms: int
) -> Element:
    """The Body after its signature, that of the Timestamp, and the time have been checked."""
    wanted = [_wsu_id(parts.timestamp), _wsu_id(parts.body)]
    named = _check_form(parts.signature, wanted, (_EXCLUSIVE,), optional=token_id)
    results = _verify(
        parts.root,
        f"./{{{SOAP}}}Header/{{{WSSE}}}Security/",
        references=len(named),
        certificate=certificate,
        now_ms=now_ms,
    )
    verified = dict(zip(named, map(_content, results), strict=True))
    timestamp, body = (verified[name] for name in wanted)
    if timestamp.tag != parts.timestamp.tag or body.tag != parts.body.tag:
        raise refused("the signature covers something else than Timestamp and Body")
    _check_timestamp(timestamp, now_ms)
    return body


def _check_form(
    signature: Element,
    wanted: Collection[str],
    transforms: Iterable[str],
    optional: str | None = None,
) -> list[str]:
    """Refuses all but one form of signature; returns the identifiers it covers, in its order."""
    names = ["SignedInfo", "SignatureValue", "KeyInfo"]
    if [child.tag for child in signature] != [f"{{{DS}}}{name}" for name in names]:
        raise refused("the Signature has parts nobody needs")
    information = _only(signature, DS, "SignedInfo")
    _needs(_only(information, DS, "CanonicalizationMethod"), _EXCLUSIVE)
    method = _only(information, DS, "SignatureMethod")
    if method.get("Algorithm") not in {known.value for known in _METHODS} or len(method):
        raise refused("the signature method must be RSA or ECDSA with SHA-256")
    references = information.findall(f"{{{DS}}}Reference")
    if len(references) != len(information) - 2:
        raise refused("the SignedInfo has parts nobody needs")
    named: list[str] = []
    for reference in references:
        applied = _only(reference, DS, "Transforms")
        found = [child.get("Algorithm") for child in applied]
        if found != list(transforms):
            raise refused("a reference must use exclusive canonicalisation and nothing else")
        _needs(_only(reference, DS, "DigestMethod"), DigestAlgorithm.SHA256.value)
        named.append((reference.get("URI") or "").removeprefix("#"))
        if reference.get("URI") != f"#{named[-1]}" or len(reference) != 3:
            raise refused("a reference must name a part of this message")
    if sorted(set(named) - {optional}) != sorted(wanted) or len(named) != len(set(named)):
        raise refused("the signature must cover Timestamp and Body, each once")
    return named


def _needs(element: Element, algorithm: str) -> None:
    if element.get("Algorithm") != algorithm:
        raise refused("only exclusive canonicalisation and SHA-256 are accepted")


def _verify(
    root: Element,
    location: str,
    *,
    references: int,
    certificate: x509.Certificate,
    now_ms: int,
) -> list[VerifyResult]:
    """Signature and digests, by the key of a certificate that is in date."""
    config = SignatureConfiguration(
        location=location,
        expect_references=references,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=datetime.fromtimestamp(now_ms / 1000, UTC),
    )
    verifier = XMLVerifier()
    # No identifier occurs twice, so it does not matter which of the two names carries it.
    verifier.id_attributes = ("Id", "AssertionID")
    try:
        found = verifier.verify(root, x509_cert=certificate, expect_config=config)
    except _VERIFIER_ERRORS:
        raise refused("the signature does not fit, or its certificate is out of date") from None
    return found if isinstance(found, list) else [found]


def _content(result: VerifyResult) -> Element:
    if result.signed_xml is None:
        raise refused("a signed part is no element")
    return cast("Element", result.signed_xml)
