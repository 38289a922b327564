"""Takes a picture of every page, in four languages and at three widths, of a site that runs.

    .venv/bin/python -m tools.screenshots FOLDER [--only WORD,..] [--languages fr,nl] [--widths 360]

Gate, broker, hub and authority run as they do in the tests (`tests.e2e.people_site`), and a morning
has happened (`tests.e2e.people_morning`). For each page and width the languages also stand side by
side on one sheet, `FOLDER/sheets/`, to be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from hub.i18n import LANGUAGES
from hub.web.frame import LANGUAGE_COOKIE
from tests.chromium import chromium
from tests.e2e.people_morning import PEOPLE, PIN, Morning
from tests.e2e.people_site import ADA, CLAIRE, SASKIA, PeopleSite, Somebody, people_site

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

WIDTHS: Final = {360: 740, 768: 1024, 1280: 900, 3840: 2160}
"""Heights by width; the last, 4K, only when it is asked for."""
TALLEST: Final = 2600
"""Pixels of a page on a sheet; what is longer is cut off there."""
OFFICE: Final = {
    "board": "/?site=1", "guard": "/guard", "alerts": "/alerts", "roll-call": "/roll-call",
    "kiosks": "/kiosks", "newcomers": "/kiosks/newcomers", "people": "/people",
    "person-new": "/people/new", "enrol": "/enrol", "imports": "/imports",
    "companies": "/companies", "company-new": "/companies/new", "works-list": "/works",
    "works": "/works/1Y19FAKE001AZ", "works-change": "/works/1Y19FAKE001AZ/change",
    "party": "/works/1Y19FAKE001AZ/party", "plan": "/plan", "plan-company": "/plan/0999000228",
    "day": "/day", "reports": "/reports", "hours": "/reports/hours",
    "exceptions": "/reports/exceptions", "balance": "/balance", "consult": "/consult?state=all",
    "accounts": "/accounts", "account-new": "/accounts/new", "account": "/account",
}  # fmt: skip
OF_ADA: Final = {
    "tokens": "/tokens", "audit": "/audit", "retention": "/retention",
    "account-second": "/account/second",
}  # fmt: skip
OF_CLAIRE: Final = {"contractor-people": "/people", "contractor-plan": "/plan"}


@dataclass(frozen=True)
class Wanted:
    """What is to be taken.

    Args:
        folder: where to.
        only: parts of the names of the pages, with commas; empty: all.
        languages, widths: of the pages.
    """

    folder: Path
    only: str
    languages: Sequence[str]
    widths: Sequence[int]

    def takes(self, name: str) -> bool:
        """Whether a page of this name is wanted."""
        return any(word in name for word in self.only.split(","))

    def file(self, name: str, width: int, language: str) -> Path:
        """Where a picture goes."""
        return self.folder / f"{name}-{width}-{language}.png"


class Camera:
    """Somebody's browser, which takes pictures of pages.

    Args:
        context: his session.
        base: address of the hub.
    """

    def __init__(self, context: BrowserContext, base: str, wanted: Wanted) -> None:
        self._context, self._base, self._wanted = context, base, wanted
        self.page: Page = context.pages[0] if context.pages else context.new_page()

    def takes(self, name: str, path: str) -> None:
        """Takes every picture of one page."""
        if not self._wanted.takes(name):
            return
        for language in self._wanted.languages:
            self.speaks(language)
            self.page.goto(f"{self._base}{path}")
            self.shoots(name, language)

    def speaks(self, language: str) -> None:
        """Chooses a language."""
        self._context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": self._base}])

    def shoots(self, name: str, language: str) -> None:
        """Takes the page as it stands, at each width."""
        for width in self._wanted.widths:
            self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            file = self._wanted.file(name, width, language)
            self.page.screenshot(path=file, full_page=True, animations="disabled")


def office(morning: Morning, wanted: Wanted) -> None:
    """The pages behind a login."""
    own = {name: path for name, path in morning.paths.items() if name != "phone"}
    for who, pages in ((SASKIA, OFFICE | own), (ADA, OF_ADA), (CLAIRE, OF_CLAIRE)):
        if not any(wanted.takes(name) for name in pages):
            continue
        camera = Camera(logged_in(morning.place, who), morning.place.base, wanted)
        for name, path in pages.items():
            camera.takes(name, path)
        if who is SASKIA and wanted.takes("roll-call-running"):
            page = camera.page
            page.goto(f"{morning.place.base}/roll-call")
            begins = page.locator("form[action='/roll-call/start'] button")
            if begins.count():
                begins.click()
            page.locator("button.box[name=present]").first.click()
            page.locator(".crew.done:not([hidden])").first.wait_for()
            camera.takes("roll-call-running", "/roll-call")
        camera.page.context.close()


def logged_in(place: PeopleSite, who: Somebody) -> BrowserContext:
    """A browser in which somebody is logged in."""
    context = place.browser.new_context(locale="nl-BE")
    page = context.new_page()
    page.goto(place.link(who))
    page.locator("main form button").click()
    page.wait_for_url(lambda url: "/link/" not in url)
    return context


def outside(morning: Morning, wanted: Wanted) -> None:
    """What a stranger and a worker's phone show."""
    place = morning.place
    context = place.browser.new_context(locale="nl-BE")
    camera = Camera(context, place.base, wanted)
    camera.takes("login", "/login")
    camera.takes("phone-enter", morning.paths["phone"])
    if wanted.takes("phone-in"):
        page = camera.page
        page.goto(f"{place.base}{morning.paths['phone']}")
        page.fill("#p-code", morning.code)
        page.locator("main .p-go").click()
        page.locator("button[value=in]").click()
        page.locator("#p-act[data-stage]:not([data-stage=''])").wait_for()
        camera.takes("phone-in", morning.paths["phone"])
    context.close()


