"""The commands a site manager types: what they do, say and return."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli.run import listen
from hub.clock import now_ms
from hub.i18n import LANGUAGES, error_text, text
from hub.storage.engine import writing
from hub.storage.house import lock_house, open_house
from hub.storage.register import Register
from tests.hub.command_line import Said, Sitegate, explained, stored
from tests.hub.derived import Site
from tests.hub.house import JOURNAL, MILAN, NOON_MS, PEOPLE, TestHouse, record

ROOT = Path(__file__).resolve().parents[2]


def program(*arguments: str) -> Said:
    """Runs a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


# ---------------------------------------------------------------- import


def test_import_writes_everybody_and_says_how_many(sitegate: Sitegate) -> None:
    said = sitegate("import", "people.csv")
    assert (said.code, said.err) == (0, "")
    assert text("cli.imported", "en", rows=3, people=3, badges=3, moved=0) in said.out
    assert len(stored()["person"]) == 3


def test_import_says_as_json_what_it_did(sitegate: Sitegate) -> None:
    found = sitegate("import", "people.csv", "--json").json
    counts = ("rows", "people_new", "badges_new", "badges_moved", "errors")
    assert [found[name] for name in counts] == [3, 3, 3, 0, 0]
    assert (found["accepted"], found["written"], found["problems"]) == (True, True, [])
    again = sitegate("import", "people.csv", "--json").json
    assert [again[name] for name in counts] == [3, 0, 0, 0, 0]


def test_a_dry_run_writes_nothing_at_all(sitegate: Sitegate, tmp_path: Path) -> None:
    said = sitegate("import", "people.csv", "--dry-run")
    assert said.code == 0
    assert text("cli.dry_run", "en") in said.out
    assert sitegate("import", "people.csv", "--dry-run", "--json").json["written"] is False
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


BAD = PEOPLE.replace("85031299761", "85031299762").replace(";fr;", ";xx;")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_bad_file_is_explained_row_by_row_and_loses_nothing(
    sitegate: Sitegate, tmp_path: Path, language: str, dry_run: bool
) -> None:
    sitegate("import", "people.csv")
    before = stored()
    (tmp_path / "bad.csv").write_text(BAD)
    option = ["--dry-run"] if dry_run else []
    said = sitegate("--language", language, "import", "bad.csv", *option)
    assert said.code == 2
    lines = [line.split() for line in said.out.splitlines()]
    for row, column, code, values in (
        ("2", "inss", "IMP-3002", {}),
        (
            "3",
            "language",
            "IMP-2004",
            {"languages": "fr, nl, de, en, pl, pt, ro, bg, uk, tr, es, it"},
        ),
    ):
        (line,) = [line for line in lines if line[:2] == [row, column]]
        assert code in line
        told = error_text(code, language, **values)
        assert " ".join(line).endswith(" ".join(told.happened.split()))
        assert told.next in said.out
    assert text("import.row", language) in said.out
    assert text("import.refused", language) in said.out
    assert "85031299762" not in said.out
    assert stored() == before


