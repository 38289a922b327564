"""The hub's CA: made once, never lost silently; the broker's certificate renewed by itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.errors import PermanentError
from hub.terminals.certificates import (
    CA,
    CA_DAYS,
    CA_KEY,
    FOLDER,
    NAMES,
    RENEW_DAYS,
    SERVER,
    SERVER_DAYS,
    Certificates,
    client_context,
    valid_name,
)

DAY_MS = 86_400_000
NOW_MS = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 1000
PICO_STARTS = datetime(2021, 1, 1, tzinfo=UTC)


class HandClock:
    """Milliseconds that only a test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def certificates(tmp_path: Path, clock: HandClock) -> Certificates:
    return Certificates(tmp_path, "192.0.2.10", clock)


def shown(certificates: Certificates) -> x509.Certificate:
    """The broker's certificate."""
    return x509.load_pem_x509_certificate(certificates.server_file.read_bytes())


def test_everything_is_made_once_and_for_its_owner_only(
    certificates: Certificates, tmp_path: Path
) -> None:
    assert certificates.standing() is None
    assert not (tmp_path / FOLDER).exists()
    assert certificates.ensure()
    ca, served = certificates.ca_pem(), certificates.server_file.read_bytes()
    assert not certificates.ensure()
    assert (certificates.ca_pem(), certificates.server_file.read_bytes()) == (ca, served)
    folder = tmp_path / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {CA, CA_KEY, SERVER}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_gate_can_verify_it_whatever_its_clock_says(certificates: Certificates) -> None:
    certificates.ensure()
    authority = x509.load_pem_x509_certificate(certificates.ca_pem().encode())
    for certificate in (authority, shown(certificates)):
        assert certificate.not_valid_before_utc < PICO_STARTS
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
    shown(certificates).verify_directly_issued_by(authority)
    # It must fit a settings file of a gate (`firmware/settings.py`, CA_MAX).
    assert len(certificates.ca_pem()) < 2048


def test_names_and_addresses_are_in_it_as_what_they_are(certificates: Certificates) -> None:
    for name in ("Hub.Werf.Example", "192.0.2.77", "2001:DB8::0007", "192.0.2.10"):
        certificates.remember(name)
    assert certificates.ensure()
    names = shown(certificates).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    dns = names.value.get_values_for_type(x509.DNSName)
    addresses = [str(each) for each in names.value.get_values_for_type(x509.IPAddress)]
    assert {"localhost", "hub.werf.example"} <= set(dns)
    assert {"127.0.0.1", "::1", "192.0.2.10", "192.0.2.77", "2001:db8::7"} == set(addresses)


def test_a_new_name_a_new_host_and_the_end_of_its_time_issue_it_again(
    certificates: Certificates, tmp_path: Path, clock: HandClock
) -> None:
    assert certificates.ensure()
    certificates.remember("hub.example")
    certificates.remember("HUB.example")
    assert (tmp_path / FOLDER / NAMES).read_text() == "hub.example\n"
    standing = certificates.standing()
    assert standing is not None
    assert standing.missing == ("hub.example",)
    assert certificates.ensure()
    assert not certificates.ensure()
    moved = Certificates(tmp_path, "192.0.2.11", clock)
    assert moved.ensure()
    assert "hub.example" in moved.names()
    clock.now_ms += (SERVER_DAYS - RENEW_DAYS) * DAY_MS
    assert not moved.ensure()
    clock.now_ms += 1
    ca = moved.ca_pem()
    assert moved.ensure()
    assert moved.ca_pem() == ca  # gates need nothing new
    standing = moved.standing()
    assert standing is not None
    assert (standing.days, standing.missing, standing.foreign) == (SERVER_DAYS - 1, (), False)


def test_it_never_outlives_its_ca(certificates: Certificates, clock: HandClock) -> None:
    certificates.ensure()
    clock.now_ms += (CA_DAYS - 100) * DAY_MS
    assert certificates.ensure()
    standing = certificates.standing()
    assert standing is not None
    assert standing.days == standing.ca_days == 100


