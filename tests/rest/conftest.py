"""A channel of the test: its key, and what the hub makes of its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from hub.application.evidence import Exchange
from hub.authority.in_out import in_out_authority
from hub.authority.rest import RestAuthority
from hub.settings import InOutSettings
from tests.rest.acts import ACT_MS
from tests.rest.service import Service

CLIENT = "sim-client-7"


class Clock:
    """A clock that a test moves; UTC milliseconds."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def __call__(self) -> int:
        return self.at_ms


Make = Callable[..., RestAuthority]


def certified(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Returns a certificate of a key, self-signed."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test channel")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Returns certificate and key as one PEM file holds them."""
    return certified(key).public_bytes(Encoding.PEM) + key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """The channel's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def key_file(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its certificate in a PEM file."""
    file = tmp_path_factory.mktemp("key") / "channel.pem"
    file.write_bytes(pem(key))
    return file


@pytest.fixture
def clock() -> Clock:
    """Three seconds after the act of the tests."""
    return Clock(ACT_MS + 3000)


@pytest.fixture
def kept() -> list[Exchange]:
    """The evidence that was kept."""
    return []


@pytest.fixture
def makes(key_file: Path, clock: Clock, kept: list[Exchange]) -> Callable[..., Any]:
    """Returns what the factory returns for a service and other settings."""

    def make(service: Service, **changed: Any) -> Any:
        values: dict[str, Any] = {
            "url": service.url,
            "token_url": service.token_url,
            "client_id": CLIENT,
            "certificate": str(key_file),
            "connect_timeout_s": 1,
            "read_timeout_s": 5,
        }
        return in_out_authority(InOutSettings(**values | changed), clock, kept.append)

    return make


@pytest.fixture
def make(makes: Callable[..., Any]) -> Make:
    """Returns an adapter for a service and other settings."""
    return lambda service, **changed: makes(service, **changed)()
