"""The adapters that the settings describe: one for each worker, one token for all of them."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.application.evidence import Exchange
from hub.application.ports import Registered
from hub.authority.day import NEEDED, day_authority
from hub.errors import StoppedError, UsageError
from hub.settings import AuthoritySettings, load_settings
from tests.soap.responder import Responder, answers, stores_all
from tests.soap.test_tls import certificate, served_with  # noqa: F401
from tests.soap.verifier import NOW_MS, SENDER, Issuer, Pair, make_pair, verify
from tests.soap.workers import employee, reference

ELSEWHERE = "http://127.0.0.1:1/"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair()


def signed(service: str, sts: str, file: Path | str, **more: object) -> AuthoritySettings:
    values = {
        "profile": "signed",
        "url": service,
        "sts_url": sts,
        "sender_number": SENDER,
        "certificate": str(file),
    }
    return AuthoritySettings.model_validate(values | more)


def test_workers_have_adapters_of_their_own_and_one_token(pair: Pair, tmp_path: Path) -> None:
    issuer = Issuer()
    kept: list[Exchange] = []
    file = pair.write(tmp_path)
    with (
        Responder(answers(issuer.answer)) as sts,
        Responder(answers(stores_all)) as service,
        ThreadPoolExecutor(4) as workers,
    ):
        make = day_authority(signed(service.url, sts.url, file), lambda: NOW_MS, kept.append)
        assert sts.connections == 0
        ports = [make() for _ in range(4)]
        assert len({id(port) for port in ports}) == 4
        jobs = [
            workers.submit(port.register, [employee(index)]) for index, port in enumerate(ports)
        ]
        assert [job.result(60)[0].reference for job in jobs] == [reference(n) for n in range(4)]
    assert len(issuer.requests) == 1
    for request in service.requests:
        assert verify(request.body, issuer.certificate).assertion_id == "_assertion1"
        assert request.header("X-Sim-Sender") == ""
    assert sorted(exchange.request for exchange in kept) == sorted(r.body for r in service.requests)
    assert {exchange.at_ms for exchange in kept} == {NOW_MS}


@pytest.mark.parametrize("sender", ["", "SIM-0002"])
def test_the_unsigned_profile_tells_a_sender_only_if_it_is_set(sender: str) -> None:
    with Responder(answers(stores_all)) as service:
        settings = AuthoritySettings(url=service.url, sender_number=sender)
        (result,) = day_authority(settings, lambda: NOW_MS)().register([employee(1)])
    assert isinstance(result, Registered)
    (request,) = service.requests
    assert request.header("X-Sim-Sender") == sender
    assert b"Security" not in request.body


@pytest.mark.parametrize("name", NEEDED)
def test_the_signed_profile_says_which_setting_is_missing(name: str) -> None:
    settings = signed(ELSEWHERE, ELSEWHERE, "hub.pem", **{name: ""})
    with pytest.raises(UsageError) as caught:
        day_authority(settings, lambda: NOW_MS)
    assert (caught.value.code, caught.value.extra) == ("HUB-1337", {"key": f"authority.{name}"})


def test_addresses_that_would_not_be_safe_are_refused_at_once() -> None:
    for service, sts in ((ELSEWHERE, "http://sts.example/"), ("http://x.example/", ELSEWHERE)):
        with pytest.raises(UsageError) as caught:
            day_authority(signed(service, sts, "hub.pem"), lambda: NOW_MS)
        assert caught.value.code == "HUB-1318"


@pytest.mark.parametrize(("content", "code"), [(None, "HUB-1330"), (b"nothing", "HUB-1332")])
def test_authorities_that_cannot_be_read_are_said_at_once(
    content: bytes | None, code: str, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    settings = AuthoritySettings(url="https://services.example/", ca_file=str(file))
    with pytest.raises(UsageError) as caught:
        day_authority(settings, lambda: NOW_MS)
    assert (caught.value.code, caught.value.extra["file"]) == (code, str(file))


def test_a_hub_whose_certificate_was_lost_starts_and_says_so_when_it_calls(tmp_path: Path) -> None:
    settings = signed(ELSEWHERE, ELSEWHERE, tmp_path / "none.pem")
    port = day_authority(settings, lambda: NOW_MS)()
    with pytest.raises(StoppedError) as caught:
        port.register([employee(1)])
    assert caught.value.code == "HUB-1330"


def test_both_addresses_are_believed_by_the_same_authorities(
    certificate: Callable[[str], Path],  # noqa: F811
    pair: Pair,
    tmp_path: Path,
) -> None:
    ca = certificate("127.0.0.1")
    tls: ssl.SSLContext = served_with(ca)
    issuer = Issuer()
    file = pair.write(tmp_path)
    with (
        Responder(answers(issuer.answer), tls=tls) as sts,
        Responder(answers(stores_all), tls=tls) as service,
    ):
        known = signed(service.url, sts.url, file, ca_file=str(ca))
        (result,) = day_authority(known, lambda: NOW_MS)().register([employee(1)])
        assert isinstance(result, Registered)
        unknown = signed(service.url, sts.url, file)
        with pytest.raises(StoppedError) as caught:
            day_authority(unknown, lambda: NOW_MS)().register([employee(2)])
        assert caught.value.code == "HUB-1314"
        assert (len(sts.requests), len(service.requests)) == (1, 1)


@pytest.mark.parametrize("number", ["SIM 1", "a\r\nX: y", "é", "x" * 33, "<a>"])
def test_a_sender_number_that_could_be_more_than_a_number_is_no_setting(number: str) -> None:
    with pytest.raises(ValueError, match="sender_number"):
        AuthoritySettings(sender_number=number)


def test_the_settings_come_from_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sitegate.toml"
    file.write_text('[authority]\nprofile = "signed"\ncertificate = "hub.p12"\nsign_token = true\n')
    monkeypatch.setenv("SITEGATE_AUTHORITY__CERTIFICATE_PASSWORD_FILE", "/run/word")
    found = load_settings(file).authority
    assert (found.profile, found.certificate, found.sign_token) == ("signed", "hub.p12", True)
    assert found.certificate_password_file == "/run/word"
    file.write_text('[authority]\nprofile = "open"\n')
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.code == "HUB-1002"


def test_making_the_adapters_loads_no_soap_or_signing_library() -> None:
    code = (
        "import sys\n"
        "from hub.authority.day import day_authority\n"
        "from hub.settings import AuthoritySettings\n"
        "values = dict(profile='signed', url='http://127.0.0.1:1/', sts_url='http://127.0.0.1:1/',"
        " sender_number='1', certificate='x')\n"
        "day_authority(AuthoritySettings(**values), lambda: 0)()\n"
        "print(sorted({'zeep', 'lxml', 'requests', 'signxml'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
