"""Recorded messages with fixed keys at a fixed moment: a change of canonical form shows here.

`vectors/` holds a request for a token and a call, with the canonical form of each part they sign,
the certificates, and the caller's key (invented, used nowhere else). They were signed by hand, with
lxml and cryptography, and are written awkwardly on purpose: namespaces declared far away, declared
anew or never used, a default namespace, attributes out of order, spaces and line ends, characters
written as numbers, text outside ASCII, a comment. `python -m tests.authority.vectors.make` makes
all of it anew, with new keys.
"""

from __future__ import annotations

import base64
from pathlib import Path

import lxml.etree as etree
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from simulator.authority import tree
from simulator.authority.clock import instant_ms
from simulator.authority.faults import Fault
from simulator.authority.wssecurity import Signed, check_saml, check_x509
from tests.authority.signing import (
    NAMES,
    canonical,
    check_by_hand,
    part,
    raw_signature,
    rsa,
    security,
)

VECTORS = Path(__file__).parent / "vectors"
AT_MS = instant_ms("2026-11-23T05:41:10Z")
CALLER = load_pem_x509_certificate((VECTORS / "caller.pem").read_bytes())
STS = load_pem_x509_certificate((VECTORS / "sts.pem").read_bytes())
NAMED = ("request", "call")


def recorded(name: str) -> bytes:
    return (VECTORS / name).read_bytes().removesuffix(b"\n")


def check(name: str, content: bytes, at_ms: int = AT_MS) -> Signed:
    root = tree.parse(content)
    return check_x509(root, at_ms) if name == "request" else check_saml(root, at_ms, STS)


@pytest.mark.parametrize("name", NAMED)
def test_the_canonical_forms_are_the_recorded_ones(name: str) -> None:
    root = etree.fromstring(recorded(f"{name}.xml"))
    forms = {
        "timestamp": part(root, "TS-1"),
        "body": part(root, "Body-1"),
        "signed-info": security(root).find("ds:Signature/ds:SignedInfo", NAMES),
    }
    for form, element in forms.items():
        assert canonical(element) == recorded(f"{name}.{form}.c14n"), form


@pytest.mark.parametrize("name", NAMED)
def test_the_signature_is_right_by_hand(name: str) -> None:
    covered = check_by_hand(recorded(f"{name}.xml"), CALLER)
    assert covered == [recorded(f"{name}.timestamp.c14n"), recorded(f"{name}.body.c14n")]
    with pytest.raises((AssertionError, InvalidSignature)):
        check_by_hand(recorded(f"{name}.xml"), STS)


@pytest.mark.parametrize("name", NAMED)
def test_the_key_makes_the_same_signature_again(name: str) -> None:
    key = load_pem_private_key(recorded("caller-key.pem"), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    value = base64.b64encode(raw_signature(key, recorded(f"{name}.signed-info.c14n"))).decode()
    assert f">{value}<" in recorded(f"{name}.xml").decode()


@pytest.mark.parametrize("name", NAMED)
def test_the_simulator_accepts_it_and_reads_what_was_signed(name: str) -> None:
    signed = check(name, recorded(f"{name}.xml"))
    assert signed.certificate == CALLER
    assert signed.sender_id == (None if name == "request" else "SIM-0001")
    assert canonical(signed.body) == recorded(f"{name}.body.c14n")


@pytest.mark.parametrize("name", NAMED)
def test_its_time_is_fixed(name: str) -> None:
    content = recorded(f"{name}.xml")
    for seconds, fits in ((-301, False), (299, True), (300, False)):
        at_ms = instant_ms("2026-11-23T05:41:07Z") + seconds * 1000
        if fits:
            check(name, content, at_ms)
        else:
            with pytest.raises(Fault, match="SOA-01001"):
                check(name, content, at_ms)


@pytest.mark.parametrize("name", NAMED)
def test_no_byte_that_counts_can_change(name: str) -> None:
    """One space more, a line end less, another prefix: in the signed parts each must show."""
    content = recorded(f"{name}.xml")
    start = content.index(b"<s:Body")
    for before, after in (
        (b"\n", b"\n "),
        (b"&#13;", b""),
        (b"&#xE9;", b"e"),
        (b"a:b='2'", b"a:b='3'"),
        (b"<in ", b"<out "),
    ):
        body = content[start:]
        assert before in body, before
        changed = body.replace(before, after)
        changed = changed.replace(b"</in>", b"</out>") if after == b"<out " else changed
        with pytest.raises(Fault, match="SOA-01001"):
            check(name, content[:start] + changed)


@pytest.mark.parametrize("name", NAMED)
def test_what_canonical_form_passes_over_may_change(name: str) -> None:
    content = recorded(f"{name}.xml")
    for before, after in (
        (b"<!-- passed over -->", b""),
        (b"&#xE9;", "é".encode()),
        (b' xmlns:unused="urn:unused"', b""),
        (b"a:b='2' z='1'", b'z="1"   a:b="2"'),
    ):
        assert before in content, before
        content = content.replace(before, after)
        assert check(name, content).certificate == CALLER
