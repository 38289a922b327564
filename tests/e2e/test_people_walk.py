"""Everybody who works with a site walks his pages and does his work, on one site that runs.

Supervisor, guard, a newcomer at the kiosk, a worker with his phone, a contractor, an inspector, a
safety coordinator and who installs gates: each in a browser of his own, in his own language, with
a real gate, broker, hub and authority behind it. Every page in his navigation is opened and looked
over (`tests.e2e.people_walker`), every other room is closed to him, and his main errand is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import pytest
from pypdf import PdfReader

from hub.domain.rights import Role
from simulator.site import GatePlan
from tests.chromium import chromium, needs_chromium
from tests.e2e.people_site import (
    ADA,
    CLAIRE,
    GATE_NAME,
    GUST,
    INES,
    KAAT,
    SASKIA,
    PeopleSite,
    people_site,
)
from tests.e2e.people_walker import Walker
from tests.hub.house import HEADER

pytestmark = [pytest.mark.processes, *needs_chromium]
MILAN, ODILE, BASILE, NORA = (f"04a1b2c3d4e5{number}" for number in ("01", "02", "07", "0c"))
PEOPLE: Final = f"""{HEADER}
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Aarts;Milan;85031299761;;{MILAN};nl;
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Brasseur;Odile;78041799366;;{ODILE};fr;
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Claessens;Ward;82093099188;;5A1B2C3D;nl;
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures Exemple;Gillard;Basile;03072199766;;{BASILE};fr;
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures Exemple;Lambert;Nora;91112299443;;{NORA};fr;2026-01-31
"""
WARD, FINN = "82093099188", "01051499330"
"""Numbers: of somebody with a badge that he forgot, and of one whom nobody knows yet."""
NEW_BADGE = "04d1d2d3d4d501"
PIN = "246810"
NUMBER = re.compile(r"\b\d{15}\b")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeopleSite]:
    with (
        chromium() as browser,
        people_site(tmp_path_factory.mktemp("walk"), browser, PEOPLE) as place,
    ):
        yield place


@pytest.fixture(scope="module")
def kiosk(place: PeopleSite) -> Iterator[Walker]:
    """A tablet that the supervisor made the kiosk of the gate."""
    with place.walker(SASKIA) as tablet:
        tablet.opens("/kiosks")
        tablet.types(tablet.says("kiosk.make.name"), "Loge")
        tablet.page.fill("#f-pin", PIN)
        tablet.clicks_on("button", tablet.says("kiosk.make.go"))
        tablet.there(tablet.says("kiosk.start.title"))
        # It is nobody's browser any more: no other page opens on it.
        assert tablet.status("/") in (303, 307)
        yield tablet


def count(who: Walker) -> int:
    """How many are on the site, as the board or the list says it."""
    return int(who.page.locator(".count-number").inner_text())


def test_the_supervisor_sees_who_comes_and_settles_who_is_not_registered(
    place: PeopleSite, kiosk: Walker
) -> None:
    with place.walker(SASKIA) as saskia:
        page = saskia.page
        saskia.walks_his_rooms(Role.SUPERVISOR)
        saskia.opens("/")
        before = count(saskia)
        page.evaluate("window.opened = true")
        place.tap(MILAN)
        page.locator(".count-number", has_text=re.compile(rf"^{before + 1}$")).wait_for()
        page.locator(".balance .tone-number dd", has_text=re.compile(r"^[1-9]")).first.wait_for()

        announces_himself(kiosk)
        matter = page.locator("#unregistered .matters > li", has_text="Finn")
        matter.wait_for()
        assert page.evaluate("window.opened"), "the board was loaded again"
        saskia.looks_over()
        matter.get_by_role("link", name=saskia.says("registrations.act.fix_company")).click()
        saskia.reaches(saskia.says("people.change_title"))
        saskia.there("Toitures", ".notice")
        saskia.looks_over()
        saskia.chooses(saskia.says("people.company"), "0999000228")
        saskia.clicks_on("button", saskia.says("people.save"))
        page.wait_for_url(f"{saskia.base}/?site=1&said=*")
        page.locator("details.company", has_text="Maertens").evaluate("(one) => one.open = true")
        finn = page.locator("li.person", has_text="Maertens").filter(has_text=NUMBER)
        finn.wait_for()
        finn.locator("a.to-file").click()
        saskia.there("Maertens")
        saskia.looks_over()

        saskia.opens("/roll-call")
        assert count(saskia) >= 2
        printed = page.get_by_role("link", name=saskia.says("roll_call.print"))
        paper = PdfReader(BytesIO(saskia.gets(printed.get_attribute("href") or "")))
        text = "\n".join(one.extract_text() for one in paper.pages)
        assert "Maertens" in text
        assert FINN not in text


def announces_himself(kiosk: Walker) -> None:
    """Somebody whom nobody knows types his number at the kiosk, and says who he is."""
    kiosk.opens("/kiosk")
    kiosk.types(kiosk.says("kiosk.start.number"), FINN)
    kiosk.page.click("button[name=way][value=in]")
    kiosk.there(kiosk.says("kiosk.newcomer.title"))
    kiosk.looks_over()
    kiosk.types(kiosk.says("kiosk.field.given_name"), "Finn")
    kiosk.types(kiosk.says("kiosk.field.family_name"), "Maertens")
    kiosk.types(kiosk.says("kiosk.field.company_said"), "Toitures")
    kiosk.clicks_on("button", kiosk.says("kiosk.newcomer.go"))
    kiosk.page.locator(".k-answer").wait_for()
    kiosk.looks_over()
    kiosk.clicks_on("button", kiosk.says("kiosk.next"))


def test_the_guard_sees_who_is_refused_and_lets_in_who_forgot_his_badge(
    place: PeopleSite, kiosk: Walker
) -> None:
    with place.walker(GUST) as gust:
        gust.walks_his_rooms(Role.GUARD)
        gust.opens("/guard")
        place.tap(NORA)
        latest = gust.page.locator(".latest.closed", has_text="Lambert")
        latest.wait_for()
        # Why, and what to do, without a word of social security.
        said = gust.page.locator("main").inner_text()
        assert not re.search(r"INSZ|NISS|RSZ|Limosa|Dimona", said)
        gust.looks_over()

        kiosk.opens("/kiosk/guard")
        kiosk.types(kiosk.says("kiosk.guard.pin"), PIN)
        kiosk.clicks_on("button", kiosk.says("kiosk.guard.open"))
        kiosk.types(kiosk.says("kiosk.guard.find"), "claes")
        kiosk.clicks_on("button", kiosk.says("kiosk.guard.search"))
        found = kiosk.page.locator(".k-people li", has_text="Claessens")
        found.wait_for()
        kiosk.looks_over()
        found.locator("button[value=in]").click()
        kiosk.page.locator(".k-answer[data-stage=registered]").wait_for()
        assert NUMBER.search(kiosk.page.locator("#k-stage").inner_text())
        kiosk.clicks_on("button", kiosk.says("kiosk.next"))
        kiosk.opens("/kiosk/emergency")
        gust.opens("/roll-call")
        gust.there("Claessens")


def test_a_worker_checks_in_with_his_phone_and_sees_his_number(place: PeopleSite) -> None:
    with place.walker(SASKIA) as saskia:
        saskia.opens("/people")
        saskia.clicks_on("link", "Brasseur Odile", "main")
        saskia.looks_over()
        saskia.clicks_on("link", saskia.says("own.link.title"), "main")
        saskia.looks_over()
        saskia.clicks_on("button", saskia.says("own.code.make"))
        code = saskia.page.locator("code.personal").inner_text()
        saskia.opens("/works")
        address = poster_of(saskia)
    with place.stranger("fr", "odile") as odile:
        odile.opens(address)
        odile.types(odile.says("phone.enter.code"), code.lower())
        odile.clicks_on("button", odile.says("phone.enter.go"))
        odile.there(odile.says("phone.title"))
        odile.looks_over()
        odile.clicks_on("button", odile.says("phone.way.in"))
        odile.page.locator("#p-act[data-stage=registered]").wait_for()
        assert NUMBER.search(odile.page.locator("#p-act").inner_text())
        odile.looks_over()
        for path in ("/", "/people", "/own", "/kiosk"):
            assert odile.status(path) in (303, 307), path


def poster_of(saskia: Walker) -> str:
    """The address on the poster of the site, which its page shows."""
    saskia.clicks_on("link", "Werf Noord", "main")
    saskia.looks_over()
    handle = saskia.page.url.rpartition("/")[2].partition("?")[0]
    return f"/phone/{handle}"


def test_the_contractor_links_a_badge_and_plans_his_own_people_only(place: PeopleSite) -> None:
    with place.walker(CLAIRE) as claire:
        page = claire.page
        claire.walks_his_rooms(Role.CONTRACTOR)
        claire.opens("/enrol")
        page.get_by_label(claire.says("enrol.typed.card")).fill(NEW_BADGE.upper())
        page.keyboard.press("Enter")
        claire.reaches(claire.says("enrol.seen.title"))
        claire.looks_over()
        claire.types(claire.says("enrol.new.number"), "98081199513")
        claire.types(claire.says("enrol.new.given_name"), "Fien")
        claire.types(claire.says("enrol.new.family_name"), "Jacobs")
        claire.clicks_on("button", claire.says("enrol.new.link"))
        claire.reaches(claire.says("enrol.done.title"))
        claire.looks_over()
        claire.opens("/people")
        claire.there("Jacobs")
        assert not re.search("Aarts|Brasseur|Claessens", page.content())

        claire.opens("/plan")
        page.locator("details.plan-company a.button.main").click()
        claire.there(claire.says("planboard.ticked"))
        claire.looks_over()
        page.locator("tr", has_text="Gillard").get_by_role("checkbox").check()
        claire.clicks_on("button", claire.says("planboard.add"))
        planned = page.locator("tr", has_text="Gillard").locator(".badge-word")
        planned.wait_for()
        assert "Aarts" not in page.content()
        # The hub's answer to a card is at the gate, too.
        place.tap(NEW_BADGE)
        claire.opens("/day")
        claire.there("Jacobs")
        assert not re.search("Aarts|Brasseur|Claessens", page.content())


def test_the_inspector_reads_and_changes_nothing(place: PeopleSite) -> None:
    place.tap(BASILE)
    with place.walker(INES) as ines:
        page = ines.page
        ines.walks_his_rooms(Role.INSPECTOR)
        ines.opens("/day")
        row = page.locator("tr", has_text="Gillard")
        row.wait_for()
        assert re.search(r"[*•]", row.locator("td").nth(2).inner_text()), "the number is masked"
        assert not re.search("03072199766|03.07.21-997.66", page.content())
        row.locator("a.receipt").click()
        ines.looks_over()
        reference = page.url.rpartition("/")[2].partition("?")[0]
        page.goto(f"{ines.base}/people")
        token = page.locator("main a[href^='/people/']", has_text="Gillard").get_attribute("href")
        for path in (
            f"/registrations/{reference}/cancel", f"/registrations/{reference}/retry",
            f"{token}/change", f"{token}/reveal", f"{token}/own-link", "/kiosks", "/accounts/new",
            "/roll-call/start", "/plan", "/imports",
        ):  # fmt: skip
            assert ines.posts(path, reason="DISEASE") in (403, 404, 405), path


def test_the_safety_coordinator_has_the_evacuation_list_one_click_away(place: PeopleSite) -> None:
    place.tap(BASILE)
    with place.walker(KAAT) as kaat:
        for path in ("/", "/day", "/people", "/companies", "/works", "/plan", "/reports"):
            kaat.opens(path)
            link = kaat.page.locator("nav.rooms .urgent")
            assert kaat.in_sight_on_a_phone(link), path
            kaat.clicks_on("link", kaat.says("frame.nav.roll_call"), "nav.rooms")
            kaat.reaches(f"{kaat.says('roll_call.title')} Werf Noord")
            kaat.there("Gillard")


def test_who_installs_adds_a_gate_and_sees_its_tile(place: PeopleSite) -> None:
    with place.walker(ADA) as ada:
        ada.walks_his_rooms(Role.ADMINISTRATOR)
        ada.opens("/?site=1")
        ada.there(GATE_NAME, "#gates")
        ada.page.evaluate("window.opened = true")
        place.run(place.site.add_gate(GatePlan("gate-2", "Poort 2", "in")))
        tile = ada.page.locator("#gates article", has_text="Poort 2")
        tile.locator(".tone-number").first.wait_for()
        assert ada.page.evaluate("window.opened"), "the board was loaded again"
        ada.looks_over()
