"""The page of one registration: what it tells, to whom, and what it never shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select, text, update

from hub.application.access import Actor
from hub.application.evidence import Exchange
from hub.domain.rights import Role
from hub.i18n import LANGUAGES
from hub.i18n import text as said
from hub.storage.engine import reading
from hub.storage.evidence import EvidenceStore
from hub.storage.schema import account, audit, company, person, registration
from tests.hub.house import BASILE, MILAN, NOON_MS
from tests.hub.kept_evidence import ENVELOPE, REFERENCES, submitted
from tests.hub.kept_evidence import registration as answered
from tests.web.actors import CSRF
from tests.web.registration_world import (
    HOUR,
    INSPECTOR,
    NUMBER,
    SUPERVISOR,
    Morning,
    morning_of,
)

MASKED, CLEAR = "85.03.12-***.**", "85031299761"
REMARK = "RELATED DIMONA NOT OK"


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """Milan has a number with a remark and is proven; Basile waits. Nothing here changes them."""
    with morning_of(tmp_path_factory.mktemp("registered")) as opened:
        opened.tap(MILAN)
        opened.tap(BASILE)
        reference = opened.reference("Aarts")
        opened.step(reference, "sending")
        opened.now_ms = NOON_MS + 1000
        opened.step(reference, "registered", number=NUMBER, answer="{}")
        opened.step(reference, "flagged", answer=f'{{"remarks": ["{REMARK}"]}}', actor="authority")
        EvidenceStore(opened, opened.vault).keep(exchange(reference))  # pyright: ignore[reportArgumentType]
        yield opened


def exchange(reference: str) -> Exchange:
    """A call of the day service that carried Milan and two others."""
    asked = told = ""
    for place in range(3):
        ours = reference if place == 0 else REFERENCES[place]
        one = submitted(place).replace(REFERENCES[place], ours)
        other = answered(place).replace(REFERENCES[place], ours)
        asked += f"<p:PresenceRegistrationRequest>{one}</p:PresenceRegistrationRequest>"
        told += f"<p:PresenceRegistrationResponse>{other}</p:PresenceRegistrationResponse>"
    request = f"<p:RegisterPresencesRequest>{asked}</p:RegisterPresencesRequest>"
    answer = f"<p:RegisterPresencesResponse>{told}</p:RegisterPresencesResponse>"
    items = ((reference, NUMBER), (REFERENCES[1], None), (REFERENCES[2], None))
    return Exchange(
        NOON_MS, "day", "register", "answered",
        ENVELOPE.format(request).encode(), ENVELOPE.format(answer).encode(), items,
    )  # fmt: skip


def page(morning: Morning, actor: Actor = SUPERVISOR, language: str = "en") -> str:
    """The page of Milan's registration, as text."""
    morning.as_(actor)
    answer = morning.get(f"/registrations/{morning.reference('Aarts')}", language)
    assert answer.status_code == 200
    return unescape(re.sub(r"<[^>]+>|\s+", " ", answer.text).replace("  ", " "))


def contractor(morning: Morning, number: str) -> Actor:
    with reading(morning.site.engine) as connection:
        key = connection.execute(select(company.c.id).where(company.c.number == number)).scalar()
    return Actor("account:21", Role.CONTRACTOR, "Bob", company_id=key, account_id=21, csrf=CSRF)


def worker(morning: Morning, family_name: str) -> Actor:
    with reading(morning.site.engine) as connection:
        query = select(person.c.id).where(person.c.family_name == family_name)
        key = connection.execute(query).scalar()
    return Actor("account:22", Role.WORKER, family_name, person_id=key, csrf=CSRF)