def test_a_bad_file_is_one_json_object_too(sitegate: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(BAD)
    said = sitegate("-l", "de", "import", "bad.csv", "--json")
    assert said.code == 2
    found = said.json
    assert (found["accepted"], found["written"], found["errors"]) == (False, False, 2)
    problems = [(p["row"], p["column"], p["code"], p["severity"]) for p in found["problems"]]
    assert problems == [(2, "inss", "IMP-3002", "error"), (3, "language", "IMP-2004", "error")]
    assert found["problems"][0]["reason"] == error_text("IMP-3002", "de").happened
    assert not (tmp_path / "sitegate-data").exists()


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_told(sitegate: Sitegate, name: str) -> None:
    said = sitegate("import", name)
    assert said.code == 2
    reason = "FileNotFoundError" if name == "missing.csv" else "IsADirectoryError"
    explained(said, "HUB-1013", file=name, reason=reason)


def test_a_file_that_is_far_too_large_is_not_read(sitegate: Sitegate, tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    said = sitegate("import", "huge.csv")
    assert said.code == 2
    explained(said, "HUB-1013", file="huge.csv", reason="size")


def test_people_without_the_key_file_are_not_written_under_a_new_one(
    sitegate: Sitegate, tmp_path: Path
) -> None:
    sitegate("import", "people.csv")
    before = stored()
    (tmp_path / "sitegate-data" / "keys.json").unlink()
    said = sitegate("import", "people.csv")
    assert said.code == 1
    explained(said, "HUB-1007", file="sitegate-data/keys.json")
    assert stored() == before


def test_a_database_that_another_command_holds_is_told_and_nothing_is_written(
    sitegate: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitegate("import", "people.csv")
    before = stored()
    monkeypatch.setattr("hub.storage.engine.BUSY_MS", 20)
    other = sqlite3.connect("sitegate-data/sitegate.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = sitegate("import", "people.csv")
    other.close()
    assert said.code == 1
    explained(said, "HUB-1003", folder="sitegate-data")
    assert stored() == before


# ---------------------------------------------------------------- rebuild


def tapped() -> None:
    """One tap, made after the import linked its badge, is in the inbox and was not projected."""
    at_ms = now_ms()
    house = open_house(Path("sitegate-data"))
    with writing(house.engine) as connection:
        register = Register(connection, house.vault)
        gates = [
            register.add_terminal(f"gate-{way}", "", "Werf Noord", way, NOON_MS)
            for way in ("in", "out")
        ]
    site = Site(TestHouse(house, *gates))
    site.arrive("gate-in", at_ms, record(1, house.vault.tag(MILAN), at_ms), journal=JOURNAL)
    house.close()


def test_rebuild_makes_everything_again_and_counts(people: Sitegate) -> None:
    tapped()
    assert stored()["registration"] == []
    said = people("rebuild")
    assert (said.code, said.out) == (0, text("cli.rebuilt", "en", records=1) + "\n")
    after = stored()
    assert [row[5] for row in after["registration"]] == ["due"]
    assert people("rebuild", "--json").json == {"records": 1}
    assert stored() == after


def test_rebuild_is_refused_while_a_hub_runs(people: Sitegate) -> None:
    tapped()
    before = stored()
    lock = lock_house(Path("sitegate-data"))
    said = people("rebuild")
    lock.close()
    assert said.code == 1
    explained(said, "HUB-1009", folder="sitegate-data")
    assert stored() == before
    assert people("rebuild").code == 0


# ---------------------------------------------------------------- doctor


def findings(said: Said) -> dict[str, tuple[str, str]]:
    """Subject -> (state, code) of a doctor's JSON."""
    return {entry["subject"]: (entry["state"], entry["code"]) for entry in said.json["findings"]}


def test_doctor_finds_a_new_machine_without_fault(sitegate: Sitegate, tmp_path: Path) -> None:
    said = sitegate("doctor", "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    found = findings(said)
    assert found["data"] == ("warning", "doctor.data_missing")
    assert found["authority"] == ("warning", "doctor.authority_unset")
    assert found["broker"] == ("ok", "doctor.broker")
    assert {state for state, _ in found.values()} == {"ok", "warning"}
    # To look is not to make.
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_doctor_says_what_a_working_hub_has(
    people: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tapped()
    with socket.create_server(("127.0.0.1", 0)) as authority:
        url = f"http://127.0.0.1:{authority.getsockname()[1]}/x"
        monkeypatch.setenv("SITEGATE_AUTHORITY__URL", url)
        said = people("doctor", "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    assert findings(said) == {
        "sqlite": ("ok", "doctor.sqlite"),
        "clock": ("ok", "doctor.clock"),
        "data": ("ok", "doctor.data"),
        "disk": ("ok", "doctor.disk"),
        "keys": ("ok", "doctor.keys"),
        "register": ("ok", "doctor.register"),
        "terminals": ("ok", "doctor.terminals"),
        "messages": ("ok", "doctor.messages_none"),
        "hub": ("ok", "doctor.hub_no"),
        "broker": ("ok", "doctor.broker"),
        "certificate": ("ok", "doctor.certificate_off"),
        "authority": ("ok", "doctor.authority"),
        "pages": ("ok", "doctor.pages"),
    }


def test_doctor_may_look_while_the_hub_runs(people: Sitegate) -> None:
    lock = lock_house(Path("sitegate-data"))
    found = findings(people("doctor", "--json"))
    lock.close()
    assert found["hub"] == ("ok", "doctor.hub_yes")


def test_doctor_warns_of_what_is_not_as_it_should_be(
    people: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.cli.doctor.lacking", lambda: ["htmx.min.js"])
    (tmp_path / "sitegate-data" / "keys.json").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (tmp_path / "sitegate.toml").write_text(f'[authority]\nurl = "http://127.0.0.1:{port}/x"\n')
    said = people("doctor", "--json")
    found = findings(said)
    assert said.code == 0
    assert found["keys"] == ("warning", "doctor.keys")
    assert found["terminals"] == ("warning", "doctor.terminals")
    assert found["authority"] == ("warning", "HUB-1301")
    assert found["pages"] == ("warning", "HUB-1870")
    assert "htmx.min.js" in people("doctor").out


@pytest.mark.parametrize("url", ["ftp://x/", "http://x:many/", "http://198.51.100.1/", "nowhere"])
def test_doctor_finds_an_address_that_cannot_be_used(sitegate: Sitegate, url: str) -> None:
    Path("sitegate.toml").write_text(f'[authority]\nurl = "{url}"\n')
    said = sitegate("doctor", "--json")
    assert said.code == 1
    assert findings(said)["authority"] == ("fault", "HUB-1318")


def test_doctor_finds_a_damaged_database_and_says_what_to_do(people: Sitegate) -> None:
    with Path("sitegate-data/sitegate.db").open("r+b") as file:
        file.write(b"x" * 5_000)
    before = Path("sitegate-data/sitegate.db").read_bytes()
    said = people("-l", "fr", "doctor")
    assert said.code == 1
    told = error_text("HUB-1004", "fr", reason="DatabaseError")
    for part in ("HUB-1004", told.happened, told.kept, told.next):
        assert part in said.out
    assert findings(people("doctor", "--json"))["data"] == ("fault", "HUB-1004")
    assert Path("sitegate-data/sitegate.db").read_bytes() == before


# ---------------------------------------------------------------- the rest


def test_settings_are_shown_with_what_they_mean(sitegate: Sitegate) -> None:
    Path("sitegate.toml").write_text("[broker]\nport = 2883\n")
    shown = sitegate("settings").out
    (line,) = [line for line in shown.splitlines() if line.startswith("broker.port")]
    assert line.split()[1] == "2883"
    assert line.endswith("MQTT port; 0 takes a free one.")
    found = sitegate("settings", "--json").json
    assert (found["broker.port"], found["web.host"]) == ("2883", "127.0.0.1")


def test_an_error_is_told_in_the_language_that_was_asked(sitegate: Sitegate) -> None:
    for language in LANGUAGES:
        said = sitegate("--language", language, "--settings", "no.toml", "doctor")
        assert said.code == 2
        explained(said, "HUB-1002", language, key="no.toml", reason="no such file")


@pytest.mark.parametrize(
    ("lang", "language"), [("fr_BE.UTF-8", "fr"), ("nl", "nl"), ("C.UTF-8", "de"), ("es_ES", "de")]
)
def test_without_a_wish_the_environment_and_then_the_setting_decides(
    sitegate: Sitegate, monkeypatch: pytest.MonkeyPatch, lang: str, language: str
) -> None:
    Path("sitegate.toml").write_text('language = "de"\n')
    monkeypatch.setenv("LANG", lang)
    said = sitegate("import", "missing.csv")
    explained(said, "HUB-1013", language, file="missing.csv", reason="FileNotFoundError")
    assert text("cli.dry_run", language) in sitegate("import", "people.csv", "--dry-run").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("import",),
        ("import", "people.csv", "--nonsense"),
        ("--language", "es", "doctor"),
        ("terminal", "add", "gate-1"),
    ],
)
def test_what_cannot_be_understood_is_code_2(
    sitegate: Sitegate, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    said = sitegate(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err
    assert not (tmp_path / "sitegate-data").exists()


def test_run_does_not_start_on_a_taken_port(sitegate: Sitegate, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        Path("sitegate.toml").write_text(f"[web]\nport = {port}\n")
        said = sitegate("run")
    assert said.code == 1
    explained(said, "HUB-1005", port=port)
    assert not (tmp_path / "sitegate-data").exists()


def test_an_answer_is_not_held_back() -> None:
    """asyncio turns Nagle's algorithm off only where the socket names its protocol."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_run_says_when_its_address_is_not_of_this_machine(sitegate: Sitegate) -> None:
    Path("sitegate.toml").write_text('[web]\nhost = "192.0.2.1"\n')
    said = sitegate("run")
    assert said.code == 2
    assert said.err.startswith("HUB-1002: ")
    assert "web.host" in said.err


def test_run_does_not_start_beside_another_hub(people: Sitegate) -> None:
    lock = lock_house(Path("sitegate-data"))
    Path("sitegate.toml").write_text("[web]\nport = 0\n")
    said = people("run")
    lock.close()
    assert said.code == 1
    explained(said, "HUB-1009", folder="sitegate-data")


@pytest.mark.processes
def test_the_program_ends_with_the_code_and_the_text_of_its_error(sitegate: Sitegate) -> None:
    del sitegate  # the folder and the environment are as for it
    Path("sitegate.toml").write_text("[broker]\nprt = 1\n")
    said = program("-l", "nl", "doctor")
    assert said.code == 2
    explained(said, "HUB-1001", "nl", key="broker.prt")


@pytest.mark.processes
def test_the_program_shows_its_commands_when_nothing_is_asked() -> None:
    said = program("--help")
    assert said.code == 0
    for command in ("run", "demo", "import", "doctor", "terminal", "rebuild", "settings"):
        assert command in said.out
