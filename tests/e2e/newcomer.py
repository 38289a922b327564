"""Somebody at a screen who has never seen the pages: what he does is counted, what he sees checked.

Each page he reaches is looked at as a person with a keyboard, a phone or a screen reader would: one
main heading, a label at each field, the language of the page, a focus that shows, nothing wider
than a phone of 360 pixels. What axe says of the pages is in `tests/web/test_accessible.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hub.web.page_words import PageWords

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WIDE: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 360, "height": 740}
TABS_MOST: Final = 200
"""Within so many presses of the Tab key everything on a page is reached, the lists among it."""

# Keystroke-level model (Card, Moran and Newell 1980): a key of an average typist, pointing at
# something with the hand on its way to the mouse and the press, and making up one's mind.
KEY_S: Final = 0.28
POINT_S: Final = 1.1 + 0.4 + 0.2
THINK_S: Final = 1.35
READ_S: Final = 6.0
"""To take in a page; the model has no number for that."""

FAULTS: Final = """
() => {
  const faults = [];
  const heads = document.querySelectorAll("h1");
  if (heads.length !== 1) faults.push(`${heads.length} main headings`);
  const shown = "main input:not([type=hidden]):not([hidden]), main select, main textarea";
  for (const field of document.querySelectorAll(shown)) {
    const labelled = field.labels.length > 0 || field.matches("[aria-label], [aria-labelledby]");
    if (!labelled) faults.push(`no label at ${field.name}`);
  }
  for (const one of document.querySelectorAll("main a, main button")) {
    if (!one.textContent.trim() && !one.getAttribute("aria-label")) {
      faults.push(`nothing written on ${one.outerHTML}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids)) {
    if (ids.filter((one) => one === id).length > 1) faults.push(`twice the id ${id}`);
  }
  return faults;
}
"""
"""What is wrong with the page that is open, in words; nothing when it is as it should be."""
_FOCUS: Final = """
(field) => {
  field.blur();
  const drawn = () => {
    const style = getComputedStyle(field);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor].join();
  };
  const before = drawn();
  field.focus();
  return document.activeElement === field && drawn() !== before;
}
"""
_WIDTH: Final = "document.documentElement.scrollWidth"


def pictures() -> Path | None:
    """Where screenshots go: the folder that SITEGATE_SCREENSHOTS names, else nowhere."""
    folder = os.environ.get("SITEGATE_SCREENSHOTS", "")
    if not folder:
        return None
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


class Visitor:
    """Somebody in front of a browser.

    Args:
        page: his browser's.
        language: in which everything must be said to him.
        name: begins the names of the pictures.
        by_keyboard: he has no mouse, and goes everywhere with the Tab key.

    Attributes:
        clicks, fields, keys, read: what he did so far; `read` counts pages. Somebody without a
            mouse presses a key where another clicks.
        tabs: presses of the Tab key.
    """

    def __init__(self, page: Page, language: str, name: str, by_keyboard: bool = False) -> None:
        self.page, self.language, self.name = page, language, name
        self.clicks = self.fields = self.keys = self.read = self.tabs = 0
        self.by_keyboard = by_keyboard
        self._folder = pictures()

    def says(self, key: str, count: int | None = None, **values: object) -> str:
        """A text of the catalogue in his language."""
        words = PageWords(self.language, key.partition(".")[0])
        rest = key.partition(".")[2]
        return words(rest, **values) if count is None else words.counted(rest, count, **values)

    def sees(self, text: str) -> Locator:
        """Waits until this text is in sight; returns where."""
        place = self.page.get_by_text(text).first
        place.wait_for()
        return place

    def arrives(self, heading: str, picture: str, phone: bool = False) -> None:
        """Waits for the page with this heading, and finds nothing wrong with it.

        Args:
            picture: name of the screenshot.
            phone: whether one is taken on a phone too.
        """
        self.reaches(heading)
        self.looks(picture, phone)

    def reaches(self, heading: str) -> None:
        """Waits for the page with this heading, and reads it."""
        self.page.get_by_role("heading", name=heading, level=1, exact=True).wait_for()
        self.read += 1

    def looks(self, picture: str, phone: bool = False) -> None:
        """Looks over the page that is there; see `arrives`."""
        assert self.page.get_attribute("html", "lang") == self.language
        assert self.page.evaluate(FAULTS) == [], picture
        first = self.page.locator("main input:visible, main select:visible").first
        if first.count():
            assert first.evaluate(_FOCUS), f"{picture}: the focus does not show"
        self._picture(f"{picture}-1280")
        self.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
        width = self.page.evaluate(_WIDTH)
        assert width <= PHONE["width"], f"{picture}: {width} pixels wide on a phone"
        if phone:
            self._picture(f"{picture}-{PHONE['width']}")
        self.page.set_viewport_size(WIDE)  # pyright: ignore[reportArgumentType]

    def _picture(self, name: str) -> None:
        if self._folder is not None:
            file = self._folder / f"{self.language}-{self.name}-{name}.png"
            self.page.screenshot(path=file, full_page=True)

    # ------------------------------------------------------------ what he does

    def clicks_on(self, role: Any, name: str, within: str = "body") -> None:
        """Clicks on a button or a link that he sees written; `within` a part of the page."""
        self.clicks += 1
        place = self.page.locator(within).get_by_role(role, name=name, exact=True).first
        if self.by_keyboard:
            self.goes_to(place)
            self.page.keyboard.press("Enter")
        else:
            place.click()

    def types(self, label: str, text: str, within: str = "main") -> None:
        """Fills a field that is named so; what was in it is gone."""
        self.clicks += 1
        self.fields += 1
        self.keys += len(text)
        field = self.field(label, within)
        if self.by_keyboard:
            self.goes_to(field)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def chooses(self, label: str, value: str) -> None:
        """Takes an entry of a list."""
        self.clicks += 2
        self.fields += 1
        field = self.field(label)
        if not self.by_keyboard:
            field.select_option(value)
            return
        self.goes_to(field)
        self.page.keyboard.press("Home")
        while field.input_value() != value:
            before = field.input_value()
            self.page.keyboard.press("ArrowDown")
            assert field.input_value() != before, f"{value} is not in the list"

    def hands_in(self, label: str, name: str, content: bytes) -> None:
        """Chooses a file: the button, the file, and the button of the window that opens."""
        self.clicks += 3
        self.fields += 1
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        field = self.field(label)
        if self.by_keyboard:
            self.goes_to(field)
        with self.page.expect_file_chooser() as window:
            if self.by_keyboard:
                self.page.keyboard.press("Enter")
            else:
                field.click()
        window.value.set_files({"name": name, "mimeType": kind, "buffer": content})

    def field(self, label: str, within: str = "main") -> Locator:
        """A field by what is written at it."""
        return self.page.locator(within).get_by_label(label, exact=True).first

    def goes_to(self, place: Locator) -> None:
        """Presses the Tab key until this has the focus.

        Raises:
            AssertionError: it never has.
        """
        place.wait_for()
        for _ in range(TABS_MOST):
            if place.evaluate("(one) => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            self.tabs += 1
        raise AssertionError(f"the Tab key does not reach {place}")

    def reckoned_s(self) -> float:
        """Seconds that a person needs for what was done so far."""
        return self.clicks * (POINT_S + THINK_S) + self.keys * KEY_S + self.read * READ_S
