"""A real hub whose clock reaches a due time, and a real mail server that gets the report, once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import COMMAND
from hub.domain.report_times import Cover, Kind, Rhythm, Timing
from hub.main import Hub
from hub.message_settings import MailSettings
from hub.settings import BrokerSettings, Settings
from hub.storage.engine import reading, writing
from hub.storage.report_schedules import ScheduleDraft, Schedules
from hub.storage.schema import notice
from tests.hub.derived import Site
from tests.hub.house import MILAN, NOON_MS, TestHouse, people_house, record
from tests.hub.patience import until
from tests.notices.servers import MailServer, mail_server

pytestmark = pytest.mark.processes
MINUTE_MS = 60_000
TO = ("werf@site.example", "bureau@main.example")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    """Somebody came at eleven; the list of today goes out at half past twelve."""
    pace = sys.getswitchinterval()
    with people_house(tmp_path / "data") as house:
        site = Site(house)
        site.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), NOON_MS - 60 * MINUTE_MS))
        site.project()
        yield house
    sys.setswitchinterval(pace)


def schedules(house: TestHouse, now_ms: int) -> str:
    """Plans the report; returns its handle."""
    timing = Timing(Rhythm.DAILY, Cover.TODAY, time(12, 30))
    draft = ScheduleDraft(Kind.DAY, timing, "csv", "nl", TO)
    with writing(house.house.engine) as connection:
        return Schedules(connection, house.house.vault, COMMAND, now_ms).add(draft)


def waiting(house: TestHouse) -> list[str]:
    """The state of every message."""
    with reading(house.house.engine) as connection:
        return list(connection.execute(select(notice.c.state)).scalars())


def test_a_report_leaves_the_hub_at_its_time_and_not_again_after_a_restart(
    house: TestHouse,
) -> None:
    now = [NOON_MS]
    server = MailServer()

    def hub(port: int) -> Hub:
        mail = MailSettings(host="127.0.0.1", port=port, security="none", sender="hub@site.example")
        settings = Settings(data=house.house.folder, broker=BrokerSettings(port=0), mail=mail)
        return Hub(settings, lambda: now[0])

    handle = schedules(house, NOON_MS)
    with mail_server(server):
        first = hub(server.port)
        try:
            first.start()
            assert waiting(house) == []
            now[0] = NOON_MS + 30 * MINUTE_MS
            first.scheduling.wake()
            until(lambda: len(server.taken) == 2, "the mails")
        finally:
            first.stop()
        now[0] += MINUTE_MS
        again = hub(server.port)
        try:
            again.start()
            with writing(house.house.engine) as connection:
                Schedules(connection, house.house.vault, COMMAND, now[0]).ask(handle)
            again.scheduling.wake()
            # What was asked for comes after whatever the start would have sent.
            until(lambda: len(server.taken) >= 4, "what was asked for")
        finally:
            again.stop()
    assert len(server.taken) == 4
    assert set(waiting(house)) == {"sent"}
    assert sorted(str(one["To"]) for one in server.taken) == sorted(TO * 2)
    for mail in server.taken:
        assert "Daglijst: Alle werven, maandag 23 november 2026" in str(mail["Subject"])
        body = mail.get_body(("plain",))
        assert body is not None
        assert "(1 regel)" in body.get_content()
        assert not {"Milan", "Aarts"} & set(body.get_content().split())
        (file,) = mail.iter_attachments()
        assert file.get_filename() == "daglijst-2026-11-23.csv"
        assert file.get_content_type() == "text/csv"
        assert "Aarts;Milan" in file.get_content()
        assert "85031299761" not in file.get_content()
