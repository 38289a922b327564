"""Every forgery we know is refused, by the rule that is meant for it, and stores nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lxml.etree as etree
import pytest
from signxml.signer import XMLSigner

from simulator.authority.assertion import SigningKey
from tests.authority.forgeries import ATTACKS, GOOD, bearer, good, no_conditions, second_sender
from tests.authority.rig import (
    NS,
)
from tests.authority.secured import Secured
from tests.authority.signing import (
    EXCLUSIVE,
    NAMES,
    call_bytes,
)

# The rule that refuses it, so that none hides behind another.
DOUBLED = "an identifier occurs twice"
COVERS = "the signature must cover Timestamp and Body, each once"
UNNAMED = "a part to be signed has no identifier, or an unusual one"
PARTS = "one Timestamp, one token and one Signature are needed, and nothing else"
NEEDLESS = "the Signature has parts nobody needs"
KEY_INFO = "the KeyInfo must be one reference to the token, and nothing else"
PLACES = "an envelope of one Header and one Body is needed"
BROKEN = "the signature does not fit, or its certificate is out of date"
OLD = "the Timestamp was not created within five minutes of now"
NAMED = "the key reference does not name the assertion"
OUTSIDE = "a reference must name a part of this message"
TRANSFORM = "a reference must use exclusive canonicalisation and nothing else"
METHOD = "the signature method must be RSA or ECDSA with SHA-256"
ALGORITHM = "only exclusive canonicalisation and SHA-256 are accepted"
REASONS = {
    "the signed body wrapped in the header, another one of the same name": DOUBLED,
    "the signed body wrapped in the header, another one of its own": COVERS,
    "the signed body wrapped in the header, another one ": UNNAMED,
    "the signed body wrapped in the security, another one of the same name": DOUBLED,
    "the signed body wrapped in the security, another one of its own": PARTS,
    "the signed body wrapped in the security, another one ": PARTS,
    "the signed body wrapped in the signature, another one of the same name": DOUBLED,
    "the signed body wrapped in the signature, another one of its own": NEEDLESS,
    "the signed body wrapped in the signature, another one ": UNNAMED,
    "the signed body wrapped in the key info, another one of the same name": DOUBLED,
    "the signed body wrapped in the key info, another one of its own": KEY_INFO,
    "the signed body wrapped in the key info, another one ": KEY_INFO,
    "the signed body wrapped in the body, another one of the same name": DOUBLED,
    "the signed body wrapped in the body, another one of its own": COVERS,
    "the signed body wrapped in the body, another one ": UNNAMED,
    "the signed body wrapped in the envelope, another one of the same name": DOUBLED,
    "the signed body wrapped in the envelope, another one of its own": PLACES,
    "the signed body wrapped in the envelope, another one ": PLACES,
    "a second body before it": PLACES,
    "a second body after it": PLACES,
    "the signed body as a header": COVERS,
    "an old timestamp wrapped": COVERS,
    "a fresh timestamp beside the old one": PARTS,
    "a fresh timestamp in place of the old one": BROKEN,
    "an old message": OLD,
    "no signature": PARTS,
    "no security header": PLACES,
    "no header of the security header": PLACES,
    "no timestamp": PARTS,
    "no assertion": PARTS,
    "no key reference": "exactly one KeyInfo is needed",
    "no expiry": BROKEN,
    "nothing signed": "exactly one CanonicalizationMethod is needed",
    "an empty signature": BROKEN,
    "an empty digest": BROKEN,
    "the signature twice": PARTS,
    "the timestamp twice": DOUBLED,
    "the assertion twice": DOUBLED,
    "a second security header": "exactly one Security is needed",
    "the security header twice": DOUBLED,
    "the digest method twice": "exactly one DigestMethod is needed",
    "a reference twice": COVERS,
    "two assertions": PARTS,
    "another key": BROKEN,
    "a stolen token beside the own certificate": KEY_INFO,
    "a certificate instead of a token": PARTS,
    "a reference to another assertion": NAMED,
    "only the body signed": COVERS,
    "only the timestamp signed": COVERS,
    "the body signed twice": COVERS,
    "a changed body": BROKEN,
    "one space more in the body": BROKEN,
    "a changed name of the body": COVERS,
    "a name that is none": UNNAMED,
    "a reference to a file": OUTSIDE,
    "a reference to a page": OUTSIDE,
    "a reference to the whole": OUTSIDE,
    "a reference without a name": OUTSIDE,
    "a reference by an expression": COVERS,
    "a reference with two signs": COVERS,
    "a transform by a style sheet": TRANSFORM,
    "a transform by an expression": TRANSFORM,
    "a signature with SHA-1": METHOD,
    "a digest with SHA-1": ALGORITHM,
    "the public key as a password": METHOD,
    "an unknown signature method": METHOD,
    "a signature with SHA-512": METHOD,
    "digests with SHA-512": ALGORITHM,
    "inclusive canonical form": ALGORITHM,
    "an assertion for another sender": BROKEN,
    "an assertion with two senders": BROKEN,
    "an assertion that lives longer": BROKEN,
    "an assertion without an end": BROKEN,
    "an assertion for whoever bears it": BROKEN,
    "an unsigned assertion": "exactly one Signature is needed",
    "an assertion whose signature covers everything": OUTSIDE,
    "an assertion of own making": BROKEN,
    "an assertion with a borrowed signature": COVERS,
    "an assertion around the genuine one in its signature, same name": DOUBLED,
    "an assertion around the genuine one in its signature": NEEDLESS,
    "an assertion around the genuine one in its subject, same name": DOUBLED,
    "an assertion around the genuine one in its subject": COVERS,
}


def test_every_attack_has_its_rule() -> None:
    assert set(ATTACKS) == set(REASONS)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_call_is_not_authenticated(secured: Secured, name: str) -> None:
    reply = secured.post(ATTACKS[name](secured))
    assert (reply.status, reply.fault) == (500, "SOA-01001")
    assert reply.body.findtext("detail/*/e:Message", None, NS).endswith(REASONS[name])
    assert secured.rig.stored() == []
    assert secured.call().fault is None


HOSTILE = {
    "an entity bomb": b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "an outer entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
    "a document type that names identifiers": b"<!DOCTYPE a [<!ATTLIST a x ID #IMPLIED>]>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_type_is_no_call(secured: Secured, name: str) -> None:
    content = HOSTILE[name] + good(secured)
    if b"ENTITY" in content:
        content = content.replace(b"1Y19FAKE001AZ", b"&b;")
    assert secured.post(content).fault == "SOA-03004"
    assert secured.rig.stored() == []


# what a genuine assertion must say: these are signed by the token service itself


def resigned(assertion: bytes, edit: Callable[[Any], object], key: SigningKey) -> bytes:
    root = etree.fromstring(assertion)
    root.remove(root.find("ds:Signature", NAMES))
    edit(root)
    signer = XMLSigner(c14n_algorithm=EXCLUSIVE)
    name = root.get("AssertionID")
    return etree.tostring(
        signer.sign(
            root,
            key=key.key,
            cert=[key.certificate],
            reference_uri=f"#{name}",
            id_attribute="AssertionID",
        )
    )


def no_holder(root: Any) -> None:
    confirmation = root.find(".//saml:SubjectConfirmation", NAMES)
    confirmation.remove(confirmation.find("ds:KeyInfo", NAMES))


def no_sender(root: Any) -> None:
    root.find(".//saml:Attribute", NAMES).set("AttributeName", "urn:x")


def broken_certificate(root: Any) -> None:
    root.find(".//ds:X509Certificate", NAMES).text = "AAAA"


def no_zone(root: Any) -> None:
    root.find("saml:Conditions", NAMES).set("NotOnOrAfter", "2036-01-01T00:00:00")


def no_day(root: Any) -> None:
    root.find("saml:Conditions", NAMES).set("NotOnOrAfter", "2036-02-30T00:00:00Z")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (no_conditions, "exactly one Conditions is needed"),
        (no_zone, "an instant with its zone is needed"),
        (no_day, "an instant with its zone is needed"),
        (bearer, "the assertion is not bound to a key"),
        (no_holder, "exactly one KeyInfo is needed"),
        (broken_certificate, "a certificate cannot be read"),
        (no_sender, "the assertion states no sender number"),
        (second_sender, "exactly one Attribute is needed"),
    ],
)
def test_a_genuine_assertion_must_say_who_holds_which_key_and_when(
    secured: Secured, sts_key: SigningKey, edit: Callable[[Any], object], reason: str
) -> None:
    unchanged = resigned(secured.token(), lambda _: None, sts_key)
    assert secured.post(call_bytes(secured.who, secured.now, unchanged, GOOD)).fault is None
    assertion = resigned(secured.token(), edit, sts_key)
    reply = secured.post(call_bytes(secured.who, secured.now, assertion, GOOD))
    assert reply.fault == "SOA-01001"
    assert reply.body.findtext("detail/*/e:Message", None, NS).endswith(reason)
    assert len(secured.rig.stored()) == 1
