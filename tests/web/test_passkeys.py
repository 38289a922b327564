"""Passkeys: where they are offered, what is taken and what is refused, and what stays of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update

from hub.domain.rights import Role
from hub.settings import AccessSettings, Settings
from hub.storage.accounts import worker_account
from hub.storage.credentials import TOTP
from hub.storage.engine import reading, writing
from hub.storage.passkeys import PASSKEYS_MAX
from hub.storage.schema import account, passkey
from hub.storage.sessions import begin_session
from hub.web.challenges import CHALLENGE_MS, KEPT_MAX, Challenges
from hub.web.passkeys import Reached, reached_by
from tests.web.authenticator import Authenticator, with_challenge
from tests.web.whole_hub import HOUR_MS, PASSWORD, WholeHub, post, whole_hub

ORIGIN = "https://hub.example"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WholeHub]:
    """A hub that people reach by a name and https, with one account."""
    folder = tmp_path / "hub"
    with whole_hub(folder, Settings(data=folder, access=AccessSettings(public_url=ORIGIN))) as hub:
        hub.add("ada", Role.ADMINISTRATOR)
        yield hub


def browser_of(hub: WholeHub, login: str = "") -> TestClient:
    """A browser at the name that the hub is reached by."""
    browser = TestClient(
        hub.app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False,
        headers={"Accept-Language": "en"},
    )  # fmt: skip
    if login:
        assert post(browser, hub.link(login)).status_code == 303
    return browser


def options_in(answer: Response) -> str:
    found = re.search(r'data-options="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def begin(browser: TestClient, name: str = "the red key", current: str = PASSWORD) -> str:
    answer = post(browser, "/account/passkeys/new", "/account", name=name, current=current)
    assert answer.status_code == 200
    return options_in(answer)


def added(hub: WholeHub, device: Authenticator, login: str = "ada") -> None:
    browser = browser_of(hub, login)
    answer = post(browser, "/account/passkeys", "/account", answer=device.make(begin(browser)))
    assert answer.headers.get("location") == "/account?said=passkey_added", answer.text


def asked(browser: TestClient) -> str:
    answer = post(browser, "/login/passkey/options", "/login")
    assert answer.status_code == 200
    return answer.text


def log_in(browser: TestClient, device: Authenticator, **more: str) -> Response:
    answer = device.use(asked(browser))
    return post(browser, "/login/passkey", "/login", answer=answer, **more)


def refused(answer: Response, code: str) -> bool:
    return answer.status_code == 400 and code in answer.text


# ---------------------------------------------------------------- where


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("https://Hub.example/", Reached("hub.example", "https://hub.example")),
        ("https://hub.example:8443", Reached("hub.example", "https://hub.example:8443")),
        ("https://hub.example:443", Reached("hub.example", "https://hub.example")),
        ("http://localhost:8080", Reached("localhost", "http://localhost:8080")),
        ("", None),
        ("http://hub.example", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]", None),
        ("http://127.0.0.1:8080", None),
        ("https://0x7f.1", None),
    ],
)
def test_they_are_offered_where_a_browser_gives_one(url: str, reached: Reached | None) -> None:
    assert reached_by(url) == reached


def test_where_they_cannot_work_the_page_says_why_and_nothing_is_offered(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    with whole_hub(folder) as plain:
        plain.add("ada", Role.ADMINISTRATOR)
        browser = plain.logged_in("ada")
        page = browser.get("/account").text
        assert "access.public_url" in page
        assert "/account/passkeys/new" not in page
        answer = post(browser, "/account/passkeys/new", "/account", current=PASSWORD)
        assert refused(answer, "HUB-1730")
        login = plain.browser().get("/login").text
        assert "passkey" not in login.lower()
        assert post(plain.browser(), "/login/passkey/options", "/login").status_code == 404
        assert refused(post(plain.browser(), "/login/passkey", "/login", answer="{}"), "HUB-1730")


def test_a_worker_gets_none_since_it_would_outlive_his_link(hub: WholeHub) -> None:
    def enter(connection: object) -> str:
        worker = worker_account(connection, hub.office.vault, 1, hub.now_ms)  # pyright: ignore
        return begin_session(connection, worker, hub.now_ms, hub.now_ms + HOUR_MS)  # pyright: ignore

    browser = browser_of(hub)
    browser.cookies.set("sitegate_session", hub.write(enter))
    assert "/account/passkeys/new" not in browser.get("/account").text
    assert refused(post(browser, "/account/passkeys/new", "/account"), "HUB-1730")


# ---------------------------------------------------------------- adding


def test_a_passkey_is_added_listed_used_and_removed(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN)
    added(hub, device)
    answer = log_in(browser := browser_of(hub), device, next="/accounts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
    page = browser.get("/account").text
    assert "the red key" in page
    assert "used on" in page
    handle = re.search(r'name="handle" value="(\w{16})"', page)
    assert handle is not None
    post(browser, "/account/passkeys/remove", "/account", handle="0" * 16)
    assert "the red key" in browser.get("/account").text
    answer = post(browser, "/account/passkeys/remove", "/account", handle=handle[1])
    assert answer.headers["location"] == "/account?said=passkey_removed"
    assert "the red key" not in browser.get("/account").text
    assert refused(log_in(browser_of(hub), device), "HUB-1734")
    noted = hub.noted("action", "detail")
    assert ("passkey.added", "{}") in noted
    assert ("login", '{"how": "passkey"}') in noted
    assert ("passkey.removed", "{}") in noted


def test_adding_asks_for_the_password(hub: WholeHub) -> None:
    browser = browser_of(hub, "ada")
    answer = post(browser, "/account/passkeys/new", "/account", name="x", current="a wrong one")
    assert refused(answer, "HUB-1607")
    assert "data-options" not in answer.text


def test_what_is_not_added(hub: WholeHub) -> None:
    for wrong in ("origin", "unverified", "challenge", "reused", "late", "else's"):
        try_to_add(hub, wrong)


def try_to_add(hub: WholeHub, wrong: str) -> None:
    browser = browser_of(hub, "ada")
    device = Authenticator("https://hub.example.evil" if wrong == "origin" else ORIGIN)
    device.verifies = wrong != "unverified"
    options = begin(browser)
    if wrong == "challenge":
        options = with_challenge(options, bytes(32))
    if wrong == "reused":
        post(browser, "/account/passkeys", "/account", answer=Authenticator(ORIGIN).make(options))
    if wrong == "late":
        hub.now_ms += CHALLENGE_MS
    if wrong == "else's":
        browser = browser_of(hub, "ada")
    answer = post(browser, "/account/passkeys", "/account", answer=device.make(options))
    assert refused(answer, "HUB-1731"), wrong
    with reading(hub.engine) as connection:
        kept = connection.execute(select(passkey.c.credential)).scalars().all()
    assert device.credential not in kept


def test_nonsense_is_refused_like_the_rest(hub: WholeHub) -> None:
    inside, outside = browser_of(hub, "ada"), browser_of(hub)
    for answer in ("", "{}", "[]", "null", '{"id": 1}', "x" * 100_000):
        said = post(inside, "/account/passkeys", "/account", answer=answer)
        assert refused(said, "HUB-1731")
        assert refused(post(outside, "/login/passkey", "/login", answer=answer), "HUB-1734")


def test_a_credential_is_of_one_account_and_one_account_has_not_too_many(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN)
    added(hub, device)
    hub.add("ben", Role.ADMINISTRATOR)
    browser = browser_of(hub, "ben")
    answer = post(browser, "/account/passkeys", "/account", answer=device.make(begin(browser)))
    assert refused(answer, "HUB-1732")
    browser = browser_of(hub, "ada")
    for _ in range(PASSKEYS_MAX - 1):
        made = Authenticator(ORIGIN).make(begin(browser))
        assert post(browser, "/account/passkeys", "/account", answer=made).status_code == 303
    answer = post(browser, "/account/passkeys/new", "/account", name="x", current=PASSWORD)
    assert refused(answer, "HUB-1732")


# ---------------------------------------------------------------- logging in


def test_it_counts_as_both_factors(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN)
    added(hub, device)
    sealed = hub.office.vault.seal(TOTP, b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    with writing(hub.engine) as connection:
        connection.execute(update(account).values(totp_sealed=sealed))
    answer = log_in(browser_of(hub), device)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


WRONG = (
    "origin", "unverified", "challenge", "reused", "late", "else's", "key", "unknown", "locked",
    "disabled",
)  # fmt: skip


def test_a_wrong_answer_is_refused_the_same_way_whatever_is_wrong(hub: WholeHub) -> None:
    told = set()
    for number, wrong in enumerate(WRONG):
        login = f"user{number}"
        hub.add(login, Role.ADMINISTRATOR)
        answer = tried(hub, login, wrong)
        assert answer.status_code == 400, wrong
        found = re.search(r'<div class="problems".*?</div>', answer.text, re.DOTALL)
        assert found is not None
        told.add(found[0])
        assert hub.noted("action", "detail")[-1] == ("login.refused", '{"how": "passkey"}')
    (one,) = told
    assert "HUB-1734" in one


def tried(hub: WholeHub, login: str, wrong: str) -> Response:
    """The answer to a login that is wrong in one way."""
    device = Authenticator(ORIGIN)
    added(hub, device, login)
    if wrong == "origin":
        device.origin = "https://hub.example.evil"
    if wrong == "key":
        device.key = Authenticator(ORIGIN).key
    if wrong == "unknown":
        device = Authenticator(ORIGIN)
    device.verifies = wrong != "unverified"
    browser = browser_of(hub)
    options = asked(browser)
    if wrong == "challenge":
        options = with_challenge(options, bytes(32))
    if wrong == "reused":
        answer = post(browser, "/login/passkey", "/login", answer=device.use(options))
        assert answer.status_code == 303
        browser.cookies.delete("sitegate_session")
    if wrong == "late":
        hub.now_ms += CHALLENGE_MS
    if wrong == "else's":
        browser = browser_of(hub)
    values: dict[str, int] = {}
    if wrong == "locked":
        values = {"locked_until_ms": hub.now_ms + 60_000}
    if wrong == "disabled":
        values = {"disabled_ms": hub.now_ms}
    if values:
        with writing(hub.engine) as connection:
            his = account.c.login == login
            connection.execute(update(account).where(his).values(**values))
    answer = post(browser, "/login/passkey", "/login", answer=device.use(options))
    assert browser.cookies.get("sitegate_session") is None, wrong
    return answer


def test_a_counter_that_goes_back_is_refused_and_noted(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN, count=10)
    added(hub, device)
    assert log_in(browser_of(hub), device).status_code == 303
    for count in (5, 11, -1):  # less, the same again, and none at all any more
        device.count = count
        device.counts = count >= 0
        device.count = max(count, 0)
        assert refused(log_in(browser_of(hub), device), "HUB-1734")
        told = hub.noted("action", "subject", "detail")[-1]
        assert told == (
            "login.refused", "account:1", '{"how": "passkey", "reason": "counter went back"}'
        )  # fmt: skip
    device.count, device.counts = 20, True
    assert log_in(browser_of(hub), device).status_code == 303


def test_an_authenticator_without_a_counter_is_taken_again_and_again(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN, counts=False)
    added(hub, device)
    for _ in range(3):
        assert log_in(browser_of(hub), device).status_code == 303


def test_wrong_answers_make_an_account_wait(hub: WholeHub) -> None:
    device = Authenticator(ORIGIN)
    added(hub, device)
    device.origin = "https://hub.example.evil"
    for _ in range(hub.settings.access.lock_after):
        assert refused(log_in(browser_of(hub), device), "HUB-1734")
    device.origin = ORIGIN
    assert refused(log_in(browser_of(hub), device), "HUB-1734")


def test_forms_of_other_pages_are_refused(hub: WholeHub) -> None:
    for path in ("/login/passkey/options", "/login/passkey"):
        assert browser_of(hub).post(path, data={"csrf": "x"}).status_code == 403


def test_who_takes_the_second_factor_off_takes_the_passkeys_too(hub: WholeHub) -> None:
    """A telephone that was lost holds both."""
    hub.add("ben", Role.ADMINISTRATOR)
    device = Authenticator(ORIGIN)
    added(hub, device, "ben")
    admin = browser_of(hub, "ada")
    path = re.search(r'href="(/accounts/\w+)">Ben<', admin.get("/accounts").text)
    assert path is not None
    answer = post(admin, f"{path[1]}/second-off", page=path[1])
    assert answer.status_code == 303
    assert refused(log_in(browser_of(hub), device), "HUB-1734")


# ---------------------------------------------------------------- challenges


def test_challenges_are_bounded_and_the_oldest_goes_first() -> None:
    out = Challenges[int](lambda: 0)
    first = out.make("me", 1)
    made = [out.make("me", number) for number in range(KEPT_MAX - 1)]
    last = out.make("me", 7)
    assert out.take(first, "me") is None
    assert out.take(made[0], "me") == 0
    assert out.take(last, "another") is None
    assert out.take(last, "me") == 7
    assert out.take(last, "me") is None
