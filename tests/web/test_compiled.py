"""Compiled templates are kept, taken up by the next process, and never trusted when not whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from hub.compiled import Compiled
from hub.web.compiled import CompiledTemplates


def environment(folder: Path, source: str, trim: bool = True) -> Environment:
    """An environment as a new process has it."""
    return Environment(
        loader=DictLoader({"page": source}),
        autoescape=True,
        trim_blocks=trim,
        bytecode_cache=CompiledTemplates(Compiled(folder)),
    )


def drawn(folder: Path, source: str = "Bonjour {{ who }}") -> str:
    """What a new process draws."""
    return environment(folder, source).get_template("page").render(who="Ada")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were compiled."""
    names: list[str] = []
    real = Environment._generate

    def noted(self: Environment, source: object, name: str, *rest: object, **more: object) -> str:
        names.append(name)
        return real(self, source, name, *rest, **more)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Environment, "_generate", noted)
    return names


def test_a_template_is_compiled_once(tmp_path: Path, compiled: list[str]) -> None:
    assert [drawn(tmp_path), drawn(tmp_path)] == ["Bonjour Ada", "Bonjour Ada"]
    assert compiled == ["page"]


def test_another_source_or_another_way_of_compiling_is_compiled_again(
    tmp_path: Path, compiled: list[str]
) -> None:
    drawn(tmp_path)
    assert drawn(tmp_path, "Dag {{ who }}") == "Dag Ada"
    environment(tmp_path, "Dag {{ who }}", trim=False).get_template("page")
    assert compiled == ["page"] * 3


@pytest.mark.parametrize("kept", ["nothing", "half", "one bit"])
def test_what_a_power_cut_left_is_compiled_again(
    kept: str, tmp_path: Path, compiled: list[str]
) -> None:
    drawn(tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    changed = bytes([content[-1] ^ 1])
    file.write_bytes(
        {"nothing": b"", "half": content[: len(content) // 2], "one bit": content[:-1] + changed}[
            kept
        ]
    )
    assert drawn(tmp_path) == "Bonjour Ada"
    assert compiled == ["page"] * 2
    assert file.read_bytes() == content


def test_a_folder_that_lets_nobody_write_is_done_without(
    tmp_path: Path, compiled: list[str]
) -> None:
    for _ in range(2):
        assert drawn(tmp_path / "not there") == "Bonjour Ada"
    assert compiled == ["page"] * 2
