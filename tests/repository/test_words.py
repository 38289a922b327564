"""Nothing in the repository depends on, or tells of, the machine it was written on."""

from __future__ import annotations

import re

import pytest

from tests.repository.tree import files, name_of

# Written in pieces, so that this file does not find itself.
HOSTS = ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(?:com|org)", "crates" + r"\.io",
         "golang" + r"\.org", "docker" + r"\.(?:io|com)", "g" + r"hcr\.io")  # fmt: skip
FOLDERS = ("work", "root", "home", "tmp")
FORBIDDEN = {
    "package registry": re.compile("|".join(HOSTS), re.IGNORECASE),
    "path of one machine": re.compile(rf"(?<![\w.~}}*)-])/(?:{'|'.join(FOLDERS)})/"),
    "unfinished work": re.compile("TO" + "DO|FIX" + "ME|X" + "XX"),
}
SIZE_MAX = 1_000_000


def texts() -> list[tuple[str, str]]:
    """Returns (name, text) of every file of ours that is text."""
    found: list[tuple[str, str]] = []
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((name_of(path), content.decode("utf-8")))
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    hits = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        if name != "LICENSE"
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert hits == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("package registry", "see files.python" + "hosted.org"),
        ("path of one machine", "open('" + "/ho" + "me/me/x')"),
        ("path of one machine", "cd " + "/wo" + "rk/main"),
        ("unfinished work", "# TO" + "DO: later"),
    ],
)
def test_the_search_finds(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)


def test_every_text_ends_its_lines_the_same_way() -> None:
    wrong = [name for name, text in texts() if "\r" in text or (text and not text.endswith("\n"))]
    assert wrong == []


def test_no_file_is_large() -> None:
    large = [name_of(path) for path in files() if path.stat().st_size > SIZE_MAX]
    assert large == []
