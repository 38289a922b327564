"""`sitegate doctor` looks at the certificate for the authority, and tells nobody."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.i18n import LANGUAGES
from tests.hub.command_line import Said, Sitegate
from tests.soap.verifier import NOW_MS, Pair, make_pair

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair(end_days=100)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """What would hear a request for a token."""
    with socket.create_server(("127.0.0.1", 0)) as heard:
        heard.settimeout(0)
        yield heard


@pytest.fixture
def signed(
    people: Sitegate,
    pair: Pair,
    tmp_path: Path,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> Sitegate:
    """A hub that signs, at the moment at which the certificates of the tests are valid."""
    pair.write(tmp_path).chmod(0o600)
    (tmp_path / "sitegate.toml").write_text(
        '[authority]\nprofile = "signed"\nurl = "http://127.0.0.1:1/"\n'
        f'sts_url = "http://127.0.0.1:{listener.getsockname()[1]}/"\n'
        'sender_number = "SIM-0001"\ncertificate = "hub.pem"\n'
    )
    at(monkeypatch, NOW_MS)
    return people


def at(monkeypatch: pytest.MonkeyPatch, now_ms: int) -> None:
    monkeypatch.setattr("hub.cli.doctor.now_ms", lambda: now_ms)


def found(said: Said) -> list[dict[str, Any]]:
    return [f for f in said.json["findings"] if f["subject"] == "authority_certificate"]


def verdict(sitegate: Sitegate) -> tuple[str, str, dict[str, Any]]:
    """(state, code, values) of the one thing doctor says of the certificate."""
    said = sitegate("doctor", "--json")
    (finding,) = found(said)
    assert said.code == (1 if finding["state"] == "fault" else 0)
    return finding["state"], finding["code"], finding["values"]


def test_a_good_one_and_nobody_is_asked(signed: Sitegate, listener: socket.socket) -> None:
    assert verdict(signed) == ("ok", "doctor.authority_certificate", {"days": 100})
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    ("after_days", "state", "code"),
    [
        (70, "ok", "doctor.authority_certificate"),
        (71, "warning", "HUB-1338"),
        (99, "warning", "HUB-1338"),
        (101, "fault", "HUB-1334"),
        (-2, "fault", "HUB-1334"),
    ],
)
def test_its_end_is_seen_coming(
    signed: Sitegate, monkeypatch: pytest.MonkeyPatch, after_days: int, state: str, code: str
) -> None:
    at(monkeypatch, NOW_MS + after_days * DAY_MS)
    assert verdict(signed)[:2] == (state, code)


def test_a_file_that_is_missing_or_holds_something_else(signed: Sitegate, tmp_path: Path) -> None:
    file = tmp_path / "hub.pem"
    file.write_bytes(b"x")
    assert verdict(signed)[:2] == ("fault", "HUB-1332")
    file.unlink()
    assert verdict(signed)[:2] == ("fault", "HUB-1330")


def test_a_key_that_does_not_fit(signed: Sitegate, pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "hub.pem").write_bytes(pair.pem_certificate + make_pair().pem_key())
    assert verdict(signed)[:2] == ("fault", "HUB-1333")


def test_a_password_that_is_wrong(
    signed: Sitegate, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hub.pem").write_bytes(pair.pkcs12(b"right"))
    (tmp_path / "word").write_text("wrong\n")
    monkeypatch.setenv("SITEGATE_AUTHORITY__CERTIFICATE_PASSWORD_FILE", "word")
    assert verdict(signed)[:2] == ("fault", "HUB-1331")
    (tmp_path / "word").write_text("right\n")
    (tmp_path / "hub.pem").chmod(0o600)
    (tmp_path / "word").chmod(0o600)
    assert verdict(signed)[:2] == ("ok", "doctor.authority_certificate")


def test_a_setting_that_is_missing(signed: Sitegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEGATE_AUTHORITY__SENDER_NUMBER", "")
    assert verdict(signed) == ("fault", "HUB-1337", {"key": "authority.sender_number"})


def test_an_address_of_the_token_service_that_cannot_be_used(
    signed: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEGATE_AUTHORITY__STS_URL", "http://sts.example/")
    assert verdict(signed)[:2] == ("fault", "HUB-1318")


def test_a_key_that_others_can_read_is_said_beside(signed: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "hub.pem").chmod(0o644)
    said = signed("doctor", "--json")
    assert said.code == 0
    codes = [(finding["state"], finding["code"]) for finding in found(said)]
    assert codes == [
        ("ok", "doctor.authority_certificate"),
        ("warning", "doctor.authority_certificate_keys"),
    ]


def test_unsigned_has_nothing_to_look_at(signed: Sitegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEGATE_AUTHORITY__PROFILE", "unsigned")
    assert found(signed("doctor", "--json")) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("after_days", [0, 90, 200])
def test_it_is_told_in_every_language(
    signed: Sitegate, monkeypatch: pytest.MonkeyPatch, language: str, after_days: int
) -> None:
    at(monkeypatch, NOW_MS + after_days * DAY_MS)
    monkeypatch.setenv("SITEGATE_LANGUAGE", language)
    said = signed("doctor")
    assert "{" not in said.out
    assert ("100" if after_days == 0 else "HUB-13") in said.out
