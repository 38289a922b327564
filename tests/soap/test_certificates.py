"""Certificate and key come in every form that issuers deliver; what is wrong is said at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from hub.authority.certificates import CertificateFiles, Credential
from hub.errors import StoppedError, UsageError
from tests.soap.verifier import NOW_MS, Pair, make_pair

DAY_MS = 86_400_000
WORD = b"s\xc3\xa9same"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair()


class Folder:
    """Writes the files of one test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, data: bytes) -> str:
        file = self.path / name
        file.write_bytes(data)
        return str(file)

    def word(self, data: bytes = WORD + b"\n") -> str:
        return self.put("password", data)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


Make = Callable[[Pair, Folder], CertificateFiles]


def traditional(pair: Pair) -> bytes:
    """The key as OpenSSL wrote it once, with its own encryption."""
    assert isinstance(pair.key, rsa.RSAPrivateKey)
    return pair.key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(WORD)
    )


def chained(pair: Pair, other: Pair, password: bytes | None = None) -> bytes:
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        "é".encode(), pair.key, pair.certificate, [other.certificate], sealed
    )


FORMS: dict[str, Make] = {
    "one PEM file": lambda p, f: CertificateFiles(f.put("a", p.pem_certificate + p.pem_key())),
    "key first": lambda p, f: CertificateFiles(f.put("a", p.pem_key() + p.pem_certificate)),
    "two PEM files": lambda p, f: CertificateFiles(
        f.put("a", p.pem_certificate), f.put("b", p.pem_key())
    ),
    "text around it": lambda p, f: CertificateFiles(
        f.put("a", b"Bag Attributes\r\n " + p.pem_certificate + b"# key\r\n" + p.pem_key())
    ),
    "Windows line ends": lambda p, f: CertificateFiles(
        f.put("a", (p.pem_certificate + p.pem_key()).replace(b"\n", b"\r\n"))
    ),
    "sealed key": lambda p, f: CertificateFiles(
        f.put("a", p.pem_certificate + p.pem_key(WORD)), "", f.word()
    ),
    "sealed key with Windows line ends": lambda p, f: CertificateFiles(
        f.put("a", (p.pem_certificate + traditional(p)).replace(b"\n", b"\r\n")),
        "",
        f.word(WORD + b"\r\n"),
    ),
    "key sealed in the old way": lambda p, f: CertificateFiles(
        f.put("a", p.pem_certificate), f.put("b", traditional(p)), f.word()
    ),
    "a password for an open key": lambda p, f: CertificateFiles(
        f.put("a", p.pem_certificate + p.pem_key()), "", f.word()
    ),
    "PKCS#12": lambda p, f: CertificateFiles(f.put("a.p12", p.pkcs12(WORD)), "", f.word()),
    "PKCS#12 without a password": lambda p, f: CertificateFiles(f.put("a.p12", p.pkcs12())),
    "chain in PEM, ours last": lambda p, f: CertificateFiles(
        f.put("a", make_pair().pem_certificate + p.pem_certificate + p.pem_key())
    ),
    "chain in PKCS#12": lambda p, f: CertificateFiles(
        f.put("a.p12", chained(p, make_pair(), WORD)), "", f.word()
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_certificate_and_key(name: str, pair: Pair, folder: Folder) -> None:
    credential = FORMS[name](pair, folder).read()
    assert credential.certificate == pair.certificate
    assert credential.key.public_key() == pair.key.public_key()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_elliptic_keys_are_taken(curve: ec.EllipticCurve, folder: Folder) -> None:
    pair = make_pair(ec.generate_private_key(curve))
    files = CertificateFiles(folder.put("a", pair.pkcs12(WORD)), "", folder.word())
    assert files.read().certificate == pair.certificate


def ed25519_pem() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def odd_curve() -> bytes:
    key = ec.generate_private_key(ec.SECP256K1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


BAD: dict[str, tuple[str, Make]] = {
    "no such file": ("HUB-1330", lambda p, f: CertificateFiles(str(f.path / "none.pem"))),
    "a folder": ("HUB-1330", lambda p, f: CertificateFiles(str(f.path))),
    "a name that is none": ("HUB-1330", lambda p, f: CertificateFiles("a\x00b")),
    "no such key": (
        "HUB-1330",
        lambda p, f: CertificateFiles(f.put("a", p.pem_certificate), str(f.path / "none")),
    ),
    "no such password file": (
        "HUB-1330",
        lambda p, f: CertificateFiles(f.put("a", p.pkcs12(WORD)), "", str(f.path / "none")),
    ),
    "no password": (
        "HUB-1331",
        lambda p, f: CertificateFiles(f.put("a", p.pem_certificate + p.pem_key(WORD))),
    ),
    "empty password": (
        "HUB-1331",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate + p.pem_key(WORD)), "", f.word(b"")
        ),
    ),
    "wrong password": (
        "HUB-1331",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate + p.pem_key(WORD)), "", f.word(b"other")
        ),
    ),
    "wrong password, old way": (
        "HUB-1331",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate + traditional(p)), "", f.word(b"other")
        ),
    ),
    "wrong password of PKCS#12": (
        "HUB-1331",
        lambda p, f: CertificateFiles(f.put("a", p.pkcs12(WORD)), "", f.word(b"other")),
    ),
    "no password of PKCS#12": (
        "HUB-1331",
        lambda p, f: CertificateFiles(f.put("a", p.pkcs12(WORD))),
    ),
    "an empty file": ("HUB-1332", lambda p, f: CertificateFiles(f.put("a", b""))),
    "a key without certificate": (
        "HUB-1332",
        lambda p, f: CertificateFiles(f.put("a", p.pem_key())),
    ),
    "a certificate without key": (
        "HUB-1332",
        lambda p, f: CertificateFiles(f.put("a", p.pem_certificate)),
    ),
    "a certificate that is none": (
        "HUB-1332",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate.replace(b"\nMII", b"\nAAA") + p.pem_key())
        ),
    ),
    "a key that is none": (
        "HUB-1332",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate + p.pem_key().replace(b"\nMII", b"\nAAA"))
        ),
    ),
    "half of PKCS#12": ("HUB-1332", lambda p, f: CertificateFiles(f.put("a", p.pkcs12()[:900]))),
    "a picture": ("HUB-1332", lambda p, f: CertificateFiles(f.put("a", b"\x89PNG\r\n" * 50))),
    "a DER certificate": (
        "HUB-1332",
        lambda p, f: CertificateFiles(f.put("a", p.certificate.public_bytes(Encoding.DER))),
    ),
    "another kind of key": (
        "HUB-1332",
        lambda p, f: CertificateFiles(f.put("a", p.pem_certificate + ed25519_pem())),
    ),
    "another curve": (
        "HUB-1332",
        lambda p, f: CertificateFiles(f.put("a", p.pem_certificate + odd_curve())),
    ),
    "somebody else's key": (
        "HUB-1333",
        lambda p, f: CertificateFiles(
            f.put("a", p.pem_certificate), f.put("b", make_pair().pem_key())
        ),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_by_file_and_kind(name: str, pair: Pair, folder: Folder) -> None:
    code, make = BAD[name]
    files = make(pair, folder)
    with pytest.raises(UsageError) as caught:
        files.read()
    assert caught.value.code == code
    assert caught.value.extra["file"] in (files.certificate, files.key, files.password_file)
    assert caught.value.__context__ is None
    for secret in (WORD.decode(), "PRIVATE KEY"):
        assert secret not in str(caught.value)


def credential_of(pair: Pair) -> Credential:
    return Credential(pair.certificate, pair.key)


def test_a_certificate_is_valid_between_its_two_ends() -> None:
    pair = make_pair(begin_days=0, end_days=40)
    credential = credential_of(pair)
    for now_ms in (NOW_MS, NOW_MS + 40 * DAY_MS):
        credential.check_valid(now_ms)
    for now_ms in (NOW_MS - 1, NOW_MS + 40 * DAY_MS + 1000):
        with pytest.raises(StoppedError) as caught:
            credential.check_valid(now_ms)
        assert caught.value.code == "HUB-1334"
        assert caught.value.extra == {"begin": "2026-11-23", "end": "2027-01-02"}


@pytest.mark.parametrize(
    ("after_days", "left"), [(0, 40), (39.5, 0), (40, 0), (40.5, -1), (50, -10)]
)
def test_the_days_left_are_whole_and_fall_below_zero(after_days: float, left: int) -> None:
    credential = credential_of(make_pair(end_days=40))
    assert credential.days_left(NOW_MS + int(after_days * DAY_MS)) == left


def test_a_credential_shows_nothing_of_itself(pair: Pair) -> None:
    assert repr(credential_of(pair)) == "Credential()"
