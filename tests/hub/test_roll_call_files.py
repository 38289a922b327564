"""The list on disk: whole or the one before, for the hub's user only; and the command for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from hub.application.roll_call import Closed, Joined, Mark, RollCall, Ticked, sheet_of
from hub.i18n import LANGUAGES
from hub.reports.roll_call import roll_call_pdf
from hub.reports.roll_call_page import roll_call_page
from hub.storage.engine import writing
from hub.storage.house import DATABASE, open_house
from hub.storage.roll_call import keep_acts
from hub.storage.roll_call_files import (
    FOLDER,
    Journal,
    Shelf,
    file_names,
    read_shelf,
    write_whole,
)
from tests.hub.command_line import Sitegate, explained
from tests.hub.roll_call_site import (
    NUMBER,
    add_site,
    add_tap,
    family,
    known,
    listed,
    opened,
    tapped,
)
from tests.web.moments import NOW

SITES = [(1, "Werf Noord"), (2, "Chantier Sud")]
PEOPLE = listed(*(known(key, tapped(NOW)) for key in range(1, 6)))
CALL = RollCall("call", 1, NOW, "account:7", {1, 2, 3, 4, 5}, labels={"account:7": "Gus"})
CALL.apply(Ticked("call", 1, 2, Mark.PRESENT, NOW, "account:7"))


def shelf(folder: Path) -> Shelf:
    """The files of a data folder."""
    return Shelf(folder, roll_call_page, roll_call_pdf, "en")


def test_a_site_has_a_page_a_sheet_and_a_list_that_only_the_hub_reads(tmp_path: Path) -> None:
    shelf(tmp_path).put(PEOPLE, CALL, SITES)
    files = {path.name: path for path in (tmp_path / FOLDER).iterdir()}
    assert set(files) == {"werf-noord.html", "werf-noord.pdf", "werf-noord.json"}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    html = files["werf-noord.html"].read_text("utf-8")
    text = "".join(page.extract_text() for page in PdfReader(files["werf-noord.pdf"]).pages)
    for key in range(1, 6):
        assert (html.count(family(key)), text.count(family(key))) == (1, 1)
    assert html.count("✓") == 1
    assert 'lang="nl"' in html  # the first language of the site
    for forbidden in ("http", "<script", "src=", "url("):
        assert forbidden not in html.replace('http-equiv="refresh"', "")
    assert read_shelf(tmp_path) == [(PEOPLE, CALL)]


def test_a_name_is_text_and_not_markup() -> None:
    evil = replace(known(1, tapped(NOW)), family_name="<b>&", company="A & <i>")
    html = roll_call_page(sheet_of(listed(evil), None), "en").decode()
    assert "<b>" not in html
    assert "&lt;b&gt;&amp; Wim" in html
    assert "A &amp; &lt;i&gt;" in html


def test_a_site_that_has_another_name_has_other_files(tmp_path: Path) -> None:
    shelf(tmp_path).put(PEOPLE, None, SITES)
    (tmp_path / FOLDER / "werf-noord.pdfx1.part").write_bytes(b"cut off")
    renamed = type(PEOPLE)(1, "Werf Zuid", ("fr",), NOW, PEOPLE.entries)
    shelf(tmp_path).put(renamed, None, [(1, "Werf Zuid"), SITES[1]])
    assert {path.stem for path in (tmp_path / FOLDER).iterdir()} == {"werf-zuid"}


def test_files_are_called_after_their_site() -> None:
    sites = [(1, "Werf Noord"), (2, "werf  noord!"), (3, "Chantier d'Été"), (4, "../.."), (5, "")]
    assert file_names(sites) == {
        1: "werf-noord-1",
        2: "werf-noord-2",
        3: "chantier-d-ete",
        4: "site-4",
        5: "site-5",
    }


def test_a_writer_that_is_killed_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "list.html"
    write_whole(path, b"the old one")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from hub.storage import roll_call_files as files\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_whole(Path(sys.argv[1]), b'half of the new one')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old one"
    left = [one for one in tmp_path.iterdir() if one != path]
    assert [one.suffix for one in left] == [".part"]
    write_whole(path, b"the next one")
    assert path.read_bytes() == b"the next one"


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.pdf"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_journal_gives_back_what_it_was_given(tmp_path: Path) -> None:
    acts = [
        opened(),
        Joined("call", NOW, (3,)),
        Ticked("call", 1, 3, Mark.MISSING, NOW, "account:7"),
        Closed("call", NOW, "account:7"),
    ]
    journal = Journal(tmp_path)
    assert journal.read() == []
    for act in acts:
        journal.append(act)
    assert journal.read() == acts
    file = next((tmp_path / FOLDER).iterdir())
    assert file.stat().st_mode & 0o777 == 0o600
    journal.clear()
    journal.clear()
    assert journal.read() == []


# ---------------------------------------------------------------- the command


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two people on the first site, as a hub left it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "sitegate-data"
    monkeypatch.setattr("hub.cli.roll_call.now_ms", lambda: NOW + 3 * 60_000)
    with closing(open_house(folder)) as house, writing(house.engine) as connection:
        add_site(connection, 3)
        add_tap(connection, 1, NOW)
        add_tap(connection, 2, NOW)
        keep_acts(connection, house.vault, [opened()])
        keep_acts(connection, house.vault, [Ticked("call", 1, 2, Mark.PRESENT, NOW, "account:7")])
    return folder


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_prints_the_list(site: Path, sitegate: Sitegate, language: str) -> None:
    said = sitegate("-l", language, "roll-call", "--site", "werf noord")
    assert said.code == 0
    assert f"[ ] {family(1)} Wim" in said.out
    assert f"[x] {family(2)} Wim" in said.out
    assert NUMBER not in said.out
    assert site.exists()


def test_the_command_tells_scripts_the_same_and_draws_paper(site: Path, sitegate: Sitegate) -> None:
    said = sitegate("roll-call", "--site", "Werf Noord", "--json", "--pdf", "list.pdf").json
    assert (said["site"], said["from_disk"], said["age_s"]) == ("Werf Noord", False, 0)
    assert said["counts"]["here"] == 2
    assert [(one["family_name"], one["mark"]) for one in said["here"]] == [
        (family(1), None),
        (family(2), "present"),
    ]
    assert family(1) in PdfReader("list.pdf").pages[0].extract_text()
    assert site.exists()


def test_the_command_asks_which_site(site: Path, sitegate: Sitegate) -> None:
    for arguments in ((), ("--site", "Elders")):
        said = sitegate("-l", "en", "roll-call", *arguments)
        assert said.code == 2
        explained(said, "HUB-1741", sites="Chantier Sud, Werf Noord")
    said = sitegate("-l", "en", "roll-call", "--site", "Werf Noord", "--pdf", "no/such/list.pdf")
    assert said.code == 1
    assert "HUB-1743" in said.err
    assert site.exists()


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_without_a_database_the_last_list_is_printed_with_its_age(
    site: Path, sitegate: Sitegate, damage: str
) -> None:
    shelf(site).put(PEOPLE, CALL, SITES)
    for path in site.glob(f"{DATABASE}*"):
        path.unlink()
    if damage == "damaged":
        (site / DATABASE).write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    said = sitegate("-l", "en", "roll-call")
    assert said.code == 0
    assert "The database does not answer. Last list on disk, 3 min old." in said.out
    assert [said.out.count(family(key)) for key in range(1, 6)] == [1] * 5
    assert said.out.count("[x]") == 1
    told = sitegate("roll-call", "--json", "--pdf", "list.pdf").json
    assert (told["from_disk"], told["age_s"]) == (True, 180)
    assert "3 min" in PdfReader("list.pdf").pages[0].extract_text()
    assert json.loads((site / FOLDER / "werf-noord.json").read_text("utf-8"))


def test_without_a_database_and_without_a_list_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sitegate: Sitegate
) -> None:
    monkeypatch.chdir(tmp_path)
    said = sitegate("-l", "en", "roll-call")
    assert said.code == 3
    explained(said, "HUB-1740")
    assert not (tmp_path / "sitegate-data").exists()
