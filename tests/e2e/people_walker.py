"""Somebody who walks the pages of a running hub: each page he opens is looked over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hub.domain.rights import Reach, Role, reach
from hub.i18n import catalogue
from hub.web.frame import NAVIGATION
from tests.e2e.newcomer import FAULTS, PHONE, WIDE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_ROOMS: Final = "|".join(sorted({key.partition(".")[0] for key in catalogue()}))
_KEY: Final = re.compile(
    rf"(?<![\w./@-])(?:{_ROOMS})(?:\.[\w-]+)+(?![\w@-])|\{{\w+\}}", flags=re.ASCII
)
"""A key of the catalogue, or a value that was not filled in."""
_FILE: Final = re.compile(r"\.(csv|xlsx|pdf|json|toml|example)$")
_SETTINGS: Final = {"access.public_url"}
"""Settings that a page names, so that whoever reads it can ask for them."""
_WORDS: Final = """
() => {
  const body = document.body.cloneNode(true);
  // What a program or a command is called is written as code; it has no words.
  body.querySelectorAll("code, script, svg").forEach((one) => one.remove());
  return body.textContent;
}
"""
_CUT: Final = """
() => {
  const list = document.querySelector("nav.rooms ul");
  return list.scrollWidth > list.clientWidth;
}
"""
_OVER: Final = """
() => [document.documentElement.scrollWidth, ...[...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
  .slice(0, 3).map((one) => one.outerHTML.slice(0, 120))]
"""


class Walker(Visitor):
    """See the module.

    Args:
        page: his browser's; it fails the test when a page complains or asks anybody else.
        language: in which everything must be said to him.
        name: for what is told of him.
        base: address of the hub, without a slash at its end.
    """

    def __init__(self, page: Page, language: str, name: str, base: str) -> None:
        super().__init__(page, language, name)
        self.base = base
        self.seen: list[str] = []
        page.set_default_timeout(15_000)

    def opens(self, path: str) -> None:
        """Opens a page of the hub and looks it over."""
        answer = self.page.goto(f"{self.base}{path}")
        assert answer is not None
        assert answer.status == 200, f"{self.name}: {path}: {answer.status}"
        self.looks_over()

    def looks_over(self) -> None:
        """Finds nothing wrong with the page that is open."""
        where = f"{self.name}: {self.page.url.removeprefix(self.base)}"
        self.seen.append(where)
        assert self.page.get_attribute("html", "lang") == self.language, where
        shown = self.page.evaluate(_WORDS)
        found = set(_KEY.findall(shown)) - _SETTINGS
        keys = [key for key in found if not _FILE.search(key)]
        faults = self.page.evaluate(FAULTS)
        assert faults == [], f"{where}: {faults}"
        assert keys == [], f"{where}: texts without words: {keys}"
        before = self.page.viewport_size
        self._holds(PHONE)
        width, *wide = self.page.evaluate(_OVER)
        assert width <= PHONE["width"], f"{where}: {width} pixels wide on a phone: {wide}"
        self._holds(before or WIDE)

    def narrows(self) -> None:
        """Makes his screen as small as a phone."""
        self._holds(PHONE)

    def _holds(self, size: Any) -> None:
        """Makes his screen this large; to draw a page anew for nothing takes its time."""
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)

    def walks_his_rooms(self, role: Role) -> None:
        """Opens every page of his navigation; what is not in it is not given to him either."""
        allowed = [one for one in NAVIGATION if reach(role, one.action) is not Reach.NOTHING]
        self.opens(allowed[0].path)
        shown = self.page.locator("nav.rooms a").evaluate_all(
            "(all) => all.map((one) => one.getAttribute('href'))"
        )
        assert shown == [one.path for one in allowed]
        assert self.page.evaluate(_CUT) is False, "an entry of the navigation is out of sight"
        self._holds(PHONE)
        for one in allowed:
            self.opens(one.path)
            assert self.page.locator("nav.rooms a[aria-current=page]").count() == 1, one.path
        self._holds(WIDE)
        for one in NAVIGATION:
            if one not in allowed:
                # The first page is everybody's: who has no board is sent to where he begins.
                closed = (303,) if one.path == "/" else (403, 404)
                assert self.status(one.path) in closed, f"{self.name} {one.path}"

    def status(self, path: str) -> int:
        """What the hub answers to a request of his browser, without opening it."""
        return self.page.request.get(f"{self.base}{path}", max_redirects=0).status

    def gets(self, path: str) -> bytes:
        """What is behind an address that is no page: a browser would keep it or print it."""
        answer = self.page.request.get(f"{self.base}{path}")
        assert answer.status == 200, f"{self.name}: {path}: {answer.status}"
        return answer.body()

    def posts(self, path: str, **fields: str) -> int:
        """What the hub answers to a form that he was never shown."""
        form: dict[str, Any] = {"csrf": self.csrf(), **fields}
        sent = self.page.request.post(f"{self.base}{path}", form=form, max_redirects=0)
        return sent.status

    def csrf(self) -> str:
        """What the forms of his session hold."""
        return self.page.locator("input[name=csrf]").first.get_attribute("value") or ""

    def in_sight_on_a_phone(self, place: Locator) -> bool:
        """Whether something stands between both edges of a phone, without moving anything."""
        self._holds(PHONE)
        box = place.bounding_box()
        self._holds(WIDE)
        return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]

    def there(self, text: str, within: str = "main") -> Locator:
        """Waits until this stands in a part of the page; returns where."""
        place = self.page.locator(within).get_by_text(text).first
        place.wait_for()
        return place
