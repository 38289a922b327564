"""Calls that only look signed: each starts from a good one and must be refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import lxml.etree as etree
from signxml.algorithms import CanonicalizationMethod

from simulator.authority.assertion import Issuer, SigningKey
from tests.authority.rig import (
    envelope,
    item,
    register,
)
from tests.authority.secured import Secured
from tests.authority.signing import (
    DS,
    NAMES,
    WSSE,
    WSU,
    assertion_id,
    by_assertion,
    by_token,
    call_bytes,
    caller,
    message,
    part,
    rsa_key,
    security,
    signed,
    timestamp,
)

Attack = Callable[[Secured], bytes]

GOOD = register(item())
EVIL = register(item(reference="forged"))


def good(secured: Secured) -> bytes:
    return call_bytes(secured.who, secured.now, secured.token(), GOOD)


def edited(content: bytes, edit: Callable[[Any], object]) -> bytes:
    root = etree.fromstring(content)
    edit(root)
    return etree.tostring(root)


def body_of(root: Any) -> Any:
    return root.find("s:Body", NAMES)


def evil_body(name: str | None) -> Any:
    attribute = "" if name is None else f' xmlns:wsu="{WSU}" wsu:Id="{name}"'
    content = envelope(EVIL).replace(b"<s:Body>", f"<s:Body{attribute}>".encode())
    return body_of(etree.fromstring(content))


def wrap(where: str, name: str | None) -> Attack:
    """The signed Body is kept somewhere else in the message and another one takes its place."""

    def attack(secured: Secured) -> bytes:
        def edit(root: Any) -> None:
            signed_body = body_of(root)
            root.replace(signed_body, evil_body(name))
            places = {
                "header": root.find("s:Header", NAMES),
                "security": security(root),
                "signature": security(root).find("ds:Signature", NAMES),
                "key info": security(root).find(".//wsse:SecurityTokenReference", NAMES),
                "body": body_of(root),
                "envelope": root,
            }
            wrapper = etree.SubElement(places[where], f"{{{DS}}}Object")
            wrapper.append(signed_body)

        return edited(good(secured), edit)

    return attack


def second_body(first: bool) -> Attack:
    def attack(secured: Secured) -> bytes:
        return edited(
            good(secured),
            lambda root: root.insert(1 if first else 2, evil_body(None)),
        )

    return attack


def body_as_header(secured: Secured) -> bytes:
    def edit(root: Any) -> None:
        header, body = root
        root.replace(body, evil_body("Body-2"))
        header.append(body)

    return edited(good(secured), edit)


def wrapped_timestamp(secured: Secured) -> bytes:
    old = call_bytes(secured.who, secured.now, secured.token(), GOOD, age_s=7200)

    def edit(root: Any) -> None:
        header = security(root)
        signed_timestamp = part(root, "TS-1")
        fresh = etree.fromstring(timestamp(secured.now, name="TS-2"))
        header.replace(signed_timestamp, fresh)
        etree.SubElement(root.find("s:Header", NAMES), "{urn:x}Old").append(signed_timestamp)

    return edited(old, edit)


def second_timestamp(secured: Secured) -> bytes:
    old = call_bytes(secured.who, secured.now, secured.token(), GOOD, age_s=7200)
    fresh = etree.fromstring(timestamp(secured.now, name="TS-2"))
    return edited(old, lambda root: security(root).insert(0, fresh))


def fresh_timestamp(secured: Secured) -> bytes:
    old = call_bytes(secured.who, secured.now, secured.token(), GOOD, age_s=7200)
    fresh = etree.fromstring(timestamp(secured.now))
    return edited(old, lambda root: security(root).replace(part(root, "TS-1"), fresh))


def no_signature(secured: Secured) -> bytes:
    return edited(
        good(secured),
        lambda root: security(root).remove(security(root).find("ds:Signature", NAMES)),
    )


def empty(name: str) -> Attack:
    def attack(secured: Secured) -> bytes:
        def edit(root: Any) -> None:
            [*_, found] = security(root).iterfind(f"ds:Signature//ds:{name}", NAMES)
            found.text = None
            for child in list(found):
                found.remove(child)

        return edited(good(secured), edit)

    return attack


def without(path: str) -> Attack:
    def attack(secured: Secured) -> bytes:
        def edit(root: Any) -> None:
            found = root.find(path, NAMES)
            found.getparent().remove(found)

        return edited(good(secured), edit)

    return attack


def twice(path: str) -> Attack:
    def attack(secured: Secured) -> bytes:
        def edit(root: Any) -> None:
            found = root.find(path, NAMES)
            found.getparent().append(copy.deepcopy(found))

        return edited(good(secured), edit)

    return attack


def second_header(secured: Secured) -> bytes:
    return edited(
        good(secured),
        lambda root: etree.SubElement(root.find("s:Header", NAMES), f"{{{WSSE}}}Security"),
    )


def other_key(secured: Secured) -> bytes:
    return call_bytes(caller(), secured.now, secured.token(), GOOD)


def stolen_token_with_own_certificate(secured: Secured) -> bytes:
    thief, assertion = caller(), secured.token()
    content = message(EVIL, timestamp(secured.now) + assertion.decode())
    info = by_assertion(assertion_id(assertion)).replace(
        "</ds:KeyInfo>",
        f"<ds:X509Data><ds:X509Certificate>{thief.base64}</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo>",
    )
    return signed(content, thief.key, info)


def certificate_instead_of_a_token(secured: Secured) -> bytes:
    token = (
        f'<wsse:BinarySecurityToken xmlns:wsu="{WSU}" wsu:Id="X509-1">{secured.who.base64}'
        "</wsse:BinarySecurityToken>"
    )
    content = message(GOOD, timestamp(secured.now) + token)
    return signed(content, secured.who.key, by_token())


def names_another_assertion(secured: Secured) -> bytes:
    assertion = secured.token()
    content = message(GOOD, timestamp(secured.now) + assertion.decode())
    return signed(content, secured.who.key, by_assertion("_another"))


def two_assertions(secured: Secured) -> bytes:
    mine, theirs = secured.token(), secured.token()
    content = message(GOOD, timestamp(secured.now) + mine.decode() + theirs.decode())
    return signed(content, secured.who.key, by_assertion(assertion_id(mine)))


def covers(*names: str) -> Attack:
    def attack(secured: Secured) -> bytes:
        assertion = secured.token()
        content = message(GOOD, timestamp(secured.now) + assertion.decode())
        return signed(content, secured.who.key, by_assertion(assertion_id(assertion)), names=names)

    return attack


def replaced(before: str, after: str) -> Attack:
    """Bytes of a signed call are changed; the signature no longer fits or has another form."""

    def attack(secured: Secured) -> bytes:
        content = good(secured)
        assert before.encode() in content
        return content.replace(before.encode(), after.encode())

    return attack


def inclusive_form(secured: Secured) -> bytes:
    assertion = secured.token()
    content = message(GOOD, timestamp(secured.now) + assertion.decode())
    return signed(
        content,
        secured.who.key,
        by_assertion(assertion_id(assertion)),
        c14n=CanonicalizationMethod.CANONICAL_XML_1_0,
    )


def other_algorithm(method: str | None, digest: str) -> Attack:
    def attack(secured: Secured) -> bytes:
        assertion = secured.token()
        content = message(GOOD, timestamp(secured.now) + assertion.decode())
        info = by_assertion(assertion_id(assertion))
        return signed(content, secured.who.key, info, method=method, digest=digest)

    return attack


def forged_assertion(edit: Callable[[Any], object]) -> Attack:
    """The caller changes its assertion, then signs the message correctly."""

    def attack(secured: Secured) -> bytes:
        assertion = edited(secured.token(), edit)
        return call_bytes(secured.who, secured.now, assertion, EVIL)

    return attack


def set_sender(root: Any) -> None:
    root.find(".//saml:AttributeValue", NAMES).text = "SIM-0002"


def second_sender(root: Any) -> None:
    attribute = root.find(".//saml:Attribute", NAMES)
    forged = copy.deepcopy(attribute)
    forged[0].text = "SIM-0002"
    attribute.getparent().insert(1, forged)


def longer_life(root: Any) -> None:
    root.find("saml:Conditions", NAMES).set("NotOnOrAfter", "2036-01-01T00:00:00Z")


def no_conditions(root: Any) -> None:
    root.remove(root.find("saml:Conditions", NAMES))


def no_issuer_signature(root: Any) -> None:
    root.remove(root.find("ds:Signature", NAMES))


def bearer(root: Any) -> None:
    method = root.find(".//saml:ConfirmationMethod", NAMES)
    method.text = "urn:oasis:names:tc:SAML:1.0:cm:bearer"


def whole_document(root: Any) -> None:
    root.find(".//ds:Reference", NAMES).set("URI", "")


def assertion_of_own_making(secured: Secured) -> bytes:
    key = rsa_key()
    forger = Issuer(SigningKey(key, caller(key=key).certificate))
    at_ms = secured.rig.clock()
    _, forged = forger.issue("SIM-0001", secured.who.certificate, at_ms, at_ms + 60_000)
    return call_bytes(secured.who, secured.now, etree.tostring(forged), EVIL)


def wrapped_assertion(where: str, same_name: bool) -> Attack:
    """A forged assertion for another key, with the genuine one inside to carry the signature."""

    def attack(secured: Secured) -> bytes:
        thief = caller()
        genuine = etree.fromstring(secured.token())
        forged = copy.deepcopy(genuine)
        forged.find(".//ds:X509Certificate", NAMES).text = thief.base64
        signature = forged.find("ds:Signature", NAMES)
        if not same_name:
            forged.set("AssertionID", "_forged")
        place = signature if where == "signature" else forged.find(".//saml:Subject", NAMES)
        etree.SubElement(place, f"{{{DS}}}Object").append(genuine)
        return call_bytes(thief, secured.now, etree.tostring(forged), EVIL)

    return attack


def assertion_with_a_borrowed_signature(secured: Secured) -> bytes:
    thief = caller()
    genuine = etree.fromstring(secured.token())
    forged = copy.deepcopy(genuine)
    forged.find(".//ds:X509Certificate", NAMES).text = thief.base64
    forged.set("AssertionID", "_forged")
    content = message(
        EVIL,
        timestamp(secured.now) + etree.tostring(forged).decode(),
    )
    root = etree.fromstring(signed(content, thief.key, by_assertion("_forged")))
    etree.SubElement(root.find("s:Header", NAMES), "{urn:x}Keep").append(genuine)
    return etree.tostring(root)


WSU_BODY = 'wsu:Id="Body-1"'
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNATURE = "s:Header/wsse:Security/ds:Signature"
ATTACKS: dict[str, Attack] = {
    **{
        f"the signed body wrapped in the {where}, another one {named}": wrap(where, name)
        for where in ("header", "security", "signature", "key info", "body", "envelope")
        for named, name in (("of the same name", "Body-1"), ("of its own", "Body-2"), ("", None))
    },
    "a second body before it": second_body(True),
    "a second body after it": second_body(False),
    "the signed body as a header": body_as_header,
    "an old timestamp wrapped": wrapped_timestamp,
    "a fresh timestamp beside the old one": second_timestamp,
    "a fresh timestamp in place of the old one": fresh_timestamp,
    "an old message": lambda secured: call_bytes(
        secured.who, secured.now, secured.token(), GOOD, age_s=7200
    ),
    "no signature": no_signature,
    "no security header": lambda _: envelope(GOOD),
    "no header of the security header": without("s:Header"),
    "no timestamp": without("s:Header/wsse:Security/wsu:Timestamp"),
    "no assertion": without("s:Header/wsse:Security/saml:Assertion"),
    "no key reference": without(f"{SIGNATURE}/ds:KeyInfo"),
    "no expiry": without(".//wsu:Expires"),
    "nothing signed": empty("SignedInfo"),
    "an empty signature": empty("SignatureValue"),
    "an empty digest": empty("DigestValue"),
    "the signature twice": twice(SIGNATURE),
    "the timestamp twice": twice("s:Header/wsse:Security/wsu:Timestamp"),
    "the assertion twice": twice("s:Header/wsse:Security/saml:Assertion"),
    "a second security header": second_header,
    "the security header twice": twice("s:Header/wsse:Security"),
    "the digest method twice": twice(f"{SIGNATURE}//ds:DigestMethod"),
    "a reference twice": twice(f"{SIGNATURE}/ds:SignedInfo/ds:Reference"),
    "two assertions": two_assertions,
    "another key": other_key,
    "a stolen token beside the own certificate": stolen_token_with_own_certificate,
    "a certificate instead of a token": certificate_instead_of_a_token,
    "a reference to another assertion": names_another_assertion,
    "only the body signed": covers("Body-1"),
    "only the timestamp signed": covers("TS-1"),
    "the body signed twice": covers("Body-1", "Body-1"),
    "a changed body": replaced("1Y19FAKE001AZ", "1Y19FAKE002BZ"),
    "one space more in the body": replaced("<t:INSS>", "<t:INSS> "),
    "a changed name of the body": replaced(WSU_BODY, 'wsu:Id="Body-2"'),
    "a name that is none": replaced("Body-1", "Body 1"),
    "a reference to a file": replaced('URI="#Body-1"', 'URI="file:///etc/hostname"'),
    "a reference to a page": replaced('URI="#Body-1"', 'URI="http://127.0.0.1:9/x"'),
    "a reference to the whole": replaced('URI="#Body-1"', 'URI=""'),
    "a reference without a name": replaced('URI="#Body-1"', ""),
    "a reference by an expression": replaced('URI="#Body-1"', "URI=\"#xpointer(id('Body-1'))\""),
    "a reference with two signs": replaced('URI="#Body-1"', 'URI="##Body-1"'),
    "a transform by a style sheet": replaced(
        'Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
        'Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
    ),
    "a transform by an expression": replaced(
        'Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
        'Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"',
    ),
    "a signature with SHA-1": replaced(RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    "a digest with SHA-1": replaced(SHA256, "http://www.w3.org/2000/09/xmldsig#sha1"),
    "the public key as a password": replaced(
        RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    ),
    "an unknown signature method": replaced(RSA_SHA256, "urn:x"),
    "a signature with SHA-512": other_algorithm("rsa-sha512", "sha256"),
    "digests with SHA-512": other_algorithm(None, "sha512"),
    "inclusive canonical form": inclusive_form,
    "an assertion for another sender": forged_assertion(set_sender),
    "an assertion with two senders": forged_assertion(second_sender),
    "an assertion that lives longer": forged_assertion(longer_life),
    "an assertion without an end": forged_assertion(no_conditions),
    "an assertion for whoever bears it": forged_assertion(bearer),
    "an unsigned assertion": forged_assertion(no_issuer_signature),
    "an assertion whose signature covers everything": forged_assertion(whole_document),
    "an assertion of own making": assertion_of_own_making,
    "an assertion with a borrowed signature": assertion_with_a_borrowed_signature,
    **{
        f"an assertion around the genuine one in its {where}{name}": wrapped_assertion(where, same)
        for where in ("signature", "subject")
        for name, same in ((", same name", True), ("", False))
    },
}
