"""The page of a day: what it shows to whom, how it prints, and a day that can have none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest

from hub.domain.legal_day import brussels_day
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, moment_text, text
from hub.reports.day_list import day_list_pdf
from hub.storage.engine import writing
from hub.storage.schema import site
from hub.web.live import Changes
from hub.web.pages import site_day
from hub.web.pages.day_list import day_list_files
from hub.web.pages.site_day import site_day_pages
from tests.hub.day_world import DayWorld, at, day_world, whole_day
from tests.hub.register_house import LOWER, MAIN, NAMES, NORTH, STRANGER, SUB
from tests.web.register_pages import Pages, office_of

NOW = at("2026-11-23 12:00")
NUMBERS = ("85031299761", "90110599843", "03072199766", "00010199875", "24999000000000187")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DayWorld]:
    with day_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(world: DayWorld, tmp_path: Path) -> Pages:
    office = replace(office_of(world.register, tmp_path), clock=lambda: NOW)
    return Pages(
        [site_day_pages(office, Changes()), day_list_files(office, day_list_pdf)], world.register
    )


def handle(world: DayWorld, name: str = "Werf Noord") -> str:
    """What stands for a site in addresses."""
    key = str(world.register.sites[name])
    return world.register.house.vault.index("site", key).hex()[:16]


def names_on(html: str) -> list[str]:
    """The names in the order of the page."""
    return [unescape(one) for one in re.findall(r'<strong class="whole">([^<]+)</strong>', html)]


def headings_on(html: str) -> list[str]:
    """The headings of the companies."""
    return [unescape(one) for one in re.findall(r'<h3 id="[cv]-[^"]+">([^<]+)</h3>', html)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_is_there_once_by_company_with_level_and_number(
    world: DayWorld, pages: Pages, language: str
) -> None:
    whole_day(world)
    html = pages.get(f"/day?site={handle(world)}", language)
    day = world.list(now="2026-11-23 12:00")
    assert names_on(html) == [one.name for one in day.everybody]
    assert len(headings_on(html)) == len(day.companies) + 1
    for number in range(1, 6):
        assert f"90000000000000{number}" in html
    words = unescape(html)
    assert text("day.as_of", language, moment=moment_text(NOW, language)) in words
    assert text("day.level", language, level=2) in words
    assert text("day.lent_to", language, company=NAMES[SUB]) in words
    assert NORTH in words
    assert "85.03.12-***.**" in words
    assert not any(number in html for number in NUMBERS)


def test_the_total_of_each_class_stands_at_the_top(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    html = unescape(pages.get(f"/day?site={handle(world)}"))
    found = re.findall(r'<div class="total-(\w+)(?: zero)?"><dt>[^<]+</dt><dd>(\d+)</dd>', html)
    assert found == [
        ("here", "7"), ("seen", "8"), ("registered", "4"), ("not_registered", "3"),
        ("waiting", "1"), ("not_seen", "1"), ("visitors", "2"),
    ]  # fmt: skip
    assert html.index(text("cause.no_company", "en")) < html.index('<table class="list')


def test_without_a_site_each_of_ones_own_is_there(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    titles = re.compile(r'<h2 id="site-\d+">([^<]+)</h2>')
    assert titles.findall(pages.get("/day")) == ["Chantier Sud", "Werf Noord"]
    inspector = world.register.at_site("Werf Noord", Role.INSPECTOR)
    assert titles.findall(pages.as_(inspector).get("/day")) == ["Werf Noord"]


def test_it_is_narrowed_by_state(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    where = f"/day?site={handle(world)}"
    html = pages.get(f"{where}&state=not_registered")
    assert names_on(html) == ["Ivens Jo", "Evrard Jo", "Fontaine Jo", "Goossens Jo"]
    # The counts stay those of the whole day.
    assert "<dt>registered</dt><dd>4</dd>" in html
    assert names_on(pages.get(f"{where}&state=visitors")) == ["Jacobs Jo", "Klaes Jo"]
    assert len(names_on(pages.get(f"{where}&state=nonsense"))) == 11


def test_more_people_than_fit_go_on_with_the_next_page(
    world: DayWorld, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_day(world)
    monkeypatch.setattr(site_day, "PAGE", 5)
    shown = [names_on(pages.get(f"/day?site={handle(world)}&page={n}")) for n in (1, 2, 3)]
    assert [len(one) for one in shown] == [5, 5, 1]
    everybody = [one.name for one in world.list(now="2026-11-23 12:00").everybody]
    assert [name for one in shown for name in one] == everybody
    # The counts of a company are not those of what is left of it on this page.
    html = pages.get(f"/day?site={handle(world)}&page=2")
    assert "<dd>8</dd>" in html


# ---------------------------------------------------------------- days


def test_days_before_and_after_are_one_touch_away_but_none_that_has_not_begun(
    world: DayWorld, pages: Pages
) -> None:
    today = pages.get(f"/day?site={handle(world)}&state=here")
    assert f'href="/day?day=2026-11-22&amp;site={handle(world)}&amp;state=here" rel="prev"' in today
    assert 'rel="next"' not in today
    past = pages.get("/day?day=2026-11-20")
    assert 'href="/day?day=2026-11-21" rel="next"' in past
    assert 'href="/day?day=2026-11-23"' in past


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("2026-11-24", "HUB-1751"), ("2014-03-31", "HUB-1750"), ("yesterday", "HUB-1750"),
        ("2026-02-30", "HUB-1750"), ("20261123", "HUB-1750"), ("9999-12-31", "HUB-1751"),
        ("0001-01-01", "HUB-1750"),
    ],
)  # fmt: skip
def test_a_day_without_a_list_is_explained(
    world: DayWorld, pages: Pages, asked: str, code: str
) -> None:
    whole_day(world)
    answer = pages.client.get(f"/day?day={asked}", headers={"Accept-Language": "en"})
    assert (answer.status_code, code in answer.text) == (400, True)
    assert names_on(answer.text) == []
    for form in ("pdf", "xlsx", "csv", "json"):
        assert pages.status(f"/day/list.{form}?day={asked}") == 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_on_which_nobody_came_says_so(world: DayWorld, pages: Pages, language: str) -> None:
    html = unescape(pages.get(f"/day?site={handle(world)}&day=2026-11-20", language))
    assert text("day.nobody", language).replace(" :", "\u00a0:") in html
    assert "<table" not in html


def test_a_hub_without_a_site_says_so(world: DayWorld, pages: Pages) -> None:
    nobody = world.register.contractor(MAIN)
    other = replace(nobody, company_id=4711, below=frozenset())
    assert text("day.no_sites", "en") in pages.as_(other).get("/day")


# ---------------------------------------------------------------- who


def test_a_contractor_finds_no_trace_of_anybody_else(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    html = pages.as_(world.register.contractor(SUB)).get("/day")
    assert names_on(html) == ["Borms Jo", "Ceulemans Jo", "Dubois Jo"]
    for trace in ("Evrard", "Fontaine", "Aerts", "Goossens", "Jacobs", STRANGER, NAMES[STRANGER]):
        assert trace not in html
    # For whom he works he knows; on which level, no.
    assert NAMES[MAIN] in html
    assert "Level" not in html
    assert "<dt>came to work</dt><dd>3</dd>" in html
    lower = pages.as_(world.register.contractor(LOWER)).get("/day")
    assert names_on(lower) == ["Ceulemans Jo"]


def test_a_site_of_others_is_one_that_does_not_exist(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    inspector = world.register.at_site("Chantier Sud", Role.INSPECTOR)
    asked = [handle(world), "f" * 16]
    for path in ("/day", "/day/list.pdf", "/day/list.csv", "/day/list.xlsx", "/day/list.json"):
        answers = [pages.as_(inspector).client.get(f"{path}?site={one}") for one in asked]
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].text.replace(asked[0], "") == answers[1].text.replace(asked[1], "")


@pytest.mark.parametrize("role", [Role.GUARD, Role.WORKER])
def test_others_are_refused(world: DayWorld, pages: Pages, role: Role) -> None:
    who = world.register.at_site("Werf Noord", role)
    for path in ("/day", "/day/list.pdf", "/day/list.csv", "/day/list.xlsx", "/day/list.json"):
        assert pages.as_(who).client.get(path).status_code == 403


# ---------------------------------------------------------------- what it is made of


def test_names_are_text_and_never_markup(world: DayWorld, pages: Pages) -> None:
    world.at_work(world.person("<b>Aerts</b>", given_name='"onload='), 1)
    html = pages.get("/day")
    assert "<b>Aerts" not in html
    assert names_on(html) == ['<b>Aerts</b> "onload=']


def test_it_prints_whole_on_a4(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    html = pages.get("/day")
    assert re.search(r'<link rel="stylesheet" href="/static/day\.css', html)
    style = files("hub.web").joinpath("static", "day.css").read_text("utf-8")
    printed = re.sub(r"\s+", " ", style.partition("@media print")[2])
    for rule in (
        "size: A4 landscape",
        ".day-list thead { display: table-header-group; }",
        ".day-list tr { break-inside: avoid; }",
        ".scroll { overflow: visible; }",
        ".pager, .unprinted { display: none; }",
    ):
        assert rule in printed
    # Forms and files are for the screen; moment and counts are printed too.
    assert html.count("unprinted") == 3
    head = html.partition('class="card site-day"')[2].partition("</dl>")[0]
    assert "As of 23 November 2026 12:00:00" in head


def test_nothing_on_it_comes_from_elsewhere(world: DayWorld, pages: Pages) -> None:
    whole_day(world)
    html = pages.get("/day")
    for address in re.findall(r'(?:src|href)="([^"#]+)"', html):
        assert address.startswith(("/", "?")), address
    assert re.findall(r"<script(?! src=)", html) == []


def test_a_site_with_a_name_of_markup_is_text_too(world: DayWorld, pages: Pages) -> None:
    with writing(world.register.house.engine) as connection:
        connection.execute(site.update().values(name="<i>W</i>" + site.c.id))
    assert "<i>W" not in pages.get("/day")


def test_today_is_the_day_in_brussels(world: DayWorld, tmp_path: Path) -> None:
    whole_day(world)
    late = at("2026-11-22 23:30") + 3_600_000  # 00:30 in Brussels, 23:30 UTC
    assert str(brussels_day(late)) == "2026-11-23"
    office = replace(office_of(world.register, tmp_path), clock=lambda: late)
    found = Pages([site_day_pages(office, Changes())], world.register).get("/day")
    assert 'value="2026-11-23" min="2014-04-01" max="2026-11-23"' in found
