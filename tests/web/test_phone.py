"""A worker's phone: three states that are never mixed, each act once, never dated back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.application.access import COMMAND
from hub.application.acts import Channel, Means
from hub.application.phone import OLDEST_MS
from hub.i18n import LANGUAGES
from hub.storage.engine import reading
from hub.storage.erase import erase_person
from hub.storage.schema import act_done, audit, phone, phone_act, unbadged_act
from tests.hub.act_world import brussels
from tests.web.phone_world import (
    BASILE,
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    in_out,
    phone_world,
    registered,
    registrations,
    rows,
    site_handle,
    supervisor,
    token_of,
    worker,
)
from tests.web.whole_hub import WholeHub, post


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WholeHub]:
    with phone_world(tmp_path) as hub:
        yield hub


def acts(hub: WholeHub) -> list[Any]:
    """The acts that the hub holds."""
    return rows(hub, unbadged_act)


# ---------------------------------------------------------------- how far an act is


def test_kept_at_the_hub_is_not_registered_until_there_is_a_number(hub: WholeHub) -> None:
    milan = worker(hub)
    answer = milan.press("in")
    assert answer.status_code == 303
    assert "?" not in answer.headers["location"]
    shown = milan.text()
    assert "Kept at the hub" in shown
    assert "Registered, number" not in shown
    assert milan.state()["acts"][0]["settled"] is False
    registered(hub)
    shown = milan.text()
    assert f"Registered, number {NUMBER}" in shown
    assert "Kept at the hub" not in shown
    assert milan.state()["acts"][0]["settled"] is True
    (act,) = acts(hub)
    assert (act.channel, act.means, act.place) == (Channel.PHONE, Means.OWN_LINK, "phone")
    assert act.by.startswith("phone-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language_that_was_chosen(hub: WholeHub, language: str) -> None:
    milan = worker(hub)
    milan.send()
    shown = milan.browser.get(f"{milan.page}?lang={language}")
    assert f'lang="{language}"' in shown.text
    assert f'lang="{language}"' in milan.text(), "the phone keeps the choice"
    words = {
        "fr": "Gardé au hub", "nl": "Bewaard op de hub", "de": "Im Hub aufbewahrt",
        "en": "Kept at the hub",
    }  # fmt: skip
    assert words[language] in shown.text


def test_a_lost_answer_makes_no_second_act(hub: WholeHub) -> None:
    milan = worker(hub)
    name = milan.name()
    made_ms = hub.now_ms
    assert milan.send(name).json()["stage"] == "waiting"
    hub.now_ms += 30_000
    again = milan.send(name, at=made_ms, kept=True)
    assert again.status_code == 200
    assert again.json()["reference"] == name
    assert len(acts(hub)) == len(rows(hub, phone_act)) == len(registrations(hub)) == 1
    # The same name for something else is not the same act.
    assert milan.send(name, "out").status_code == 422
    assert len(acts(hub)) == 1


def test_the_form_sent_twice_is_one_act(hub: WholeHub) -> None:
    milan = worker(hub)
    name = milan.name()
    assert milan.press("in", reference=name).status_code == 303
    assert milan.press("in", reference=name).status_code == 303
    assert len(acts(hub)) == 1
    assert milan.press("up").status_code == 422
    assert milan.press("in", reference="short").status_code == 422
    assert milan.press("in", reference="x" * 80).status_code == 422
    assert len(acts(hub)) == 1


# ---------------------------------------------------------------- when it counts


def test_kept_without_a_network_it_counts_for_its_own_moment(hub: WholeHub) -> None:
    milan = worker(hub)
    made_ms = hub.now_ms
    hub.now_ms += 3 * HOUR
    assert milan.send(at=made_ms, kept=True).json()["stage"] == "waiting"
    (act,) = acts(hub)
    assert (act.at_ms, act.received_ms) == (made_ms, hub.now_ms)
    assert registrations(hub) == [("due", "2026-11-23", made_ms)]


def test_after_midnight_yesterdays_act_lapses_and_says_so(hub: WholeHub) -> None:
    hub.now_ms = brussels("2026-11-23T23:58:00")
    milan = worker(hub)
    made_ms = hub.now_ms
    hub.now_ms = brussels("2026-11-24T00:01:00")
    told = milan.send(at=made_ms, kept=True).json()
    assert told["stage"] == "not_made"
    assert "too late" in told["say"]
    assert "Go to the site office" in told["say"]
    assert registrations(hub) == [("lapsed", "2026-11-23", made_ms)]
    # Before midnight the same three minutes are nothing.
    hub.now_ms = brussels("2026-11-24T23:58:00")
    assert milan.send(at=hub.now_ms - 3 * MINUTE, kept=True).json()["stage"] == "waiting"


@pytest.mark.parametrize(("late_ms", "state"), [(10 * MINUTE, "due"), (10 * MINUTE + 1, "lapsed")])
def test_in_the_other_regime_ten_minutes_are_the_end(
    hub: WholeHub, late_ms: int, state: str
) -> None:
    in_out(hub)
    milan = worker(hub)
    made_ms = hub.now_ms
    hub.now_ms += late_ms
    told = milan.send(at=made_ms, kept=True).json()
    assert [one[0] for one in registrations(hub)] == [state]
    assert told["stage"] == ("waiting" if state == "due" else "not_made")
    assert ("too late" in told["say"]) is (state == "lapsed")
    assert registrations(hub)[0][2] == made_ms


def test_both_ways_in_the_other_regime_are_two_registrations(hub: WholeHub) -> None:
    in_out(hub)
    milan = worker(hub)
    milan.press("in")
    registered(hub, regime="in_out")
    hub.now_ms += HOUR
    milan.press("out")
    registered(hub, NUMBER + 1, "in_out")
    shown = milan.text()
    assert {f"number {NUMBER}", f"number {NUMBER + 1}"} <= set(re.findall(r"number \d+", shown))


@pytest.mark.parametrize(
    ("made", "sent", "state"),
    [
        # A day of 25 hours: the hour that comes twice, and a quarter before its midnight.
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00 fold=1", "due"),
        ("2026-10-25T00:05:00", "2026-10-25T23:55:00", "due"),
        ("2026-10-25T23:55:00", "2026-10-26T00:05:00", "lapsed"),
        # A day of 23 hours.
        ("2027-03-28T01:59:00", "2027-03-28T03:01:00", "due"),
        ("2027-03-28T23:59:00", "2027-03-29T00:00:00", "lapsed"),
    ],
)
def test_days_of_23_and_25_hours_are_days(hub: WholeHub, made: str, sent: str, state: str) -> None:
    hub.now_ms = brussels(made)
    milan = worker(hub)
    hub.now_ms = brussels(sent)
    milan.send(at=brussels(made), kept=True)
    assert registrations(hub) == [(state, made[:10], brussels(made))]


# ---------------------------------------------------------------- a clock that is off


@pytest.mark.parametrize("off_ms", [-90 * MINUTE, -121_000, 121_000, 90 * MINUTE, 400 * DAY])
def test_a_wrong_clock_is_told_and_the_hubs_receipt_counts(hub: WholeHub, off_ms: int) -> None:
    milan = worker(hub)
    wrong = hub.now_ms + off_ms
    told = milan.send(at=wrong - 2_000, sent=wrong).json()
    assert "clock" in told["clock"]
    assert ("ahead" in told["clock"]) is (off_ms > 0)
    (act,) = acts(hub)
    assert act.at_ms == hub.now_ms
    (besides,) = rows(hub, phone_act)
    assert (besides.said_ms, besides.ahead_ms) == (wrong - 2_000, off_ms)


@pytest.mark.parametrize("off_ms", [-120_000, 0, 120_000])
def test_a_good_clock_is_not_spoken_of(hub: WholeHub, off_ms: int) -> None:
    milan = worker(hub)
    told = milan.send(at=hub.now_ms + off_ms, sent=hub.now_ms + off_ms).json()
    assert told["clock"] == ""
    assert acts(hub)[0].at_ms == min(hub.now_ms, hub.now_ms + off_ms)


@pytest.mark.parametrize("off_ms", [-5 * HOUR, 5 * HOUR])
def test_a_wrong_clock_makes_no_late_act_fresh(hub: WholeHub, off_ms: int) -> None:
    """It was kept for twenty minutes by the phone's own count: too late, whatever its clock."""
    in_out(hub)
    milan = worker(hub)
    wrong = hub.now_ms + off_ms
    told = milan.send(at=wrong - 20 * MINUTE, sent=wrong, kept=True).json()
    assert told["stage"] == "not_made"
    assert acts(hub)[0].at_ms == hub.now_ms - 20 * MINUTE


