"""`sitegate doctor` on the broker's certificate: near its end, of another CA, without a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.i18n import LANGUAGES
from hub.terminals.certificates import (
    CA_DAYS,
    CA_WARN_DAYS,
    FOLDER,
    SERVER,
    SERVER_DAYS,
    WARN_DAYS,
    Certificates,
)
from tests.hub.command_line import Sitegate

DAY_MS = 86_400_000
DATA = Path("sitegate-data")


@pytest.fixture
def site(people: Sitegate, tmp_path: Path) -> Sitegate:
    """A hub on a network, so with TLS."""
    (tmp_path / "sitegate.toml").write_text('[broker]\nhost = "0.0.0.0"\n')
    return people


def issued() -> Certificates:
    """The hub's certificates, made now."""
    certificates = Certificates(DATA, "0.0.0.0", now_ms)
    certificates.ensure()
    return certificates


def pass_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """So many days later, for doctor."""
    monkeypatch.setattr("hub.cli.doctor.now_ms", lambda: now_ms() + days * DAY_MS)


def verdict(sitegate: Sitegate) -> tuple[str, str]:
    """(state, code) of what doctor says of the certificate."""
    said = sitegate("doctor", "--json")
    (found,) = [f for f in said.json["findings"] if f["subject"] == "certificate"]
    assert said.code == (1 if found["state"] == "fault" else 0)
    return found["state"], found["code"]


def test_before_the_first_start_there_is_none_and_to_look_makes_none(site: Sitegate) -> None:
    assert verdict(site) == ("ok", "doctor.certificate_none")
    assert not (DATA / FOLDER).exists()


def test_a_good_one(site: Sitegate) -> None:
    issued()
    assert verdict(site) == ("ok", "doctor.certificate")


def test_without_encryption_on_a_network_there_is_something_to_look_at(
    site: Sitegate, tmp_path: Path
) -> None:
    (tmp_path / "sitegate.toml").write_text('[broker]\nhost = "0.0.0.0"\ntls = "off"\n')
    assert verdict(site) == ("warning", "doctor.certificate_off")
    (tmp_path / "sitegate.toml").write_text("")
    assert verdict(site) == ("ok", "doctor.certificate_off")


@pytest.mark.parametrize(
    ("days", "state"),
    [(SERVER_DAYS - WARN_DAYS + 1, "warning"), (SERVER_DAYS + 1, "fault")],
)
def test_one_that_ends_or_has_ended(
    site: Sitegate, monkeypatch: pytest.MonkeyPatch, days: int, state: str
) -> None:
    issued()
    pass_days(monkeypatch, days)
    assert verdict(site) == (state, "HUB-1023")


def test_a_ca_that_ends(site: Sitegate, monkeypatch: pytest.MonkeyPatch) -> None:
    issued()
    days = CA_DAYS - CA_WARN_DAYS + 1
    pass_days(monkeypatch, days)
    Certificates(DATA, "0.0.0.0", lambda: now_ms() + days * DAY_MS).ensure()
    assert verdict(site) == ("warning", "HUB-1025")


def foreign() -> None:
    other = Certificates(Path("other"), "0.0.0.0", now_ms)
    other.ensure()
    (DATA / FOLDER / SERVER).write_bytes(other.server_file.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (foreign, ("fault", "HUB-1024")),
        (lambda: issued().remember("hub.example"), ("warning", "HUB-1024")),
        (lambda: (DATA / FOLDER / "ca.pem").write_text("rubbish"), ("fault", "HUB-1021")),
    ],
    ids=["another CA", "a name is missing", "no CA"],
)
def test_one_that_does_not_fit(
    site: Sitegate, spoil: Callable[[], object], found: tuple[str, str]
) -> None:
    issued()
    spoil()
    assert verdict(site) == found


def test_every_language_tells_it_whole(site: Sitegate, monkeypatch: pytest.MonkeyPatch) -> None:
    issued()
    pass_days(monkeypatch, SERVER_DAYS + 1)
    for language in LANGUAGES:
        said = site("--language", language, "doctor")
        assert "HUB-1023" in said.out