def kiosk(morning: Morning, wanted: Wanted) -> None:
    """The screens of the kiosk, each in the language that is touched."""
    camera, page = Camera(morning.kiosk, morning.place.base, wanted), morning.kiosk.pages[0]
    base = morning.place.base
    for language in wanted.languages:

        def shows(name: str, language: str = language) -> None:
            if wanted.takes(name):
                page.click(f"button[lang={language}]")
                page.locator(f"html[lang={language}]").wait_for()
                camera.shoots(name, language)

        if not wanted.takes("kiosk-") and "kiosk-" not in wanted.only:
            continue
        page.goto(f"{base}/kiosk")
        shows("kiosk-start")
        for path in ("visit", "emergency", "guard"):
            page.goto(f"{base}/kiosk/{path}")
            shows(f"kiosk-{path}")
        page.fill("#k-pin", PIN)
        page.locator("main .k-go").first.click()
        page.fill("#k-name", "a")
        page.locator(".k-search .k-go").click()
        page.locator(".k-people").first.wait_for()
        shows("kiosk-found")
        page.locator("footer form[action='/kiosk/guard/lock'] button").click()
        page.goto(f"{base}/kiosk")
        page.click(f"button[lang={language}]")
        page.fill("#k-number", "82093099188")
        page.click("button[name=way][value=in]")
        page.locator(".k-answer").wait_for()
        if wanted.takes("kiosk-answer"):
            camera.shoots("kiosk-answer", language)
        page.click(".k-next")
        page.locator("#k-number").wait_for()


def sheets(wanted: Wanted) -> Iterator[Path]:
    """Puts the languages of each page and width side by side; yields what was written."""
    folder = wanted.folder / "sheets"
    folder.mkdir(exist_ok=True)
    names = {file.stem.rsplit("-", 2)[0] for file in wanted.folder.glob("*.png")}
    for name in sorted(one for one in names if wanted.takes(one)):
        for width in wanted.widths:
            files = [wanted.file(name, width, language) for language in wanted.languages]
            pictures = [Image.open(file).convert("RGB") for file in files if file.exists()]
            if not pictures:
                continue
            columns = len(pictures) if width < 700 else 2
            rows = -(-len(pictures) // columns)
            tall = min(TALLEST, max(one.height for one in pictures))
            sheet = Image.new("RGB", (columns * (width + 8), rows * (tall + 8)), "#d04080")
            for place, one in enumerate(pictures):
                part = one.crop((0, 0, width, min(tall, one.height)))
                sheet.paste(part, (place % columns * (width + 8), place // columns * (tall + 8)))
            file = folder / f"{name}-{width}.png"
            sheet.save(file)
            yield file


def takes_all(morning: Morning, wanted: Wanted) -> None:
    """Takes every picture that is wanted."""
    wanted.folder.mkdir(parents=True, exist_ok=True)
    office(morning, wanted)
    outside(morning, wanted)
    kiosk(morning, wanted)
    for file in sheets(wanted):
        print(file)


def main() -> None:
    """Runs the site and takes the pictures."""
    parser = argparse.ArgumentParser(prog="tools.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--only", default="", help="pages whose names hold one of these")
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--widths", default=",".join(map(str, list(WIDTHS)[:-1])))
    asked = parser.parse_args()
    wanted = Wanted(
        asked.folder, asked.only, asked.languages.split(","), [*map(int, asked.widths.split(","))]
    )
    with (
        tempfile.TemporaryDirectory(prefix="sitegate-pictures-") as folder,
        chromium() as browser,
        people_site(Path(folder), browser, PEOPLE) as place,
    ):
        takes_all(Morning(place), wanted)


if __name__ == "__main__":
    main()
