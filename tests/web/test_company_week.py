"""The page of a company: who of it is on site now, and its registrations of these days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import insert

from hub.domain.rights import Role
from hub.storage.engine import writing
from hub.storage.schema import presence
from hub.web.pages.companies import companies_pages
from tests.hub.day_world import DayWorld, at, day_world, whole_day
from tests.hub.register_house import ADMINISTRATOR, AGENCY, LOWER, MAIN, SOUTH, SUB
from tests.web.register_pages import Pages, office_of

NOW = at("2026-11-23 11:00")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DayWorld, Pages]]:
    folder = tmp_path_factory.mktemp("week")
    with day_world(folder) as world:
        whole_day(world)
        # A shift over midnight, and a way out that was forgotten two days ago.
        world.tap(world.person("Nachtegaal", MAIN, inss="90231599722"), "2026-11-22 23:55")
        world.tap(world.person("Vergeten", MAIN), "2026-11-21 22:00")
        late = world.person("Zeebroek", MAIN)
        world.registered(late, "2026-11-17 07:00", "lapsed", "day_over")
        world.registered(late, "2026-11-16 07:00", "lapsed", "day_over")
        _elsewhere(world)
        office = replace(office_of(world.register, folder), clock=lambda: NOW)
        yield world, Pages([companies_pages(office)], world.register)


def _elsewhere(world: DayWorld) -> None:
    """A man of LOWER is on another site now, for whom SUB has nothing to do with."""
    who = world.person("Werners", LOWER)
    south = world.register.sites["Chantier Sud"]
    world.registered(
        who, "2026-11-23 07:00", number=900_000_000_000_077, works_number=SOUTH, site_id=south
    )
    with writing(world.register.house.engine) as connection:
        connection.execute(
            insert(presence).values(
                person_id=who, site_id=south, day="2026-11-23", first_in_ms=NOW - 1,
                last_ms=NOW - 1,
                inside=1, taps=1, received_ms=NOW, terminal_id="gate-1",
            )
        )  # fmt: skip


@pytest.fixture
def page(opened: tuple[DayWorld, Pages]) -> Pages:
    return opened[1].as_(ADMINISTRATOR)


def here(html: str) -> list[str]:
    """Who is on site, and since when."""
    part = html.partition('aria-labelledby="now"')[2].partition("</section>")[0]
    return [" ".join(one.split()) for one in re.findall(r"<li><a [^>]+>(.*?)</li>", part)]


def week(html: str) -> list[list[str]]:
    """The rows of the week."""
    part = html.partition('id="week"')[2].partition("</table>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", part)
    plain = [re.sub(r"<[^>]+>", "", one) for one in cells]
    return [plain[start : start + 5] for start in range(0, len(plain), 5)]


def test_who_is_on_site_now_and_since_when(page: Pages) -> None:
    html = unescape(page.get(f"/companies/{MAIN}"))
    # Aerts has gone home by the tap of 16:00, which this moment already holds.
    names = [one.partition("<")[0] for one in here(html)]
    assert names == ["Ivens Jo", "Nachtegaal Jo"]
    assert here(html)[0] == "Ivens Jo</a> · Werf Noord · since 08:00"
    assert "23:55" in here(html)[1]
    assert "2 people" in html


def test_seven_days_by_how_they_stand_with_remarks(page: Pages) -> None:
    rows = week(unescape(page.get(f"/companies/{MAIN}")))
    assert len(rows) == 7
    assert rows[0][1:] == ["1", "1", "0", "1"]
    assert rows[6][1:] == ["0", "0", "1", "0"]
    html = unescape(page.get(f"/companies/{SUB}"))
    # Its own man, and the one that the agency lends to it.
    assert week(html)[0][1:] == ["2", "0", "0", "0"]
    assert "RELATED DIMONA NOT OK" in html
    assert f"/consult?first=2026-11-17&last=2026-11-23&company={SUB}" in html
    assert "Level 1" in html


def test_it_is_cut_down_to_what_one_may_see(opened: tuple[DayWorld, Pages]) -> None:
    world, pages = opened
    pages.as_(world.register.contractor(LOWER))
    html = unescape(pages.get(f"/companies/{LOWER}"))
    assert week(html)[0][1:] == ["2", "0", "0", "0"]
    assert [one.partition("<")[0] for one in here(html)] == ["Werners Jo"]
    # Who does not see the whole chain is told no level.
    assert re.search(r"Level \d", html) is None
    assert pages.status(f"/companies/{MAIN}") == 404
    # Above it one knows what it does under the works that both take part in, and no more.
    pages.as_(world.register.contractor(SUB))
    html = unescape(pages.get(f"/companies/{LOWER}"))
    assert week(html)[0][1:] == ["1", "0", "0", "0"]
    assert here(html) == []
    pages.as_(world.register.contractor(AGENCY))
    assert week(unescape(pages.get(f"/companies/{AGENCY}")))[0][1:] == ["1", "0", "0", "0"]
    elsewhere = world.register.at_site("Chantier Sud", Role.INSPECTOR)
    assert pages.as_(elsewhere).status(f"/companies/{MAIN}") == 404
