"""The command line in tests: run in this process, and what it said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.i18n import error_text


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        (line,) = self.out.splitlines()
        value = json.loads(line)
        assert isinstance(value, dict)
        return value


Sitegate = Callable[..., Said]
"""Runs `sitegate` with these arguments."""


def stored() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the data folder in the working folder."""
    connection = sqlite3.connect("file:sitegate-data/sitegate.db?mode=ro", uri=True)
    try:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    finally:
        connection.close()


def explained(said: Said, code: str, language: str = "en", **values: object) -> None:
    """Checks that an error was told whole, and on standard error."""
    told = error_text(code, language, **values)
    assert said.err == f"{code}: {told.happened}\n  {told.kept}\n  {told.next}\n"
