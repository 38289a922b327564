"""Getting in, and not: passwords, waiting, the second factor, forms of other sites, the way on."""

from __future__ import annotations

import asyncio
import re
import threading
from html import unescape

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from httpx2 import Response
from pyotp.totp import TOTP
from sqlalchemy import select, update

from hub.application.accounts import ADDRESS_MAX, ADDRESS_WINDOW_MS, Passwords, Verdict
from hub.domain.rights import Role
from hub.errors import TransientError
from hub.i18n import error_text
from hub.settings import AccessSettings, Settings
from hub.storage.credentials import TOTP as AS_TOTP
from hub.storage.engine import reading, writing
from hub.storage.schema import account, web_session
from hub.web.door import AT_ONCE, QUEUE_MAX, Door
from hub.web.entrance import way_on
from tests.web.whole_hub import CHEAP, PASSWORD, WholeHub, post, whole_hub

MINUTE_MS = 60_000
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def log_in(browser: TestClient, login: str, password: str = PASSWORD, **more: str) -> Response:
    return post(browser, "/login", login=login, password=password, **more)


def refusal(answer: Response) -> str:
    """What a refused login says, without what was typed."""
    found = re.search(r'<div class="problems".*?</div>', answer.text, re.DOTALL)
    assert found is not None
    return unescape(found[0])


# ---------------------------------------------------------------- password