def test_a_machine_whose_clock_was_never_set_issues_what_lasts(
    certificates: Certificates, clock: HandClock
) -> None:
    clock.now_ms = 0
    assert certificates.ensure()
    clock.now_ms = NOW_MS
    assert not certificates.ensure()


def test_everywhere_is_no_name(tmp_path: Path, clock: HandClock) -> None:
    names = Certificates(tmp_path, "0.0.0.0", clock).names()
    assert "0.0.0.0" not in names
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / SERVER).write_text("rubbish"),
        lambda folder: (folder / SERVER).unlink(),
        lambda folder: (folder / SERVER).write_text((folder / CA).read_text()),
        lambda folder: (folder / SERVER).write_bytes(other_ca(folder)),
    ],
    ids=["rubbish", "gone", "no key", "of another CA"],
)
def test_a_spoiled_server_certificate_is_issued_again(
    certificates: Certificates, tmp_path: Path, spoil: object
) -> None:
    certificates.ensure()
    spoil(tmp_path / FOLDER)  # pyright: ignore[reportCallIssue]
    assert certificates.ensure()
    authority = x509.load_pem_x509_certificate(certificates.ca_pem().encode())
    shown(certificates).verify_directly_issued_by(authority)


def other_ca(folder: Path) -> bytes:
    """A server certificate of another hub."""
    other = Certificates(folder / "other", "192.0.2.10", lambda: NOW_MS)
    other.ensure()
    return other.server_file.read_bytes()


@pytest.mark.parametrize("name", [CA, CA_KEY])
@pytest.mark.parametrize("spoil", ["gone", "rubbish", "of another"])
def test_a_ca_that_is_spoiled_is_told_and_never_replaced(
    certificates: Certificates, tmp_path: Path, name: str, spoil: str
) -> None:
    certificates.ensure()
    path = tmp_path / FOLDER / name
    before = {each.name: each.read_bytes() for each in (tmp_path / FOLDER).iterdir()}
    if spoil == "gone":
        path.unlink()
    elif spoil == "rubbish":
        path.write_text("-----BEGIN RUBBISH-----")
    else:
        other_ca(tmp_path)
        path.write_bytes((tmp_path / "other" / FOLDER / name).read_bytes())
    if (name, spoil) == (CA, "gone"):
        # Its key is there: the gates' copies are as good as a new certificate of the same key.
        assert certificates.ca_pem() != before[CA].decode()
        return
    with pytest.raises(PermanentError) as caught:
        certificates.ensure()
    assert caught.value.code == "HUB-1021"
    left = {each.name: each.read_bytes() for each in (tmp_path / FOLDER).iterdir()}
    for other in (CA, CA_KEY, SERVER):
        if other != name:
            assert left[other] == before[other]


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("192.0.2.10", True),
        ("2001:db8::7", True),
        ("hub", True),
        ("hub.werf-noord.example", True),
        ("hub.local", True),
        ("", False),
        ("hub..example", False),
        ("-hub.example", False),
        ("hub_1.example", False),
        ("h\u00fcb.example", False),
        ("a" * 64, False),
        (".".join(["a" * 60] * 5), False),
        ("192.0.2.10:8883", False),
        ("hub.example/x", False),
    ],
)
def test_what_a_certificate_can_carry(name: str, good: bool) -> None:
    assert valid_name(name) is good


def test_a_client_trusts_this_ca_only_and_checks_the_name(certificates: Certificates) -> None:
    context = client_context(certificates.ca_pem())
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    with pytest.raises(ssl.SSLError):
        client_context("no certificate")


def test_the_key_in_the_server_file_is_its_own(certificates: Certificates) -> None:
    certificates.ensure()
    content = certificates.server_file.read_bytes()
    key = serialization.load_pem_private_key(content, None)
    assert key.public_key() == shown(certificates).public_key()