def test_an_act_of_last_week_is_not_taken(hub: WholeHub) -> None:
    milan = worker(hub)
    answer = milan.send(at=hub.now_ms - OLDEST_MS - 1, kept=True)
    assert answer.status_code == 422
    assert "more than a week" in answer.json()["word"]
    assert acts(hub) == []


# ---------------------------------------------------------------- where he is


def ask(hub: WholeHub, location: str) -> None:
    """The supervisor lets the site ask."""
    sofie = supervisor(hub)
    page = f"/sites/{site_handle(hub)}/phone"
    assert post(sofie, page, page, location=location).status_code == 303
    assert "Changed." in sofie.get(f"{page}?said=changed").text


def where(hub: WholeHub) -> list[tuple[float | None, float | None]]:
    """The locations that the hub holds."""
    return [(row.latitude, row.longitude) for row in rows(hub, phone_act)]


def test_a_location_is_kept_only_when_the_site_asks(hub: WholeHub) -> None:
    milan = worker(hub)
    here: dict[str, Any] = {"latitude": 50.84661234, "longitude": 4.35174321}
    assert 'data-location="off"' in milan.text()
    assert "asks where you are" not in milan.text()
    assert milan.send(**here).status_code == 200
    ask(hub, "ask")
    assert "You may refuse" in milan.text()
    assert milan.send(**here).status_code == 200
    assert milan.send().status_code == 200, "refusing blocks nothing"
    assert milan.send(latitude=91, longitude=4).status_code == 200
    assert where(hub) == [(None, None), (50.8466, 4.3517), (None, None), (None, None)]
    ask(hub, "must")
    refused = milan.send()
    assert refused.status_code == 422
    assert "asks where you are" in refused.json()["word"]
    assert milan.press("in").status_code == 422
    assert milan.send(**here).status_code == 200
    # A phone keeps no location: what it kept comes without.
    assert milan.send(kept=True).status_code == 200
    assert len(where(hub)) == 6


