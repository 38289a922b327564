"""A token service and a check of signatures of the test, without the library that the hub signs by.

Canonical forms are lxml's, digests and keys cryptography's; what a signature covers is decided
here from the standards, so that a mistake of the hub's library cannot hide in its own verifier.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import lxml.etree as etree
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tests.soap.responder import Request

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
AUTH = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMES = {"s": SOAP, "e": WSSE, "u": WSU, "d": DS, "a": SAML, "t": WST, "auth": AUTH}
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ASSERTION_ID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID"
X509_V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"

NOW_MS = 1_795_417_200_000  # 2026-11-23 07:00 UTC
SENDER = "SIM-0001"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Pair:
    """A key and its certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem_certificate(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def pem_key(self, password: bytes | None = None) -> bytes:
        sealed = BestAvailableEncryption(password) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)

    def pkcs12(self, password: bytes | None = None) -> bytes:
        sealed = BestAvailableEncryption(password) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(
            b"hub", self.key, self.certificate, None, sealed
        )

    def write(self, folder: Path, name: str = "hub.pem") -> Path:
        """Returns a PEM file with both."""
        file = folder / name
        file.write_bytes(self.pem_certificate + self.pem_key())
        return file


def make_pair(key: Key | None = None, begin_days: int = -1, end_days: int = 365) -> Pair:
    """Returns a self-signed certificate, valid from and until so many days after `NOW_MS`."""
    key = key or rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begin_days))
        .not_valid_after(now + timedelta(days=end_days))
        .sign(key, hashes.SHA256())
    )
    return Pair(key, made)


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def one(element: etree._Element, path: str) -> etree._Element:
    found = element.xpath(path, namespaces=NAMES)
    assert len(found) == 1, f"{path}: {len(found)}"
    return found[0]


def check_signature(certificate: x509.Certificate, method: str, data: bytes, value: bytes) -> None:
    """Raises InvalidSignature unless the key of the certificate signed `data`."""
    key = certificate.public_key()
    if method == RSA_SHA256:
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
        return
    assert method == ECDSA_SHA256
    assert isinstance(key, ec.EllipticCurvePublicKey)
    # XML Signature writes r and s one after the other (RFC 4050), not as DER.
    half = len(value) // 2
    assert half == (key.key_size + 7) // 8
    r, s = (int.from_bytes(part) for part in (value[:half], value[half:]))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


@dataclass
class Verified:
    """What a message proves."""

    certificate: x509.Certificate
    assertion_id: str
    signed: list[str]
    created: str
    expires: str


