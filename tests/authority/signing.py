"""Keys, certificates and signed messages for the tests, made without the simulator and the hub.

A message is written as text, one function for each of its parts, so that a test can leave out,
double or move any of them before it is signed; what must be wrong after signing is changed in the
bytes. Two signers make the same signature: signxml, and plain canonicalisation by lxml with
cryptography. Neither knows the other, and the simulator's verifier must agree with both.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import lxml.etree as etree
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from tests.authority.rig import P, S, T, instant_ms

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
AUTH = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
TOKEN_PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1"
X509_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
MESSAGE_PROFILE = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
)
NAMES = {"s": S, "wsse": WSSE, "wsu": WSU, "ds": DS, "wst": WST, "saml": SAML}
STS = "/SecurityTokenService/v1"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, repr=False)
class Caller:
    """A private key with its certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def base64(self) -> str:
        """The certificate as base64 of its DER form."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


def caller(
    name: str = "caller",
    *,
    key: Key | None = None,
    since: str = "2026-01-01T00:00:00Z",
    until: str = "2028-01-01T00:00:00Z",
) -> Caller:
    """A new caller; without a key it gets one on the curve P-256, which is quick to make."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromisoformat(since))
        .not_valid_after(datetime.fromisoformat(until))
        .sign(key, hashes.SHA256())
    )
    return Caller(key, certificate)


def rsa_key() -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


# the parts of a message, as text


def utc(now: str, seconds: float = 0) -> str:
    """An instant (no zone: Belgian time), moved by some seconds, in UTC."""
    at = datetime.fromtimestamp(instant_ms(now) / 1000, UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp(now: str, *, age_s: float = 0, life_s: float = 300, name: str = "TS-1") -> str:
    """A Timestamp created `age_s` seconds before `now`."""
    return (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="{name}">'
        f"<wsu:Created>{utc(now, -age_s)}</wsu:Created>"
        f"<wsu:Expires>{utc(now, life_s - age_s)}</wsu:Expires></wsu:Timestamp>"
    )


def binary_token(who: Caller, name: str = "X509-1") -> str:
    """A BinarySecurityToken."""
    return (
        f'<wsse:BinarySecurityToken xmlns:wsu="{WSU}" wsu:Id="{name}"'
        f' ValueType="{X509_PROFILE}#X509v3" EncodingType="{MESSAGE_PROFILE}#Base64Binary">'
        f"{who.base64}</wsse:BinarySecurityToken>"
    )


def message(body: str, security: str, *, body_name: str = "Body-1") -> bytes:
    """An envelope with a Security header."""
    return (
        f'<s:Envelope xmlns:s="{S}" xmlns:p="{P}" xmlns:t="{T}"><s:Header>'
        f'<wsse:Security xmlns:wsse="{WSSE}" s:mustUnderstand="1">{security}</wsse:Security>'
        f'</s:Header><s:Body xmlns:wsu="{WSU}" wsu:Id="{body_name}">{body}</s:Body></s:Envelope>'
    ).encode()


def by_token(name: str = "X509-1") -> str:
    """KeyInfo that names a BinarySecurityToken."""
    return _key_info(f'<wsse:Reference URI="#{name}" ValueType="{X509_PROFILE}#X509v3"/>')


def by_assertion(name: str) -> str:
    """KeyInfo that names an assertion."""
    kind = f"{TOKEN_PROFILE}.0#SAMLAssertionID"
    return _key_info(f'<wsse:KeyIdentifier ValueType="{kind}">{name}</wsse:KeyIdentifier>')


def _key_info(reference: str) -> str:
    return (
        f'<ds:KeyInfo xmlns:ds="{DS}"><wsse:SecurityTokenReference xmlns:wsse="{WSSE}">'
        f"{reference}</wsse:SecurityTokenReference></ds:KeyInfo>"
    )


def token_request(sender_id: str = "SIM-0001", **changes: str) -> str:
    """A RequestSecurityToken; each of its values can be changed by name."""
    values = {
        "kind": f"{WST}/Issue",
        "token": f"{TOKEN_PROFILE}.1#SAMLV1.1",
        "key": f"{WST}/PublicKey",
        "dialect": f"{AUTH}/authclaims",
        "claim": "urn:be:smals:expeditor:number",
    } | changes
    return (
        f'<wst:RequestSecurityToken xmlns:wst="{WST}" xmlns:auth="{AUTH}" Context="ctx-7">'
        f"<wst:RequestType>{values['kind']}</wst:RequestType>"
        f"<wst:TokenType>{values['token']}</wst:TokenType>"
        f"<wst:KeyType>{values['key']}</wst:KeyType>"
        f'<wst:Claims Dialect="{values["dialect"]}"><auth:ClaimType Uri="{values["claim"]}">'
        f"<auth:Value>{sender_id}</auth:Value></auth:ClaimType></wst:Claims>"
        "</wst:RequestSecurityToken>"
    )


# signing


def signed(
    content: bytes,
    key: Key,
    key_info: str,
    *,
    names: tuple[str, ...] = ("TS-1", "Body-1"),
    method: str | None = None,
    digest: str = "sha256",
    c14n: CanonicalizationMethod = (CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0),
) -> bytes:
    """The message with a signature over the named parts, made by signxml."""
    root = etree.fromstring(content)
    algorithm = "rsa-sha256" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa-sha256"
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=method or algorithm,
        digest_algorithm=digest,
        c14n_algorithm=c14n,
    )
    signer.id_attributes = ("Id", "AssertionID")
    signature = signer.sign(
        root,
        key=key,
        reference_uri=[f"#{name}" for name in names],
        key_info=etree.fromstring(key_info),
    )
    security(root).append(signature)
    return etree.tostring(root)


