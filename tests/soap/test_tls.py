"""Over TLS: a service with a certificate we trust is called, any other hears nothing of us."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.application.ports import Registered
from hub.authority.soap import SoapAuthority
from hub.errors import StoppedError
from tests.soap.responder import Responder, answers, stores_all
from tests.soap.workers import employee


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a self-signed certificate for an address; returns the file with it and its key."""

    def make(address: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / f"{address}.pem"
        file.write_bytes(
            built.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return file

    return make


def served_with(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_trusted_service_is_called(certificate: Callable[[str], Path]) -> None:
    file = certificate("127.0.0.1")
    with Responder(answers(stores_all), tls=served_with(file)) as service:
        (result,) = SoapAuthority(service.url, ca_file=str(file)).register([employee(1)])
    assert isinstance(result, Registered)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_service_that_is_not_who_it_says_hears_nothing(
    certificate: Callable[[str], Path], trusted: bool
) -> None:
    # Trusted by nobody, or trusted and made for another address.
    file = certificate("127.0.0.2" if trusted else "127.0.0.1")
    with (
        Responder(answers(stores_all), tls=served_with(file)) as service,
        pytest.raises(StoppedError) as caught,
    ):
        SoapAuthority(service.url, ca_file=str(file) if trusted else None).register([employee(1)])
    assert caught.value.code == "HUB-1314"
    assert service.requests == []
