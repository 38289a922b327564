"""The certificate that proves to the authority who this hub is, and its private key.

Read from what an issuer delivers: one PKCS#12 file, or PEM, where certificate and key may lie in
one file or in two. Whatever is wrong with them is said by name of file and kind of fault, never by
content. The chain that such files hold besides is not sent: the certificate itself is registered
with the authority.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from hub.errors import StoppedError, UsageError

WARN_DAYS = 30
"""A new certificate takes days to get and to register; it should be ordered by then."""

_DAY_MS = 86_400_000
_BEGIN = b"-----BEGIN "
_KEY_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL
)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A certificate and the key that fits it. The `repr` shows neither.

    Args:
        certificate: as it is registered with the authority.
        key: its private key, RSA or EC.
    """

    certificate: x509.Certificate
    key: PrivateKey

    def __repr__(self) -> str:
        return "Credential()"

    def days_left(self, now_ms: int) -> int:
        """Returns the whole days until the certificate ends; negative once it has ended.

        Args:
            now_ms: UTC milliseconds.
        """
        return (_ms(self.certificate.not_valid_after_utc) - now_ms) // _DAY_MS

    def check_valid(self, now_ms: int) -> None:
        """Does nothing while the certificate is valid.

        Args:
            now_ms: UTC milliseconds.

        Raises:
            StoppedError: HUB-1334, it has ended or has not begun.
        """
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        # RFC 5280 section 4.1.2.5: both ends are within the validity.
        if not _ms(begin) <= now_ms < _ms(end) + 1000:
            days = {"begin": begin.date().isoformat(), "end": end.date().isoformat()}
            raise StoppedError("HUB-1334", **days)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where certificate, key and password are.

    Args:
        certificate: PEM or PKCS#12 file.
        key: PEM file with the key; empty: in the file of the certificate.
        password_file: file whose first line is the password of the key; empty: it has none.
    """

    certificate: str
    key: str = ""
    password_file: str = ""

    def secret(self) -> list[str]:
        """Returns the files that only the hub should be able to read."""
        return [file for file in (self.key or self.certificate, self.password_file) if file]

    def read(self) -> Credential:
        """Returns what the files hold now. Whether it is valid today is not asked here.

        Raises:
            UsageError: HUB-1330, a file cannot be read; HUB-1331, the password is missing or
                wrong; HUB-1332, a file does not hold what is needed; HUB-1333, the key does not
                fit the certificate.
        """
        data = _content(self.certificate)
        password = None
        if self.password_file:
            lines = _content(self.password_file).splitlines()
            password = lines[0] if lines else b""
        if _BEGIN in data:
            return self._from_pem(data, password)
        return self._from_pkcs12(data, password)

    def _from_pem(self, data: bytes, password: bytes | None) -> Credential:
        try:
            certificates = x509.load_pem_x509_certificates(data)
        except ValueError:
            certificates = []
        if not certificates:
            raise UsageError("HUB-1332", file=self.certificate, reason="no certificate")
        key_file = self.key or self.certificate
        key = _pem_key(key_file, _content(key_file) if self.key else data, password)
        return _matched(certificates, key, key_file)

    def _from_pkcs12(self, data: bytes, password: bytes | None) -> Credential:
        # DER of a sequence; everything else cannot be one.
        if not data.startswith(b"\x30"):
            raise UsageError("HUB-1332", file=self.certificate, reason="neither PEM nor PKCS#12")
        try:
            held_key, certificate, others = pkcs12.load_key_and_certificates(data, password)
        except ValueError as error:
            # The library does not tell a wrong password from a damaged file.
            failure = "HUB-1331" if "password" in str(error).lower() else "HUB-1332"
        except UnsupportedAlgorithm:
            failure = "HUB-1332"
        else:
            certificates = [certificate] if certificate is not None else []
            if held_key is None or not (certificates or others):
                raise UsageError("HUB-1332", file=self.certificate, reason="no key or certificate")
            key = _usable(held_key, self.certificate)
            return _matched([*certificates, *others], key, self.certificate)
        raise UsageError(failure, file=self.certificate, reason="PKCS#12")


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "name"
    raise UsageError("HUB-1330", file=file, reason=reason)


def _pem_key(file: str, data: bytes, password: bytes | None) -> PrivateKey:
    block = _KEY_BLOCK.search(data)
    if block is None:
        raise UsageError("HUB-1332", file=file, reason="no private key")
    sealed = b"ENCRYPTED" in block[0].partition(b"\n\n")[0]
    if sealed and not password:
        raise UsageError("HUB-1331", file=file)
    key: object = None
    try:
        key = load_pem_private_key(block[0], password if sealed else None)
    except (ValueError, TypeError):
        failure = "HUB-1331" if sealed else "HUB-1332"
    except UnsupportedAlgorithm:
        failure = "HUB-1332"
    else:
        return _usable(key, file)
    raise UsageError(failure, file=file, reason="private key")


def _usable(key: object, file: str) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    raise UsageError("HUB-1332", file=file, reason="neither RSA nor EC P-256, P-384, P-521")


def _matched(certificates: list[x509.Certificate], key: PrivateKey, file: str) -> Credential:
    """Returns the key with its certificate, which need not be the first of a chain."""
    wanted = _public(key)
    for certificate in certificates:
        try:
            found = _public(certificate)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if found == wanted:
            return Credential(certificate, key)
    raise UsageError("HUB-1333", file=file)


def _public(holder: x509.Certificate | PrivateKey) -> bytes:
    public = holder.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