# ---------------------------------------------------------------- what it tells


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_tells_everything_in_plain_words(morning: Morning, language: str) -> None:
    shown = re.sub(r"\s+", " ", page(morning, language=language).replace("\u00a0", " "))
    told = [
        "Milan Aarts", "1Y19FAKE001AZ", "Werf Noord", "0999.000.129", MASKED, str(NUMBER),
        morning.reference("Aarts"), said("dashboard.state.flagged", language),
        f"{said('remark.related_dimona_not_ok', language)} ({REMARK})",
        said("registration.regime.day", language),
        said("cause.first_tap", language), said("cause.answered", language),
        said("registrations.bys.tap", language), said("registrations.bys.authority", language),
        said("registrations.operation.register", language),
        said("registrations.sound", language),
    ]  # fmt: skip
    for words in told:
        assert re.sub(r"\s+", " ", words) in shown, words
    assert CLEAR not in shown


def test_the_steps_stand_in_their_order_with_number_and_moment(morning: Morning) -> None:
    shown = page(morning).partition("History")[2].partition("Evidence")[0]
    order = ["waiting to be sent", "being sent", f"registered no. {NUMBER}", "with remarks"]
    places = [shown.index(one) for one in order]
    assert places == sorted(places)
    assert "Received on" in page(morning)


def test_who_decided_is_named_to_the_site_and_a_role_to_everybody_else(morning: Morning) -> None:
    morning.write(
        lambda connection: connection.execute(
            account.insert().values(
                id=31, login="sofie", name="Sofie Maes", role="supervisor", added_ms=NOON_MS,
                added_by="command",
            )
        )
    )  # fmt: skip
    reference = morning.reference("Gillard")
    morning.step(reference, "due", due_ms=NOON_MS - HOUR, actor="account:31")
    seen = morning.as_(SUPERVISOR).get(f"/registrations/{reference}").text
    assert "Sofie Maes" in seen
    told = morning.as_(contractor(morning, "0999000228")).get(f"/registrations/{reference}").text
    assert "Sofie Maes" not in told
    assert "Site supervisor" in told


# ---------------------------------------------------------------- evidence


def test_the_exchange_shows_this_item_alone_and_masked(morning: Morning) -> None:
    shown = page(morning).partition("Evidence")[2]
    with reading(morning.site.engine) as connection:
        digest = connection.execute(text("SELECT digest FROM evidence")).scalar_one()
    assert digest.hex() in shown
    assert shown.count(MASKED) == 3  # sent, sent as it was answered, answered
    assert "03.07.22" not in shown
    assert REFERENCES[1] not in shown
    assert f"PresenceRegistrationId {NUMBER}" in shown
    assert "untouched" in shown


def test_a_changed_row_says_so(morning: Morning, tmp_path: Path) -> None:
    with morning_of(tmp_path) as other:
        other.tap(MILAN)
        reference = other.reference("Aarts")
        EvidenceStore(other, other.vault).keep(exchange(reference))  # pyright: ignore[reportArgumentType]

        def tamper(connection: Connection) -> None:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(triggers)).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text("UPDATE evidence SET outcome = 'refused'"))

        other.write(tamper)
        assert "CHANGED" in other.get(f"/registrations/{reference}").text


def test_the_number_that_was_sent_is_shown_once_with_a_reason_and_audited(
    morning: Morning,
) -> None:
    where = f"/registrations/{morning.reference('Aarts')}"
    morning.as_(SUPERVISOR)
    short = morning.post(f"{where}/reveal", reason="x")
    assert (short.status_code, "HUB-1632" in short.text, CLEAR in short.text) == (409, True, False)
    shown = morning.post(f"{where}/reveal", reason="asked by the inspector")
    assert shown.status_code == 200
    assert CLEAR in shown.text
    assert "03072199766" not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    with reading(morning.site.engine) as connection:
        row = connection.execute(
            select(audit).where(audit.c.action == "person.revealed").order_by(audit.c.id.desc())
        ).first()
    assert row is not None
    assert (row.actor, '"which": "sent"' in row.detail) == (SUPERVISOR.name, True)
    assert "asked by the inspector" in row.detail
    assert CLEAR not in morning.get(where).text