def signed_by_hand(
    content: bytes, key: Key, key_info: str, names: tuple[str, ...] = ("TS-1", "Body-1")
) -> bytes:
    """The same without signxml: canonical forms by lxml, digests and signature by cryptography."""
    root = etree.fromstring(content)
    references = "".join(
        f'<ds:Reference URI="#{name}"><ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE}"/>'
        '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{digest_text(canonical(part(root, name)))}</ds:DigestValue>"
        "</ds:Reference>"
        for name in names
    )
    algorithm = "rsa-sha256" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa-sha256"
    signature = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#'
        f'{algorithm}"/>{references}</ds:SignedInfo>'
        f"<ds:SignatureValue/>{key_info}</ds:Signature>"
    )
    security(root).append(signature)
    value = raw_signature(key, canonical(signature.find("ds:SignedInfo", NAMES)))
    signature.find("ds:SignatureValue", NAMES).text = base64.b64encode(value).decode()
    return etree.tostring(root)


def raw_signature(key: Key, data: bytes) -> bytes:
    """The signature value as XML carries it: for a curve the two numbers one after the other."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    size = (key.key_size + 7) // 8
    pair = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return b"".join(number.to_bytes(size, "big") for number in pair)


def check_by_hand(content: bytes, certificate: x509.Certificate) -> list[bytes]:
    """Verifies a message's signature with lxml and cryptography; returns what it covers.

    Raises:
        AssertionError: a digest differs.
        cryptography.exceptions.InvalidSignature: the signature does.
    """
    root = etree.fromstring(content)
    signature = security(root).find("ds:Signature", NAMES)
    covered: list[bytes] = []
    for reference in signature.iterfind("ds:SignedInfo/ds:Reference", NAMES):
        covered.append(canonical(part(root, reference.get("URI")[1:])))
        assert digest_text(covered[-1]) == reference.findtext("ds:DigestValue", None, NAMES)
    value = base64.b64decode(signature.findtext("ds:SignatureValue", None, NAMES))
    data = canonical(signature.find("ds:SignedInfo", NAMES))
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        half = len(value) // 2
        pair = (int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
        public.verify(utils.encode_dss_signature(*pair), data, ec.ECDSA(hashes.SHA256()))
    return covered


def canonical(element: Any) -> bytes:
    """Exclusive canonical form without comments."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def digest_text(data: bytes) -> str:
    """SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def part(root: Any, name: str) -> Any:
    """The element with that wsu:Id or AssertionID."""
    [found] = root.xpath("//*[@wsu:Id=$name or @AssertionID=$name]", namespaces=NAMES, name=name)
    return found


def security(root: Any) -> Any:
    """The Security header of an envelope."""
    return root.find("s:Header/wsse:Security", NAMES)


# whole messages


def request_bytes(who: Caller, now: str, sender_id: str = "SIM-0001", **changes: Any) -> bytes:
    """A signed request for a token; `age_s` and `life_s` change its Timestamp."""
    content = message(token_request(sender_id), timestamp(now, **changes) + binary_token(who))
    return signed(content, who.key, by_token())


def call_bytes(who: Caller, now: str, assertion: bytes, body: str, **changes: Any) -> bytes:
    """A call signed by the holder of an assertion; `age_s` and `life_s` change its Timestamp."""
    content = message(body, timestamp(now, **changes) + assertion.decode())
    return signed(content, who.key, by_assertion(assertion_id(assertion)))


def assertion_id(assertion: bytes) -> str:
    """The AssertionID of an assertion."""
    return etree.fromstring(assertion).get("AssertionID")


def assertion_of(answer: bytes) -> bytes:
    """The assertion in an answer of the token service, as it stands there."""
    root = etree.fromstring(answer)
    [found] = root.iterfind(".//wst:RequestedSecurityToken/saml:Assertion", NAMES)
    return etree.tostring(found, with_tail=False)