def test_a_location_goes_with_its_person(hub: WholeHub) -> None:
    milan, basile = worker(hub), worker(hub, BASILE)
    ask(hub, "ask")
    for one in (milan, basile):
        one.send(latitude=50.8466, longitude=4.3517)
    registered(hub)
    hub.now_ms += 3 * DAY
    hub.write(
        lambda connection: erase_person(
            connection, hub.office.vault, COMMAND, token_of(hub), hub.now_ms
        )
    )
    assert len(rows(hub, phone_act)) == 1
    assert [row.person_id for row in rows(hub, phone)] == [BASILE]


# ---------------------------------------------------------------- installing, and who may


def test_it_can_be_installed_and_its_worker_reaches_no_further(hub: WholeHub) -> None:
    browser = hub.browser()
    manifest = browser.get("/phone/app.webmanifest?lang=nl")
    told = manifest.json()
    assert (told["scope"], told["start_url"], told["display"]) == ("/phone", "/phone", "standalone")
    for icon in told["icons"]:
        assert browser.get(icon["src"]).content.startswith(b"\x89PNG")
    script = browser.get("/phone/worker.js")
    assert script.headers["Service-Worker-Allowed"] == "/phone"
    assert script.headers["content-type"].startswith("text/javascript")
    assert "default-src 'self'" in script.headers["Content-Security-Policy"]


def test_what_the_phone_keeps_of_the_page_holds_nothing_of_anybody(hub: WholeHub) -> None:
    milan = worker(hub)
    milan.press("in")
    registered(hub)
    kept = milan.browser.get(f"{milan.page}/offline").text
    csrf = milan.state()["csrf"]
    for trace in ("Milan", "Aarts", str(NUMBER), csrf, milan.cookie):
        assert trace not in kept
    assert "No network" in kept
    assert "Werf Noord" in kept


def test_the_poster_opens_the_page_of_its_site(hub: WholeHub) -> None:
    sofie = supervisor(hub)
    handle = site_handle(hub)
    assert f"/phone/{handle}" in sofie.get(f"/sites/{handle}/poster").text


def test_sites_are_remembered(hub: WholeHub) -> None:
    milan = worker(hub)
    north, south = site_handle(hub, 1), site_handle(hub, 2)
    assert milan.browser.get("/phone").headers["location"] == f"/phone/{north}"
    assert "My other sites" not in milan.text()
    hub.now_ms += MINUTE
    assert "Werf Zuid" in milan.browser.get(f"/phone/{south}").text
    assert milan.browser.get("/phone").headers["location"] == f"/phone/{south}"
    assert f'href="/phone/{south}"' in milan.text()


def test_the_audit_names_the_phone_and_no_number(hub: WholeHub) -> None:
    milan = worker(hub)
    milan.press("in")
    with reading(hub.engine) as connection:
        told = " ".join(map(str, connection.execute(select(audit)).all()))
    assert "phone.added" in told
    assert "85031299761" not in told
    assert milan.cookie not in told
    assert len(rows(hub, act_done)) == 1
