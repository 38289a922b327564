"""The page of a day out of a real browser's printer: nothing cut, no heading alone."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

from pypdf import PdfReader

from hub.i18n import text
from hub.web.live import Changes
from hub.web.pages.site_day import site_day_pages
from tests.chromium import chromium, needs_chromium
from tests.hub.day_world import at, day_world
from tests.hub.register_house import LOWER, MAIN, NAMES, STRANGER, SUB
from tests.web.register_pages import Pages, office_of
from tests.web.serving import served

pytestmark = needs_chromium


def test_each_sheet_says_whose_people_are_on_it_and_everybody_is_on_one(tmp_path: Path) -> None:
    with day_world(tmp_path) as world:
        number = 0
        for company, many in ((MAIN, 9), (SUB, 31), (LOWER, 1), (STRANGER, 40)):
            for _ in range(many):
                number += 1
                world.at_work(world.person(f"Aerts{number:02}x", company), number)
        office = replace(office_of(world.register, tmp_path), clock=lambda: at("2026-11-23 12:00"))
        pages = Pages([site_day_pages(office, Changes())], world.register)
        with served(pages.client.app, Changes()) as port, chromium() as browser:  # pyright: ignore[reportArgumentType]
            page = browser.new_page(locale="en-US")
            page.goto(f"http://127.0.0.1:{port}/day")
            printed = page.pdf(prefer_css_page_size=True)
    sheets = [one.extract_text() for one in PdfReader(io.BytesIO(printed)).pages]
    box = PdfReader(io.BytesIO(printed)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (842, 595)
    counted: Counter[str] = Counter()
    column = text("day.column.person_number", "en")
    for sheet in sheets:
        names = [f"Aerts{n:02}x" for n in range(1, number + 1) if f"Aerts{n:02}x" in sheet]
        counted.update(names)
        if names:
            # The heads come again, above the first name.
            assert sheet.index(column) < sheet.index(names[0])
            above = sheet[: sheet.index(names[0])]
            assert any(NAMES[company] in above for company in (MAIN, SUB, LOWER, STRANGER))
            # Nor does a head stand at the foot of a sheet.
            assert sheet.rindex(column) < sheet.rindex(names[-1])
    assert counted == {f"Aerts{n:02}x": 1 for n in range(1, number + 1)}
    assert len(sheets) > 4
