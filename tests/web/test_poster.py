"""The sites and their poster: on the page and on paper, read back with a reader of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from hub.application.poster import Poster, phone_address, qr_code
from hub.i18n import LANGUAGES, text
from hub.reports.poster import poster_pdf
from hub.settings import Settings
from hub.web.pages.sites import sites_pages
from tests.authority import qr_reader
from tests.hub.house import NOON_MS
from tests.hub.register_house import NORTH, SOUTH, STRANGER, SUB, RegisterHouse, register_house
from tests.web.register_pages import Pages, office_of

URL = "https://werf.example/phone/0123456789abcdef"
PUBLIC = Settings.model_validate({"access": {"public_url": "https://werf.example/"}})
SQUARE = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f")


@pytest.fixture
def register(tmp_path: Path) -> Iterator[RegisterHouse]:
    with register_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(register: RegisterHouse, tmp_path: Path) -> Pages:
    return Pages([sites_pages(office_of(register, tmp_path, PUBLIC), poster_pdf)], register)


def at(register: RegisterHouse, name: str) -> str:
    return "/sites/" + register.house.vault.index("site", str(register.sites[name])).hex()[:16]


def drawn_on_paper(pdf: bytes) -> str:
    """What the code on a sheet says, read from its rectangles."""
    (page,) = PdfReader(BytesIO(pdf)).pages
    content = page.get_contents()
    assert content is not None
    found = [tuple(map(float, one)) for one in SQUARE.findall(content.get_data())]
    height = min(abs(one[3]) for one in found)
    bars = [one for one in found if abs(abs(one[3]) - height) < 0.01]
    left, top = min(one[0] for one in bars), max(one[1] for one in bars)
    cells: set[tuple[int, int]] = set()
    for x, y, width, _ in bars:
        column, row = round((x - left) / height), round((top - y) / height)
        cells |= {(row, column + step) for step in range(round(width / height))}
    side = max(row for row, _ in cells) + 1
    return qr_reader.read([[int((y, x) in cells) for x in range(side)] for y in range(side)])


def read(pdf: bytes) -> str:
    """The text of a sheet, its blanks as one."""
    (page,) = PdfReader(BytesIO(pdf)).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    return " ".join(page.extract_text().split())


# ---------------------------------------------------------------- the sheet


def test_the_code_says_the_address_and_nothing_else() -> None:
    for url in (
        URL,
        "http://192.168.1.20:8080/phone/0123456789abcdef",
        phone_address("https://a.example/x/", "0" * 16),
    ):
        code = qr_code(url)
        assert qr_reader.read(qr_reader.modules_of(code.path, code.side)) == url
    assert (
        phone_address("https://a.example/x/", "0" * 16) == f"https://a.example/x/phone/{'0' * 16}"
    )


@pytest.mark.parametrize("languages", [("fr",), ("nl", "fr"), LANGUAGES])
def test_a_sheet_of_paper_says_it_in_each_language(languages: tuple[str, ...]) -> None:
    poster = Poster("Werf Noord à l'Été", "Kaai 12", languages, (NORTH, SOUTH), URL)
    pdf = poster_pdf(poster, NOON_MS)
    written = read(pdf)
    for told in (poster.site, poster.address, NORTH, SOUTH, URL):
        assert told in written
    for language in LANGUAGES:
        for key in ("headline", "scan"):
            told = text(f"poster.{key}", language)
            assert (told in written) == (language in languages), (key, language)
    assert drawn_on_paper(pdf) == URL
    assert b"/Subtype /Image" not in pdf
    assert len(pdf) < 60_000


def test_everything_stays_on_the_sheet() -> None:
    long = "A" * 120
    works = tuple(f"1Y19FAKE{n:03d}AZ" for n in range(6))
    poster = Poster(
        long,
        long + " 12",
        LANGUAGES,
        works,
        "https://" + "a" * 60 + ".example/phone/0123456789abcdef",
    )
    pdf = poster_pdf(poster, NOON_MS)
    assert all(number in read(pdf) for number in works)
    (page,) = PdfReader(BytesIO(pdf)).pages
    places: list[tuple[float, float]] = []
    page.extract_text(
        visitor_text=lambda text, cm, tm, font, size: (
            places.append((tm[4], tm[5])) if text.strip() else None
        )
    )
    assert all(0 < x < 595 and 20 < y < 842 for x, y in places)


# ---------------------------------------------------------------- the pages


def test_the_page_and_the_file_are_the_same_poster(pages: Pages, register: RegisterHouse) -> None:
    path = at(register, "Werf Noord")
    page = pages.get(f"{path}/poster")
    svg = re.search(r'viewBox="0 0 (\d+) \d+" shape-rendering.*?<path d="([^"]+)"', page, re.DOTALL)
    assert svg is not None
    url = phone_address("https://werf.example", path.rpartition("/")[2])
    assert qr_reader.read(qr_reader.modules_of(svg[2], int(svg[1]))) == url
    answer = pages.client.get(f"{path}/poster.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert drawn_on_paper(answer.content) == url
    written = read(answer.content)
    for told in ("Werf Noord", NORTH, url, text("poster.headline", "nl")):
        assert told in page
        assert told in written
    assert text("poster.headline", "de") not in page + written
    assert SOUTH not in page + written


def test_a_contractor_prints_his_own_numbers_only(pages: Pages, register: RegisterHouse) -> None:
    south = at(register, "Chantier Sud")
    pages.as_(register.contractor(SUB))
    assert NORTH in read(pages.client.get(at(register, "Werf Noord") + "/poster.pdf").content)
    for path in (south, f"{south}/poster", f"{south}/poster.pdf", "/sites/0123456789abcdef"):
        assert pages.status(path) == 404
    pages.as_(register.contractor(STRANGER))
    assert SOUTH in pages.get(f"{south}/poster")
    site = pages.get(at(register, "Werf Noord"))
    assert text("sites.gates", "en") not in site
    assert "/change" not in site


def test_without_a_setting_it_is_the_address_that_was_asked(
    register: RegisterHouse, tmp_path: Path
) -> None:
    pages = Pages([sites_pages(office_of(register, tmp_path), poster_pdf)], register)
    page = pages.get(at(register, "Werf Noord") + "/poster")
    assert "http://testserver/phone/" in page
    assert text("poster.asked_address", "en") in page


def test_a_site_is_changed_by_its_supervisor_alone(pages: Pages, register: RegisterHouse) -> None:
    north, south = at(register, "Werf Noord"), at(register, "Chantier Sud")
    pages.as_(register.at_site("Werf Noord"))
    data = {"csrf": "the token of this session", "name": "Werf Noord 2", "address": "Kaai 12"}
    answer = pages.client.post(f"{north}/change", data=data | {"languages": ["en", "fr"]})
    assert answer.status_code == 303
    page = pages.get(f"{north}/poster")
    # French was chosen before; English follows.
    assert page.index(text("poster.headline", "fr")) < page.index(text("poster.headline", "en"))
    assert "Werf Noord 2" in page
    assert "HUB-1662" in pages.post(f"{north}/change", name="Chantier Sud", languages="fr")[1]
    assert "HUB-1663" in pages.post(f"{north}/change", name="Werf")[1]
    assert "HUB-1653" in pages.post(f"{north}/change", name=" ", languages="fr")[1]
    assert pages.post(f"{south}/change", name="Mine", languages="fr")[0] == 404
    assert pages.status("/sites/new") == pages.post("/sites/new", name="N")[0] == 403


def test_an_administrator_adds_a_site(pages: Pages) -> None:
    assert text("sites.new_title", "en") in pages.get("/sites/new")
    status, where = pages.post("/sites/new", name="Werf Oost", languages="nl")
    assert status == 303
    assert "Werf Oost" in pages.get(where)
