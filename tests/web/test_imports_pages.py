"""The pages of imports: sending, columns, problems, importing, undoing, and people as a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import python_calamine
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.i18n import LANGUAGES
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.held_uploads import KEPT_MS, HeldUploads
from hub.storage.overview import Overview
from hub.storage.schema import audit, import_run, meta
from hub.web.app import create_app
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages.import_page import import_pages
from hub.web.pages.imports import imports_pages
from hub.web.pages.people_export import people_export_pages
from tests.hub.house import NOON_MS
from tests.hub.import_site import ImportSite, import_site
from tests.people_files import (
    FOURTEEN,
    csv_file,
    invented_people,
    two_hundred,
    xlsx_file,
)
from tests.web import sample
from tests.web.actors import CSRF, Everybody

T = TypeVar("T")


class Browser:
    """A browser without JavaScript at the pages of imports."""

    def __init__(self, place: ImportSite) -> None:
        self.place = place
        self.now_ms = NOON_MS
        house = place.house

        def write(change: Callable[[Connection], T], /) -> T:
            with writing(house.engine) as connection:
                return change(connection)

        self.uploads = HeldUploads(house.folder, house.vault)
        office = Office(
            house.engine,
            write,
            house.vault,
            lambda: self.now_ms,
            lambda: None,
            Settings(),
            house.folder,
        )
        self.access = Everybody(None)
        app = create_app(
            Overview(house.engine),
            sample.gates,
            sample.authority,
            Changes(),
            lambda: self.now_ms,
            self.access,
            more=[
                people_export_pages(office),
                imports_pages(office, self.uploads),
                import_pages(office, self.uploads),
            ],
        )
        self.client = TestClient(app, follow_redirects=False)
        self.as_(place.own)

    def as_(self, actor: Actor) -> Browser:
        """Logs somebody in."""
        self.access.current = Actor(
            actor.name,
            actor.role,
            actor.label,
            company_id=actor.company_id,
            account_id=actor.account_id,
            sites=actor.sites,
            csrf=CSRF,
        )
        return self

    def get(self, path: str, language: str = "nl") -> Response:
        """Asks for a page."""
        return self.client.get(path, headers={"Accept-Language": language})

    def post(self, path: str, **fields: str) -> Response:
        """Sends a form."""
        return self.client.post(
            path, data={"csrf": CSRF, **fields}, headers={"Accept-Language": "nl"}
        )

    def send(self, data: bytes, name: str = "lijst.xlsx") -> str:
        """Sends a list, and returns where it leads."""
        answer = self.client.post("/imports", data={"csrf": CSRF}, files={"file": (name, data)})
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A contractor's browser."""
    with import_site(tmp_path) as place:
        yield Browser(place)


