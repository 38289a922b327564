"""A morning on a site with something of everything on its pages: what the screenshots show.

Some are in and registered, one is refused at the gate, a badge is nobody's, one whom nobody knew
announced himself at the kiosk, a visitor is there, one is expected and has not come, tomorrow is
planned with a fault in it. All people and numbers are invented.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.e2e.people_site import SASKIA, PeopleSite
from tests.e2e.people_walker import Walker
from tests.hub.house import HEADER

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

BUILDER, ROOFER = "0999000129;Bouwwerken Voorbeeld", "0999000228;Toitures Exemple"
_ROWS: Final = (
    (BUILDER, "Aarts;Milan;85031299761;", "04A1B2C3D4E501", "nl", ""),
    (BUILDER, "Brasseur;Odile;78041799366;", "04A1B2C3D4E502", "fr", ""),
    (BUILDER, "Claessens;Ward;82093099188;", "5A1B2C3D", "nl", ""),
    (BUILDER, "Dobos;Irina;93012599620;", "04A1B2C3D4E504", "en", ""),
    (BUILDER, "Engel;Jonas;96100899773;", "04A1B2C3D4E505", "de", ""),
    (BUILDER, "Fierens;Tuur;99123199544;", "04A1B2C3D4E506", "nl", ""),
    (ROOFER, "Gillard;Basile;03072199766;", "04A1B2C3D4E507", "fr", ""),
    (ROOFER, "Hadji;Samir;00010199875;", "0102030405060708090A", "fr", ""),
    (ROOFER, "Iliev;Stoyan;88060299559;", "04A1B2C3D4E509", "en", ""),
    (ROOFER, "Jacobs;Fien;98081199513;", "6B2C3D4E", "nl", ""),
    (";Gevelbouw Zonder Grens", "Kowalik;Piotr;;24999000000000187", "04A1B2C3D4E50B", "en", ""),
    (ROOFER, "Lambert;Nora;91112299443;", "04A1B2C3D4E50C", "fr", "2026-01-31"),
)
PEOPLE: Final = "\n".join(
    [
        HEADER,
        *(f"Werf Noord;1Y19FAKE001AZ;{of};{who};{uid};{lang};{until}"
          for of, who, uid, lang, until in _ROWS),
        "",
    ]
)  # fmt: skip
COME: Final = (0, 1, 2, 3, 5, 6, 8, 10)
"""Rows of those who tap in one after another."""
NOBODYS: Final = "04d1d2d3d4d509"
WAITS_FOR: Final = "04d1d2d3d4d501"
FINN: Final = "01051499330"
PIN: Final = "246810"


class Morning:
    """What happened, and the addresses of pages about it.

    Args:
        place: the site, with `PEOPLE` imported.
    """

    def __init__(self, place: PeopleSite) -> None:
        self.place = place
        self.code = ""
        self.paths: dict[str, str] = {}
        self.kiosk = self._set_up_the_kiosk()
        self._plans()
        for row in COME:
            place.tap(_ROWS[row][2].lower())
        place.tap(_ROWS[-1][2].lower())
        place.tap(NOBODYS)
        self._at_the_kiosk()
        self._looks_for_addresses()

    def _set_up_the_kiosk(self) -> BrowserContext:
        """A tablet that stays the kiosk."""
        context = self.place.browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="nl-BE"
        )
        page = context.new_page()
        saskia = Walker(page, "nl", "tablet", self.place.base)
        page.goto(self.place.link(SASKIA))
        saskia.clicks_on("button", saskia.says("access.link.login.do"))
        page.wait_for_url(lambda url: "/link/" not in url)
        page.goto(f"{self.place.base}/kiosks")
        page.fill("#f-name", "Loge")
        page.fill("#f-pin", PIN)
        saskia.clicks_on("button", saskia.says("kiosk.make.go"))
        page.locator("#k-number").wait_for()
        return context

    def _plans(self) -> None:
        """Today one who will not come, tomorrow three, one of them without a right to it."""
        rows = [
            ("98081199513", "today", "0999000228"),
            ("85031299761", "today", "0999000129"),
            ("85031299761", "tomorrow", "0999000129"),
            ("78041799366", "tomorrow", "0999000129"),
            ("03072199766", "tomorrow", "0999000228"),
            ("98081199513", "tomorrow", "0999000228"),
        ]
        head = "inss;limosa;day;works_number;company_number"
        lines = [f"{inss};;{day};1Y19FAKE001AZ;{company}" for inss, day, company in rows]
        lines.append(";24999000000000187;tomorrow;1Y19FAKE001AZ;")
        file = self.place.site.folder / "plan.csv"
        file.write_text("\n".join([head, *lines, ""]))
        self.place.run(self.place.site.command("plan", "import", str(file.resolve()), "--json"))

    def _at_the_kiosk(self) -> None:
        """A visitor, and one whom nobody knows."""
        page = self.kiosk.pages[0]
        page.goto(f"{self.place.base}/kiosk/visit")
        for field, text in (
            ("given_name", "Lotte"), ("family_name", "Verbruggen"), ("company_said", "Studie 8"),
            ("host", "Saskia Maes"), ("purpose", "werfvergadering"),
        ):  # fmt: skip
            page.fill(f"#k-{field}", text)
        page.locator("main .k-go").click()
        page.locator(".k-answer").wait_for()
        page.click(".k-next")
        page.locator("#k-number").wait_for()
        page.fill("#k-number", FINN)
        page.click("button[name=way][value=in]")
        page.fill("#k-given_name", "Finn")
        page.fill("#k-family_name", "Maertens")
        page.fill("#k-company_said", "Toitures")
        page.locator("main .k-go").click()
        page.locator(".k-answer").wait_for()
        page.click(".k-next")
        page.locator("#k-number").wait_for()

    def _looks_for_addresses(self) -> None:
        """The addresses of one of each, and a code for somebody's phone."""
        with self.place.walker(SASKIA) as saskia:
            page = saskia.page

            def leads(path: str, css: str) -> str:
                page.goto(f"{saskia.base}{path}")
                return page.locator(css).first.get_attribute("href") or ""

            person = leads("/people", "main td a[href^='/people/']")
            self.paths |= {
                "person": person,
                "person-change": f"{person}/change",
                "own-link": f"{person}/own-link",
                "company": leads("/companies", "main td a[href^='/companies/']"),
                "site": leads("/works", "main a[href^='/sites/']:not([href$=new])"),
                "account-of": leads("/accounts", "main td a[href^='/accounts/']"),
                "registration": leads("/day", "a.receipt"),
            }
            self.paths["site-phone"] = f"{self.paths['site']}/phone"
            self.paths["phone"] = f"/phone/{self.paths['site'].rpartition('/')[2]}"
            page.goto(f"{saskia.base}{self.paths['own-link']}")
            saskia.clicks_on("button", saskia.says("own.code.make"))
            self.code = page.locator("code.personal").inner_text()
            page.goto(f"{saskia.base}/")
            fault = page.locator("#unregistered .matters a.main").first.get_attribute("href")
            self.paths["person-fix"] = fault or ""
            page.goto(f"{saskia.base}/enrol")
            page.fill("#f-card", WAITS_FOR.upper())
            page.keyboard.press("Enter")
            page.wait_for_url("**/enrol/*")
            self.paths["enrol-seen"] = page.url.removeprefix(saskia.base)

    def is_away(self, mode: str = "down") -> None:
        """The authority does not answer from now on; somebody comes in all the same."""
        from tests.e2e.chain import availability

        self.place.run(availability(self.place.site, mode))
        self.place.tap(_ROWS[4][2].lower())

    def told(self) -> str:
        """What there is to look at, for a log."""
        return json.dumps(self.paths, indent=1)