def test_who_may_not_see_numbers_is_not_offered_one(morning: Morning) -> None:
    where = f"/registrations/{morning.reference('Aarts')}"
    for actor in (INSPECTOR, worker(morning, "Aarts")):
        morning.as_(actor)
        html = morning.get(where).text
        assert MASKED in html
        assert "/reveal" not in html
        assert morning.post(f"{where}/reveal", reason="out of curiosity").status_code == 403


# ---------------------------------------------------------------- who sees which


def test_a_worker_sees_his_own_and_nobody_elses(morning: Morning) -> None:
    mine, other = morning.reference("Aarts"), morning.reference("Gillard")
    morning.as_(worker(morning, "Aarts"))
    html = morning.get(f"/registrations/{mine}").text
    assert str(NUMBER) in html
    assert 'href="/own"' in html
    assert "<form" not in html.partition("<main")[2]
    assert "/people/" not in html
    assert morning.get(f"/registrations/{other}").status_code == 404
    assert f'href="/registrations/{mine}"' in morning.get("/own").text


def test_a_contractor_sees_his_people_and_corrects_them_only(morning: Morning) -> None:
    mine, other = morning.reference("Aarts"), morning.reference("Gillard")
    morning.as_(contractor(morning, "0999000129"))
    html = morning.get(f"/registrations/{mine}").text
    assert str(NUMBER) in html
    assert f"/registrations/{mine}/cancel" not in html
    assert morning.post(f"/registrations/{mine}/cancel", reason="DISEASE").status_code == 403
    assert morning.get(f"/registrations/{other}").status_code == 404
    # How many exchanges there were for everybody is not his to know.
    assert "Exchange 1" not in html
    assert "Exchange 1" in morning.as_(SUPERVISOR).get(f"/registrations/{mine}").text


def test_it_is_linked_from_the_board_and_the_person(morning: Morning) -> None:
    morning.as_(SUPERVISOR)
    mine = morning.reference("Aarts")
    assert f'href="/registrations/{mine}"' in morning.get("/?site=1").text
    html = morning.get(f"/people/{morning.token('Aarts')}").text
    assert f'href="/registrations/{mine}"' in html
    assert "1 remark" in html
    part = html.partition('id="taps"')[2]
    assert "Monday 23 November 2026" in part
    assert "11:00:00" in part


def test_days_longer_ago_than_a_week_are_not_on_the_page_of_a_person(tmp_path: Path) -> None:
    with morning_of(tmp_path) as morning:
        morning.tap(MILAN, NOON_MS - 7 * 24 * HOUR)
        morning.tap(MILAN, NOON_MS - 6 * 24 * HOUR)
        part = morning.get(f"/people/{morning.token('Aarts')}").text.partition('id="taps"')[2]
        assert "Tuesday 17 November 2026" in part
        assert "Monday 16 November 2026" not in part


def test_an_answer_of_the_in_out_service_can_be_withdrawn_only_when_it_can(
    tmp_path: Path,
) -> None:
    with morning_of(tmp_path) as morning:
        morning.tap(MILAN)
        reference = morning.reference("Aarts")
        morning.step(reference, "sending", "registered", number=NUMBER)
        morning.write(
            lambda connection: connection.execute(
                update(registration).values(regime="in_out", direction="in", act="1.1")
            )
        )
        html = morning.get(f"/registrations/{reference}").text
        assert "This service cannot withdraw" in html
        assert f"/registrations/{reference}/cancel" not in html
        answer = morning.post(f"/registrations/{reference}/cancel", reason="DISEASE")
        assert (answer.status_code, "HUB-1406" in answer.text) == (409, True)


def test_nothing_of_a_person_stands_in_an_address(morning: Morning) -> None:
    client: TestClient = morning.as_(SUPERVISOR).client
    html = client.get(f"/registrations/{morning.reference('Aarts')}").text
    for address in re.findall(r'(?:href|action|formaction)="([^"]+)"', html):
        # A handle is random hexadecimal: eleven of its signs may well be digits.
        plain = re.sub(r"\b[0-9a-f]{32}\b", "", address.partition("/static/")[0])
        assert not re.search(r"Aarts|Milan|8503|\d{11}", plain), address
