"""Texts are parsed once for an installation, and again when their file is another one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hub import i18n
from hub.compiled import Compiled

SOURCE = b'[greeting]\nfr = "Bonjour"\nnl = "Dag"\n'
FOUND = {"room.greeting": {"fr": "Bonjour", "nl": "Dag"}}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed."""
    seen: list[str] = []
    loads = tomllib.loads

    def noted(source: str) -> dict[str, object]:
        seen.append(source)
        return loads(source)

    monkeypatch.setattr(i18n.tomllib, "loads", noted)
    return seen


def read(folder: Path, source: bytes = SOURCE) -> dict[str, dict[str, str]]:
    """What a new process has of a room."""
    return i18n._texts("room", source, Compiled(folder))  # pyright: ignore[reportPrivateUsage]


def test_a_room_is_parsed_once(tmp_path: Path, parsed: list[str]) -> None:
    assert [read(tmp_path), read(tmp_path)] == [FOUND, FOUND]
    assert parsed == [SOURCE.decode()]


def test_a_changed_room_is_parsed_again_and_leaves_one_file(
    tmp_path: Path, parsed: list[str]
) -> None:
    read(tmp_path)
    assert read(tmp_path, SOURCE.replace(b"Dag", b"Goeiedag"))["room.greeting"]["nl"] == "Goeiedag"
    assert len(parsed) == 2
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("left", [b"", b"half", None])
def test_what_is_not_whole_is_parsed_again(
    left: bytes | None, tmp_path: Path, parsed: list[str]
) -> None:
    read(tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(content.replace(b"Bonjour", b"Bonsoir") if left is None else left)
    assert read(tmp_path) == FOUND
    assert len(parsed) == 2
    assert file.read_bytes() == content