def verify(body: bytes, issuer: x509.Certificate | None) -> Verified:
    """Returns what a message proves; fails for any part that does not hold.

    Args:
        body: the message.
        issuer: certificate of the token service; None for a message signed with an X.509 token.
    """
    root = etree.fromstring(body)
    assert [part.tag for part in root] == [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"]
    security = one(root, "/s:Envelope/s:Header/e:Security[@s:mustUnderstand='1']")
    stamp = one(security, "u:Timestamp")
    if issuer is None:
        token = one(security, "e:BinarySecurityToken")
        assert token.get("ValueType") == X509_V3
        certificate = x509.load_der_x509_certificate(base64.b64decode(str(token.text)))
        assertion_id = ""
        reference = one(security, "d:Signature/d:KeyInfo/e:SecurityTokenReference/e:Reference")
        assert reference.get("URI") == "#" + str(token.get(f"{{{WSU}}}Id"))
    else:
        token = one(security, "a:Assertion")
        assertion_id = str(token.get("AssertionID"))
        check_assertion(token, issuer)
        held = one(token, ".//a:SubjectConfirmation/d:KeyInfo/d:X509Data/d:X509Certificate")
        certificate = x509.load_der_x509_certificate(base64.b64decode(str(held.text)))
        named = one(security, "d:Signature/d:KeyInfo/e:SecurityTokenReference/e:KeyIdentifier")
        assert (named.get("ValueType"), named.text) == (ASSERTION_ID, assertion_id)
    assert len(security) == 3
    signature = one(security, "d:Signature")
    signed = check_references(root, signature, [EXCLUSIVE])
    information = one(signature, "d:SignedInfo")
    assert one(information, "d:CanonicalizationMethod").get("Algorithm") == EXCLUSIVE
    value = base64.b64decode("".join(str(one(signature, "d:SignatureValue").text).split()))
    method = str(one(information, "d:SignatureMethod").get("Algorithm"))
    check_signature(certificate, method, canonical(information), value)
    covered = [etree.QName(element).localname for element in signed]
    assert stamp in signed
    assert one(root, "/s:Envelope/s:Body") in signed
    return Verified(
        certificate,
        assertion_id,
        covered,
        str(one(stamp, "u:Created").text),
        str(one(stamp, "u:Expires").text),
    )


def check_references(
    root: etree._Element, signature: etree._Element, transforms: list[str]
) -> list[etree._Element]:
    """Returns what the references of a signature cover, each with the digest it has now."""
    covered: list[etree._Element] = []
    for reference in signature.iterfind(f"{{{DS}}}SignedInfo/{{{DS}}}Reference"):
        name = str(reference.get("URI"))[1:]
        element = one(root, f"//*[@u:Id='{name}' or @AssertionID='{name}']")
        listed = [item.get("Algorithm") for item in reference.iter(f"{{{DS}}}Transform")]
        assert listed == transforms
        assert one(reference, "d:DigestMethod").get("Algorithm") == SHA256
        digest = base64.b64encode(hashlib.sha256(canonical(element)).digest()).decode()
        if one(reference, "d:DigestValue").text != digest:
            raise InvalidSignature
        covered.append(element)
    return covered


def check_assertion(assertion: etree._Element, issuer: x509.Certificate) -> None:
    """Raises InvalidSignature unless the issuer signed this assertion as it stands here."""
    alone = etree.fromstring(etree.tostring(assertion, with_tail=False))
    signature = one(alone, "/a:Assertion/d:Signature")
    information = one(signature, "d:SignedInfo")
    signed_information = canonical(information)
    digest = one(information, "d:Reference/d:DigestValue").text
    value = base64.b64decode(str(one(signature, "d:SignatureValue").text))
    alone.remove(signature)
    if digest != base64.b64encode(hashlib.sha256(canonical(alone)).digest()).decode():
        raise InvalidSignature
    check_signature(issuer, RSA_SHA256, signed_information, value)


@cache
def _issuer_pair() -> Pair:
    return make_pair()


class Issuer:
    """A token service of the test: checks each request, and issues to whoever it knows.

    Args:
        life_s: how long an assertion lasts.
        skew_ms: how far its clock is ahead.
    """

    def __init__(
        self, clock: Callable[[], int] = lambda: NOW_MS, life_s: int = 3600, skew_ms: int = 0
    ) -> None:
        self.pair = _issuer_pair()
        self.clock = clock
        self.life_s = life_s
        self.skew_ms = skew_ms
        self.requests: list[Verified] = []
        self._numbers = itertools.count(1)

    @property
    def certificate(self) -> x509.Certificate:
        return self.pair.certificate

    def answer(self, request: Request) -> bytes:
        """Returns the answer to a request for a token."""
        assert request.header("SOAPAction") == '"RequestSecurityToken"'
        verified = verify(request.body, None)
        self.requests.append(verified)
        root = etree.fromstring(request.body)
        asked = one(root, "/s:Envelope/s:Body/t:RequestSecurityToken")
        assert one(asked, "t:RequestType").text == f"{WST}/Issue"
        assert one(asked, "t:KeyType").text == f"{WST}/PublicKey"
        token_type = "oasis-wss-saml-token-profile-1.1#SAMLV1.1"
        assert str(one(asked, "t:TokenType").text).endswith(token_type)
        claims = one(asked, "t:Claims")
        assert claims.get("Dialect") == f"{AUTH}/authclaims"
        claim = one(claims, "auth:ClaimType[@Uri='urn:be:smals:expeditor:number']")
        assert one(claim, "auth:Value").text == SENDER
        return self.issue(verified.certificate)

    def issue(self, holder: x509.Certificate) -> bytes:
        """Returns an answer with an assertion for the holder of this certificate's key."""
        name = f"_assertion{next(self._numbers)}"
        now = datetime.fromtimestamp((self.clock() + self.skew_ms) / 1000, UTC)
        begin, end = (
            f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in (now, now + timedelta(seconds=self.life_s))
        )
        held = base64.b64encode(holder.public_bytes(Encoding.DER)).decode()
        # What writers of XML like to change: a prefix that only the content names, prefixes of its
        # own for namespaces of the envelope, signs that can be written in more than one way.
        plain = (
            f'<saml:Assertion xmlns:saml="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" AssertionID="{name}" '
            f'IssueInstant="{begin}" Issuer="test &amp; sons" MajorVersion="1" MinorVersion="1">'
            f'<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}"/>'
            "<saml:AttributeStatement><saml:Subject><saml:SubjectConfirmation>"
            "<saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:holder-of-key"
            f'</saml:ConfirmationMethod>\n <ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>'
            f"<ds:X509Certificate>{held}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            "</saml:SubjectConfirmation></saml:Subject>"
            '<saml:Attribute AttributeName="urn:be:smals:expeditor:number" AttributeNamespace="u">'
            f'<saml:AttributeValue xsi:type="xs:string">{SENDER} \u00e9 &#13;&lt;'
            f'</saml:AttributeValue><x:Security xmlns:x="{WSSE}"/><y:Body xmlns:y="{SOAP}"/>'
            "</saml:Attribute></saml:AttributeStatement></saml:Assertion>"
        )
        digest = base64.b64encode(
            hashlib.sha256(canonical(etree.fromstring(plain))).digest()
        ).decode()
        information = (
            f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
            f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{name}">'
            f'<ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/>'
            f'<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue>'
            "</ds:Reference></ds:SignedInfo>"
        )
        key = self.pair.key
        assert isinstance(key, rsa.RSAPrivateKey)
        value = base64.b64encode(
            key.sign(canonical(etree.fromstring(information)), padding.PKCS1v15(), hashes.SHA256())
        ).decode()
        signature = (
            f'<ds:Signature xmlns:ds="{DS}">{information}'
            f"<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        )
        assertion = plain.replace("</saml:Assertion>", signature + "</saml:Assertion>")
        return rst_answer(assertion)


def rst_answer(inside: str) -> bytes:
    """Returns an answer of a token service around what it hands out."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'
        f'<t:RequestSecurityTokenResponseCollection xmlns:t="{WST}">'
        f"<t:RequestSecurityTokenResponse><t:RequestedSecurityToken>{inside}"
        "</t:RequestedSecurityToken></t:RequestSecurityTokenResponse>"
        "</t:RequestSecurityTokenResponseCollection></s:Body></s:Envelope>"
    ).encode()
