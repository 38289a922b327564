"""The hub's own certificate authority, and the certificate its broker shows to the gates.

Theory of operation. A gate trusts one thing only: the CA certificate that `sitegate terminal add`
wrote into its settings. So the CA is made once and lives long (CA_DAYS), and the broker's
certificate, which a gate never stores, is issued again by the hub itself: RENEW_DAYS before it
ends, and whenever it does not carry each name under which a gate was told to find the hub.

| file in `<data>/certificates/` | content |
| --- | --- |
| `ca.pem` | certificate of the CA; public |
| `ca-key.pem` | its key, for its owner only |
| `server.pem` | the broker's key and certificate in one file, so that both change in one step |
| `names.txt` | names and addresses given to gates, one a line, only ever appended to |

All certificates are valid from NOT_BEFORE, long before they were made. A Pico has no clock that
survives a power cut: it starts at 2021-01-01, or at the date its firmware was built, and would
refuse a certificate that begins later. The date protects nobody here, since the CA signs for this
hub alone. Keys are EC P-256: an RSA handshake takes a Pico seconds and more memory than it has.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import PermanentError

FOLDER = "certificates"
CA = "ca.pem"
CA_KEY = "ca-key.pem"
SERVER = "server.pem"
NAMES = "names.txt"

NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that says less is right."""
CA_DAYS = 20 * 365
SERVER_DAYS = 825
RENEW_DAYS = 90
WARN_DAYS = 30
"""Renewal is long past then, so something keeps the hub from it."""
CA_WARN_DAYS = 365
"""Time to bring every gate a new settings file."""

ALWAYS = ("localhost", "127.0.0.1", "::1")
"""The hub's own connection, and a bridge on the same machine."""
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - to recognise them
_DNS_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_NAME_MAX = 253

Clock = Callable[[], int]


