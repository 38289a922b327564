"""A running hub tells people: threads, settings and certificates put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import time
from pathlib import Path

import pytest

from hub.application.alert_readings import Facts
from hub.application.overview import AuthorityStatus
from hub.domain.alert_times import Recipient
from hub.domain.alerts import Kind
from hub.errors import UsageError
from hub.settings import Settings, load_settings
from hub.storage.engine import reading
from hub.storage.house import House, open_house
from hub.storage.notices import channel_states
from hub.storage.plans import by_itself
from hub.telling import Telling, certificates_of, wanted_of
from hub.terminals.certificates import Certificates
from tests.hub.house import NOON_MS
from tests.hub.patience import until
from tests.notices.servers import mail_server, receiver

DAY_MS = 86_400_000


class Stopped:
    """The authority refuses us."""

    def facts(self, now_ms: int) -> Facts:
        """See `FactsPort`."""
        status = AuthorityStatus("stopped", error_code="HUB-1334", unsent=3)
        return Facts(now_ms, 0, authority=status)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(open_house(tmp_path / "data")) as opened:
        yield opened


def load(folder: Path, text: str) -> Settings:
    file = folder / "sitegate.toml"
    file.write_text(text)
    return load_settings(file, {})


def test_a_hub_that_starts_tells_by_mail_and_by_call(house: House, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("shared\n")
    with mail_server() as server, receiver() as hook:
        settings = load(
            tmp_path,
            f"""
            [mail]
            host = "127.0.0.1"
            port = {server.port}
            security = "none"
            sender = "hub@site.example"
            [alerts]
            webhook_url = "http://127.0.0.1:{hook.port}/alerts"
            webhook_secret_file = "{secret}"
            [[alerts.recipients]]
            to = "sofie@site.example"
            language = "de"
            [[alerts.recipients]]
            channel = "webhook"
            """,
        )
        telling = Telling(
            settings, house.engine, house.vault, by_itself(house.engine), lambda: NOON_MS,
            lambda: None, "https://hub.example", Stopped(),
        )  # fmt: skip
        telling.start()
        try:
            until(lambda: server.taken and hook.got, "both messages")
        finally:
            telling.stop()
    assert server.subjects == [
        "Hub: DRINGEND, der Anwesenheitsdienst verweigert uns den Zugang (HUB-1334)"
    ]
    with reading(house.engine) as connection:
        states = channel_states(connection)
    assert {name: state.waiting for name, state in states.items()} == {"mail": 0, "webhook": 0}


def test_settings_become_what_is_wanted(tmp_path: Path) -> None:
    wanted = wanted_of(
        load(
            tmp_path,
            """
            [mail]
            host = "127.0.0.1"
            sender = "hub@site.example"
            [alerts]
            receipt_minutes = 45
            authority_minutes = 20
            digest_at = "07:30"
            quiet_from = 21:00:00
            escalate_minutes = 10
            [[alerts.recipients]]
            to = "sofie@site.example"
            step = 2
            sites = ["Werf Noord"]
            at_once = true
            """,
        ),
        "https://hub.example",
    )
    assert wanted.limits.receipt_minutes == 45
    assert wanted.after_ms == {Kind.AUTHORITY: 20 * 60_000}
    assert (wanted.timing.quiet_from, wanted.timing.digest_at) == (time(21), time(7, 30))
    assert wanted.escalate_ms == 600_000
    assert wanted.recipients == (
        Recipient("mail", "sofie@site.example", "nl", 2, frozenset({"Werf Noord"}), True),
    )
    assert wanted.last_step == 2


@pytest.mark.parametrize(
    "text",
    [
        '[mail]\nhost = "h"',
        '[mail]\nhost = "h"\nsender = "a@b"\nuser = "u"\nsecurity = "none"',
        '[mail]\nsender = "no address"',
        '[[alerts.recipients]]\nto = "no address"',
        '[[alerts.recipients]]\nchannel = "webhook"',
        '[[alerts.recipients]]\nchannel = "others"\nto = "x"',
        '[alerts]\nwebhook_url = "https://hub.example"',
        '[alerts]\nwebhook_url = "https://user:secret@hub.example"\nwebhook_secret_file = "x"',
        '[alerts]\ndigest_at = "7"',
        '[[alerts.recipients]]\nto = "a@b"\nlang = "fr"',
    ],
)
def test_settings_that_cannot_work_stop_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        load(tmp_path, text)


def test_the_brokers_certificate_is_looked_at_where_gates_check_it(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data": tmp_path, "broker": {"tls": "on"}})
    look = certificates_of(settings, lambda: NOON_MS)
    assert look(NOON_MS) == []
    Certificates(tmp_path, settings.broker.host, lambda: NOON_MS).ensure()
    names = {one.name: one.days for one in look(NOON_MS)}
    assert set(names) == {"broker", "broker_ca"}
    assert 0 < names["broker"] < names["broker_ca"]
    open_ = Settings.model_validate({"data": tmp_path, "broker": {"tls": "off"}})
    assert certificates_of(open_, lambda: NOON_MS)(NOON_MS) == []


def test_a_certificate_that_cannot_be_read_is_no_date(tmp_path: Path) -> None:
    said = {"url": "https://service.example", "certificate": str(tmp_path / "none.pem")}
    settings = Settings.model_validate({"data": tmp_path, "in_out": said})
    assert certificates_of(settings, lambda: NOON_MS)(NOON_MS + DAY_MS) == []
