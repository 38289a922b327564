"""Whose phone it is: a code, a link, a cookie that opens one page; how often each is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.application.phone import CODE_LETTERS
from hub.storage.schema import phone, phone_code, unbadged_act
from hub.web.phone_device import ACTS_MAX, CODE_MAX, COOKIE, WINDOW_MS, WRONG_MAX
from tests.web.phone_world import (
    BASILE,
    DAY,
    NUMBER,
    code_for,
    phone_world,
    registered,
    rows,
    site_handle,
    speaking,
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


# ---------------------------------------------------------------- whose phone it is


def test_the_code_is_shown_once_and_kept_as_a_digest(hub: WholeHub) -> None:
    sofie = supervisor(hub)
    page = f"/people/{token_of(hub)}/own-link"
    shown = post(sofie, page, page, code="new").text
    code = re.search(r'class="personal">([^<]+)<', shown)
    assert code
    letters = code[1].replace(" ", "")
    assert len(letters) == 8
    assert set(letters) <= set(CODE_LETTERS)
    assert letters not in sofie.get(page).text
    assert code[1] not in sofie.get(page).text
    (row,) = rows(hub, phone_code)
    assert letters not in repr(row)
    # Typed with small letters and a blank it is the same.
    other = hub.browser()
    answer = post(other, "/phone/enter", "/phone", code=code[1].lower())
    assert answer.status_code == 303
    assert "code.made" in [action for (action,) in hub.noted("action")]
    assert post(sofie, page, page, code="end").status_code == 303
    assert rows(hub, phone_code) == []
    assert post(hub.browser(), "/phone/enter", "/phone", code=letters).status_code == 422


def test_a_new_code_ends_the_one_before_and_time_ends_it_too(hub: WholeHub) -> None:
    first, second = code_for(hub), code_for(hub)
    for code, status in ((first, 422), (second, 303)):
        assert post(hub.browser(), "/phone/enter", "/phone", code=code).status_code == status
    hub.now_ms += 401 * DAY
    assert post(hub.browser(), "/phone/enter", "/phone", code=second).status_code == 422


def test_a_phone_opens_its_own_page_and_nothing_else(hub: WholeHub) -> None:
    milan = worker(hub)
    for path in ("/", "/people", "/own", "/kiosk", "/account"):
        answer = milan.browser.get(path, headers={"Cookie": f"{COOKIE}={milan.cookie}"})
        assert answer.headers["location"].startswith("/login"), path
    (row,) = rows(hub, phone)
    assert milan.cookie not in repr(row)
    stranger = hub.browser()
    assert "Personal code" in stranger.get(milan.page).text
    assert "Werf Noord" not in stranger.get(milan.page).text
    assert stranger.get(f"{milan.page}/state.json").status_code == 401
    assert milan.browser.get("/phone/ffffffffffffffff").status_code == 404


def test_only_his_own_registrations_are_shown(hub: WholeHub) -> None:
    milan, basile = worker(hub), worker(hub, BASILE)
    milan.press("in")
    registered(hub)
    assert str(NUMBER) in milan.text()
    shown = basile.text()
    assert str(NUMBER) not in shown
    assert "Milan" not in shown
    assert basile.state()["acts"] == []


def test_what_another_kept_on_this_phone_is_not_sent_as_mine(hub: WholeHub) -> None:
    milan = worker(hub)
    name = milan.name()
    assert post(milan.browser, f"{milan.page}/forget", milan.page).status_code == 303
    entered = post(
        milan.browser, f"{milan.page}/enter", milan.page, code=code_for(hub, BASILE)
    )  # fmt: skip
    assert entered.status_code == 303
    answer = milan.send(name, kept=True)
    assert answer.status_code == 422
    assert "somebody else" in answer.json()["word"]
    assert acts(hub) == []
    # He himself comes back with a code of his, and it goes.
    assert post(milan.browser, f"{milan.page}/forget", milan.page).status_code == 303
    post(milan.browser, f"{milan.page}/enter", milan.page, code=code_for(hub))
    assert milan.send(name, kept=True).status_code == 200
    assert [act.person_id for act in acts(hub)] == [1]


def test_a_revoked_phone_is_a_stranger_and_is_told(hub: WholeHub) -> None:
    milan = worker(hub)
    sofie = supervisor(hub)
    page = f"/people/{token_of(hub)}/own-link"
    assert "Known since" in sofie.get(page).text
    (row,) = rows(hub, phone)
    # A phone of somebody else is not revoked by this page.
    worker(hub, BASILE)
    other = next(one.id for one in rows(hub, phone) if one.person_id == BASILE)
    assert post(sofie, page, page, phone=other).status_code == 303
    assert [one.revoked_ms for one in rows(hub, phone) if one.id == other] == [None]
    assert post(sofie, page, page, phone=row.id).status_code == 303
    assert milan.browser.get(f"{milan.page}/state.json").status_code == 401
    answer = milan.browser.post(f"{milan.page}/act", data={"way": "in"})
    assert answer.headers["location"] == f"{milan.page}?ended=1"
    told = milan.browser.get(answer.headers["location"])
    assert "not known any more" in told.text
    assert acts(hub) == []


def test_a_phone_is_forgotten_after_90_days_without_use(hub: WholeHub) -> None:
    milan = worker(hub)
    hub.now_ms += 89 * DAY
    assert "Check in or out" in milan.text()
    hub.now_ms += 89 * DAY
    assert "Known as Milan" in milan.text()
    hub.now_ms += 91 * DAY
    assert "Personal code" in milan.text()


def test_a_personal_link_makes_a_phone_known_too(hub: WholeHub) -> None:
    sofie = supervisor(hub)
    page = f"/people/{token_of(hub)}/own-link"
    address = re.search(r"<code>[^<]+(/link/[^<]+)</code>", post(sofie, page, page).text)
    assert address
    mine = speaking(hub)
    assert post(mine, address[1]).status_code == 303
    where = f"/phone/{site_handle(hub)}"
    assert "This is my phone" in mine.get(where).text
    assert post(mine, f"{where}/remember", where).status_code == 303
    assert "Known as Milan" in mine.get(where).text
    # Nobody else's login does.
    guest = supervisor(hub)
    assert "Personal code" in guest.get(where).text
    assert guest.post(f"{where}/remember").status_code == 403


def test_a_form_of_another_page_does_nothing(hub: WholeHub) -> None:
    milan = worker(hub)
    for csrf in ("", "another"):
        sent = {"way": "in", "reference": milan.name(), "csrf": csrf}
        assert milan.browser.post(f"{milan.page}/act", data=sent).status_code == 403
    assert acts(hub) == []


# ---------------------------------------------------------------- how often


def test_too_many_acts_of_a_phone_have_to_wait(hub: WholeHub) -> None:
    milan, basile = worker(hub), worker(hub, BASILE)
    for _ in range(ACTS_MAX):
        assert milan.send().status_code == 200
    refused = milan.send()
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == WINDOW_MS // 1000
    assert "Wait 10 min" in refused.json()["say"]
    form = milan.press("out")
    assert (form.status_code, "Retry-After" in form.headers) == (429, True)
    assert "Wait 10 min" in form.text
    assert len(acts(hub)) == ACTS_MAX
    assert basile.send().status_code == 200, "behind the same address"
    hub.now_ms += WINDOW_MS
    assert milan.send().status_code == 200


def test_guessing_codes_has_to_wait_and_one_code_sooner(hub: WholeHub) -> None:
    good = code_for(hub)
    browser = hub.browser()
    for _ in range(CODE_MAX):
        assert post(browser, "/phone/enter", "/phone", code="AAAAAAAA").status_code == 422
    refused = post(browser, "/phone/enter", "/phone", code="aaaa aaaa")
    assert (refused.status_code, int(refused.headers["Retry-After"])) == (429, 600)
    for place in range(WRONG_MAX - CODE_MAX):
        wrong = CODE_LETTERS[place % 31] * 7 + "Z"
        assert post(browser, "/phone/enter", "/phone", code=wrong).status_code == 422
    assert post(browser, "/phone/enter", "/phone", code=good).status_code == 429
    hub.now_ms += WINDOW_MS
    assert post(browser, "/phone/enter", "/phone", code=good).status_code == 303
