# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""SAML 1.1 assertions of the token service: what they state, and its signature over it.

Names and values of the official assertions beyond the sender claim are unknown; these are ours.
"""

from __future__ import annotations

import base64
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast, final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from simulator.authority import tree
from simulator.authority.tree import Element
from simulator.authority.wssecurity import DS, HOLDER_OF_KEY, SAML, SENDER_CLAIM

ISSUER: Final = "urn:simulated-authority:sts"
_CLAIM_SPACE: Final = "urn:be:smals:expeditor"
_NAME_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
_KEY_BITS: Final = 2048
# The clock can be moved ten years either way, and this certificate must not be in the way.
_VALID_FOR: Final = timedelta(days=11 * 366)


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key and the certificate that goes with it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@final
class Issuer:
    """Signs assertions with a key of its own, made when it is first needed; for several threads.

    Args:
        signing: a key to use instead, for vectors that must not change.
    """

    def __init__(self, signing: SigningKey | None = None) -> None:
        self._signing = signing
        self._lock = threading.Lock()

    def signing(self, now_ms: int) -> SigningKey:
        """The key in use; a new one is valid for eleven years before and after `now_ms`."""
        with self._lock:
            if self._signing is None:
                self._signing = _new_key(now_ms)
            return self._signing

    def forget_key(self) -> None:
        """Takes a new key: every assertion signed so far is worthless from now on."""
        with self._lock:
            self._signing = None

    def issue(
        self, sender_id: str, holder: x509.Certificate, now_ms: int, until_ms: int
    ) -> tuple[str, Element]:
        """A signed assertion that the holder of a certificate's key is a sender.

        Args:
            sender_id: the sender number it states.
            holder: certificate of the caller.
            now_ms: start of its validity, UTC milliseconds.
            until_ms: end of its validity, excluded.

        Returns:
            Its AssertionID and the element.
        """
        name = f"_{secrets.token_hex(16)}"
        plain = _statement(name, sender_id, holder, now_ms, until_ms)
        signing = self.signing(now_ms)
        signer = XMLSigner(
            signature_algorithm=SignatureMethod.RSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        signed = signer.sign(
            plain,
            key=signing.key,
            cert=[signing.certificate],
            reference_uri=f"#{name}",
            id_attribute="AssertionID",
        )
        return name, cast("Element", signed)


def utc_text(at_ms: int) -> str:
    """An instant as `xs:dateTime` in UTC with milliseconds."""
    seconds, ms = divmod(at_ms, 1000)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=ms * 1000, tzinfo=None)
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _statement(
    name: str, sender_id: str, holder: x509.Certificate, now_ms: int, until_ms: int
) -> Element:
    root = tree.new(SAML, "Assertion", {"saml": SAML, "ds": DS})
    for key, value in (
        ("MajorVersion", "1"),
        ("MinorVersion", "1"),
        ("AssertionID", name),
        ("Issuer", ISSUER),
        ("IssueInstant", utc_text(now_ms)),
    ):
        root.set(key, value)
    conditions = tree.add(root, SAML, "Conditions")
    conditions.set("NotBefore", utc_text(now_ms))
    conditions.set("NotOnOrAfter", utc_text(until_ms))
    statement = tree.add(root, SAML, "AttributeStatement")
    subject = tree.add(statement, SAML, "Subject")
    identifier = tree.add(subject, SAML, "NameIdentifier", holder.subject.rfc4514_string())
    identifier.set("Format", _NAME_FORMAT)
    confirmation = tree.add(subject, SAML, "SubjectConfirmation")
    tree.add(confirmation, SAML, "ConfirmationMethod", HOLDER_OF_KEY)
    data = tree.add(tree.add(confirmation, DS, "KeyInfo"), DS, "X509Data")
    der = holder.public_bytes(Encoding.DER)
    tree.add(data, DS, "X509Certificate", base64.b64encode(der).decode())
    attribute = tree.add(statement, SAML, "Attribute")
    attribute.set("AttributeName", SENDER_CLAIM)
    attribute.set("AttributeNamespace", _CLAIM_SPACE)
    tree.add(attribute, SAML, "AttributeValue", sender_id)
    return root


def _new_key(now_ms: int) -> SigningKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated token service")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_FOR)
        .not_valid_after(now + _VALID_FOR)
        .sign(key, hashes.SHA256())
    )
    return SigningKey(key, certificate)
