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

from hub.domain.rights import Reach, Role, reach
from hub.web.access import Allowed, anyone
from simulator.site import GatePlan
from tests.chromium import chromium, needs_chromium
from tests.e2e.people_crawl import Crawl, Table
from tests.e2e.people_errands import asks, has_errands, logs_in_twice, reminds
from tests.e2e.people_site import (
    ADA,
    CLAIRE,
    GATE_NAME,
    GUST,
    INES,
    KAAT,
    SASKIA,
    SEPP,
    PeopleSite,
    Somebody,
    people_site,
)
from tests.e2e.people_walker import Walker
from tests.hub.house import HEADER
from tests.web.all_routes import all_routes
from tests.web.test_rights import right_of
from tests.web.whole_hub import whole_hub

pytestmark = [pytest.mark.processes, *needs_chromium]
MILAN, ODILE, TUUR, BASILE, NORA = (
    f"04a1b2c3d4e5{number}" for number in ("01", "02", "06", "07", "0c")
)
PEOPLE: Final = f"""{HEADER}
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Aarts;Milan;85031299761;;{MILAN};nl;
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Brasseur;Odile;78041799366;;{ODILE};fr;
Werf Noord;1Y19FAKE001AZ;0999000129;Bouwwerken Voorbeeld;Claessens;Ward;82093099188;;5A1B2C3D;nl;
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures Exemple;Fierens;Tuur;99123199544;;{TUUR};nl;
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
        # It takes half a minute until the remark is read that he has no Dimona.
        place.tap(TUUR)
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


def announces_himself(
    kiosk: Walker, number: str = FINN, given: str = "Finn", family: str = "Maertens"
) -> None:
    """Somebody whom nobody knows types his number at the kiosk, and says who he is."""
    kiosk.opens("/kiosk")
    kiosk.types(kiosk.says("kiosk.start.number"), number)
    kiosk.page.click("button[name=way][value=in]")
    kiosk.there(kiosk.says("kiosk.newcomer.title"))
    kiosk.looks_over()
    kiosk.types(kiosk.says("kiosk.field.given_name"), given)
    kiosk.types(kiosk.says("kiosk.field.family_name"), family)
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


# ---------------------------------------------------------------- every page

KIOSK: Final = (
    "/kiosk", "/kiosk/card", "/kiosk/emergency", "/kiosk/guard", "/kiosk/turn.json", "/kiosk/visit"
)  # fmt: skip
NOT_KIOSKS: Final = (
    frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.GUARD}),
    "a kiosk is let in by a cookie of its own, and no login is",
)
NOT_REACHED: Final[dict[str, tuple[frozenset[Role], str]]] = {
    **dict.fromkeys(KIOSK, NOT_KIOSKS),
    "/enrol/eid": (frozenset({Role.CONTRACTOR}), "the reader is at the hub, and so is who uses it"),
    "/sites/new": (frozenset({Role.SUPERVISOR}), "a new site is nobody's yet"),
    "/registrations/of/{token}/visitor": (
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.CONTRACTOR}),
        "the board offers it for who is there without any registration, and here each has one",
    ),
    "/phone/{handle}/state.json": (
        frozenset({Role.WORKER}),
        "a phone asks for it once it holds an act that was made without network",
    ),
    "/reports/reminders/new": (frozenset({Role.CONTRACTOR}), "nobody works for this one"),
    "/reports/reminders/preview": (frozenset({Role.CONTRACTOR}), "nobody works for this one"),
}  # fmt: skip
"""Pages that a role may open and finds no way to, with the reason."""
OPEN_WITHOUT_A_WAY: Final = {
    "/healthz": "asked by what looks after the machine",
    "/favicon.ico": "asked by old browsers; pages name their icon",
    "/phone/app.webmanifest": "asked by the browser when the page is installed",
    "/phone/worker.js": "asked by the browser itself, which tells no page",
    "/login/elsewhere/back": "only with a provider of logins, see tests/web/test_elsewhere.py",
}
SECRET: Final = (*tuple(re.findall(r"\d{11,}|(?<=;)[A-Z][a-z]+(?=;[A-Z][a-z]+;)", PEOPLE)), FINN)
STOYAN: Final = "88060299559"


@pytest.fixture(scope="module")
def hub_table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    with whole_hub(tmp_path_factory.mktemp("table") / "hub") as hub:
        return Table(all_routes(hub.app))


def allowed(table: Table, role: Role) -> set[str]:
    """What the table of rights lets somebody see."""
    return {
        route.path
        for route in table.pages()
        if isinstance(right := right_of(route), Allowed)
        and reach(role, right.action) is not Reach.NOTHING
    }


def compare(crawl: Crawl, pages: set[str], table: Table, role: Role | None = None) -> None:
    """Fails for what was wrong, for what he did not find, and for what he should not have.

    Args:
        pages: what the table of rights lets him see.
        role: his; None for a kiosk.
    """
    open_to_all = {route.path for route in table.pages() if right_of(route) is anyone}
    reached = set(crawl.reached) - open_to_all
    named = {path for path, (roles, _) in NOT_REACHED.items() if role in roles}
    assert crawl.faults == [], "\n".join(crawl.faults)
    assert pages - named - reached == set(), f"not reached: {pages - named - reached}"
    assert reached - pages == set(), f"reached all the same: {reached - pages}"


@pytest.fixture(scope="module")
def busy(place: PeopleSite, kiosk: Walker, hub_table: Table) -> PeopleSite:
    """Something is behind every page: one without Dimona, of whom his company was told, one whom
    nobody knows, one registered."""
    place.tap(BASILE)
    announces_himself(kiosk, STOYAN, "Stoyan", "Iliev")
    with place.walker(ADA) as ada:
        reminds(Crawl(ada, hub_table, SECRET))
    return place


@pytest.mark.parametrize("one", [ADA, SASKIA, CLAIRE, GUST, INES], ids=lambda one: one.login)
def test_every_link_leads_on_and_every_page_has_a_link_to_it(
    busy: PeopleSite, hub_table: Table, one: Somebody
) -> None:
    with busy.walker(one, "status of 40") as who:
        crawl = Crawl(who, hub_table, SECRET)
        has_errands(crawl, one.role)
        crawl.goes("/account", who.page.url.removeprefix(busy.base))
        crawl.is_refused("/nothing", 404)
        if one.role is not Role.ADMINISTRATOR:
            crawl.is_refused("/audit", 403)
    compare(crawl, allowed(hub_table, one.role), hub_table, one.role)


def test_every_screen_of_a_kiosk_is_reached(
    busy: PeopleSite, kiosk: Walker, hub_table: Table
) -> None:
    crawl = Crawl(kiosk, hub_table, SECRET)
    crawl.goes("/kiosk")
    kiosk.opens("/kiosk")
    kiosk.types(kiosk.says("kiosk.start.number"), WARD)
    with kiosk.page.expect_response("**/kiosk/turn.json"):
        kiosk.page.click("button[name=way][value=in]")
    crawl.looks()
    kiosk.clicks_on("button", kiosk.says("kiosk.next"))
    compare(crawl, set(KIOSK), hub_table)


@pytest.fixture(scope="module")
def poster(busy: PeopleSite) -> str:
    """The address on the poster of the site."""
    with busy.walker(SASKIA) as saskia:
        saskia.opens("/works")
        return poster_of(saskia)


def test_every_page_of_a_worker_is_reached(busy: PeopleSite, hub_table: Table, poster: str) -> None:
    with busy.walker(SASKIA) as saskia:
        saskia.opens("/people")
        saskia.clicks_on("link", "Gillard Basile", "main")
        saskia.clicks_on("link", saskia.says("own.link.title"), "main")
        saskia.clicks_on("button", saskia.says("own.code.make"))
        code = saskia.page.locator("code.personal").inner_text()
        saskia.clicks_on("button", saskia.says("own.link.make"))
        link = saskia.page.locator("main code").first.inner_text()
    with busy.stranger("fr", "basile", "status of 40") as basile:
        crawl = Crawl(basile, hub_table, SECRET)
        crawl.goes(poster)
        basile.page.goto(f"{basile.base}{poster}")
        basile.types(basile.says("phone.enter.code"), code)
        # The page fetches by itself what the phone is to keep of it.
        with basile.page.expect_response("**/offline"):
            basile.clicks_on("button", basile.says("phone.enter.go"))
        basile.there(basile.says("phone.title"))
        crawl.looks()
        crawl.goes(link.removeprefix(busy.base))
        basile.page.goto(link)
        basile.clicks_on("button", basile.says("access.link.worker.do"))
        basile.page.wait_for_url("**/own")
        asks(crawl)
        crawl.goes("/account", "/own")
        crawl.is_refused("/people", 403)
    compare(crawl, allowed(hub_table, Role.WORKER), hub_table, Role.WORKER)


def test_every_page_of_a_stranger_is_reached(
    busy: PeopleSite, hub_table: Table, poster: str
) -> None:
    """Every page that is open to all: the login with its second factor, and links."""
    with busy.stranger("de", "nobody", "status of 40") as nobody:
        crawl = Crawl(nobody, hub_table, SECRET)
        crawl.goes("/login", "/phone", poster, busy.link(SEPP).removeprefix(busy.base))
        logs_in_twice(crawl, busy, SEPP)
    opened = {route.path for route in hub_table.pages() if right_of(route) is anyone}
    assert crawl.faults == [], "\n".join(crawl.faults)
    forgotten = opened - {*crawl.reached}
    assert forgotten <= set(OPEN_WITHOUT_A_WAY), forgotten
