"""The list on paper: each of 400 people once, on pages that say how many there are."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from hub.application.roll_call import Known, Mark, RollCall, Sheet, Ticked, sheet_of
from hub.i18n import LANGUAGES, text
from hub.reports.roll_call import roll_call_pdf
from tests.hub.roll_call_site import family, known, listed, tapped
from tests.web.moments import NOW, at

PEOPLE = 400
A4_POINTS = (595, 842)


def crowd() -> Sheet:
    """Four hundred people: of nine companies, some gone, some not come, some visiting."""
    people: list[Known] = []
    for key in range(PEOPLE):
        company = f"Onderneming {key % 9}" if key % 40 else ""
        seen = None if key % 25 == 3 else tapped(at("06:58:00"), inside=key % 20 != 1)
        people.append(
            Known(key, f"{key:032x}", "Wim", family(key), company, key % 40 == 0, seen,
                  expected=key % 25 == 3)
        )  # fmt: skip
    return sheet_of(listed(*people), None)


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def test_each_of_four_hundred_names_is_on_paper_once_and_every_page_says_which_it_is() -> None:
    pdf = roll_call_pdf(crowd(), "nl")
    found = pages(pdf)
    text = "\n".join(found)
    assert [key for key in range(PEOPLE) if text.count(family(key)) != 1] == []
    assert len(found) > 5
    for number, page in enumerate(found, start=1):
        assert f"Pagina {number}/{len(found)}" in page
        assert "07:42:10" in page
    for page in PdfReader(BytesIO(pdf)).pages:
        size = (round(float(page.mediabox.width)), round(float(page.mediabox.height)))
        assert size == A4_POINTS
    assert not re.search(r"\d{11}", text)


def test_the_order_is_company_then_name_in_each_group() -> None:
    sheet = crowd()
    text = "\n".join(pages(roll_call_pdf(sheet, "en")))
    shown = re.findall(r"Naam\d{4}x", text)
    expected = [*sheet.here, *sheet.left, *sheet.not_come]
    assert shown == [row.entry.family_name for row in expected]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_that_it_comes_from_taps_in_every_language(language: str) -> None:
    page = pages(roll_call_pdf(crowd(), language, "It is old."))[0]
    said = text("roll_call.caution", language)
    words = page.replace("\n", " ")
    assert said[:40] in words
    assert "It is old." in words
    for key in ("title", "here"):
        assert text(f"roll_call.{key}", language) in words


@pytest.mark.parametrize("count", [0, 1, 44, 45, 46, 90, 91])
def test_no_row_is_lost_where_a_page_ends(count: int) -> None:
    sheet = sheet_of(listed(*(known(key, tapped(NOW)) for key in range(count))), None)
    found = pages(roll_call_pdf(sheet, "fr"))
    text = "\n".join(found)
    assert all(text.count(family(key)) == 1 for key in range(count))
    assert f"Page {len(found)}/{len(found)}" in found[-1]


def test_letters_of_every_name_are_in_the_font(caplog: pytest.LogCaptureFixture) -> None:
    person = Known(1, "a", "Łukasz", "Дмитрук-Ñandú", "Élan & Söhne", False, tapped(NOW))
    page = pages(roll_call_pdf(sheet_of(listed(person), None), "fr"))[0]
    assert "Дмитрук-Ñandú Łukasz" in page
    assert caplog.records == []


def test_who_was_found_has_a_filled_box() -> None:
    people = listed(known(1, tapped(NOW)), known(2, tapped(NOW)))
    call = RollCall("call", 1, NOW, "account:7", {1, 2})
    empty = roll_call_pdf(sheet_of(people, call), "en")
    call.apply(Ticked("call", 1, 2, Mark.PRESENT, NOW, "account:7"))
    ticked = roll_call_pdf(sheet_of(people, call), "en")

    def lines(pdf: bytes) -> int:
        content = PdfReader(BytesIO(pdf)).pages[0].get_contents()
        assert content is not None
        return content.get_data().count(b" l S")

    assert lines(ticked) == lines(empty) + 2
    assert "began at 07:42" in pages(ticked)[0].replace("\n", " ")