def test_the_right_password_opens_a_new_session(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.browser()
    assert browser.get("/").headers["location"] == "/login"
    answer = log_in(browser, "  ADA ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert re.search(r"sitegate_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
    assert "Secure" not in cookie
    assert "Ada" in browser.get("/").text
    with reading(hub.engine) as connection:
        (digest,) = connection.execute(select(web_session.c.digest)).scalars()
    assert browser.cookies["sitegate_session"].encode() not in digest
    assert len(digest) == 32


def test_a_login_ends_the_session_that_the_browser_had(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.logged_in("ada")
    before = browser.cookies["sitegate_session"]
    # Who is in needs no login, but a form that was still open works.
    assert browser.get("/login").headers["location"] == "/"
    token = browser.cookies["sitegate_before"]
    answer = browser.post("/login", data={"csrf": token, "login": "ada", "password": PASSWORD})
    assert answer.status_code == 303
    assert browser.cookies["sitegate_session"] != before
    assert hub.door.sessions.actor(before) is None


def test_wrong_unknown_locked_and_disabled_look_the_same(hub: WholeHub) -> None:
    for login in ("ada", "ben", "cas", "dor"):
        hub.add(login, Role.ADMINISTRATOR)
    with writing(hub.engine) as connection:
        for login, values in (
            ("ben", {"locked_until_ms": hub.now_ms + MINUTE_MS}),
            ("cas", {"disabled_ms": hub.now_ms}),
            ("dor", {"password_hash": None}),
        ):
            connection.execute(update(account).where(account.c.login == login).values(values))
    browser = hub.browser()
    answers = [
        log_in(browser, "ada", "not the password"),
        log_in(browser, "nobody at all", "not the password"),
        log_in(browser, "nobody"),
        log_in(browser, "ben"),
        log_in(browser, "cas"),
        log_in(browser, "dor"),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({refusal(answer) for answer in answers}) == 1
    told = error_text("HUB-1600", "en")
    assert told.happened in refusal(answers[0])
    assert "sitegate_session" not in browser.cookies


def test_each_refusal_hashes_once_and_writes_once(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    checked: list[str | None] = []

    class Counting(Passwords):
        def check(self, kept: str | None, password: str) -> Verdict:
            checked.append(kept)
            return super().check(kept, password)

    door = Door(hub.office, Counting(CHEAP))
    writes: list[object] = []
    plain = hub.write

    def counted(change: object) -> object:
        writes.append(change)
        return plain(change)  # pyright: ignore

    object.__setattr__(hub.office, "write", counted)
    for login in ("ada", "nobody", ""):
        with pytest.raises(Exception, match="HUB-1600"):
            door.log_in(login, "not the password", "192.0.2.1")
    assert len(checked) == len(writes) == 3


def test_what_is_noted_holds_no_password_and_no_unknown_login(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.browser()
    log_in(browser, "my secret in the wrong field", "hunter2hunter2")
    log_in(browser, "ada", "hunter2hunter2")
    log_in(browser, "ada")
    noted = hub.noted("action", "actor", "subject", "detail")
    assert [row[0] for row in noted[-3:]] == ["login.refused", "login.refused", "login"]
    assert [row[2] for row in noted[-3:]] == ["", "account:1", "account:1"]
    assert "hunter2" not in str(noted)
    assert "secret" not in str(noted)
    assert PASSWORD not in str(noted)


def test_a_password_is_hashed_anew_when_the_parameters_changed(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    door = Door(hub.office, Passwords(stronger))
    door.log_in("ada", PASSWORD, "192.0.2.1")
    kept = hub.door.known(1).password_hash
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert stronger.verify(kept, PASSWORD)


def test_the_default_hash_is_argon2id_with_64_mib() -> None:
    assert Passwords().make("x" * 12).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# ---------------------------------------------------------------- waiting


def test_an_account_waits_longer_each_time_and_comes_back_by_itself(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)

    def wrong() -> int:
        """Minutes that the account waits after one more wrong try."""
        with pytest.raises(Exception, match="HUB-1600"):
            hub.door.log_in("ada", "not the password", f"192.0.2.{hub.now_ms % 251}")
        return (hub.door.known(1).locked_until_ms - hub.now_ms) // MINUTE_MS

    waits: list[int] = []
    for _ in range(12):
        waits.append(max(0, wrong()))
        hub.now_ms += max(1, waits[-1]) * MINUTE_MS
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert hub.door.log_in("ada", PASSWORD, "192.0.2.1").complete
    assert hub.door.known(1).locked_until_ms == 0
    assert ("account.locked", "account:1") in hub.noted()


def test_the_right_password_does_not_open_an_account_that_waits_nor_make_it_wait_longer(
    hub: WholeHub,
) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    for _ in range(5):
        with pytest.raises(Exception, match="HUB-1600"):
            hub.door.log_in("ada", "not the password", "192.0.2.1")
    until = hub.door.known(1).locked_until_ms
    for password in (PASSWORD, "not the password"):
        with pytest.raises(Exception, match="HUB-1600"):
            hub.door.log_in("ada", password, "192.0.2.1")
    assert hub.door.known(1).locked_until_ms == until
    hub.now_ms = until
    assert hub.door.log_in("ada", PASSWORD, "192.0.2.1").complete


def test_an_address_that_is_wrong_too_often_waits_and_is_told(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.browser()
    for number in range(ADDRESS_MAX):
        assert log_in(browser, f"nobody{number}").status_code == 400
    answer = log_in(browser, "ada")
    assert answer.status_code == 429
    assert error_text("HUB-1601", "en", minutes=15).next in refusal(answer)
    hub.now_ms += ADDRESS_WINDOW_MS
    assert log_in(browser, "ada").status_code == 303


# ---------------------------------------------------------------- second factor


def with_second_factor(hub: WholeHub, login: str = "ada") -> TOTP:
    row = hub.add(login, Role.ADMINISTRATOR)
    sealed = hub.office.vault.seal(AS_TOTP, SECRET.encode())
    with writing(hub.engine) as connection:
        connection.execute(update(account).where(account.c.id == row.id).values(totp_sealed=sealed))
    return TOTP(SECRET)


def step(hub: WholeHub, totp: TOTP, off: int = 0) -> str:
    return totp.generate_otp(hub.now_ms // 30_000 + off)


def test_a_session_whose_second_factor_is_due_is_nobody(hub: WholeHub) -> None:
    totp = with_second_factor(hub)
    browser = hub.browser()
    answer = log_in(browser, "ada", next="/balance?day=2026-11-23")
    assert answer.headers["location"].startswith("/login/second?next=/balance")
    first = browser.cookies["sitegate_session"]
    assert hub.door.sessions.actor(first) is None
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/api/board.json").status_code == 401
    answer = post(browser, "/login/second", code="000000")
    assert (answer.status_code, "HUB-1606" in answer.text) == (400, True)
    code = step(hub, totp)
    answer = post(browser, "/login/second", code=f"{code[:3]} {code[3:]}", next="/balance")
    assert (answer.status_code, answer.headers["location"]) == (303, "/balance")
    assert browser.cookies["sitegate_session"] != first
    assert hub.door.sessions.pending(first) is None
    assert browser.get("/").status_code == 200


def test_the_second_step_is_over_after_ten_minutes(hub: WholeHub) -> None:
    totp = with_second_factor(hub)
    browser = hub.browser()
    log_in(browser, "ada")
    assert browser.get("/login/second").status_code == 200
    token = browser.cookies["sitegate_before"]
    hub.now_ms += 10 * MINUTE_MS
    assert browser.get("/login/second").headers["location"] == "/login"
    answer = browser.post("/login/second", data={"csrf": token, "code": step(hub, totp)})
    assert answer.headers["location"] == "/login"


@pytest.mark.parametrize(
    ("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_one_step_either_way_is_taken(hub: WholeHub, off: int, taken: bool) -> None:
    totp = with_second_factor(hub)
    browser = hub.browser()
    log_in(browser, "ada")
    answer = post(browser, "/login/second", code=step(hub, totp, off))
    assert answer.status_code == (303 if taken else 400)


def test_no_code_is_good_twice_and_none_from_before_it(hub: WholeHub) -> None:
    totp = with_second_factor(hub)
    for off, status in ((0, 303), (0, 400), (-1, 400), (1, 303)):
        browser = hub.browser()
        log_in(browser, "ada")
        assert post(browser, "/login/second", code=step(hub, totp, off)).status_code == status


def test_wrong_codes_lock_the_account_though_the_password_is_right_each_time(
    hub: WholeHub,
) -> None:
    totp = with_second_factor(hub)
    browser = hub.browser()
    for _ in range(5):
        browser = hub.browser()
        log_in(browser, "ada")
        assert post(browser, "/login/second", code="000000").status_code == 400
    assert post(browser, "/login/second", code=step(hub, totp)).status_code == 400
    assert log_in(hub.browser(), "ada").status_code == 400


# ---------------------------------------------------------------- forms of other sites


def test_a_form_that_this_browser_was_not_given_is_refused(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    fields = {"login": "ada", "password": PASSWORD}
    assert hub.browser().post("/login", data=fields).status_code == 403
    assert hub.browser().post("/login", data=fields | {"csrf": ""}).status_code == 403
    browser = hub.browser()
    assert post(browser, "/login", csrf="x" * 43, **fields).status_code == 403
    assert "sitegate_session" not in browser.cookies
    empty = {"Cookie": "sitegate_before="}
    assert (
        hub.browser().post("/login", data=fields | {"csrf": ""}, headers=empty).status_code == 403
    )
    link = hub.link("ada")
    assert hub.browser().post(link).status_code == 403
    assert post(hub.browser(), link).status_code == 303


def test_logging_out_wants_the_form_of_the_session(hub: WholeHub) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.logged_in("ada")
    cookie = browser.cookies["sitegate_session"]
    assert browser.post("/logout").status_code == 403
    assert browser.get("/logout").status_code == 405
    assert hub.door.sessions.actor(cookie) is not None
    answer = post(browser, "/logout", page="/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?said=out")
    assert hub.door.sessions.actor(cookie) is None
    assert "You are logged out." in browser.get("/login?said=out").text
    assert hub.noted()[-1] == ("logout", "account:1")


def test_cookies_are_for_https_only_where_people_come_by_https(tmp_path: object) -> None:
    settings = Settings(
        data=tmp_path,  # pyright: ignore
        access=AccessSettings(public_url="https://hub.example"),
    )
    with whole_hub(tmp_path / "hub", settings) as hub:  # pyright: ignore
        hub.add("ada", Role.ADMINISTRATOR)
        browser = TestClient(hub.app, base_url="https://hub.example", follow_redirects=False)
        answer = log_in(browser, "ada")
        assert answer.headers["set-cookie"].endswith("SameSite=lax; Secure")
        assert browser.get("/").status_code == 200


# ---------------------------------------------------------------- the way on


@pytest.mark.parametrize(
    "path",
    [
        "", "balance", "//evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example",
        "https://evil.example", "http:evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: a=b",
        "/login", "/login?next=/", "/link/abc", "/logout", "/" + "a" * 500, " /people", "/\u2215x",
    ],
)  # fmt: skip
def test_after_a_login_nobody_is_led_elsewhere(hub: WholeHub, path: str) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    assert way_on(path) == "/"
    answer = log_in(hub.browser(), "ada", next=path)
    assert answer.headers["location"] == "/"
    answer = hub.logged_in("ada").get("/login", params={"next": path})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("path", ["/people", "/balance?day=2026-11-23&site=1", "/works/1Y19%2F"])
def test_after_a_login_one_is_where_one_wanted(hub: WholeHub, path: str) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    browser = hub.browser()
    asked = browser.get("/balance?day=2026-11-23").headers["location"]
    assert asked == "/login?next=/balance%3Fday%3D2026-11-23"
    assert log_in(browser, "ada", next=path).headers["location"] == path


# ---------------------------------------------------------------- a flood


def test_a_flood_of_logins_takes_few_threads_and_is_told_to_come_back(hub: WholeHub) -> None:
    free = threading.Event()
    running: list[int] = []
    most: list[int] = []

    def slow() -> None:
        running.append(1)
        most.append(len(running))
        free.wait(20)
        running.pop()

    async def flood() -> list[BaseException | None]:
        first = [asyncio.ensure_future(hub.door.quietly(slow)) for _ in range(QUEUE_MAX + AT_ONCE)]
        await asyncio.sleep(0)
        late = [hub.door.quietly(slow) for _ in range(18)]
        ended = await asyncio.gather(*late, return_exceptions=True)
        assert not any(one.done() for one in first)
        free.set()
        await asyncio.gather(*first)
        return ended

    refused = asyncio.run(flood())
    assert {type(one) for one in refused} == {TransientError}
    assert {str(one) for one in refused} == {"HUB-1608"}
    assert max(most) == AT_ONCE
