"""Links: what they open, once, until when, and that looking at one changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from hub.application.access import COMMAND
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.storage.accounts import Accounts, set_up_link
from hub.storage.credentials import TOTP
from hub.storage.engine import reading
from hub.storage.links import Purpose, look_at_link, make_link, revoke_links, use_link
from hub.storage.schema import account, link
from tests.web.whole_hub import HOUR_MS, PASSWORD, WholeHub, post

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER = "another long sentence for this"
TYPED = {"password": OTHER, "again": OTHER}


def set_up(hub: WholeHub) -> str:
    vault, until = hub.office.vault, hub.now_ms + HOUR_MS
    secret = hub.write(lambda connection: set_up_link(connection, vault, hub.now_ms, until))
    assert secret is not None
    return f"/link/{secret}"


# ---------------------------------------------------------------- the first account


def test_the_set_up_link_makes_the_first_administrator_and_no_second(hub: WholeHub) -> None:
    older, path = set_up(hub), set_up(hub)
    assert hub.browser().get(older).status_code == 404
    browser = hub.browser()
    for _ in range(3):
        page = browser.get(path)
        assert (page.status_code, "Set up Sitegate" in page.text) == (200, True)
    answer = post(browser, path, login="Ada@Example.be", name="Ada Claes", **TYPED)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?said=welcome")
    assert "Ada Claes" in browser.get("/account").text
    assert hub.browser().get(path).status_code == 404
    vault, now_ms = hub.office.vault, hub.now_ms
    assert hub.write(lambda one: set_up_link(one, vault, now_ms, now_ms + HOUR_MS)) is None
    row = hub.write(lambda one: Accounts(one, vault, COMMAND, now_ms).by_login("ada@example.be"))
    assert row.role is Role.ADMINISTRATOR
    assert [row[0] for row in hub.noted()][-3:] == ["link.made", "link.used", "account.added"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"login": "a b", "name": "Ada", **TYPED}, "HUB-1611"),
        ({"login": "ada", "name": "", **TYPED}, "HUB-1614"),
        ({"login": "ada", "name": "Ada", "password": "2 few", "again": "2 few"}, "HUB-1603"),
        ({"login": "ada", "name": "Ada", "password": "x" * 129, "again": "x" * 129}, "HUB-1603"),
        ({"login": "another", "name": "Ada", **TYPED}, "HUB-1604"),
        ({"login": "ada", "name": "Ada", "password": OTHER, "again": PASSWORD}, "HUB-1605"),
    ],
)
def test_what_is_wrong_is_told_and_does_not_spend_the_link(
    hub: WholeHub, typed: dict[str, str], code: str
) -> None:
    path, browser = set_up(hub), hub.browser()
    answer = post(browser, path, **typed)
    assert (answer.status_code, code in answer.text) == (400, True)
    assert f'value="{typed["login"]}"' in answer.text
    assert typed["password"] not in answer.text
    assert browser.get(path).status_code == 200


# ---------------------------------------------------------------- invitations, passwords, logins


def test_an_invitation_sets_the_password_once_and_ends_what_was_open(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    before = hub.logged_in("ada")
    path = hub.link("ada", Purpose.RESET)
    browser = hub.browser()
    assert post(browser, path, **TYPED).status_code == 303
    assert before.get("/account").status_code == 303
    assert browser.get("/account").status_code == 200
    assert browser.get(path).headers["location"] == "/"  # who is in already is led on
    assert hub.browser().get(path).status_code == 404
    assert post(hub.browser(), "/login", login="ada", password=PASSWORD).status_code == 400
    assert post(hub.browser(), "/login", login="ada", password=OTHER).status_code == 303


def test_a_link_ends_in_time_by_a_newer_one_and_with_its_account(hub: WholeHub) -> None:
    row = hub.add("ada", Role.CONTRACTOR)
    older, path = hub.link("ada", Purpose.INVITATION), hub.link("ada", hours=2)
    assert hub.browser().get(older).status_code == 404
    hub.now_ms += 2 * HOUR_MS - 1
    assert hub.browser().get(path).status_code == 200
    hub.now_ms += 1
    assert hub.browser().get(path).status_code == 404
    path = hub.link("ada")
    vault = hub.office.vault
    hub.write(lambda one: Accounts(one, vault, COMMAND, hub.now_ms).disable(row))
    assert hub.browser().get(path).status_code == 404
    assert hub.browser().get("/link/" + "x" * 43).status_code == 404


def test_dead_links_of_every_kind_look_the_same(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    used, replaced, _ = hub.link("ada"), "", ""
    post(hub.browser(), used)
    replaced, _ = hub.link("ada"), hub.link("ada")
    browser = hub.browser()
    pages = {browser.get(path).text for path in (used, replaced, "/link/unknown")}
    assert len(pages) == 1


def test_a_link_does_not_go_past_the_second_factor(hub: WholeHub) -> None:
    row = hub.add("ada", Role.ADMINISTRATOR)
    sealed = hub.office.vault.seal(TOTP, SECRET.encode())
    mine = update(account).where(account.c.id == row.id)
    hub.write(lambda one: one.execute(mine.values(totp_sealed=sealed)))
    for purpose, typed in ((Purpose.LOGIN, {}), (Purpose.RESET, TYPED)):
        browser = hub.browser()
        answer = post(browser, hub.link("ada", purpose), **typed)
        assert answer.headers["location"] == "/login/second"
        assert browser.get("/").headers["location"] == "/login"


def test_a_login_link_sets_no_password_and_the_others_do_not_log_in_without_one(
    hub: WholeHub,
) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    post(hub.browser(), hub.link("ada"), **TYPED)
    assert post(hub.browser(), "/login", login="ada", password=OTHER).status_code == 400
    for purpose in (Purpose.INVITATION, Purpose.RESET):
        assert post(hub.browser(), hub.link("ada", purpose)).status_code == 400


def test_a_workers_link_is_good_until_it_is_taken_back(hub: WholeHub) -> None:
    vault, now_ms = hub.office.vault, hub.now_ms
    secret = hub.write(
        lambda one: make_link(
            one, vault, Purpose.WORKER, "account:1", now_ms, now_ms + 100 * HOUR_MS, person_id=1
        )
    )
    for _ in range(2):
        browser = hub.browser()
        answer = post(browser, f"/link/{secret}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/own")
        actor = hub.door.sessions.actor(browser.cookies["sitegate_session"])
        assert actor is not None
        assert (actor.role, actor.person_id) == (Role.WORKER, 1)
    assert hub.write(lambda one: revoke_links(one, now_ms, person_id=1)) == 1
    assert hub.browser().get(f"/link/{secret}").status_code == 404


# ---------------------------------------------------------------- what is kept


def test_of_two_who_use_a_link_at_once_one_is_let_in(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    secret = hub.link("ada").rpartition("/")[2]
    vault, now_ms = hub.office.vault, hub.now_ms
    hub.write(lambda one: use_link(one, vault, secret, now_ms))
    with pytest.raises(UsageError, match="HUB-1602"):
        hub.write(lambda one: use_link(one, vault, secret, now_ms))


def test_the_secret_is_kept_nowhere(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    secret = hub.link("ada").rpartition("/")[2]
    assert len(secret) == 43
    with reading(hub.engine) as connection:
        rows = connection.execute(select(link)).all()
        assert look_at_link(connection, secret, hub.now_ms).account_id == 1
    assert secret not in str(rows)
    assert secret.encode() not in b"".join(row.digest for row in rows)
    assert secret not in str(hub.noted("actor", "subject", "detail"))