def cells(content: bytes) -> list[list[str]]:
    """The cells of the first sheet of a workbook."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


class TestDryRun:
    @pytest.mark.parametrize("language", ["fr", "nl"])
    def test_all_fourteen_are_told_and_the_others_offered(
        self, browser: Browser, language: str
    ) -> None:
        page = browser.get(browser.send(xlsx_file(two_hundred(), language)), language)
        assert page.status_code == 200
        told = [int(n) for n in re.findall(r"<strong>(?:Rij|Ligne) (\d+)</strong>", page.text)]
        assert sorted(told) == sorted(one.index + 2 for one in FOURTEEN)
        assert 'value="good"' in page.text
        assert 'value="all"' not in page.text
        for one in FOURTEEN:
            assert one.code in page.text
        # What was typed is not shown again but for the names.
        assert "8.50313E+10" not in page.text

    def test_nothing_is_written_before_it_is_chosen(self, browser: Browser) -> None:
        browser.get(browser.send(xlsx_file(invented_people(3))))
        assert browser.place.people() == []
        with reading(browser.place.house.engine) as connection:
            assert connection.execute(select(import_run)).all() == []

    def test_the_good_rows_then_the_corrected_ones(self, browser: Browser) -> None:
        where = browser.send(xlsx_file(two_hundred(), "nl"))
        wrong = browser.get(f"{where}/wrong.xlsx")
        assert wrong.headers["Cache-Control"] == "no-store"
        found = cells(wrong.content)
        assert found[0][-1] == "Te verbeteren"
        assert len(found) == 15
        assert "IMP-2007" in found[1][-1]
        assert found[1][4] == "8.50313E+10"
        assert browser.post(where, do="good").headers["Location"] == "/imports?said=imported_good"
        assert len(browser.place.people()) == 186
        corrected = [two_hundred(())[one.index] for one in FOURTEEN]
        second = browser.send(xlsx_file(corrected, "nl"))
        assert 'value="all"' in browser.get(second).text
        browser.post(second, do="all")
        assert len(browser.place.people()) == 200

    def test_a_file_of_wrong_rows_may_be_corrected_and_sent_as_it_is(
        self, browser: Browser
    ) -> None:
        where = browser.send(xlsx_file(two_hundred(), "nl"))
        again = browser.send(browser.get(f"{where}/wrong.xlsx").content)
        page = browser.get(again).text
        # The column of remarks is known and not read: the rows are judged at once.
        assert 'class="notice"' not in page
        assert 'value="all"' not in page
        assert "IMP-2007" in page


class TestColumns:
    TITLE = ("Ploegnaam", "Firstname", "Nr pers.", "Kaart X", "Taal")

    def rows(self) -> bytes:
        people = [
            {k: v for k, v in row.items() if k != "language"} | {"language": "nl"}
            for row in invented_people(2)
        ]
        return xlsx_file(people, title=self.TITLE, before=("Leeg",))

    def test_what_is_not_known_is_said_once_and_remembered(self, browser: Browser) -> None:
        where = browser.send(self.rows())
        page = browser.get(where).text
        assert "De titels van de kolommen A, C, D zijn niet bekend." in page
        assert "Ontbreekt nog: Naam · Rijksregisternummer of Limosanummer" in page
        assert 'value="all"' not in page
        number = invented_people(1)[0]["inss"]
        assert number not in page
        assert number[:2] + "*" * 9 in page
        said = {
            "column_0": "family_name",
            "column_1": "given_name",
            "column_2": "inss",
            "column_3": "badge_uid",
            "column_4": "language",
        }
        answer = browser.post(
            where, do="columns", sheet="Personen", sheet_before="Personen", **said
        )
        assert answer.headers["Location"] == where
        assert 'value="all"' in browser.get(where).text
        browser.post(where, do="all")
        assert len(browser.place.people()) == 2
        assert 'value="all"' in browser.get(browser.send(self.rows())).text
        # Another company's list with the same headings is not known by that.
        browser.as_(browser.place.other)
        assert 'value="all"' not in browser.get(browser.send(self.rows())).text
        with reading(browser.place.house.engine) as connection:
            kept = str(connection.execute(select(meta)).all())
        assert "Ploegnaam" not in kept

    def test_another_sheet_can_be_chosen(self, browser: Browser) -> None:
        where = browser.send(self.rows())
        assert "‘Personen’" in browser.get(where).text
        browser.post(where, do="columns", sheet="Leeg", sheet_before="Personen")
        assert "IMP-1001" in browser.get(where).text


class TestHeld:
    def test_only_whoever_sent_it_finds_it_and_only_for_an_hour(self, browser: Browser) -> None:
        where = browser.send(xlsx_file(invented_people(1)))
        (path,) = (browser.place.house.folder / "uploads").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_bytes()
        assert b"PK" not in content[:64]
        assert invented_people(1)[0]["inss"].encode() not in content
        browser.as_(browser.place.other)
        assert browser.get(where).status_code == 404
        assert browser.get(f"{where}/wrong.xlsx").status_code == 404
        assert browser.post(where, do="all").status_code == 404
        browser.as_(browser.place.own)
        assert browser.get(where).status_code == 200
        browser.now_ms += KEPT_MS
        assert browser.get(where).status_code == 404
        assert not path.exists()

    @pytest.mark.parametrize("do", ["all", "discard"])
    def test_it_is_erased_when_it_was_used(self, browser: Browser, do: str) -> None:
        where = browser.send(xlsx_file(invented_people(1)))
        assert browser.post(where, do=do).status_code == 303
        assert list((browser.place.house.folder / "uploads").iterdir()) == []
        assert browser.get(where).status_code == 404

    def test_a_hub_that_starts_holds_none(self, browser: Browser) -> None:
        browser.send(xlsx_file(invented_people(1)))
        browser.uploads.erase_all()
        assert list((browser.place.house.folder / "uploads").iterdir()) == []

    @pytest.mark.parametrize("handle", ["x" * 32, "a" * 31, "0" * 32, "..%2Fkeys.json"])
    def test_other_names_are_not_there(self, browser: Browser, handle: str) -> None:
        assert browser.get(f"/imports/{handle}").status_code == 404


class TestSending:
    def test_no_file_is_told(self, browser: Browser) -> None:
        answer = browser.post("/imports")
        assert answer.status_code == 422
        assert "HUB-1674" in answer.text

    def test_what_is_far_too_long_is_not_read(self, browser: Browser) -> None:
        answer = browser.client.post(
            "/imports", content=b"x", headers={"Content-Length": "30000000"}
        )
        assert answer.status_code == 413

    @pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"\x00" * 50, b"just words", b";;;\n;"])
    def test_any_bytes_are_explained(self, browser: Browser, data: bytes) -> None:
        page = browser.get(browser.send(data, "x.bin"))
        assert page.status_code == 200
        assert "IMP-" in page.text
        assert 'value="all"' not in page.text

    def test_a_form_of_another_page_is_refused(self, browser: Browser) -> None:
        answer = browser.client.post(
            "/imports", data={"csrf": "x"}, files={"file": ("a.csv", b"a;b")}
        )
        assert answer.status_code == 403

    @pytest.mark.parametrize("role", [Role.GUARD, Role.INSPECTOR, Role.WORKER])
    def test_who_may_not_import_sees_none_of_it(self, browser: Browser, role: Role) -> None:
        browser.as_(Actor("account:8", role, sites=frozenset({1}), account_id=8))
        for path in ("/imports", "/imports/template.xlsx", "/people/export.csv"):
            assert browser.get(path).status_code == 403


class TestEarlier:
    def test_the_last_one_can_be_undone_on_the_page(self, browser: Browser) -> None:
        browser.post(browser.send(xlsx_file(invented_people(2))), do="all")
        browser.now_ms += 5000
        browser.post(browser.send(xlsx_file(invented_people(3))), do="all")
        page = browser.get("/imports").text
        (run,) = re.findall(r'name="run" value="(\w+)"', page)
        assert browser.post("/imports/undo", run=run).headers["Location"] == "/imports?said=undone"
        assert len(browser.place.people()) == 2
        assert browser.post("/imports/undo", run=run).status_code == 422
        browser.as_(browser.place.other)
        assert "Bouwwerken" not in browser.get("/imports").text
        assert "<tbody>" not in browser.get("/imports").text

    def test_a_copy_was_made_and_only_the_newest_stay(self, browser: Browser) -> None:
        for number in range(7):
            browser.now_ms += 1000
            browser.post(browser.send(xlsx_file(invented_people(number + 1))), do="all")
        copies = sorted((browser.place.house.folder / "backups").iterdir())
        assert len(copies) == 5
        assert {copy.stat().st_mode & 0o777 for copy in copies} == {0o600}
        with reading(browser.place.house.engine) as connection:
            named = connection.execute(select(import_run.c.backup)).scalars().all()
        assert [copy.name for copy in copies] == named[-5:]

    def test_without_a_copy_nothing_is_imported(self, browser: Browser) -> None:
        (browser.place.house.folder / "backups").write_text("in the way")
        answer = browser.post(browser.send(xlsx_file(invented_people(1))), do="all")
        assert answer.status_code == 422
        assert "HUB-1673" in answer.text
        assert browser.place.people() == []


class TestTemplate:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_can_be_sent_back_with_people_in_it(self, browser: Browser, language: str) -> None:
        content = browser.get("/imports/template.xlsx", language).content
        assert len(cells(content)) == 2
        page = browser.get(browser.send(content), language).text
        # Its example is nobody.
        assert "IMP-2022" in page
        assert 'class="notice"' not in page
        assert 'value="all"' not in page


class TestExport:
    def test_numbers_are_masked_and_it_is_noted(self, browser: Browser) -> None:
        rows = invented_people(2)
        rows[0]["family_name"] = "=1+1"
        browser.place.take(csv_file(rows))
        browser.place.take(invented_people(4)[3:], browser.place.other)
        for path in ("/people/export.csv", "/people/export.xlsx"):
            answer = browser.get(path)
            assert answer.headers["Cache-Control"] == "no-store"
            if path.endswith("csv"):
                text = answer.content.decode("utf-8-sig")
                assert ";'=1+1;" in f";{text.splitlines()[1]}"
            else:
                text = str(cells(answer.content))
                assert "'=1+1'" in text
            assert "Brasseur" in text
            assert "Dupuis" not in text
            for row in rows:
                assert row["inss"] not in text
                assert f"{row['inss'][:2]}.{row['inss'][2:4]}" in text
        with reading(browser.place.house.engine) as connection:
            noted = connection.execute(
                select(audit.c.actor).where(audit.c.action == "people.exported")
            ).scalars()
            assert list(noted) == ["account:5", "account:5"]
