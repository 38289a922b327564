"""The page of alerts: open ones first, taken care of with one press, tests of each channel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete, select

from hub.application.access import Actor
from hub.domain.alert_times import Recipient
from hub.domain.alerts import Alert, Event, Kind
from hub.domain.rights import Role
from hub.message_settings import AlertSettings, MailSettings, RecipientSettings
from hub.storage.alerts import Book, handle_of
from hub.storage.engine import reading, writing
from hub.storage.schema import alert, alert_telling, notice
from hub.telling import Telling
from hub.web.access import FORM_FIELD, install_access
from hub.web.pages.alerts import alerts_pages
from tests.hub.house import NOON_MS
from tests.notices.servers import mail_server
from tests.web.actors import ADMINISTRATOR, CSRF, Everybody
from tests.web.isolation import application
from tests.web.two_companies import World, two_companies

MINUTE = 60_000
SUPERVISOR = Actor(
    "account:2", Role.SUPERVISOR, "Sofie", sites=frozenset({7}), account_id=2, csrf=CSRF
)
DETAILS = {"site": "Werf Noord", "gate": "Kraan", "minutes": 30, "companies": "Aldershof (3)"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_companies(tmp_path_factory.mktemp("alerts"), True) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_left(world: World) -> None:
    with writing(world.engine) as connection:
        connection.execute(delete(alert_telling))
        connection.execute(delete(alert))
        connection.execute(delete(notice))


def telling(world: World, port: int = 1) -> Telling:
    """One recipient by a mail server on that port."""
    mail = MailSettings(host="127.0.0.1", port=port, security="none", sender="hub@site.example")
    told = RecipientSettings(to="sofie@site.example", language="fr")
    settings = world.office.settings.model_copy(
        update={"mail": mail, "alerts": AlertSettings(recipients=[told])}
    )
    return Telling(
        settings, world.engine, world.vault, world.office.write, world.office.clock,
        lambda: None, "http://hub.example",
    )  # fmt: skip


def browser(world: World, actor: Actor = ADMINISTRATOR, port: int = 1) -> TestClient:
    app = FastAPI()
    install_access(app, Everybody(actor))
    app.include_router(alerts_pages(world.office, telling(world, port)))
    return TestClient(app, follow_redirects=False, headers={"Accept-Language": "en"})


def add(world: World, kind: Kind = Kind.RECEIPT, **more: object) -> str:
    """An open alert of the own site; returns its handle."""
    made = Alert(kind, "x", 7, DETAILS, 3, 3, NOON_MS - 40 * MINUTE, NOON_MS - 30 * MINUTE)
    made = replace(made, **more)  # pyright: ignore[reportArgumentType]
    with writing(world.engine) as connection:
        row = Book(connection, world.vault).add(made)
    return handle_of(world.vault, row)


def take(client: TestClient, handle: str, note: str = "") -> int:
    sent = {FORM_FIELD: CSRF, "note": note}
    return client.post(f"/alerts/{handle}/acknowledge", data=sent).status_code


def test_without_an_alert_all_is_well(world: World) -> None:
    assert "Nothing is open" in browser(world).get("/alerts").text


def test_what_nobody_took_care_of_is_first_and_says_what_to_do(world: World) -> None:
    seen = {"acked_ms": NOON_MS, "acked_by": "account:50", "ack_note": "I <call> them"}
    add(world, Kind.GATE, subject="g lid", details={**DETAILS, "alarm": "lid"}, **seen)
    add(world)
    page = browser(world).get("/alerts").text
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[0].startswith("3 people on site without a number for more than 30 minutes")
    assert "(Aldershof (3))" in titles[0]
    assert titles[1].startswith("Gate Kraan:")
    assert "The dashboard says for each what is missing" in page
    assert "2 open alerts" in page
    assert "I &lt;call&gt; them" in page
    assert "Taken care of by" in page
    assert page.count("/acknowledge") == 1


def test_one_press_takes_care_of_it_and_a_second_changes_nothing(world: World) -> None:
    handle, client = add(world), browser(world)
    answer = client.post(f"/alerts/{handle}/acknowledge", data={FORM_FIELD: CSRF})
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/alerts?said=acknowledged",
    )  # fmt: skip
    answer = client.post(f"/alerts/{handle}/acknowledge", data={FORM_FIELD: CSRF, "note": "late"})
    assert answer.headers["location"] == "/alerts?said=settled"
    with reading(world.engine) as connection:
        row = connection.execute(select(alert)).one()
    assert (row.acked_by, row.acked_ms, row.ack_note) == ("account:1", NOON_MS, "")


def test_without_the_token_of_the_session_nothing_is_done(world: World) -> None:
    handle = add(world)
    assert browser(world).post(f"/alerts/{handle}/acknowledge").status_code == 403
    with reading(world.engine) as connection:
        assert connection.execute(select(alert.c.acked_ms)).scalar_one() is None


def test_a_supervisor_sees_and_takes_what_is_of_his_site_or_of_all(world: World) -> None:
    own = add(world)
    hub = add(world, Kind.AUTHORITY, site_id=None, details={"code": "HUB-1301", "unsent": 2})
    other = add(
        world, Kind.SILENT, subject="y", site_id=2, details={**DETAILS, "site": "Werf Zuid"}
    )
    client = browser(world, SUPERVISOR)
    page = client.get("/alerts").text
    assert "Werf Noord" in page
    assert "presence service" in page
    assert "Werf Zuid" not in page
    assert [take(client, one) for one in (own, hub)] == [303, 303]
    # What is another's is not there, exactly like what does not exist.
    not_his = client.post(f"/alerts/{other}/acknowledge", data={FORM_FIELD: CSRF})
    nowhere = client.post(f"/alerts/{'f' * 16}/acknowledge", data={FORM_FIELD: CSRF})
    assert (not_his.status_code, not_his.text) == (nowhere.status_code, nowhere.text)
    assert not_his.status_code == 404


def test_channels_and_their_tests_are_of_who_may_everything(world: World) -> None:
    assert "sofie@site.example" not in browser(world, SUPERVISOR).get("/alerts").text
    answer = browser(world, SUPERVISOR).post(
        "/alerts/test", data={FORM_FIELD: CSRF, "recipient": "0"}
    )
    assert answer.status_code == 404
    assert "sofie@site.example" in browser(world).get("/alerts").text


def test_a_test_arrives_and_lets_what_waited_go_at_once(world: World) -> None:
    with mail_server() as server:
        client = browser(world, port=server.port)
        answer = client.post("/alerts/test", data={FORM_FIELD: CSRF, "recipient": "0"})
    assert answer.headers["location"] == "/alerts?said=tested"
    assert server.subjects == ["Sitegate : message d'essai"]
    assert client.post("/alerts/test", data={FORM_FIELD: CSRF, "recipient": "1"}).status_code == 404


def test_a_test_that_fails_says_why_on_the_page(world: World) -> None:
    answer = browser(world).post("/alerts/test", data={FORM_FIELD: CSRF, "recipient": "0"})
    assert answer.status_code == 400
    assert "HUB-1802" in answer.text
    assert "does not answer as it should" in answer.text


def test_who_was_told_stands_with_the_alert(world: World) -> None:
    add(world)
    to = Recipient("mail", "sofie@site.example", "nl")
    with writing(world.engine) as connection:
        book = Book(connection, world.vault)
        (kept,) = book.standing()
        book.tell(kept.row, Event.RISEN, to, NOON_MS, NOON_MS)
        book.tell(kept.row, Event.ESCALATED, to, NOON_MS, NOON_MS + 30 * MINUTE)
    page = browser(world).get("/alerts").text
    assert "sofie@site.example: new, due at 12:00" in page
    assert "sofie@site.example: nobody reacted, due at 12:30" in page


def test_what_is_over_is_paged_newest_first(world: World) -> None:
    for number in range(51):
        add(world, subject=str(number), cleared_ms=NOON_MS - number * MINUTE)
    first, second = (browser(world).get(f"/alerts?page={page}").text for page in (1, 2))
    assert first.count('<td data-label="Begin">') == 50
    assert second.count('<td data-label="Begin">') == 1
    assert '<td data-label="End">12:00</td>' in first
    assert '<td data-label="End">11:10</td>' in second


def test_the_board_says_how_many_wait_to_those_who_may_see_them(world: World) -> None:
    add(world)
    add(world, Kind.SILENT, acked_ms=NOON_MS, acked_by="account:50")
    add(world, Kind.JOURNAL, subject="y", site_id=2, details={**DETAILS, "percent": 80})
    app, access = application(world)
    client = TestClient(app, headers={"Accept-Language": "en"})
    strip = re.compile(r'<p class="call" role="status"><a href="/alerts">(.*?)</a>')
    found: dict[str, list[str]] = {}
    inspector = replace(SUPERVISOR, role=Role.INSPECTOR)
    for who, actor in (("all", ADMINISTRATOR), ("site", SUPERVISOR), ("none", inspector)):
        access.current = actor
        found[who] = strip.findall(client.get("/").text)
    assert found == {
        "all": ["2 alerts wait for somebody"],
        "site": ["1 alert waits for somebody"],
        "none": [],
    }
