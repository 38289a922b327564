"""Logging in with an account elsewhere, by the simulated provider behind a real server."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update

from hub.domain.rights import Role
from hub.settings import OidcSettings, Settings
from hub.storage.credentials import TOTP
from hub.storage.engine import reading, writing
from hub.storage.links import Purpose
from hub.storage.schema import account
from hub.web.challenges import CHALLENGE_MS
from hub.web.live import Changes
from hub.web.provider import KEPT_MS
from simulator.identity.app import identity_app
from simulator.identity.provider import PEOPLE, Client, IdentityProvider
from tests import plain_http
from tests.web.serving import served
from tests.web.whole_hub import NOON_MS, PASSWORD, WholeHub, post, whole_hub

AN, BRAM = PEOPLE[0].subject, PEOPLE[1].subject
BACK = "http://testserver/login/elsewhere/back"
TIME = [NOON_MS]


@pytest.fixture(scope="module")
def shared() -> Iterator[IdentityProvider]:
    """One provider behind a real server."""
    client = Client("hub", "s:cret/+", (BACK,))
    provider = IdentityProvider("", client, lambda: TIME[0])
    with served(identity_app(provider), Changes()) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider


@pytest.fixture
def provider(shared: IdentityProvider) -> IdentityProvider:
    """The provider without a fault."""
    shared.fault = ""
    shared.asked.clear()
    shared.client = replace(shared.client, secret="s:cret/+")
    TIME[0] = NOON_MS
    return shared


@pytest.fixture
def hub(tmp_path: Path, provider: IdentityProvider) -> Iterator[WholeHub]:
    """A hub that knows the provider, with one account that was invited."""
    folder = tmp_path / "hub"
    secret = tmp_path / "secret"
    secret.write_text("s:cret/+\n")
    oidc = OidcSettings(
        issuer=provider.issuer, client_id="hub", client_secret_file=str(secret), label="Staf ID"
    )
    with whole_hub(folder, Settings(data=folder, oidc=oidc)) as hub:
        hub.add("ada", Role.ADMINISTRATOR)
        with writing(hub.engine) as connection:
            connection.execute(update(account).values(password_hash=None))
        yield hub


def away_to(answer: Response) -> str:
    """Where the page sends the browser on to."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def at_provider(going: str, person: str) -> str:
    """Chooses a person there; where the browser is sent back to, as a path."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(going).query).items()}
    page = plain_http.get(going)
    assert page.status_code == 200, page.text
    where = f"{going.partition('?')[0]}"
    answer = plain_http.post(where, data={**asked, "person": person})
    assert answer.headers["location"].startswith(BACK + "?")
    return answer.headers["location"].removeprefix("http://testserver")


def come(browser: TestClient, person: str, begin: str = "/login/elsewhere", page: str = "/login",
         **more: str) -> Response:  # fmt: skip
    """The whole way there and back."""
    return browser.get(at_provider(away_to(post(browser, begin, page, **more)), person))


def linked(hub: WholeHub, person: str, login: str = "ada") -> Response:
    """Opens an invitation and links it."""
    link = hub.link(login, Purpose.INVITATION)
    return come(hub.browser(), person, f"{link}/elsewhere", link)


def subjects(hub: WholeHub) -> set[str | None]:
    with reading(hub.engine) as connection:
        return set(connection.execute(select(account.c.oidc_subject)).scalars())


def told(answer: Response, code: str) -> bool:
    return answer.status_code in (400, 503) and code in answer.text


# ---------------------------------------------------------------- the way in


def test_an_invitation_links_an_account_and_the_next_login_finds_it(
    hub: WholeHub, provider: IdentityProvider
) -> None:
    link = hub.link("ada", Purpose.INVITATION)
    assert "Use Staf ID" in hub.browser().get(link).text
    answer = linked(hub, AN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?said=welcome")
    assert subjects(hub) == {f"{provider.issuer} {AN}"}
    browser = hub.browser()
    answer = come(browser, AN, next="/accounts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
    page = browser.get("/account").text
    assert "Your account at Staf ID opens this one too." in page
    noted = hub.noted("action", "subject", "detail")
    assert ("account.changed", "account:1", '{"change": "login elsewhere linked"}') in noted
    assert noted[-1] == ("login", "account:1", '{"how": "oidc"}')
    assert AN not in str(noted)


def test_who_is_linked_to_nothing_is_nobody_and_gets_no_account(hub: WholeHub) -> None:
    assert told(come(hub.browser(), AN), "HUB-1737")
    with reading(hub.engine) as connection:
        assert len(connection.execute(select(account.c.id)).all()) == 1


def test_nobody_is_linked_by_anything_but_an_invitation(hub: WholeHub) -> None:
    for purpose in (Purpose.RESET, Purpose.LOGIN):
        link = hub.link("ada", purpose)
        assert "Staf ID" not in hub.browser().get(link).text
        answer = post(hub.browser(), f"{link}/elsewhere", link)
        assert told(answer, "HUB-1602") or answer.status_code == 400
        assert "http-equiv" not in answer.text
    assert post(hub.browser(), "/link/unknown/elsewhere", "/login").status_code == 404
    assert subjects(hub) == {None}


def test_one_login_elsewhere_opens_one_account_and_the_invitation_stays_good(
    hub: WholeHub,
) -> None:
    linked(hub, AN)
    hub.add("ben", Role.ADMINISTRATOR)
    link = hub.link("ben", Purpose.INVITATION)
    answer = come(hub.browser(), AN, f"{link}/elsewhere", link)
    assert told(answer, "HUB-1733")
    assert f'action="{link}"' in answer.text
    assert come(hub.browser(), BRAM, f"{link}/elsewhere", link).status_code == 303
    # Good once, for a password too.
    assert hub.browser().get(link).status_code == 404


def test_a_code_is_asked_unless_the_provider_says_that_it_did(hub: WholeHub) -> None:
    linked(hub, AN)
    hub.add("ben", Role.ADMINISTRATOR)
    linked(hub, BRAM, "ben")
    assert come(hub.browser(), BRAM).headers["location"] == "/"
    sealed = hub.office.vault.seal(TOTP, b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    with writing(hub.engine) as connection:
        connection.execute(update(account).values(totp_sealed=sealed))
    assert come(hub.browser(), AN).headers["location"] == "/"
    browser = hub.browser()
    assert come(browser, BRAM).headers["location"] == "/login/second"
    assert browser.get("/").headers["location"] == "/login"


def test_an_account_that_is_shut_or_waits_is_not_opened(hub: WholeHub) -> None:
    linked(hub, AN)
    for values in ({"locked_until_ms": NOON_MS + 60_000}, {"disabled_ms": NOON_MS}):
        with writing(hub.engine) as connection:
            connection.execute(update(account).values(**values))
        assert told(come(hub.browser(), AN), "HUB-1737")


# ---------------------------------------------------------------- what is not believed


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_three_ways_of_signing_are_taken(
    hub: WholeHub, provider: IdentityProvider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    provider.rotate()
    assert linked(hub, AN).status_code == 303


def test_a_token_that_is_wrong_in_any_way_opens_nothing(
    hub: WholeHub, provider: IdentityProvider
) -> None:
    linked(hub, AN)
    checks = {
        "nonce": "nonce", "expired": "exp", "early": "iat", "issuer": "iss", "audience": "aud",
        "other_party": "aud", "unsigned": "signature", "shared_secret": "signature",
        "other_key": "signature", "no_subject": "sub",
    }  # fmt: skip
    for fault, check in checks.items():
        provider.fault = fault
        browser = hub.browser()
        answer = come(browser, AN)
        assert told(answer, "HUB-1738"), fault
        assert f"(check: {check})" in answer.text
        assert browser.cookies.get("sitegate_session") is None
        noted = hub.noted("action", "actor", "detail")[-1]
        assert noted == ("login.refused", "stranger", f'{{"how": "oidc", "reason": "{check}"}}')
    provider.fault = ""
    assert come(hub.browser(), AN).status_code == 303


def test_clocks_may_differ_by_a_minute(hub: WholeHub) -> None:
    linked(hub, AN)
    for late_ms, taken in ((-60_000, True), (359_000, True), (360_000, False), (-61_000, False)):
        going = away_to(post(browser := hub.browser(), "/login/elsewhere", "/login"))
        back = at_provider(going, AN)
        now_ms, hub.now_ms = hub.now_ms, hub.now_ms + min(late_ms, 0)
        TIME[0] = NOON_MS
        if late_ms > 0:
            # The answer of a provider whose clock is that much behind.
            TIME[0] = NOON_MS - late_ms
        answer = browser.get(back)
        assert (answer.status_code == 303) is taken, late_ms
        hub.now_ms, TIME[0] = now_ms, NOON_MS


def test_keys_are_kept_and_new_ones_are_fetched_when_they_are_used(
    hub: WholeHub, provider: IdentityProvider
) -> None:
    linked(hub, AN)
    assert provider.asked == ["document", "jwks", "token"]
    come(hub.browser(), AN)
    assert provider.asked == ["document", "jwks", "token", "token"]
    provider.rotate()
    assert come(hub.browser(), AN).status_code == 303
    assert provider.asked[4:] == ["token", "document", "jwks"]
    hub.now_ms += KEPT_MS
    TIME[0] += KEPT_MS
    assert come(hub.browser(), AN).status_code == 303
    assert provider.asked[7:] == ["document", "jwks", "token"]


# ---------------------------------------------------------------- of which browser, and when


def test_an_answer_is_good_once_in_one_browser_and_for_five_minutes(hub: WholeHub) -> None:
    linked(hub, AN)
    browser = hub.browser()
    back = at_provider(away_to(post(browser, "/login/elsewhere", "/login")), AN)
    other = hub.browser()
    other.get("/login")
    assert told(other.get(back), "HUB-1739")
    assert told(browser.get("/login/elsewhere/back?code=x&state=x"), "HUB-1739")
    assert browser.get(back).status_code == 303
    browser.cookies.delete("sitegate_session")
    assert told(browser.get(back), "HUB-1739")
    back = at_provider(away_to(post(browser, "/login/elsewhere", "/login")), AN)
    hub.now_ms += CHALLENGE_MS
    assert told(browser.get(back), "HUB-1739")


def test_an_answer_of_another_provider_and_one_without_a_code_are_refused(
    hub: WholeHub, provider: IdentityProvider
) -> None:
    for change, code in (
        (("iss=http", "iss=https"), "HUB-1738"),
        (("code=", "kode="), "HUB-1736"),
        (("code=", "code=x"), "HUB-1736"),
    ):
        browser = hub.browser()
        back = at_provider(away_to(post(browser, "/login/elsewhere", "/login")), AN)
        assert told(browser.get(back.replace(*change)), code), change
    assert told(come(hub.browser(), ""), "HUB-1736")
    provider.client = replace(provider.client, secret="another")
    assert told(come(hub.browser(), AN), "HUB-1736")


def test_a_form_of_another_page_sends_nobody_anywhere(hub: WholeHub) -> None:
    assert hub.browser().post("/login/elsewhere", data={"csrf": "x"}).status_code == 403
    link = hub.link("ada", Purpose.INVITATION)
    assert hub.browser().post(f"{link}/elsewhere", data={"csrf": "x"}).status_code == 403


# ---------------------------------------------------------------- away, and without any


def test_the_provider_is_away_and_the_password_works(
    hub: WholeHub, provider: IdentityProvider
) -> None:
    hub.add("ben", Role.ADMINISTRATOR)
    browser = hub.browser()
    provider.fault = "away"
    answer = post(browser, "/login/elsewhere", "/login")
    assert (answer.status_code, "HUB-1735" in answer.text) == (503, True)
    assert "Staf ID does not answer." in answer.text
    assert post(browser, "/login", login="ben", password=PASSWORD).status_code == 303
    provider.fault = ""
    back = at_provider(away_to(post(hub.browser(), "/login/elsewhere", "/login")), AN)
    provider.fault = "away"
    browser = hub.browser()
    provider.fault = ""
    back = at_provider(away_to(post(browser, "/login/elsewhere", "/login")), AN)
    provider.fault = "away"
    assert told(browser.get(back), "HUB-1735")


def test_a_secret_that_cannot_be_read_is_said(hub: WholeHub) -> None:
    Path(hub.settings.oidc.client_secret_file).unlink()
    answer = come(hub.browser(), AN)
    assert told(answer, "HUB-1002")
    assert "oidc.client_secret_file" in answer.text


def test_without_a_provider_there_is_no_button_and_nothing_is_asked(tmp_path: Path) -> None:
    with whole_hub(tmp_path / "plain") as plain:
        browser = plain.browser()
        assert "elsewhere" not in browser.get("/login").text
        for path in ("/login/elsewhere", f"/link/{'x' * 43}/elsewhere"):
            answer = post(browser, path, "/login")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert browser.get("/login/elsewhere/back?code=1").headers["location"] == "/login"


def test_nothing_of_code_or_token_is_logged(
    hub: WholeHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = hub.browser()
    going = away_to(post(browser, "/login/elsewhere", "/login"))
    back = at_provider(going, AN)
    caplog.clear()
    browser.get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    ours = [one for one in caplog.records if not one.name.startswith(("uvicorn", "asyncio"))]
    said = "\n".join(one.getMessage() for one in ours if "testserver" not in one.getMessage())
    for secret in (code, AN, "s:cret", "eyJ"):
        assert secret not in said


def test_settings_without_a_client_are_refused() -> None:
    with pytest.raises(ValueError, match="client_id"):
        OidcSettings(issuer="https://id.example")
    for issuer in ("http://id.example", "https://id.example?x", "id.example"):
        with pytest.raises(ValueError, match="issuer"):
            OidcSettings(issuer=issuer, client_id="hub")