def valid_name(name: str) -> bool:
    """Returns whether a certificate can carry this: an IP address or a DNS name in ASCII."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return len(name) <= _NAME_MAX and _DNS_NAME.fullmatch(name) is not None
    return True


@dataclass(frozen=True, slots=True)
class Standing:
    """How the broker's certificate stands.

    Attributes:
        days: until it ends; negative when it has ended.
        ca_days: until the CA ends.
        missing: names it should carry and does not.
        foreign: it was not issued by this CA, or its key does not fit.
    """

    days: int
    ca_days: int
    missing: tuple[str, ...]
    foreign: bool


class Certificates:
    """CA and server certificate of one hub.

    Args:
        data: the data folder; nothing is made before `ensure` or `ca_pem`.
        host: where the broker listens; "0.0.0.0" and the like add no name.
        clock: UTC milliseconds.
    """

    def __init__(self, data: Path, host: str, clock: Clock) -> None:
        self._folder = (data / FOLDER).absolute()
        self._host = host
        self._clock = clock

    @property
    def ca_file(self) -> Path:
        """Certificate of the CA."""
        return self._folder / CA

    @property
    def server_file(self) -> Path:
        """The broker's key and certificate."""
        return self._folder / SERVER

    def ca_pem(self) -> str:
        """Returns the certificate of the CA; makes the CA on first use.

        Raises:
            PermanentError: HUB-1021 when its files cannot be read or written, or do not belong
                together. A lost key is never replaced silently: every gate would refuse the hub.
        """
        return _pem(self._open_ca()[1])

    def names(self) -> tuple[str, ...]:
        """Returns every name and address the broker's certificate should carry, sorted."""
        wanted = {*ALWAYS, _canonical(socket.gethostname())}
        if self._host not in EVERYWHERE:
            wanted.add(_canonical(self._host))
        with contextlib.suppress(OSError):
            lines = (self._folder / NAMES).read_text("utf-8").splitlines()
            wanted.update(_canonical(line.strip()) for line in lines)
        return tuple(sorted(name for name in wanted if valid_name(name)))

    def remember(self, name: str) -> None:
        """Notes a name under which a gate was told to find the hub; a running hub takes it over.

        Args:
            name: one for which `valid_name` holds.

        Raises:
            PermanentError: HUB-1021 when it cannot be written.
        """
        if _canonical(name) in self.names():
            return
        try:
            self._make_folder()
            with (self._folder / NAMES).open("a", encoding="utf-8") as file:
                file.write(_canonical(name) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._refused(NAMES, error) from None

    def ensure(self) -> bool:
        """Sees to it that the broker's certificate is good for long; returns whether it is new.

        Raises:
            PermanentError: HUB-1021, see `ca_pem`.
        """
        key, authority = self._open_ca()
        names = self.names()
        standing = self._standing(authority, names)
        if (
            standing is not None
            and not standing.foreign
            and not standing.missing
            and standing.days >= RENEW_DAYS
        ):
            return False
        try:
            _replace(self.server_file, _issue(key, authority, names, self._now()))
        except OSError as error:
            raise self._refused(SERVER, error) from None
        return True

    def standing(self) -> Standing | None:
        """Returns how the broker's certificate stands, None when there is none; makes nothing.

        Raises:
            PermanentError: HUB-1021 when the CA cannot be read.
        """
        if not self.server_file.exists() or not self.ca_file.exists():
            return None
        try:
            authority = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except (OSError, ValueError) as error:
            raise self._refused(CA, error) from None
        return self._standing(authority, self.names())

    # ------------------------------------------------------------ inside

    def _now(self) -> datetime:
        # A small computer without a battery clock starts in 1970: what it issues must still last.
        return max(datetime.fromtimestamp(self._clock() / 1000, UTC), EARLIEST)

    def _refused(self, name: str, error: Exception) -> PermanentError:
        return PermanentError(
            "HUB-1021", file=str(self._folder / name), reason=type(error).__name__
        )

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _open_ca(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_file = self._folder / CA_KEY
        try:
            self._make_folder()
            if not key_file.exists() and not self.ca_file.exists():
                _make_once(key_file, _key_pem(ec.generate_private_key(ec.SECP256R1())))
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise self._refused(CA_KEY, error) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise self._refused(CA_KEY, ValueError())
        try:
            if not self.ca_file.exists():
                _make_once(self.ca_file, _pem(_make_ca(key, self._now())).encode())
            authority = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except (OSError, ValueError) as error:
            raise self._refused(CA, error) from None
        if authority.public_key() != key.public_key():
            raise self._refused(CA, ValueError())
        return key, authority

    def _standing(self, authority: x509.Certificate, names: tuple[str, ...]) -> Standing | None:
        """Returns None when there is no certificate that can be read."""
        try:
            content = self.server_file.read_bytes()
            certificate = x509.load_pem_x509_certificate(content)
            key = serialization.load_pem_private_key(content, None)
            carried = _carried(certificate)
        except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
            return None
        foreign = key.public_key() != certificate.public_key()
        try:
            certificate.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError, TypeError):
            foreign = True
        now = self._now()
        return Standing(
            days=(certificate.not_valid_after_utc - now).days,
            ca_days=(authority.not_valid_after_utc - now).days,
            missing=tuple(name for name in names if name not in carried),
            foreign=foreign,
        )


def client_context(ca_pem: str) -> ssl.SSLContext:
    """Returns what a client needs to trust this CA and no other, with the name checked.

    Raises:
        ssl.SSLError: it is no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca_pem)
    return context


def _canonical(name: str) -> str:
    """An address in its shortest form, a DNS name in small letters."""
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name.lower()


def _carried(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = names.get_values_for_type(x509.IPAddress)
    return {*names.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)}


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Two hubs have two names: whoever looks at a gate's settings sees which CA it trusts.
    text = f"Sitegate CA {identifier.digest[:4].hex()}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    ca_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: Iterable[str],
    now: datetime,
    days: int = SERVER_DAYS,
) -> bytes:
    """Returns a fresh key and its certificate for these names, as PEM, the key first."""
    key = ec.generate_private_key(ec.SECP256R1())
    carried: list[x509.GeneralName] = []
    for name in names:
        try:
            carried.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            carried.append(x509.DNSName(name))
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sitegate broker")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        # Never longer than the CA: what it signed would be refused from then on.
        .not_valid_after(min(now + timedelta(days=days), authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(carried), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    return _key_pem(key) + _pem(certificate).encode()


def _temporary(path: Path, content: bytes) -> str:
    """Writes `content`, on disk and for its owner only, beside `path`; returns its name."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _make_once(path: Path, content: bytes) -> None:
    """Makes the file whole, or leaves the one that another process has just made."""
    temporary = _temporary(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _replace(path: Path, content: bytes) -> None:
    os.replace(_temporary(path, content), path)
